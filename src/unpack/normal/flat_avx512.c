/* AVX-512 (VBMI2): 64 bytes are sorted into what stays, what becomes a blank and what a small
 * letter; blanks after blanks are taken out of the mask of what stays, and one compression puts
 * together the rest. */
#if defined(__x86_64__)
#include "unpack/normal/flat_steps.h"

#include <immintrin.h>

#define VECTOR __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi,bmi2,popcnt")))

/* Bytes from `first` on, `count` of them. */
VECTOR static inline __mmask64 range(__m512i v, char first, char count)
{
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8(first)),
                                  _mm512_set1_epi8(count));
}

VECTOR size_t flat_avx512(bytes text, uint8_t *to, bool *blank)
{
    size_t n = 0;
    uint64_t before = *blank;
    for (size_t i = 0; i < text.len; i += 64) {
        __m512i v = _mm512_loadu_si512(text.at + i);
        uint64_t gaps = range(v, '\t', 5) | _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(' '));
        uint64_t stays = gaps | range(v, '!', 0x7f - '!' + 1);
        v = _mm512_mask_mov_epi8(v, gaps, _mm512_set1_epi8(' '));
        v = _mm512_mask_add_epi8(v, range(v, 'A', 26), v, _mm512_set1_epi8('a' - 'A'));
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
        _mm512_storeu_si512(to + n, _mm512_maskz_compress_epi8(stays, v));
        n += (size_t)_mm_popcnt_u64(stays);
    }
    *blank = before;
    return n;
}
#endif
