/* Examining in threads of this process, without walls: for measuring what the walls cost. */
#include "scan/census.h"
#include "scan/owner.h"
#include "scan/queue.h"
#include "scan/scan_state.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A thread that examines. */
struct thread {
    struct examiner *examiner;
    struct examine_control control;
    struct content content;
    struct owners owners;
    struct text reply;
    struct arena *arena;
    struct report_counts counts;
    _Atomic int64_t started; /* of the file under examination, 0 between files */
};

struct threads {
    struct scan *scan;
    struct queue *queue;
    struct thread *at;
    pthread_t ticker, counter;
    struct census *census;
    bool ticking, counting;
    atomic_bool finished;
    sem_t done; /* posted when finished: ends the ticker's pause */
};

/* Examines an open file in this process. */
static int examine_content(struct scan *scan, struct thread *thread, bytes path,
                           struct examined *ret)
{
    const struct examine_file file = {
        .path = path,
        .name = examine_name(path),
        .owner = bytes_of(
            scan->wants_owner ? owner_name(&thread->owners, thread->content.st.st_uid) : ""),
        .content = &thread->content};
    thread->reply.len = 0;
    examiner_file(thread->examiner, &file, &thread->reply);
    const struct reply_part reply = {
        .reply = {(const uint8_t *)thread->reply.at, thread->reply.len}};
    return thread->reply.failed
               ? -ENOMEM
               : reply_read(&reply, path, scan->options->examine.sets,
                            scan->options->examine.set_count, thread->arena, ret);
}

static void examine(void *context, int number, const struct walk_file *file, struct text *out,
                    struct text *err)
{
    struct threads *threads = context;
    struct scan *scan = threads->scan;
    struct thread *thread = &threads->at[number];
    struct examined examined;
    if (scan->stop) /* interrupted: what waits is not examined, and the report says so */
        return;
    progress_at(&scan->progress, file->path);
    thread->control.stop = false;
    if (scan->options->timeout_ms)
        atomic_store_explicit(&thread->started, examine_clock(), memory_order_relaxed);
    const char *path = (const char *)file->path.at;
    uint64_t max = scan->options->max_size;
    arena_reset(thread->arena);
    int error = content_open(&thread->content, file->directory ? file->directory->fd : AT_FDCWD,
                             file->directory ? path + file->name : path, file->named, max);
    uint64_t size = error && error != -EFBIG ? 0 : (uint64_t)thread->content.st.st_size;
    if (!error)
        error = examine_content(scan, thread, file->path, &examined);
    if (error)
        reply_unexamined(error, size, max, file->path, thread->arena, &examined);
    scan_outcome(scan, &thread->counts, &examined, file->named, out, err);
    content_release(&thread->content);
    atomic_store_explicit(&thread->started, 0, memory_order_relaxed);
}

static void emit(void *context, struct text *out, struct text *err)
{
    struct threads *threads = context;
    pthread_mutex_lock(&threads->scan->output);
    scan_write(threads->scan, out, err);
    pthread_mutex_unlock(&threads->scan->output);
}

static void *run_census(void *context)
{
    struct threads *threads = context;
    while (!atomic_load(&threads->finished) && census_go_on(threads->census, SCAN_TICK_MS))
        ;
    return NULL;
}

static void tick_thread(struct scan *scan, struct thread *thread, int64_t now)
{
    int64_t started = atomic_load_explicit(&thread->started, memory_order_relaxed);
    int64_t limit = scan->options->timeout_ms;
    if (scan->stop)
        thread->control.interrupted = true;
    if (scan->stop || (started && limit && now - started > limit))
        thread->control.stop = true;
}

/* Watches the clock for timeouts, the signals, and draws. */
static void *run_ticker(void *context)
{
    struct threads *threads = context;
    struct scan *scan = threads->scan;
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    while (!atomic_load(&threads->finished)) {
        int64_t now = examine_clock();
        if (scan_interrupted())
            scan->stop = true;
        for (int i = 0; i < scan->jobs; i++)
            tick_thread(scan, &threads->at[i], now);
        if (scan->progress.active && now - scan->progress.started_ms > 300) {
            pthread_mutex_lock(&scan->output);
            progress_draw(&scan->progress, now);
            pthread_mutex_unlock(&scan->output);
        }
        next.tv_nsec += SCAN_TICK_MS * 1000000L;
        next.tv_sec += next.tv_nsec / 1000000000L;
        next.tv_nsec %= 1000000000L;
        sem_clockwait(&threads->done, CLOCK_MONOTONIC, &next);
    }
    return NULL;
}

static int start(struct scan *scan, struct why *why)
{
    struct threads *threads = calloc(1, sizeof *threads);
    if (!threads)
        return fail(why, ENOMEM, "out of memory");
    scan->hands = threads;
    threads->scan = scan;
    sem_init(&threads->done, 0, 0);
    threads->at = calloc((size_t)scan->jobs, sizeof *threads->at);
    for (int i = 0; threads->at && i < scan->jobs; i++) {
        struct thread *thread = &threads->at[i];
        thread->arena = arena_new(SCAN_REPLY_MEMORY);
        thread->examiner = examiner_new(&scan->options->examine, &thread->control);
        if (!thread->examiner || !thread->arena)
            return fail(why, ENOMEM, "out of memory");
    }
    const struct queue_options queue = {
        .jobs = scan->jobs, .context = threads, .examine = examine, .emit = emit};
    threads->queue = threads->at ? queue_new(&queue) : NULL;
    if (!threads->queue)
        return fail(why, EAGAIN, "cannot start threads");
    threads->ticking = pthread_create(&threads->ticker, NULL, run_ticker, threads) == 0;
    threads->census = census_new(scan);
    threads->counting =
        threads->census && pthread_create(&threads->counter, NULL, run_census, threads) == 0;
    return 0;
}

static void put(struct scan *scan, const struct walk_file *file)
{
    struct threads *threads = scan->hands;
    queue_put(threads->queue, file);
}

static void note(struct scan *scan, bytes out, bytes err)
{
    struct threads *threads = scan->hands;
    queue_note(threads->queue, out, err);
}

static void add_counts(struct report_counts *sum, const struct report_counts *part)
{
    sum->files += part->files;
    sum->bytes += part->bytes;
    sum->objects += part->objects;
    sum->unpacked += part->unpacked;
    sum->findings += part->findings;
    sum->not_fully += part->not_fully;
    sum->vanished += part->vanished;
    for (int i = 0; i < VERDICT_COUNT; i++)
        sum->verdicts[i] += part->verdicts[i];
    for (int i = 0; i < WALK_SKIPS; i++)
        sum->skips[i] += part->skips[i];
    for (int i = 0; i < GAPS; i++)
        sum->gaps[i] += part->gaps[i];
}

static int finish(struct scan *scan, struct why *why)
{
    struct threads *threads = scan->hands;
    (void)why;
    if (!threads)
        return 0;
    if (threads->queue)
        queue_finish(threads->queue);
    atomic_store(&threads->finished, true);
    sem_post(&threads->done);
    if (threads->counting)
        pthread_join(threads->counter, NULL);
    if (threads->ticking)
        pthread_join(threads->ticker, NULL);
    for (int i = 0; threads->at && i < scan->jobs; i++) {
        struct thread *thread = &threads->at[i];
        add_counts(&scan->counts, &thread->counts);
        examiner_free(thread->examiner);
        content_free(&thread->content);
        arena_free(thread->arena);
        text_free(&thread->reply);
    }
    census_free(threads->census);
    free(threads->at);
    free(threads);
    scan->hands = NULL;
    return 0;
}

const struct scan_way scan_threads = {
    .start = start, .put = put, .note = note, .finish = finish};
