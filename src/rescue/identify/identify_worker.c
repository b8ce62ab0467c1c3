#include "rescue/identify/identify_worker.h"

#include "sandbox/sandbox.h"
#include "shim/crypto.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

union control {
    struct cmsghdr head;
    char at[CMSG_SPACE(sizeof(int))];
};

/* --- in the worker --- */

static bool receive_request(struct request *request, int *fd)
{
    union control control = {.at = {0}};
    struct iovec part = {.iov_base = request, .iov_len = sizeof *request};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.at,
                             .msg_controllen = sizeof control.at};
    ssize_t n;
    do
        n = recvmsg(SANDBOX_FIRST, &message, 0);
    while (n < 0 && errno == EINTR);
    const struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (n != (ssize_t)sizeof *request || !head || head->cmsg_type != SCM_RIGHTS)
        return false;
    memcpy(fd, CMSG_DATA(head), sizeof *fd);
    return request->name_len <= NAME_ROOM;
}

static bool send_sighting(const struct sighting *sighting)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)sighting, .iov_len = sizeof *sighting};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t n;
    do
        n = sendmsg(SANDBOX_FIRST, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *sighting;
}

static int serve(void *context)
{
    const struct knowledge *knowledge = context;
    struct arena *arena = arena_new(MEMORY);
    struct request request;
    struct walls walls;
    struct why why;
    int fd;
    crypto_warm();
    if (!arena || sandbox_seal(&profile_worker, &walls, &why) < 0)
        return 1;
    while (receive_request(&request, &fd)) {
        struct identity identity;
        struct sighting sighting;
        struct source source =
            source_of_file(fd, request.size, (bytes){request.name, request.name_len});
        arena_reset(arena);
        int error = identify_file(knowledge, &source, arena, &identity, &why);
        if (error)
            memset(&identity, 0, sizeof identity);
        sighting_of(&identity, &sighting);
        sighting.error = error;
        if (error)
            memcpy(sighting.why, why.text, sizeof sighting.why - 1);
        close(fd);
        if (!send_sighting(&sighting))
            return 1;
    }
    return 0;
}

/* --- in this process --- */

static int start(struct identify_worker *worker, struct why *why)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return fail(why, errno, "socketpair: %s", strerror(errno));
    int error = sandbox_spawn(&profile_worker, serve, (void *)(uintptr_t)worker->knowledge,
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

static bool hand(int socket, const struct request *request, int fd)
{
    union control control = {.at = {0}};
    struct iovec part = {.iov_base = (void *)(uintptr_t)request, .iov_len = sizeof *request};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.at,
                             .msg_controllen = sizeof control.at};
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    ssize_t n;
    do
        n = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *request;
}

static bool take(int socket, struct sighting *ret)
{
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    int ready;
    do
        ready = poll(&wait, 1, PATIENCE);
    while (ready < 0 && errno == EINTR);
    return ready > 0 && recv(socket, ret, sizeof *ret, 0) == (ssize_t)sizeof *ret;
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
    if (!hand(worker->socket, &request, fd) || !take(worker->socket, ret) ||
        !sighting_sound(worker->knowledge, ret)) {
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
