/* AVX2 with BMI2: as flat_avx512.c, but that what stays is put together by eight bytes. */
#if defined(__x86_64__)
#include "unpack/normal/flat_steps.h"

#include <immintrin.h>
#include <string.h>

#define VECTOR __attribute__((target("avx2,bmi,bmi2,popcnt")))

/* Bytes from `first` on, `count` of them. */
VECTOR static inline __m256i range(__m256i v, char first, char count)
{
    v = _mm256_sub_epi8(v, _mm256_set1_epi8(first));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8((char)(count - 1))), v);
}

VECTOR static inline uint32_t mask_of(__m256i v)
{
    return (uint32_t)_mm256_movemask_epi8(v);
}

/* Writes the 32 bytes as they become to `ret`; which are blanks, and which stay. */
VECTOR static inline void sort(const uint8_t *at, uint8_t ret[32], uint32_t *gaps,
                               uint32_t *stays)
{
    __m256i v = _mm256_loadu_si256((const void *)at), blank = _mm256_set1_epi8(' ');
    __m256i gap = _mm256_or_si256(range(v, '\t', 5), _mm256_cmpeq_epi8(v, blank));
    *gaps = mask_of(gap);
    *stays = *gaps | mask_of(range(v, '!', 0x7f - '!' + 1));
    /* A capital has no bit of a blank set; what else is to be blank has bits that are not. */
    v = _mm256_or_si256(v, _mm256_and_si256(range(v, 'A', 26), blank));
    _mm256_storeu_si256((void *)ret, _mm256_blendv_epi8(v, blank, gap));
}

VECTOR size_t flat_avx2(bytes text, uint8_t *to, bool *blank)
{
    uint8_t became[64];
    size_t n = 0;
    uint64_t before = *blank;
    for (size_t i = 0; i < text.len; i += 64) {
        uint32_t gaps_of[2], stays_of[2];
        sort(text.at + i, became, &gaps_of[0], &stays_of[0]);
        sort(text.at + i + 32, became + 32, &gaps_of[1], &stays_of[1]);
        uint64_t gaps = gaps_of[0] | (uint64_t)gaps_of[1] << 32;
        uint64_t stays = stays_of[0] | (uint64_t)stays_of[1] << 32;
        if (stays != UINT64_MAX) {
            /* As if what goes had never been there. */
            uint64_t put = _pext_u64(gaps, stays), count = (uint64_t)_mm_popcnt_u64(stays);
            uint64_t twice = put & (put << 1 | before);
            before = count ? put >> (count - 1) & 1 : before;
            stays &= ~_pdep_u64(twice, stays);
        } else {
            stays &= ~(gaps & (gaps << 1 | before));
            before = gaps >> 63;
        }
        /* Eight bytes are written each time: never beyond the eight that they came of. */
        for (int k = 0; k < 8; k++) {
            uint64_t eight, which = stays >> (8 * k) & 255;
            memcpy(&eight, became + 8 * k, 8);
            eight = _pext_u64(eight, _pdep_u64(which, 0x0101010101010101u) * 255);
            memcpy(to + n, &eight, 8);
            n += (size_t)_mm_popcnt_u64(which);
        }
    }
    *blank = before;
    return n;
}
#endif
