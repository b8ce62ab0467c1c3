#include "scan/pool/pool_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    COMPANY_BYTES = 256 << 10, /* a file of this size goes at once */
    COMPANY_MS = 2,            /* and whoever has waited this long */
};

struct job *pool_job(struct pool *pool, uint64_t number)
{
    return number & POOL_PART ? pool->parts[number & ~POOL_PART]
                              : &pool->jobs[number % POOL_JOBS];
}

struct handed *pool_handed(struct side *side, uint32_t index)
{
    return &side->handed[(side->first + index) % POOL_WINDOW];
}

void pool_job_close(struct job *job)
{
    if (job->fd >= 0)
        close(job->fd);
    job->fd = -1;
}

void pool_job_fault(struct pool *pool, struct job *job, const char *fault)
{
    if (job->state == JOB_DONE || job->state == JOB_DROPPED)
        return;
    free(job->fault);
    job->fault = strdup(fault);
    if (!job->fault)
        job->error = -ENOMEM;
    job->reply.len = 0;
    pool_job_done(pool, job);
}

void pool_take_back(struct pool *pool, uint64_t number)
{
    uint32_t at = pool->again_count++;
    /* At most what workers have, and as many parts as there are workers; see pool_new. */
    for (; at && pool->again[at - 1] > number; at--)
        pool->again[at] = pool->again[at - 1];
    pool->again[at] = number;
    pool_job(pool, number)->state = JOB_WAITING;
    pool->waiting++;
}

static void tell_to_stop(struct pool *pool, struct side *side, uint32_t job)
{
    side->worker.page->stop_job = job;
    side->worker.page->control.stop = true;
    if (!side->told)
        side->told = pool->now;
}

static void drop_job(struct pool *pool, struct job *job)
{
    if (job->is_part)
        pool_job_fault(pool, job, "the scan was interrupted");
    else
        job->state = JOB_DROPPED;
}

/* The scan ends early: what nobody has begun is dropped. */
static void end_early(struct pool *pool)
{
    pool->ended = true;
    pool->again_count = 0;
    pool->waiting = 0;
    for (uint64_t i = pool->emitted; i < pool->put; i++)
        if (pool_job(pool, i)->state == JOB_WAITING)
            drop_job(pool, pool_job(pool, i));
    for (uint32_t i = 0; i < pool->part_size; i++)
        if (pool->parts[i] && pool->parts[i]->state == JOB_WAITING)
            drop_job(pool, pool->parts[i]);
    for (int i = 0; i < pool->options.jobs; i++) {
        struct side *side = &pool->sides[i];
        side->worker.page->skip_after = 0;
        side->worker.page->skip_to = side->next_seq - 1;
        side->worker.page->control.interrupted = true;
        uint32_t current = side->worker.page->current;
        for (uint32_t k = 0; k < side->count; k++) {
            struct handed *handed = pool_handed(side, k);
            if (handed->seq <= current || handed->taken_back)
                continue;
            handed->taken_back = true;
            side->live--;
            drop_job(pool, pool_job(pool, handed->job));
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
    const struct handed *first = pool_handed(side, 0);
    const struct job *job = first->taken_back ? NULL : pool_job(pool, first->job);
    int64_t since = job && job->is_part ? job->began : side->since;
    if (limit && !side->told && current && pool->now - since > limit)
        tell_to_stop(pool, side, current);
    if ((side->told && pool->now - side->told > POOL_GRACE_MS) ||
        (limit && pool->now - side->since > limit + 2 * POOL_GRACE_MS))
        pool_worker_lose(pool, side, true,
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
            if (pool_handed(side, k)->seq == current && !pool_handed(side, k)->taken_back) {
                struct job *job = pool_job(pool, pool_handed(side, k)->job);
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

/* Waits for some worker, no longer than to the next tick. Whatever can be handed out is handed
 * out before: an idle worker has nothing to say that would wake us. */
static void wait_for_workers(struct pool *pool, bool all)
{
    struct pollfd *polls = pool->polls;
    pool->now = examine_clock();
    pool_hand_out(pool, all);
    pool->options.pause(pool->options.context, current_path(pool));
    int64_t left = pool->ticked + POOL_TICK_MS - examine_clock();
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
        wait_for_workers(pool, all);
    pool->now = examine_clock();
    for (int i = 0; i < pool->options.jobs; i++)
        pool_receive(pool, &pool->sides[i]);
    if (pool->now - pool->ticked >= POOL_TICK_MS || *pool->options.stop)
        tick(pool);
    pool_workers_replace(pool);
    pool_workers_give_up(pool);
    if (all)
        pool_rebalance(pool);
    pool_hand_out(pool, all);
    pool_emit(pool);
    pool_parts_flow(pool);
}

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
    while (pool->put - pool->emitted == POOL_JOBS)
        pump(pool, true, true);
    struct job *job = pool_job(pool, pool->put);
    job->state = JOB_DONE;
    job->len = job->reply.len = job->note_out.len = job->note_err.len = 0;
    job->fd = -1;
    job->size = 0;
    job->error = 0;
    job->tries = job->deaths = job->hangs = 0;
    job->skip_count = 0;
    job->directory = NULL;
    job->named = job->is_note = job->whole = job->tells = false;
    job->part_count = job->open_parts = 0;
    job->result = (struct reply_part){0};
    return job;
}

static int open_job(const struct pool *pool, struct job *job, const struct walk_file *file)
{
    struct stat st;
    job->fd = walk_open(file, &st);
    if (job->fd < 0)
        return job->fd;
    job->size = (uint64_t)st.st_size;
    job->uid = st.st_uid;
    job->st = st;
    job->name_len = examine_name(file->path);
    return pool->options.max_size && job->size > pool->options.max_size ? -EFBIG : 0;
}

/* Small files wait for company, even where a worker is idle: a message for each of them, and
 * waking somebody for it, costs as much as examining it. */
static bool is_due(struct pool *pool, const struct job *job)
{
    if (!pool->waiting)
        return false;
    int64_t now = examine_clock();
    if (pool->waiting == 1)
        pool->since = now;
    return pool->waiting >= WORKER_BATCH || job->size >= COMPANY_BYTES ||
           now - pool->since >= COMPANY_MS;
}

void pool_put(struct pool *pool, const struct walk_file *file)
{
    struct job *job = free_slot(pool);
    if (pool->ended)
        return;
    job->named = file->named;
    job->name = file->name;
    if (pool->options.keeps_places && file->directory)
        job->directory = walk_directory_ref(file->directory);
    job->error = set_path(job, file->path) ? open_job(pool, job, file) : -ENOMEM;
    pool->put++;
    if (job->error) {
        pool_job_close(job);
    } else {
        job->state = JOB_WAITING;
        pool->waiting++;
    }
    if (is_due(pool, job))
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
    pool_emit(pool);
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
        if (side->worker.outbox)
            munmap(side->worker.outbox, WORKER_OUTBOX);
        text_free(&side->partial);
    }
    for (uint64_t i = 0; pool->jobs && i < POOL_JOBS; i++) {
        free(pool->jobs[i].path);
        walk_directory_unref(pool->jobs[i].directory);
        text_free(&pool->jobs[i].reply);
        free(pool->jobs[i].skips);
        free(pool->jobs[i].part_numbers);
        free(pool->jobs[i].part_results);
        text_free(&pool->jobs[i].note_out);
        text_free(&pool->jobs[i].note_err);
    }
    free(pool->sides);
    free(pool->jobs);
    free(pool->again);
    free(pool->parts);
    free(pool->polls);
    free(pool);
}

int pool_finish(struct pool *pool, struct why *why)
{
    while (pool->emitted < pool->put)
        pump(pool, true, true);
    int error = pool->failures >= POOL_START_FAILURES
                    ? fail(why, ECHILD, "workers cannot be started: %.180s", pool->why.text)
                    : 0;
    pool_free(pool);
    return error;
}

static int start_all(struct pool *pool, struct why *why)
{
    for (int i = 0; i < pool->options.jobs; i++)
        if (!pool_worker_map(pool, &pool->sides[i]))
            return fail(why, ENOMEM, "out of memory");
    for (int i = 0; i < pool->options.jobs; i++) {
        int error = pool_worker_start(pool, &pool->sides[i]);
        if (error) {
            *why = pool->why;
            return error;
        }
    }
    /* The walls are the same for all: the first answer tells. */
    while (!pool->sides[0].greeted && pool->failures < POOL_START_FAILURES)
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
    pool->jobs = calloc(POOL_JOBS, sizeof *pool->jobs);
    pool->again = calloc((size_t)options->jobs * (POOL_WINDOW + 2) + 1, sizeof *pool->again);
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
