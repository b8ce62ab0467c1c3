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

static uint32_t utf8_take(bytes utf8, size_t *at)
{
    uint8_t lead = utf8.at[(*at)++];
    unsigned more = lead < 0xc0 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    uint32_t character = more ? lead & (0x3fu >> more) : lead;
    for (; more && *at < utf8.len; more--)
        character = character << 6 | (utf8.at[(*at)++] & 0x3fu);
    return character;
}

size_t utf16_of(bytes utf8, uint8_t *to, size_t room)
{
    size_t size = 0;
    for (size_t at = 0; at < utf8.len && room - size >= 4;) {
        uint32_t c = utf8_take(utf8, &at);
        if (c >= 0x10000) {
            uint32_t high = 0xd800 + ((c - 0x10000) >> 10 & 0x3ff);
            to[size++] = (uint8_t)high;
            to[size++] = (uint8_t)(high >> 8);
            c = 0xdc00 + (c & 0x3ff);
        }
        to[size++] = (uint8_t)c;
        to[size++] = (uint8_t)(c >> 8);
    }
    return size;
}
