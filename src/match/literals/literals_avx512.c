/* AVX-512 (VBMI) variant of what literals_scalar.c says. Gathers do the look-ups: on Zen 4 a
 * lane of a gather costs 0.45 ns in a bitmap of 16 KiB and 0.66 ns in one of 512 KiB, half of
 * what scalar code takes. Survivors are compressed in a register and stored whole: compressing
 * stores are microcoded there. */
#if defined(__x86_64__)
#include "match/literals/literals_table.h"

#include <immintrin.h>

#define VECTOR                                                                                 \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi,popcnt")))
#define LANES VECTOR static inline __attribute__((always_inline))

LANES __m512i all(uint32_t value)
{
    return _mm512_set1_epi32((int)value);
}

LANES __m512i hash8(__m512i a, __m512i b)
{
    b = _mm512_mullo_epi32(_mm512_and_si512(b, all(FOLD32)), all(0x85EBCA77u));
    b = _mm512_xor_si512(_mm512_rol_epi32(b, 15), _mm512_and_si512(a, all(FOLD32)));
    b = _mm512_xor_si512(b, _mm512_srli_epi32(b, 15));
    return _mm512_mullo_epi32(b, all(0x9E3779B1u));
}

/* The words of cores, which are the upper three bytes of each lane, folded. */
LANES __m512i words_of(const uint32_t *first, __m128i shift, __m512i folded)
{
    __m512i triple = _mm512_srli_epi32(folded, 8);
    triple = _mm512_xor_si512(triple, _mm512_srli_epi32(triple, 15));
    __m512i h = _mm512_mullo_epi32(triple, all(0x9E3779B1u));
    return _mm512_i32gather_epi32(_mm512_srl_epi32(h, shift), first, 4);
}

LANES uint32_t append(uint32_t *out, uint32_t found, __mmask16 mask, __m512i positions)
{
    _mm512_storeu_si512(out + found, _mm512_maskz_compress_epi32(mask, positions));
    return found + (uint32_t)__builtin_popcount(mask);
}

VECTOR static uint32_t find_long(const uint32_t *first, uint32_t bits, const uint8_t *at,
                                 uint32_t n, uint32_t *out)
{
    const __m128i shift = _mm_cvtsi32_si128((int)(37 - bits));
    const __m512i one = all(1);
    __m512i positions =
        _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60);
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i += 64) {
        __m512i h = hash8(_mm512_loadu_si512(at + i), _mm512_loadu_si512(at + i + 4));
        __m512i words = _mm512_i32gather_epi32(_mm512_srl_epi32(h, shift), first, 4);
        /* Rotation takes its counts modulo 32. */
        __m512i low = _mm512_rorv_epi32(words, _mm512_srli_epi32(h, 4));
        __m512i high = _mm512_rorv_epi32(words, _mm512_srli_epi32(h, 9));
        __mmask16 mask = _mm512_test_epi32_mask(_mm512_and_si512(low, high), one);
        found = append(out, found, mask, positions);
        positions = _mm512_add_epi32(positions, all(64));
    }
    return found;
}

/* window_side of the lowest byte of each lane, folded already. */
LANES __m512i side(__m512i a)
{
    __mmask16 is_other = _mm512_test_epi32_mask(a, all(0xff));
    __m512i class = _mm512_and_si512(_mm512_xor_si512(a, _mm512_srli_epi32(a, 4)), all(15));
    return _mm512_maskz_max_epu32(is_other, class, all(1));
}

VECTOR static uint32_t find_middle(const uint32_t *first, uint32_t bits, const uint8_t *at,
                                   uint32_t n, uint32_t *out)
{
    const __m128i shift = _mm_cvtsi32_si128((int)(37 - bits));
    const __m512i fold = all(FOLD32), one = all(1);
    __m512i positions =
        _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60);
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i += 64) {
        __m512i here = _mm512_and_si512(_mm512_loadu_si512(at + i), fold);
        __m512i next = _mm512_and_si512(_mm512_loadu_si512(at + i + 4), fold);
        __m512i words = words_of(first, shift, here);
        __m512i before = _mm512_srlv_epi32(words, side(here));
        __m512i after = _mm512_srlv_epi32(_mm512_srli_epi32(words, 16), side(next));
        __mmask16 mask = _mm512_test_epi32_mask(_mm512_and_si512(before, after), one);
        found = append(out, found, mask, positions);
        positions = _mm512_add_epi32(positions, all(64));
    }
    return found;
}

VECTOR static uint32_t find_dense(const uint32_t *first, uint32_t bits, const uint8_t *at,
                                  uint32_t n, uint32_t *out)
{
    const __m128i shift = _mm_cvtsi32_si128((int)(37 - bits));
    /* Lane k takes bytes 2k .. 2k+3, and byte 2k+4. */
    const __m512i spread = _mm512_setr_epi32(0x03020100, 0x05040302, 0x07060504, 0x09080706,
                                             0x0b0a0908, 0x0d0c0b0a, 0x0f0e0d0c, 0x11100f0e,
                                             0x13121110, 0x15141312, 0x17161514, 0x19181716,
                                             0x1b1a1918, 0x1d1c1b1a, 0x1f1e1d1c, 0x21201f1e);
    __m512i positions =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i fold = all(FOLD32), one = all(1);
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i += 32) {
        __m512i here = _mm512_and_si512(_mm512_loadu_si512(at + i), fold);
        __m512i a = _mm512_permutexvar_epi8(spread, here);
        __m512i after = _mm512_permutexvar_epi8(_mm512_add_epi8(spread, all(0x04040404)), here);
        __m512i words = words_of(first, shift, a);
        __m512i left = side(a), right = side(after);
        __mmask16 even = _mm512_test_epi32_mask(_mm512_srlv_epi32(words, left), one);
        __mmask16 odd =
            _mm512_test_epi32_mask(_mm512_srlv_epi32(_mm512_srli_epi32(words, 16), right), one);
        found = append(out, found, even, positions);
        found = append(out, found, odd, _mm512_add_epi32(positions, one));
        positions = _mm512_add_epi32(positions, all(32));
    }
    return found;
}

VECTOR static size_t both(const uint8_t *a, const uint8_t *b, size_t n, uint8_t x, uint8_t y)
{
    const __m512i first = _mm512_set1_epi8((char)x), second = _mm512_set1_epi8((char)y);
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        __mmask64 mask = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(a + i), first);
        mask = _mm512_mask_cmpeq_epi8_mask(mask, _mm512_loadu_si512(b + i), second);
        if (mask)
            return i + (size_t)__builtin_ctzll(mask);
    }
    if (i == n)
        return n;
    __mmask64 rest = (1ull << (n - i)) - 1;
    __mmask64 mask =
        _mm512_mask_cmpeq_epi8_mask(rest, _mm512_maskz_loadu_epi8(rest, a + i), first);
    mask = _mm512_mask_cmpeq_epi8_mask(mask, _mm512_maskz_loadu_epi8(rest, b + i), second);
    return mask ? i + (size_t)__builtin_ctzll(mask) : n;
}

/* Appends the positions of the set bits, by four, with up to three too many: their number is
 * hard to foresee. */
LANES uint32_t append_bits(uint32_t *out, uint32_t found, uint64_t mask, uint32_t at)
{
    uint32_t *to = out + found;
    found += (uint32_t)__builtin_popcountll(mask);
    while (mask) {
        for (int k = 0; k < 4; k++) {
            *to++ = at + (uint32_t)_tzcnt_u64(mask);
            mask &= mask - 1;
        }
    }
    return found;
}

/* The halves of the table are as one: bytes are taken for those with the top bit clear, too. It
 * lets more through, in half the time. */
LANES void load_folded(const uint8_t table[256], __m512i ret[2])
{
    for (int i = 0; i < 2; i++)
        ret[i] = _mm512_or_si512(_mm512_loadu_si512(table + 64 * i),
                                 _mm512_loadu_si512(table + 128 + 64 * i));
}

/* Of a table of 128 bytes; the top bit of an index is not looked at. */
LANES __m512i look_up(const __m512i table[2], const uint8_t *at)
{
    return _mm512_permutex2var_epi8(table[0], _mm512_loadu_si512(at), table[1]);
}

VECTOR static uint32_t tiny(const struct tiny_gate *gate, const uint8_t second[256],
                            const uint32_t pairs[TINY_WORDS], const uint8_t *at, uint32_t n,
                            uint32_t *out)
{
    (void)pairs;
    __m512i a[2], b[2], c[2];
    load_folded(gate->first, a);
    load_folded(second, b);
    load_folded(gate->third, c);
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i += 64) {
        __m512i pair = _mm512_and_si512(look_up(a, at + i), look_up(b, at + i + 1));
        uint64_t mask = _mm512_test_epi8_mask(pair, look_up(c, at + i + 2));
        found = append_bits(out, found, mask, i);
    }
    return found;
}

VECTOR static uint32_t few(const struct dense_gate *gate, const uint8_t *at, uint32_t n,
                           uint32_t *out)
{
    __m512i table[GATE_WIDTH][2];
    for (int i = 0; i < GATE_WIDTH; i++)
        for (int k = 0; k < 2; k++)
            table[i][k] = _mm512_loadu_si512(gate->at[i] + 64 * k);
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i += 64) {
        const uint8_t *here = at + i;
        __m512i front = _mm512_and_si512(look_up(table[0], here), look_up(table[1], here + 1));
        __m512i rear =
            _mm512_and_si512(look_up(table[2], here + 2), look_up(table[3], here + 3));
        found = append_bits(out, found, _mm512_test_epi8_mask(front, rear), i);
    }
    return found;
}

const struct literals_steps literals_avx512 = {
    .find = {[LONG] = find_long, [MIDDLE] = find_middle, [DENSE] = find_dense},
    .few = few,
    .both = both,
    .tiny = tiny,
    .has_gates = true,
};
#endif
