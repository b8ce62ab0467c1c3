#include "rescue/identify/identify_worker.h"

#include "sandbox/channel.h"
#include "sandbox/sandbox.h"
#include "shim/crypto.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_ROOM = 256, MEMORY = 64 << 20, PATIENCE = 60000 /* milliseconds for one file */ };

struct request {
    uint64_t size;
    uint32_t name_len;
    uint8_t name[NAME_ROOM];
};

struct identify_worker {
    const struct knowledge *knowledge;
    struct sandbox_child child;
    int socket; /* -1: none runs */
};

/* --- in the worker --- */

static bool receive_request(struct request *request, struct channel_fds *file)
{
    return channel_take(SANDBOX_FIRST, request, sizeof *request, file) && file->count == 1 &&
           request->name_len <= NAME_ROOM;
}

static int serve(void *context)
{
    const struct knowledge *knowledge = context;
    struct arena *arena = arena_new(MEMORY);
    struct request request;
    struct walls walls;
    struct why why;
    struct channel_fds file;
    crypto_warm();
    if (!arena || sandbox_seal(&profile_worker, &walls, &why) < 0)
        return 1;
    while (receive_request(&request, &file)) {
        struct identity identity;
        struct sighting sighting;
        struct source source =
            source_of_file(file.at[0], request.size, (bytes){request.name, request.name_len});
        arena_reset(arena);
        int error = identify_file(knowledge, &source, arena, &identity, &why);
        if (error)
            memset(&identity, 0, sizeof identity);
        sighting_of(&identity, &sighting);
        sighting.error = error;
        if (error)
            memcpy(sighting.why, why.text, sizeof sighting.why - 1);
        close(file.at[0]);
        if (channel_send(SANDBOX_FIRST, &sighting, sizeof sighting, NULL, 0, 0))
            return 1;
    }
    return 0;
}

/* --- in this process --- */

static int start(struct identify_worker *worker, struct why *why)
{
    int ends[2];
    int error = channel_open(ends, why);
    if (error)
        return error;
    error = sandbox_spawn(&profile_worker, serve, (void *)(uintptr_t)worker->knowledge,
                          &ends[1], 1, &worker->child, why);
    close(ends[1]);
    if (error) {
        close(ends[0]);
        return error;
    }
    worker->socket = ends[0];
    return 0;
}

static void stop(struct identify_worker *worker)
{
    if (worker->socket < 0)
        return;
    close(worker->socket);
    worker->socket = -1;
    sandbox_end(&worker->child, NULL);
}

static bool take(int socket, struct sighting *ret)
{
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    int ready;
    do
        ready = poll(&wait, 1, PATIENCE);
    while (ready < 0 && errno == EINTR);
    return ready > 0 && channel_take(socket, ret, sizeof *ret, NULL);
}

int identify_worker_new(const struct knowledge *knowledge, struct identify_worker **ret,
                        struct why *why)
{
    struct identify_worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return fail(why, ENOMEM, "out of memory");
    *worker = (struct identify_worker){.knowledge = knowledge, .socket = -1};
    int error = start(worker, why);
    if (error)
        free(worker);
    else
        *ret = worker;
    return error;
}

int identify_worker_look(struct identify_worker *worker, int fd, uint64_t size, bytes name,
                         struct sighting *ret, struct why *why)
{
    struct request request = {.size = size};
    int error = worker->socket < 0 ? start(worker, why) : 0;
    if (error)
        return error;
    /* Of a long name the end tells more. */
    bytes end = bytes_slice(name, name.len > NAME_ROOM ? name.len - NAME_ROOM : 0, NAME_ROOM);
    request.name_len = (uint32_t)end.len;
    if (end.len)
        memcpy(request.name, end.at, end.len);
    if (channel_send(worker->socket, &request, sizeof request, &fd, 1, 0) ||
        !take(worker->socket, ret) || !sighting_sound(worker->knowledge, ret)) {
        stop(worker);
        return fail(why, EFAULT, "the process that looked at it ended or took too long");
    }
    return ret->error ? fail(why, -ret->error, "%s", ret->why) : 0;
}

void identify_worker_free(struct identify_worker *worker)
{
    if (worker)
        stop(worker);
    free(worker);
}
