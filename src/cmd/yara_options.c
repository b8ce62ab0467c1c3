#include "cmd/yara_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define T(field) offsetof(struct yara_arguments, field)
#define ALL      "Options"

/* Names, letters and help as in YARA 4.5, in its order. */
const struct option yara_table[] = {
    {"atom-quality-table", 0, OPTION_TEXT, "FILE", ALL,
     "path to a file with the atom quality table", "It is accepted and has no effect.", NULL,
     T(atom_quality_table)},
    {"compiled-rules", 'C', OPTION_FLAG, NULL, ALL, "load compiled rules",
     "Rules compiled by candor defs compile; the format of yarac is another.", NULL,
     T(compiled)},
    {"count", 'c', OPTION_FLAG, NULL, ALL, "print only number of matches", NULL, NULL,
     T(count_only)},
    {"strict-escape", 'E', OPTION_FLAG, NULL, ALL, "warn on unknown escape sequences", NULL,
     NULL, T(strict_escape)},
    {"define", 'd', OPTION_LIST, "VAR=VALUE", ALL, "define external variable", NULL, NULL,
     T(externals)},
    {"disable-console-logs", 'q', OPTION_FLAG, NULL, ALL,
     "disable printing console log messages", NULL, NULL, T(no_logs)},
    {"fail-on-warnings", 0, OPTION_FLAG, NULL, ALL, "fail on warnings", NULL, NULL,
     T(fail_on_warnings)},
    {"fast-scan", 'f', OPTION_FLAG, NULL, ALL, "fast matching mode", NULL, NULL, T(fast)},
    {"help", 'h', OPTION_FLAG, NULL, ALL, "show this help and exit", NULL, NULL, T(help)},
    {"identifier", 'i', OPTION_LIST, "IDENTIFIER", ALL, "print only rules named IDENTIFIER",
     NULL, NULL, T(identifiers)},
    {"max-process-memory-chunk", 0, OPTION_NUMBER, "NUMBER", ALL,
     "set maximum chunk size while reading process memory (default=1073741824)", NULL, NULL,
     T(memory_chunk)},
    {"max-rules", 'l', OPTION_NUMBER, "NUMBER", ALL,
     "abort scanning after matching a NUMBER of rules", NULL, NULL, T(max_rules)},
    {"max-strings-per-rule", 0, OPTION_NUMBER, "NUMBER", ALL,
     "set maximum number of strings per rule (default=10000)", NULL, NULL, T(max_strings)},
    {"module-data", 'x', OPTION_LIST, "MODULE=FILE", ALL,
     "pass FILE's content as extra data to MODULE", NULL, NULL, T(module_data)},
    {"negate", 'n', OPTION_FLAG, NULL, ALL, "print only not satisfied rules (negate)", NULL,
     NULL, T(negate)},
    {"no-follow-symlinks", 'N', OPTION_FLAG, NULL, ALL, "do not follow symlinks when scanning",
     NULL, NULL, T(no_follow)},
    {"no-warnings", 'w', OPTION_FLAG, NULL, ALL, "disable warnings", NULL, NULL,
     T(no_warnings)},
    {"print-meta", 'm', OPTION_FLAG, NULL, ALL, "print metadata", NULL, NULL, T(meta)},
    {"print-module-data", 'D', OPTION_FLAG, NULL, ALL, "print module data", NULL, NULL,
     T(module_dump)},
    {"module-names", 'M', OPTION_FLAG, NULL, ALL, "show module names", NULL, NULL,
     T(module_names)},
    {"print-namespace", 'e', OPTION_FLAG, NULL, ALL, "print rules' namespace", NULL, NULL,
     T(name_space)},
    {"print-stats", 'S', OPTION_FLAG, NULL, ALL, "print rules' statistics", NULL, NULL,
     T(stats)},
    {"print-strings", 's', OPTION_FLAG, NULL, ALL, "print matching strings", NULL, NULL,
     T(strings)},
    {"print-string-length", 'L', OPTION_FLAG, NULL, ALL, "print length of matched strings",
     NULL, NULL, T(string_length)},
    {"print-xor-key", 'X', OPTION_FLAG, NULL, ALL,
     "print xor key and plaintext of matched strings", NULL, NULL, T(xor_key)},
    {"print-tags", 'g', OPTION_FLAG, NULL, ALL, "print tags", NULL, NULL, T(show_tags)},
    {"recursive", 'r', OPTION_FLAG, NULL, ALL, "recursively search directories", NULL, NULL,
     T(recursive)},
    {"scan-list", 0, OPTION_FLAG, NULL, ALL, "scan files listed in FILE, one per line", NULL,
     NULL, T(scan_list)},
    {"skip-larger", 'z', OPTION_NUMBER, "NUMBER", ALL,
     "skip files larger than the given size when scanning a directory", NULL, NULL,
     T(skip_larger)},
    {"stack-size", 'k', OPTION_NUMBER, "SLOTS", ALL, "set maximum stack size (default=16384)",
     "It is accepted and has no effect.", NULL, T(stack_size)},
    {"tag", 't', OPTION_LIST, "TAG", ALL, "print only rules tagged as TAG", NULL, NULL,
     T(tags)},
    {"threads", 'p', OPTION_NUMBER, "NUMBER", ALL,
     "use the specified NUMBER of threads to scan a directory", NULL, NULL, T(threads)},
    {"timeout", 'a', OPTION_NUMBER, "SECONDS", ALL,
     "abort scanning after the given number of SECONDS", NULL, NULL, T(timeout)},
    {"version", 'v', OPTION_FLAG, NULL, ALL, "show version information", NULL, NULL,
     T(version)},
    {0}};

const struct yara_arguments yara_defaults = {
    .memory_chunk = 1 << 30, .max_strings = 10000, .stack_size = 16384, .timeout = 1000000};

enum parse_fault {
    FAULT_NONE,
    FAULT_UNKNOWN,
    FAULT_TOO_MANY,
    FAULT_INTEGER,
    FAULT_STRING,
};

static bool is_given(struct yara_arguments *into, const struct option *option, uint64_t *given)
{
    uint64_t bit = 1ull << (option - yara_table);
    const struct option_list *list = (const void *)((char *)into + option->target);
    if (option->kind == OPTION_LIST)
        return list->n == YARA_LIST_MAX;
    bool before = *given & bit;
    *given |= bit;
    return before;
}

/* Stores one option. *used: the value was taken. */
static enum parse_fault store(struct yara_arguments *into, const struct option *option,
                              const char *value, uint64_t *given, bool *used)
{
    void *target = (char *)into + option->target;
    struct option_list *list = target;
    char *end;
    if (is_given(into, option, given))
        return FAULT_TOO_MANY;
    if (option->kind == OPTION_FLAG) {
        *(bool *)target = true;
        return FAULT_NONE;
    }
    if (!value)
        return option->kind == OPTION_NUMBER ? FAULT_INTEGER : FAULT_STRING;
    *used = true;
    switch (option->kind) {
    case OPTION_NUMBER:
        *(int64_t *)target = strtoll(value, &end, 0);
        return *end ? FAULT_INTEGER : FAULT_NONE;
    case OPTION_LIST:
        if (!list->at && !(list->at = calloc(YARA_LIST_MAX, sizeof *list->at)))
            return FAULT_TOO_MANY;
        list->at[list->n++] = value;
        return FAULT_NONE;
    default:
        *(const char **)target = value;
        return FAULT_NONE;
    }
}

static const struct option *find(const char *name, size_t len, char letter)
{
    for (const struct option *o = yara_table; o->name; o++)
        if (name ? strlen(o->name) == len && memcmp(o->name, name, len) == 0
                 : o->letter && o->letter == letter)
            return o;
    return NULL;
}

static enum parse_fault parse_short(struct yara_arguments *into, char **argv, int *i,
                                    uint64_t *given)
{
    for (const char *p = argv[*i] + 1; *p; p++) {
        bool used = false;
        const struct option *option = find(NULL, 0, *p);
        enum parse_fault fault =
            option ? store(into, option, p[1] ? NULL : argv[*i + 1], given, &used)
                   : FAULT_UNKNOWN;
        if (fault != FAULT_NONE)
            return fault;
        *i += used;
        if (used)
            break;
    }
    return FAULT_NONE;
}

static enum parse_fault parse_long(struct yara_arguments *into, const char *name,
                                   uint64_t *given)
{
    const char *equal = strchr(name, '=');
    bool used;
    const struct option *option = find(name, equal ? (size_t)(equal - name) : strlen(name), 0);
    return option ? store(into, option, equal ? equal + 1 : NULL, given, &used) : FAULT_UNKNOWN;
}

int yara_options_parse(struct yara_arguments *into, int argc, char **argv)
{
    static const char *const texts[] = {
        [FAULT_UNKNOWN] = "unknown option `%s`\n",
        [FAULT_TOO_MANY] = "too many `%s` options\n",
        [FAULT_INTEGER] = "option `%s` requires an integer argument\n",
        [FAULT_STRING] = "option `%s` requires a string argument\n",
    };
    uint64_t given = 0;
    int count = 0;
    *into = yara_defaults;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        enum parse_fault fault = FAULT_NONE;
        if (word[0] == '-' && word[1] == '-' && word[2])
            fault = parse_long(into, word + 2, &given);
        else if (word[0] == '-' && word[1] && word[1] != '-')
            fault = parse_short(into, argv, &i, &given);
        else
            argv[count++] = word;
        if (fault != FAULT_NONE) {
            const char *text = texts[fault], *mark = strchr(text, '%');
            fprintf(stderr, "%.*s%s%s", (int)(mark - text), text, word, mark + 2);
            return -1;
        }
    }
    return count;
}

void yara_options_help(FILE *to)
{
    enum { COLUMN = 43 };

    for (const struct option *o = yara_table; o->name; o++) {
        char head[128];
        int n = o->letter ? snprintf(head, sizeof head, "  -%c,  --%s", o->letter, o->name)
                          : snprintf(head, sizeof head, "       --%s", o->name);
        if (o->argument)
            snprintf(head + n, sizeof head - (size_t)n, "=%s", o->argument);
        fprintf(to, "%-*s%s\n", COLUMN, head, o->help);
    }
}
