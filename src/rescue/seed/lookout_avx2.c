/* The ways of lookout.h, 32 seeds at a time. */
#include "rescue/seed/lookout.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDE        8
#define WIDE_TARGET __attribute__((target("avx2")))
#define OPERATION   static inline __attribute__((always_inline)) WIDE_TARGET wide

typedef uint32_t wide __attribute__((vector_size(4 * WIDE)));
typedef int32_t wide_words __attribute__((vector_size(4 * WIDE)));

OPERATION wide_even(wide a, wide b)
{
    return (wide)_mm256_mul_epu32((__m256i)a, (__m256i)b);
}

OPERATION wide_odds(wide a)
{
    return (wide)_mm256_srli_epi64((__m256i)a, 32);
}

OPERATION wide_join(wide a, wide b)
{
    return (wide)_mm256_shuffle_ps((__m256)a, (__m256)b, 0xdd);
}

/* Even lanes of what wide_join joins, in its order. */
OPERATION wide_pairs(wide a)
{
    return (wide)_mm256_shuffle_ps((__m256)a, (__m256)a, 0x88);
}

OPERATION wide_max(wide a, wide b)
{
    return (wide)_mm256_max_epu32((__m256i)a, (__m256i)b);
}

OPERATION wide_min(wide a, wide b)
{
    return (wide)_mm256_min_epu32((__m256i)a, (__m256i)b);
}

OPERATION wide_row(const uint32_t row[4])
{
    return (wide)_mm256_broadcastsi128_si256(
        _mm_load_si128((const __m128i *)(const void *)row));
}

OPERATION wide_look(wide row, wide index)
{
    return (wide)_mm256_permutevar_ps((__m256)row, (__m256i)index);
}

OPERATION wide_lend(wide a, wide b, wide mask)
{
    return (wide)_mm256_blendv_epi8((__m256i)a, (__m256i)b, (__m256i)mask);
}

OPERATION wide_equal(wide a, int value)
{
    return (wide)_mm256_cmpeq_epi8((__m256i)a, _mm256_set1_epi8((char)value));
}

OPERATION wide_narrow(wide a, wide b)
{
    return (wide)_mm256_packus_epi32((__m256i)a, (__m256i)b);
}

OPERATION wide_bytes_of(wide a, wide b)
{
    return (wide)_mm256_packus_epi16((__m256i)a, (__m256i)b);
}

OPERATION wide_low_8(wide a, wide b)
{
    return (wide)_mm256_unpacklo_epi8((__m256i)a, (__m256i)b);
}

OPERATION wide_high_8(wide a, wide b)
{
    return (wide)_mm256_unpackhi_epi8((__m256i)a, (__m256i)b);
}

OPERATION wide_low_16(wide a, wide b)
{
    return (wide)_mm256_unpacklo_epi16((__m256i)a, (__m256i)b);
}

OPERATION wide_high_16(wide a, wide b)
{
    return (wide)_mm256_unpackhi_epi16((__m256i)a, (__m256i)b);
}

#include "rescue/seed/lookout_wide.h"

WIDE_TARGET void lookout_avx2(const void *lookout, uint64_t from, uint64_t to,
                              struct hunt_best *best)
{
    hunt(lookout, from, to, best);
}

WIDE_TARGET void lookout_avx2_keys(const struct lookout *lookout, struct lookout_table *table,
                                   struct lookout_keys *ret)
{
    keys(lookout, table, ret);
    move_on(table);
}
#endif
