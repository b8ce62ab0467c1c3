#include "scan/pool/pool_state.h"

#include "definitions/guard.h"
#include "sandbox/channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TRIES = 2 }; /* a job is handed out at most that has cost no worker */

int pool_worker_start(struct pool *pool, struct side *side)
{
    int pair[2];
    size_t page = sizeof(struct worker_page);
    int error = channel_open(pair, &pool->why);
    if (error)
        return error;
    memset((void *)(uintptr_t)side->worker.page, 0, page);
    /* A worker sees its own page and ring, and no other's. */
    madvise(side->worker.page, page, MADV_DOFORK);
    madvise(side->ring, WORKER_RING, MADV_DOFORK);
    madvise(side->worker.outbox, WORKER_OUTBOX, MADV_DOFORK);
    error = sandbox_spawn(&profile_worker, worker_run, &side->worker, &pair[1], 1, &side->child,
                          &pool->why);
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
    side->place = (struct examine_place){0};
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
static void describe_end(uint32_t stage, const struct sandbox_end *end, const char *what,
                         char ret[static EXAMINE_FAULT])
{
    const char *name = unpack_stage_name(stage);
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
    snprintf(ret, EXAMINE_FAULT, "%s%s%s", what, name[0] ? " while reading " : "", name);
}

/* Where the same place costs a second worker, leaving it later was not enough. False: nor was
 * anything else. */
static bool leave_earlier(struct examine_skip *skip)
{
    bool more = !skip->whole;
    skip->whole = !skip->place.stage || !skip->place.children;
    skip->place.children = 0;
    return more;
}

/* The job is to be tried without what it was at when it cost its worker. */
static bool leave_out(struct job *job, const struct examine_place *place, const char *fault)
{
    for (uint32_t i = 0; i < job->skip_count; i++)
        if (job->skips[i].place.object == place->object &&
            (job->skips[i].whole || job->skips[i].place.stage == place->stage))
            return leave_earlier(&job->skips[i]);
    if (!job->skips)
        job->skips = calloc(POOL_DEATHS, sizeof *job->skips);
    if (!job->skips || job->skip_count == POOL_DEATHS)
        return false;
    struct examine_skip *skip = &job->skips[job->skip_count++];
    *skip = (struct examine_skip){.place = *place};
    snprintf(skip->text, sizeof skip->text, "%s", fault);
    return true;
}

/* How a worker was lost. */
struct loss {
    bool known; /* it is still at the job that is to blame, and `place` is where */
    bool hung;
    struct examine_place place;
    char fault[EXAMINE_FAULT];
};

/* The job cost its worker. */
static void blame(struct pool *pool, uint64_t number, const struct loss *loss)
{
    struct job *job = pool_job(pool, number), *root = pool_root(pool, job);
    root->deaths++;
    root->hangs += loss->hung;
    if (pool->ended || !pool->options.leaves_out) {
        pool_job_fault(pool, job, loss->fault);
    } else if (root->deaths > POOL_DEATHS || root->hangs > POOL_HANGS ||
               !leave_out(job, &loss->place, loss->fault)) {
        pool_root_fault(pool, job, loss->fault);
    } else {
        job->began = pool->now;
        pool_take_back(pool, number);
    }
}

/* What a worker had is handed out once more, each alone: but for what it died over, or all of
 * it where it is not known what that was. */
static void lose_jobs(struct pool *pool, struct side *side, const struct loss *loss)
{
    const struct handed *guilty = side->greeted && loss->known ? blamed(side) : NULL;
    for (uint32_t i = 0; i < side->count; i++) {
        const struct handed *handed = pool_handed(side, i);
        struct job *job = pool_job(pool, handed->job);
        if (handed->taken_back)
            continue;
        pool_parts_drop(pool, job);
        if (handed == guilty)
            continue;
        job->tells |= !loss->known;
        if (pool->ended)
            pool_job_fault(pool, job, "the scan was interrupted");
        else if (job->tries >= TRIES + pool_root(pool, job)->deaths)
            pool_job_fault(pool, job, loss->fault);
        else
            pool_take_back(pool, handed->job);
    }
    side->count = side->live = 0;
    /* A part of a job that was here too is no more. */
    if (guilty && !guilty->taken_back)
        blame(pool, guilty->job, loss);
}

/* Whether all that the worker had was one job that tells where it is. */
static bool tells(struct pool *pool, struct side *side)
{
    for (uint32_t i = 0; i < side->count; i++)
        if (!pool_handed(side, i)->taken_back)
            return side->live == 1 && pool_job(pool, pool_handed(side, i)->job)->tells;
    return false;
}

void pool_worker_lose(struct pool *pool, struct side *side, bool known, const char *what)
{
    struct sandbox_end end;
    struct loss loss = {.known = known, .hung = known && what, .place = side->place};
    if (side->socket < 0)
        return;
    close(side->socket);
    side->socket = -1;
    sandbox_end(&side->child, &end);
    if (!end.signal && end.status == GUARD_STATUS)
        guard_blame();
    /* Nonsense may have been said long ago: whoever tells has said so in time, others are
     * asked to. */
    if (known)
        loss.place = side->worker.page->control.place;
    else
        loss.known = tells(pool, side);
    describe_end(loss.place.stage, &end, what, loss.fault);
    pool->failures = side->greeted ? 0 : pool->failures + 1;
    if (!side->greeted && !pool->why.text[0])
        snprintf(pool->why.text, sizeof pool->why.text, "%s", loss.fault);
    lose_jobs(pool, side, &loss);
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
