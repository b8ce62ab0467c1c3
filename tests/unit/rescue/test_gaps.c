/* What salvage works out instead of keeping: the ranges of a pattern, byte by byte against the
 * pattern told; and how much a gap in a deflate stream held, against the stream as it was. */
#include "rescue/salvage/packed/packed.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { SIZE = 3000, ROUNDS = 3000, TEXT = 400000, GAP = 64 };

static uint64_t state = 88172645463325252;

static uint64_t number(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 20) % below;
}

/* Whether questions about a map say the same as a byte for each byte. */
static bool answers_fit(const struct map *map, const uint8_t *lost)
{
    for (int i = 0; i < 40; i++) {
        uint64_t from = number(SIZE), to = from + number(SIZE - from) + 1;
        uint64_t end = from, next = from, plain = 0;
        while (end < to && !lost[end])
            end++;
        while (next < to && lost[next])
            next++;
        for (uint64_t k = from; k < to; k++)
            plain += !lost[k];
        if (map_plain_end(map, from, to) != end || map_plain_next(map, from, to) != next ||
            map_plain_size(map, from, to) != plain ||
            map_is_plain(map, from, to) != (end == to))
            return false;
    }
    return true;
}

static void ranges_are_worked_out(void)
{
    static uint8_t lost[SIZE], file[SIZE];
    unsigned wrong = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct pattern p = {.head = number(3) ? 0 : number(SIZE),
                            .start = number(2) ? number(SIZE) : 0,
                            .run = number(2) ? number(200) : number(20),
                            .stride = number(9) ? number(300) + 1 : 0,
                            .count = number(2) ? number(12) : 0,
                            .tail = number(3) ? 0 : number(400),
                            .trailer = number(3) ? 0 : number(500)};
        struct pattern_walk walk = pattern_walk(&p, SIZE);
        uint64_t from, to;
        memset(lost, 0, sizeof lost);
        while (pattern_next(&walk, &from, &to))
            memset(lost + from, 1, (size_t)(to - from));
        memset(lost + SIZE - p.trailer, 1, (size_t)p.trailer);
        struct map map = {.file = {file, SIZE}, .regular = true, .pattern = p};
        wrong += !answers_fit(&map, lost);
    }
    CHECK_INT(wrong, 0);
}

struct gathered {
    uint16_t *at;
    size_t n;
    unsigned gaps, unknown;
};

static bool put(void *to, const uint16_t *symbols, size_t n)
{
    struct gathered *gathered = to;
    if (n > TEXT - gathered->n)
        return false;
    memcpy(gathered->at + gathered->n, symbols, n * sizeof *symbols);
    gathered->n += n;
    return true;
}

static bool gap(void *to, uint64_t packed, uint64_t size)
{
    struct gathered *gathered = to;
    (void)packed;
    gathered->gaps++;
    gathered->unknown += size == JOINT_UNKNOWN;
    if (size > TEXT - gathered->n)
        return false;
    for (; size; size--)
        gathered->at[gathered->n++] = INFLATE_UNKNOWN;
    return true;
}

static void came(void *to, uint64_t from, uint64_t until)
{
    (void)to, (void)from, (void)until;
}

/* A stream with gaps of GAP bytes at each `stride`; what comes back lies where it was. */
static void gaps_are_measured(int level, uint64_t stride, unsigned unknown_most)
{
    static const char *const words[] = {"report ",  "invoice ",  "of the ", "and a ",
                                        "patient ", "backup,\n", "ledger ", "which ",
                                        "some ",    "meeting. "};
    uint8_t *text = malloc(TEXT), *packed = malloc(TEXT * 2);
    size_t used = 0;
    while (used < TEXT) {
        char line[32];
        int n = number(5) ? snprintf(line, sizeof line, "%s", words[number(COUNT(words))])
                          : snprintf(line, sizeof line, "%u ", (unsigned)number(1000000));
        size_t fits = (size_t)n < TEXT - used ? (size_t)n : TEXT - used;
        memcpy(text + used, line, fits);
        used += fits;
    }
    z_stream stream = {
        .next_in = text, .avail_in = TEXT, .next_out = packed, .avail_out = TEXT * 2};
    CHECK(deflateInit2(&stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK &&
          deflate(&stream, Z_FINISH) == Z_STREAM_END);
    size_t size = stream.total_out;
    deflateEnd(&stream);
    struct arena *arena = arena_new((size_t)64 << 20);
    struct budget budget = {.steps = UINT64_MAX / 2};
    struct salvage salvage = {.file = {packed, size}, .arena = arena, .budget = &budget};
    VEC(struct map_range) holes = {0};
    for (uint64_t at = stride; at + GAP < size; at += stride) {
        struct map_range *hole = vec_push(arena, &holes);
        *hole = (struct map_range){at, at + GAP};
        for (int i = 0; i < GAP; i++)
            packed[at + (uint64_t)i] = (uint8_t)number(256);
    }
    CHECK(!map_given(&salvage.map, salvage.file, holes.at, holes.n, arena, &budget));
    struct gathered gathered = {.at = calloc(TEXT, sizeof *gathered.at)};
    struct packed_taker taker = {put, gap, came, &gathered};
    struct packed_result result;
    CHECK(!packed_read(&salvage, 0, size, true, TEXT, 1, &taker, &result));
    size_t wrong = 0, known = 0;
    for (size_t i = 0; i < gathered.n; i++) {
        known += gathered.at[i] < INFLATE_UNKNOWN;
        wrong += gathered.at[i] < INFLATE_UNKNOWN && gathered.at[i] != text[i];
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(gathered.n, TEXT);
    CHECK(result.ended && gathered.gaps >= holes.n && gathered.unknown <= unknown_most);
    CHECK(known > TEXT / 2);
    arena_free(arena);
    free(gathered.at);
    free(text);
    free(packed);
}

int main(void)
{
    ranges_are_worked_out();
    gaps_are_measured(6, 20000, 0);
    gaps_are_measured(9, 30000, 0);
    gaps_are_measured(0, 6400, 0);
    return tap_done();
}
