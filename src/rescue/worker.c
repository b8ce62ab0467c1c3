#include "rescue/worker.h"

#include "rescue/worker_serve.h"
#include "sandbox/channel.h"
#include "shim/crypto.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    MEMORY = 192 << 20,
    KEY_MEMORY = 64 << 20,
    KEPT_MEMORY = 32 << 20,
    HELLO = 0x52534331,
};

/* The worker's first message. */
struct hello {
    uint32_t magic;
    int32_t error;
    struct walls walls;
    struct why why;
};

/* --- in the worker --- */

static int work(void *context)
{
    struct worker_serve *serve = context;
    struct hello hello = {.magic = HELLO};
    struct worker_request request;
    struct channel_fds fds;
    /* A file that may not grow, or a disk that is full, is an error like others. */
    signal(SIGXFSZ, SIG_IGN);
    crypto_warm();
    serve->keys = arena_new(KEY_MEMORY);
    serve->arena = arena_new(MEMORY);
    serve->kept.arena = arena_new(KEPT_MEMORY);
    if (!serve->keys || !serve->arena || !serve->kept.arena)
        hello.error = fail(&hello.why, ENOMEM, "out of memory");
    else
        hello.error = sandbox_seal(&profile_writer, &hello.walls, &hello.why);
    if (channel_send(SANDBOX_FIRST, &hello, sizeof hello, NULL, 0, 0) || hello.error)
        return 1;
    worker_serve_keys(serve);
    while (channel_take(SANDBOX_FIRST, &request, sizeof request, &fds)) {
        struct worker_reply reply;
        for (size_t i = fds.count; i < WORKER_FDS; i++)
            fds.at[i] = -1;
        worker_serve_request(serve, &request, fds.at, &reply);
        for (size_t i = 0; i < fds.count; i++)
            if (fds.at[i] >= 0)
                close(fds.at[i]);
        if (channel_send(SANDBOX_FIRST, &reply, sizeof reply, NULL, 0, 0))
            return 1;
    }
    return 0;
}

/* --- in this process --- */

static int gone(struct worker *worker, struct why *why)
{
    struct sandbox_end end = {0};
    if (worker->child.pid)
        sandbox_end(&worker->child, &end);
    worker_end(worker);
    if (end.signal)
        return fail(why, EFAULT, "what reads it was stopped by the signal '%s'",
                    strsignal(end.signal));
    return fail(why, EFAULT, "what reads it ended (%d)", end.status);
}

static int nonsense(struct worker *worker, struct why *why)
{
    worker_end(worker);
    return fail(why, EFAULT, "what reads it answered nonsense");
}

static int32_t format_count(void)
{
    int32_t n = 0;
    while (formats[n])
        n++;
    return n;
}

static bool proof_is_sound(struct worker_proof *proof)
{
    channel_tame(proof->kind, sizeof proof->kind);
    channel_tame(proof->reason.text, sizeof proof->reason.text);
    return proof->proof <= PROOF_PROVEN;
}

static bool plan_is_sound(const struct worker *worker, struct worker_plan *plan)
{
    channel_tame(plan->variant, sizeof plan->variant);
    channel_tame(plan->reason.text, sizeof plan->reason.text);
    channel_tame(plan->refusal.text, sizeof plan->refusal.text);
    return plan->family >= -1 && plan->family < format_count() &&
           plan->key >= WORKER_KEY_PAIR && plan->key < (int32_t)worker->keys &&
           plan->fit <= FIT_IS && plan->name_len < WORKER_NAME &&
           (plan->family >= 0 || plan->key == WORKER_KEY_NO) &&
           (!plan->sizes_known || plan->plain <= INT64_MAX);
}

static bool is_sound(const struct worker *worker, struct worker_reply *reply)
{
    channel_tame(reply->why.text, sizeof reply->why.text);
    if (reply->kind != worker->kind || reply->error > 0 || reply->error < -4095)
        return false;
    if (reply->error)
        return true;
    switch (reply->kind) {
    case WORKER_KEYRING:
        channel_tame(reply->ring.why.text, sizeof reply->ring.why.text);
        return reply->ring.keys <= WORKER_KEYS;
    case WORKER_KEY:
        channel_tame(reply->key.text, sizeof reply->key.text);
        channel_tame(reply->key.origin, sizeof reply->key.origin);
        return reply->key.kind <= KEY_SEED;
    case WORKER_PLAN:
        return plan_is_sound(worker, &reply->plan);
    case WORKER_LEARN:
        channel_tame(reply->learned.words, sizeof reply->learned.words);
        return true;
    case WORKER_SEEK:
        return reply->found.kind <= KEY_SEED && reply->found.secret_len <= WORKER_SECRET;
    case WORKER_PROOF:
        return proof_is_sound(&reply->proof);
    case WORKER_APPLY:
        return proof_is_sound(&reply->applied.proof) && reply->applied.again >= -1 &&
               reply->applied.again < format_count();
    default:
        return true;
    }
}

int worker_send(struct worker *worker, const struct worker_request *request, const int *fds,
                size_t count, struct why *why)
{
    worker->kind = request->kind;
    if (worker->page) {
        worker->page->done = 0;
        worker->page->stop = false;
        worker->page->limit = request->follows ? 0 : UINT64_MAX;
    }
    if (worker->socket >= 0 &&
        !channel_send(worker->socket, request, sizeof *request, fds, count, 0))
        return 0;
    gone(worker, why);
    return -EPIPE;
}

int worker_receive(struct worker *worker, struct worker_reply *ret, struct why *why)
{
    if (worker->socket < 0 || !channel_take(worker->socket, ret, sizeof *ret, NULL))
        return gone(worker, why);
    return is_sound(worker, ret) ? 0 : nonsense(worker, why);
}

/* One more key is in the ring. */
static void note_kept(struct worker *worker, const struct worker_request *request,
                      const struct worker_reply *reply)
{
    if (request->kind == WORKER_KEEP && !reply->error)
        worker->keys++;
}

int worker_ask(struct worker *worker, const struct worker_request *request, const int *fds,
               size_t count, struct worker_reply *ret, struct why *why)
{
    int error = worker_send(worker, request, fds, count, why);
    if (!error)
        error = worker_receive(worker, ret, why);
    if (!error)
        note_kept(worker, request, ret);
    return error;
}

int worker_teach(struct worker *worker, const struct worker_options *options,
                 struct worker_learned *ret, struct why *why)
{
    struct worker_request learn = {.kind = WORKER_LEARN};
    struct worker_reply reply = {.error = 0};
    int error = 0;
    for (size_t i = 0; i < options->pair_count && !error && !reply.error; i++) {
        const struct worker_pair *pair = &options->pairs[i];
        const struct worker_request request = {
            .kind = WORKER_PAIR, .size = pair->encrypted_size, .other = pair->plain_size};
        const int fds[2] = {pair->plain, pair->encrypted};
        error = worker_ask(worker, &request, fds, 2, &reply, why);
    }
    learn.name_len =
        (uint16_t)(options->extension.len < WORKER_NAME ? options->extension.len : 0);
    if (learn.name_len)
        memcpy(learn.name, options->extension.at, learn.name_len);
    if (!error && !reply.error)
        error = worker_ask(worker, &learn, NULL, 0, &reply, why);
    if (!error && reply.error)
        error = fail(why, -reply.error, "%s", reply.why.text);
    if (!error)
        *ret = reply.learned;
    return error;
}

void worker_end(struct worker *worker)
{
    if (worker->child.pid)
        sandbox_end(&worker->child, NULL);
    if (worker->socket >= 0)
        close(worker->socket);
    if (worker->page)
        munmap(worker->page, sizeof *worker->page);
    *worker = (struct worker){.child = {0, -1}, .socket = -1};
}

static int greet(struct worker *worker, struct walls *ret_walls, struct worker_ring *ret_ring,
                 struct why *why)
{
    struct hello hello;
    struct worker_reply reply;
    const struct worker_request request = {.kind = WORKER_KEYRING};
    if (!channel_take(worker->socket, &hello, sizeof hello, NULL))
        return gone(worker, why);
    channel_tame(hello.why.text, sizeof hello.why.text);
    if (hello.magic != HELLO || hello.error > 0 || !walls_sound(&hello.walls))
        return nonsense(worker, why);
    if (hello.error)
        return fail(why, -hello.error, "%s", hello.why.text);
    *ret_walls = hello.walls;
    int error = worker_ask(worker, &request, NULL, 0, &reply, why);
    if (error || reply.error)
        return error ? error : reply.error;
    *ret_ring = reply.ring;
    worker->keys = reply.ring.keys;
    return 0;
}

int worker_new(const struct worker_options *options, struct worker *ret,
               struct walls *ret_walls, struct worker_ring *ret_ring, struct why *why)
{
    struct worker worker = {.child = {0, -1}, .socket = -1};
    int ends[2];
    void *page = mmap(NULL, sizeof *worker.page, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return fail(why, errno, "cannot start a worker: %s", strerror(errno));
    int error = channel_open(ends, why);
    if (error) {
        munmap(page, sizeof *worker.page);
        return error;
    }
    worker.page = page;
    worker.socket = ends[0];
    struct worker_serve serve = {.options = options, .page = page};
    error = sandbox_spawn(&profile_writer, work, &serve, &ends[1], 1, &worker.child, why);
    close(ends[1]);
    if (!error)
        error = greet(&worker, ret_walls, ret_ring, why);
    struct worker_learned learned;
    if (!error && options->pair_count)
        error = worker_teach(&worker, options, &learned, why);
    if (error)
        worker_end(&worker);
    else
        *ret = worker;
    return error;
}
