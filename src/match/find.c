/* find — the shuffle search, in plain C and for x86. */
#include "match/find.h"
#include "base/cpu.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

void finder_init(struct finder *finder, bool delta)
{
    memset(finder, 0, sizeof *finder);
    finder->delta = delta;
}

static void add_byte(struct finder *finder, uint32_t at, uint8_t bit, uint8_t value,
                     uint8_t mask)
{
    for (unsigned half = 0; half < 16; half++) {
        if ((half & (mask & 15u)) == (value & 15u & mask))
            finder->low[at][half] |= bit;
        if ((half & (mask >> 4)) == ((unsigned)(value & mask) >> 4))
            finder->high[at][half] |= bit;
    }
}

void finder_add(struct finder *finder, uint32_t bucket, const uint8_t *value,
                const uint8_t *mask, uint32_t length)
{
    uint8_t bit = (uint8_t)(1u << (bucket & 7));

    for (uint32_t i = 0; i < FIND_BYTES; i++) {
        if (i < length)
            add_byte(finder, i, bit, value[length - 1 - i], mask[length - 1 - i]);
        else
            add_byte(finder, i, bit, 0, 0);
    }
    if (length > finder->depth)
        finder->depth = (uint8_t)length;
}

/* Buckets of the position `end`, which may lie near the start of the object. */
static uint8_t buckets_at(const struct finder *finder, const uint8_t *at, size_t end)
{
    uint8_t buckets = 0xff;

    for (size_t i = 0; i < finder->depth; i++) {
        uint8_t c;
        if (end < i + finder->delta) {
            /* Before the object: only sequences that do not look there. */
            c = 0;
            uint8_t any = 0xff;
            for (unsigned half = 0; half < 16; half++)
                any &= finder->low[i][half] & finder->high[i][half];
            buckets &= any;
            continue;
        }
        c = finder->delta ? at[end - i] ^ at[end - i - 1] : at[end - i];
        buckets &= finder->low[i][c & 15] & finder->high[i][c >> 4];
    }
    return buckets;
}

uint8_t finder_buckets(const struct finder *finder, bytes object, size_t end)
{
    return end < object.len ? buckets_at(finder, object.at, end) : 0;
}

static uint32_t scan_plain(const struct finder *finder, bytes object, size_t *at, size_t limit,
                           struct find_hit *ret, uint32_t count)
{
    size_t end = *at;
    uint8_t last[256];

    /* One look-up for most positions, where there are enough of them. */
    if (limit - end > 4096 && end && !finder->delta && finder->depth)
        for (unsigned c = 0; c < 256; c++)
            last[c] = finder->low[0][c & 15] & finder->high[0][c >> 4];
    else
        memset(last, 0xff, sizeof last);
    for (; end < limit && count < FIND_BATCH; end++) {
        uint8_t buckets;
        if (!last[object.at[end]])
            continue;
        buckets = buckets_at(finder, object.at, end);
        if (buckets)
            ret[count++] = (struct find_hit){end, buckets};
    }
    *at = end;
    return count;
}

#if defined(__x86_64__)
#define TARGET_AVX2   __attribute__((target("avx2")))
#define TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,bmi,bmi2")))

TARGET_AVX2 static uint32_t scan_avx2(const struct finder *finder, bytes object, size_t *at,
                                      size_t limit, struct find_hit *ret, uint32_t count)
{
    __m256i low[FIND_BYTES], high[FIND_BYTES];
    const __m256i half = _mm256_set1_epi8(15), zero = _mm256_setzero_si256();
    size_t end = *at;

    for (int i = 0; i < FIND_BYTES; i++) {
        low[i] = _mm256_broadcastsi128_si256(
            _mm_loadu_si128((const __m128i *)(const void *)finder->low[i]));
        high[i] = _mm256_broadcastsi128_si256(
            _mm_loadu_si128((const __m128i *)(const void *)finder->high[i]));
    }
    for (; end + 32 <= limit && count + 32 <= FIND_BATCH; end += 32) {
        __m256i all = _mm256_set1_epi8(-1);
        uint32_t found;
        for (int i = 0; i < finder->depth; i++) {
            const uint8_t *p = object.at + end - (size_t)i;
            __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p), a, b;
            if (finder->delta)
                v = _mm256_xor_si256(
                    v, _mm256_loadu_si256((const __m256i *)(const void *)(p - 1)));
            a = _mm256_shuffle_epi8(low[i], _mm256_and_si256(v, half));
            b = _mm256_shuffle_epi8(high[i], _mm256_and_si256(_mm256_srli_epi16(v, 4), half));
            all = _mm256_and_si256(all, _mm256_and_si256(a, b));
        }
        found = ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(all, zero));
        if (found) {
            uint8_t buckets[32];
            _mm256_storeu_si256((__m256i *)(void *)buckets, all);
            for (; found; found &= found - 1) {
                unsigned i = (unsigned)__builtin_ctz(found);
                ret[count++] = (struct find_hit){end + i, buckets[i]};
            }
        }
    }
    *at = end;
    return count;
}

/* With `depth` and `delta` constant: the tables stay in registers. */
TARGET_AVX512 static inline __attribute__((always_inline)) uint32_t
scan_wide(const struct finder *finder, int depth, bool delta, bytes object, size_t *at,
          size_t limit, struct find_hit *ret, uint32_t count)
{
    __m512i low[FIND_BYTES], high[FIND_BYTES];
    const __m512i half = _mm512_set1_epi8(15);
    size_t end = *at;

    for (int i = 0; i < depth; i++) {
        low[i] = _mm512_broadcast_i32x4(
            _mm_loadu_si128((const __m128i *)(const void *)finder->low[i]));
        high[i] = _mm512_broadcast_i32x4(
            _mm_loadu_si128((const __m128i *)(const void *)finder->high[i]));
    }
    for (; end + 64 <= limit && count + 64 <= FIND_BATCH; end += 64) {
        __m512i all = _mm512_set1_epi8(-1);
        uint64_t found;
        for (int i = 0; i < depth; i++) {
            const uint8_t *p = object.at + end - (size_t)i;
            __m512i v = _mm512_loadu_si512(p), a, b;
            if (delta)
                v = _mm512_xor_si512(v, _mm512_loadu_si512(p - 1));
            a = _mm512_shuffle_epi8(low[i], _mm512_and_si512(v, half));
            b = _mm512_shuffle_epi8(high[i], _mm512_and_si512(_mm512_srli_epi16(v, 4), half));
            all = _mm512_ternarylogic_epi32(all, a, b, 0x80);
        }
        found = _mm512_test_epi8_mask(all, all);
        if (found) {
            uint8_t buckets[64];
            _mm512_storeu_si512(buckets, all);
            for (; found; found &= found - 1) {
                unsigned i = (unsigned)__builtin_ctzll(found);
                ret[count++] = (struct find_hit){end + i, buckets[i]};
            }
        }
    }
    *at = end;
    return count;
}

TARGET_AVX512 static uint32_t scan_avx512(const struct finder *finder, bytes object, size_t *at,
                                          size_t limit, struct find_hit *ret, uint32_t count)
{
    if (finder->delta)
        return scan_wide(finder, finder->depth, true, object, at, limit, ret, count);
    switch (finder->depth) {
    case 1:
        return scan_wide(finder, 1, false, object, at, limit, ret, count);
    case 2:
        return scan_wide(finder, 2, false, object, at, limit, ret, count);
    case 3:
        return scan_wide(finder, 3, false, object, at, limit, ret, count);
    default:
        return scan_wide(finder, FIND_BYTES, false, object, at, limit, ret, count);
    }
}
#endif

uint32_t finder_scan(const struct finder *finder, bytes object, size_t *at, size_t limit,
                     struct find_hit ret[static FIND_BATCH])
{
    uint32_t count = 0;
    size_t lead = FIND_BYTES + 1;

    if (*at < lead)
        count = scan_plain(finder, object, at, lead < limit ? lead : limit, ret, 0);
#if defined(__x86_64__)
    if (finder->depth && *at >= lead) {
        if (cpu_level() == CPU_AVX512)
            count = scan_avx512(finder, object, at, limit, ret, count);
        else if (cpu_level() == CPU_AVX2)
            count = scan_avx2(finder, object, at, limit, ret, count);
        if (limit - *at >= 64 && count)
            return count;
    }
#endif
    return scan_plain(finder, object, at, limit, ret, count);
}
