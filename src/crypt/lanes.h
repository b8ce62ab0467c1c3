/* lanes — eight blocks of a cipher of 16 little-endian words (ChaCha, Salsa) at once: one block
 * in each lane of 256-bit vectors, which the compiler makes of what the level has.
 *
 * A cipher defines LANES_ROUNDS(x), two rounds over the words x[16], makes its variants for the
 * levels of the CPU with LANES_VARIANT, and hands them to lanes_xor in a struct lanes_cipher.
 */
#pragma once
#include "base/base.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are stored as they are");

enum { LANES = 8, LANES_BLOCK = 64, LANES_BYTES = LANES * LANES_BLOCK };

typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));

/* XORs `count` times LANES_BYTES of keystream into `data`; `state` moves on. */
typedef void lanes_many(uint32_t state[16], unsigned rounds, unsigned low, bool wide,
                        uint8_t *data, size_t count);

struct lanes_cipher {
    unsigned counter; /* the word of the counter's lower half; the upper one is the next */
    void (*permute)(uint32_t x[16], unsigned rounds);
    lanes_many *scalar, *avx2, *avx512;
};

/* XORs the keystream from byte `position` on into `data`; `begin` is the state of block 0.
 * `wide`: the counter has 64 bits, else 32 that wrap. */
void lanes_xor(const struct lanes_cipher *cipher, const uint32_t begin[16], unsigned rounds,
               bool wide, uint64_t position, uint8_t *data, size_t len);

#define LANES_INLINE    static inline __attribute__((always_inline))
#define LANES_ROT(x, n) ((x) << (n) | (x) >> (32 - (n)))

/* Rows become columns: word i of lane j goes to word j of lane i. */
LANES_INLINE void lanes_turn(lanes r[8])
{
    lanes t[8], u[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            lanes a = t[i + j], b = t[i + j + 2];
            u[i + 2 * j] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
            u[i + 2 * j + 1] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int i = 0; i < 4; i++) {
        r[i] = __builtin_shufflevector(u[i], u[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        r[i + 4] = __builtin_shufflevector(u[i], u[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

LANES_INLINE void lanes_into(const lanes *words, uint8_t *data)
{
    lanes part;
    memcpy(&part, data, sizeof part);
    part ^= *words;
    memcpy(data, &part, sizeof part);
}

/* Lanes x of the eight blocks from the one that `state` stands at; `low` is the word of its
 * counter, the next one the upper half. */
LANES_INLINE void lanes_set(lanes x[16], const uint32_t state[16], unsigned low, bool wide)
{
    for (int i = 0; i < 16; i++)
        x[i] = (lanes){} + state[i];
    for (unsigned i = 0; i < LANES; i++) {
        uint64_t block = (state[low] | (uint64_t)state[low + 1] << 32) + i;
        x[low][i] = (uint32_t)block;
        if (wide)
            x[low + 1][i] = (uint32_t)(block >> 32);
    }
}

/* The blocks of `words` are the vector; 512 bytes of `data`. */
LANES_INLINE void lanes_add(lanes x[16], const lanes begin[16], uint8_t *data)
{
    for (int i = 0; i < 16; i++)
        x[i] += begin[i];
    lanes_turn(x);
    lanes_turn(x + 8);
    for (int i = 0; i < 8; i++) {
        lanes_into(&x[i], data + i * LANES_BLOCK);
        lanes_into(&x[i + 8], data + i * LANES_BLOCK + 32);
    }
}

/* `state` moves on by `count` blocks. */
static inline void lanes_skip(uint32_t state[16], unsigned low, bool wide, uint64_t count)
{
    uint64_t block = (state[low] | (uint64_t)state[low + 1] << 32) + count;
    state[low] = (uint32_t)block;
    if (wide)
        state[low + 1] = (uint32_t)(block >> 32);
}

#if defined(__x86_64__)
#define LANES_AVX2   __attribute__((target("avx2")))
#define LANES_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))
#else
#define LANES_AVX2
#define LANES_AVX512
#endif

/* xor_scalar, xor_avx2, xor_avx512, permute and `cipher`, of the file's LANES_ROUNDS. */
#define LANES_CIPHER(word)                                                                     \
    LANES_VARIANT(xor_scalar, )                                                                \
    LANES_VARIANT(xor_avx2, LANES_AVX2)                                                        \
    LANES_VARIANT(xor_avx512, LANES_AVX512)                                                    \
    static void permute(uint32_t x[16], unsigned rounds)                                       \
    {                                                                                          \
        for (; rounds; rounds -= 2)                                                            \
            LANES_ROUNDS(x);                                                                   \
    }                                                                                          \
    static const struct lanes_cipher cipher = {word, permute, xor_scalar, xor_avx2, xor_avx512};

#define LANES_VARIANT(name, target)                                                            \
    target static void name(uint32_t state[16], unsigned rounds, unsigned low, bool wide,      \
                            uint8_t *data, size_t count)                                       \
    {                                                                                          \
        for (; count; count--, data += LANES_BYTES) {                                          \
            lanes begin[16], x[16];                                                            \
            lanes_set(begin, state, low, wide);                                                \
            for (int i = 0; i < 16; i++)                                                       \
                x[i] = begin[i];                                                               \
            for (unsigned left = rounds; left; left -= 2)                                      \
                LANES_ROUNDS(x);                                                               \
            lanes_add(x, begin, data);                                                         \
            lanes_skip(state, low, wide, LANES);                                               \
        }                                                                                      \
    }
