/* Examining in sealed workers. */
#include "definitions/guard.h"
#include "scan/census.h"
#include "scan/pool/pool.h"
#include "scan/scan_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of the report: kept back until the next wait. */
enum { OUTPUT_MAX = 256 << 10 };

struct workers {
    struct pool *pool;
    struct arena *arena; /* of one reply */
    struct text out, err;
    struct census *census; /* NULL: all is counted, or is not to be */
    int64_t paused;        /* when last */
};

/* Of counting, at a time: a part of what passed since the last time. */
enum { CENSUS_SHARE = 4, CENSUS_MS = 25 };

/* In a worker, before it is sealed. */
static void *start_worker(void *context, struct examine_control *control)
{
    const struct scan *scan = context;
    guard_arm(true);
    return examiner_new(&scan->options->examine, control);
}

/* In a sealed worker. */
static void work(void *started, const struct examine_file *file, struct text *reply)
{
    examiner_file(started, file, reply);
}

static enum examine_later settle(void *started, uint32_t tag, bool now)
{
    return examiner_settle(started, tag, now);
}

static bool within(void *context, const struct reply_part *reply)
{
    const struct scan *scan = context;
    return reply_within(reply, &scan->options->examine.limits);
}

static void write_out(struct scan *scan)
{
    struct workers *workers = scan->hands;
    if (workers->out.len || workers->err.len)
        scan_write(scan, &workers->out, &workers->err);
}

static void emit(void *context, const struct pool_result *result)
{
    struct scan *scan = context;
    struct workers *workers = scan->hands;
    const struct examine_options *options = &scan->options->examine;
    struct examined examined;
    text_add(&workers->out, result->note_out.at, result->note_out.len);
    text_add(&workers->err, result->note_err.at, result->note_err.len);
    if (!result->path.len)
        return;
    arena_reset(workers->arena);
    if (result->error) {
        reply_unexamined(result->error, result->size, scan->options->max_size, result->path,
                         workers->arena, &examined);
    } else if (result->reply->fault.len) {
        reply_fault(result->reply->fault, result->size, result->path, workers->arena,
                    &examined);
    } else {
        int error = reply_read(result->reply, result->path, options->sets, options->set_count,
                               workers->arena, &examined);
        if (error == -EBADMSG)
            reply_fault(bytes_of("the worker gave an answer that makes no sense"), result->size,
                        result->path, workers->arena, &examined);
        else if (error)
            reply_unexamined(error, result->size, 0, result->path, workers->arena, &examined);
    }
    if (scan->options->vault && examined.finding_count)
        scan_quarantine(scan, result, &examined);
    scan_outcome(scan, &scan->counts, &examined, result->named, &workers->out, &workers->err);
    if (scan->options->after)
        scan->options->after(scan->options->after_context, &examined, result->st, &workers->out,
                             &workers->err);
    if (workers->out.len + workers->err.len > OUTPUT_MAX)
        write_out(scan);
}

/* While workers are busy: the files that are still to come are counted. */
static void count_ahead(struct workers *workers, int64_t now)
{
    int64_t share = (now - workers->paused) / CENSUS_SHARE;
    workers->paused = now;
    if (workers->census &&
        !census_go_on(workers->census, share < CENSUS_MS ? share : CENSUS_MS)) {
        census_free(workers->census);
        workers->census = NULL;
    }
}

/* Before every wait. */
static void pause_for(void *context, bytes at)
{
    struct scan *scan = context;
    int64_t now = scan->progress.active ? examine_clock() : 0;
    if (scan_interrupted())
        scan->stop = true;
    write_out(scan);
    count_ahead(scan->hands, now);
    if (!scan->progress.active || now - scan->progress.started_ms < 300 ||
        now - scan->progress.drawn_ms < SCAN_TICK_MS)
        return;
    if (at.len)
        progress_at(&scan->progress, at);
    progress_draw(&scan->progress, now);
}

static int start(struct scan *scan, struct why *why)
{
    const struct pool_options options = {.jobs = scan->jobs,
                                         .max_size = scan->options->max_size,
                                         .timeout_ms = scan->options->timeout_ms,
                                         .wants_owner = scan->wants_owner,
                                         .keeps_places = scan->options->vault != NULL,
                                         .leaves_out = true,
                                         .stop = &scan->stop,
                                         .context = scan,
                                         .start = start_worker,
                                         .work = work,
                                         .settle = settle,
                                         .within = within,
                                         .emit = emit,
                                         .pause = pause_for};
    struct workers *workers = calloc(1, sizeof *workers);
    if (!workers)
        return fail(why, ENOMEM, "out of memory");
    scan->hands = workers;
    workers->arena = arena_new(SCAN_REPLY_MEMORY);
    if (!workers->arena)
        return fail(why, ENOMEM, "out of memory");
    scan->context.walled = true;
    workers->census = census_new(scan);
    workers->paused = examine_clock();
    examine_warm(&scan->options->examine);
    return pool_new(&options, &workers->pool, &scan->context.walls, why);
}

static void put(struct scan *scan, const struct walk_file *file)
{
    struct workers *workers = scan->hands;
    pool_put(workers->pool, file);
}

static void note(struct scan *scan, bytes out, bytes err)
{
    struct workers *workers = scan->hands;
    pool_note(workers->pool, out, err);
}

static int finish(struct scan *scan, struct why *why)
{
    struct workers *workers = scan->hands;
    if (!workers)
        return 0;
    int error = workers->pool ? pool_finish(workers->pool, why) : 0;
    write_out(scan);
    census_free(workers->census);
    arena_free(workers->arena);
    text_free(&workers->out);
    text_free(&workers->err);
    free(workers);
    scan->hands = NULL;
    return error;
}

const struct scan_way scan_workers = {
    .start = start, .put = put, .note = note, .finish = finish};
