/* Patterns: what they match, what is refused, what is promised about them. Expected offsets and
 * lengths were taken from YARA 4.5; tests/oracle/patterns.py compares with the yara at hand. */
#include "match/pattern.h"
#include "reference.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

enum { A = PATTERN_ASCII, W = PATTERN_WIDE, I = PATTERN_NOCASE, F = PATTERN_FULLWORD };

static struct arena *arena;

struct match_case {
    enum pattern_kind kind;
    uint32_t flags;
    const char *text, *data;
    size_t data_length; /* 0: strlen */
    const char *want;   /* "offset:length ..." */
};

static const struct match_case cases[] = {
    {PATTERN_TEXT, A, "ab", "xabab", 0, "1:2 3:2"},
    {PATTERN_TEXT, A, "aa", "aaaa", 0, "0:2 1:2 2:2"},
    {PATTERN_TEXT, A | I, "aB", "xAbab", 0, "1:2 3:2"},
    {PATTERN_TEXT, W, "ab", "a\0b\0ab", 6, "0:4"},
    {PATTERN_TEXT, A | W, "ab", "a\0b\0ab", 6, "0:4 4:2"},
    {PATTERN_TEXT, A | F, "ab", "ab.abc.ab", 0, "0:2 7:2"},
    {PATTERN_TEXT, W | F, "ab", "x\0a\0b\0.\0a\0b\0", 12, "8:4"},
    {PATTERN_HEX, A, "61 ?? 63", "abcaXc", 0, "0:3 3:3"},
    {PATTERN_HEX, A, "61 [0-2] 63", "acxxcabc", 0, "0:2 5:3"},
    {PATTERN_HEX, A, "61 (62 | 63 64) 65", "abeacde", 0, "0:3 3:4"},
    {PATTERN_HEX, A, "61 ~62 63", "abcaxc", 0, "3:3"},
    {PATTERN_HEX, A, "61 ~6? 63", "abcaxc", 0, "3:3"},
    {PATTERN_HEX, A, "61 [0x1-0o2] 63 // end", "abc", 0, "0:3"},
    {PATTERN_HEX, A, "61 62 [-] 63 64", "ababcdcd", 0, "0:6 2:4"},
    {PATTERN_HEX, A, "61 /* x */ 62", "ab", 0, "0:2"},
    {PATTERN_REGEX, A, "a+b", "aab", 0, "0:3 1:2"},
    {PATTERN_REGEX, A, "a+?", "aaa", 0, "0:1 1:1 2:1"},
    {PATTERN_REGEX, A, "a{2,3}", "aaaa", 0, "0:3 1:3 2:2"},
    {PATTERN_REGEX, A, "(ab|c)*d", "abcd", 0, "0:4 2:2 3:1"},
    {PATTERN_REGEX, A, "x*", "ax", 0, "0:0 1:1"},
    {PATTERN_REGEX, A, "^ab$", "ab", 0, "0:2"},
    {PATTERN_REGEX, A, "^ab$", "abc", 0, ""},
    {PATTERN_REGEX, A, "\\bab\\b", "ab abc ab", 0, "0:2 7:2"},
    {PATTERN_REGEX, A, "[^a-c]d", "adxd", 0, "2:2"},
    {PATTERN_REGEX, A, "[]a]x", "]xax", 0, "0:2 2:2"},
    {PATTERN_REGEX, A, "a.c", "a\ncabc", 0, "3:3"},
    {PATTERN_REGEX, A | PATTERN_DOTALL, "a.c", "a\ncabc", 0, "0:3 3:3"},
    {PATTERN_REGEX, A | I, "aB[c-d]", "AbD", 0, "0:3"},
    {PATTERN_REGEX, W, "a.c", "a\0b\0c\0", 6, "0:6"},
    {PATTERN_REGEX, A, "a{b", "a{b", 0, "0:3"},
    {PATTERN_REGEX, A, "a{,2}b", "aab", 0, "0:3 1:2 2:1"},
    {PATTERN_REGEX, A, "\\x61\\/b", "a/b", 0, "0:3"},
};

static void write_matches(const struct matches *matches, char *to, size_t size)
{
    size_t at = 0;

    to[0] = 0;
    for (uint32_t i = 0; i < matches->list.n && at + 32 < size; i++)
        at += (size_t)snprintf(to + at, size - at, "%s%llu:%u", i ? " " : "",
                               (unsigned long long)matches->list.at[i].offset,
                               matches->list.at[i].length);
}

static void matches_as_written(void)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct match_case *c = &cases[i];
        bytes data = {(const uint8_t *)c->data,
                      c->data_length ? c->data_length : strlen(c->data)};
        struct pattern_source source = {
            .kind = c->kind, .flags = c->flags, .text = bytes_of(c->text)};
        struct budget budget = {.steps = 1 << 30};
        struct pattern_fault fault;
        struct pattern_code code;
        struct matches matches = {0};
        char got[400];
        if (!CHECK(pattern_compile(&source, arena, &code, &fault) == 0))
            continue;
        pattern_find(code.program, data, 0, arena, &budget, &matches);
        write_matches(&matches, got, sizeof got);
        if (strcmp(got, c->want))
            printf("# %s\n", c->text);
        CHECK_STR(got, c->want);
        CHECK(pattern_valid(code.program));
        CHECK(pattern_exists(code.program, data, 0, arena, &budget) == (matches.list.n > 0));
        arena_reset(arena);
    }
}

/* A literal that is common by itself is told with what every match has around it. */
static void literals_have_contexts(void)
{
    static const struct {
        enum pattern_kind kind;
        const char *text, *value, *mask;
        uint32_t lead;
    } rows[] = {
        {PATTERN_HEX, "6? ?? 41 42 43 44 ?? 4?", "\x60\0ABCD\0\x40",
         "\xf0\0\xff\xff\xff\xff\0\xf0", 2},
        {PATTERN_HEX, "41 42 43 44 [2] 4?", "ABCD\0\0\x40", "\xff\xff\xff\xff\0\0\xf0", 0},
        {PATTERN_HEX, "41 42 43 44 [2-3] 4?", "", "", 0},
        {PATTERN_REGEX, "[`-z].abcdef.x", "\x60\0abcdef\0x",
         "\xe0\0\xff\xff\xff\xff\xff\xff\0\xff", 2},
        {PATTERN_REGEX, "[`-z]*abcdef", "", "", 0},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pattern_source source = {
            .kind = rows[i].kind, .flags = A, .text = bytes_of(rows[i].text)};
        struct pattern_fault fault;
        struct pattern_code code;
        CHECK(pattern_compile(&source, arena, &code, &fault) == 0);
        CHECK_INT(code.literal_count, 1);
        const struct literal_context *context = &code.literals[0].context;
        size_t length = rows[i].mask[0] ? code.max_length : 0;
        CHECK(bytes_equal(context->value, (bytes){(const uint8_t *)rows[i].value, length}));
        CHECK(bytes_equal(context->mask, (bytes){(const uint8_t *)rows[i].mask, length}));
        CHECK_INT(context->lead, rows[i].lead);
    }
    arena_reset(arena);
}

static void xor_keys_are_told(void)
{
    struct pattern_source source = {.kind = PATTERN_TEXT,
                                    .flags = A | PATTERN_XOR,
                                    .xor_min = 1,
                                    .xor_max = 3,
                                    .text = bytes_of("abcdef")};
    uint8_t data[40] = "------abcdef------abcdef------abcdef";
    struct budget budget = {.steps = 1 << 30};
    struct pattern_fault fault;
    struct pattern_code code;
    struct matches matches = {0};

    for (int i = 0; i < 6; i++) {
        data[18 + i] ^= 3;
        data[30 + i] ^= 4;
    }
    CHECK(pattern_compile(&source, arena, &code, &fault) == 0);
    CHECK_INT(code.literal_count, 3);
    pattern_find(code.program, (bytes){data, 36}, 100, arena, &budget, &matches);
    CHECK_INT(matches.list.n, 1);
    CHECK_INT(matches.list.at[0].offset, 118);
    CHECK_INT(matches.list.at[0].xor_key, 3);
    arena_reset(arena);
}

static const struct {
    enum pattern_kind kind;
    const char *text, *fault;
} faults[] = {
    {PATTERN_REGEX, "*a", "syntax error"},
    {PATTERN_REGEX, "(a", "syntax error"},
    {PATTERN_REGEX, "a)", "syntax error"},
    {PATTERN_REGEX, "a**", "syntax error"},
    {PATTERN_REGEX, "()", "syntax error"},
    {PATTERN_REGEX, "^*", "syntax error"},
    {PATTERN_REGEX, "a{3,2}", "bad repeat interval"},
    {PATTERN_REGEX, "a{99999}", "repeat interval too large"},
    {PATTERN_REGEX, "[z-a]", "bad character range"},
    {PATTERN_REGEX, "a\\1", "backreferences are not allowed"},
    {PATTERN_REGEX, "[a", "missing terminating ] for character class"},
    {PATTERN_REGEX, "\\xz", "illegal escape sequence"},
    {PATTERN_REGEX, "a.*b.*?c",
     "greedy and ungreedy quantifiers can't be mixed in a regular expression"},
    {PATTERN_HEX, "01 [a] 02", "invalid character in hex string jump"},
    {PATTERN_HEX, "[1-2] 01", "syntax error"},
    {PATTERN_HEX, "01 [2]", "syntax error"},
    {PATTERN_HEX, "01 0", "uneven number of digits in hex string"},
    {PATTERN_HEX, "01 (02", "syntax error"},
    {PATTERN_HEX, "01 [3-2] 02", "invalid jump range"},
    {PATTERN_HEX, "01 [0] 02", "invalid jump length"},
    {PATTERN_HEX, "01 (02 [-] 03)", "unbounded jumps not allowed inside alternation (|)"},
    {PATTERN_HEX, "01 (02 [300] 03)", "jumps over 200 not allowed inside alternation (|)"},
};

static void says_what_is_wrong(void)
{
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct pattern_source source = {
            .kind = faults[i].kind, .flags = A, .text = bytes_of(faults[i].text)};
        struct pattern_fault fault;
        struct pattern_code code = {.min_length = 77};
        CHECK_INT(pattern_compile(&source, arena, &code, &fault), -EINVAL);
        CHECK_STR(fault.text, faults[i].fault);
        CHECK_INT(code.min_length, 77);
        arena_reset(arena);
    }
}

static uint64_t state = 88172645463325252u;

static uint32_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 11);
}

static void random_regex(char *to, size_t size)
{
    static const char *const pieces[] = {"a", "b", "ab",  ".", "[ab]", "[^a]",  "(",   ")",
                                         "|", "*", "+",   "?", "{2}",  "{1,3}", "\\w", "\\b",
                                         "^", "$", "\\B", "c", "abca", "{0,2}", "\\W", "_"};
    size_t at = 0;

    for (uint32_t n = 1 + next_random() % 9; n && at + 8 < size; n--)
        at += (size_t)snprintf(to + at, size - at, "%s", pieces[next_random() % COUNT(pieces)]);
}

/* Random expressions over random texts, judged by the reference. */
static void agrees_with_the_reference(void)
{
    uint32_t compiled = 0, bad = 0;

    for (uint32_t round = 0; round < 30000; round++) {
        char text[100];
        uint8_t data[REFERENCE_MAX];
        struct pattern_source source = {.kind = PATTERN_REGEX,
                                        .flags = A | (round & 1 ? I : 0) |
                                                 (round & 2 ? PATTERN_DOTALL : 0)};
        struct reference ref = {.nocase = round & 1, .dotall = round & 2};
        struct budget budget = {.steps = 1 << 26};
        struct pattern_fault fault;
        struct pattern_code code;
        struct matches matches = {0};
        struct re_tree tree;
        const char *wrong;
        random_regex(text, sizeof text);
        source.text = bytes_of(text);
        ref.text = (bytes){data, next_random() % REFERENCE_MAX};
        for (size_t i = 0; i < ref.text.len; i++)
            data[i] = (uint8_t) "aabbc_A \n"[next_random() % 9];
        arena_reset(arena);
        if (pattern_compile(&source, arena, &code, &fault) < 0 ||
            re_parse(source.text, arena, &tree, &fault) < 0)
            continue;
        if (!pattern_find(code.program, ref.text, 0, arena, &budget, &matches) ||
            budget.hit != LIMIT_NONE)
            continue;
        compiled++;
        wrong = reference_judge(&ref, tree.root, &matches);
        if (!wrong)
            continue;
        bad++;
        printf("# /%s/ over \"%.*s\": %s\n", text, (int)ref.text.len, (const char *)data,
               wrong);
    }
    CHECK(compiled > 2000);
    CHECK_INT(bad, 0);
}

/* No change of a program's bytes makes running it after pattern_valid unsafe (ASan judges). */
static void damaged_programs_are_safe(void)
{
    static const char *const texts[] = {"(a|b[c-e]){2,5}x+", "ab.{3,9}c\\b", "[a-f]{6}"};
    uint8_t data[200];
    uint32_t ran = 0;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t) "abcdex"[next_random() % 6];
    for (uint32_t round = 0; round < 3000; round++) {
        struct pattern_source source = {
            .kind = PATTERN_REGEX, .flags = A, .text = bytes_of(texts[round % 3])};
        struct budget budget = {.steps = 1 << 16};
        struct pattern_fault fault;
        struct pattern_code code;
        struct matches matches = {0};
        uint8_t *copy;
        arena_reset(arena);
        if (pattern_compile(&source, arena, &code, &fault) < 0)
            continue;
        copy = arena_push(arena, code.program.len);
        if (!copy)
            continue;
        memcpy(copy, code.program.at, code.program.len);
        copy[next_random() % code.program.len] ^= (uint8_t)(1 << next_random() % 8);
        if (!pattern_valid((bytes){copy, code.program.len}))
            continue;
        ran++;
        if (!pattern_find((bytes){copy, code.program.len}, (bytes){data, sizeof data}, 0, arena,
                          &budget, &matches))
            matches.list.n = 0;
    }
    CHECK(ran > 100);
    CHECK(!pattern_valid((bytes){data, 64}));
}

/* Nests and repetitions that explode in naive matchers end within their budget. */
static void bad_patterns_end(void)
{
    static const char *const texts[] = {"(a*)*b", "(a|aa)+$", "(.*.*.*)*x", "[ab]*c",
                                        "(a?){30}a{30}"};

    enum { SIZE = 1 << 18 };

    static uint8_t data[SIZE];

    memset(data, 'a', sizeof data);
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct pattern_source source = {
            .kind = PATTERN_REGEX, .flags = A, .text = bytes_of(texts[i])};
        struct budget budget = {.steps = 20000000};
        struct pattern_fault fault;
        struct pattern_code code;
        bool found;
        arena_reset(arena);
        CHECK(pattern_compile(&source, arena, &code, &fault) == 0);
        found = pattern_exists(code.program, (bytes){data, SIZE}, 0, arena, &budget);
        CHECK(found || budget.steps > 0 || budget.hit != LIMIT_NONE);
    }
}

static void matches_operator(void)
{
    struct pattern_source source = {.kind = PATTERN_REGEX, .text = bytes_of("b+")};
    struct budget budget = {.steps = 1 << 20};
    struct pattern_fault fault;
    struct pattern_code code;

    arena_reset(arena);
    CHECK(pattern_compile(&source, arena, &code, &fault) == 0);
    CHECK_INT(pattern_match_text(code.program, bytes_of("aabbc"), arena, &budget), 4);
    CHECK_INT(pattern_match_text(code.program, bytes_of("aac"), arena, &budget), -1);
}

/* In a long object most places are decided by remembered steps, for all atoms of the same bytes
 * at once; line by line by the threads alone. */
static void long_objects_match_as_their_lines(void)
{
    enum { LINES = 3000, LINE = 24 };

    static uint8_t data[LINES * LINE];
    static const char letters[] = "0a1f::::xyz0";
    struct pattern_source source = {
        .kind = PATTERN_REGEX,
        .flags = A | W,
        .text = bytes_of("(([0-9a-f]{1,3}:){3}x|([0-9a-f]{1,3}:){2}y|[0-9a-f]{1,2}:(:z|x)+)")};
    struct budget budget = {.steps = 1 << 30};
    struct pattern_fault fault;
    struct pattern_code code;
    struct matches whole = {0}, lines = {0};
    uint32_t random = 7;

    arena_reset(arena);
    for (size_t i = 0; i < sizeof data; i++) {
        bool wide = i / LINE % 3 == 0;
        random = random * 1664525 + 1013904223;
        data[i] = (uint8_t)letters[(random >> 16) % (sizeof letters - 1)];
        if (wide && i % LINE % 2)
            data[i] = 0;
        if (i % LINE == LINE - 2)
            data[i] = '\n';
        if (i % LINE == LINE - 1)
            data[i] = 0xff;
    }
    CHECK(pattern_compile(&source, arena, &code, &fault) == 0);
    pattern_find(code.program, (bytes){data, sizeof data}, 0, arena, &budget, &whole);
    for (size_t i = 0; i < LINES; i++)
        pattern_find(code.program, (bytes){data + i * LINE, LINE}, i * LINE, arena, &budget,
                     &lines);
    CHECK(whole.list.n > 500);
    CHECK_INT(whole.list.n, lines.list.n);
    for (uint32_t i = 0; i < whole.list.n && i < lines.list.n; i++)
        if (whole.list.at[i].offset != lines.list.at[i].offset ||
            whole.list.at[i].length != lines.list.at[i].length) {
            CHECK_INT(whole.list.at[i].offset, lines.list.at[i].offset);
            break;
        }
}

int main(void)
{
    arena = arena_new(1 << 28);
    if (!arena)
        return 1;
    matches_as_written();
    literals_have_contexts();
    xor_keys_are_told();
    says_what_is_wrong();
    agrees_with_the_reference();
    damaged_programs_are_safe();
    bad_patterns_end();
    matches_operator();
    long_objects_match_as_their_lines();
    arena_free(arena);
    return tap_done();
}
