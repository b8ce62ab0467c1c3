#include "scan/scan.h"

#include "scan/owner.h"
#include "scan/progress.h"
#include "scan/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 100 };

#define REPLY_MEMORY ((size_t)256 << 20) /* a reply that was read */

/* A thread that examines. */
struct scan_thread {
    struct examiner *examiner;
    struct examine_control control;
    struct content content;
    struct owners owners;
    struct text reply;
    struct arena *arena;
    struct report_counts counts;
    _Atomic int64_t started; /* of the file under examination, 0 between files */
};

struct scan {
    const struct scan_options *options;
    struct report_context context;
    struct progress progress;
    struct queue *queue;
    struct scan_thread *threads;
    struct report_counts counts; /* of the walk; at the end of all */
    bool wants_owner;
    int jobs;
    pthread_mutex_t output;
    struct text notes;
    bool begun; /* a piece of separated output is out */
    int write_error;
    volatile bool stop;
    atomic_bool finished;
    sem_t done; /* posted when finished: ends the ticker's pause */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    interrupted = number;
}

static void catch_interrupts(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    struct sigaction before;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < COUNT(signals); i++)
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void count_outcome(struct report_counts *counts, const struct examined *examined)
{
    counts->files++;
    counts->bytes += examined->examined;
    counts->objects += examined->objects;
    counts->unpacked += examined->unpacked;
    counts->verdicts[examined->verdict]++;
    counts->findings += examined->finding_count;
    counts->not_fully += examined->error || examined->gap.n;
    for (int i = 0; i < GAPS; i++)
        counts->gaps[i] += examined->gap_counts[i];
}

/* What came of one file: counted and reported. */
static void take_outcome(struct scan *scan, struct report_counts *counts,
                         struct examined *examined, bool named, struct text *out,
                         struct text *err)
{
    atomic_fetch_add_explicit(&scan->progress.files, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&scan->progress.bytes, examined->examined, memory_order_relaxed);
    if (named && (examined->vanished || examined->special)) {
        counts->verdicts[VERDICT_ERROR]++;
        counts->not_fully++;
        examined->vanished = false;
    } else if (examined->vanished) {
        /* A walk met it, and now it is gone, or something else: no error. */
        counts->vanished++;
        return;
    } else if (examined->special) {
        counts->skips[WALK_SPECIAL]++;
        return;
    } else {
        count_outcome(counts, examined);
    }
    scan->options->report->file(&scan->context, examined, out, err);
}

/* Examines an open file in this process. */
static int examine_content(struct scan *scan, struct scan_thread *thread, bytes path,
                           struct examined *ret)
{
    const struct examine_file file = {
        .path = path,
        .owner = bytes_of(
            scan->wants_owner ? owner_name(&thread->owners, thread->content.st.st_uid) : ""),
        .content = &thread->content};
    thread->reply.len = 0;
    examiner_file(thread->examiner, &file, &thread->reply);
    return thread->reply.failed
               ? -ENOMEM
               : reply_read((bytes){(const uint8_t *)thread->reply.at, thread->reply.len}, path,
                            scan->options->examine.sets, scan->options->examine.set_count,
                            thread->arena, ret);
}

static void examine(void *context, int number, const struct walk_file *file, struct text *out,
                    struct text *err)
{
    struct scan *scan = context;
    struct scan_thread *thread = &scan->threads[number];
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
    take_outcome(scan, &thread->counts, &examined, file->named, out, err);
    content_release(&thread->content);
    atomic_store_explicit(&thread->started, 0, memory_order_relaxed);
}

/* With the output lock held. */
static void write_piece(struct scan *scan, struct text *out, struct text *err)
{
    const struct report *report = scan->options->report;
    progress_hide(&scan->progress);
    if (report->separated && out->len && !scan->begun) {
        scan->begun = true;
        out->at[0] = ' ';
    }
    if (!scan->write_error)
        scan->write_error = text_write(out, 1);
    if (scan->write_error)
        scan->stop = true;
    if (report->keeps_notes)
        text_add(&scan->notes, err->at, err->len);
    else if (text_write(err, 2) < 0)
        err->len = 0;
}

static void emit(void *context, struct text *out, struct text *err)
{
    struct scan *scan = context;
    pthread_mutex_lock(&scan->output);
    write_piece(scan, out, err);
    pthread_mutex_unlock(&scan->output);
}

static bool put_file(void *context, const struct walk_file *file)
{
    struct scan *scan = context;
    if (scan->stop)
        return false;
    queue_put(scan->queue, file);
    return true;
}

static void put_skip(void *context, enum walk_skip reason, bytes path, int error)
{
    struct scan *scan = context;
    struct report_counts *counts = &scan->counts;
    struct text out = {0}, err = {0};
    counts->skips[reason]++;
    if (reason == WALK_UNREADABLE || reason == WALK_TOO_DEEP) {
        counts->verdicts[VERDICT_ERROR]++;
        counts->not_fully++;
    }
    scan->options->report->skip(&scan->context, reason, path, error, &out, &err);
    if (out.len || err.len)
        queue_note(scan->queue, (bytes){(const uint8_t *)out.at, out.len},
                   (bytes){(const uint8_t *)err.at, err.len});
    text_free(&out);
    text_free(&err);
}

/* The census: counts what the walk will meet, for the progress line. */
static bool count_file(void *context, const struct walk_file *file)
{
    struct scan *scan = context;
    struct stat st;
    const char *path = (const char *)file->path.at;
    int directory = file->directory ? file->directory->fd : AT_FDCWD;
    if (fstatat(directory, file->directory ? path + file->name : path, &st, 0) == 0 &&
        S_ISREG(st.st_mode)) {
        atomic_fetch_add(&scan->progress.total_files, 1);
        atomic_fetch_add(&scan->progress.total_bytes, (uint64_t)st.st_size);
    }
    return !atomic_load(&scan->finished);
}

static void count_skip(void *context, enum walk_skip reason, bytes path, int error)
{
    (void)context, (void)reason, (void)path, (void)error;
}

static void walk_all(struct scan *scan, bool census)
{
    const struct scan_options *options = scan->options;
    const struct walk_options walk = {
        .excludes = options->excludes,
        .exclude_count = options->exclude_count,
        .one_file_system = options->one_file_system,
        .stop = &scan->stop,
        .context = scan,
        .file = census ? count_file : put_file,
        .skip = census ? count_skip : put_skip,
    };
    for (int i = 0; i < options->path_count && !scan->stop; i++)
        walk_path(&walk, options->paths[i]);
}

static void *run_census(void *context)
{
    struct scan *scan = context;
    walk_all(scan, true);
    atomic_store(&scan->progress.counted, !atomic_load(&scan->finished));
    return NULL;
}

static void tick_thread(struct scan *scan, struct scan_thread *thread, int64_t now)
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
    struct scan *scan = context;
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    while (!atomic_load(&scan->finished)) {
        int64_t now = examine_clock();
        if (interrupted)
            scan->stop = true;
        for (int i = 0; i < scan->jobs; i++)
            tick_thread(scan, &scan->threads[i], now);
        if (scan->progress.active && now - scan->progress.started_ms > 300) {
            pthread_mutex_lock(&scan->output);
            progress_draw(&scan->progress, now);
            pthread_mutex_unlock(&scan->output);
        }
        next.tv_nsec += TICK_MS * 1000000L;
        next.tv_sec += next.tv_nsec / 1000000000L;
        next.tv_nsec %= 1000000000L;
        sem_clockwait(&scan->done, CLOCK_MONOTONIC, &next);
    }
    return NULL;
}

/* The paths of a list, each scanned as if it had been named. */
static int scan_list(struct scan *scan, struct why *why)
{
    const char *name = scan->options->files_from;
    FILE *list = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    if (!list)
        return fail(why, errno, "cannot open '%s': %s", name, strerror(errno));
    const struct walk_options walk = {
        .excludes = scan->options->excludes,
        .exclude_count = scan->options->exclude_count,
        .one_file_system = scan->options->one_file_system,
        .stop = &scan->stop,
        .context = scan,
        .file = put_file,
        .skip = put_skip,
    };
    int end = scan->options->zero_ended ? 0 : '\n';
    while (!scan->stop && (n = getdelim(&line, &room, end, list)) > 0) {
        if (line[n - 1] == end)
            line[--n] = 0;
        if (n > 0)
            walk_path(&walk, line);
    }
    int error = ferror(list) ? fail(why, EIO, "cannot read '%s'", name) : 0;
    free(line);
    if (list != stdin)
        fclose(list);
    return error;
}

/* Processors this process may use. */
static int processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 0 ? n : 1;
}

/* Directories stay open while files in them wait. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int start_threads(struct scan *scan, struct why *why)
{
    scan->threads = calloc((size_t)scan->jobs, sizeof *scan->threads);
    for (int i = 0; scan->threads && i < scan->jobs; i++) {
        struct scan_thread *thread = &scan->threads[i];
        thread->arena = arena_new(REPLY_MEMORY);
        thread->examiner = examiner_new(&scan->options->examine, &thread->control);
        if (!thread->examiner || !thread->arena)
            return fail(why, ENOMEM, "out of memory");
    }
    return scan->threads ? 0 : fail(why, ENOMEM, "out of memory");
}

static int scan_prepare(struct scan *scan, const struct scan_options *options, struct why *why)
{
    const struct report *report = options->report;
    const struct examine_options *examine_options = &options->examine;
    scan->jobs = options->jobs > 0 ? options->jobs : processors();
    scan->wants_owner = examine_wants_owner(examine_options);
    scan->context = (struct report_context){
        .sets = examine_options->sets,
        .set_count = examine_options->set_count,
        .faulty_rules = options->faulty_rules,
        .color = options->color,
        .verbose = options->verbose,
        .no_clean = options->no_clean,
        .tree = examine_options->tree,
        .max_bytes = report->max_bytes,
        .started = examine_options->now,
    };
    for (int i = 0; i < examine_options->set_count; i++) {
        uint32_t count = examine_options->sets[i].set.rule_count;
        scan->context.rule_count += count;
        if (report == &report_sarif)
            scan->context.seen[i] = calloc(count + 1, 1);
    }
    return start_threads(scan, why);
}

static void scan_close(struct scan *scan)
{
    for (int i = 0; scan->threads && i < scan->jobs; i++) {
        examiner_free(scan->threads[i].examiner);
        content_free(&scan->threads[i].content);
        arena_free(scan->threads[i].arena);
        text_free(&scan->threads[i].reply);
    }
    for (int i = 0; i < EXAMINE_MAX_SETS; i++)
        free(scan->context.seen[i]);
    free(scan->threads);
    text_free(&scan->notes);
    pthread_mutex_destroy(&scan->output);
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

/* The walk feeds the queue from this thread; a ticker and, on a terminal, a census run beside.
 */
static int scan_walk(struct scan *scan, struct why *why)
{
    pthread_t ticker, census;
    const struct queue_options queue = {
        .jobs = scan->jobs, .context = scan, .examine = examine, .emit = emit};
    scan->queue = queue_new(&queue);
    if (!scan->queue)
        return fail(why, EAGAIN, "cannot start threads");
    bool ticking = pthread_create(&ticker, NULL, run_ticker, scan) == 0;
    bool counting = scan->progress.active && !scan->options->files_from &&
                    pthread_create(&census, NULL, run_census, scan) == 0;
    walk_all(scan, false);
    int error = scan->options->files_from && !scan->stop ? scan_list(scan, why) : 0;
    queue_finish(scan->queue);
    atomic_store(&scan->finished, true);
    sem_post(&scan->done);
    if (counting)
        pthread_join(census, NULL);
    if (ticking)
        pthread_join(ticker, NULL);
    progress_hide(&scan->progress);
    return error;
}

static void scan_end(struct scan *scan, struct scan_result *ret)
{
    struct text out = {0}, err = {0};
    ret->counts = scan->counts;
    for (int i = 0; i < scan->jobs; i++)
        add_counts(&ret->counts, &scan->threads[i].counts);
    ret->interrupted = interrupted;
    scan->context.interrupted = interrupted != 0;
    scan->context.elapsed_ms = examine_clock() - scan->progress.started_ms;
    bytes notes = {(const uint8_t *)scan->notes.at, scan->notes.len};
    scan->begun = true;
    if (!scan->options->quiet)
        scan->options->report->end(&scan->context, &ret->counts, notes, &out);
    write_piece(scan, &out, &err);
    text_free(&out);
}

int scan_run(const struct scan_options *options, struct scan_result *ret, struct why *why)
{
    struct scan scan = {.options = options};
    *ret = (struct scan_result){0};
    pthread_mutex_init(&scan.output, NULL);
    sem_init(&scan.done, 0, 0);
    catch_interrupts();
    content_guard();
    raise_file_limit();
    int error = scan_prepare(&scan, options, why);
    if (!error) {
        struct text out = {0}, err = {0};
        progress_start(&scan.progress, examine_clock());
        if (options->report->begin) {
            options->report->begin(&scan.context, &out);
            scan.begun = true;
            write_piece(&scan, &out, &err);
            scan.begun = false;
            text_free(&out);
        }
        error = scan_walk(&scan, why);
    }
    if (scan.threads)
        scan_end(&scan, ret);
    ret->unread = scan.write_error == -EPIPE;
    if (!error && scan.write_error && !ret->unread)
        error = fail(why, -scan.write_error, "cannot write the report: %s",
                     strerror(-scan.write_error));
    scan_close(&scan);
    return error;
}
