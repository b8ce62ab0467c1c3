/* HTML Living Standard, 13.2.5.72 and following. Of the names those that change how a text
 * reads. */
#include "unpack/mail/entity.h"

#include "unpack/mail/words.h"

#include <string.h>

enum { DIGITS_MAX = 12 };

static const struct {
    const char *name;
    uint32_t rune;
} named[] = {
    {"amp", '&'},      {"lt", '<'},       {"gt", '>'},       {"quot", '"'},
    {"apos", '\''},    {"nbsp", ' '},     {"shy", 0xad},     {"colon", ':'},
    {"tab", '\t'},     {"newline", '\n'}, {"sol", '/'},      {"lpar", '('},
    {"rpar", ')'},     {"period", '.'},   {"comma", ','},    {"equals", '='},
    {"copy", 0xa9},    {"reg", 0xae},     {"euro", 0x20ac},  {"hellip", 0x2026},
    {"ndash", 0x2013}, {"mdash", 0x2014}, {"lsquo", 0x2018}, {"rsquo", 0x2019},
    {"ldquo", 0x201c}, {"rdquo", 0x201d}, {"bull", 0x2022},  {"zwnj", 0x200c},
    {"zwj", 0x200d},   {"auml", 0xe4},    {"ouml", 0xf6},    {"uuml", 0xfc},
    {"szlig", 0xdf},   {"eacute", 0xe9},  {"egrave", 0xe8},  {"agrave", 0xe0},
    {"ccedil", 0xe7},  {"ntilde", 0xf1},
};

static size_t numeric(bytes text, uint32_t *ret_rune)
{
    bool hex = text.len > 2 && ascii_lower(text.at[2]) == 'x';
    size_t i = hex ? 3 : 2, first = i;
    uint32_t rune = 0;
    for (; i < text.len && i < first + DIGITS_MAX; i++) {
        int digit = ascii_hex(text.at[i]);
        if (digit < 0 || (!hex && digit > 9))
            break;
        rune = rune > 0x10ffff ? rune : rune * (hex ? 16 : 10) + (uint32_t)digit;
    }
    if (i == first)
        return 0;
    *ret_rune = rune;
    return i + (i < text.len && text.at[i] == ';');
}

size_t entity_read(bytes text, uint32_t *ret_rune)
{
    if (text.len < 3 || text.at[0] != '&')
        return 0;
    if (text.at[1] == '#')
        return numeric(text, ret_rune);
    size_t n = 0;
    while (n < DIGITS_MAX && n + 1 < text.len && ascii_alnum(text.at[1 + n]))
        n++;
    if (n + 1 >= text.len || text.at[1 + n] != ';')
        return 0;
    for (size_t i = 0; i < COUNT(named); i++)
        if (words_same(bytes_slice(text, 1, n), named[i].name)) {
            *ret_rune = named[i].rune;
            return n + 2;
        }
    return 0;
}

bytes entity_decoded(struct arena *arena, bytes text)
{
    size_t n = 0;
    uint32_t rune = 0;
    if (!text.len || !memchr(text.at, '&', text.len))
        return text;
    /* No reference is shorter than its character. */
    uint8_t *out = arena_push_raw(arena, text.len + 4);
    if (!out)
        return text;
    for (size_t i = 0; i < text.len;) {
        size_t size = entity_read(bytes_slice(text, i, text.len), &rune);
        if (!size) {
            out[n++] = text.at[i++];
            continue;
        }
        if (rune < 0x80) {
            out[n++] = (uint8_t)rune;
        } else if (rune < 0x800) {
            out[n++] = (uint8_t)(0xc0 | rune >> 6);
            out[n++] = (uint8_t)(0x80 | (rune & 0x3f));
        } else {
            rune = rune > 0xffff ? 0xfffd : rune;
            out[n++] = (uint8_t)(0xe0 | rune >> 12);
            out[n++] = (uint8_t)(0x80 | (rune >> 6 & 0x3f));
            out[n++] = (uint8_t)(0x80 | (rune & 0x3f));
        }
        i += size;
    }
    return (bytes){out, n};
}
