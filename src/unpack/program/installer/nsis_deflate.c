/* Deflate as NSIS writes it: RFC 1951, but a stored block's length (section 3.2.4) need not be
 * followed by its complement: NSIS's own zlib leaves it out, Debian's NSIS uses the ordinary
 * one. Source/zlib/INFLATE.C of NSIS 3.08. */
#include "unpack/archive/huffman.h"
#include "unpack/program/installer/nsis.h"

enum { LITERALS = 288, DISTANCES = 32, CODES = 19, END_OF_BLOCK = 256 };

struct inflate {
    struct bits bits;
    struct outlet out;
    struct huffman literal, distance;
};

static enum decoded cut_or_damaged(const struct inflate *z)
{
    return bits_over(&z->bits) ? DECODED_CUT : DECODED_DAMAGED;
}

static enum decoded stored(struct inflate *z)
{
    bits_skip_low(&z->bits, z->bits.count & 7);
    uint32_t left = bits_low(&z->bits, 16);
    if (bits_peek_low(&z->bits, 16) == (left ^ 0xffff))
        bits_skip_low(&z->bits, 16);
    for (; left; left--) {
        uint8_t byte = (uint8_t)bits_low(&z->bits, 8);
        if (bits_over(&z->bits))
            return DECODED_CUT;
        if (!outlet_byte(&z->out, byte))
            return z->out.state;
    }
    return DECODED;
}

static void fixed_codes(struct inflate *z)
{
    uint8_t lengths[LITERALS];
    for (int i = 0; i < LITERALS; i++)
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    bool built = huffman_build(&z->literal, lengths, LITERALS);
    memset(lengths, 5, 30);
    built = huffman_build(&z->distance, lengths, 30) && built;
    (void)built;
}

/* RFC 1951 section 3.2.7. */
static bool dynamic_codes(struct inflate *z)
{
    static const uint8_t order[CODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                         11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[LITERALS + DISTANCES] = {0}, small[CODES] = {0};
    uint32_t literals = bits_low(&z->bits, 5) + 257, distances = bits_low(&z->bits, 5) + 1;
    uint32_t count = bits_low(&z->bits, 4) + 4, n = 0;
    if (literals > 286)
        return false;
    for (uint32_t i = 0; i < count; i++)
        small[order[i]] = (uint8_t)bits_low(&z->bits, 3);
    if (!huffman_build(&z->literal, small, CODES))
        return false;
    while (n < literals + distances) {
        int symbol = huffman_low(&z->literal, &z->bits, 0);
        uint32_t times = 1;
        uint8_t length = 0;
        if (symbol < 0 || bits_over(&z->bits) || (symbol == 16 && n == 0))
            return false;
        if (symbol < 16)
            length = (uint8_t)symbol;
        else if (symbol == 16)
            length = lengths[n - 1], times = bits_low(&z->bits, 2) + 3;
        else
            times = symbol == 17 ? bits_low(&z->bits, 3) + 3 : bits_low(&z->bits, 7) + 11;
        if (times > literals + distances - n)
            return false;
        memset(lengths + n, length, times);
        n += times;
    }
    return huffman_build(&z->literal, lengths, literals) &&
           huffman_build(&z->distance, lengths + literals, distances);
}

/* Section 3.2.5. */
static enum decoded codes(struct inflate *z)
{
    static const uint16_t base[29] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                      15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                      67, 83, 99, 115, 131, 163, 195, 227, 258};
    for (;;) {
        int symbol = huffman_low(&z->literal, &z->bits, 0);
        if (symbol < 0 || symbol > 285 || bits_over(&z->bits))
            return cut_or_damaged(z);
        if (symbol == END_OF_BLOCK)
            return DECODED;
        if (symbol < END_OF_BLOCK) {
            if (!outlet_byte(&z->out, (uint8_t)symbol))
                return z->out.state;
            continue;
        }
        uint32_t index = (uint32_t)symbol - 257;
        uint32_t extra = index < 8 || index == 28 ? 0 : (index - 4) / 4;
        uint32_t length = base[index] + bits_low(&z->bits, extra);
        int code = huffman_low(&z->distance, &z->bits, 0);
        if (code < 0 || code > 29)
            return cut_or_damaged(z);
        uint32_t more = code < 4 ? 0 : (uint32_t)code / 2 - 1;
        uint32_t distance =
            code < 4 ? (uint32_t)code + 1
                     : ((2 | ((uint32_t)code & 1)) << more) + 1 + bits_low(&z->bits, more);
        if (!outlet_copy(&z->out, distance, length, -1))
            return z->out.state;
    }
}

static enum decoded blocks(struct inflate *z)
{
    for (bool last = false; !last;) {
        last = bits_low(&z->bits, 1);
        uint32_t type = bits_low(&z->bits, 2);
        enum decoded how = DECODED_DAMAGED;
        if (!budget_charge(z->out.unpack->budget, 64))
            return DECODED_STOP;
        if (type == 0) {
            how = stored(z);
        } else if (type == 1) {
            fixed_codes(z);
            how = codes(z);
        } else if (type == 2) {
            how = dynamic_codes(z) ? codes(z) : cut_or_damaged(z);
        }
        if (how != DECODED)
            return how;
    }
    return DECODED;
}

enum decoded nsis_inflate(struct unpack *unpack, bytes *in)
{
    struct arena_mark mark = arena_mark(unpack->arena);
    struct inflate *z = PUSH(unpack->arena, struct inflate);
    if (!z)
        return DECODED_TOO_LARGE;
    z->bits.in = *in;
    outlet_open(&z->out, unpack, UINT64_MAX);
    enum decoded how = outlet_close(&z->out, blocks(z));
    *in = bits_rest(&z->bits);
    arena_pop(unpack->arena, mark);
    return how;
}
