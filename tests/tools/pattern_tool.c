/* pattern_tool — runs patterns over data for tests that compare with other programs.
 *
 * Standard input, one case a line, all in hex, `-` for empty:
 *     kind flags xor_min xor_max text data
 * with kind t, h or r and flags a number (enum pattern_flag). A `-f FILE` argument takes the
 * data from a file instead. Standard output, a line for each:
 *     offset:length:key ...      or  error: TEXT
 * `limit N` ends a line whose search met a limit. */
#include "match/pattern.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELD_MAX = 1 << 20, ARENA_MAX = 1 << 30 };

static size_t unhex(const char *text, uint8_t *to)
{
    size_t n = 0;
    unsigned byte;

    if (!strcmp(text, "-"))
        return 0;
    for (; text[0] && text[1] && sscanf(text, "%2x", &byte) == 1; text += 2)
        to[n++] = (uint8_t)byte;
    return n;
}

static bytes read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    bytes ret = {NULL, 0};
    long size;
    uint8_t *at;

    if (!file)
        return ret;
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    at = malloc(size > 0 ? (size_t)size : 1);
    if (at && size > 0 && fread(at, 1, (size_t)size, file) == (size_t)size)
        ret = (bytes){at, (size_t)size};
    fclose(file);
    return ret;
}

/* The pattern's door agrees with itself: exists and at say what find says. */
static void check_doors(const struct pattern_code *code, bytes data, struct arena *arena,
                        const struct matches *matches)
{
    struct budget budget = {.steps = 1ull << 40};
    struct match one;

    if (pattern_exists(code->program, data, 0, arena, &budget) != (matches->list.n > 0))
        printf("EXISTS ");
    for (uint32_t i = 0; i < matches->list.n && i < 20; i++) {
        const struct match *m = &matches->list.at[i];
        if (!pattern_at(code->program, data, m->offset, arena, &budget, &one))
            printf("AT%llu ", (unsigned long long)m->offset);
        else if (one.length != m->length || one.offset != m->offset)
            printf("LEN%llu:%u ", (unsigned long long)m->offset, one.length);
    }
}

static bool has_literal(const struct pattern_literal *literal, bytes data)
{
    for (size_t at = 0; at + literal->text.len <= data.len; at++) {
        size_t i = 0;
        while (i < literal->text.len &&
               (literal->nocase ? ascii_lower(data.at[at + i]) : data.at[at + i]) ==
                   literal->text.at[i])
            i++;
        if (i == literal->text.len)
            return true;
    }
    return false;
}

/* Each match contains a literal, and is no shorter or longer than was promised. */
static void check_promises(const struct pattern_code *code, bytes data,
                           const struct matches *matches)
{
    for (uint32_t i = 0; i < matches->list.n && i < 50; i++) {
        const struct match *m = &matches->list.at[i];
        bool good = code->literal_count == 0;
        for (uint32_t k = 0; k < code->literal_count && !good; k++)
            good = has_literal(&code->literals[k], bytes_slice(data, m->offset, m->length));
        if (!good)
            printf("LITERAL%llu ", (unsigned long long)m->offset);
        if (m->length < code->min_length || m->length > code->max_length)
            printf("LENGTH%llu ", (unsigned long long)m->offset);
    }
}

static void run_case(const struct pattern_source *source, bytes data, struct arena *arena)
{
    struct budget budget = {.steps = 1ull << 40};
    struct pattern_fault fault;
    struct pattern_code code;
    struct matches matches = {0};

    if (pattern_compile(source, arena, &code, &fault) < 0) {
        printf("error: %s\n", fault.text);
        return;
    }
    if (!pattern_valid(code.program))
        printf("INVALID ");
    if (!(source->flags & (PATTERN_ASCII | PATTERN_WIDE)) && source->kind == PATTERN_REGEX) {
        printf("%d\n", pattern_match_text(code.program, data, arena, &budget));
        return;
    }
    pattern_find(code.program, data, 0, arena, &budget, &matches);
    for (uint32_t i = 0; i < matches.list.n; i++)
        printf("%llu:%u:%u ", (unsigned long long)matches.list.at[i].offset,
               matches.list.at[i].length, matches.list.at[i].xor_key);
    if (budget.hit != LIMIT_NONE) {
        printf("limit %d", (int)budget.hit);
    } else if (!getenv("PATTERN_TOOL_PLAIN")) {
        check_doors(&code, data, arena, &matches);
        check_promises(&code, data, &matches);
    }
    printf(code.is_slow ? "slow\n" : "\n");
}

int main(int argc, char **argv)
{
    char *line = NULL, *text = malloc(FIELD_MAX), *data_text = malloc(FIELD_MAX);
    uint8_t *text_bytes = malloc(FIELD_MAX), *data_bytes = malloc(FIELD_MAX);
    struct arena *arena = arena_new(ARENA_MAX);
    bytes file = {NULL, 0};
    size_t room = 0;

    if (!text || !data_text || !text_bytes || !data_bytes || !arena)
        return 2;
    if (argc == 3 && !strcmp(argv[1], "-f"))
        file = read_file(argv[2]);
    while (getline(&line, &room, stdin) > 0) {
        struct pattern_source source = {0};
        unsigned flags, low, high;
        bytes data = file;
        char kind;
        if (strlen(line) >= FIELD_MAX ||
            sscanf(line, "%c %u %u %u %s %s", &kind, &flags, &low, &high, text, data_text) != 6)
            return 2;
        source.kind = kind == 't' ? PATTERN_TEXT : kind == 'h' ? PATTERN_HEX : PATTERN_REGEX;
        source.flags = flags;
        source.xor_min = (uint8_t)low;
        source.xor_max = (uint8_t)high;
        source.text = (bytes){text_bytes, unhex(text, text_bytes)};
        if (argc != 3)
            data = (bytes){data_bytes, unhex(data_text, data_bytes)};
        run_case(&source, data, arena);
        fflush(stdout);
        arena_reset(arena);
    }
    free(line);
    free(text);
    free(data_text);
    free(text_bytes);
    free(data_bytes);
    arena_free(arena);
    return 0;
}
