#include "rescue/salvage/mail/box.h"

#include "base/unicode.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { QUOTED_LINE = 74, WORD_MOST = 45, VALUE_MOST = 4096 };

bool box_flush(struct box *box)
{
    bool more = salvage_put(box->salvage, (bytes){box->buffer, box->used});
    box->used = 0;
    return more;
}

bool box_put(struct box *box, bytes data)
{
    while (!box->mute && data.len) {
        size_t n = sizeof box->buffer - box->used;
        n = n < data.len ? n : data.len;
        memcpy(box->buffer + box->used, data.at, n);
        box->used += n;
        data = bytes_slice(data, n, data.len);
        if (box->used == sizeof box->buffer && !box_flush(box))
            return false;
    }
    return !box->salvage->stopped;
}

bool box_line(struct box *box, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    return n < 0 || box_put(box, bytes_slice(bytes_of(line), 0, (size_t)n));
}

/* --- base64 --- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Text of at most 57 bytes: 76 characters. */
static size_t base64_of(bytes data, char *to)
{
    size_t n = 0;
    for (size_t i = 0; i < data.len; i += 3) {
        uint32_t left = (uint32_t)(data.len - i);
        uint32_t three = (uint32_t)data.at[i] << 16 |
                         (left > 1 ? (uint32_t)data.at[i + 1] << 8 : 0) |
                         (left > 2 ? data.at[i + 2] : 0u);
        to[n++] = digits[three >> 18];
        to[n++] = digits[three >> 12 & 63];
        to[n++] = left > 1 ? digits[three >> 6 & 63] : '=';
        to[n++] = left > 2 ? digits[three & 63] : '=';
    }
    return n;
}

static bool base64_line(struct box_base64 *base64)
{
    char line[80];
    size_t n = base64_of((bytes){base64->held, base64->count}, line);
    line[n++] = '\n';
    base64->count = 0;
    return box_put(base64->box, (bytes){(const uint8_t *)line, n});
}

bool box_base64(struct box_base64 *base64, bytes data)
{
    while (data.len) {
        size_t n = sizeof base64->held - base64->count;
        n = n < data.len ? n : data.len;
        memcpy(base64->held + base64->count, data.at, n);
        base64->count += n;
        data = bytes_slice(data, n, data.len);
        if (base64->count == sizeof base64->held && !base64_line(base64))
            return false;
    }
    return true;
}

bool box_base64_zeros(struct box_base64 *base64, uint64_t count)
{
    static const uint8_t zeros[BOX_LINE];
    for (uint64_t n; count; count -= n) {
        n = count < sizeof zeros ? count : sizeof zeros;
        if (!box_base64(base64, (bytes){zeros, (size_t)n}))
            return false;
    }
    return true;
}

bool box_base64_end(struct box_base64 *base64)
{
    return !base64->count || base64_line(base64);
}

/* --- quoted-printable --- */

static bool quoted_text(struct box_quoted *quoted, const char *text, size_t n)
{
    if (quoted->column + n > QUOTED_LINE) {
        quoted->column = 0;
        if (!box_put(quoted->box, bytes_of("=\n")))
            return false;
    }
    quoted->column += (unsigned)n;
    return box_put(quoted->box, (bytes){(const uint8_t *)text, n});
}

/* A byte; `last`: of its line. */
static bool quoted_byte(struct box_quoted *quoted, uint8_t c, bool last)
{
    char text[4];
    bool blank = c == ' ' || c == '\t', start = quoted->column == 0;
    /* "From " must not begin a line, nor must a dot alone. */
    if (c != '=' &&
        ((c > ' ' && c < 0x7f && !(start && (c == 'F' || c == '.'))) || (blank && !last)))
        return quoted_text(quoted, (const char *)&c, 1);
    (void)snprintf(text, sizeof text, "=%02X", c);
    return quoted_text(quoted, text, 3);
}

static bool quoted_end_line(struct box_quoted *quoted)
{
    quoted->column = 0;
    return box_put(quoted->box, bytes_of("\n"));
}

bool box_quote(struct box_quoted *quoted, bytes data)
{
    for (size_t i = 0; i < data.len; i++) {
        uint8_t c = data.at[i], held = quoted->held;
        quoted->held = 0;
        /* CR LF is the end of a line, as LF is. */
        if (held && !(held == '\r' && c == '\n') &&
            !quoted_byte(quoted, held, c == '\n' || c == '\r'))
            return false;
        if (c == '\n' ? !quoted_end_line(quoted)
                      : c != '\r' && c != ' ' && c != '\t' && !quoted_byte(quoted, c, false))
            return false;
        if (c == '\r' || c == ' ' || c == '\t')
            quoted->held = c;
    }
    return true;
}

bool box_quote_end(struct box_quoted *quoted)
{
    uint8_t held = quoted->held;
    quoted->held = 0;
    if (held && !quoted_byte(quoted, held, true))
        return false;
    return !quoted->column || quoted_end_line(quoted);
}

/* --- UTF-16 --- */

bool box_widen(struct box_wide *wide, bytes data)
{
    uint8_t text[4];
    for (size_t i = 0; i < data.len; i++) {
        if (wide->skip) {
            wide->skip = false;
            continue;
        }
        wide->held[wide->count++] = data.at[i];
        if (wide->count < 2 || wide->count == 3)
            continue;
        uint16_t unit = load_le16(wide->held);
        if (wide->count == 2 && (unit & ~0x3ffu) == 0xd800)
            continue; /* the other half is to come */
        bytes rest = {wide->held, wide->count};
        while (rest.len) {
            uint32_t c = utf16_next(&rest, false);
            if (c && !box_quote(&wide->quoted, (bytes){text, utf8_put(text, c)}))
                return false;
        }
        wide->count = 0;
    }
    return true;
}

bool box_wide_gap(struct box_wide *wide, uint64_t gap)
{
    char line[80] = "\n[some of it is encrypted]\n";
    if (gap)
        (void)snprintf(line, sizeof line, "\n[%llu bytes encrypted]\n",
                       (unsigned long long)gap);
    wide->skip = (wide->count + gap - wide->skip) % 2;
    wide->count = 0;
    return box_quote(&wide->quoted, bytes_of(line));
}

bytes box_utf8(struct arena *arena, bytes wide)
{
    uint8_t *to = arena_push_raw(arena, wide.len / 2 * 3 + 4);
    size_t n = 0;
    wide.len &= ~(size_t)1;
    while (to && wide.len) {
        uint32_t c = utf16_next(&wide, false);
        if (!c)
            break;
        n += utf8_put(to + n, c);
    }
    return to ? (bytes){to, n} : (bytes){NULL, 0};
}

bytes box_latin(struct arena *arena, bytes narrow)
{
    uint8_t *to = arena_push_raw(arena, narrow.len * 2 + 4);
    size_t n = 0;
    for (size_t i = 0; to && i < narrow.len; i++)
        n += utf8_put(to + n, narrow.at[i]);
    return to ? (bytes){to, n} : (bytes){NULL, 0};
}

/* --- headers --- */

static bool is_ascii(bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] >= 0x7f)
            return false;
    return true;
}

bool box_words(struct box *box, bytes words, const char *charset)
{
    char text[80];
    words = bytes_slice(words, 0, VALUE_MOST);
    if (is_ascii(words)) {
        for (size_t i = 0; i < words.len; i++) {
            uint8_t c = words.at[i] < ' ' ? ' ' : words.at[i];
            if (!box_put(box, (bytes){&c, 1}))
                return false;
        }
        return true;
    }
    bool utf8 = strcmp(charset, "utf-8") == 0;
    for (bool first = true; words.len; first = false) {
        size_t n = words.len < WORD_MOST ? words.len : WORD_MOST;
        while (utf8 && n < words.len && n > 1 && (words.at[n] & 0xc0) == 0x80)
            n--;
        size_t len = base64_of(bytes_slice(words, 0, n), text);
        if (!box_line(box, "%s=?%s?B?%.*s?=", first ? "" : "\n ", charset, (int)len, text))
            return false;
        words = bytes_slice(words, n, words.len);
    }
    return true;
}

bool box_parameter(struct box *box, const char *name, bytes value, const char *charset)
{
    bool plain = is_ascii(value);
    value = bytes_slice(value, 0, 512);
    if (!(plain ? box_line(box, "\n\t%s=\"", name)
                : box_line(box, "\n\t%s*=%s''", name, charset)))
        return false;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.at[i];
        c = c < ' ' ? ' ' : c;
        bool fine = plain ? box_line(box, "%s%c", c == '"' || c == '\\' ? "\\" : "", c)
                    : ascii_alnum(c) ? box_line(box, "%c", c)
                                     : box_line(box, "%%%02X", c);
        if (!fine)
            return false;
    }
    return !plain || box_line(box, "\"");
}

const char *box_charset(uint32_t page)
{
    static const struct {
        uint32_t page;
        const char *name;
    } known[] = {{65001, "utf-8"},       {1252, "windows-1252"}, {1250, "windows-1250"},
                 {1251, "windows-1251"}, {1253, "windows-1253"}, {1254, "windows-1254"},
                 {1255, "windows-1255"}, {1256, "windows-1256"}, {1257, "windows-1257"},
                 {1258, "windows-1258"}, {874, "windows-874"},   {932, "shift_jis"},
                 {936, "gb2312"},        {949, "euc-kr"},        {950, "big5"},
                 {20127, "us-ascii"},    {20866, "koi8-r"},      {21866, "koi8-u"},
                 {28591, "iso-8859-1"},  {28592, "iso-8859-2"},  {28595, "iso-8859-5"},
                 {28597, "iso-8859-7"},  {28599, "iso-8859-9"},  {28605, "iso-8859-15"},
                 {50220, "iso-2022-jp"}, {51932, "euc-jp"},      {51949, "euc-kr"},
                 {54936, "gb18030"},     {1200, "utf-16le"}};

    for (size_t i = 0; i < COUNT(known); i++)
        if (known[i].page == page)
            return known[i].name;
    return NULL;
}

/* The calendar by itself: the C library's would read files. */
void box_date(uint64_t time, bool box, char *to, size_t size)
{
    static const char days[] = "ThuFriSatSunMonTueWed",
                      months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const uint64_t since_1601 = 11644473600ull, most = 253402300799ull; /* 9999 */
    uint64_t seconds = time / 10000000;
    seconds = seconds > since_1601 ? seconds - since_1601 : 0;
    seconds = seconds < most ? seconds : most;
    uint64_t day = seconds / 86400, second = seconds % 86400;
    /* Years that begin in March, from one that ends an era of 400. */
    uint64_t z = day + 719468, era = z / 146097, doe = z % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    unsigned date = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    unsigned month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    unsigned year = (unsigned)(yoe + era * 400 + (month <= 2));
    unsigned h = (unsigned)(second / 3600), m = (unsigned)(second / 60 % 60),
             s = (unsigned)(second % 60);
    const char *d = days + day % 7 * 3, *n = months + (size_t)(month - 1) * 3;
    if (box)
        (void)snprintf(to, size, "%.3s %.3s %2u %02u:%02u:%02u %04u", d, n, date, h, m, s,
                       year);
    else
        (void)snprintf(to, size, "%.3s, %02u %.3s %04u %02u:%02u:%02u +0000", d, date, n, year,
                       h, m, s);
}
