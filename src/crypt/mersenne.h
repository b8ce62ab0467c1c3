/* mersenne — MT19937 by Matsumoto and Nishimura (mt19937ar.c, 2002), as in C++ (std::mt19937),
 * Python, PHP and Ruby. */
#pragma once
#include "base/base.h"

struct mersenne {
    uint32_t state[624];
    unsigned at;
};

/* init_genrand: C++'s std::mt19937(seed), PHP's mt_srand. */
void mersenne_seed(struct mersenne *mersenne, uint32_t seed);
/* init_by_array; `count` > 0. Python's random.seed(n) of an integer: n's 32-bit words from the
 * lowest on, one at least. */
void mersenne_seed_words(struct mersenne *mersenne, const uint32_t *words, size_t count);
/* genrand_int32; Python's getrandbits(32). */
uint32_t mersenne_next(struct mersenne *mersenne);

/* Python's getrandbits(bits), 1 to 32. */
static inline uint32_t mersenne_bits(struct mersenne *mersenne, unsigned bits)
{
    return mersenne_next(mersenne) >> (32 - bits);
}

/* Python 3's randrange(bound), choice and the like: 0 to bound - 1; bound > 0. */
uint32_t mersenne_below(struct mersenne *mersenne, uint32_t bound);
