#include "scan/pool_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TRIES = 2 }; /* a job is handed out at most, when workers die over others */

int pool_worker_start(struct pool *pool, struct side *side)
{
    int pair[2];
    size_t page = sizeof(struct worker_page);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return fail(&pool->why, errno, "socketpair: %s", strerror(errno));
    memset((void *)(uintptr_t)side->worker.page, 0, page);
    /* A worker sees its own page and ring, and no other's. */
    madvise(side->worker.page, page, MADV_DOFORK);
    madvise(side->ring, WORKER_RING, MADV_DOFORK);
    madvise(side->worker.outbox, WORKER_OUTBOX, MADV_DOFORK);
    int error = sandbox_spawn(&profile_worker, worker_run, &side->worker, &pair[1], 1,
                              &side->child, &pool->why);
    madvise(side->worker.page, page, MADV_DONTFORK);
    madvise(side->ring, WORKER_RING, MADV_DONTFORK);
    madvise(side->worker.outbox, WORKER_OUTBOX, MADV_DONTFORK);
    close(pair[1]);
    if (error) {
        close(pair[0]);
        return error;
    }
    side->socket = pair[0];
    side->greeted = side->clogged = side->outbox_held = false;
    side->next_seq = 1;
    side->first = side->count = side->live = 0;
    side->live_bytes = side->ring_head = side->ring_tail = 0;
    side->partial.len = 0;
    side->since = pool->now;
    side->told = 0;
    return 0;
}

bool pool_worker_map(const struct pool *pool, struct side *side)
{
    void *page = mmap(NULL, sizeof(struct worker_page), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    void *ring =
        mmap(NULL, WORKER_RING, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    side->worker.options = &pool->options;
    side->worker.page = page == MAP_FAILED ? NULL : page;
    side->ring = ring == MAP_FAILED ? NULL : ring;
    side->worker.ring = side->ring;
    void *outbox = mmap(NULL, WORKER_OUTBOX, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    side->worker.outbox = outbox == MAP_FAILED ? NULL : outbox;
    return side->worker.page && side->ring && side->worker.outbox;
}

/* The job that a dead worker was at: the oldest, where what it said makes no sense. */
static struct handed *blamed(struct side *side)
{
    uint32_t current = side->worker.page->current;
    for (uint32_t i = 0; i < side->count; i++)
        if (pool_handed(side, i)->seq == current)
            return pool_handed(side, i);
    for (uint32_t i = 0; i < side->count; i++)
        if (!pool_handed(side, i)->taken_back)
            return pool_handed(side, i);
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
        const struct handed *handed = pool_handed(side, i);
        struct job *job = pool_job(pool, handed->job);
        if (handed->taken_back)
            continue;
        pool_parts_drop(pool, job);
        if (handed == guilty || job->tries >= TRIES)
            pool_job_fault(pool, job, fault);
        else if (pool->ended)
            pool_job_fault(pool, job, "the scan was interrupted");
        else
            pool_take_back(pool, handed->job);
    }
    side->count = side->live = 0;
}

void pool_worker_lose(struct pool *pool, struct side *side, bool known, const char *what)
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

void pool_workers_replace(struct pool *pool)
{
    for (int i = 0; i < pool->options.jobs; i++)
        if (pool->sides[i].socket < 0 && pool->failures < POOL_START_FAILURES && !pool->ended &&
            pool_worker_start(pool, &pool->sides[i]) < 0)
            pool->failures++;
}

void pool_workers_give_up(struct pool *pool)
{
    for (int i = 0; i < pool->options.jobs; i++)
        if (pool->sides[i].socket >= 0)
            return;
    if (!pool->ended && pool->failures < POOL_START_FAILURES)
        return;
    pool->again_count = 0;
    pool->waiting = 0;
    for (uint64_t i = pool->emitted; i < pool->put; i++)
        if (pool_job(pool, i)->state == JOB_WAITING)
            pool_job_fault(pool, pool_job(pool, i), "no worker could be started");
    for (uint32_t i = 0; i < pool->part_size; i++)
        if (pool->parts[i] && pool->parts[i]->state == JOB_WAITING)
            pool_job_fault(pool, pool->parts[i], "no worker could be started");
}
