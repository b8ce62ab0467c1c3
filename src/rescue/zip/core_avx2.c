/* The ways of core.h, eight at a time. What is kept is moved together by a table of
 * permutations, one for each mask. */
#include "rescue/zip/core.h"

#include "rescue/zip/zipcrypto.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET static inline __attribute__((target("avx2,bmi2,popcnt")))

/* The lanes of a mask, as eight numbers of 32 bits, lowest first. */
TARGET __m256i lanes_of(unsigned mask)
{
    uint64_t wide = _pdep_u64(mask, 0x0101010101010101) * 0xff;
    uint64_t lanes = _pext_u64(0x0706050403020100, wide);
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)lanes));
}

TARGET void keep(uint32_t *ret, __m256i lanes, __m256i what)
{
    _mm256_storeu_si256((__m256i *)ret, _mm256_permutevar8x32_epi32(what, lanes));
}

TARGET __m256i load(const uint32_t *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

TARGET __m256i set(uint32_t value)
{
    return _mm256_set1_epi32((int)value);
}

TARGET __m256i look_up(const uint16_t *table, __m256i start, int shift)
{
    return _mm256_i32gather_epi32((const int *)(const void *)table,
                                  _mm256_srl_epi32(start, _mm_cvtsi32_si128(shift)), 2);
}

/* The lanes, of the first `n`, in which a <= b without sign. */
TARGET unsigned at_most(__m256i a, __m256i b, size_t n)
{
    __m256i good = _mm256_cmpeq_epi32(_mm256_min_epu32(a, b), a);
    unsigned mask = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(good));
    return n < 8 ? mask & ((1u << n) - 1) : mask;
}

TARGET size_t roots(const struct attack_core *core, const struct core_list *list, uint32_t from,
                    uint32_t to, uint32_t *ret)
{
    const __m256i numbers = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), byte = set(0xff);
    const __m256i factor = set(ZIPCRYPTO_FACTOR), window = set((1 << 24) - 1);
    const __m256i top = set(((uint32_t)list->y[7] << 24) - 1);
    const __m256i high = set((uint32_t)list->y[6] << 24);
    size_t n = 0;
    for (uint32_t h = from; h < to; h += 8) {
        __m256i base = _mm256_slli_epi32(_mm256_add_epi32(set(h), numbers), 8);
        base = _mm256_add_epi32(base, high);
        __m256i want = _mm256_sub_epi32(top, _mm256_mullo_epi32(base, factor));
        __m256i found = look_up(core->root, want, CORE_ROOT_SHIFT);
        for (unsigned k = 0; k < 2; k++) {
            __m256i low = _mm256_and_si256(found, byte);
            __m256i away = _mm256_sub_epi32(_mm256_mullo_epi32(low, factor), want);
            unsigned good = at_most(away, window, to - h);
            keep(ret + n, lanes_of(good), _mm256_add_epi32(base, low));
            n += (size_t)__builtin_popcount(good);
            found = _mm256_srli_epi32(found, 8);
        }
    }
    return n;
}

TARGET size_t level(const struct attack_core *core, uint8_t y, const uint32_t *t,
                    const uint32_t *x, size_t n, uint32_t *ret_t, uint32_t *ret_x)
{
    const __m256i one = set(1), byte = set(0xff), inverse = set(ZIPCRYPTO_INVERSE);
    const __m256i window = set(CORE_WINDOW), down = set(((uint32_t)y << 24) + CORE_WINDOW);
    size_t kept = 0;
    for (size_t i = 0; i < n; i += 8) {
        __m256i next = _mm256_mullo_epi32(_mm256_sub_epi32(load(t + i), one), inverse);
        __m256i xs = _mm256_srli_epi32(load(x + i), 8);
        __m256i want = _mm256_sub_epi32(next, down);
        __m256i found = look_up(core->level, want, CORE_LEVEL_SHIFT);
        for (unsigned k = 0; k < 2; k++) {
            __m256i step = _mm256_mullo_epi32(_mm256_and_si256(found, byte), inverse);
            unsigned good = at_most(_mm256_sub_epi32(step, want), window, n - i);
            __m256i lanes = lanes_of(good);
            keep(ret_x + kept, lanes, _mm256_or_si256(xs, _mm256_slli_epi32(found, 24)));
            keep(ret_t + kept, lanes, _mm256_sub_epi32(next, step));
            kept += (size_t)__builtin_popcount(good);
            found = _mm256_srli_epi32(found, 8);
        }
    }
    return kept;
}

TARGET __m256i gather(const uint32_t *table, __m256i index)
{
    return _mm256_i32gather_epi32((const int *)(const void *)table, index, 4);
}

TARGET size_t leaves(const struct attack_core *core, const struct core_list *list, size_t n,
                     struct core_way *way)
{
    const __m256i byte = set(0xff), one = set(1), inverse = set(ZIPCRYPTO_INVERSE);
    const __m256i want = set((uint32_t)(list->back ^ list->z0) << 24), bits = set(0xfc000000);
    uint32_t *t = way->t[0], *x = way->x[0];
    size_t kept = 0;
    for (size_t i = 0; i < n; i += 8) {
        __m256i ts = load(t + i), xs = load(x + i), rest = xs;
        __m256i low = gather(core->low[0], _mm256_and_si256(rest, byte));
        for (unsigned k = 1; k < 4; k++) {
            rest = _mm256_srli_epi32(rest, 8);
            low = _mm256_xor_si256(low, gather(core->low[k], _mm256_and_si256(rest, byte)));
        }
        __m256i y2 = _mm256_sub_epi32(_mm256_sub_epi32(ts, _mm256_and_si256(low, byte)), one);
        __m256i y1 =
            _mm256_sub_epi32(_mm256_mullo_epi32(y2, inverse), _mm256_srli_epi32(low, 8));
        __m256i wrong = _mm256_and_si256(_mm256_xor_si256(y1, want), bits);
        unsigned good = at_most(wrong, _mm256_setzero_si256(), n - i);
        __m256i lanes = lanes_of(good);
        keep(x + kept, lanes, xs);
        keep(t + kept, lanes, ts);
        kept += (size_t)__builtin_popcount(good);
    }
    return kept;
}

__attribute__((target("avx2,bmi2,popcnt"))) size_t core_avx2(const struct attack_core *core,
                                                             const struct core_list *list,
                                                             uint32_t from, uint32_t to,
                                                             struct core_way *way)
{
    size_t n = roots(core, list, from, to, way->t[0]);
    for (size_t i = 0; i < n; i += 8)
        _mm256_storeu_si256((__m256i *)(way->x[0] + i), _mm256_setzero_si256());
    for (unsigned i = 0; i < 4; i++)
        n = level(core, list->y[5 - i], way->t[i & 1], way->x[i & 1], n, way->t[!(i & 1)],
                  way->x[!(i & 1)]);
    return leaves(core, list, n, way);
}
#else
size_t core_avx2(const struct attack_core *core, const struct core_list *list, uint32_t from,
                 uint32_t to, struct core_way *way)
{
    return core_scalar(core, list, from, to, way);
}
#endif
