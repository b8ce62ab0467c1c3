/* The finders of the programs are folded into one, with a bucket for each program. What it
 * reports is shown to the program's own finder, and candidates of that to its search. */
#include "match/together.h"

#include "match/plain.h"
#include "match/search.h"

#include <string.h>

enum {
    SCAN_SHARE = 16, /* as in search.c */
    /* Bits by which sequences are told from what else there is: with fewer, candidates would
     * come too often. */
    BITS_LEAST = 12,
};

struct one {
    struct finder finder;
    bytes plain;           /* a plain program; .at NULL for others */
    size_t behind;         /* of it: from its beginning to the sequence's last byte */
    struct search *search; /* of another one */
};

struct look {
    struct one all[TOGETHER_MOST];
    struct finder finder; /* bucket i: of all[i] */
    bytes object;
    struct arena *arena;
    struct budget *budget;
    enum together *ret;
};

/* Whether the finder tells its sequences from others by BITS_LEAST bits or more. */
static bool is_rare(const struct finder *finder)
{
    uint64_t fitting = 1;
    for (uint32_t i = 0; i < finder->depth; i++) {
        uint32_t low = 0, high = 0;
        for (uint32_t half = 0; half < 16; half++) {
            low += finder->low[i][half] != 0;
            high += finder->high[i][half] != 0;
        }
        fitting *= low * high;
    }
    return fitting << BITS_LEAST <= 1ull << 8 * finder->depth;
}

static bool one_open(const struct look *look, struct one *one, bytes program)
{
    const struct program *p = (const void *)program.at;
    if (plain_is(program)) {
        one->plain = program;
        one->behind = plain_finder(program, &one->finder);
    } else if (p->kind == PROGRAM_TEXT || p->kind == PROGRAM_ATOMS) {
        one->finder = p->finder;
    }
    if (!one->finder.depth || one->finder.delta || !is_rare(&one->finder))
        return false;
    if (!one->plain.at)
        one->search = search_open(p, look->object, look->arena, look->budget);
    return one->plain.at || one->search;
}

static void look_add(struct look *look, uint32_t number)
{
    const struct finder *from = &look->all[number].finder;
    uint8_t bit = (uint8_t)(1u << number);
    for (uint32_t i = 0; i < FIND_BYTES; i++)
        for (uint32_t half = 0; half < 16; half++) {
            look->finder.low[i][half] |= from->low[i][half] ? bit : 0;
            look->finder.high[i][half] |= from->high[i][half] ? bit : 0;
        }
    if (from->depth > look->finder.depth)
        look->finder.depth = from->depth;
    look->ret[number] = TOGETHER_ABSENT;
}

static void look_drop(struct look *look, uint32_t number, enum together answer)
{
    for (uint32_t half = 0; half < 16; half++)
        look->finder.low[0][half] &= (uint8_t) ~(1u << number);
    look->ret[number] = answer;
}

/* A candidate for a program of which no match was seen yet. */
static void look_at(struct look *look, uint32_t number, size_t end)
{
    const struct one *one = &look->all[number];
    uint8_t buckets = finder_buckets(&one->finder, look->object, end);
    enum search_state state = SEARCH_GOES_ON;
    struct match match;
    if (!buckets)
        return;
    if (one->search)
        state = search_feed(one->search, end, buckets);
    else if (end >= one->behind &&
             plain_at(one->plain, look->object, end - one->behind, &match))
        state = SEARCH_FOUND;
    if (state != SEARCH_GOES_ON)
        look_drop(look, number, state == SEARCH_FOUND ? TOGETHER_PRESENT : TOGETHER_OPEN);
}

static bool look_through(struct look *look, uint32_t count)
{
    struct find_hit hits[FIND_BATCH];
    size_t at = 0;
    while (at < look->object.len) {
        size_t before = at;
        uint32_t n = finder_scan(&look->finder, look->object, &at, look->object.len, hits);
        uint32_t left = 0;
        if (!budget_charge(look->budget, count * ((at - before) / SCAN_SHARE) + n + 1))
            return false;
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t buckets = hits[i].buckets; buckets; buckets &= buckets - 1) {
                uint32_t number = (uint32_t)__builtin_ctz(buckets);
                if (look->ret[number] == TOGETHER_ABSENT)
                    look_at(look, number, hits[i].end);
            }
        for (uint32_t i = 0; i < count; i++)
            left += look->ret[i] == TOGETHER_ABSENT;
        if (!left)
            return true;
    }
    return true;
}

void together_look(const bytes *programs, uint32_t count, bytes object, struct arena *arena,
                   struct budget *budget, enum together ret[static TOGETHER_MOST])
{
    struct arena_mark mark = arena_mark(arena);
    enum limit hit = budget->hit;
    struct look look = {.object = object, .arena = arena, .budget = budget, .ret = ret};
    uint32_t opened = 0;
    for (uint32_t i = 0; i < TOGETHER_MOST; i++)
        ret[i] = TOGETHER_OPEN;
    finder_init(&look.finder, false);
    for (uint32_t i = 0; i < count; i++)
        if (one_open(&look, &look.all[i], programs[i])) {
            look_add(&look, i);
            opened++;
        }
    if (opened < 2 || !look_through(&look, count))
        for (uint32_t i = 0; i < TOGETHER_MOST; i++)
            ret[i] = TOGETHER_OPEN;
    arena_pop(arena, mark);
    /* A limit of one search says nothing of the object: who wants to know searches again. */
    if (budget->steps)
        budget->hit = hit;
}
