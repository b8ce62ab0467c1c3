/* AVX2 variant of what literals_scalar.c says. */
#if defined(__x86_64__)
#include "match/literals/literals_table.h"

#include <immintrin.h>

#define VECTOR __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define LANES  VECTOR static inline __attribute__((always_inline))

LANES __m256i all(uint32_t value)
{
    return _mm256_set1_epi32((int)value);
}

LANES __m256i hash8(__m256i a, __m256i b)
{
    b = _mm256_mullo_epi32(_mm256_and_si256(b, all(FOLD32)), all(0x85EBCA77u));
    b = _mm256_or_si256(_mm256_slli_epi32(b, 15), _mm256_srli_epi32(b, 17));
    b = _mm256_xor_si256(b, _mm256_and_si256(a, all(FOLD32)));
    b = _mm256_xor_si256(b, _mm256_srli_epi32(b, 15));
    return _mm256_mullo_epi32(b, all(0x9E3779B1u));
}

LANES __m256i gather(const uint32_t *first, __m256i index)
{
    return _mm256_i32gather_epi32((const int *)first, index, 4);
}

/* The words of cores, which are the upper three bytes of each lane, folded. */
LANES __m256i words_of(const uint32_t *first, __m128i shift, __m256i folded)
{
    __m256i triple = _mm256_srli_epi32(folded, 8);
    triple = _mm256_xor_si256(triple, _mm256_srli_epi32(triple, 15));
    __m256i h = _mm256_mullo_epi32(triple, all(0x9E3779B1u));
    return gather(first, _mm256_srl_epi32(h, shift));
}

/* Bit `number` (0 to 31) of each lane, as its sign. */
LANES __m256i bit_of(__m256i words, __m256i number)
{
    return _mm256_sllv_epi32(words, _mm256_sub_epi32(all(31), number));
}

LANES uint32_t signs(__m256i lanes)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(lanes));
}

/* The numbers of the set bits of a byte, 4 bits each. */
LANES __m256i compress_order(uint32_t mask)
{
    uint64_t spread = _pdep_u64(mask, 0x1111111111111111u) * 15;
    uint64_t numbers = _pext_u64(0x76543210u, spread);
    __m256i nibbles = _mm256_set1_epi32((int)(uint32_t)numbers);
    nibbles = _mm256_srlv_epi32(nibbles, _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28));
    return _mm256_and_si256(nibbles, all(7));
}

LANES uint32_t append(uint32_t *out, uint32_t found, uint32_t mask, __m256i positions)
{
    __m256i packed = _mm256_permutevar8x32_epi32(positions, compress_order(mask));
    _mm256_storeu_si256((void *)(out + found), packed);
    return found + (uint32_t)__builtin_popcount(mask);
}

LANES __m256i load(const uint8_t *at)
{
    return _mm256_loadu_si256((const void *)at);
}

VECTOR static uint32_t find_long(const uint32_t *first, uint32_t bits, const uint8_t *at,
                                 uint32_t n, uint32_t *out)
{
    const __m128i shift = _mm_cvtsi32_si128((int)(37 - bits));
    const __m256i five = all(31);
    __m256i positions = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28);
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i += 32) {
        __m256i h = hash8(load(at + i), load(at + i + 4));
        __m256i words = gather(first, _mm256_srl_epi32(h, shift));
        __m256i low = bit_of(words, _mm256_and_si256(_mm256_srli_epi32(h, 4), five));
        __m256i high = bit_of(words, _mm256_and_si256(_mm256_srli_epi32(h, 9), five));
        found = append(out, found, signs(_mm256_and_si256(low, high)), positions);
        positions = _mm256_add_epi32(positions, all(32));
    }
    return found;
}

/* window_side of the lowest byte of each lane, folded already. */
LANES __m256i side(__m256i a)
{
    __m256i is_other = _mm256_min_epu32(_mm256_and_si256(a, all(0xff)), all(1));
    __m256i class = _mm256_and_si256(_mm256_xor_si256(a, _mm256_srli_epi32(a, 4)), all(15));
    return _mm256_max_epu32(class, is_other);
}

VECTOR static uint32_t find_middle(const uint32_t *first, uint32_t bits, const uint8_t *at,
                                   uint32_t n, uint32_t *out)
{
    const __m128i shift = _mm_cvtsi32_si128((int)(37 - bits));
    const __m256i fold = all(FOLD32), upper = all(16);
    __m256i positions = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28);
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i += 32) {
        __m256i here = _mm256_and_si256(load(at + i), fold);
        __m256i next = _mm256_and_si256(load(at + i + 4), fold);
        __m256i words = words_of(first, shift, here);
        __m256i before = bit_of(words, side(here));
        __m256i after = bit_of(words, _mm256_or_si256(side(next), upper));
        found = append(out, found, signs(_mm256_and_si256(before, after)), positions);
        positions = _mm256_add_epi32(positions, all(32));
    }
    return found;
}

VECTOR static uint32_t find_dense(const uint32_t *first, uint32_t bits, const uint8_t *at,
                                  uint32_t n, uint32_t *out)
{
    const __m128i shift = _mm_cvtsi32_si128((int)(37 - bits));
    /* Lane k takes bytes 2k .. 2k+3, and byte 2k+4; each half from its own load. */
    const __m256i spread = _mm256_setr_epi32(0x03020100, 0x05040302, 0x07060504, 0x09080706,
                                             0x03020100, 0x05040302, 0x07060504, 0x09080706);
    __m256i positions = _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14);
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i += 16) {
        __m256i here = _mm256_inserti128_si256(
            _mm256_castsi128_si256(_mm_loadu_si128((const void *)(at + i))),
            _mm_loadu_si128((const void *)(at + i + 8)), 1);
        here = _mm256_and_si256(here, all(FOLD32));
        __m256i a = _mm256_shuffle_epi8(here, spread);
        __m256i after = _mm256_shuffle_epi8(here, _mm256_add_epi8(spread, all(0x04040404)));
        __m256i words = words_of(first, shift, a);
        uint32_t even = signs(bit_of(words, side(a)));
        uint32_t odd = signs(bit_of(words, _mm256_or_si256(side(after), all(16))));
        found = append(out, found, even, positions);
        found = append(out, found, odd, _mm256_add_epi32(positions, all(1)));
        positions = _mm256_add_epi32(positions, all(16));
    }
    return found;
}

VECTOR static size_t both(const uint8_t *a, const uint8_t *b, size_t n, uint8_t x, uint8_t y)
{
    const __m256i first = _mm256_set1_epi8((char)x), second = _mm256_set1_epi8((char)y);
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256i match = _mm256_and_si256(_mm256_cmpeq_epi8(load(a + i), first),
                                         _mm256_cmpeq_epi8(load(b + i), second));
        uint32_t mask = (uint32_t)_mm256_movemask_epi8(match);
        if (mask)
            return i + (size_t)__builtin_ctz(mask);
    }
    for (; i < n; i++)
        if (a[i] == x && b[i] == y)
            return i;
    return n;
}

/* `tiny` is the plain one: a table of 256 bytes would take sixteen shuffles. */
const struct literals_steps literals_avx2 = {
    .find = {[LONG] = find_long, [MIDDLE] = find_middle, [DENSE] = find_dense},
    .both = both,
    .tiny = literals_plain_tiny,
};
#endif
