#include "crypt/generator.h"

enum { DOTNET_SEED = 161803398, DOTNET_MAX = 0x7fffffff };

/* C# subtracts without a look at overflow. */
static int32_t minus(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a - (uint32_t)b);
}

static int32_t positive(int32_t n)
{
    return n < 0 ? (int32_t)((uint32_t)n + DOTNET_MAX) : n;
}

void generator_dotnet_seed(struct generator_dotnet *generator, int32_t seed)
{
    int32_t *state = generator->state;
    int32_t before = DOTNET_SEED - (seed == INT32_MIN ? DOTNET_MAX : seed < 0 ? -seed : seed);
    int32_t now = 1;
    state[0] = 0;
    state[55] = before;
    for (unsigned i = 1, at = 21; i < 55; i++, at = at < 34 ? at + 21 : at - 34) {
        state[at] = now;
        now = positive(minus(before, now));
        before = state[at];
    }
    for (unsigned round = 0; round < 4; round++)
        for (unsigned i = 1; i < 56; i++)
            state[i] = positive(minus(state[i], state[i < 25 ? i + 31 : i - 24]));
    generator->at = 0;
    generator->behind = 21;
}

int32_t generator_dotnet_sample(struct generator_dotnet *generator)
{
    generator->at = generator->at == 55 ? 1 : generator->at + 1;
    generator->behind = generator->behind == 55 ? 1 : generator->behind + 1;
    int32_t n = minus(generator->state[generator->at], generator->state[generator->behind]);
    if (n == DOTNET_MAX)
        n--;
    n = positive(n);
    generator->state[generator->at] = n;
    return n;
}

int32_t generator_dotnet_next(struct generator_dotnet *generator, int32_t low, int32_t high)
{
    double sample = generator_dotnet_sample(generator) * (1.0 / DOTNET_MAX);
    return low + (int32_t)(sample * (double)((int64_t)high - low));
}

void generator_dotnet_fill(struct generator_dotnet *generator, uint8_t *ret, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ret[i] = (uint8_t)generator_dotnet_sample(generator);
}

void generator_glibc_seed(struct generator_glibc *generator, uint32_t seed)
{
    int32_t word = seed ? (int32_t)seed : 1;
    for (unsigned i = 0; i < 31; i++) {
        generator->state[i] = (uint32_t)word;
        /* 16807 * word mod 2^31 - 1, by Schrage; a seed may be negative. */
        word = (int32_t)((int64_t)16807 * (word % 127773) - (int64_t)2836 * (word / 127773));
        if (word < 0)
            word += 0x7fffffff;
    }
    generator->at = 3; /* the oldest word is the fourth */
    for (unsigned i = 0; i < 310; i++)
        generator_glibc_next(generator);
}

uint32_t generator_glibc_next(struct generator_glibc *generator)
{
    /* state[at] is x[i - 31]; x[i - 3] lies 28 places on. */
    unsigned at = generator->at;
    uint32_t n = generator->state[at] + generator->state[(at + 28) % 31];
    generator->state[at] = n;
    generator->at = at == 30 ? 0 : at + 1;
    return n >> 1;
}

int32_t generator_java_below(uint64_t *state, int32_t bound)
{
    int32_t bits = generator_java_next(state, 31);
    if ((bound & -bound) == bound)
        return (int32_t)((int64_t)bound * bits >> 31);
    /* What would make small numbers more frequent is drawn again. */
    while ((int64_t)bits - bits % bound + (bound - 1) > INT32_MAX)
        bits = generator_java_next(state, 31);
    return bits % bound;
}

void generator_java_fill(uint64_t *state, uint8_t *ret, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t word = (uint32_t)generator_java_next(state, 32);
        for (size_t n = 0; n < 4 && i < len; n++, word >>= 8)
            ret[i++] = (uint8_t)word;
    }
}
