#include "crypt/gorandom.h"

#include <string.h>

enum { SIZE = GORANDOM_SIZE, TAP = 273 };

static const uint64_t FAR = 7800000000000; /* steps to the table */

/* The minimal standard generator: x * 48271 mod 2^31 - 1. */
static uint32_t minimal(uint32_t x)
{
    return (uint32_t)((uint64_t)x * 48271 % 0x7fffffff);
}

/* 607 numbers of 3 draws each, after 20 draws that are lost. */
static void start(uint64_t *state, uint32_t x, unsigned shift)
{
    for (unsigned i = 0; i < 20; i++)
        x = minimal(x);
    for (unsigned i = 0; i < SIZE; i++) {
        state[i] = (uint64_t)(x = minimal(x)) << 2 * shift;
        state[i] ^= (uint64_t)(x = minimal(x)) << shift;
        state[i] ^= x = minimal(x);
    }
}

/* a * b modulo x^607 - x^334 - 1: x[i] = x[i - 273] + x[i - 607]. */
static void multiply(uint64_t *a, const uint64_t *b)
{
    uint64_t product[2 * SIZE - 1] = {0};
    for (unsigned i = 0; i < SIZE; i++)
        for (unsigned j = 0; j < SIZE; j++)
            product[i + j] += a[i] * b[j];
    for (unsigned i = 2 * SIZE - 2; i >= SIZE; i--) {
        product[i - TAP] += product[i];
        product[i - SIZE] += product[i];
    }
    memcpy(a, product, SIZE * sizeof *a);
}

/* x^n for the same modulus. */
static void power(uint64_t n, uint64_t *ret)
{
    memset(ret, 0, SIZE * sizeof *ret);
    ret[0] = 1;
    for (uint64_t bit = 1ull << 63; bit; bit >>= 1) {
        uint64_t same[SIZE];
        memcpy(same, ret, sizeof same);
        multiply(ret, same);
        if (n & bit) {
            memset(same, 0, sizeof same);
            same[1] = 1;
            multiply(ret, same);
        }
    }
}

/* Go keeps x[i] at (333 - i) mod 607: feed goes down from 334. */
static unsigned place(uint64_t i)
{
    return (unsigned)((SIZE - TAP - 1 + SIZE - i % SIZE) % SIZE);
}

void gorandom_table(uint64_t ret[GORANDOM_SIZE])
{
    uint64_t first[SIZE], sequence[2 * SIZE], state[SIZE];
    /* The program that made the table shifts by 20 and 10, what uses it by 40 and 20. */
    start(state, 1, 10);
    for (unsigned i = 0; i < SIZE; i++)
        sequence[i] = state[place(i)];
    for (unsigned i = SIZE; i < 2 * SIZE; i++)
        sequence[i] = sequence[i - SIZE] + sequence[i - TAP];

    power(FAR, first);
    for (unsigned i = 0; i < SIZE; i++) {
        uint64_t sum = 0;
        for (unsigned j = 0; j < SIZE; j++)
            sum += first[j] * sequence[i + j];
        ret[place(FAR + i)] = sum;
    }
}

void gorandom_seed(struct gorandom *random, const uint64_t table[GORANDOM_SIZE], int64_t seed)
{
    seed %= 0x7fffffff;
    if (seed < 0)
        seed += 0x7fffffff;
    start(random->state, seed ? (uint32_t)seed : 89482311, 20);
    for (unsigned i = 0; i < SIZE; i++)
        random->state[i] ^= table[i];
    random->tap = 0;
    random->feed = SIZE - TAP;
}

uint64_t gorandom_next(struct gorandom *random)
{
    random->tap = random->tap ? random->tap - 1 : SIZE - 1;
    random->feed = random->feed ? random->feed - 1 : SIZE - 1;
    return random->state[random->feed] += random->state[random->tap];
}

int32_t gorandom_int31n(struct gorandom *random, int32_t bound)
{
    int32_t n = (int32_t)(gorandom_int63(random) >> 32);
    if ((bound & (bound - 1)) == 0)
        return n & (bound - 1);
    int32_t most = (int32_t)(0x7fffffff - (0x80000000u % (uint32_t)bound));
    while (n > most)
        n = (int32_t)(gorandom_int63(random) >> 32);
    return n % bound;
}

void gorandom_fill(struct gorandom *random, uint8_t *ret, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++, word >>= 8) {
        if (i % 7 == 0)
            word = (uint64_t)gorandom_int63(random);
        ret[i] = (uint8_t)word;
    }
}
