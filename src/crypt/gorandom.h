/* gorandom — Go's math/rand for a given seed (rand.New(rand.NewSource(seed)), rand.Seed): the
 * additive lagged Fibonacci generator of Mitchell and Reeds, x[i] = x[i - 607] + x[i - 273].
 *
 * Go's source holds a table of 607 numbers, "the state after 780e10 iterations" of the same
 * generator (math/rand/gen_cooked.go). Here they are worked out: the recurrence is linear, so
 * the far state is reached by squaring polynomials modulo x^607 - x^334 - 1, in milliseconds.
 */
#pragma once
#include "base/base.h"

enum { GORANDOM_SIZE = 607 };

struct gorandom {
    uint64_t state[GORANDOM_SIZE];
    unsigned tap, feed;
};

/* The numbers that a seed's own are mixed with: once for all seeds. */
void gorandom_table(uint64_t ret[GORANDOM_SIZE]);
void gorandom_seed(struct gorandom *random, const uint64_t table[GORANDOM_SIZE], int64_t seed);
/* Uint64(). */
uint64_t gorandom_next(struct gorandom *random);

/* Int63(). */
static inline int64_t gorandom_int63(struct gorandom *random)
{
    return (int64_t)(gorandom_next(random) & INT64_MAX);
}

/* Int31n(bound), bound > 0; Intn(bound) for bounds up to 0x7fffffff. */
int32_t gorandom_int31n(struct gorandom *random, int32_t bound);
/* rand.Read into a buffer at once. */
void gorandom_fill(struct gorandom *random, uint8_t *ret, size_t len);
