/* Eight streams of MD5 in the lanes of AVX2. */
#if defined(__x86_64__)
#include "match/hash/md5_steps.h"

#include <immintrin.h>

#define VECTOR __attribute__((target("avx2")))
#define LANES  VECTOR static inline __attribute__((always_inline))

enum { WIDTH = 8 };

LANES __m256i rotate(__m256i x, int bits)
{
    return _mm256_or_si256(_mm256_slli_epi32(x, bits), _mm256_srli_epi32(x, 32 - bits));
}

/* Words 8 * half ... of the blocks at `at`: word[i] has that word of every lane. */
LANES void load_half(const uint8_t *const *at, size_t skip, __m256i *word)
{
    __m256i row[WIDTH], pair[WIDTH];
    for (int i = 0; i < WIDTH; i++)
        row[i] = _mm256_loadu_si256((const void *)(at[i] + skip));
    for (int i = 0; i < WIDTH; i += 2) {
        pair[i] = _mm256_unpacklo_epi32(row[i], row[i + 1]);
        pair[i + 1] = _mm256_unpackhi_epi32(row[i], row[i + 1]);
    }
    for (int i = 0; i < WIDTH; i += 4) {
        row[i] = _mm256_unpacklo_epi64(pair[i], pair[i + 2]);
        row[i + 1] = _mm256_unpackhi_epi64(pair[i], pair[i + 2]);
        row[i + 2] = _mm256_unpacklo_epi64(pair[i + 1], pair[i + 3]);
        row[i + 3] = _mm256_unpackhi_epi64(pair[i + 1], pair[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        word[i] = _mm256_permute2x128_si256(row[i], row[i + 4], 0x20);
        word[i + 4] = _mm256_permute2x128_si256(row[i], row[i + 4], 0x31);
    }
}

#define F(x, y, z) _mm256_xor_si256(z, _mm256_and_si256(x, _mm256_xor_si256(y, z)))
#define G(x, y, z) _mm256_xor_si256(y, _mm256_and_si256(z, _mm256_xor_si256(x, y)))
#define H(x, y, z) _mm256_xor_si256(x, _mm256_xor_si256(y, z))
#define I(x, y, z)                                                                             \
    _mm256_xor_si256(y, _mm256_or_si256(x, _mm256_xor_si256(z, _mm256_set1_epi32(-1))))
#define STEP(f, a, b, c, d, number, bits, constant)                                            \
    a = _mm256_add_epi32(a, _mm256_add_epi32(word[number], _mm256_set1_epi32((int)constant))); \
    a = _mm256_add_epi32(b, rotate(_mm256_add_epi32(a, f(b, c, d)), bits));

VECTOR void md5_avx2(uint32_t state[4][16], const uint8_t *const at[16], uint64_t blocks)
{
    __m256i a = _mm256_loadu_si256((const void *)state[0]);
    __m256i b = _mm256_loadu_si256((const void *)state[1]);
    __m256i c = _mm256_loadu_si256((const void *)state[2]);
    __m256i d = _mm256_loadu_si256((const void *)state[3]);
    for (size_t skip = 0; blocks; blocks--, skip += MD5_BLOCK) {
        __m256i word[16], before[4] = {a, b, c, d};
        load_half(at, skip, word);
        load_half(at, skip + 32, word + 8);
        MD5_STEPS(STEP)
        a = _mm256_add_epi32(a, before[0]);
        b = _mm256_add_epi32(b, before[1]);
        c = _mm256_add_epi32(c, before[2]);
        d = _mm256_add_epi32(d, before[3]);
    }
    _mm256_storeu_si256((void *)state[0], a);
    _mm256_storeu_si256((void *)state[1], b);
    _mm256_storeu_si256((void *)state[2], c);
    _mm256_storeu_si256((void *)state[3], d);
}
#endif
