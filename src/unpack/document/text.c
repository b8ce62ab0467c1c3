#include "unpack/document/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { REPLACEMENT = 0xfffd };

size_t text_encode(uint32_t c, uint8_t ret[static 4])
{
    if (c < 0x80) {
        ret[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        ret[0] = (uint8_t)(0xc0 | c >> 6);
        ret[1] = (uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        ret[0] = (uint8_t)(0xe0 | c >> 12);
        ret[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        ret[2] = (uint8_t)(0x80 | (c & 0x3f));
        return 3;
    }
    ret[0] = (uint8_t)(0xf0 | (c >> 18 & 7));
    ret[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    ret[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    ret[3] = (uint8_t)(0x80 | (c & 0x3f));
    return 4;
}

/* The next character; the view is at least 2 bytes long. */
static uint32_t next_character(bytes *rest)
{
    uint32_t c = load_le16(rest->at);
    *rest = bytes_slice(*rest, 2, rest->len);
    if (c < 0xd800 || c > 0xdfff)
        return c;
    if (c > 0xdbff || rest->len < 2)
        return REPLACEMENT;
    uint32_t low = load_le16(rest->at);
    if (low < 0xdc00 || low > 0xdfff)
        return REPLACEMENT;
    *rest = bytes_slice(*rest, 2, rest->len);
    return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

bytes text_utf8(struct arena *arena, bytes utf16)
{
    while (utf16.len >= 2 && load_le16(utf16.at + (utf16.len & ~(size_t)1) - 2) == 0)
        utf16.len = (utf16.len & ~(size_t)1) - 2;
    uint8_t *at =
        utf16.len < SIZE_MAX / 2 ? arena_push_raw(arena, utf16.len / 2 * 3 + 4) : NULL;
    bytes ret = {at, 0};
    if (!at)
        return (bytes){NULL, 0};
    while (utf16.len >= 2)
        ret.len += text_encode(next_character(&utf16), at + ret.len);
    return ret;
}

bool text_put(struct unpack *unpack, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    size_t size = wanted < 0 ? 0 : (size_t)wanted;
    return unpack_put(
        unpack, (bytes){(const uint8_t *)text, size < sizeof text ? size : sizeof text - 1});
}

bool text_put_utf16(struct unpack *unpack, bytes utf16)
{
    while (utf16.len >= 2) {
        uint8_t part[256];
        size_t size = 0;
        while (utf16.len >= 2 && size + 4 <= sizeof part)
            size += text_encode(next_character(&utf16), part + size);
        if (!unpack_put(unpack, (bytes){part, size}))
            return false;
    }
    return true;
}

bool text_same(bytes a, bytes b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
            return false;
    return true;
}

bool text_is(bytes a, const char *b)
{
    return text_same(a, bytes_of(b));
}

bool text_begins(bytes text, const char *head)
{
    return text_is(bytes_slice(text, 0, strlen(head)), head);
}

bytes text_until_nul(bytes view)
{
    const uint8_t *nul = view.len ? memchr(view.at, 0, view.len) : NULL;
    return nul ? bytes_slice(view, 0, (size_t)(nul - view.at)) : view;
}

bytes text_base(bytes path)
{
    size_t from = path.len;
    while (from > 0 && path.at[from - 1] != '/' && path.at[from - 1] != '\\')
        from--;
    return bytes_slice(path, from, path.len);
}
