#include "scan/scan.h"

#include "definitions/guard.h"
#include "scan/scan_state.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    interrupted = number;
}

bool scan_interrupted(void)
{
    return interrupted != 0;
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
    counts->moved += examined->move.tried && examined->move.id[0];
    counts->not_moved += examined->move.tried && !examined->move.id[0];
    counts->not_fully += examined->error || examined->gap.n;
    for (int i = 0; i < GAPS; i++)
        counts->gaps[i] += examined->gap_counts[i];
}

void scan_outcome(struct scan *scan, struct report_counts *counts, struct examined *examined,
                  bool named, struct text *out, struct text *err)
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

void scan_write(struct scan *scan, struct text *out, struct text *err)
{
    const struct report *report = scan->options->report;
    progress_hide(&scan->progress);
    if (scan->options->written)
        scan->options->written(scan->options->written_context, out, err);
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

static bool put_file(void *context, const struct walk_file *file)
{
    struct scan *scan = context;
    if (interrupted)
        scan->stop = true;
    if (scan->stop)
        return false;
    scan->options->way->put(scan, file);
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
        scan->options->way->note(scan, (bytes){(const uint8_t *)out.at, out.len},
                                 (bytes){(const uint8_t *)err.at, err.len});
    text_free(&out);
    text_free(&err);
}

void scan_walk_options(struct scan *scan, struct walk_options *ret)
{
    const struct scan_options *options = scan->options;
    *ret = (struct walk_options){.excludes = options->excludes,
                                 .exclude_count = options->exclude_count,
                                 .one_file_system = options->one_file_system,
                                 .stop = &scan->stop,
                                 .context = scan,
                                 .file = put_file,
                                 .skip = put_skip};
}

static void walk_paths(struct scan *scan)
{
    struct walk_options walk;
    scan_walk_options(scan, &walk);
    for (int i = 0; i < scan->options->path_count && !scan->stop; i++)
        walk_path(&walk, scan->options->paths[i]);
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
    struct walk_options walk;
    scan_walk_options(scan, &walk);
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

static void scan_prepare(struct scan *scan, const struct scan_options *options)
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
        .explain = options->explain,
        .moves = options->vault != NULL,
        .max_bytes = report->max_bytes,
        .started = examine_options->now,
        .clamscan = options->clamscan,
    };
    for (int i = 0; i < examine_options->set_count; i++) {
        uint32_t count = examine_options->sets[i].set.rule_count;
        scan->context.rule_count += count;
        if (report == &report_sarif)
            scan->context.seen[i] =
                calloc((size_t)ruleset_finding_count(&examine_options->sets[i].set) + 1, 1);
    }
}

static void scan_close(struct scan *scan)
{
    for (int i = 0; i < EXAMINE_MAX_SETS; i++)
        free(scan->context.seen[i]);
    text_free(&scan->notes);
    pthread_mutex_destroy(&scan->output);
}

static void scan_begin(struct scan *scan)
{
    struct text out = {0}, err = {0};
    const struct report *report = scan->options->report;
    if (report->begin) {
        report->begin(&scan->context, &out, &err);
        scan->begun = true;
        scan_write(scan, &out, &err);
        scan->begun = false;
    }
    text_free(&out);
    text_free(&err);
}

static void put_note(void *context, bytes out, bytes err)
{
    struct scan *scan = context;
    scan->options->way->note(scan, out, err);
}

/* The walk, or whoever takes its place. */
static void scan_feed(struct scan *scan)
{
    const struct scan_feed feed = {.to = scan, .file = put_file, .note = put_note};
    if (scan->options->feed)
        scan->options->feed(scan->options->feed_context, &feed);
    else
        walk_paths(scan);
}

/* The walk feeds those who examine. */
static int scan_all(struct scan *scan, struct why *why)
{
    const struct scan_way *way = scan->options->way;
    struct why end;
    int error = way->start(scan, why);
    if (!error) {
        scan_begin(scan);
        scan_feed(scan);
    }
    if (!error && scan->options->files_from && !scan->stop)
        error = scan_list(scan, why);
    int last = way->finish(scan, &end);
    if (!error && last && why)
        *why = end;
    progress_hide(&scan->progress);
    return error ? error : last;
}

static void scan_end(struct scan *scan, struct scan_result *ret)
{
    struct text out = {0}, err = {0};
    ret->counts = scan->counts;
    ret->interrupted = interrupted;
    scan->context.interrupted = interrupted != 0;
    scan->context.elapsed_ms = examine_clock() - scan->progress.started_ms;
    bytes notes = {(const uint8_t *)scan->notes.at, scan->notes.len};
    scan->begun = true;
    if (!scan->options->quiet)
        scan->options->report->end(&scan->context, &ret->counts, notes, &out);
    scan_write(scan, &out, &err);
    text_free(&out);
}

int scan_run(const struct scan_options *options, struct scan_result *ret, struct why *why)
{
    struct scan scan = {.options = options};
    *ret = (struct scan_result){0};
    pthread_mutex_init(&scan.output, NULL);
    catch_interrupts();
    content_guard();
    guard_arm(false);
    raise_file_limit();
    scan_prepare(&scan, options);
    progress_start(&scan.progress, examine_clock());
    int error = scan_all(&scan, why);
    scan_end(&scan, ret);
    ret->unread = scan.write_error == -EPIPE;
    if (!error && scan.write_error && !ret->unread)
        error = fail(why, -scan.write_error, "cannot write the report: %s",
                     strerror(-scan.write_error));
    scan_close(&scan);
    return error;
}
