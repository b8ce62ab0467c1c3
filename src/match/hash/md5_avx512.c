/* Sixteen streams of MD5 in the lanes of AVX-512, or four, which take half as long: what is
 * left when nothing more comes. One alone is faster by these four lanes than by plain C, as
 * instructions of AVX-512 do a function, and a rotation, at once. */
#if defined(__x86_64__)
#include "match/hash/md5_steps.h"

#include <immintrin.h>

#define VECTOR __attribute__((target("avx512f,avx512bw,avx512vl")))
#define LANES  VECTOR static inline __attribute__((always_inline))

enum { WIDTH = 16 };

/* word[i] has that word of the block of every lane. */
LANES void load_block(const uint8_t *const *at, size_t skip, __m512i *word)
{
    __m512i row[WIDTH], pair[WIDTH];
    for (int i = 0; i < WIDTH; i++)
        row[i] = _mm512_loadu_si512(at[i] + skip);
    for (int i = 0; i < WIDTH; i += 2) {
        pair[i] = _mm512_unpacklo_epi32(row[i], row[i + 1]);
        pair[i + 1] = _mm512_unpackhi_epi32(row[i], row[i + 1]);
    }
    for (int i = 0; i < WIDTH; i += 4) {
        row[i] = _mm512_unpacklo_epi64(pair[i], pair[i + 2]);
        row[i + 1] = _mm512_unpackhi_epi64(pair[i], pair[i + 2]);
        row[i + 2] = _mm512_unpacklo_epi64(pair[i + 1], pair[i + 3]);
        row[i + 3] = _mm512_unpackhi_epi64(pair[i + 1], pair[i + 3]);
    }
    /* row[4k + i]: words i, i + 4, i + 8, i + 12 of lanes 4k to 4k + 3. */
    for (int i = 0; i < 4; i++) {
        __m512i low = _mm512_shuffle_i32x4(row[i], row[i + 4], 0x88);
        __m512i high = _mm512_shuffle_i32x4(row[i + 8], row[i + 12], 0x88);
        word[i] = _mm512_shuffle_i32x4(low, high, 0x88);
        word[i + 8] = _mm512_shuffle_i32x4(low, high, 0xdd);
        low = _mm512_shuffle_i32x4(row[i], row[i + 4], 0xdd);
        high = _mm512_shuffle_i32x4(row[i + 8], row[i + 12], 0xdd);
        word[i + 4] = _mm512_shuffle_i32x4(low, high, 0x88);
        word[i + 12] = _mm512_shuffle_i32x4(low, high, 0xdd);
    }
}

/* The truth tables of the four functions. */
enum { F = 0xca, G = 0xe4, H = 0x96, I = 0x39 };

#define STEP(f, a, b, c, d, number, bits, constant)                                            \
    a = _mm512_add_epi32(a, _mm512_add_epi32(word[number], _mm512_set1_epi32((int)constant))); \
    a = _mm512_add_epi32(a, _mm512_ternarylogic_epi32(b, c, d, f));                            \
    a = _mm512_add_epi32(b, _mm512_rol_epi32(a, bits));

VECTOR void md5_avx512(uint32_t state[4][16], const uint8_t *const at[16], uint64_t blocks)
{
    __m512i a = _mm512_loadu_si512(state[0]), b = _mm512_loadu_si512(state[1]);
    __m512i c = _mm512_loadu_si512(state[2]), d = _mm512_loadu_si512(state[3]);
    for (size_t skip = 0; blocks; blocks--, skip += MD5_BLOCK) {
        __m512i word[16], before[4] = {a, b, c, d};
        load_block(at, skip, word);
        MD5_STEPS(STEP)
        a = _mm512_add_epi32(a, before[0]);
        b = _mm512_add_epi32(b, before[1]);
        c = _mm512_add_epi32(c, before[2]);
        d = _mm512_add_epi32(d, before[3]);
    }
    _mm512_storeu_si512(state[0], a);
    _mm512_storeu_si512(state[1], b);
    _mm512_storeu_si512(state[2], c);
    _mm512_storeu_si512(state[3], d);
}

#undef STEP
#define STEP(f, a, b, c, d, number, bits, constant)                                            \
    a = _mm_add_epi32(a, _mm_add_epi32(word[number], _mm_set1_epi32((int)constant)));          \
    a = _mm_add_epi32(a, _mm_ternarylogic_epi32(b, c, d, f));                                  \
    a = _mm_add_epi32(b, _mm_rol_epi32(a, bits));

/* Words 4k to 4k + 3 of the block of every lane. */
LANES void load_few(const uint8_t *const *at, size_t skip, __m128i *word)
{
    __m128i row[4], pair[4];
    for (int i = 0; i < 4; i++)
        row[i] = _mm_loadu_si128((const __m128i *)(const void *)(at[i] + skip));
    for (int i = 0; i < 4; i += 2) {
        pair[i] = _mm_unpacklo_epi32(row[i], row[i + 1]);
        pair[i + 1] = _mm_unpackhi_epi32(row[i], row[i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        word[2 * i] = _mm_unpacklo_epi64(pair[i], pair[i + 2]);
        word[2 * i + 1] = _mm_unpackhi_epi64(pair[i], pair[i + 2]);
    }
}

VECTOR void md5_few_avx512(uint32_t state[4][4], const uint8_t *const at[4], uint64_t blocks)
{
    __m128i sum[4];
    for (int i = 0; i < 4; i++)
        sum[i] = _mm_loadu_si128((const __m128i *)(const void *)state[i]);
    for (size_t skip = 0; blocks; blocks--, skip += MD5_BLOCK) {
        __m128i word[16], a = sum[0], b = sum[1], c = sum[2], d = sum[3];
        for (int i = 0; i < 4; i++)
            load_few(at, skip + 16 * (size_t)i, word + 4 * i);
        MD5_STEPS(STEP)
        sum[0] = _mm_add_epi32(sum[0], a);
        sum[1] = _mm_add_epi32(sum[1], b);
        sum[2] = _mm_add_epi32(sum[2], c);
        sum[3] = _mm_add_epi32(sum[3], d);
    }
    for (int i = 0; i < 4; i++)
        _mm_storeu_si128((__m128i *)(void *)state[i], sum[i]);
}
#endif
