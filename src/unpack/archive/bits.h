/* bits — reading a hostile stream bit by bit, low bits first (deflate, zip's old methods, LZW)
 * or high bits first (LZH, ARJ). Past the end come zeros, and `over` says so. */
#pragma once
#include "base/base.h"

struct bits {
    bytes in;
    size_t at; /* next byte to load */
    uint64_t hold;
    unsigned count; /* valid bits in hold */
    unsigned over;  /* bits that were made up, at most once around */
};

static inline uint64_t bits_next_byte(struct bits *bits)
{
    uint8_t byte = 0;
    if (bits->at < bits->in.len)
        byte = bits->in.at[bits->at];
    else
        bits->over += 8;
    bits->at++;
    return byte;
}

/* What was not taken, from the next whole byte on. */
static inline bytes bits_rest(const struct bits *bits)
{
    return bytes_slice(bits->in, bits->at - bits->count / 8, bits->in.len);
}

/* At least 32 bits in hold, at the bottom. */
static inline void bits_fill_low(struct bits *bits)
{
    for (; bits->count <= 56; bits->count += 8)
        bits->hold |= bits_next_byte(bits) << bits->count;
}

/* The same at the top. */
static inline void bits_fill_high(struct bits *bits)
{
    for (; bits->count <= 56; bits->count += 8)
        bits->hold |= bits_next_byte(bits) << (56 - bits->count);
}

/* `n` <= 32 bits, without and with taking them. */
static inline uint32_t bits_peek_low(struct bits *bits, unsigned n)
{
    if (bits->count < n)
        bits_fill_low(bits);
    return (uint32_t)(bits->hold & ((UINT64_C(1) << n) - 1));
}

static inline void bits_skip_low(struct bits *bits, unsigned n)
{
    bits->hold >>= n;
    bits->count -= n;
}

static inline uint32_t bits_low(struct bits *bits, unsigned n)
{
    uint32_t ret = bits_peek_low(bits, n);
    bits_skip_low(bits, n);
    return ret;
}

static inline uint32_t bits_peek_high(struct bits *bits, unsigned n)
{
    if (bits->count < n)
        bits_fill_high(bits);
    return n ? (uint32_t)(bits->hold >> (64 - n)) : 0;
}

static inline void bits_skip_high(struct bits *bits, unsigned n)
{
    bits->hold <<= n;
    bits->count -= n;
}

static inline uint32_t bits_high(struct bits *bits, unsigned n)
{
    uint32_t ret = bits_peek_high(bits, n);
    bits_skip_high(bits, n);
    return ret;
}

/* More was taken than there was. */
static inline bool bits_over(const struct bits *bits)
{
    return bits->over > bits->count;
}
