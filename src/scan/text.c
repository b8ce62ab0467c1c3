#include "scan/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool reserve(struct text *text, size_t more)
{
    if (text->failed)
        return false;
    if (more <= text->room - text->len)
        return true;
    size_t room = text->room ? text->room : 4096;
    while (room - text->len < more && room < SIZE_MAX / 2)
        room *= 2;
    char *at = room - text->len >= more ? realloc(text->at, room) : NULL;
    if (!at) {
        text->failed = true;
        return false;
    }
    text->at = at;
    text->room = room;
    return true;
}

void text_free(struct text *text)
{
    free(text->at);
    *text = (struct text){0};
}

void text_fit(struct text *text)
{
    char *at = text->len ? realloc(text->at, text->len) : NULL;
    if (!at)
        return;
    text->at = at;
    text->room = text->len;
}

void text_add(struct text *text, const void *at, size_t len)
{
    if (!len || !reserve(text, len))
        return;
    memcpy(text->at + text->len, at, len);
    text->len += len;
}

void text_byte(struct text *text, char c)
{
    text_add(text, &c, 1);
}

void text_word(struct text *text, const char *word)
{
    text_add(text, word, strlen(word));
}

void text_printf(struct text *text, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    if (n > 0 && reserve(text, (size_t)n + 1)) {
        vsnprintf(text->at + text->len, (size_t)n + 1, fmt, again);
        text->len += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void text_number(struct text *text, uint64_t number)
{
    char digits[20];
    size_t n = sizeof digits;
    do
        digits[--n] = (char)('0' + number % 10);
    while (number /= 10);
    text_add(text, digits + n, sizeof digits - n);
}

void text_hex(struct text *text, bytes view)
{
    static const char digits[] = "0123456789abcdef";
    if (!reserve(text, 2 * view.len))
        return;
    for (size_t i = 0; i < view.len; i++) {
        text->at[text->len++] = digits[view.at[i] >> 4];
        text->at[text->len++] = digits[view.at[i] & 15];
    }
}

size_t text_character(bytes view, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (!view.len)
        return 0;
    uint8_t c = view.at[0];
    size_t len = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;
    if (len == 0 || len > view.len)
        return 0;
    uint32_t point = len == 1 ? c : c & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((view.at[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (view.at[i] & 0x3f);
    }
    if (point < least[len] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return 0;
    if (ret)
        *ret = point;
    return len;
}

bool text_is_utf8(bytes view)
{
    while (view.len) {
        size_t n = text_character(view, NULL);
        if (!n)
            return false;
        view = bytes_slice(view, n, view.len);
    }
    return true;
}

/* Characters that move the cursor, hide, or turn the direction of what follows. */
static bool is_invisible(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

void text_visible(struct text *text, bytes view)
{
    for (size_t i = 0; i < view.len;) {
        uint32_t c = 0;
        size_t n = text_character(bytes_slice(view, i, view.len), &c);
        if (n && !is_invisible(c)) {
            text_add(text, view.at + i, n);
        } else {
            n = n ? n : 1;
            for (size_t k = 0; k < n; k++)
                text_printf(text, "\\x%02x", view.at[i + k]);
        }
        i += n;
    }
}

void text_json(struct text *text, bytes view)
{
    text_byte(text, '"');
    for (size_t i = 0; i < view.len;) {
        uint32_t c = 0;
        size_t n = text_character(bytes_slice(view, i, view.len), &c);
        if (!n)
            text_word(text, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\')
            text_printf(text, "\\%c", (int)c);
        else if (c == '\n')
            text_word(text, "\\n");
        else if (c == '\t')
            text_word(text, "\\t");
        else if (c < 0x20 || c == 0x7f || c == 0x2028 || c == 0x2029)
            text_printf(text, "\\u%04x", c);
        else
            text_add(text, view.at + i, n);
        i += n ? n : 1;
    }
    text_byte(text, '"');
}

void text_uri(struct text *text, bytes path)
{
    if (path.len && path.at[0] == '/')
        text_word(text, "file://");
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.at[i];
        if (ascii_alnum(c) || strchr("-._~/", c ? c : ' '))
            text_byte(text, (char)c);
        else
            text_printf(text, "%%%02X", c);
    }
}

void text_size(struct text *text, uint64_t size)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)size;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < COUNT(units)) {
        value /= 1000;
        unit++;
    }
    text_printf(text, unit && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void text_grouped(struct text *text, uint64_t number)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            text_byte(text, ',');
        text_byte(text, digits[i]);
    }
}

int text_write(struct text *text, int fd)
{
    int error = text->failed ? -ENOMEM : 0;
    for (size_t at = 0; at < text->len && !error;) {
        ssize_t n = write(fd, text->at + at, text->len - at);
        if (n >= 0)
            at += (size_t)n;
        else if (errno != EINTR && errno != EAGAIN)
            error = -errno;
    }
    text->len = 0;
    text->failed = false;
    return error;
}
