#include "scan/scan.h"

#include "cmd/commands.h"
#include "cmd/databases_report.h"
#include "cmd/definitions_report.h"
#include "cmd/embedded.h"
#include "definitions/cache.h"
#include "quarantine/mend.h"
#include "scan/profile.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

enum { MAX_DEPTH = 200 };

struct scan_arguments {
    struct option_list rules, clamav, definitions, externals, excludes;
    bool no_default, json, sarif, zero, one_file_system, strict, verbose, no_clean, quiet;
    const char *files_from;
    int color;
    struct option_list passwords;
    bool tree, no_walls, quarantine, explain, no_cache, pua;
    const char *vault;
    int64_t jobs, timeout, max_depth, max_members;
    uint64_t max_size, max_unpacked;
    int profile;
};

#define TARGET(field) offsetof(struct scan_arguments, field)

static const struct option scan_table[] = {
    {"rules", 'r', OPTION_LIST, "FILE|DIR", "Definitions",
     "add the rules of FILE, or of every .yar and .yara file below DIR (repeatable)",
     "Each file is a namespace of its own, named by its path. Faulty rules are reported and "
     "left out; the others of the file are used. An index file, one that only includes files "
     "that are found anyway, is not read twice.",
     NULL, TARGET(rules)},
    {"clamav", 0, OPTION_LIST, "PATH", "Definitions",
     "add the ClamAV database PATH, or all databases in that directory (repeatable)",
     "They become one ruleset with the rules of --rules: one pass finds both. What was "
     "compiled "
     "is kept in a cache, and used again while nothing has changed: /var/cache/candor for "
     "root, "
     "candor defs cache says where.",
     NULL, TARGET(clamav)},
    {"detect-pua", 0, OPTION_FLAG, NULL, "Definitions",
     "take ClamAV's signatures of possibly unwanted applications too", NULL, NULL, TARGET(pua)},
    {"no-cache", 0, OPTION_FLAG, NULL, "Definitions", "compile --clamav anew, and keep nothing",
     NULL, NULL, TARGET(no_cache)},
    {"definitions", 'D', OPTION_LIST, "FILE", "Definitions",
     "add compiled definitions, made by candor defs compile (repeatable)",
     "They are mapped, not parsed: ready in milliseconds whatever their size.", NULL,
     TARGET(definitions)},
    {"no-default-definitions", 0, OPTION_FLAG, NULL, "Definitions",
     "leave out the definitions that are built in", NULL, NULL, TARGET(no_default)},
    {"define", 'd', OPTION_LIST, "VAR=VALUE", "Definitions",
     "define an external variable of the rules (repeatable)",
     "VALUE is an integer, a float, true or false, or else text. The variables filename, "
     "filepath, extension, filetype and owner are set for each file.",
     NULL, TARGET(externals)},
    {"files-from", 0, OPTION_TEXT, "FILE", "What to scan",
     "scan the paths listed in FILE, one a line; - is standard input", NULL, NULL,
     TARGET(files_from)},
    {"null", '0', OPTION_FLAG, NULL, "What to scan",
     "paths in --files-from end with a NUL, as find -print0 writes them", NULL, NULL,
     TARGET(zero)},
    {"exclude", 'x', OPTION_LIST, "GLOB", "What to scan",
     "leave out what matches GLOB: names, or whole paths if it has a slash (repeatable)",
     "A directory that matches is not entered. In a whole path, * matches slashes too.", NULL,
     TARGET(excludes)},
    {"one-file-system", 0, OPTION_FLAG, NULL, "What to scan",
     "stay on the file systems of the given paths", NULL, NULL, TARGET(one_file_system)},
    {"max-size", 0, OPTION_SIZE, "SIZE", "What to scan",
     "do not examine larger files, but say so; K, M, G and T are understood",
     "Such a file counts as not fully examined. Without this option there is no limit.", NULL,
     TARGET(max_size)},
    {"profile", 0, OPTION_CHOICE, "NAME", "What is inside",
     "what one file with everything in it may cost: mail, server (default) or deep",
     "mail: 8 containers in each other, 10,000 objects, 1 GiB unpacked, 256 MiB of one object, "
     "1 minute. server: 16, 200,000, 16 GiB, 1 GiB, 10 minutes. deep: 32, 5,000,000, 256 GiB, "
     "8 GiB, 2 hours. What goes over a limit is said, and counts as not fully examined.",
     "mail server deep", TARGET(profile)},
    {"max-depth", 0, OPTION_NUMBER, "N", "What is inside",
     "open containers in containers up to N deep; 0 opens none", NULL, NULL, TARGET(max_depth)},
    {"max-members", 0, OPTION_NUMBER, "N", "What is inside",
     "examine up to N objects in one file", NULL, NULL, TARGET(max_members)},
    {"max-unpacked", 0, OPTION_SIZE, "SIZE", "What is inside",
     "unpack up to SIZE bytes from one file; K, M, G and T are understood", NULL, NULL,
     TARGET(max_unpacked)},
    {"password", 0, OPTION_LIST, "WORD", "What is inside",
     "try WORD on what is encrypted (repeatable)",
     "After these, words are tried that are customary for archives with malware, such as "
     "infected. What no word opens is said, and counts as not fully examined.",
     NULL, TARGET(passwords)},
    {"jobs", 'j', OPTION_NUMBER, "N", "How", "use N workers (default: one for each processor)",
     "The report is in the same order whatever the number.", NULL, TARGET(jobs)},
    {"timeout", 0, OPTION_NUMBER, "SECONDS", "How",
     "stop examining a file, with everything in it, after SECONDS, and say so; 0: never",
     "Without this option the profile says how long.", NULL, TARGET(timeout)},
    {"no-walls", 0, OPTION_FLAG, NULL, "How",
     "examine in threads of this process, for measuring what the walls cost",
     "Without this option all that files contain is read in workers that the kernel holds: "
     "they "
     "open no files, reach no network, start no programs. Not for files of strangers.",
     NULL, TARGET(no_walls)},
    {"strict", 0, OPTION_FLAG, NULL, "How",
     "exit with 3 when something was not fully examined and nothing was found", NULL, NULL,
     TARGET(strict)},
    {"quarantine", 0, OPTION_FLAG, NULL, "What to do with it",
     "move files in which something was found to quarantine",
     "They are stored encrypted, with all that is needed to put them back as they were: see "
     "candor-quarantine(1). A file in which something was found is moved as a whole; what lies "
     "in it stays in it. What cannot be moved is said, and stays where it is.",
     NULL, TARGET(quarantine)},
    {"quarantine-directory", 0, OPTION_TEXT, "DIR", "What to do with it",
     "the quarantine is in DIR; implies --quarantine", NULL, NULL, TARGET(vault)},
    {"json", 0, OPTION_FLAG, NULL, "Report",
     "write JSON Lines: an object for each file, a summary at the end", NULL, NULL,
     TARGET(json)},
    {"no-clean", 0, OPTION_FLAG, NULL, "Report", "leave clean files out of --json", NULL, NULL,
     TARGET(no_clean)},
    {"sarif", 0, OPTION_FLAG, NULL, "Report", "write SARIF 2.1.0", NULL, NULL, TARGET(sarif)},
    {"tree", 0, OPTION_FLAG, NULL, "Report", "list every object that is in the files", NULL,
     NULL, TARGET(tree)},
    {"explain", 0, OPTION_FLAG, NULL, "Report",
     "say all about each finding: rule, origin, reason, bytes, and what to do if it is wrong",
     NULL, NULL, TARGET(explain)},
    {"verbose", 'v', OPTION_FLAG, NULL, "Report", "show namespaces and what was matched where",
     NULL, NULL, TARGET(verbose)},
    {"quiet", 'q', OPTION_FLAG, NULL, "Report", "write no summary", NULL, NULL, TARGET(quiet)},
    {"color", 0, OPTION_CHOICE, "WHEN", "Report",
     "auto, always or never; auto obeys NO_COLOR and is for terminals", NULL,
     "auto always never", TARGET(color)},
    {0}};

/* The rulesets of one scan: what is built in, what is compiled now, what is mapped. */
struct scan_sets {
    struct definitions at[EXAMINE_MAX_SETS];
    int n;
    uint32_t faulty;
};

static int add_rules(const struct scan_arguments *arguments, const struct external *externals,
                     uint32_t external_count, struct scan_sets *sets, struct why *why)
{
    struct definitions_report report = {.program = "candor", .max_errors = 10};
    struct external all[64];
    uint32_t count = definitions_report_externals(externals, external_count, all, COUNT(all));
    const struct definitions_options options = {.message = definitions_report_message,
                                                .message_context = &report,
                                                .externals = all,
                                                .external_count = count,
                                                .no_warnings = true,
                                                .clamav = {.pua = arguments->pua},
                                                .walls = !arguments->no_walls};
    const struct cache_sources sources = {.clamav = arguments->clamav.at,
                                          .clamav_count = (uint32_t)arguments->clamav.n,
                                          .rules = arguments->rules.at,
                                          .rule_count = (uint32_t)arguments->rules.n};
    struct cache_result result;
    bool use = arguments->clamav.n && !arguments->no_cache;
    int error = cache_compile(&options, &sources, use, &sets->at[sets->n], &result, why);
    definitions_report_end(&report);
    databases_report_failures(&result.clamav);
    if (result.note.text[0])
        fprintf(stderr, "candor: nothing is kept in the cache: %s\n", result.note.text);
    if (error)
        return error;
    const struct ruleset *set = &sets->at[sets->n].set;
    sets->n += (int)result.sets;
    sets->faulty = result.errors;
    if (result.clamav.failed)
        return fail(why, EINVAL, "%u of %u ClamAV databases could not be read",
                    result.clamav.failed, result.clamav.files);
    if (!set->rule_count && !set->hash_count && sets->faulty)
        return fail(why, EINVAL, "none of the rules can be used");
    return 0;
}

static int open_sets(const struct scan_arguments *arguments, const struct external *externals,
                     uint32_t external_count, struct scan_sets *sets, struct why *why)
{
    int error = 0;
    bytes embedded = embedded_definitions();
    if (arguments->definitions.n > EXAMINE_MAX_SETS - 1 - CACHE_SETS)
        return fail(why, E2BIG, "more than %d files of definitions",
                    EXAMINE_MAX_SETS - 1 - CACHE_SETS);
    if (!arguments->no_default && embedded.len) {
        error = definitions_view(embedded, &sets->at[sets->n], why);
        sets->at[sets->n].source = "built in";
        sets->n += !error;
    }
    if (!error && (arguments->rules.n || arguments->clamav.n))
        error = add_rules(arguments, externals, external_count, sets, why);
    for (int i = 0; !error && i < arguments->definitions.n; i++) {
        error = definitions_map_guarded(arguments->definitions.at[i], &sets->at[sets->n], why);
        sets->at[sets->n].source = arguments->definitions.at[i];
        sets->n += !error;
    }
    uint32_t rules = 0;
    for (int i = 0; i < sets->n; i++)
        rules += sets->at[i].set.rule_count + sets->at[i].set.hash_count;
    if (!error && !rules)
        error = fail(why, EINVAL, "there are no rules to scan with");
    return error;
}

static bool wants_color(int color)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    if (color != COLOR_AUTO)
        return color == COLOR_ALWAYS;
    return isatty(1) && !(none && *none) && !(term && strcmp(term, "dumb") == 0);
}

/* Found goes before errors, errors before what --strict asks for. */
static int scan_status(const struct scan_arguments *arguments, const struct scan_result *result,
                       uint32_t faulty)
{
    if (result->unread || result->interrupted) {
        /* As other programs end on these signals. */
        int number = result->unread ? SIGPIPE : result->interrupted;
        signal(number, SIG_DFL);
        raise(number);
    }
    if (result->counts.not_moved)
        return EXIT_NOT_MOVED;
    if (result->counts.verdicts[VERDICT_FOUND])
        return EXIT_FOUND;
    if (result->counts.verdicts[VERDICT_ERROR] || faulty)
        return EXIT_ERROR;
    return arguments->strict && result->counts.not_fully ? EXIT_NOT_FULLY : EXIT_CLEAN;
}

static const struct scan_arguments scan_defaults = {
    .timeout = -1, .max_depth = -1, .max_members = -1, .profile = PROFILE_SERVER};

/* The limits of the profile, and what was asked for beside it. */
static void set_limits(const struct scan_arguments *arguments, struct scan_options *options)
{
    const struct profile *profile = &profile_table[arguments->profile];
    struct unpack_limits *limits = &options->examine.limits;
    *limits = profile->limits;
    if (arguments->max_depth >= 0)
        limits->depth =
            arguments->max_depth < MAX_DEPTH ? (uint32_t)arguments->max_depth : MAX_DEPTH;
    if (arguments->max_members >= 0)
        limits->members = (uint64_t)arguments->max_members;
    if (arguments->max_unpacked)
        limits->bytes = arguments->max_unpacked;
    if (limits->one > limits->bytes)
        limits->one = limits->bytes;
    options->examine.memory = profile->memory;
    options->timeout_ms =
        arguments->timeout >= 0 ? arguments->timeout * 1000 : profile->timeout_ms;
}

/* The user's passwords, then customary ones. */
static uint32_t list_passwords(const struct scan_arguments *arguments,
                               const struct scan_sets *sets, bytes *ret)
{
    uint32_t count = 0;
    for (int i = 0; i < arguments->passwords.n && count < PROFILE_PASSWORDS; i++)
        ret[count++] = bytes_of(arguments->passwords.at[i]);
    return profile_add_passwords(sets->at, sets->n, count, ret);
}

/* Opens the quarantine where findings go, and finishes what an earlier scan began. */
static int open_vault(const struct scan_arguments *arguments, struct vault **ret,
                      struct why *why)
{
    char path[PATH_MAX];
    struct mend_counts counts;
    *ret = NULL;
    if (!arguments->quarantine && !arguments->vault)
        return 0;
    int n = arguments->vault ? snprintf(path, sizeof path, "%s", arguments->vault) : 0;
    if (n < 0 || (size_t)n >= sizeof path)
        return fail(why, ENAMETOOLONG, "'%.100s' is too long a path", arguments->vault);
    int error = n ? 0 : vault_default(path, sizeof path, why);
    if (!error)
        error = vault_open(path, true, ret, why);
    return error ? error : mend_vault(*ret, &counts, why);
}

static int run_scan(const struct command *self, void *parsed, int argc, char **argv)
{
    const struct scan_arguments *arguments = parsed;
    struct external externals[32];
    struct scan_sets sets = {0};
    struct scan_result result;
    struct why why;
    uint32_t external_count;
    (void)self;
    if (argc == 0 && !arguments->files_from)
        return command_error("no path given (see 'candor scan --help')");
    if (arguments->json && arguments->sarif)
        return command_error("'--json' and '--sarif' exclude each other");
    if (arguments->no_walls && (arguments->quarantine || arguments->vault))
        return command_error("'--no-walls' and '--quarantine' exclude each other");
    if (definitions_report_parse(&arguments->externals, externals, COUNT(externals),
                                 &external_count, &why) < 0)
        return command_error(why.text);
    struct vault *vault = NULL;
    int error = open_sets(arguments, externals, external_count, &sets, &why);
    if (!error)
        error = open_vault(arguments, &vault, &why);
    const struct report *report = arguments->json    ? &report_json
                                  : arguments->sarif ? &report_sarif
                                                     : &report_text;
    bytes passwords[PROFILE_PASSWORDS];
    struct scan_options options = {
        .examine = {.sets = sets.at,
                    .set_count = sets.n,
                    .now = time(NULL),
                    .externals = externals,
                    .external_count = external_count,
                    .passwords = passwords,
                    .password_count = list_passwords(arguments, &sets, passwords),
                    .matches =
                        report->always_details || arguments->verbose || arguments->explain
                            ? report->max_matches
                            : 0,
                    .match_bytes = report->max_bytes,
                    .tree = arguments->tree,
                    .digests = arguments->explain},
        .faulty_rules = sets.faulty,
        .way = arguments->no_walls ? &scan_threads : &scan_workers,
        .report = report,
        .paths = (const char *const *)argv,
        .path_count = argc,
        .files_from = arguments->files_from,
        .zero_ended = arguments->zero,
        .excludes = arguments->excludes.at,
        .exclude_count = arguments->excludes.n,
        .one_file_system = arguments->one_file_system,
        .color = wants_color(arguments->color),
        .verbose = arguments->verbose,
        .explain = arguments->explain,
        .no_clean = arguments->no_clean,
        .quiet = arguments->quiet,
        .jobs = (int)(arguments->jobs < 1024 ? arguments->jobs : 1024),
        .max_size = arguments->max_size,
        .vault = vault,
    };
    set_limits(arguments, &options);
    if (!error)
        error = scan_run(&options, &result, &why);
    int status = error ? command_error(why.text) : scan_status(arguments, &result, sets.faulty);
    for (int i = 0; i < sets.n; i++)
        definitions_close(&sets.at[i]);
    vault_close(vault);
    return status;
}

const struct command command_scan = {
    .name = "scan",
    .title = "candor-scan",
    .summary = "look for malware in files and directories",
    .arguments = "PATH...",
    .doc =
        "Examines every regular file at and below each PATH with the definitions that are "
        "built in and those that you add, using all processors. Of every file it says that "
        "it is clean, that something was found, or that it was not fully examined, and why; "
        "clean files are only counted.\n\n"
        "A PATH that is a symbolic link is followed; links below it are not. Sockets, FIFOs "
        "and devices are left alone, and so are file systems that only show the kernel's "
        "state, such as /proc and /sys; both are said. Nothing is changed, unless you ask for "
        "--quarantine, and nothing is sent anywhere.\n\n"
        "Interrupting (Ctrl-C) ends the scan with the report of what was done.",
    .exits = "0\tnothing was found\n1\tsomething was found\n"
             "2\tan error: a file, path or rule could not be used, and nothing was found\n"
             "3\twith --strict: something was not fully examined, and nothing was found\n"
             "4\twith --quarantine: something was found that could not be moved there",
    .examples =
        "candor scan /home /srv\twith the definitions that are built in\n"
        "candor scan --rules rules/ --no-default-definitions FILE\twith your rules only\n"
        "find / -xdev -mtime -7 -print0 | candor scan --files-from - -0\tfiles changed "
        "this week\n"
        "candor scan --json --no-clean /srv | jq .path\tfor a program",
    .options = scan_table,
    .size = sizeof(struct scan_arguments),
    .defaults = &scan_defaults,
    .run = run_scan,
};
