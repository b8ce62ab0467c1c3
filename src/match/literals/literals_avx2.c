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

/* Appends the positions of the set bits, by four, with up to three too many: their number is
 * hard to foresee. */
LANES uint32_t append_bits(uint32_t *out, uint32_t found, uint32_t mask, uint32_t at)
{
    uint32_t *to = out + found;
    found += (uint32_t)__builtin_popcount(mask);
    while (mask) {
        for (int k = 0; k < 4; k++) {
            *to++ = at + _tzcnt_u32(mask);
            mask &= mask - 1;
        }
    }
    return found;
}

/* A table of bytes as two: what any byte with that lower, and with that upper half has. A
 * look-up takes two shuffles, where the table itself takes sixteen, and lets bytes pass by the
 * halves of others: at most 0.5 % of positions instead of 0.02, of the real signatures. For the
 * gate of DENSE it would be so many that `few` is not worth it. */
struct halves {
    __m256i lower, upper;
};

LANES struct halves halves_of(const uint8_t table[256])
{
    __m128i lower = _mm_setzero_si128();
    uint8_t upper[16];
    for (int i = 0; i < 16; i++) {
        __m128i row = _mm_loadu_si128((const void *)(table + 16 * i));
        lower = _mm_or_si128(lower, row);
        row = _mm_or_si128(row, _mm_srli_si128(row, 8));
        row = _mm_or_si128(row, _mm_srli_epi64(row, 32));
        row = _mm_or_si128(row, _mm_srli_epi64(row, 16));
        upper[i] = (uint8_t)_mm_extract_epi8(_mm_or_si128(row, _mm_srli_epi64(row, 8)), 0);
    }
    return (struct halves){
        _mm256_broadcastsi128_si256(lower),
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)upper)),
    };
}

LANES __m256i look_up(struct halves table, const uint8_t *at)
{
    const __m256i low = _mm256_set1_epi8(15);
    __m256i here = load(at);
    __m256i upper = _mm256_and_si256(_mm256_srli_epi16(here, 4), low);
    return _mm256_and_si256(_mm256_shuffle_epi8(table.lower, _mm256_and_si256(here, low)),
                            _mm256_shuffle_epi8(table.upper, upper));
}

LANES uint32_t not_zero(__m256i lanes)
{
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(lanes, _mm256_setzero_si256()));
}

VECTOR static uint32_t tiny(const struct tiny_gate *gate, const uint8_t second[256],
                            const uint32_t pairs[TINY_WORDS], const uint8_t *at, uint32_t n,
                            uint32_t *out)
{
    (void)pairs;
    struct halves a = halves_of(gate->first), b = halves_of(second);
    struct halves c = halves_of(gate->third);
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i += 32) {
        __m256i pair = _mm256_and_si256(look_up(a, at + i), look_up(b, at + i + 1));
        uint32_t mask = not_zero(_mm256_and_si256(pair, look_up(c, at + i + 2)));
        found = append_bits(out, found, mask, i);
    }
    return found;
}

const struct literals_steps literals_avx2 = {
    .find = {[LONG] = find_long, [MIDDLE] = find_middle, [DENSE] = find_dense},
    .both = both,
    .tiny = tiny,
    .has_gates = true,
};
#endif
