/* Deflate64 (APPNOTE.TXT 5.5: "enhanced deflating"): as RFC 1951, but the window is 64 KiB,
 * distance codes 30 and 31 have 14 more bits, and length code 285 means 3 and 16 more bits. */
#include "unpack/archive/huffman.h"
#include "unpack/archive/zip.h"

enum { LENGTHS = 19, LITERALS = 288, DISTANCES = 32, END_OF_BLOCK = 256, TABLE_STEPS = 600 };

struct inflate64 {
    struct bits bits;
    struct outlet out;
    struct huffman literals, distances, lengths;
};

static bool fixed_tables(struct inflate64 *inflate)
{
    uint8_t lengths[LITERALS];
    memset(lengths, 8, sizeof lengths);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    if (!huffman_build(&inflate->literals, lengths, LITERALS))
        return false;
    memset(lengths, 5, DISTANCES);
    return huffman_build(&inflate->distances, lengths, DISTANCES);
}

/* RFC 1951, 3.2.7. */
static bool dynamic_tables(struct inflate64 *inflate)
{
    static const uint8_t order[LENGTHS] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                           11, 4,  12, 3, 13, 2, 14, 1, 15};
    struct bits *bits = &inflate->bits;
    uint8_t lengths[LITERALS + DISTANCES] = {0};
    size_t literals = bits_low(bits, 5) + 257, distances = bits_low(bits, 5) + 1;
    size_t count = bits_low(bits, 4) + 4, n = 0;
    for (size_t i = 0; i < count; i++)
        lengths[order[i]] = (uint8_t)bits_low(bits, 3);
    if (literals > LITERALS || !huffman_build(&inflate->lengths, lengths, LENGTHS))
        return false;
    memset(lengths, 0, sizeof lengths);
    while (n < literals + distances) {
        int symbol = huffman_low(&inflate->lengths, bits, 0);
        uint8_t value = 0;
        size_t times = 1;
        if (symbol < 0 || (symbol == 16 && n == 0) || bits_over(bits))
            return false;
        if (symbol < 16)
            value = (uint8_t)symbol;
        else if (symbol == 16)
            value = lengths[n - 1];
        if (symbol == 16)
            times = 3 + bits_low(bits, 2);
        else if (symbol > 16)
            times = symbol == 17 ? 3 + bits_low(bits, 3) : 11 + bits_low(bits, 7);
        if (times > literals + distances - n)
            return false;
        memset(lengths + n, value, times);
        n += times;
    }
    return huffman_build(&inflate->literals, lengths, literals) &&
           huffman_build(&inflate->distances, lengths + literals, distances);
}

static enum decoded stored_block(struct inflate64 *inflate)
{
    struct bits *bits = &inflate->bits;
    bits_skip_low(bits, bits->count % 8);
    uint32_t size = bits_low(bits, 16), mirrored = bits_low(bits, 16);
    if (size != (~mirrored & 0xffff))
        return DECODED_DAMAGED;
    while (size--) {
        uint8_t byte = (uint8_t)bits_low(bits, 8);
        if (bits_over(bits))
            return DECODED_CUT;
        if (!outlet_byte(&inflate->out, byte))
            return inflate->out.state;
    }
    return DECODED;
}

/* A length from its symbol, 257 to 285; 0 for none. */
static size_t length_of(struct bits *bits, unsigned symbol)
{
    if (symbol < 265)
        return symbol - 254;
    if (symbol == 285)
        return 3 + bits_low(bits, 16);
    if (symbol > 285)
        return 0;
    unsigned extra = (symbol - 261) / 4;
    return 3 + ((4u + (symbol - 261) % 4) << extra) + bits_low(bits, extra);
}

static size_t distance_of(struct bits *bits, unsigned symbol)
{
    if (symbol < 4)
        return symbol + 1;
    unsigned extra = symbol / 2 - 1;
    return 1 + ((2u + symbol % 2) << extra) + bits_low(bits, extra);
}

static enum decoded coded_block(struct inflate64 *inflate)
{
    struct bits *bits = &inflate->bits;
    for (;;) {
        int symbol = huffman_low(&inflate->literals, bits, 0);
        if (bits_over(bits))
            return DECODED_CUT;
        if (symbol == END_OF_BLOCK)
            return DECODED;
        if (symbol < 0)
            return DECODED_DAMAGED;
        if (symbol < END_OF_BLOCK) {
            if (!outlet_byte(&inflate->out, (uint8_t)symbol))
                return inflate->out.state;
            continue;
        }
        size_t length = length_of(bits, (unsigned)symbol);
        int code = huffman_low(&inflate->distances, bits, 0);
        if (length == 0 || code < 0)
            return DECODED_DAMAGED;
        if (!outlet_copy(&inflate->out, distance_of(bits, (unsigned)code), length, -1))
            return inflate->out.state;
    }
}

static enum decoded decode_blocks(struct inflate64 *inflate)
{
    enum decoded how = DECODED;
    bool last = false;
    while (!last && how == DECODED && !outlet_whole(&inflate->out)) {
        last = bits_low(&inflate->bits, 1);
        uint32_t kind = bits_low(&inflate->bits, 2);
        if (bits_over(&inflate->bits))
            return DECODED_CUT;
        if (!budget_charge(inflate->out.unpack->budget, TABLE_STEPS))
            return DECODED_STOP;
        if (kind == 0)
            how = stored_block(inflate);
        else if (kind == 3 || !(kind == 1 ? fixed_tables : dynamic_tables)(inflate))
            how = bits_over(&inflate->bits) ? DECODED_CUT : DECODED_DAMAGED;
        else
            how = coded_block(inflate);
    }
    return how;
}

enum decoded zip_inflate64(struct unpack *unpack, bytes *in, uint64_t size)
{
    struct inflate64 *inflate = PUSH(unpack->arena, struct inflate64);
    if (!inflate)
        return DECODED_TOO_LARGE;
    inflate->bits.in = *in;
    outlet_open(&inflate->out, unpack, size);
    enum decoded how = outlet_close(&inflate->out, decode_blocks(inflate));
    size_t ahead = inflate->bits.count / 8; /* bytes in hold that were not used */
    size_t at = inflate->bits.at > ahead ? inflate->bits.at - ahead : 0;
    *in = bytes_slice(*in, at, in->len);
    return how;
}
