/* Our own cases: cases/README.md says how they are written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "tap.h"

struct setting {
    char patterns[2048], import[256];
    uint8_t object[4096];
    size_t object_size;
    bool additions;
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c | 0x20) - 'a' + 10;
}

/* The text in quotes at *at; moves behind it. */
static size_t quoted(const char **at, uint8_t *out)
{
    size_t n = 0;
    const char *p = *at + 1;
    for (; *p && *p != '"'; p++) {
        if (*p != '\\') {
            out[n++] = (uint8_t)*p;
            continue;
        }
        p++;
        if (*p == 'n' || *p == 't') {
            out[n++] = *p == 'n' ? '\n' : '\t';
        } else if (*p == 'x') {
            out[n++] = (uint8_t)(hex_digit(p[1]) << 4 | hex_digit(p[2]));
            p += 2;
        } else {
            out[n++] = (uint8_t)*p;
        }
    }
    *at = *p ? p + 1 : p;
    return n;
}

/* What is behind a word and a space; NULL when the line does not begin with the word. */
static const char *after(const char *line, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(line, word, n) != 0 || (line[n] && line[n] != ' '))
        return NULL;
    return line[n] ? line + n + 1 : line + n;
}

static void keep_text(char *to, size_t room, const char *text)
{
    size_t n = strnlen(text, room - 1);
    memcpy(to, text, n);
    to[n] = 0;
}

static bool set(struct setting *setting, const char *line)
{
    const char *rest;
    if ((rest = after(line, "object")))
        setting->object_size = quoted(&rest, setting->object);
    else if ((rest = after(line, "patterns")))
        keep_text(setting->patterns, sizeof setting->patterns, rest);
    else if ((rest = after(line, "import")))
        keep_text(setting->import, sizeof setting->import, rest);
    else if ((rest = after(line, "since")))
        setting->additions = strcmp(rest, "x") == 0;
    else
        return false;
    return true;
}

static void write_condition(const struct setting *setting, const char *condition, char *ret,
                            size_t size)
{
    snprintf(ret, size, "%s%s%s rule t { %s%s condition: %s }",
             setting->import[0] ? "import \"" : "", setting->import,
             setting->import[0] ? "\"" : "", setting->patterns[0] ? "strings: " : "",
             setting->patterns, condition);
}

static bool read_case(const struct setting *setting, const char *line,
                      struct conformance_case *it, char *rules, size_t size, uint8_t *match,
                      char *code)
{
    const char *rest = strchr(line, ' ');
    if (!rest)
        return false;
    size_t word = (size_t)(rest++ - line);
    char kind = line[word - 1];
    bool whole = strncmp(line, "rule", 4) == 0;
    *it = (struct conformance_case){.object = {setting->object, setting->object_size},
                                    .count = -1,
                                    .additions = setting->additions};
    if (kind == '!') {
        size_t n = strcspn(rest, " ");
        memcpy(code, rest, n);
        code[n] = 0;
        it->code = bytes_of(code);
        rest += n + (rest[n] != 0);
    } else if (kind == '=') {
        it->has_match = true;
        it->match = (bytes){match, quoted(&rest, match)};
    } else if (!strchr("+-~", kind)) {
        return false;
    }
    it->expect = kind == '!'                  ? EXPECT_ERROR
                 : kind == '-' || kind == '~' ? EXPECT_NOMATCH
                                              : EXPECT_MATCH;
    if (kind == '=' || kind == '~')
        snprintf(rules, size, "rule t { strings: $a = %s condition: $a }", rest);
    else if (whole)
        snprintf(rules, size, "%s", rest);
    else
        write_condition(setting, rest, rules, size);
    it->rules = bytes_of(rules);
    return true;
}

static void run(FILE *file, const char *name)
{
    static char line[8192], rules[16384], code[8192];
    static uint8_t match[8192];
    struct setting setting = {.additions = false};
    unsigned number = 0;
    while (fgets(line, sizeof line, file)) {
        struct conformance_case it;
        struct judgement judgement;
        number++;
        line[strcspn(line, "\n")] = 0;
        if (!line[0] || line[0] == '#' || set(&setting, line))
            continue;
        bool good = read_case(&setting, line, &it, rules, sizeof rules, match, code);
        if (!good)
            snprintf(judgement.text, sizeof judgement.text, "not a case: %.900s", line);
        good = good && judge_case(&it, &judgement);
        if (!tap_check(good, line, name, (int)number))
            printf("#   %s\n#   %s\n", rules, judgement.text);
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "r");
        if (!tap_check(file != NULL, argv[i], __FILE__, __LINE__))
            continue;
        run(file, argv[i]);
        fclose(file);
    }
    return tap_done();
}
