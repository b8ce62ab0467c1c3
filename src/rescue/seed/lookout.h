/* lookout — Prometheus' keys for many seeds at once, and what a key makes of a file's first 8
 * bytes: the inner loop of a search through 2^31 seeds.
 *
 * A number n of .NET's Random is a linear form of the seed modulo p = 2^31 - 1 (dotnet.h), and
 * its letter is the whole part of 94 n / p. Both are had from x = n * 2^32 / p, a fraction of
 * 32 bits: sums modulo p are sums of fractions that wrap by themselves, and the letter is the
 * upper half of 94 x. A fraction is
 *
 *     one for the seed's place in its block (`lane`)
 *   + one for the block, and for which of the two subtractions overflow (lookout_table.draw)
 *
 * each rounded down, so that x is too small by less than LOOKOUT_ERROR. A seed with an x that
 * close below the next letter is told (`slow`) and goes the slow way: one in some ten thousand.
 * So does one with more unwanted letters than LOOKOUT_SKIPS, one in a thousand. */
#pragma once
#include "rescue/known.h"
#include "rescue/seed/dotnet.h"
#include "rescue/seed/hunt.h"

enum {
    LOOKOUT_KEY = 32,                           /* letters of a key */
    LOOKOUT_SKIPS = DOTNET_DRAWS - LOOKOUT_KEY, /* that are drawn again */
    LOOKOUT_LANES = 64,                         /* most seeds of a block */
    LOOKOUT_BLOCKS = 64,                        /* for which a table is moved on */
    LOOKOUT_ERROR = LOOKOUT_BLOCKS + 3,         /* of a fraction */
    LOOKOUT_RANGE = 94,                         /* letters to choose from, from 33 */
    LOOKOUT_FIRST = 33,
    LOOKOUT_NOT_1 = 34 - LOOKOUT_FIRST,
    LOOKOUT_NOT_2 = 92 - LOOKOUT_FIRST,
};

struct lookout {
    struct known_quick quick;
    uint64_t mark[65536 / 64]; /* of the first two bytes: KNOWN_MARK */
    struct dotnet_forms forms;
    uint32_t cipher[2]; /* the file's first 8 bytes */
    uint8_t head[KNOWN_HEAD];
    size_t len;
    uint64_t size;
    /* Of the seeds of a block, in the order 0 2 1 3, 4 6 5 7, ...: fractions, and the words
     * that decide on overflows, modulo p. */
    uint32_t lane[DOTNET_DRAWS][LOOKOUT_LANES] __attribute__((aligned(64)));
    uint32_t lane_first[LOOKOUT_LANES] __attribute__((aligned(64)));
    uint32_t lane_second[LOOKOUT_LANES] __attribute__((aligned(64)));
    uint32_t lane_seed[LOOKOUT_LANES] __attribute__((aligned(64)));
};

/* Of the block that begins with `seed`. */
struct lookout_table {
    uint32_t draw[DOTNET_DRAWS][4]; /* by overflows: none, first, second, both */
    uint32_t step[DOTNET_DRAWS][4]; /* to the next block, by no more than is right */
    uint32_t first, second, step_first, step_second;
    uint32_t seed, lanes;
} __attribute__((aligned(64)));

/* The keys of a block: letter 4 w + b of the key of seed i is byte b of word[w][i]. */
struct lookout_keys {
    uint32_t word[LOOKOUT_KEY / 4][LOOKOUT_LANES];
    uint32_t slow[LOOKOUT_LANES]; /* not 0: the key is not told */
} __attribute__((aligned(64)));

/* All but what is of the file: cipher, head, len, size. */
void lookout_make(struct lookout *ret);
/* For blocks of `lanes` seeds, LOOKOUT_LANES at most. */
void lookout_table_make(const struct lookout *lookout, uint32_t seed, uint32_t lanes,
                        struct lookout_table *ret);
/* One seed, slowly and as sure as can be: bits of what comes out of the file (rescue/known.h).
 */
unsigned lookout_weigh(const struct lookout *lookout, uint32_t seed);
/* Tries the seeds [from, to): as hunt.try. For the level of the CPU in their names; the first
 * of them on any. */
void lookout_plain(const void *lookout, uint64_t from, uint64_t to, struct hunt_best *best);
void lookout_avx2(const void *lookout, uint64_t from, uint64_t to, struct hunt_best *best);
void lookout_avx512(const void *lookout, uint64_t from, uint64_t to, struct hunt_best *best);
/* The keys of the table's block, of 32 seeds and of 64; the table moves on to the next. */
void lookout_avx2_keys(const struct lookout *lookout, struct lookout_table *table,
                       struct lookout_keys *ret);
void lookout_avx512_keys(const struct lookout *lookout, struct lookout_table *table,
                         struct lookout_keys *ret);
