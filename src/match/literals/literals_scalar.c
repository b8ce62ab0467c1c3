/* The reference: what the vector variants must answer too. */
#include "match/literals/literals_table.h"

#include <string.h>

static uint32_t find_long(const uint32_t *first, uint32_t bits, const uint8_t *at, uint32_t n,
                          uint32_t *out)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i += 4) {
        uint32_t h = window_hash8(load_le32(at + i), load_le32(at + i + 4));
        out[found] = i;
        found += !(window_long_bits(h) & ~first[window_long_word(h, bits)]);
    }
    return found;
}

static uint32_t find_middle(const uint32_t *first, uint32_t bits, const uint8_t *at, uint32_t n,
                            uint32_t *out)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i += 4) {
        uint32_t four = load_le32(at + i), word = first[window_word(four >> 8, bits)];
        out[found] = i;
        found += word >> window_side(four) & word >> 16 >> window_side(at[i + 4]) & 1;
    }
    return found;
}

static uint32_t find_dense(const uint32_t *first, uint32_t bits, const uint8_t *at, uint32_t n,
                           uint32_t *out)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i += 2) {
        uint32_t four = load_le32(at + i), word = first[window_word(four >> 8, bits)];
        out[found] = i;
        found += word >> window_side(four) & 1;
        out[found] = i + 1;
        found += word >> 16 >> window_side(at[i + 4]) & 1;
    }
    return found;
}

static size_t both(const uint8_t *a, const uint8_t *b, size_t n, uint8_t x, uint8_t y)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t *next = memchr(a + i, x, n - i);
        if (!next)
            return n;
        i = (size_t)(next - a);
        if (b[i] == y)
            return i;
    }
    return n;
}

uint32_t literals_plain_tiny(const struct tiny_gate *gate, const uint8_t second[256],
                             const uint32_t pairs[TINY_WORDS], const uint8_t *at, uint32_t n,
                             uint32_t *out)
{
    (void)gate;
    (void)second;
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t pair = load_le16(at + i);
        out[found] = i;
        found += pairs[pair >> 5] >> (pair & 31) & 1;
    }
    return found;
}

const struct literals_steps literals_scalar = {
    .find = {[LONG] = find_long, [MIDDLE] = find_middle, [DENSE] = find_dense},
    .both = both,
    .tiny = literals_plain_tiny,
};
