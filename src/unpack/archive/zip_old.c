/* The methods of PKZIP 0.9 and 1 (APPNOTE.TXT 5.1 to 5.3). Bits come low ones first.
 *
 *     shrink     LZW with codes of 9 to 13 bits; code 256 and 1: wider codes, 256 and 2: codes
 *                that are no prefix are forgotten
 *     reduce     which bytes follow which; then repeats, marked by byte 144
 *     implode    two or three Shannon-Fano trees; literals, or distance and length */
#include "unpack/archive/huffman.h"
#include "unpack/archive/zip.h"

enum {
    SHRINK_CODES = 1 << 13,
    SHRINK_CONTROL = 256,
    SHRINK_WIDTH = 9,
    SHRINK_WIDTH_MAX = 13,
    SHRINK_NONE = 0xffff,
    REDUCE_MARK = 144,
    IMPLODE_LARGE = 2, /* flags: window of 8 KiB */
    IMPLODE_LITERALS = 4,
};

/* --- shrink --- */

struct shrink {
    struct bits bits;
    struct outlet out;
    uint32_t free, previous;
    unsigned width;
    uint16_t prefix[SHRINK_CODES];
    uint8_t suffix[SHRINK_CODES], stack[SHRINK_CODES + 1];
    bool parent[SHRINK_CODES];
};

static void shrink_forget(struct shrink *shrink)
{
    memset(shrink->parent, 0, sizeof shrink->parent);
    for (size_t i = SHRINK_CONTROL + 1; i < SHRINK_CODES; i++)
        if (shrink->prefix[i] != SHRINK_NONE)
            shrink->parent[shrink->prefix[i]] = true;
    for (size_t i = SHRINK_CONTROL + 1; i < SHRINK_CODES; i++)
        if (!shrink->parent[i])
            shrink->prefix[i] = SHRINK_NONE;
    shrink->free = SHRINK_CONTROL;
}

/* The string of a code, backwards on the stack from *n on. False for none. */
static bool shrink_string(struct shrink *shrink, uint32_t code, size_t *n)
{
    while (code >= SHRINK_CONTROL) {
        if (shrink->prefix[code] == SHRINK_NONE || *n >= SHRINK_CODES)
            return false;
        shrink->stack[(*n)++] = shrink->suffix[code];
        code = shrink->prefix[code];
    }
    shrink->stack[(*n)++] = (uint8_t)code;
    return true;
}

static void shrink_learn(struct shrink *shrink, uint8_t suffix)
{
    do
        shrink->free++;
    while (shrink->free < SHRINK_CODES && shrink->prefix[shrink->free] != SHRINK_NONE);
    if (shrink->free >= SHRINK_CODES) {
        shrink->free = SHRINK_CODES - 1;
        return;
    }
    shrink->prefix[shrink->free] = (uint16_t)shrink->previous;
    shrink->suffix[shrink->free] = suffix;
}

static enum decoded shrink_control(struct shrink *shrink)
{
    uint32_t what = bits_low(&shrink->bits, shrink->width);
    if (what == 1 && shrink->width < SHRINK_WIDTH_MAX)
        shrink->width++;
    else if (what == 2)
        shrink_forget(shrink);
    else
        return DECODED_DAMAGED;
    return budget_charge(shrink->out.unpack->budget, what == 2 ? 8192 : 1) ? DECODED
                                                                           : DECODED_STOP;
}

static enum decoded shrink_code(struct shrink *shrink, uint32_t code)
{
    size_t n = 0;
    bool known = code < SHRINK_CONTROL || shrink->prefix[code] != SHRINK_NONE;
    if (!known && shrink->previous == SHRINK_NONE)
        return DECODED_DAMAGED;
    if (!known)
        shrink->stack[n++] = 0; /* its own first byte: known below */
    if (!shrink_string(shrink, known ? code : shrink->previous, &n))
        return DECODED_DAMAGED;
    uint8_t first = shrink->stack[n - 1];
    if (!known)
        shrink->stack[0] = first;
    if (shrink->previous != SHRINK_NONE)
        shrink_learn(shrink, first);
    while (n)
        if (!outlet_byte(&shrink->out, shrink->stack[--n]))
            return shrink->out.state;
    shrink->previous = code;
    return DECODED;
}

enum decoded zip_unshrink(struct unpack *unpack, bytes in, uint64_t size)
{
    struct shrink *shrink = PUSH(unpack->arena, struct shrink);
    enum decoded how = DECODED;
    if (!shrink)
        return DECODED_TOO_LARGE;
    memset(shrink->prefix, 0xff, sizeof shrink->prefix);
    shrink->bits.in = in;
    shrink->width = SHRINK_WIDTH;
    shrink->free = SHRINK_CONTROL;
    shrink->previous = SHRINK_NONE;
    outlet_open(&shrink->out, unpack, size);
    while (how == DECODED && !outlet_whole(&shrink->out)) {
        uint32_t code = bits_low(&shrink->bits, shrink->width);
        if (bits_over(&shrink->bits))
            how = DECODED_CUT;
        else if (code == SHRINK_CONTROL)
            how = shrink_control(shrink);
        else
            how = shrink_code(shrink, code);
    }
    return outlet_close(&shrink->out, how);
}

/* --- reduce --- */

struct reduce {
    struct bits bits;
    struct outlet out;
    unsigned length_bits, state, mark; /* mark: the byte after REDUCE_MARK */
    size_t length;
    uint8_t counts[256], followers[256][64];
};

static unsigned index_bits(unsigned count)
{
    unsigned bits = 1;
    while (count > 1u << bits)
        bits++;
    return bits;
}

static uint8_t reduce_next(struct reduce *reduce, uint8_t last)
{
    unsigned count = reduce->counts[last];
    if (count == 0 || bits_low(&reduce->bits, 1))
        return (uint8_t)bits_low(&reduce->bits, 8);
    return reduce->followers[last][bits_low(&reduce->bits, index_bits(count)) & 63];
}

/* The second stage: one byte of the first. */
static bool reduce_byte(struct reduce *reduce, uint8_t byte)
{
    size_t longest = (1u << reduce->length_bits) - 1;
    switch (reduce->state) {
    case 0:
        if (byte != REDUCE_MARK)
            return outlet_byte(&reduce->out, byte);
        reduce->state = 1;
        return true;
    case 1:
        reduce->state = 0;
        if (byte == 0)
            return outlet_byte(&reduce->out, REDUCE_MARK);
        reduce->mark = byte;
        reduce->length = byte & longest;
        reduce->state = reduce->length == longest ? 2 : 3;
        return true;
    case 2:
        reduce->length += byte;
        reduce->state = 3;
        return true;
    default:
        reduce->state = 0;
        return outlet_copy(&reduce->out,
                           (size_t)(reduce->mark >> reduce->length_bits) * 256 + byte + 1,
                           reduce->length + 3, 0);
    }
}

enum decoded zip_unreduce(struct unpack *unpack, bytes in, uint64_t size, unsigned factor)
{
    struct reduce *reduce = PUSH(unpack->arena, struct reduce);
    enum decoded how = DECODED;
    uint8_t last = 0;
    if (!reduce)
        return DECODED_TOO_LARGE;
    reduce->bits.in = in;
    reduce->length_bits = 8 - factor;
    for (size_t i = 256; i-- > 0;) {
        reduce->counts[i] = (uint8_t)bits_low(&reduce->bits, 6);
        for (size_t j = 0; j < reduce->counts[i]; j++)
            reduce->followers[i][j] = (uint8_t)bits_low(&reduce->bits, 8);
    }
    outlet_open(&reduce->out, unpack, size);
    while (how == DECODED && !outlet_whole(&reduce->out)) {
        last = reduce_next(reduce, last);
        if (bits_over(&reduce->bits))
            how = DECODED_CUT;
        else if (!reduce_byte(reduce, last))
            how = reduce->out.state;
    }
    return outlet_close(&reduce->out, how);
}

/* --- implode --- */

struct implode {
    struct bits bits;
    struct outlet out;
    struct huffman literals, lengths, distances;
};

/* A tree: bytes that follow less one; each: how many codes less one, their length less one. */
static bool implode_tree(struct bits *bits, struct huffman *ret, size_t symbols)
{
    uint8_t lengths[256] = {0};
    size_t n = 0;
    for (size_t count = bits_low(bits, 8) + 1; count; count--) {
        size_t length = bits_low(bits, 4) + 1, times = bits_low(bits, 4) + 1;
        if (times > symbols - n)
            return false;
        memset(lengths + n, (int)length, times);
        n += times;
    }
    return n == symbols && huffman_build(ret, lengths, symbols);
}

static bool implode_repeat(struct implode *implode, unsigned low_bits, size_t shortest)
{
    struct bits *bits = &implode->bits;
    size_t low = bits_low(bits, low_bits);
    int high = huffman_low(&implode->distances, bits, 0xffff);
    int length = huffman_low(&implode->lengths, bits, 0xffff);
    if (high < 0 || length < 0) {
        implode->out.state = DECODED_DAMAGED;
        return false;
    }
    size_t more = length == 63 ? bits_low(bits, 8) : 0;
    return outlet_copy(&implode->out, ((size_t)high << low_bits) + low + 1,
                       (size_t)length + more + shortest, 0);
}

static bool implode_step(struct implode *implode, unsigned flags)
{
    if (!bits_low(&implode->bits, 1))
        return implode_repeat(implode, flags & IMPLODE_LARGE ? 7 : 6,
                              flags & IMPLODE_LITERALS ? 3 : 2);
    int byte = flags & IMPLODE_LITERALS
                   ? huffman_low(&implode->literals, &implode->bits, 0xffff)
                   : (int)bits_low(&implode->bits, 8);
    if (byte < 0)
        implode->out.state = DECODED_DAMAGED;
    return byte >= 0 && outlet_byte(&implode->out, (uint8_t)byte);
}

enum decoded zip_explode(struct unpack *unpack, bytes in, uint64_t size, unsigned flags)
{
    struct implode *implode = PUSH(unpack->arena, struct implode);
    if (!implode)
        return DECODED_TOO_LARGE;
    implode->bits.in = in;
    outlet_open(&implode->out, unpack, size);
    if ((flags & IMPLODE_LITERALS && !implode_tree(&implode->bits, &implode->literals, 256)) ||
        !implode_tree(&implode->bits, &implode->lengths, 64) ||
        !implode_tree(&implode->bits, &implode->distances, 64))
        return bits_over(&implode->bits) ? DECODED_CUT : DECODED_DAMAGED;
    enum decoded how = DECODED;
    while (how == DECODED && !outlet_whole(&implode->out)) {
        if (bits_over(&implode->bits))
            how = DECODED_CUT;
        else if (!implode_step(implode, flags))
            how = implode->out.state;
    }
    return outlet_close(&implode->out, how);
}
