/* The published cases of YARA's own test suite: one JSON object a line, with `rule`,
 * `input_b64`, `expect` (match, nomatch, error), and where it applies `match_b64`, `count` and
 * `code` (YARA's name of the error). They lie outside of the project: CANDOR_SHARED, or
 * ../shared beside it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "tap.h"

/* One JSON text at *at (behind its quote) into out; false when it is no text. */
static bool json_text(const char **at, char *out)
{
    const char *p = *at;
    for (; *p != '"'; p++) {
        unsigned code;
        if (!*p)
            return false;
        if (*p != '\\') {
            *out++ = *p;
            continue;
        }
        p++;
        if (*p == 'n')
            *out++ = '\n';
        else if (*p == 't')
            *out++ = '\t';
        else if (*p == 'r')
            *out++ = '\r';
        else if (*p == 'b')
            *out++ = '\b';
        else if (*p == 'f')
            *out++ = '\f';
        else if (*p != 'u')
            *out++ = *p;
        else if (sscanf(p + 1, "%4x", &code) == 1) {
            if (code < 0x80) {
                *out++ = (char)code;
            } else if (code < 0x800) {
                *out++ = (char)(0xc0 | code >> 6);
                *out++ = (char)(0x80 | (code & 63));
            } else {
                *out++ = (char)(0xe0 | code >> 12);
                *out++ = (char)(0x80 | (code >> 6 & 63));
                *out++ = (char)(0x80 | (code & 63));
            }
            p += 4;
        }
    }
    *out = 0;
    *at = p + 1;
    return true;
}

/* The value of a key: texts are resolved into out[], numbers copied as they are. */
static bool json_value(const char *line, const char *key, char *out)
{
    char name[64];
    snprintf(name, sizeof name, "\"%s\": ", key);
    const char *at = strstr(line, name);
    if (!at)
        return false;
    at += strlen(name);
    if (*at == '"') {
        at++;
        return json_text(&at, out);
    }
    size_t n = strcspn(at, ",}");
    memcpy(out, at, n);
    out[n] = 0;
    return true;
}

static bytes base64_decoded(char *text)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0, count = 0;
    char *out = text;
    for (const char *p = text; *p && *p != '='; p++) {
        bits = bits << 6 | (uint32_t)(strchr(alphabet, *p) - alphabet);
        if (++count % 4 != 1)
            *out++ = (char)(bits >> (6 - 2 * ((count - 1) % 4)));
    }
    return (bytes){(const uint8_t *)text, (size_t)(out - text)};
}

/* ERROR_UNDEFINED_STRING is our undefined_string. */
static void our_code(char *code)
{
    size_t n = strlen(code);
    memmove(code, code + 6, n - 5);
    for (; *code; code++)
        *code = (char)ascii_lower((uint8_t)*code);
}

static bool same_error(const char *theirs, struct conformance_case *it, struct judgement *ret)
{
    /* A number that is too large ends YARA's text, and what it reports is that end. */
    if (judge_case(it, ret))
        return true;
    if (strcmp(theirs, "syntax_error") != 0)
        return false;
    it->code = bytes_of("integer_overflow");
    return judge_case(it, ret);
}

static void check_line(const char *line, char *room, size_t size)
{
    char *id = room, *rule = room + 128, *object = rule + size, *match = object + size;
    char *expect = match + size, *other = expect + 64;
    struct judgement judgement;
    if (!json_value(line, "id", id) || !json_value(line, "rule", rule) ||
        !json_value(line, "expect", expect) || !json_value(line, "input_b64", object)) {
        CHECK(!"a case with id, rule, expect and input_b64");
        return;
    }
    struct conformance_case it = {
        .rules = bytes_of(rule), .object = base64_decoded(object), .count = -1};
    it.additions = json_value(line, "additions", other);
    it.expect = strcmp(expect, "match") == 0     ? EXPECT_MATCH
                : strcmp(expect, "nomatch") == 0 ? EXPECT_NOMATCH
                : strcmp(expect, "error") == 0   ? EXPECT_ERROR
                                                 : EXPECT_COMPILES;
    if (json_value(line, "count", other))
        it.count = (int)strtol(other, NULL, 10);
    if (json_value(line, "match_b64", match)) {
        it.has_match = true;
        it.match = base64_decoded(match);
    }
    bool good;
    if (json_value(line, "code", other)) {
        our_code(other);
        it.code = bytes_of(other);
        good = same_error(other, &it, &judgement);
    } else {
        good = judge_case(&it, &judgement);
    }
    if (!tap_check(good, id, __FILE__, __LINE__))
        printf("#   %.900s\n#   expected: %s\n#   %s\n", line, expect, judgement.text);
}

static FILE *open_cases(const char *root, const char *argument)
{
    char path[4096];
    const char *shared = getenv("CANDOR_SHARED");
    if (argument)
        return fopen(argument, "r");
    if (shared)
        snprintf(path, sizeof path, "%s/data/conformance/yara-test-rules.jsonl", shared);
    else
        snprintf(path, sizeof path, "%s/../shared/data/conformance/yara-test-rules.jsonl",
                 root);
    return fopen(path, "r");
}

int main(int argc, char **argv)
{
    const char *root = argc > 1 ? argv[1] : ".";
    FILE *file = open_cases(root, argc > 2 ? argv[2] : NULL);
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    if (!file) {
        tap_skip("published cases",
                 "set CANDOR_SHARED to the folder that holds data/conformance");
        return tap_done();
    }
    while ((n = getline(&line, &room, file)) > 0) {
        size_t size = (size_t)n + 64;
        char *texts = malloc(3 * size + 512);
        if (line[n - 1] == '\n')
            line[n - 1] = 0;
        check_line(line, texts, size);
        free(texts);
    }
    free(line);
    fclose(file);
    return tap_done();
}
