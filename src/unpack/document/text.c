#include "unpack/document/text.h"

#include "base/unicode.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
        ret.len += utf8_put(at + ret.len, utf16_next(&utf16, false));
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
            size += utf8_put(part + size, utf16_next(&utf16, false));
        if (!unpack_put(unpack, (bytes){part, size}))
            return false;
    }
    return true;
}

bool text_is(bytes a, const char *b)
{
    return bytes_same(a, bytes_of(b));
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
