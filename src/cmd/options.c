#include "cmd/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct option *find_long(const struct command *command, const char *name,
                                      size_t len)
{
    const struct option *found = NULL;
    int heads = 0;
    for (const struct option *o = command->options; o && o->name; o++) {
        if (strncmp(o->name, name, len) != 0)
            continue;
        if (!o->name[len])
            return o;
        heads++;
        found = o;
    }
    return command->as_clamav && heads == 1 ? found : NULL;
}

static const struct option *find_short(const struct command *command, char letter)
{
    for (const struct option *o = command->options; o && o->name; o++)
        if (o->letter && o->letter == letter)
            return o;
    return NULL;
}

enum { WORD_MAX = 40 };

/* Edit distance with swaps of neighbours, both words cut to WORD_MAX. */
static int distance(const char *a, const char *b)
{
    int row[3][WORD_MAX + 1];
    int n = (int)strnlen(a, WORD_MAX), m = (int)strnlen(b, WORD_MAX);
    for (int j = 0; j <= m; j++)
        row[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *now = row[i % 3], *before = row[(i + 2) % 3], *older = row[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            int cost = before[j - 1] + (a[i - 1] != b[j - 1]);
            cost = before[j] + 1 < cost ? before[j] + 1 : cost;
            cost = now[j - 1] + 1 < cost ? now[j - 1] + 1 : cost;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                older[j - 2] + 1 < cost)
                cost = older[j - 2] + 1;
            now[j] = cost;
        }
    }
    return row[n % 3][m];
}

const char *options_nearest(const char *word, const char *const *words, int count)
{
    const char *best = NULL;
    int least = (int)strlen(word) / 3 + 1;
    for (int i = 0; i < count; i++) {
        /* The head of a longer word is as near as one slip. */
        size_t len = strlen(word);
        int d = len >= 3 && strncmp(word, words[i], len) == 0 ? 1 : distance(word, words[i]);
        if (d <= least && (!best || d < least)) {
            best = words[i];
            least = d;
        }
    }
    return best;
}

static int fail_unknown(const struct command *command, const char *name, size_t len,
                        struct why *why)
{
    char word[WORD_MAX + 1];
    const char *names[128];
    int count = 0;
    snprintf(word, sizeof word, "%.*s", (int)len, name);
    for (const struct option *o = command->options; o && o->name && count < 128; o++)
        if (o->category)
            names[count++] = o->name;
    const char *near = options_nearest(word, names, count);
    return near ? fail(why, EINVAL, "unknown option '--%s': did you mean '--%s'?", word, near)
                : fail(why, EINVAL, "unknown option '--%s'", word);
}

bool options_size(const char *text, uint64_t *ret)
{
    static const char units[] = "KMGT";
    if (*text < '0' || *text > '9')
        return false;
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (errno || end == text || memchr(text, 'x', (size_t)(end - text)))
        return false;
    if (*end) {
        const char *unit = strchr(units, *end >= 'a' ? *end - 32 : *end);
        if (!unit || !(end[1] == 0 || strcmp(end + 1, "B") == 0 || strcmp(end + 1, "iB") == 0))
            return false;
        value *= (double)(1ull << (10 * (unit - units + 1)));
    }
    if (!(value < 9.2e18))
        return false;
    *ret = (uint64_t)value;
    return true;
}

static int store_choice(const struct option *option, const char *value, int *into,
                        struct why *why)
{
    bytes rest = bytes_of(option->choices), word;
    for (int i = 0; bytes_cut(&rest, ' ', &word); i++)
        if (bytes_is(word, value)) {
            *into = i;
            return 0;
        }
    return fail(why, EINVAL, "option '--%s' takes one of '%s', not '%s'", option->name,
                option->choices, value);
}

static int store_number(const struct option *option, const char *value, int64_t *into,
                        struct why *why)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (errno || *end || end == value || number < 0)
        return fail(why, EINVAL, "option '--%s' takes a number, not '%s'", option->name, value);
    *into = number;
    return 0;
}

static int store_switch(const struct option *option, const char *value, int *into,
                        struct why *why)
{
    static const char *const words[] = {"no", "yes", "false", "true", "0", "1"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (!value || bytes_same(bytes_of(value), bytes_of(words[i]))) {
            *into = !value || i % 2;
            return 0;
        }
    return fail(why, EINVAL, "option '--%s' takes yes or no, not '%s'", option->name, value);
}

static int store(const struct option *option, const char *value, int room, void *into,
                 struct why *why)
{
    void *target = (char *)into + option->target;
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)target = true;
        return 0;
    case OPTION_TEXT:
        *(const char **)target = value;
        return 0;
    case OPTION_NUMBER:
        return store_number(option, value, target, why);
    case OPTION_CHOICE:
        return store_choice(option, value, target, why);
    case OPTION_SWITCH:
        return store_switch(option, value, target, why);
    case OPTION_SIZE:
        if (!options_size(value, target))
            return fail(why, EINVAL, "option '--%s' takes a size such as 64M, not '%s'",
                        option->name, value);
        return 0;
    case OPTION_LIST: {
        struct option_list *list = target;
        if (!list->at)
            list->at = calloc((size_t)room, sizeof *list->at);
        if (!list->at)
            return fail(why, ENOMEM, "out of memory");
        list->at[list->n++] = value;
        return 0;
    }
    }
    return fail(why, EINVAL, "option '--%s' is of no known kind", option->name);
}

/* Whether a value has to follow: a switch takes one only after `=`. */
static bool needs_value(const struct option *option)
{
    return option->kind != OPTION_FLAG && option->kind != OPTION_SWITCH;
}

/* Stores a value, unless an earlier one counts. */
static int take(const struct command *command, const struct option *option, const char *value,
                int room, void *into, struct why *why)
{
    bool *given =
        command->given ? (bool *)into + command->given + (option - command->options) : NULL;
    if (given && *given && command->as_clamav && option->kind != OPTION_LIST)
        return 0;
    if (given)
        *given = true;
    return store(option, value, room, into, why);
}

/* One `--name`, `--name=value` or `--name value`; *i moves past a value taken. */
static int parse_long(const struct command *command, void *into, int argc, char **argv, int *i,
                      struct why *why)
{
    const char *name = argv[*i] + 2, *equal = strchr(name, '=');
    size_t len = equal ? (size_t)(equal - name) : strlen(name);
    const struct option *option = find_long(command, name, len);
    if (!option)
        return fail_unknown(command, name, len, why);
    const char *value = equal ? equal + 1 : NULL;
    if (option->kind == OPTION_FLAG && value)
        return fail(why, EINVAL, "option '--%s' takes no value", option->name);
    if (needs_value(option) && !value) {
        if (*i + 1 >= argc)
            return fail(why, EINVAL, "option '--%s' needs a value: %s", option->name,
                        option->argument);
        value = argv[++*i];
    }
    return take(command, option, value, argc, into, why);
}

/* A cluster of short options: `-rn4` is -r, -n 4. */
static int parse_short(const struct command *command, void *into, int argc, char **argv, int *i,
                       struct why *why)
{
    for (const char *p = argv[*i] + 1; *p; p++) {
        const struct option *option = find_short(command, *p);
        if (!option)
            return fail(why, EINVAL, "unknown option '-%c'", *p);
        if (!needs_value(option)) {
            int error = take(command, option, NULL, argc, into, why);
            if (error)
                return error;
            continue;
        }
        const char *value = p[1] ? p + 1 : *i + 1 < argc ? argv[++*i] : NULL;
        if (!value)
            return fail(why, EINVAL, "option '-%c' needs a value: %s", *p, option->argument);
        return take(command, option, value, argc, into, why);
    }
    return 0;
}

int options_parse(const struct command *command, void *into, int argc, char **argv,
                  struct why *why)
{
    int arguments = 0;
    bool ended = false;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        int error = 0;
        if (!ended && strcmp(word, "--") == 0)
            ended = true;
        else if (!ended && word[0] == '-' && word[1] == '-')
            error = parse_long(command, into, argc, argv, &i, why);
        else if (!ended && word[0] == '-' && word[1])
            error = parse_short(command, into, argc, argv, &i, why);
        else
            argv[arguments++] = word;
        if (error)
            return error;
    }
    return arguments;
}

void options_free(const struct command *command, void *options)
{
    for (const struct option *o = command->options; o && o->name; o++)
        if (o->kind == OPTION_LIST)
            free(((struct option_list *)(void *)((char *)options + o->target))->at);
}
