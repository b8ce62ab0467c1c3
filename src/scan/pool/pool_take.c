#include "scan/pool/pool_state.h"

#include "sandbox/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Whether the job and all its parts are done. Where the parts together went over limits that
 * each kept to, the file is examined again, in one. */
static bool is_complete(struct pool *pool, struct job *job)
{
    if (job->state == JOB_DROPPED)
        return true;
    if (job->state != JOB_DONE || job->open_parts)
        return false;
    if (!job->part_count || job->whole || pool->ended ||
        pool->options.within(pool->options.context, &job->result))
        return true;
    pool_parts_drop(pool, job);
    job->whole = true;
    pool_take_back(pool, pool->emitted);
    return false;
}

void pool_emit(struct pool *pool)
{
    for (; pool->emitted < pool->put; pool->emitted++) {
        struct job *job = pool_job(pool, pool->emitted);
        if (!is_complete(pool, job))
            return;
        const struct pool_result result = {
            .path = {(const uint8_t *)job->path, job->is_note ? 0 : job->len},
            .named = job->named,
            .size = job->size,
            .st = &job->st,
            .directory = job->directory,
            .name = job->name,
            .error = job->error,
            .reply = &job->result,
            .note_out = {(const uint8_t *)job->note_out.at, job->note_out.len},
            .note_err = {(const uint8_t *)job->note_err.at, job->note_err.len}};
        if (job->state == JOB_DONE)
            pool->options.emit(pool->options.context, &result);
        pool_parts_drop(pool, job);
        pool_job_close(job);
        walk_directory_unref(job->directory);
        job->directory = NULL;
        free(job->fault);
        job->fault = NULL;
        free(job->skips);
        job->skips = NULL;
        text_free(&job->reply);
    }
}

/* The oldest job of a worker is answered. */
static void finish_job(struct pool *pool, struct side *side)
{
    struct handed *handed = pool_handed(side, 0);
    struct job *job = pool_job(pool, handed->job);
    side->ring_tail = handed->ring_end;
    side->since = pool->now;
    side->told = 0;
    if (!handed->taken_back) {
        side->live--;
        side->live_bytes -= handed->size;
        text_free(&job->reply);
        job->reply = side->partial;
        side->partial = (struct text){0};
        text_fit(&job->reply); /* thousands of them may wait for one file before them */
        pool_job_done(pool, job);
    }
    side->partial.len = 0;
    side->first = (side->first + 1) % POOL_WINDOW;
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

static bool take_place(struct side *side, bytes frame)
{
    if (frame.len != sizeof side->place)
        return false;
    memcpy(&side->place, frame.at, sizeof side->place);
    return true;
}

static bool take_frames(struct pool *pool, struct side *side, size_t len)
{
    size_t most = pool->options.reply_max ? pool->options.reply_max : POOL_REPLY_MAX;
    for (size_t at = 0; at < len;) {
        struct worker_frame frame;
        if (len - at < sizeof frame)
            return false;
        memcpy(&frame, pool->message + at, sizeof frame);
        at += sizeof frame;
        size_t size = frame.length & ~(WORKER_LAST | WORKER_PART | WORKER_PLACE);
        if (size > len - at || !side->count || frame.seq != pool_handed(side, 0)->seq ||
            side->partial.len + size > most)
            return false;
        if (frame.length & (WORKER_PART | WORKER_PLACE)) {
            bytes view = {pool->message + at, size};
            if (!(frame.length & WORKER_PART ? pool_part_take(pool, side, view)
                                             : take_place(side, view)))
                return false;
            at += size;
            continue;
        }
        text_add(&side->partial, pool->message + at, size);
        at += size;
        if (side->partial.failed)
            return false;
        if (frame.length & WORKER_LAST)
            finish_job(pool, side);
    }
    return true;
}

void pool_receive(struct pool *pool, struct side *side)
{
    while (side->socket >= 0) {
        ssize_t n = channel_receive(side->socket, pool->message, sizeof pool->message, NULL,
                                    MSG_DONTWAIT);
        if (n == -EAGAIN)
            return;
        if (n <= 0 && n != -EMSGSIZE) {
            pool_worker_lose(pool, side, true, NULL);
            return;
        }
        side->worker.page->flush = false;
        if (n < 0 || !(side->greeted ? take_frames(pool, side, (size_t)n)
                                     : take_hello(pool, side, (size_t)n)))
            pool_worker_lose(pool, side, false,
                             "the worker gave an answer that makes no sense");
    }
}
