#include "base/unicode.h"

size_t utf8_put(uint8_t *to, uint32_t character)
{
    static const uint8_t lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    if (character < 0x80) {
        to[0] = (uint8_t)character;
        return 1;
    }
    size_t n = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; character >>= 6)
        to[i] = (uint8_t)(0x80 | (character & 0x3f));
    to[0] = (uint8_t)(lead[n] | character);
    return n;
}

uint32_t utf16_next(bytes *rest, bool big)
{
    uint32_t unit = big ? load_be16(rest->at) : load_le16(rest->at);
    *rest = bytes_slice(*rest, 2, rest->len);
    if ((unit & ~0x7ffu) != 0xd800)
        return unit;
    uint32_t low = rest->len < 2 ? 0 : big ? load_be16(rest->at) : load_le16(rest->at);
    uint32_t both = utf16_pair(unit, low);
    if (!both)
        return UNICODE_REPLACEMENT;
    *rest = bytes_slice(*rest, 2, rest->len);
    return both;
}
