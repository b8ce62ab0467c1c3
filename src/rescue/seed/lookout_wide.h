/* lookout_wide — the ways of lookout.h in vectors: what lookout_avx2.c and lookout_avx512.c
 * have in common. They define WIDE, the number of 32-bit lanes, WIDE_TARGET, and what differs:
 *
 *     wide_even(a, b)    products of the even lanes, 64 bits each
 *     wide_join(a, b)    the odd lanes of a and b: 1 3 of a, 1 3 of b, in each 128 bits
 *     wide_pairs(a)      even lanes as wide_join puts what they were made of: 0 2 0 2
 *     wide_max, wide_min(a, b)            without a sign
 *     wide_odds(a)       the odd lanes as even ones
 *     wide_equal(a, n)   bytes: all ones where a is n
 *     wide_row(r)        four words, in each 128 bits
 *     wide_look(t, i)    lane i of the four of t
 *     wide_lend(a, b, m) bytes of b where those of m have their highest bit, else of a
 *     wide_narrow, wide_bytes_of          saturated to 16, to 8 bits
 *     wide_low_8, wide_high_8, wide_low_16, wide_high_16   interleaved, in each 128 bits
 *
 * A block is four vectors of seeds. Each letter of all of them fits one vector of bytes. */
#pragma once
#include "rescue/seed/lookout.h"

#if defined(WIDE)
#define WIDE_INLINE static inline __attribute__((always_inline)) WIDE_TARGET

enum { SEEDS = 4 * WIDE, KEY_WORDS = LOOKOUT_KEY / 4 };

typedef int8_t wide_signed __attribute__((vector_size(4 * WIDE)));

WIDE_INLINE wide all(uint32_t value)
{
    return (wide){} + value;
}

WIDE_INLINE wide load(const uint32_t *from)
{
    return *(const wide *)(const void *)from;
}

WIDE_INLINE void store(uint32_t *to, wide what)
{
    *(wide *)(void *)to = what;
}

/* a + b modulo p for numbers below p. */
WIDE_INLINE wide plus(wide a, wide b)
{
    wide sum = a + b;
    return wide_min(sum, sum - DOTNET_PRIME);
}

/* Which of the two subtractions overflow, as two bits (dotnet.h: dotnet_overflows). */
WIDE_INLINE wide overflows(const struct lookout *lookout, const struct lookout_table *table,
                           unsigned from)
{
    wide more = load(lookout->lane_seed + from) + (table->seed - 161803398);
    wide first = plus(load(lookout->lane_first + from), all(table->first)) + more;
    wide second = plus(load(lookout->lane_second + from), all(table->second)) + more - 1;
    wide above = (wide)((wide_words)more > 0);
    return above & (first >> 31 | second >> 31 << 1);
}

/* Letter `i` of all seeds, counted from LOOKOUT_FIRST; all ones where it is not wanted. */
WIDE_INLINE wide letter(const struct lookout *lookout, const struct lookout_table *table,
                        unsigned i, const wide index[4], wide far[4])
{
    wide row = wide_row(table->draw[i]), range = all(LOOKOUT_RANGE), whole[4];
    for (unsigned v = 0; v < 4; v++) {
        wide x = load(lookout->lane[i] + v * WIDE) + wide_look(row, index[v]);
        wide even = wide_even(x, range), odd = wide_even(wide_odds(x), range);
        far[v] = wide_max(wide_max(far[v], even), odd);
        whole[v] = wide_join(even, odd);
    }
    wide letters =
        wide_bytes_of(wide_narrow(whole[0], whole[1]), wide_narrow(whole[2], whole[3]));
    return letters | wide_equal(letters, LOOKOUT_NOT_1) | wide_equal(letters, LOOKOUT_NOT_2);
}

/* Letters one after the other through LOOKOUT_SKIPS stages, of which each leaves out the first
 * one that is not wanted: it waits for the next letter, and hands that on from there on. */
struct stages {
    wide held[LOOKOUT_SKIPS], seen[LOOKOUT_SKIPS];
};

WIDE_INLINE wide pass(struct stages *stages, wide letters, unsigned count)
{
    for (unsigned s = 0; s < count; s++) {
        stages->seen[s] |= stages->held[s];
        wide on = wide_lend(stages->held[s], letters, stages->seen[s]);
        stages->held[s] = letters;
        letters = on;
    }
    return letters;
}

WIDE_INLINE void keys(const struct lookout *lookout, const struct lookout_table *table,
                      struct lookout_keys *ret)
{
    wide index[4], far[4] = {{0}}, bad[4] = {{0}};
    struct stages stages = {0};
    for (unsigned v = 0; v < 4; v++)
        index[v] = overflows(lookout, table, v * WIDE);
    for (unsigned i = 0; i < LOOKOUT_SKIPS; i++)
        stages.held[i] = pass(&stages, letter(lookout, table, i, index, far), i);
    for (unsigned w = 0; w < KEY_WORDS; w++) {
        wide four[4];
        for (unsigned b = 0; b < 4; b++)
            four[b] =
                pass(&stages, letter(lookout, table, LOOKOUT_SKIPS + 4 * w + b, index, far),
                     LOOKOUT_SKIPS);
        wide low = wide_low_8(four[0], four[1]), low_2 = wide_low_8(four[2], four[3]);
        wide high = wide_high_8(four[0], four[1]), high_2 = wide_high_8(four[2], four[3]);
        wide words[4] = {wide_low_16(low, low_2), wide_high_16(low, low_2),
                         wide_low_16(high, high_2), wide_high_16(high, high_2)};
        for (unsigned v = 0; v < 4; v++) {
            bad[v] |= words[v];
            store(ret->word[w] + v * WIDE, words[v] + 0x01010101u * LOOKOUT_FIRST);
        }
    }
    /* The products' lower halves, of two seeds together, stand in the even lanes. */
    for (unsigned v = 0; v < 4; v++) {
        wide close = wide_max(far[v], all(-(uint32_t)LOOKOUT_ERROR * LOOKOUT_RANGE));
        close = (wide)(close == far[v]);
        store(ret->slow + v * WIDE, wide_pairs(close) | (bad[v] & 0x80808080));
    }
}

WIDE_INLINE void move_on(struct lookout_table *table)
{
    for (unsigned i = 0; i < DOTNET_DRAWS; i++)
        for (unsigned k = 0; k < 4; k++)
            table->draw[i][k] += table->step[i][k];
    table->first = (table->first + table->step_first) % DOTNET_PRIME;
    table->second = (table->second + table->step_second) % DOTNET_PRIME;
    table->seed += table->lanes;
}

#define ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define QUARTER(a, b, c, d)                                                                    \
    x[b] ^= ROTATE(x[a] + x[d], 7);                                                            \
    x[c] ^= ROTATE(x[b] + x[a], 9);                                                            \
    x[d] ^= ROTATE(x[c] + x[b], 13);                                                           \
    x[a] ^= ROTATE(x[d] + x[c], 18);
#define COLUMNS                                                                                \
    QUARTER(0, 4, 8, 12)                                                                       \
    QUARTER(5, 9, 13, 1)                                                                       \
    QUARTER(10, 14, 2, 6)                                                                      \
    QUARTER(15, 3, 7, 11)

/* What the keys of WIDE seeds make of the file's first 8 bytes: Salsa20, of which the last rows
 * but the first are not needed. */
WIDE_INLINE void decrypt(const struct lookout *lookout, const struct lookout_keys *keys,
                         unsigned from, wide ret[2])
{
    wide x[16];
    for (unsigned i = 0; i < 4; i++) {
        x[1 + i] = load(keys->word[i] + from);
        x[11 + i] = load(keys->word[4 + i] + from);
    }
    x[0] = all(0x61707865);
    x[5] = all(0x3320646e);
    x[10] = all(0x79622d32);
    x[15] = all(0x6b206574);
    x[6] = all(0x04030201);
    x[7] = all(0x08070605);
    x[8] = x[9] = all(0);
    for (unsigned round = 0; round < 9; round++) {
        COLUMNS
        QUARTER(0, 1, 2, 3)
        QUARTER(5, 6, 7, 4)
        QUARTER(10, 11, 8, 9)
        QUARTER(15, 12, 13, 14)
    }
    COLUMNS
    QUARTER(0, 1, 2, 3)
    ret[0] = (x[0] + 0x61707865) ^ lookout->cipher[0];
    ret[1] = (x[1] + load(keys->word[0] + from)) ^ lookout->cipher[1];
}

/* Lanes in which the first four bytes may begin a text: no control characters, and bytes above
 * 127 follow on each other as in UTF-8. All ones, or 0. */
WIDE_INLINE wide may_be_text(wide word)
{
    wide_signed part = (wide_signed)word;
    wide follows = (wide)(part < -64), above = (wide)(part < 0);
    wide begins = above & ~follows;
    wide control = (wide)(part < 32) & ~above;
    wide space = (wide)(part > 8) & (wide)(part < 14);
    wide bad = (begins << 8 & ~follows) | (follows & ~(above << 8)) | (control & ~space);
    return (wide)(bad == 0);
}

/* The seeds of WIDE that are worth a look, as bits. */
WIDE_INLINE uint64_t worth(const struct lookout *lookout, const struct lookout_keys *keys,
                           unsigned from)
{
    wide plain[2];
    decrypt(lookout, keys, from, plain);
    wide some = may_be_text(plain[0]) | (wide)(plain[1] == 0x70797466 /* ftyp */) |
                (wide)(load(keys->slow + from) != 0);
    uint32_t first[WIDE] __attribute__((aligned(64)));
    uint32_t look[WIDE] __attribute__((aligned(64)));
    store(first, plain[0]);
    store(look, some);
    uint64_t ret = 0;
    for (unsigned i = 0; i < WIDE; i++) {
        uint32_t pair = first[i] & 0xffff;
        ret |= ((look[i] | lookout->mark[pair / 64] >> pair % 64) & 1) << i;
    }
    if (!ret)
        return 0;
    uint32_t second[WIDE] __attribute__((aligned(64)));
    store(second, plain[1]);
    for (uint64_t left = ret; left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        if (!keys->slow[from + i] && !known_quick_pass(&lookout->quick, first[i], second[i]))
            ret &= ~(UINT64_C(1) << i);
    }
    return ret;
}

WIDE_INLINE void hunt(const struct lookout *lookout, uint64_t from, uint64_t to,
                      struct hunt_best *best)
{
    struct lookout_table table;
    struct lookout_keys made;
    unsigned left = 0;
    for (uint64_t at = from; at < to; at += SEEDS) {
        if (!left--) {
            lookout_table_make(lookout, (uint32_t)at, SEEDS, &table);
            left = LOOKOUT_BLOCKS - 1;
        }
        keys(lookout, &table, &made);
        move_on(&table);
        for (unsigned v = 0; v < 4; v++)
            for (uint64_t some = worth(lookout, &made, v * WIDE); some; some &= some - 1) {
                uint64_t seed = at + v * WIDE + (unsigned)__builtin_ctzll(some);
                if (seed < to && seed < HUNT_DOTNET)
                    hunt_keep(best, lookout_weigh(lookout, (uint32_t)seed), seed, 0);
            }
    }
}
#endif
