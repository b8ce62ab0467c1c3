#include "scan/pool.h"

#include "sandbox/sandbox.h"
#include "scan/owner.h"
#include "scan/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    JOBS = 4096,      /* files put and not yet emitted */
    WINDOW = 64,      /* jobs in one worker */
    SMALL = 64 << 10, /* files up to here go through the ring */
    TICK_MS = 100,
    GRACE_MS = 3000,       /* to stop after being told */
    STALE_MS = 20,         /* what waits this long behind a file may go to an idle worker */
    TRIES = 2,             /* handed out at most, when workers die over others */
    START_FAILURES = 3,    /* in a row: there will be no workers */
    KEEP_REPLY = 64 << 10, /* memory that stays with a slot */
};

/* Bytes of files in one worker, beyond which it gets no more. */
#define WINDOW_BYTES ((uint64_t)8 << 20)

enum job_state { JOB_WAITING, JOB_HANDED, JOB_DONE, JOB_DROPPED };

struct job {
    enum job_state state;
    char *path;
    size_t room, len;
    bool named, is_note;
    int fd; /* until the reply is there: a worker may die over it */
    uint64_t size;
    uid_t uid;
    int error;
    unsigned tries;
    char *fault;
    struct text reply, note_out, note_err;
};

/* A job that a worker has, oldest first. */
struct handed {
    uint64_t job;
    uint64_t ring_end, size;
    uint32_t seq;
    bool taken_back;
};

/* A worker as seen from here. */
struct side {
    struct sandbox_child child;
    struct worker worker;
    uint8_t *ring;
    uint64_t ring_head, ring_tail;
    int socket; /* -1: there is none */
    bool greeted, clogged;
    uint32_t next_seq;
    struct handed handed[WINDOW];
    uint32_t first, count, live; /* live: not taken back */
    bool alone;                  /* the job is to be the only one */
    uint64_t live_bytes;
    struct text partial; /* the reply that is coming in */
    int64_t since;       /* the last sign of progress */
    int64_t told;        /* when it was told to stop, or 0 */
};

struct pool {
    struct pool_options options;
    struct side *sides;
    struct job *jobs;
    struct owners owners;
    uint64_t put, next, emitted; /* job numbers: next is the first never handed out */
    uint64_t waiting;            /* jobs in state WAITING */
    uint64_t *again;             /* jobs to hand out once more, oldest first */
    uint32_t again_count;
    int64_t now, ticked;
    unsigned failures; /* starts of workers that failed, in a row */
    bool ended;
    struct pollfd *polls; /* one for each worker */
    struct walls walls;
    struct why why;
    _Alignas(16) uint8_t message[WORKER_MESSAGE];
};

static struct job *job_at(struct pool *pool, uint64_t number)
{
    return &pool->jobs[number % JOBS];
}

static struct handed *handed_at(struct side *side, uint32_t index)
{
    return &side->handed[(side->first + index) % WINDOW];
}

/* --- starting and ending workers --- */

static int start_worker(struct pool *pool, struct side *side)
{
    int pair[2];
    size_t page = sizeof(struct worker_page);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return fail(&pool->why, errno, "socketpair: %s", strerror(errno));
    memset((void *)(uintptr_t)side->worker.page, 0, page);
    /* A worker sees its own page and ring, and no other's. */
    madvise(side->worker.page, page, MADV_DOFORK);
    madvise(side->ring, WORKER_RING, MADV_DOFORK);
    int error = sandbox_spawn(&profile_worker, worker_run, &side->worker, &pair[1], 1,
                              &side->child, &pool->why);
    madvise(side->worker.page, page, MADV_DONTFORK);
    madvise(side->ring, WORKER_RING, MADV_DONTFORK);
    close(pair[1]);
    if (error) {
        close(pair[0]);
        return error;
    }
    side->socket = pair[0];
    side->greeted = side->clogged = false;
    side->next_seq = 1;
    side->first = side->count = side->live = 0;
    side->live_bytes = side->ring_head = side->ring_tail = 0;
    side->partial.len = 0;
    side->since = pool->now;
    side->told = 0;
    return 0;
}

static bool map_side(const struct pool *pool, struct side *side)
{
    void *page = mmap(NULL, sizeof(struct worker_page), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    void *ring =
        mmap(NULL, WORKER_RING, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    side->worker.options = &pool->options;
    side->worker.page = page == MAP_FAILED ? NULL : page;
    side->ring = ring == MAP_FAILED ? NULL : ring;
    side->worker.ring = side->ring;
    return side->worker.page && side->ring;
}

static void close_job(struct job *job)
{
    if (job->fd >= 0)
        close(job->fd);
    job->fd = -1;
}

static void fault_job(struct job *job, const char *fault)
{
    if (job->state == JOB_DONE || job->state == JOB_DROPPED)
        return;
    job->state = JOB_DONE;
    job->fault = strdup(fault);
    if (!job->fault)
        job->error = -ENOMEM;
    close_job(job);
}

/* Puts a job back in line, in the order of the jobs. */
static void take_back(struct pool *pool, uint64_t number)
{
    uint32_t at = pool->again_count++;
    for (; at && pool->again[at - 1] > number; at--)
        pool->again[at] = pool->again[at - 1];
    pool->again[at] = number;
    job_at(pool, number)->state = JOB_WAITING;
    pool->waiting++;
}

/* The job that a dead worker was at: the oldest, where what it said makes no sense. */
static struct handed *blamed(struct side *side)
{
    uint32_t current = side->worker.page->current;
    for (uint32_t i = 0; i < side->count; i++)
        if (handed_at(side, i)->seq == current)
            return handed_at(side, i);
    for (uint32_t i = 0; i < side->count; i++)
        if (!handed_at(side, i)->taken_back)
            return handed_at(side, i);
    return NULL;
}

/* "the worker was stopped by SIGSEGV while reading zip". */
static void describe_end(const struct side *side, const struct sandbox_end *end,
                         const char *what, char ret[static POOL_FAULT])
{
    const char *stage = unpack_stage_name(side->worker.page->control.stage);
    const char *signal_name = end->signal ? sigabbrev_np(end->signal) : NULL;
    char how[64];
    if (!what) {
        if (signal_name)
            snprintf(how, sizeof how, "the worker was stopped by SIG%s", signal_name);
        else if (end->signal)
            snprintf(how, sizeof how, "the worker was stopped by signal %d", end->signal);
        else
            snprintf(how, sizeof how, "the worker ended with status %d", end->status);
        what = how;
    }
    snprintf(ret, POOL_FAULT, "%s%s%s", what, stage[0] ? " while reading " : "", stage);
}

/* The job that a worker died over costs that job. What else it had, and all of it where it is
 * not known which job it was, is handed out once more: each alone, so that it is known then. */
static void lose_jobs(struct pool *pool, struct side *side, bool known, const char *fault)
{
    const struct handed *guilty = side->greeted && known ? blamed(side) : NULL;
    for (uint32_t i = 0; i < side->count; i++) {
        const struct handed *handed = handed_at(side, i);
        struct job *job = job_at(pool, handed->job);
        if (handed->taken_back)
            continue;
        if (handed == guilty || job->tries >= TRIES)
            fault_job(job, fault);
        else if (pool->ended)
            job->state = JOB_DROPPED, close_job(job);
        else
            take_back(pool, handed->job);
    }
    side->count = side->live = 0;
}

/* A worker is gone, or has to go: `what` says why, NULL: as it ended by itself. `known`: it is
 * still at the job that is to blame. */
static void lose_worker(struct pool *pool, struct side *side, bool known, const char *what)
{
    struct sandbox_end end;
    char fault[POOL_FAULT];
    if (side->socket < 0)
        return;
    close(side->socket);
    side->socket = -1;
    sandbox_end(&side->child, &end);
    describe_end(side, &end, what, fault);
    pool->failures = side->greeted ? 0 : pool->failures + 1;
    if (!side->greeted && !pool->why.text[0])
        snprintf(pool->why.text, sizeof pool->why.text, "%s", fault);
    lose_jobs(pool, side, known, fault);
}

/* --- handing out --- */

/* Where `size` bytes may lie in the ring, or UINT32_MAX. */
static uint32_t ring_room(struct side *side, uint64_t size)
{
    uint64_t at = side->ring_head;
    if (at % WORKER_RING + size > WORKER_RING)
        at += WORKER_RING - at % WORKER_RING;
    if (at + size - side->ring_tail > WORKER_RING)
        return UINT32_MAX;
    side->ring_head = at + size;
    return (uint32_t)(at % WORKER_RING);
}

/* The bytes of a small file into the ring. False: it goes as a descriptor. */
static bool read_small(struct side *side, struct job *job, struct worker_job *ret)
{
    /* Files of the kernel's own have size 0 and content. */
    uint64_t room = job->size ? job->size : SMALL, before = side->ring_head;
    size_t len = 0;
    if (room > SMALL || (ret->ring = ring_room(side, room)) == UINT32_MAX)
        return false;
    while (len < room) {
        ssize_t n = pread(job->fd, side->ring + ret->ring + len, room - len, (off_t)len);
        if (n < 0 && errno != EINTR) {
            side->ring_head = before;
            return false; /* the worker says what is wrong */
        }
        if (n == 0)
            break;
        len += n > 0 ? (size_t)n : 0;
    }
    if (!job->size && len == room) {
        side->ring_head = before;
        return false;
    }
    side->ring_head -= room - len;
    ret->shrunk = len < job->size;
    ret->size = len;
    return true;
}

static bool has_room(const struct side *side)
{
    return side->socket >= 0 && !side->clogged && side->count < WINDOW &&
           side->live_bytes < WINDOW_BYTES && !(side->alone && side->live);
}

static struct side *roomiest(struct pool *pool)
{
    struct side *best = NULL;
    for (int i = 0; i < pool->options.jobs; i++) {
        struct side *side = &pool->sides[i];
        if (has_room(side) && (!best || side->live < best->live))
            best = side;
    }
    return best;
}

static struct job *next_waiting(struct pool *pool, uint64_t *ret_number)
{
    if (pool->again_count) {
        *ret_number = pool->again[0];
        return job_at(pool, pool->again[0]);
    }
    while (pool->next < pool->put && job_at(pool, pool->next)->state != JOB_WAITING)
        pool->next++;
    *ret_number = pool->next;
    return pool->next < pool->put ? job_at(pool, pool->next) : NULL;
}

static void take_next(struct pool *pool)
{
    if (pool->again_count)
        memmove(pool->again, pool->again + 1, --pool->again_count * sizeof *pool->again);
    else
        pool->next++;
    pool->waiting--;
}

struct batch {
    size_t len;
    int fds[WORKER_FDS];
    uint32_t fd_count, count;
};

/* Whether the worker may get this job now: one that a worker died over, or beside, goes to an
 * idle one and stays alone there. */
static bool may_have(const struct side *side, const struct batch *batch, const struct job *job)
{
    return has_room(side) && batch->fd_count < WORKER_FDS && (!job->tries || side->live == 0);
}

/* Writes one job into the message. False when it does not fit any more. */
static bool add_job(struct pool *pool, struct side *side, struct batch *batch)
{
    uint64_t number;
    struct job *job = next_waiting(pool, &number);
    struct worker_job head = {.seq = side->next_seq};
    if (!job || !may_have(side, batch, job))
        return false;
    const char *owner = pool->options.wants_owner ? owner_name(&pool->owners, job->uid) : "";
    head.owner = (uint16_t)strlen(owner);
    head.path = (uint16_t)(job->len < UINT16_MAX ? job->len : UINT16_MAX);
    size_t need = sizeof head + head.owner + head.path + 1u;
    if (batch->len + need > WORKER_MESSAGE)
        return false;
    head.size = job->size;
    head.has_fd = !read_small(side, job, &head);
    if (head.has_fd) {
        /* An earlier worker may have read it. */
        if (job->tries)
            lseek(job->fd, 0, SEEK_SET);
        batch->fds[batch->fd_count++] = job->fd;
    }
    uint8_t *at = pool->message + batch->len;
    memcpy(at, &head, sizeof head);
    memcpy(at + sizeof head, owner, head.owner);
    memcpy(at + sizeof head + head.owner, job->path, head.path);
    at[need - 1] = 0;
    batch->len += need;
    batch->count++;
    *handed_at(side, side->count++) = (struct handed){
        .job = number, .ring_end = side->ring_head, .size = job->size, .seq = head.seq};
    side->next_seq++;
    side->alone = job->tries > 0;
    side->live++;
    side->live_bytes += job->size;
    job->state = JOB_HANDED;
    job->tries++;
    take_next(pool);
    return true;
}

/* 0, -EAGAIN when the worker takes no more at the moment, or -E... when it is gone. */
static int send_batch(struct pool *pool, struct side *side, const struct batch *batch)
{
    union {
        struct cmsghdr align;
        char at[CMSG_SPACE(WORKER_FDS * sizeof(int))];
    } control = {0};

    struct iovec part = {.iov_base = pool->message, .iov_len = batch->len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (batch->fd_count) {
        message.msg_control = control.at;
        message.msg_controllen = CMSG_SPACE(batch->fd_count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(batch->fd_count * sizeof(int));
        memcpy(CMSG_DATA(head), batch->fds, batch->fd_count * sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(side->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

/* What could not be sent is in line again; it was never seen, so no try is lost. */
static void unhand(struct pool *pool, struct side *side, uint32_t count)
{
    while (count--) {
        const struct handed *handed = handed_at(side, --side->count);
        side->next_seq--;
        side->live--;
        side->live_bytes -= handed->size;
        job_at(pool, handed->job)->tries--;
        take_back(pool, handed->job);
    }
    side->ring_head =
        side->count ? handed_at(side, side->count - 1)->ring_end : side->ring_tail;
}

/* Hands out what waits: whole batches as long as all are busy, at once to who is idle. */
static void hand_out(struct pool *pool, bool all)
{
    struct side *side;
    while (pool->waiting && !pool->ended && (side = roomiest(pool))) {
        if (!all && side->live && pool->waiting < WORKER_BATCH)
            return;
        struct batch batch = {0};
        uint64_t share = pool->waiting / (uint64_t)(2 * pool->options.jobs) + 1;
        uint64_t most = share < WORKER_BATCH && all ? share : WORKER_BATCH;
        if (!side->live)
            side->since = pool->now;
        while (batch.count < most && add_job(pool, side, &batch))
            ;
        if (!batch.count)
            return;
        int error = send_batch(pool, side, &batch);
        if (error)
            unhand(pool, side, batch.count);
        if (error == -EAGAIN)
            side->clogged = true;
        else if (error)
            lose_worker(pool, side, true, NULL);
    }
}

/* An idle worker gets what waits in others behind a file that takes its time. */
static void rebalance(struct pool *pool)
{
    struct side *idle = NULL, *busy = NULL;
    for (int i = 0; i < pool->options.jobs; i++) {
        struct side *side = &pool->sides[i];
        if (side->socket >= 0 && side->live == 0 && has_room(side))
            idle = side;
        else if (side->live > 1 && pool->now - side->since >= STALE_MS &&
                 (!busy || side->live > busy->live))
            busy = side;
    }
    if (!idle || !busy || pool->waiting)
        return;
    busy->worker.page->skip_to = busy->next_seq - 1;
    uint32_t current = busy->worker.page->current;
    for (uint32_t i = 0; i < busy->count; i++) {
        struct handed *handed = handed_at(busy, i);
        if (handed->taken_back || handed->seq <= current || i == 0)
            continue;
        handed->taken_back = true;
        busy->live--;
        busy->live_bytes -= handed->size;
        job_at(pool, handed->job)->tries--;
        take_back(pool, handed->job);
    }
}

/* --- taking replies --- */

static void emit_ready(struct pool *pool)
{
    for (; pool->emitted < pool->put; pool->emitted++) {
        struct job *job = job_at(pool, pool->emitted);
        if (job->state != JOB_DONE && job->state != JOB_DROPPED)
            return;
        const struct pool_result result = {
            .path = {(const uint8_t *)job->path, job->is_note ? 0 : job->len},
            .named = job->named,
            .size = job->size,
            .error = job->error,
            .fault = bytes_of(job->fault ? job->fault : ""),
            .reply = {(const uint8_t *)job->reply.at, job->reply.len},
            .note_out = {(const uint8_t *)job->note_out.at, job->note_out.len},
            .note_err = {(const uint8_t *)job->note_err.at, job->note_err.len}};
        if (job->state == JOB_DONE)
            pool->options.emit(pool->options.context, &result);
        close_job(job);
        free(job->fault);
        job->fault = NULL;
        if (job->reply.room > KEEP_REPLY)
            text_free(&job->reply);
    }
}

/* The oldest job of a worker is answered. */
static void finish_job(struct pool *pool, struct side *side)
{
    struct handed *handed = handed_at(side, 0);
    struct job *job = job_at(pool, handed->job);
    side->ring_tail = handed->ring_end;
    side->since = pool->now;
    side->told = 0;
    if (!handed->taken_back) {
        side->live--;
        side->live_bytes -= handed->size;
        struct text empty = job->reply;
        job->reply = side->partial;
        side->partial = empty;
        job->state = JOB_DONE;
        close_job(job);
    }
    side->partial.len = 0;
    side->first = (side->first + 1) % WINDOW;
    side->count--;
}

static bool take_hello(struct pool *pool, struct side *side, size_t len)
{
    struct worker_hello hello;
    if (len != sizeof hello)
        return false;
    memcpy(&hello, pool->message, sizeof hello);
    hello.why.text[sizeof hello.why.text - 1] = 0;
    if (hello.magic != WORKER_HELLO)
        return false;
    if (hello.error) {
        pool->why = hello.why;
        return false;
    }
    if (!walls_sound(&hello.walls))
        return false;
    pool->walls = hello.walls;
    pool->failures = 0;
    side->greeted = true;
    return true;
}

static bool take_frames(struct pool *pool, struct side *side, size_t len)
{
    for (size_t at = 0; at < len;) {
        struct worker_frame frame;
        if (len - at < sizeof frame)
            return false;
        memcpy(&frame, pool->message + at, sizeof frame);
        at += sizeof frame;
        size_t size = frame.length & ~WORKER_LAST;
        if (size > len - at || !side->count || frame.seq != handed_at(side, 0)->seq ||
            side->partial.len + size > POOL_REPLY_MAX)
            return false;
        text_add(&side->partial, pool->message + at, size);
        at += size;
        if (side->partial.failed)
            return false;
        if (frame.length & WORKER_LAST)
            finish_job(pool, side);
    }
    return true;
}

/* All that has come from one worker. */
static void receive(struct pool *pool, struct side *side)
{
    while (side->socket >= 0) {
        struct iovec part = {.iov_base = pool->message, .iov_len = sizeof pool->message};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        ssize_t n = recvmsg(side->socket, &message, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            lose_worker(pool, side, true, NULL);
            return;
        }
        side->worker.page->flush = false;
        if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
            !(side->greeted ? take_frames(pool, side, (size_t)n)
                            : take_hello(pool, side, (size_t)n)))
            lose_worker(pool, side, false, "the worker gave an answer that makes no sense");
    }
}

/* --- time --- */

static void tell_to_stop(struct pool *pool, struct side *side, uint32_t job)
{
    side->worker.page->stop_job = job;
    side->worker.page->control.stop = true;
    if (!side->told)
        side->told = pool->now;
}

/* The scan ends early: what nobody has begun is dropped. */
static void end_early(struct pool *pool)
{
    pool->ended = true;
    pool->again_count = 0;
    pool->waiting = 0;
    for (uint64_t i = pool->emitted; i < pool->put; i++)
        if (job_at(pool, i)->state == JOB_WAITING)
            job_at(pool, i)->state = JOB_DROPPED;
    for (int i = 0; i < pool->options.jobs; i++) {
        struct side *side = &pool->sides[i];
        side->worker.page->skip_to = side->next_seq - 1;
        side->worker.page->control.interrupted = true;
        uint32_t current = side->worker.page->current;
        for (uint32_t k = 0; k < side->count; k++) {
            struct handed *handed = handed_at(side, k);
            if (handed->seq <= current || handed->taken_back)
                continue;
            handed->taken_back = true;
            side->live--;
            job_at(pool, handed->job)->state = JOB_DROPPED;
        }
        if (side->live)
            tell_to_stop(pool, side, WORKER_ANYONE);
    }
}

static void tick_side(struct pool *pool, struct side *side)
{
    int64_t limit = pool->options.timeout_ms;
    if (side->socket < 0 || !side->live)
        return;
    side->worker.page->flush = true;
    uint32_t current = side->worker.page->current;
    if (limit && !side->told && current && pool->now - side->since > limit)
        tell_to_stop(pool, side, current);
    if ((side->told && pool->now - side->told > GRACE_MS) ||
        (limit && pool->now - side->since > limit + 2 * GRACE_MS))
        lose_worker(pool, side, true,
                    pool->ended ? "the scan was interrupted"
                                : "the worker did not stop when its time was up");
}

/* What some worker is at, for people. */
static bytes current_path(struct pool *pool)
{
    for (int i = 0; i < pool->options.jobs; i++) {
        struct side *side = &pool->sides[i];
        uint32_t current = side->worker.page->current;
        for (uint32_t k = 0; k < side->count; k++)
            if (handed_at(side, k)->seq == current) {
                struct job *job = job_at(pool, handed_at(side, k)->job);
                return (bytes){(const uint8_t *)job->path, job->len};
            }
    }
    return bytes_of("");
}

static void tick(struct pool *pool)
{
    pool->ticked = pool->now;
    pool->options.pause(pool->options.context, current_path(pool));
    if (*pool->options.stop && !pool->ended)
        end_early(pool);
    for (int i = 0; i < pool->options.jobs; i++)
        tick_side(pool, &pool->sides[i]);
}

/* Workers that are gone are replaced while there is work. */
static void replace_workers(struct pool *pool)
{
    for (int i = 0; i < pool->options.jobs; i++)
        if (pool->sides[i].socket < 0 && pool->failures < START_FAILURES && !pool->ended &&
            start_worker(pool, &pool->sides[i]) < 0)
            pool->failures++;
}

/* Without workers nothing can be examined: what is left is said to be so. */
static void give_up(struct pool *pool)
{
    for (int i = 0; i < pool->options.jobs; i++)
        if (pool->sides[i].socket >= 0)
            return;
    if (!pool->ended && pool->failures < START_FAILURES)
        return;
    pool->again_count = 0;
    pool->waiting = 0;
    for (uint64_t i = pool->emitted; i < pool->put; i++)
        if (job_at(pool, i)->state == JOB_WAITING)
            fault_job(job_at(pool, i), "no worker could be started");
}

/* Waits for some worker, no longer than to the next tick. */
static void wait_for_workers(struct pool *pool)
{
    struct pollfd *polls = pool->polls;
    pool->options.pause(pool->options.context, current_path(pool));
    int64_t left = pool->ticked + TICK_MS - examine_clock();
    for (int i = 0; i < pool->options.jobs; i++)
        polls[i] =
            (struct pollfd){.fd = pool->sides[i].socket,
                            .events = (short)(POLLIN | (pool->sides[i].clogged ? POLLOUT : 0))};
    poll(polls, (nfds_t)pool->options.jobs, left < 1 ? 1 : (int)left);
    for (int i = 0; i < pool->options.jobs; i++)
        if (polls[i].revents & POLLOUT)
            pool->sides[i].clogged = false;
}

static void pump(struct pool *pool, bool all, bool wait)
{
    if (wait)
        wait_for_workers(pool);
    pool->now = examine_clock();
    for (int i = 0; i < pool->options.jobs; i++)
        receive(pool, &pool->sides[i]);
    if (pool->now - pool->ticked >= TICK_MS || *pool->options.stop)
        tick(pool);
    replace_workers(pool);
    give_up(pool);
    if (all)
        rebalance(pool);
    hand_out(pool, all);
    emit_ready(pool);
}

/* --- the door --- */

static bool set_path(struct job *job, bytes path)
{
    if (job->room < path.len + 1) {
        char *at = realloc(job->path, 2 * (path.len + 1));
        if (!at)
            return false;
        job->path = at;
        job->room = 2 * (path.len + 1);
    }
    memcpy(job->path, path.at, path.len);
    job->path[path.len] = 0;
    job->len = path.len;
    return true;
}

/* The next free slot. */
static struct job *free_slot(struct pool *pool)
{
    while (pool->put - pool->emitted == JOBS)
        pump(pool, true, true);
    struct job *job = job_at(pool, pool->put);
    job->state = JOB_DONE;
    job->len = job->reply.len = job->note_out.len = job->note_err.len = 0;
    job->fd = -1;
    job->size = 0;
    job->error = 0;
    job->tries = 0;
    job->named = job->is_note = false;
    return job;
}

static int open_job(const struct pool *pool, struct job *job, const struct walk_file *file)
{
    struct stat st;
    const char *name = (const char *)file->path.at + (file->directory ? file->name : 0);
    /* O_NONBLOCK: a FIFO that took the file's place must not hold us up. */
    job->fd =
        openat(file->directory ? file->directory->fd : AT_FDCWD, name,
               O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (file->named ? 0 : O_NOFOLLOW));
    if (job->fd < 0 || fstat(job->fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    job->size = (uint64_t)st.st_size;
    job->uid = st.st_uid;
    return pool->options.max_size && job->size > pool->options.max_size ? -EFBIG : 0;
}

void pool_put(struct pool *pool, const struct walk_file *file)
{
    struct job *job = free_slot(pool);
    if (pool->ended)
        return;
    job->named = file->named;
    job->error = set_path(job, file->path) ? open_job(pool, job, file) : -ENOMEM;
    pool->put++;
    if (job->error) {
        close_job(job);
    } else {
        job->state = JOB_WAITING;
        pool->waiting++;
    }
    if (pool->waiting == 1 || pool->waiting >= WORKER_BATCH)
        pump(pool, false, false);
    while (pool->waiting >= WORKER_BATCH && !pool->ended)
        pump(pool, false, true);
}

void pool_note(struct pool *pool, bytes out, bytes err)
{
    struct job *job = free_slot(pool);
    job->is_note = true;
    text_add(&job->note_out, out.at, out.len);
    text_add(&job->note_err, err.at, err.len);
    pool->put++;
    emit_ready(pool);
}

static void pool_free(struct pool *pool)
{
    for (int i = 0; pool->sides && i < pool->options.jobs; i++) {
        struct side *side = &pool->sides[i];
        if (side->socket >= 0) {
            close(side->socket);
            sandbox_end(&side->child, NULL);
        }
        if (side->worker.page)
            munmap(side->worker.page, sizeof *side->worker.page);
        if (side->ring)
            munmap(side->ring, WORKER_RING);
        text_free(&side->partial);
    }
    for (uint64_t i = 0; pool->jobs && i < JOBS; i++) {
        free(pool->jobs[i].path);
        text_free(&pool->jobs[i].reply);
        text_free(&pool->jobs[i].note_out);
        text_free(&pool->jobs[i].note_err);
    }
    free(pool->sides);
    free(pool->jobs);
    free(pool->again);
    free(pool->polls);
    free(pool);
}

int pool_finish(struct pool *pool, struct why *why)
{
    while (pool->emitted < pool->put)
        pump(pool, true, true);
    int error = pool->failures >= START_FAILURES
                    ? fail(why, ECHILD, "workers cannot be started: %.180s", pool->why.text)
                    : 0;
    pool_free(pool);
    return error;
}

static int start_all(struct pool *pool, struct why *why)
{
    for (int i = 0; i < pool->options.jobs; i++)
        if (!map_side(pool, &pool->sides[i]))
            return fail(why, ENOMEM, "out of memory");
    for (int i = 0; i < pool->options.jobs; i++) {
        int error = start_worker(pool, &pool->sides[i]);
        if (error) {
            *why = pool->why;
            return error;
        }
    }
    /* The walls are the same for all: the first answer tells. */
    while (!pool->sides[0].greeted && pool->failures < START_FAILURES)
        pump(pool, false, true);
    return pool->sides[0].greeted
               ? 0
               : fail(why, ECHILD, "workers cannot be started: %.180s", pool->why.text);
}

int pool_new(const struct pool_options *options, struct pool **ret, struct walls *ret_walls,
             struct why *why)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return fail(why, ENOMEM, "out of memory");
    pool->options = *options;
    pool->sides = calloc((size_t)options->jobs, sizeof *pool->sides);
    pool->jobs = calloc(JOBS, sizeof *pool->jobs);
    pool->again = calloc((size_t)options->jobs * WINDOW + 1, sizeof *pool->again);
    pool->now = examine_clock();
    pool->polls = calloc((size_t)options->jobs, sizeof *pool->polls);
    for (int i = 0; pool->sides && i < options->jobs; i++)
        pool->sides[i].socket = -1;
    int error = pool->sides && pool->jobs && pool->again && pool->polls
                    ? start_all(pool, why)
                    : fail(why, ENOMEM, "out of memory");
    if (error) {
        pool_free(pool);
        return error;
    }
    *ret_walls = pool->walls;
    *ret = pool;
    return 0;
}
