#include "scan/scan.h"

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

struct scan {
    const struct scan_options *options;
    struct report_context context;
    struct progress progress;
    struct queue *queue;
    struct examiner **examiners;
    struct report_counts *counts; /* one per worker, one more for the walk */
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
    if (examined->vanished) {
        counts->vanished++;
        return;
    }
    if (examined->special) {
        counts->skips[WALK_SPECIAL]++;
        return;
    }
    counts->files++;
    counts->bytes += examined->data.len;
    counts->verdicts[examined->verdict]++;
    counts->findings += examined->finding_count;
    counts->not_fully += examined->reason[0] != 0;
}

static void examine(void *context, int worker, const struct walk_file *file, struct text *out,
                    struct text *err)
{
    struct scan *scan = context;
    struct examined examined;
    if (scan->stop) /* interrupted: what waits is not examined, and the report says so */
        return;
    progress_at(&scan->progress, file->path);
    examiner_file(scan->examiners[worker], file, &examined);
    /* A file that a walk met and that is gone, or turned into something else, is no error. */
    if (!file->named || !(examined.vanished || examined.special))
        count_outcome(&scan->counts[worker], &examined);
    else
        scan->counts[worker].verdicts[VERDICT_ERROR]++, scan->counts[worker].not_fully++;
    if (file->named)
        examined.vanished = examined.special = false;
    if (!examined.vanished && !examined.special)
        scan->options->report->file(&scan->context, &examined, out, err);
    atomic_fetch_add_explicit(&scan->progress.files, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&scan->progress.bytes, examined.data.len, memory_order_relaxed);
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
    struct report_counts *counts = &scan->counts[scan->jobs];
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

/* Watches the clock for timeouts, the signals, and draws. */
static void *run_ticker(void *context)
{
    struct scan *scan = context;
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    while (!atomic_load(&scan->finished)) {
        int64_t now = examiner_clock();
        if (interrupted)
            scan->stop = true;
        for (int i = 0; i < scan->jobs; i++)
            examiner_tick(scan->examiners[i], now, scan->stop);
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

static int scan_prepare(struct scan *scan, const struct scan_options *options, struct why *why)
{
    const struct examine_options examine_options = {
        .sets = options->sets,
        .set_count = options->set_count,
        .max_size = options->max_size,
        .timeout_ms = options->timeout_ms,
        .now = time(NULL),
        .externals = options->externals,
        .external_count = options->external_count,
    };
    scan->jobs = options->jobs > 0 ? options->jobs : processors();
    scan->examiners = calloc((size_t)scan->jobs, sizeof(struct examiner *));
    scan->counts = calloc((size_t)scan->jobs + 1, sizeof *scan->counts);
    if (!scan->examiners || !scan->counts)
        return fail(why, ENOMEM, "out of memory");
    for (int i = 0; i < scan->jobs; i++)
        if (!(scan->examiners[i] = examiner_new(&examine_options)))
            return fail(why, ENOMEM, "out of memory");
    scan->context = (struct report_context){
        .sets = options->sets,
        .set_count = options->set_count,
        .faulty_rules = options->faulty_rules,
        .color = options->color,
        .verbose = options->verbose,
        .no_clean = options->no_clean,
        .max_matches = options->report == &report_text ? 5 : 100,
        .max_bytes = options->report == &report_text ? 48 : 256,
        .started = time(NULL),
    };
    for (int i = 0; i < options->set_count; i++) {
        scan->context.rule_count += options->sets[i].set.rule_count;
        if (options->report == &report_sarif)
            scan->context.seen[i] = calloc(options->sets[i].set.rule_count + 1, 1);
    }
    return 0;
}

static void scan_close(struct scan *scan)
{
    for (int i = 0; scan->examiners && i < scan->jobs; i++)
        examiner_free(scan->examiners[i]);
    for (int i = 0; i < EXAMINE_MAX_SETS; i++)
        free(scan->context.seen[i]);
    free(scan->examiners);
    free(scan->counts);
    text_free(&scan->notes);
    pthread_mutex_destroy(&scan->output);
}

static void add_counts(struct report_counts *sum, const struct report_counts *part)
{
    sum->files += part->files;
    sum->bytes += part->bytes;
    sum->findings += part->findings;
    sum->not_fully += part->not_fully;
    sum->vanished += part->vanished;
    for (int i = 0; i < VERDICT_COUNT; i++)
        sum->verdicts[i] += part->verdicts[i];
    for (int i = 0; i < WALK_SKIPS; i++)
        sum->skips[i] += part->skips[i];
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
    for (int i = 0; i <= scan->jobs; i++)
        add_counts(&ret->counts, &scan->counts[i]);
    ret->interrupted = interrupted;
    scan->context.interrupted = interrupted != 0;
    scan->context.elapsed_ms = examiner_clock() - scan->progress.started_ms;
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
        progress_start(&scan.progress, examiner_clock());
        if (options->report->begin) {
            options->report->begin(&scan.context, &out);
            scan.begun = true;
            write_piece(&scan, &out, &err);
            scan.begun = false;
            text_free(&out);
        }
        error = scan_walk(&scan, why);
    }
    if (scan.jobs && scan.counts)
        scan_end(&scan, ret);
    ret->unread = scan.write_error == -EPIPE;
    if (!error && scan.write_error && !ret->unread)
        error = fail(why, -scan.write_error, "cannot write the report: %s",
                     strerror(-scan.write_error));
    scan_close(&scan);
    return error;
}
