/* The ways of core.h, sixteen at a time. Compressing goes through a register: to memory it is
 * many times slower on some processors. */
#include "rescue/zip/core.h"

#include "rescue/zip/zipcrypto.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,popcnt")))

static inline TARGET size_t keep(uint32_t *ret, size_t n, __mmask16 mask, __m512i what)
{
    _mm512_storeu_si512(ret + n, _mm512_maskz_compress_epi32(mask, what));
    return n + (size_t)__builtin_popcount(mask);
}

static inline __mmask16 first_lanes(size_t n)
{
    return (__mmask16)(n < 16 ? (1u << n) - 1 : 0xffffu);
}

static inline TARGET __m512i look_up(const uint16_t *table, __m512i start, unsigned shift)
{
    return _mm512_i32gather_epi32(_mm512_srli_epi32(start, shift), table, 2);
}

static TARGET size_t roots(const struct attack_core *core, const struct core_list *list,
                           uint32_t from, uint32_t to, uint32_t *ret)
{
    const __m512i lanes =
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i byte = _mm512_set1_epi32(0xff);
    const __m512i factor = _mm512_set1_epi32((int)ZIPCRYPTO_FACTOR);
    const __m512i window = _mm512_set1_epi32(1 << 24);
    const __m512i top = _mm512_set1_epi32((int)(((uint32_t)list->y[7] << 24) - 1));
    const __m512i high = _mm512_set1_epi32((int)((uint32_t)list->y[6] << 24));
    size_t n = 0;
    for (uint32_t h = from; h < to; h += 16) {
        __m512i base = _mm512_add_epi32(_mm512_set1_epi32((int)h), lanes);
        __mmask16 in = first_lanes(to - h);
        base = _mm512_add_epi32(_mm512_slli_epi32(base, 8), high);
        __m512i want = _mm512_sub_epi32(top, _mm512_mullo_epi32(base, factor));
        __m512i found = look_up(core->root, want, CORE_ROOT_SHIFT);
        for (unsigned k = 0; k < 2; k++) {
            __m512i low = _mm512_and_si512(found, byte);
            __m512i away = _mm512_sub_epi32(_mm512_mullo_epi32(low, factor), want);
            __mmask16 good = _mm512_mask_cmplt_epu32_mask(in, away, window);
            n = keep(ret, n, good, _mm512_add_epi32(base, low));
            found = _mm512_srli_epi32(found, 8);
        }
    }
    return n;
}

static TARGET size_t level(const struct attack_core *core, uint8_t y, const uint32_t *t,
                           const uint32_t *x, size_t n, uint32_t *ret_t, uint32_t *ret_x)
{
    const __m512i one = _mm512_set1_epi32(1), byte = _mm512_set1_epi32(0xff);
    const __m512i inverse = _mm512_set1_epi32((int)ZIPCRYPTO_INVERSE);
    const __m512i window = _mm512_set1_epi32(CORE_WINDOW);
    const __m512i down = _mm512_set1_epi32((int)(((uint32_t)y << 24) + CORE_WINDOW));
    size_t kept = 0;
    for (size_t i = 0; i < n; i += 16) {
        __m512i next =
            _mm512_mullo_epi32(_mm512_sub_epi32(_mm512_loadu_si512(t + i), one), inverse);
        __m512i xs = _mm512_srli_epi32(_mm512_loadu_si512(x + i), 8);
        __mmask16 in = first_lanes(n - i);
        __m512i want = _mm512_sub_epi32(next, down);
        __m512i found = look_up(core->level, want, CORE_LEVEL_SHIFT);
        for (unsigned k = 0; k < 2; k++) {
            __m512i step = _mm512_mullo_epi32(_mm512_and_si512(found, byte), inverse);
            __m512i away = _mm512_sub_epi32(step, want);
            __mmask16 good = _mm512_mask_cmple_epu32_mask(in, away, window);
            __m512i taken = _mm512_or_si512(xs, _mm512_slli_epi32(found, 24));
            keep(ret_x, kept, good, taken);
            kept = keep(ret_t, kept, good, _mm512_sub_epi32(next, step));
            found = _mm512_srli_epi32(found, 8);
        }
    }
    return kept;
}

static TARGET size_t leaves(const struct attack_core *core, const struct core_list *list,
                            size_t n, struct core_way *way)
{
    const __m512i byte = _mm512_set1_epi32(0xff), one = _mm512_set1_epi32(1);
    const __m512i inverse = _mm512_set1_epi32((int)ZIPCRYPTO_INVERSE);
    const __m512i want = _mm512_set1_epi32((int)((uint32_t)(list->back ^ list->z0) << 24));
    const __m512i bits = _mm512_set1_epi32((int)0xfc000000);
    uint32_t *t = way->t[0], *x = way->x[0];
    size_t kept = 0;
    for (size_t i = 0; i < n; i += 16) {
        __m512i ts = _mm512_loadu_si512(t + i), xs = _mm512_loadu_si512(x + i);
        __mmask16 in = first_lanes(n - i);
        __m512i low = _mm512_i32gather_epi32(_mm512_and_si512(xs, byte), core->low[0], 4);
        for (unsigned k = 1; k < 4; k++)
            low = _mm512_xor_si512(
                low,
                _mm512_i32gather_epi32(_mm512_and_si512(_mm512_srli_epi32(xs, 8 * k), byte),
                                       core->low[k], 4));
        __m512i y2 = _mm512_sub_epi32(_mm512_sub_epi32(ts, _mm512_and_si512(low, byte)), one);
        __m512i y1 =
            _mm512_sub_epi32(_mm512_mullo_epi32(y2, inverse), _mm512_srli_epi32(low, 8));
        __mmask16 good = _mm512_mask_testn_epi32_mask(in, _mm512_xor_si512(y1, want), bits);
        keep(x, kept, good, xs);
        kept = keep(t, kept, good, ts);
    }
    return kept;
}

TARGET size_t core_avx512(const struct attack_core *core, const struct core_list *list,
                          uint32_t from, uint32_t to, struct core_way *way)
{
    size_t n = roots(core, list, from, to, way->t[0]);
    for (size_t i = 0; i < n; i += 16)
        _mm512_storeu_si512(way->x[0] + i, _mm512_setzero_si512());
    for (unsigned i = 0; i < 4; i++)
        n = level(core, list->y[5 - i], way->t[i & 1], way->x[i & 1], n, way->t[!(i & 1)],
                  way->x[!(i & 1)]);
    return leaves(core, list, n, way);
}
#else
size_t core_avx512(const struct attack_core *core, const struct core_list *list, uint32_t from,
                   uint32_t to, struct core_way *way)
{
    return core_scalar(core, list, from, to, way);
}
#endif
