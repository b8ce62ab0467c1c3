/* candor clamscan — does what clamscan 1.4 does, with its words: options, output and exit
 * statuses. docs/clamscan.md lists where they differ. */
#include "cmd/clamscan_act.h"
#include "cmd/clamscan_load.h"
#include "cmd/clamscan_walk.h"
#include "cmd/commands.h"
#include "scan/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The version of ClamAV whose clamscan this is like. */
#define CLAMAV "1.4"

enum {
    MAX_DEPTH = 200,
    /* clamscan's own limits, where --alert-exceeds-max asks for their alerts. */
    USUAL_FILES = 10000,
    USUAL_RECURSION = 17,
    USUAL_TIME_MS = 120000,
};

#define USUAL_FILE_SIZE ((uint64_t)100 << 20)
#define USUAL_SCAN_SIZE ((uint64_t)400 << 20)
#define NO_LIMIT        ((uint64_t)1 << 40)

/* One run. */
struct clamscan {
    const struct clamscan_arguments *arguments;
    struct report_clamscan report;
    struct clamscan_sets sets;
    struct clamscan_act act;
    int log;
};

static int print_version(const struct clamscan_arguments *arguments)
{
    char path[4096], when[64] = "";
    int64_t seconds = 0;
    const char *directory = arguments->databases.n ? arguments->databases.at[0]
                                                   : clamscan_database(path, sizeof path);
    uint32_t daily = clamscan_daily(directory, &seconds);
    time_t at = (time_t)seconds;
    struct tm parts;
    if (daily && localtime_r(&at, &parts))
        strftime(when, sizeof when, "%a %b %e %H:%M:%S %Y", &parts);
    printf("Candor %s, in the place of ClamAV " CLAMAV, CANDOR_VERSION);
    if (daily)
        printf("/%u/%s", daily, when);
    putchar('\n');
    return EXIT_CLEAN;
}

static void write_log(struct clamscan *run)
{
    if (run->log < 0 || text_write(&run->report.log, run->log) < 0)
        run->report.log.len = 0;
}

/* What goes to the log is taken out of the report before it is written. */
static void divert_log(void *context, struct text *out, struct text *err)
{
    struct clamscan *run = context;
    report_clamscan_divert(&run->report, out, err);
    write_log(run);
}

/* "ERROR: REASON", wherever errors are to go. */
static int say_error(struct clamscan *run, const char *text)
{
    struct text out = {0}, err = {0};
    report_clamscan_say(&run->report, CLAMSCAN_ERROR, &out, &err, "", bytes_of(""), "%s", text);
    divert_log(run, &out, &err);
    (void)!text_write(&out, 1);
    (void)!text_write(&err, 2);
    text_free(&out);
    text_free(&err);
    return EXIT_ERROR;
}

static int open_log(struct clamscan *run, struct why *why)
{
    static const char line[] =
        "\n---------------------------------------------------------------"
        "----------------\n\n";
    const char *path = run->arguments->log;
    run->log = -1;
    if (!path)
        return 0;
    run->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (run->log < 0)
        return fail(why, errno, "Failed to open log file %.150s: %s", path, strerror(errno));
    run->report.logs = true;
    text_word(&run->report.log, line);
    write_log(run);
    return 0;
}

/* PUA.CATEGORY.Name: --exclude-pua and --include-pua. */
static bool is_excluded(const void *context, const char *name)
{
    const struct clamscan_arguments *arguments = context;
    const struct option_list *list =
        arguments->include_pua.n ? &arguments->include_pua : &arguments->exclude_pua;
    if (strncmp(name, "PUA.", 4) != 0 || !list->n)
        return false;
    bytes rest = bytes_of(name + 4), category;
    bytes_cut(&rest, '.', &category);
    for (int i = 0; i < list->n; i++)
        if (bytes_is(category, list->at[i]))
            return list == &arguments->exclude_pua;
    return list == &arguments->include_pua;
}

/* clamscan does not load what is excluded. */
static uint64_t count_excluded(const struct clamscan *run,
                               const struct clamscan_arguments *arguments)
{
    uint64_t count = 0;
    for (int i = 0; i < run->sets.n && (arguments->include_pua.n || arguments->exclude_pua.n);
         i++) {
        const struct ruleset *set = &run->sets.at[i].set;
        struct hash_label label;
        for (uint32_t k = 0; k < set->rule_count; k++)
            count += is_excluded(arguments, ruleset_text(set, set->rules[k].name));
        for (uint32_t k = 0; k < set->hash_count; k++)
            count += hashes_label(&set->hashes, k, &label) == 0 &&
                     is_excluded(arguments, label.name);
    }
    return count;
}

static void begin_report(struct clamscan *run)
{
    const struct clamscan_arguments *arguments = run->arguments;
    run->report = (struct report_clamscan){
        .only_found = arguments->infected,
        .no_ok = arguments->no_ok,
        .verbose = arguments->verbose,
        .all_gaps = arguments->verbose || arguments->debug,
        .archive_verbose = arguments->archive_verbose,
        .quiet = arguments->quiet,
        .to_stdout = arguments->to_stdout,
        .bell = arguments->bell,
        .all = arguments->all,
        .alert_archives = arguments->encrypted || arguments->encrypted_archive,
        .alert_documents = arguments->encrypted || arguments->encrypted_doc,
        .alert_limits = arguments->exceeds_max,
        .alert_macros = arguments->macros,
        .alerts_first = arguments->alerts_first,
        .copies = arguments->copy && !arguments->move,
        .version = CANDOR_VERSION " (Candor, as ClamAV " CLAMAV ")",
        .excluded = is_excluded,
        .context = arguments,
        .began = time(NULL),
        .began_ms = examine_clock(),
    };
}

/* 0 is no limit to clamscan. */
static uint64_t limit_of(int64_t given, bool asked, uint64_t usual, uint64_t otherwise)
{
    return given > 0 ? (uint64_t)given : given == 0 ? NO_LIMIT : asked ? usual : otherwise;
}

static uint64_t size_of(uint64_t given, bool asked, uint64_t usual, uint64_t otherwise)
{
    return limit_of(given == UINT64_MAX ? -1 : (int64_t)given, asked, usual, otherwise);
}

static void set_limits(const struct clamscan_arguments *arguments, struct scan_options *options)
{
    const struct profile *profile = &profile_table[PROFILE_SERVER];
    struct unpack_limits *limits = &options->examine.limits;
    bool asked = arguments->exceeds_max;
    *limits = profile->limits;
    options->examine.memory = profile->memory;
    uint64_t depth =
        limit_of(arguments->max_recursion, asked, USUAL_RECURSION, limits->depth + 1);
    /* The file itself counts. */
    limits->depth = depth <= MAX_DEPTH ? (uint32_t)depth - 1 : MAX_DEPTH;
    limits->members = limit_of(arguments->max_files, asked, USUAL_FILES, limits->members);
    limits->bytes = size_of(arguments->max_scansize, asked, USUAL_SCAN_SIZE, limits->bytes);
    if (limits->one > limits->bytes)
        limits->one = limits->bytes;
    options->max_size = size_of(arguments->max_filesize, asked, USUAL_FILE_SIZE, 0);
    uint64_t ms =
        limit_of(arguments->max_scantime, asked, USUAL_TIME_MS, (uint64_t)profile->timeout_ms);
    options->timeout_ms = ms < NO_LIMIT ? (int64_t)ms : 0;
}

/* Of none at all, clamscan looks at one. */
static uint32_t most_icons(const struct clamscan_arguments *arguments)
{
    int64_t wanted = arguments->max_icons;
    return wanted < 1 ? 1 : wanted < UINT32_MAX ? (uint32_t)wanted : UINT32_MAX;
}

static uint32_t count_of(int64_t given)
{
    return given < UINT32_MAX ? (uint32_t)given : UINT32_MAX;
}

/* Whether any are asked for. */
static bool set_alerts(const struct clamscan_arguments *arguments, struct alert_options *ret)
{
    bool pictures = arguments->broken_media && arguments->heuristics && arguments->algorithms;
    *ret = (struct alert_options){.structured = arguments->structured,
                                  .programs = arguments->broken,
                                  .pictures = pictures,
                                  .partitions = arguments->partitions,
                                  .cards_only = arguments->card_mode == 1,
                                  .hyphens = arguments->ssn_format != 1,
                                  .plain = arguments->ssn_format != 0,
                                  .least_cards = count_of(arguments->card_count),
                                  .least_ssns = count_of(arguments->ssn_count),
                                  .most_partitions = count_of(arguments->max_partitions)};
    return ret->structured || ret->programs || pictures || ret->partitions;
}

static int scan_files(struct clamscan *run, int argc, char **argv)
{
    const struct clamscan_arguments *arguments = run->arguments;
    bytes passwords[PROFILE_PASSWORDS];
    struct alert_options alerts;
    bool asks = set_alerts(arguments, &alerts);
    struct scan_result result;
    struct why why;
    struct clamscan_walk walk = {.arguments = arguments,
                                 .report = &run->report,
                                 .paths = (const char *const *)argv,
                                 .path_count = argc};
    struct scan_options options = {
        .examine = {.sets = run->sets.at,
                    .set_count = run->sets.n,
                    .now = run->report.began,
                    .passwords = passwords,
                    .matches = 1,
                    .tree = arguments->macros,
                    .icons = most_icons(arguments),
                    .alerts = asks ? &alerts : NULL,
                    .no_signers = arguments->no_certificates,
                    .first_signer = !arguments->all,
                    .no_links = !arguments->phishing_urls,
                    .insecure_links = arguments->phishing_ssl,
                    .cloaked_links = arguments->phishing_cloak},
        .way = &scan_workers,
        .report = &report_clamscan,
        .feed = clamscan_walk,
        .feed_context = &walk,
        .after = clamscan_act,
        .after_context = &run->act,
        .written = divert_log,
        .written_context = run,
        .quiet = arguments->no_summary,
        .jobs = (int)(arguments->jobs < 1024 ? arguments->jobs : 1024),
        .clamscan = &run->report,
    };
    uint32_t *count = &options.examine.password_count;
    bool encrypted = run->report.alert_archives || run->report.alert_documents;
    if (!encrypted)
        *count = profile_add_passwords(options.examine.sets, options.examine.set_count, 0,
                                       passwords);
    set_limits(arguments, &options);
    int error = scan_run(&options, &result, &why);
    if (error)
        return say_error(run, why.text);
    if (result.unread || result.interrupted) {
        int number = result.unread ? SIGPIPE : result.interrupted;
        write_log(run);
        signal(number, SIG_DFL);
        raise(number);
    }
    bool failed = run->report.errors || (arguments->strict && run->report.not_fully);
    return run->report.infected ? EXIT_FOUND : failed ? EXIT_ERROR : walk.status;
}

static int fail_load(struct clamscan *run, const char *reason)
{
    struct text out = {0};
    say_error(run, reason);
    if (!run->arguments->no_summary)
        report_clamscan_summary(&run->report, &out);
    (void)!text_write(&out, 1);
    text_free(&out);
    return EXIT_ERROR;
}

static int check_links(const struct clamscan_arguments *arguments, struct why *why)
{
    if (arguments->follow_directories > 2)
        return fail(why, EINVAL, "--follow-dir-symlinks: Invalid argument");
    if (arguments->follow_files > 2)
        return fail(why, EINVAL, "--follow-file-symlinks: Invalid argument");
    return 0;
}

static int check_structured(const struct clamscan_arguments *arguments, struct why *why)
{
    if (arguments->structured && arguments->ssn_format > 2)
        return fail(why, EINVAL, "Invalid argument for --structured-ssn-format");
    if (arguments->structured && arguments->card_mode > 1)
        return fail(why, EINVAL, "Invalid argument for --structured-cc-mode");
    return 0;
}

static int check_options(const struct clamscan_arguments *arguments, struct why *why)
{
    if (arguments->include_pua.n && arguments->exclude_pua.n)
        return fail(why, EINVAL, "--exclude-pua and --include-pua exclude each other");
    clamscan_options_check(arguments);
    return 0;
}

static int run_clamscan(const struct command *self, void *parsed, int argc, char **argv)
{
    struct clamscan run = {.arguments = parsed, .log = -1};
    const struct clamscan_arguments *arguments = parsed;
    const char *target = arguments->move ? arguments->move : arguments->copy;
    struct why why;
    int status;
    if (arguments->version)
        return print_version(arguments);
    if (arguments->help) {
        options_help(self, stdout);
        return EXIT_CLEAN;
    }
    begin_report(&run);
    run.act = (struct clamscan_act){.report = &run.report, .target = -1};
    if (open_log(&run, &why) < 0 || check_options(arguments, &why) < 0 ||
        clamscan_act_open(&run.act,
                          arguments->move     ? CLAMSCAN_MOVE
                          : arguments->copy   ? CLAMSCAN_COPY
                          : arguments->remove ? CLAMSCAN_REMOVE
                                              : CLAMSCAN_LEAVE,
                          target, &why) < 0) {
        status = say_error(&run, why.text);
    } else if (check_links(arguments, &why) < 0 || check_structured(arguments, &why) < 0 ||
               clamscan_check_age(arguments, run.report.began, &why) < 0 ||
               clamscan_load(arguments, &run.sets, &why) < 0) {
        status = fail_load(&run, why.text);
    } else {
        run.report.known = run.sets.known - count_excluded(&run, arguments);
        status = scan_files(&run, argc, argv);
    }
    write_log(&run);
    clamscan_act_close(&run.act);
    text_free(&run.report.log);
    for (int i = 0; i < run.sets.n; i++)
        definitions_close(&run.sets.at[i]);
    return status;
}

const struct command command_clamscan = {
    .name = "clamscan",
    .title = "candor-clamscan",
    .summary = "scan as clamscan does, with its options and words",
    .arguments = "[FILE|DIRECTORY|-]...",
    .doc =
        "Takes the place of clamscan 1.4, for scripts and programs that call it: the same "
        "options, the same lines, the same exit statuses, with ClamAV's databases. Under the "
        "name candor-clamscan, or clamscan, the program is this command.\n\n"
        "clamscan says OK of a file that it skipped, or examined in part. So does this "
        "command, "
        "on standard output; but each of these files is said on standard error, with what was "
        "not examined and why, and they are counted in the summary. With --strict they are an "
        "error.\n\n"
        "Without a PATH the working directory is scanned; - is standard input.",
    .exits = "0\tnothing was found\n1\tsomething was found\n"
             "2\tan error, and nothing was found; with --strict: something was not fully "
             "examined\n54\tthe list of files cannot be opened",
    .examples = "candor clamscan -r -i /srv\tsay what is found, nothing else\n"
                "candor clamscan -d rules.yar -d /var/lib/clamav FILE\twith rules of your own\n"
                "candor clamscan --no-summary - < MAIL\twhat comes in",
    .options = clamscan_table,
    .as_clamav = true,
    .size = sizeof(struct clamscan_arguments),
    .given = offsetof(struct clamscan_arguments, given),
    .defaults = &clamscan_defaults,
    .run = run_clamscan,
};
