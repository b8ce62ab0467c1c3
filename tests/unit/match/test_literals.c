#include "base/cpu.h"
#include "match/frequency.h"
#include "match/literals.h"
#include "match/literals/literals_table.h"
#include "tap.h"

#include <stdlib.h>

/* A table over literals, and what a scan of an object finds. */
struct finder {
    struct arena *arena;
    bytes table;
    struct literals_scratch *scratch;
    const struct literal_hit *hits;
    uint32_t count;
};

static struct finder finder_of(const struct literal *literals, const uint8_t *groups,
                               uint32_t n)
{
    struct finder finder = {.arena = arena_new((size_t)1 << 30)};
    if (literals_build(literals, groups, n, finder.arena, &finder.table, NULL) == 0 &&
        literals_valid(finder.table, n))
        finder.scratch = literals_scratch_new(finder.table);
    CHECK(finder.scratch != NULL);
    return finder;
}

static void finder_done(struct finder *finder)
{
    literals_scratch_free(finder->scratch);
    arena_free(finder->arena);
}

static bool scan_groups(struct finder *finder, bytes object, uint8_t groups)
{
    struct budget budget = {.steps = 1ull << 40};
    return literals_scan(finder->table, object, groups, finder->scratch, &budget, &finder->hits,
                         &finder->count);
}

/* The object in memory of exactly its size, so that ASan sees a read past it. */
static bool scan(struct finder *finder, bytes object)
{
    uint8_t *copy = malloc(object.len ? object.len : 1);
    if (object.len)
        memcpy(copy, object.at, object.len);
    bool whole = scan_groups(finder, (bytes){copy, object.len}, 0xff);
    free(copy);
    return whole;
}

/* -1 when it was not found, -2 when it was reported twice. */
static int64_t offset_of(const struct finder *finder, uint32_t literal)
{
    int64_t offset = -1;
    for (uint32_t i = 0; i < finder->count; i++)
        if (finder->hits[i].literal == literal)
            offset = offset == -1 ? (int64_t)finder->hits[i].offset : -2;
    return offset;
}

#define TEXT(s)                                                                                \
    {                                                                                          \
        .text = {(const uint8_t *)(s), sizeof(s) - 1 }                                         \
    }
#define NOCASE(s)                                                                              \
    {                                                                                          \
        .text = {(const uint8_t *)(s), sizeof(s) - 1}, .nocase = true                          \
    }

static void finds_at_the_start_and_at_the_end(void)
{
    static const struct literal literals[] = {
        TEXT("begin"), TEXT("the very end"), TEXT("be"),      TEXT("d"),
        TEXT("end"),   TEXT("beg"),          TEXT("nothere"), TEXT("begin, and the very end")};
    struct finder finder = finder_of(literals, NULL, COUNT(literals));
    CHECK(scan(&finder, bytes_of("begin, and the very end")));
    CHECK_INT(offset_of(&finder, 0), 0);
    CHECK_INT(offset_of(&finder, 1), 11);
    CHECK_INT(offset_of(&finder, 2), 0);
    CHECK(offset_of(&finder, 3) >= 0);
    CHECK_INT(offset_of(&finder, 4), 20);
    CHECK_INT(offset_of(&finder, 5), 0);
    CHECK_INT(offset_of(&finder, 6), -1);
    CHECK_INT(offset_of(&finder, 7), 0);
    finder_done(&finder);
}

static void finds_overlapping_literals(void)
{
    static const struct literal literals[] = {TEXT("abcdefgh"), TEXT("cdefghij"),
                                              TEXT("efgh"),     TEXT("abcdefghijkl"),
                                              TEXT("fg"),       TEXT("ghi")};
    struct finder finder = finder_of(literals, NULL, COUNT(literals));
    CHECK(scan(&finder, bytes_of("..abcdefghijkl..")));
    CHECK_INT(finder.count, 6);
    CHECK_INT(offset_of(&finder, 1), 4);
    CHECK_INT(offset_of(&finder, 5), 8);
    finder_done(&finder);
}

static void is_content_with_nothing(void)
{
    static const struct literal literals[] = {TEXT("a"), TEXT("ab"), TEXT("abcd")};
    struct finder finder = finder_of(literals, NULL, COUNT(literals));
    CHECK(scan(&finder, (bytes){0}));
    CHECK_INT(finder.count, 0);
    finder_done(&finder);
    struct finder none = finder_of(literals, NULL, 0);
    CHECK(scan(&none, bytes_of("abcdef")));
    CHECK_INT(none.count, 0);
    finder_done(&none);
}

static void folds_letters_and_nothing_else(void)
{
    static const struct literal literals[] = {NOCASE("abc[def"),  NOCASE("[@`{"),
                                              NOCASE("@a"),       NOCASE("x"),
                                              TEXT("Exact text"), NOCASE("exact text")};
    struct finder finder = finder_of(literals, NULL, COUNT(literals));
    CHECK(scan(&finder, bytes_of("ABC{DEF {`@[ `A exact text")));
    CHECK_INT(offset_of(&finder, 0), -1);
    CHECK_INT(offset_of(&finder, 1), -1);
    CHECK_INT(offset_of(&finder, 2), -1);
    CHECK(offset_of(&finder, 3) >= 0);
    CHECK_INT(offset_of(&finder, 4), -1);
    CHECK_INT(offset_of(&finder, 5), 16);
    CHECK(scan(&finder, bytes_of("aBc[dEF [@`{ @A EXACT TEXT")));
    CHECK_INT(offset_of(&finder, 0), 0);
    CHECK_INT(offset_of(&finder, 1), 8);
    CHECK_INT(offset_of(&finder, 2), 13);
    CHECK_INT(offset_of(&finder, 4), -1);
    CHECK(scan(&finder, bytes_of("Exact text")));
    CHECK_INT(finder.count, 3);
    finder_done(&finder);
}

static void reports_every_one_of_the_same_text_once(void)
{
    static const struct literal literals[] = {
        TEXT("same text"), NOCASE("same text"), TEXT("same text"), TEXT("z"),
        TEXT("z"),         TEXT("zz"),          TEXT("zz"),        TEXT("zz")};
    struct finder finder = finder_of(literals, NULL, COUNT(literals));
    CHECK(scan(&finder, bytes_of("same text same text zzzz zz z")));
    CHECK_INT(finder.count, 8);
    for (uint32_t i = 0; i < COUNT(literals); i++)
        CHECK(offset_of(&finder, i) >= 0);
    finder_done(&finder);
}

static void reports_only_what_the_group_wants(void)
{
    static const struct literal literals[] = {TEXT("one more text"), TEXT("one more text"),
                                              TEXT("abcd"), TEXT("ef"), TEXT("g")};
    static const uint8_t groups[] = {1, 2, 2, 2, 2};
    bytes object = bytes_of("one more text, one more text; abcd ef g");
    struct finder finder = finder_of(literals, groups, COUNT(literals));
    CHECK(scan_groups(&finder, object, 2) && finder.count == 4);
    CHECK(offset_of(&finder, 0) == -1);
    CHECK(scan_groups(&finder, object, 1) && finder.count == 1);
    CHECK(offset_of(&finder, 0) >= 0);
    CHECK(scan_groups(&finder, object, 2) && finder.count == 4);
    CHECK(scan_groups(&finder, object, 4) && finder.count == 0);
    CHECK(scan_groups(&finder, object, 0xff) && finder.count == 5);
    finder_done(&finder);
}

static void finds_each_single_byte(void)
{
    struct literal literals[256];
    static uint8_t all[256];
    for (uint32_t i = 0; i < 256; i++) {
        all[i] = (uint8_t)i;
        literals[i] = (struct literal){.text = {&all[i], 1}};
    }
    struct finder finder = finder_of(literals, NULL, 256);
    CHECK(scan(&finder, (bytes){all, 256}));
    CHECK_INT(finder.count, 256);
    CHECK(scan(&finder, (bytes){all + 200, 3}));
    CHECK_INT(finder.count, 3);
    CHECK_INT(offset_of(&finder, 202), 2);
    finder_done(&finder);
}

static void finds_long_ones_and_runs_of_zeros(void)
{
    static uint8_t zeros[301], noise[300], object[40000];
    for (uint32_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)(i * 7 + i / 13);
    struct literal literals[] = {{.text = {zeros, 301}}, {.text = {zeros, 300}},
                                 {.text = {zeros, 16}},  {.text = {zeros, 4}},
                                 {.text = {zeros, 2}},   {.text = {noise, 300}},
                                 {.text = {zeros, 1}}};
    struct finder finder = finder_of(literals, NULL, COUNT(literals));
    memset(object, 'x', sizeof object);
    memset(object + 16384 - 150, 0, 300);
    memcpy(object + sizeof object - 300, noise, 300);
    CHECK(scan(&finder, (bytes){object, sizeof object}));
    CHECK_INT(offset_of(&finder, 0), -1);
    CHECK_INT(offset_of(&finder, 1), 16384 - 150);
    CHECK(offset_of(&finder, 2) > 0 && offset_of(&finder, 3) > 0 && offset_of(&finder, 4) > 0);
    CHECK_INT(offset_of(&finder, 5), (int64_t)sizeof object - 300);
    CHECK(offset_of(&finder, 6) > 0);
    finder_done(&finder);
}

/* Every length at every place around the borders of blocks and steps. */
static void finds_at_every_alignment(void)
{
    static uint8_t object[16384 + 300], text[40];
    for (uint32_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)('A' + i);
    struct literal literals[40];
    for (uint32_t i = 0; i < 40; i++)
        literals[i] = (struct literal){.text = {text, i + 1}};
    struct finder finder = finder_of(literals, NULL, 40);
    uint32_t wrong = 0;
    for (uint32_t len = 1; len <= 40; len += len < 14 ? 1 : 5) {
        for (uint32_t at = 0; at + len <= sizeof object; at += at == 150 ? 16384 - 280 : 1) {
            memcpy(object + at, text, len);
            scan_groups(&finder, (bytes){object, at + len}, 0xff);
            wrong += finder.count != len || offset_of(&finder, len - 1) != at;
            memset(object + at, 0, len);
        }
    }
    CHECK_INT(wrong, 0);
    finder_done(&finder);
}

static void stands_a_hundred_thousand_literals(void)
{
    enum { MANY = 100000 };

    static char text[MANY][24];
    static struct literal literals[MANY];
    for (uint32_t i = 0; i < MANY; i++) {
        /* Lengths 2 to 16, all of them different where they are long enough. */
        snprintf(text[i], sizeof text[i], "%08x%08x", i * 2654435761u, i ^ 0x5a5a5a5au);
        literals[i].text = (bytes){(const uint8_t *)text[i], i < 1000 ? 2 + i % 3 : 8 + i % 9};
    }
    struct finder finder = finder_of(literals, NULL, MANY);
    uint32_t wrong = 0;
    for (uint32_t i = 1000; i < MANY; i += 37) {
        scan(&finder, literals[i].text);
        wrong += offset_of(&finder, i) != 0;
    }
    CHECK_INT(wrong, 0);
    finder_done(&finder);
}

static void says_when_the_budget_is_gone(void)
{
    static const struct literal literals[] = {TEXT("needle in it"), TEXT("in")};
    static uint8_t object[100000];
    struct finder finder = finder_of(literals, NULL, COUNT(literals));
    struct budget budget = {.steps = 50000};
    memcpy(object + 100, "needle in it", 12);
    CHECK(!literals_scan(finder.table, (bytes){object, sizeof object}, 0xff, finder.scratch,
                         &budget, &finder.hits, &finder.count));
    CHECK_INT(budget.hit, LIMIT_STEPS);
    CHECK_INT(finder.count, 2);
    finder_done(&finder);
}

static void can_be_moved(void)
{
    static const struct literal literals[] = {TEXT("needle in it"), TEXT("in"), TEXT("a hay")};
    struct finder finder = finder_of(literals, NULL, COUNT(literals));
    uint8_t *other = aligned_alloc(64, (finder.table.len + 63) / 64 * 64);
    memcpy(other, finder.table.at, finder.table.len);
    bytes moved = {other, finder.table.len};
    finder_done(&finder);
    finder = (struct finder){.table = moved, .scratch = literals_scratch_new(moved)};
    CHECK(literals_valid(moved, 3));
    CHECK(scan(&finder, bytes_of("a hay needle in it")));
    CHECK_INT(finder.count, 3);
    literals_scratch_free(finder.scratch);
    free(other);
}

/* Any one damage is refused, or does no harm (ASan watches). */
static void survives_a_damaged_table(void)
{
    static const struct literal literals[] = {
        TEXT("needle in it"), TEXT("in"),           TEXT("a haystack"), TEXT("hay"),
        NOCASE("it"),         TEXT("needle in it"), TEXT("x"),          TEXT("stack")};
    struct finder finder = finder_of(literals, NULL, COUNT(literals));
    size_t len = finder.table.len;
    uint8_t *copy = aligned_alloc(64, (len + 63) / 64 * 64);
    uint32_t refused = 0, seed = 1;
    memcpy(copy, finder.table.at, len);
    for (size_t i = 0; i < 10000; i++) {
        seed = seed * 1103515245 + 12345;
        size_t at = i < 4000 ? i / 4 % sizeof(struct literals_table) : (seed >> 3) % len;
        copy[at] ^= (uint8_t)(1u << (i % 4 * 2 + (seed >> 30 & 1)));
        if (literals_valid((bytes){copy, len}, COUNT(literals))) {
            struct finder damaged = {.table = {copy, len},
                                     .scratch = literals_scratch_new((bytes){copy, len})};
            scan(&damaged, bytes_of("a haystack, and a needle in it: needle in it IT x"));
            literals_scratch_free(damaged.scratch);
        } else {
            refused++;
        }
        copy[at] = finder.table.at[at];
    }
    CHECK(refused > 1000);
    CHECK(!literals_valid((bytes){finder.table.at, len - 1}, COUNT(literals)));
    CHECK(!literals_valid(finder.table, COUNT(literals) + 1));
    CHECK(!literals_valid((bytes){0}, 0));
    free(copy);
    finder_done(&finder);
}

static uint32_t cost(const char *text)
{
    return literal_cost(bytes_of(text), false);
}

static void prices_what_is_common_higher(void)
{
    static const uint8_t zeros[64];
    CHECK(cost("qzkx") < cost("tion"));
    CHECK(cost("Evil.Implant.7") < cost("http"));
    CHECK(cost("e") > cost("MZ") && cost("MZ") > cost("MZ\x90z"));
    CHECK(cost("in") > cost("int") && cost("int") >= cost("int qw9%"));
    CHECK(literal_cost((bytes){zeros, 64}, false) > 180);
    CHECK(literal_cost((bytes){zeros, 64}, false) > cost("CreateRemoteThread"));
    CHECK(literal_cost(bytes_of("q"), true) >= literal_cost(bytes_of("q"), false));
}

/* The table of single bytes in frequency.c is made of that of pairs. */
static void prices_a_byte_by_its_most_frequent_pair(void)
{
    for (uint32_t first = 0; first < 256; first++) {
        uint8_t byte = (uint8_t)first;
        uint32_t dearest = 0;
        for (uint32_t next = 0; next < 256; next++) {
            uint32_t pair = frequency_pair(byte, (uint8_t)next);
            dearest = pair > dearest ? pair : dearest;
        }
        uint32_t octaves = 255 - dearest, expected = octaves > 12 ? 255 - octaves + 12 : 255;
        CHECK_INT(frequency_short((bytes){&byte, 1}, false), expected);
    }
}

/* Few short literals have a gate; all that they are looked for by says the same, and so does
 * the naive search. */
static void few_short_literals_have_a_gate(void)
{
    static const char *const texts[] = {"q|u%", "Zx#Kj", "v^B~", "\xf1\x82\x9c\xe3",
                                        "k@Wz", "=QaZ"};
    struct literal literals[COUNT(texts)];
    for (uint32_t i = 0; i < COUNT(texts); i++)
        literals[i] = (struct literal){.text = bytes_of(texts[i])};
    literals[4].text = bytes_of("k@wz");
    literals[4].nocase = true;
    struct finder finder = finder_of(literals, NULL, COUNT(texts));
    CHECK_INT(((const struct literals_table *)(const void *)finder.table.at)->dense_gate.count,
              1);
    CHECK(scan(&finder, bytes_of("q|u q|u% Zx#KJ v^B~K@wZ\xf1\x82\x9c\x63\xf1\x82\x9c\xe3")));
    CHECK_INT(finder.count, 4);
    CHECK_INT(offset_of(&finder, 0), 4);
    CHECK_INT(offset_of(&finder, 2), 15);
    CHECK_INT(offset_of(&finder, 3), 27);
    CHECK_INT(offset_of(&finder, 4), 19);
    finder_done(&finder);
}

int main(void)
{
    for (int level = CPU_AVX512; level >= CPU_SCALAR; level--) {
        cpu_force((enum cpu_level)level);
        printf("# level %d\n", (int)cpu_level());
        finds_at_the_start_and_at_the_end();
        finds_overlapping_literals();
        is_content_with_nothing();
        folds_letters_and_nothing_else();
        reports_every_one_of_the_same_text_once();
        reports_only_what_the_group_wants();
        finds_each_single_byte();
        finds_long_ones_and_runs_of_zeros();
        finds_at_every_alignment();
        says_when_the_budget_is_gone();
        few_short_literals_have_a_gate();
        can_be_moved();
        survives_a_damaged_table();
        stands_a_hundred_thousand_literals();
    }
    prices_what_is_common_higher();
    prices_a_byte_by_its_most_frequent_pair();
    return tap_done();
}
