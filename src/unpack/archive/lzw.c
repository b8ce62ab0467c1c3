/* compress(1), as (N)compress 4.2 and gzip read it:
 *
 *     1f 9d | flags: 0x80 block mode, 0x1f most bits of a code (9..16) | codes, low bits first
 *
 * Codes begin with 9 bits and grow. In block mode code 256 empties the table. Codes are written
 * in groups of eight: after a change of their size the rest of the group is padding. */
#include "unpack/archive/bits.h"
#include "unpack/archive/decode.h"
#include "unpack/archive/formats.h"

enum { LZW_BITS = 16, LZW_CLEAR = 256, LZW_FIRST = 9 };

struct lzw {
    struct bits bits;
    struct outlet out;
    unsigned most, width, group; /* group: codes read with this width, modulo 8 */
    uint32_t free, previous;
    bool block;
    uint8_t first; /* byte of the previous string */
    uint16_t prefix[1 << LZW_BITS];
    uint8_t suffix[1 << LZW_BITS], stack[1 << LZW_BITS];
};

static uint32_t lzw_code(struct lzw *lzw)
{
    lzw->group = (lzw->group + 1) % 8;
    return bits_low(&lzw->bits, lzw->width);
}

static void lzw_width(struct lzw *lzw, unsigned width)
{
    for (; lzw->group; lzw->group = (lzw->group + 1) % 8)
        bits_low(&lzw->bits, lzw->width);
    lzw->width = width;
}

/* Writes the string of a code; a code not yet in the table is the previous string and its own
 * first byte. */
static bool lzw_write(struct lzw *lzw, uint32_t code)
{
    size_t n = 0;
    uint32_t walk = code;
    if (code == lzw->free) {
        lzw->stack[n++] = lzw->first;
        walk = lzw->previous;
    }
    for (; walk >= LZW_CLEAR; walk = lzw->prefix[walk])
        lzw->stack[n++] = lzw->suffix[walk];
    lzw->first = lzw->stack[n++] = (uint8_t)walk;
    while (n)
        if (!outlet_byte(&lzw->out, lzw->stack[--n]))
            return false;
    return true;
}

static enum decoded lzw_decode(struct lzw *lzw)
{
    uint32_t start = lzw->block ? LZW_CLEAR + 1 : LZW_CLEAR;
    lzw->free = start;
    lzw->previous = UINT32_MAX;
    for (;;) {
        if (lzw->free >> lzw->width && lzw->width < lzw->most)
            lzw_width(lzw, lzw->width + 1);
        uint32_t code = lzw_code(lzw);
        if (bits_over(&lzw->bits))
            return DECODED;
        if (code == LZW_CLEAR && lzw->block) {
            lzw_width(lzw, LZW_FIRST);
            lzw->free = start;
            lzw->previous = UINT32_MAX;
            continue;
        }
        bool fresh = lzw->previous == UINT32_MAX;
        if (fresh ? code >= LZW_CLEAR : code > lzw->free || code >> lzw->most)
            return DECODED_DAMAGED;
        if (!fresh && code == lzw->free && lzw->free >> lzw->most)
            return DECODED_DAMAGED;
        if (!lzw_write(lzw, code))
            return lzw->out.state;
        if (!fresh && !(lzw->free >> lzw->most)) {
            lzw->prefix[lzw->free] = (uint16_t)lzw->previous;
            lzw->suffix[lzw->free++] = lzw->first;
        }
        lzw->previous = code;
    }
}

void lzw_open(struct unpack *unpack)
{
    struct lzw *lzw = arena_push_raw(unpack->arena, sizeof *lzw);
    if (unpack->data.len < 3 || !lzw) {
        unpack_gap(unpack, bytes_of(""), lzw ? GAP_DAMAGED : GAP_LIMIT,
                   lzw ? "cut short" : "its tables need too much memory");
        return;
    }
    uint8_t flags = unpack->data.at[2];
    memset(lzw, 0, offsetof(struct lzw, prefix));
    lzw->bits.in = bytes_slice(unpack->data, 3, unpack->data.len);
    lzw->most = flags & 0x1f;
    lzw->block = flags & 0x80;
    lzw->width = LZW_FIRST;
    if (lzw->most < LZW_FIRST || lzw->most > LZW_BITS || flags & 0x60) {
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED, "compress with flags 0x%02x", flags);
        return;
    }
    if (!unpack_begin(unpack, decode_name(unpack, ".taz")))
        return;
    outlet_open(&lzw->out, unpack, UINT64_MAX);
    enum decoded how = lzw_decode(lzw);
    how = outlet_close(&lzw->out, how);
    if (decode_noted(unpack, how))
        (void)!unpack_end(unpack);
}
