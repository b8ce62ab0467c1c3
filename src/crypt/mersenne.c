#include "crypt/mersenne.h"

enum { N = 624, M = 397 };

void mersenne_seed(struct mersenne *mersenne, uint32_t seed)
{
    uint32_t *state = mersenne->state;
    state[0] = seed;
    for (uint32_t i = 1; i < N; i++)
        state[i] = 1812433253u * (state[i - 1] ^ state[i - 1] >> 30) + i;
    mersenne->at = N;
}

static uint32_t stir(uint32_t *state, uint32_t at, uint32_t factor)
{
    return state[at] ^ (state[at - 1] ^ state[at - 1] >> 30) * factor;
}

void mersenne_seed_words(struct mersenne *mersenne, const uint32_t *words, size_t count)
{
    uint32_t *state = mersenne->state, at = 1;
    mersenne_seed(mersenne, 19650218);
    for (size_t round = count > N ? count : N, word = 0; round; round--) {
        state[at] = stir(state, at, 1664525) + words[word] + (uint32_t)word;
        word = word + 1 == count ? 0 : word + 1;
        if (++at == N) {
            state[0] = state[N - 1];
            at = 1;
        }
    }
    for (size_t round = N - 1; round; round--) {
        state[at] = stir(state, at, 1566083941) - at;
        if (++at == N) {
            state[0] = state[N - 1];
            at = 1;
        }
    }
    state[0] = 0x80000000;
}

static void turn(uint32_t *state)
{
    for (unsigned i = 0; i < N; i++) {
        uint32_t y = (state[i] & 0x80000000) | (state[(i + 1) % N] & 0x7fffffff);
        state[i] = state[(i + M) % N] ^ y >> 1 ^ (y & 1 ? 0x9908b0df : 0);
    }
}

uint32_t mersenne_next(struct mersenne *mersenne)
{
    if (mersenne->at >= N) {
        turn(mersenne->state);
        mersenne->at = 0;
    }
    uint32_t y = mersenne->state[mersenne->at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680;
    y ^= y << 15 & 0xefc60000;
    return y ^ y >> 18;
}

uint32_t mersenne_below(struct mersenne *mersenne, uint32_t bound)
{
    unsigned bits = 0;
    while (bits < 32 && bound >> bits)
        bits++;
    uint32_t n;
    do
        n = mersenne_bits(mersenne, bits);
    while (n >= bound);
    return n;
}
