/* huffman — canonical prefix codes of at most 16 bits: codes of one length are consecutive, and
 * longer ones follow shorter ones (RFC 1951 section 3.2.2). */
#pragma once
#include "unpack/archive/bits.h"

enum { HUFFMAN_MAX = 16, HUFFMAN_FAST = 9, HUFFMAN_SYMBOLS = 512 };

struct huffman {
    uint32_t limit[HUFFMAN_MAX + 2]; /* first code that is longer, from the top of 16 bits */
    uint16_t first[HUFFMAN_MAX + 1]; /* index of the first symbol of that length */
    uint16_t symbols[HUFFMAN_SYMBOLS];
    uint16_t fast[1 << HUFFMAN_FAST]; /* symbol << 5 | length; 0: longer */
};

/* From the code lengths of `count` <= HUFFMAN_SYMBOLS symbols. False when the lengths promise
 * more codes than there are. */
bool huffman_build(struct huffman *huffman, const uint8_t *lengths, size_t count);
/* The symbol at the head of 16 bits, and its length; -1 for a code that is none. */
int huffman_find(const struct huffman *huffman, uint32_t head, unsigned *ret_length);

/* The next symbol of a stream with high bits first; -1 for none. */
static inline int huffman_high(const struct huffman *huffman, struct bits *bits)
{
    unsigned length = 0;
    int symbol = huffman_find(huffman, bits_peek_high(bits, 16), &length);
    bits_skip_high(bits, length);
    return symbol;
}

/* Of one with low bits first; `flip` is 0xffff where codes are stored inverted, else 0. */
static inline int huffman_low(const struct huffman *huffman, struct bits *bits, uint32_t flip)
{
    unsigned length = 0;
    uint32_t v = bits_peek_low(bits, 16) ^ flip;
    v = (v >> 1 & 0x5555) | (v & 0x5555) << 1;
    v = (v >> 2 & 0x3333) | (v & 0x3333) << 2;
    v = (v >> 4 & 0x0f0f) | (v & 0x0f0f) << 4;
    v = (v >> 8 & 0x00ff) | (v & 0x00ff) << 8;
    int symbol = huffman_find(huffman, v, &length);
    bits_skip_low(bits, length);
    return symbol;
}
