/* The ways of lookout.h, 64 seeds at a time. */
#include "rescue/seed/lookout.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDE        16
#define WIDE_TARGET __attribute__((target("avx512f,avx512bw,avx512vl")))
#define OPERATION   static inline __attribute__((always_inline)) WIDE_TARGET wide

typedef uint32_t wide __attribute__((vector_size(4 * WIDE)));
typedef int32_t wide_words __attribute__((vector_size(4 * WIDE)));

OPERATION wide_even(wide a, wide b)
{
    return (wide)_mm512_mul_epu32((__m512i)a, (__m512i)b);
}

OPERATION wide_odds(wide a)
{
    return (wide)_mm512_srli_epi64((__m512i)a, 32);
}

OPERATION wide_join(wide a, wide b)
{
    return (wide)_mm512_shuffle_ps((__m512)a, (__m512)b, 0xdd);
}

/* Even lanes of what wide_join joins, in its order. */
OPERATION wide_pairs(wide a)
{
    return (wide)_mm512_shuffle_ps((__m512)a, (__m512)a, 0x88);
}

OPERATION wide_max(wide a, wide b)
{
    return (wide)_mm512_max_epu32((__m512i)a, (__m512i)b);
}

OPERATION wide_min(wide a, wide b)
{
    return (wide)_mm512_min_epu32((__m512i)a, (__m512i)b);
}

OPERATION wide_row(const uint32_t row[4])
{
    return (wide)_mm512_broadcast_i32x4(_mm_load_si128((const __m128i *)(const void *)row));
}

OPERATION wide_look(wide row, wide index)
{
    return (wide)_mm512_permutevar_ps((__m512)row, (__m512i)index);
}

OPERATION wide_lend(wide a, wide b, wide mask)
{
    return (wide)_mm512_mask_blend_epi8(_mm512_movepi8_mask((__m512i)mask), (__m512i)a,
                                        (__m512i)b);
}

OPERATION wide_equal(wide a, int value)
{
    return (wide)_mm512_movm_epi8(
        _mm512_cmpeq_epi8_mask((__m512i)a, _mm512_set1_epi8((char)value)));
}

OPERATION wide_narrow(wide a, wide b)
{
    return (wide)_mm512_packus_epi32((__m512i)a, (__m512i)b);
}

OPERATION wide_bytes_of(wide a, wide b)
{
    return (wide)_mm512_packus_epi16((__m512i)a, (__m512i)b);
}

OPERATION wide_low_8(wide a, wide b)
{
    return (wide)_mm512_unpacklo_epi8((__m512i)a, (__m512i)b);
}

OPERATION wide_high_8(wide a, wide b)
{
    return (wide)_mm512_unpackhi_epi8((__m512i)a, (__m512i)b);
}

OPERATION wide_low_16(wide a, wide b)
{
    return (wide)_mm512_unpacklo_epi16((__m512i)a, (__m512i)b);
}

OPERATION wide_high_16(wide a, wide b)
{
    return (wide)_mm512_unpackhi_epi16((__m512i)a, (__m512i)b);
}

#include "rescue/seed/lookout_wide.h"

WIDE_TARGET void lookout_avx512(const void *lookout, uint64_t from, uint64_t to,
                                struct hunt_best *best)
{
    hunt(lookout, from, to, best);
}

WIDE_TARGET void lookout_avx512_keys(const struct lookout *lookout, struct lookout_table *table,
                                     struct lookout_keys *ret)
{
    keys(lookout, table, ret);
    move_on(table);
}
#endif
