/* words — the bit streams of Microsoft's XPRESS and LZX: 16-bit words, little endian, high bits
 * first. At least 16 bits are held, so that bytes between the words can be read where the
 * formats put them. */
#pragma once
#include "unpack/archive/huffman.h"

struct words {
    bytes in;
    size_t at; /* of the next word; may go beyond the end: zeros come from there */
    uint64_t hold;
    unsigned count; /* bits of hold */
};

static inline void words_fill(struct words *words)
{
    while (words->count < 16) {
        uint16_t word = 0;
        if (bytes_has(words->in, words->at, 2))
            word = load_le16(words->in.at + words->at);
        words->at += 2;
        words->hold = words->hold << 16 | word;
        words->count += 16;
    }
}

static inline struct words words_open(bytes in)
{
    struct words words = {.in = in};
    words_fill(&words);
    words.hold = words.hold << 16 | (in.len >= 4 ? load_le16(in.at + 2) : 0u);
    words.count = 32;
    words.at = 4;
    return words;
}

/* `n` <= 16 bits, without and with taking them. */
static inline uint32_t words_peek(const struct words *words, unsigned n)
{
    return (uint32_t)(words->hold >> (words->count - n)) & ((1u << n) - 1);
}

static inline void words_skip(struct words *words, unsigned n)
{
    words->count -= n;
    words_fill(words);
}

static inline uint32_t words_bits(struct words *words, unsigned n)
{
    uint32_t ret = words_peek(words, n);
    words_skip(words, n);
    return ret;
}

/* -1 for a code that is none. */
static inline int words_symbol(struct words *words, const struct huffman *huffman)
{
    unsigned length = 0;
    int symbol = huffman_find(huffman, words_peek(words, 16), &length);
    words_skip(words, length);
    return symbol;
}

/* Much more was taken than there was. */
static inline bool words_over(const struct words *words)
{
    return words->at > words->in.len + 8;
}
