/* le32 size of what follows, le32 size of the RTF, "LZFu" or "MELA" (not compressed), le32 CRC;
 * then flags of 8 tokens each, the lowest bit first: a byte as it stands, or be16 of offset (12
 * bits) and length - 2 (4 bits) in a dictionary of 4096 bytes, which starts with the words of
 * an RTF header. An offset that equals the place of writing is the end. [MS-OXRTFCP] 2.1, 3.1.
 */
#include "unpack/mail/lzfu.h"

#include <string.h>

static const char start[] =
    "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss "
    "\\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier"
    "{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

enum {
    HEAD = 16,
    WINDOW = 4096,
    STARTS_AT = sizeof start - 1,
    LONGEST = 8 * 17, /* what one byte of flags stands for */
    MAGIC_PLAIN = 0x414c454d,
    MAGIC_PACKED = 0x75465a4c,
};

struct lzfu {
    bytes in;
    size_t at;   /* in the input */
    size_t next; /* in the window */
    bool ended, damaged;
    uint8_t window[WINDOW];
};

/* One byte of flags and its tokens; returns how much was written, at most LONGEST. */
static size_t decode_flags(struct lzfu *lzfu, uint8_t *out)
{
    size_t n = 0;
    unsigned flags = lzfu->in.at[lzfu->at++];
    for (int bit = 0; bit < 8 && !lzfu->ended; bit++, flags >>= 1) {
        uint16_t token;
        if (!(flags & 1)) {
            if (lzfu->at >= lzfu->in.len) {
                lzfu->ended = lzfu->damaged = true;
                break;
            }
            out[n] = lzfu->window[lzfu->next] = lzfu->in.at[lzfu->at++];
            lzfu->next = (lzfu->next + 1) % WINDOW;
            n++;
            continue;
        }
        if (!bytes_be16(lzfu->in, lzfu->at, &token)) {
            lzfu->ended = lzfu->damaged = true;
            break;
        }
        lzfu->at += 2;
        size_t from = token >> 4;
        lzfu->ended = from == lzfu->next;
        for (unsigned i = 0; i < (token & 15u) + 2 && !lzfu->ended; i++) {
            out[n] = lzfu->window[lzfu->next] = lzfu->window[(from + i) % WINDOW];
            lzfu->next = (lzfu->next + 1) % WINDOW;
            n++;
        }
    }
    return n;
}

static bool put_packed(struct unpack *unpack, struct lzfu *lzfu)
{
    while (!lzfu->ended) {
        size_t room, n = 0;
        uint8_t *at = unpack_room(unpack, &room);
        if (!at)
            return !unpack->run->stopped;
        while (!lzfu->ended && room - n >= LONGEST) {
            if (lzfu->at < lzfu->in.len)
                n += decode_flags(lzfu, at + n);
            else
                lzfu->ended = lzfu->damaged = true;
        }
        if (!unpack_wrote(unpack, n))
            return false;
    }
    return true;
}

bool lzfu_put(struct unpack *unpack, bytes data)
{
    uint32_t packed, size, magic;
    if (!bytes_le32(data, 0, &packed) || !bytes_le32(data, 4, &size) ||
        !bytes_le32(data, 8, &magic) || data.len < HEAD) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "compressed RTF is cut short");
        return true;
    }
    if (magic == MAGIC_PLAIN)
        return unpack_put(unpack, bytes_slice(data, HEAD, size));
    if (magic != MAGIC_PACKED) {
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED, "RTF compressed in an unknown way");
        return true;
    }
    struct lzfu *lzfu = PUSH(unpack->arena, struct lzfu);
    if (!lzfu) {
        unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "not enough memory");
        return true;
    }
    size_t left = packed > HEAD - 4 ? packed - (HEAD - 4) : 0;
    lzfu->in = bytes_slice(data, HEAD, left);
    lzfu->next = STARTS_AT;
    memcpy(lzfu->window, start, STARTS_AT);
    memset(lzfu->window + STARTS_AT, ' ', WINDOW - STARTS_AT);
    if (!put_packed(unpack, lzfu))
        return false;
    if (lzfu->damaged || unpack_written(unpack).len < size)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "compressed RTF is cut short");
    return true;
}
