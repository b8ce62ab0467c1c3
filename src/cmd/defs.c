#include "cmd/commands.h"
#include "cmd/databases_report.h"
#include "cmd/definitions_report.h"
#include "cmd/embedded.h"
#include "definitions/cache.h"
#include "definitions/databases.h"
#include "definitions/patch.h"
#include "definitions/rulefiles.h"
#include "definitions/shelf.h"
#include "rules/kind.h"
#include "scan/text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXTERNALS_MAX = 64 };

struct defs_arguments {
    struct option_list externals, rules, clamav;
    const char *output, *certificates;
    bool no_warnings, one_namespace, skip_faulty, pua, clear, unsigned_too;
};

#define TARGET(field) offsetof(struct defs_arguments, field)

#define DEFINE_ROW                                                                             \
    {                                                                                          \
        "define", 'd', OPTION_LIST, "VAR=VALUE", "Options",                                    \
            "define an external variable of the rules (repeatable)", NULL, NULL,               \
            TARGET(externals)                                                                  \
    }
#define RULES_ROW                                                                              \
    {                                                                                          \
        "rules", 'r', OPTION_LIST, "PATH", "Options",                                          \
            "take the rules in PATH, as an argument does (repeatable)", NULL, NULL,            \
            TARGET(rules)                                                                      \
    }
#define CLAMAV_ROW                                                                             \
    {                                                                                          \
        "clamav", 0, OPTION_LIST, "PATH", "Options",                                           \
            "take the ClamAV database PATH, or all in that directory (repeatable)",            \
            "Rules and signatures become one ruleset: one pass finds both.", NULL,             \
            TARGET(clamav)                                                                     \
    }
#define CERTS_ROW                                                                              \
    {                                                                                          \
        "certs", 0, OPTION_TEXT, "DIR", "Options",                                             \
            "certificates (.crt, .pem) that .sign files of ClamAV's containers must lead to",  \
            "Without it .sign files are not looked at.", NULL, TARGET(certificates)            \
    }
#define PUA_ROW                                                                                \
    {                                                                                          \
        "detect-pua", 0, OPTION_FLAG, NULL, "Options",                                         \
            "take ClamAV's signatures of possibly unwanted applications too", NULL, NULL,      \
            TARGET(pua)                                                                        \
    }
#define WARNINGS_ROW                                                                           \
    {                                                                                          \
        "no-warnings", 'w', OPTION_FLAG, NULL, "Options", "show errors only", NULL, NULL,      \
            TARGET(no_warnings)                                                                \
    }
#define NAMESPACE_ROW                                                                          \
    {                                                                                          \
        "default-namespace", 0, OPTION_FLAG, NULL, "Options",                                  \
            "put all rules into the namespace default, as yarac does",                         \
            "Without it each file is a namespace of its own, named by its path.", NULL,        \
            TARGET(one_namespace)                                                              \
    }

static const struct option compile_table[] = {
    {"output", 'o', OPTION_TEXT, "FILE", "Options", "write the compiled definitions to FILE",
     "They are written beside it, synced and renamed, so FILE is always whole.", NULL,
     TARGET(output)},
    {"skip-faulty", 0, OPTION_FLAG, NULL, "Options",
     "leave faulty rules and unreadable databases out, and write the others", NULL, NULL,
     TARGET(skip_faulty)},
    RULES_ROW,
    CLAMAV_ROW,
    CERTS_ROW,
    PUA_ROW,
    DEFINE_ROW,
    NAMESPACE_ROW,
    WARNINGS_ROW,
    {0}};

static const struct option check_table[] = {RULES_ROW,  CLAMAV_ROW,    CERTS_ROW,    PUA_ROW,
                                            DEFINE_ROW, NAMESPACE_ROW, WARNINGS_ROW, {0}};
static const struct option cache_table[] = {{"clear", 0, OPTION_FLAG, NULL, "Options",
                                             "remove all that is kept", NULL, NULL,
                                             TARGET(clear)},
                                            {0}};
static const struct option apply_table[] = {
    {"output", 'o', OPTION_TEXT, "DIR", "Options",
     "make DIR of it, and leave the databases alone", NULL, NULL, TARGET(output)},
    {"unsigned", 0, OPTION_FLAG, NULL, "Options",
     "take a patch that ClamAV did not sign, or a bare script", NULL, NULL,
     TARGET(unsigned_too)},
    CERTS_ROW,
    {0}};
static const struct option info_table[] = {CERTS_ROW, {0}};
static const struct option list_table[] = {{0}};

/* "namespace:FILE" where there is no file of the whole name, as yara takes it. */
static const char *split_namespace(const char *argument, char room[PATH_MAX],
                                   const char **ret_name_space)
{
    const char *colon = strchr(argument, ':');
    *ret_name_space = NULL;
    if (!colon || access(argument, F_OK) == 0 || colon - argument >= PATH_MAX)
        return argument;
    snprintf(room, PATH_MAX, "%.*s", (int)(colon - argument), argument);
    *ret_name_space = room;
    return colon + 1;
}

static int add_argument(struct definitions_loader *loader,
                        const struct defs_arguments *arguments, const char *argument,
                        uint32_t *files, uint32_t *errors, struct why *why)
{
    char room[PATH_MAX];
    const char *name_space, *path = split_namespace(argument, room, &name_space);
    struct rulefiles found;
    uint32_t before = *files;
    int error = rulefiles_find(path, &found, why);
    for (uint32_t i = 0; !error && i < found.n; i++) {
        const char *name = name_space                 ? name_space
                           : arguments->one_namespace ? "default"
                                                      : found.at[i];
        error = definitions_add_file(loader, found.at[i], name, errors, why);
        ++*files;
    }
    if (!error)
        rulefiles_free(&found);
    if (!error && *files == before)
        error = fail(why, ENOENT, "no .yar or .yara file in '%s'", path);
    return error;
}

/* What was compiled. */
struct sources {
    uint32_t files; /* of rules */
    struct definitions_clamav clamav;
};

/* Compiles all arguments into *ret. Faults are reported; *ret_faults counts them. */
static int compile_all(const struct defs_arguments *arguments, int argc, char **argv,
                       struct definitions *ret, struct sources *ret_sources,
                       struct definitions_report *report, struct why *why)
{
    struct external user[EXTERNALS_MAX - 8], all[EXTERNALS_MAX];
    uint32_t user_count, errors = 0;
    int error =
        definitions_report_parse(&arguments->externals, user, COUNT(user), &user_count, why);
    bytes certificates = {0};
    if (!error && arguments->certificates)
        error = databases_certificates(arguments->certificates, &certificates, why);
    if (error)
        return error;
    const struct definitions_options options = {
        .message = definitions_report_message,
        .message_context = report,
        .externals = all,
        .external_count = definitions_report_externals(user, user_count, all, COUNT(all)),
        .no_warnings = arguments->no_warnings,
        .clamav = {.pua = arguments->pua},
        .walls = true,
        .certificates = certificates,
        .place = arguments->output,
    };
    struct definitions_loader *loader = definitions_loader_new(&options);
    if (!loader)
        error = fail(why, ENOMEM, "out of memory");
    for (int i = 0; !error && i < argc; i++)
        error = add_argument(loader, arguments, argv[i], &ret_sources->files, &errors, why);
    for (int i = 0; !error && i < arguments->rules.n; i++)
        error = add_argument(loader, arguments, arguments->rules.at[i], &ret_sources->files,
                             &errors, why);
    for (int i = 0; !error && i < arguments->clamav.n; i++)
        error = definitions_add_clamav(loader, arguments->clamav.at[i], why);
    if (!error)
        error = definitions_seal(loader, ret, why);
    if (loader)
        ret_sources->clamav = *definitions_clamav(loader);
    free((void *)(uintptr_t)certificates.at);
    definitions_loader_free(loader);
    return error;
}

static void print_counts(const struct ruleset *set, FILE *to)
{
    fprintf(to, "%u rule%s, %u pattern%s", set->rule_count, set->rule_count == 1 ? "" : "s",
            set->pattern_count, set->pattern_count == 1 ? "" : "s");
    if (set->hash_count)
        fprintf(to, ", %u hash%s", set->hash_count, set->hash_count == 1 ? "" : "es");
}

static bool has_sources(const struct defs_arguments *arguments, int argc)
{
    return argc || arguments->rules.n || arguments->clamav.n;
}

static int run_compile(const struct command *self, void *parsed, int argc, char **argv)
{
    const struct defs_arguments *arguments = parsed;
    struct definitions_report report = {.source = true, .color = isatty(2)};
    struct definitions definitions;
    struct sources sources = {0};
    struct why why;
    (void)self;
    if (!has_sources(arguments, argc) || !arguments->output)
        return command_error(
            "rules and '-o FILE' are needed (see 'candor defs compile --help')");
    int error = compile_all(arguments, argc, argv, &definitions, &sources, &report, &why);
    if (error)
        return command_error(why.text);
    databases_report_failures(&sources.clamav);
    uint32_t faults = report.errors + sources.clamav.failed;
    if (faults && !arguments->skip_faulty) {
        fprintf(stderr, "candor: %u error%s: '%s' was not written\n", faults,
                faults == 1 ? "" : "s", arguments->output);
        definitions_close(&definitions);
        return EXIT_ERROR;
    }
    error = definitions_save(&definitions, arguments->output, &why);
    if (!error) {
        struct text size = {0};
        text_size(&size, definitions.set.file.len);
        printf("%s: ", arguments->output);
        print_counts(&definitions.set, stdout);
        uint32_t files = sources.files + sources.clamav.files - sources.clamav.failed;
        printf(" from %u file%s, %.*s\n", files, files == 1 ? "" : "s", (int)size.len, size.at);
        text_free(&size);
        uint64_t refused = databases_report_sum(&sources.clamav).refused;
        if (refused)
            printf("%" PRIu64 " signature%s refused (candor defs check says why)\n", refused,
                   refused == 1 ? " was" : "s were");
    }
    definitions_close(&definitions);
    return error ? command_error(why.text) : EXIT_CLEAN;
}

static const char *rule_namespace(const struct ruleset *set, const struct ruleset_rule *rule)
{
    return ruleset_text(set, set->namespaces[rule->name_space]);
}

/* Whether files are examined for it: not where it is about who signed a program, about what
 * stands for a link, or for a member, and has no bytes. */
static bool is_about_files(const struct ruleset *set, uint32_t rule)
{
    uint32_t targets = set->gates[rule].targets;
    if (set->rules[rule].flags & RULE_SIGNER)
        return false;
    return !targets || targets & ~(TARGET_BIT(TARGET_LINK) | TARGET_BIT(TARGET_MEMBER));
}

/* Rules that no literal can rule out are examined in every file: said, since they cost most. */
static void print_slow(const struct ruleset *set)
{
    enum { SHOWN = 20 };

    const struct ruleset_kind *slow = &set->kinds[KIND_OTHER];
    const uint32_t *rules = set->kind_rules + slow->start;
    uint32_t count = 0, shown = 0;
    for (uint32_t i = 0; i < slow->count; i++)
        count += is_about_files(set, rules[i]);
    if (count)
        printf("%u rule%s without a literal to look for, and examined in every file that its "
               "size and first bytes do not rule out:\n",
               count, count == 1 ? " is" : "s are");
    for (uint32_t i = 0; i < slow->count && shown < SHOWN; i++) {
        const struct ruleset_rule *rule = &set->rules[rules[i]];
        if (!is_about_files(set, rules[i]))
            continue;
        printf("  %s  (%s)\n", ruleset_text(set, rule->name), rule_namespace(set, rule));
        shown++;
    }
    if (count > shown)
        printf("  and %u more\n", count - shown);
}

/* A compiled file starts with its magic. */
static bool is_compiled(const char *path)
{
    char head[8] = {0};
    FILE *file = fopen(path, "re");
    bool is = file && fread(head, 1, sizeof head, file) == sizeof head &&
              memcmp(head, RULESET_MAGIC, sizeof head) == 0;
    if (file)
        fclose(file);
    return is;
}

static void print_origin(const struct sources *sources, const struct definitions_report *report)
{
    uint32_t files = sources->files + sources->clamav.files;
    printf(" in %u file%s: %u error%s, %u warning%s\n", files, files == 1 ? "" : "s",
           report->errors, report->errors == 1 ? "" : "s", report->warnings,
           report->warnings == 1 ? "" : "s");
    if (!sources->clamav.files)
        return;
    databases_report_containers(&sources->clamav, stdout);
    databases_report_table(&sources->clamav, stdout);
    fflush(stdout);
    databases_report_failures(&sources->clamav);
}

static int run_check(const struct command *self, void *parsed, int argc, char **argv)
{
    const struct defs_arguments *arguments = parsed;
    struct definitions_report report = {.source = true, .color = isatty(2)};
    struct definitions definitions;
    struct sources sources = {0};
    struct why why;
    (void)self;
    if (!has_sources(arguments, argc))
        return command_error("no rules given (see 'candor defs check --help')");
    bool compiled = argc == 1 && is_compiled(argv[0]);
    int error = compiled
                    ? definitions_map(argv[0], &definitions, &why)
                    : compile_all(arguments, argc, argv, &definitions, &sources, &report, &why);
    if (error)
        return command_error(why.text);
    print_counts(&definitions.set, stdout);
    if (compiled)
        printf(" in %s, which is whole\n", argv[0]);
    else
        print_origin(&sources, &report);
    print_slow(&definitions.set);
    definitions_close(&definitions);
    return report.errors ? EXIT_ERROR : sources.clamav.failed ? EXIT_FOUND : EXIT_CLEAN;
}

static int run_list(const struct command *self, void *parsed, int argc, char **argv)
{
    struct definitions definitions;
    struct why why;
    (void)self, (void)parsed;
    int error = argc ? definitions_map(argv[0], &definitions, &why)
                     : definitions_view(embedded_definitions(), &definitions, &why);
    if (error)
        return command_error(why.text);
    const struct ruleset *set = &definitions.set;
    struct text out = {0};
    for (uint32_t i = 0; i < set->rule_count; i++) {
        const struct ruleset_rule *rule = &set->rules[i];
        if (rule->flags & RULE_PRIVATE)
            continue;
        text_visible(&out, bytes_of(rule_namespace(set, rule)));
        text_printf(&out, "\t%s\t", ruleset_text(set, rule->name));
        for (uint32_t k = 0; k < rule->tag_count; k++)
            text_printf(&out, "%s%s", k ? "," : "",
                        ruleset_text(set, set->tags[rule->tag_start + k]));
        text_byte(&out, '\t');
        for (uint32_t k = 0; k < rule->meta_count; k++) {
            const struct ruleset_meta *meta = &set->metas[rule->meta_start + k];
            if (meta->type == TYPE_STRING &&
                strcmp(ruleset_text(set, meta->name), "description") == 0)
                text_visible(&out, bytes_of(ruleset_text(set, meta->text)));
        }
        text_byte(&out, '\n');
    }
    error = text_write(&out, 1);
    text_free(&out);
    definitions_close(&definitions);
    return error ? EXIT_ERROR : EXIT_CLEAN;
}

static int run_apply(const struct command *self, void *parsed, int argc, char **argv)
{
    const struct defs_arguments *arguments = parsed;
    bytes certificates = {0};
    struct patch_result result;
    struct why why;
    (void)self;
    if (argc != 2)
        return command_error("a directory and a patch are needed (see 'candor defs apply "
                             "--help')");
    if (arguments->certificates &&
        databases_certificates(arguments->certificates, &certificates, &why) < 0)
        return command_error(why.text);
    const struct patch_options options = {.certificates = certificates,
                                          .unsigned_too = arguments->unsigned_too};
    int error = patch_apply(argv[0], argv[1], arguments->output, &options, &result, &why);
    free((void *)(uintptr_t)certificates.at);
    if (error) {
        why_wrap(&why, error, argv[1]);
        return command_error(why.text);
    }
    printf("%s: %u file%s, %u changed, %u removed\n",
           arguments->output ? arguments->output : argv[0], result.files,
           result.files == 1 ? "" : "s", result.changed, result.gone);
    return EXIT_CLEAN;
}

/* Sealed like a compilation: a container is a stranger's file. */
static int run_info(const struct command *self, void *parsed, int argc, char **argv)
{
    const struct defs_arguments *arguments = parsed;
    struct definitions_report report = {0};
    bytes certificates = {0};
    struct why why;
    (void)self;
    if (argc != 1)
        return command_error("one container is needed (see 'candor defs info --help')");
    if (arguments->certificates &&
        databases_certificates(arguments->certificates, &certificates, &why) < 0)
        return command_error(why.text);
    const struct definitions_options options = {.message = definitions_report_message,
                                                .message_context = &report,
                                                .certificates = certificates,
                                                .inspect = true,
                                                .walls = true};
    struct definitions_loader *loader = definitions_loader_new(&options);
    int error = loader ? definitions_add_clamav(loader, argv[0], &why)
                       : fail(&why, ENOMEM, "out of memory");
    int status = error ? command_error(why.text) : EXIT_CLEAN;
    const struct definitions_clamav *found = loader ? definitions_clamav(loader) : NULL;
    for (uint32_t i = 0; !error && i < found->container_count; i++) {
        const struct container_facts *facts = &found->containers[i].facts;
        databases_report_container(&found->containers[i], stdout);
        if (facts->md5 == CONTAINER_WRONG || facts->legacy == CONTAINER_WRONG ||
            facts->list == CONTAINER_WRONG || facts->external == CONTAINER_WRONG)
            status = EXIT_FOUND;
    }
    if (!error) {
        databases_report_failures(found);
        if (found->failed || !found->container_count)
            status =
                found->failed ? EXIT_ERROR : command_error("that is no .cvd, .cld or .cud");
    }
    definitions_loader_free(loader);
    free((void *)(uintptr_t)certificates.at);
    return status;
}

static int run_cache(const struct command *self, void *parsed, int argc, char **argv)
{
    const struct defs_arguments *arguments = parsed;
    struct text size = {0};
    char path[PATH_MAX];
    uint32_t count;
    uint64_t bytes_kept;
    struct why why;
    (void)self, (void)argc, (void)argv;
    if (shelf_path(path, sizeof path, &why) < 0 ||
        cache_sum(arguments->clear, &count, &bytes_kept, &why) < 0)
        return command_error(why.text);
    text_size(&size, bytes_kept);
    printf("%s: %u ruleset%s, %.*s\n", path, count, count == 1 ? "" : "s", (int)size.len,
           size.at);
    text_free(&size);
    return EXIT_CLEAN;
}

static const struct command defs_commands[] = {
    {.name = "compile",
     .title = "candor-defs-compile",
     .summary = "compile rules into a file that is mapped, not parsed",
     .arguments = "[NAMESPACE:]FILE|DIR... -o FILE",
     .exits = "0\tthe file was written\n2\tan error: nothing was written",
     .options = compile_table,
     .size = sizeof(struct defs_arguments),
     .run = run_compile},
    {.name = "check",
     .title = "candor-defs-check",
     .summary = "report faults in rules, and what is slow",
     .arguments = "[NAMESPACE:]FILE|DIR...",
     .exits = "0\tno errors: all signatures were read, or refused with a reason\n"
              "1\ta ClamAV database could not be read\n2\terrors",
     .examples = "candor defs check --clamav /var/lib/clamav\tcount ClamAV's signatures",
     .options = check_table,
     .size = sizeof(struct defs_arguments),
     .run = run_check},
    {.name = "list",
     .title = "candor-defs-list",
     .summary = "list rules of compiled definitions: namespace, name, tags, description",
     .arguments = "[FILE]",
     .exits = "0\tthe rules were listed\n2\tan error",
     .options = list_table,
     .size = sizeof(struct defs_arguments),
     .run = run_list},
    {.name = "info",
     .title = "candor-defs-info",
     .summary = "say what a ClamAV container is, and which of its signatures are good",
     .arguments = "FILE.cvd|FILE.cld|FILE.cud",
     .doc =
         "The MD5 and the signature in the header are checked, the signed list of files and, "
         "with --certs, the .sign file beside it. Nothing is claimed that was not checked.",
     .exits = "0\tnothing is wrong with it\n1\ta check failed\n2\tan error",
     .options = info_table,
     .size = sizeof(struct defs_arguments),
     .run = run_info},
    {.name = "apply",
     .title = "candor-defs-apply",
     .summary = "apply a .cdiff of ClamAV to a directory of unpacked databases",
     .arguments = "DIR FILE.cdiff",
     .doc = "All of it is applied, or nothing: the new directory is made beside DIR and put in "
            "its place at once.",
     .exits = "0\tit was applied\n2\tan error: DIR is as it was",
     .options = apply_table,
     .size = sizeof(struct defs_arguments),
     .run = run_apply},
    {.name = "cache",
     .title = "candor-defs-cache",
     .summary = "say what candor scan --clamav keeps, or remove it",
     .arguments = "",
     .exits = "0\tsuccess\n2\tan error",
     .options = cache_table,
     .size = sizeof(struct defs_arguments),
     .run = run_cache},
    {0}};

static int run_defs(const struct command *self, void *options, int argc, char **argv)
{
    (void)options, (void)argc, (void)argv;
    options_help(self, stderr);
    return EXIT_ERROR;
}

const struct command command_defs = {
    .name = "defs",
    .title = "candor-defs",
    .summary = "compile, check and list definitions",
    .arguments = "COMMAND [OPTION]... ARGUMENT...",
    .doc = "Definitions are YARA rules and ClamAV's signatures. Compiled, they are one file "
           "that candor scan maps: ready "
           "in milliseconds, shared by all that use it, and the same on every machine of the "
           "same kind.\n\n"
           "candor defs compile RULES... -o FILE compiles; candor defs check RULES... reports "
           "every fault with its line, and which rules are slow; candor defs list FILE lists, "
           "without FILE what is built in.",
    .exits = "0\tsuccess\n2\tan error",
    .examples =
        "candor defs compile rules/ -o rules.cdr\tcompile every rule file below rules/\n"
        "candor defs compile --clamav /var/lib/clamav --rules rules/ -o all.cdr\tboth in one\n"
        "candor defs check rules/\treport faults\n"
        "candor scan --definitions rules.cdr /srv\tuse them",
    .options = list_table,
    .commands = defs_commands,
    .run = run_defs,
};
