/* "(This file must be converted with BinHex 4.0)", ":", 6 bits in a character, ":". In these
 * bytes 0x90 N repeats the byte before N times in all, 0x90 0 is 0x90 itself. What comes out:
 *
 *     u8 length of the name, name, u8 0, type[4], creator[4], be16 flags,
 *     be32 size of the data fork, be32 size of the resource fork, be16 CRC of this header,
 *     data fork, be16 CRC, resource fork, be16 CRC
 *
 * RFC 1741, appendix A. The CRC is that of CCITT, from 0. */
#include "unpack/mail/binhex.h"

#include "unpack/mail/words.h"

#include <string.h>

static const char mark[] = "(This file must be converted with BinHex";
static const char alphabet[] =
    "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";

enum { REPEAT = 0x90, NAME_MAX = 255, FIXED = 19 };

struct binhex {
    bytes in;
    int8_t values[256]; /* of characters, -1 for others */
    uint32_t bits;
    uint8_t count, last;
    unsigned repeat; /* times that `last` comes again */
    uint16_t crc;
    bool ended;
};

static void binhex_start(struct binhex *binhex, bytes text)
{
    *binhex = (struct binhex){.in = text};
    memset(binhex->values, -1, sizeof binhex->values);
    for (int i = 0; i < 64; i++)
        binhex->values[(uint8_t)alphabet[i]] = (int8_t)i;
}

/* The next byte before runs are resolved, -1 at the end. */
static int next_raw(struct binhex *binhex)
{
    size_t i = 0;
    while (i < binhex->in.len && !binhex->ended) {
        uint8_t c = binhex->in.at[i++];
        if (binhex->values[c] >= 0) {
            binhex->bits = binhex->bits << 6 | (uint8_t)binhex->values[c];
            if (++binhex->count > 1) {
                binhex->in = (bytes){binhex->in.at + i, binhex->in.len - i};
                int shift = 8 - 2 * binhex->count;
                binhex->count = binhex->count == 4 ? 0 : binhex->count;
                return (int)(binhex->bits >> shift & 0xff);
            }
        } else if (!words_space(c)) {
            binhex->ended = true;
        }
    }
    binhex->ended = true;
    binhex->in = bytes_slice(binhex->in, i, binhex->in.len);
    return -1;
}

static int next_byte(struct binhex *binhex)
{
    if (binhex->repeat) {
        binhex->repeat--;
        return binhex->last;
    }
    int byte = next_raw(binhex);
    if (byte == REPEAT) {
        int times = next_raw(binhex);
        if (times > 1) {
            binhex->repeat = (unsigned)times - 2;
            return binhex->last;
        }
        if (times == 1)
            return next_byte(binhex);
        byte = times < 0 ? -1 : REPEAT;
    }
    if (byte >= 0)
        binhex->last = (uint8_t)byte;
    return byte;
}

/* Reads up to `size` bytes and sums them; returns how many there were. */
static size_t binhex_read(struct binhex *binhex, uint8_t *out, size_t size)
{
    size_t n = 0;
    int byte;
    while (n < size && (byte = next_byte(binhex)) >= 0) {
        uint16_t crc = (uint16_t)(binhex->crc ^ byte << 8);
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0));
        binhex->crc = crc;
        out[n++] = (uint8_t)byte;
    }
    return n;
}

/* Reads the sum that stands next and compares; starts a new one. */
static bool sum_is_right(struct binhex *binhex)
{
    uint16_t crc = binhex->crc;
    uint8_t sum[2];
    bool right = binhex_read(binhex, sum, 2) == 2 && load_be16(sum) == crc;
    binhex->crc = 0;
    return right;
}

static bool put_fork(struct unpack *unpack, struct binhex *binhex, bytes name, uint32_t size)
{
    uint32_t left = size;
    if (!unpack_begin(unpack, name))
        return false;
    while (left && !binhex->ended) {
        size_t room, n;
        uint8_t *at = unpack_room(unpack, &room);
        if (!at && unpack->run->stopped)
            return false;
        if (!at)
            return unpack_end(unpack);
        n = binhex_read(binhex, at, left < room ? left : room);
        left -= (uint32_t)n;
        if (!unpack_wrote(unpack, n))
            return false;
    }
    if (left)
        unpack_gap(unpack, name, GAP_DAMAGED, "%u bytes are missing", left);
    else if (!sum_is_right(binhex))
        unpack_gap(unpack, name, GAP_DAMAGED, "the checksum is wrong");
    return unpack_end(unpack);
}

/* One file, the text being past the first colon; false: stop. */
static bool open_one(struct unpack *unpack, bytes *text)
{
    struct binhex binhex;
    uint8_t length, name[NAME_MAX], fixed[FIXED];
    binhex_start(&binhex, *text);
    if (binhex_read(&binhex, &length, 1) != 1 || binhex_read(&binhex, name, length) != length ||
        binhex_read(&binhex, fixed, FIXED) != FIXED) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "BinHex: the header is cut short");
        *text = binhex.in;
        return true;
    }
    uint32_t data = load_be32(fixed + 11), resource = load_be32(fixed + 15);
    bytes view = {name, length};
    if (!sum_is_right(&binhex)) {
        unpack_gap(unpack, view, GAP_DAMAGED, "BinHex: the header's checksum is wrong");
        data = data ? data : UINT32_MAX;
    }
    bool more = put_fork(unpack, &binhex, view, data);
    if (more && resource && !binhex.ended) {
        bytes fork = arena_printf(unpack->arena, "%.*s [resource fork]", (int)length,
                                  (const char *)name);
        more = put_fork(unpack, &binhex, fork.at ? fork : view, resource);
    }
    *text = binhex.in;
    return more;
}

bool binhex_open_all(struct unpack *unpack, bytes text)
{
    bool any = false;
    size_t at;
    if (!budget_charge(unpack->budget, text.len / 8))
        return true;
    while ((at = bytes_find(text, bytes_of(mark), 0)) != SIZE_MAX) {
        text = bytes_slice(text, at + strlen(mark), text.len);
        size_t skip = 0;
        while (skip < text.len && !words_eol(text.at[skip]))
            skip++;
        while (skip < text.len && words_space(text.at[skip]))
            skip++;
        text = bytes_slice(text, skip, text.len);
        any = true;
        if (!text.len || text.at[0] != ':') {
            unpack_gap(unpack, bytes_of(""), GAP_DAMAGED,
                       "BinHex: no data after its first line");
            continue;
        }
        text = bytes_slice(text, 1, text.len);
        if (!open_one(unpack, &text))
            return true;
    }
    return any;
}

void binhex_open(struct unpack *unpack)
{
    binhex_open_all(unpack, unpack->data);
}
