/* generator — the small random number generators of runtimes, number by number as those
 * produce them: what weak ransomware draws its keys from, for searches that go through seeds.
 */
#pragma once
#include "base/base.h"

/* .NET Framework's System.Random (and .NET's for a given seed): Knuth's subtractive generator
 * as in reference source, mscorlib, system/random.cs, with its own mistake of 21 for 31. */
struct generator_dotnet {
    int32_t state[56]; /* [0] is not used */
    unsigned at, behind;
};

void generator_dotnet_seed(struct generator_dotnet *generator, int32_t seed);
/* InternalSample: 0 to 0x7ffffffe. */
int32_t generator_dotnet_sample(struct generator_dotnet *generator);
/* Next(low, high) for high - low <= 0x7fffffff: low <= number < high; low when they are equal.
 */
int32_t generator_dotnet_next(struct generator_dotnet *generator, int32_t low, int32_t high);
/* NextBytes. */
void generator_dotnet_fill(struct generator_dotnet *generator, uint8_t *ret, size_t len);

/* glibc's random() and rand(), TYPE_3 (stdlib/random_r.c): x[i] = x[i - 3] + x[i - 31]. */
struct generator_glibc {
    uint32_t state[31];
    unsigned at;
};

void generator_glibc_seed(struct generator_glibc *generator, uint32_t seed);
/* 0 to 0x7fffffff. */
uint32_t generator_glibc_next(struct generator_glibc *generator);

/* Linear generators: the state is the number that they are seeded to. */

/* Microsoft C's rand(), after srand(seed): *state = seed. 0 to 0x7fff. */
static inline uint32_t generator_msvc_next(uint32_t *state)
{
    *state = *state * 214013 + 2531011;
    return *state >> 16 & 0x7fff;
}

/* musl's rand() (src/prng/rand.c), after srand(seed): *state = generator_musl_seed(seed). 0 to
 * 0x7fffffff. */
static inline uint64_t generator_musl_seed(uint32_t seed)
{
    return seed - 1;
}

static inline uint32_t generator_musl_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1;
    return (uint32_t)(*state >> 33);
}

/* Delphi's and Borland's Random(range), RandSeed = *state: 0 to range - 1. */
static inline uint32_t generator_delphi_next(uint32_t *state, uint32_t range)
{
    *state = *state * 0x08088405u + 1;
    return (uint32_t)((uint64_t)*state * range >> 32);
}

/* java.util.Random (its specification gives the numbers): *state = generator_java_seed(seed).
 */
static inline uint64_t generator_java_seed(int64_t seed)
{
    return ((uint64_t)seed ^ 0x5deece66du) & ((1ull << 48) - 1);
}

/* next(bits), 1 to 32: negative only with 32. */
static inline int32_t generator_java_next(uint64_t *state, unsigned bits)
{
    *state = (*state * 0x5deece66du + 0xb) & ((1ull << 48) - 1);
    return (int32_t)(uint32_t)(*state >> (48 - bits));
}

/* nextInt(bound), bound > 0. */
int32_t generator_java_below(uint64_t *state, int32_t bound);
/* nextBytes. */
void generator_java_fill(uint64_t *state, uint8_t *ret, size_t len);
