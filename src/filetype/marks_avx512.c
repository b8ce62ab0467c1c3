/* AVX-512 (VBMI): the groups of 64 bytes are looked up in tables of 256 bytes that lie in four
 * registers. Eight groups fit into a byte; the ninth has a table of its own, as it counts near
 * the start of data only. */
#if defined(__x86_64__)
#include "filetype/marks_steps.h"

#include <immintrin.h>

#define VECTOR __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi")))
#define LANES  VECTOR static inline __attribute__((always_inline))

enum { LOWER = 0xff };

struct table {
    __m512i part[4];
};

/* The bytes of a table: bits of its entries from `shift` on. */
LANES struct table load(const uint16_t *entries, unsigned any, int shift)
{
    const __m128i by = _mm_cvtsi32_si128(shift);
    struct table table;
    for (int i = 0; i < 4; i++) {
        __m512i low = _mm512_loadu_si512(entries + 64 * i);
        __m512i high = _mm512_loadu_si512(entries + 64 * i + 32);
        table.part[i] = _mm512_inserti64x4(
            _mm512_castsi256_si512(_mm512_cvtepi16_epi8(_mm512_srl_epi16(low, by))),
            _mm512_cvtepi16_epi8(_mm512_srl_epi16(high, by)), 1);
        table.part[i] =
            _mm512_or_si512(table.part[i], _mm512_set1_epi8((char)(any >> shift & LOWER)));
    }
    return table;
}

LANES __m512i look_up(const struct table *table, __m512i index)
{
    __m512i low = _mm512_permutex2var_epi8(table->part[0], index, table->part[1]);
    __m512i high = _mm512_permutex2var_epi8(table->part[2], index, table->part[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), low, high);
}

VECTOR void marks_avx512(const struct marks_groups *tables, unsigned groups, const uint8_t *at,
                         size_t blocks, uint64_t *masks)
{
    struct table first = load(tables->first, 0, 0);
    struct table second = load(tables->second, tables->any, 0);
    const __m512i lower = _mm512_set1_epi8((char)(groups & LOWER));
    for (size_t i = 0; i < blocks; i++) {
        __m512i x = look_up(&first, _mm512_loadu_si512(at + 64 * i));
        __m512i y = look_up(&second, _mm512_loadu_si512(at + 64 * i + 1));
        masks[i] = _mm512_test_epi8_mask(_mm512_and_si512(x, y), lower);
    }
    if (!(groups > LOWER))
        return;
    const __m512i upper = _mm512_set1_epi8((char)(groups >> 8));
    first = load(tables->first, 0, 8);
    second = load(tables->second, tables->any, 8);
    for (size_t i = 0; i < blocks; i++) {
        __m512i x = look_up(&first, _mm512_loadu_si512(at + 64 * i));
        __m512i y = look_up(&second, _mm512_loadu_si512(at + 64 * i + 1));
        masks[i] |= _mm512_test_epi8_mask(_mm512_and_si512(x, y), upper);
    }
}
#endif
