/* The rules are those of file(1) before 2005, which ClamAV took over ("Text files"): a set of
 * bytes that text never has; UTF-8 of up to six bytes; UTF-16 by its characters below 128. */
#include "filetype/plain.h"

/* BEL to CR but for VT, ESC, what prints, and everything above but for DEL. */
static bool in_text(uint8_t c)
{
    return c >= ' ' ? c != 0x7f : (c >= 7 && c <= 13 && c != 11) || c == 27;
}

static bool is_ascii(bytes head)
{
    for (size_t i = 0; i < head.len; i++)
        if (!in_text(head.at[i]))
            return false;
    return true;
}

static unsigned following(uint8_t first)
{
    unsigned count = 1;
    if (first < 0xc0 || first >= 0xfe)
        return 0;
    while (count < 6 && first & (0x40 >> count))
        count++;
    return count;
}

/* At least one character beyond ASCII; the last may be cut off. */
static bool is_utf8(bytes head)
{
    bool any = false;
    for (size_t i = 0; i < head.len; i++) {
        uint8_t c = head.at[i];
        if (c < 0x80) {
            if (!in_text(c))
                return false;
            continue;
        }
        unsigned more = following(c);
        if (!more)
            return false;
        for (; more; more--) {
            if (++i >= head.len)
                return any;
            if ((head.at[i] & 0xc0) != 0x80)
                return false;
        }
        any = true;
    }
    return any;
}

static enum filetype utf16_of(bytes head)
{
    size_t bad = 0;
    if (head.len < 2)
        return FILETYPE_BINARY_DATA;
    bool little = load_be16(head.at) == 0xfffe;
    bool marked = little || load_be16(head.at) == 0xfeff;
    for (size_t i = 2; i + 1 < head.len; i += 2) {
        uint16_t c = little ? load_le16(head.at + i) : load_be16(head.at + i);
        bool odd = c < 128 && !in_text((uint8_t)c);
        if (c == 0xfffe || (odd && !marked))
            return FILETYPE_BINARY_DATA;
        bad += odd;
    }
    if (marked && bad >= head.len / 2)
        return FILETYPE_BINARY_DATA;
    return little ? FILETYPE_TEXT_UTF16LE : FILETYPE_TEXT_UTF16BE;
}

enum filetype plain_of(bytes head)
{
    if (is_ascii(head))
        return FILETYPE_TEXT_ASCII;
    return is_utf8(head) ? FILETYPE_TEXT_UTF8 : utf16_of(head);
}

enum plain_width plain_mark(bytes head)
{
    if (head.len < 4)
        return PLAIN_BYTES;
    uint32_t first = load_be32(head.at);
    switch (first) {
    case 0x0000feff:
    case 0x0000003c:
        return PLAIN_BIG_4;
    case 0xfffe0000:
    case 0x3c000000:
        return PLAIN_LITTLE_4;
    case 0x003c003f:
        return PLAIN_BIG;
    case 0x3c003f00:
        return PLAIN_LITTLE;
    default:
        return first >> 16 == 0xfffe   ? PLAIN_LITTLE
               : first >> 16 == 0xfeff ? PLAIN_BIG
                                       : PLAIN_BYTES;
    }
}

size_t plain_narrow(bytes head, enum plain_width width, uint8_t *to)
{
    size_t n = 0, step = width >= PLAIN_LITTLE_4 ? 4 : 2;
    for (size_t i = 0; i + step <= head.len; i += step) {
        const uint8_t *at = head.at + i + (width == PLAIN_BIG_4 ? 2 : 0);
        bool big = width == PLAIN_BIG || width == PLAIN_BIG_4;
        uint16_t c = big ? load_be16(at) : load_le16(at);
        to[n++] = (uint8_t)(((c >> 8) << 4) + (c & 0xff));
    }
    return n;
}
