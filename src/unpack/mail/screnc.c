/* "#@~^", base64 of the le32 length, text, base64 of a sum, "^#~@". Each character of the text
 * stands for another one, after one of three alphabets; which one, a series of 64 says by the
 * character's place. "@" and a sign stand for what is not in them. Microsoft's format, not
 * documented by it; described by MrBrownstone, "Breaking screnc" (2000). */
#include "unpack/mail/script.h"
#include "unpack/mail/transfer.h"
#include "unpack/mail/words.h"
#include "unpack/mail/writer.h"

#include <string.h>

enum { HEAD = 12, LENGTH_CHARS = 8, TAIL = 8 };

/* What 0x20 to 0x7f stand for. */
static const char alphabets[3][97] = {
    {".GzVBj/&IA42[vrC89pEhqO\tbD#u<~>^@wJa]\"KoN;LPg*}t"
     "T+-,0nkf5%!dMRc?{x)(sY3mUS|:_eFX1ilZH'\\=$y7`Q 6"},
    {"-uR`q^I\\b})6 |zkc3+hQfv1dTC<:>~@E,*t'7DyY/o&rj9"
     "{?8wgSG4x]0#Z[lHUpi.L!$NP\tVs5aKX;W\"mM%(FJ2A=_OBe"},
    {"20!)[83=X:5e9\\VsfNEkbYx^}Jmq<`>S@B'Hru17MR\"TjGd-"
     " .L]~loytC&v%$+(#A4\t*D?w;UiacPgQIOFh|6pnz/_KZ,W"},
};
static const char tabs[] = "Wn{";
static const char picks[] = "0120121221210212021200122102122100212120200120210212001220012021";

/* "@&" and the like: the character, 0 for none. */
static uint8_t escaped(uint8_t c)
{
    switch (c) {
    case '&':
        return '\n';
    case '#':
        return '\r';
    case '*':
        return '>';
    case '!':
        return '<';
    case '$':
        return '@';
    default:
        return 0;
    }
}

static bool put_decoded(struct unpack *unpack, bytes text)
{
    struct writer writer = {.unpack = unpack};
    unsigned place = 0;
    for (size_t i = 0; i < text.len && !writer.full; i++) {
        uint8_t c = text.at[i], pick = (uint8_t)(picks[place % 64] - '0');
        place += c < 0x80;
        uint8_t sign = c == '@' && i + 1 < text.len ? escaped(text.at[i + 1]) : 0;
        if (sign) {
            i++;
            writer_byte(&writer, sign);
        } else if (c == '\t') {
            writer_byte(&writer, (uint8_t)tabs[pick]);
        } else {
            writer_byte(&writer,
                        c >= 0x20 && c < 0x80 ? (uint8_t)alphabets[pick][c - 0x20] : c);
        }
    }
    return writer_flush(&writer);
}

/* The text, by its length if the end is where it says, else up to the mark of the end. */
static bytes body_of(bytes rest, bool *ret_whole)
{
    uint8_t length[6];
    struct base64 state = {.in = bytes_slice(rest, 4, LENGTH_CHARS)};
    bool told = base64_decode(&state, length, sizeof length) >= 4;
    size_t size = told ? load_le32(length) : 0;
    bytes tail = bytes_slice(rest, HEAD + size + TAIL, 4);
    *ret_whole = true;
    if (bytes_is(tail, "^#~@"))
        return bytes_slice(rest, HEAD, size);
    size_t end = bytes_find(rest, bytes_of("==^#~@"), HEAD);
    *ret_whole = end != SIZE_MAX;
    if (!*ret_whole)
        return bytes_slice(rest, HEAD, rest.len);
    return end >= HEAD + 6 ? words_part(rest, HEAD, end - 6) : (bytes){NULL, 0};
}

bool screnc_open_all(struct unpack *unpack, bytes text)
{
    size_t at = 0;
    unsigned number = 0;
    while ((at = bytes_find(text, bytes_of("#@~^"), at)) != SIZE_MAX) {
        bool whole;
        bytes rest = bytes_slice(text, at, text.len), body = body_of(rest, &whole);
        at += 4 + body.len;
        if (!body.len || rest.len < HEAD || rest.at[10] != '=' || rest.at[11] != '=')
            continue;
        bytes name = arena_printf(unpack->arena, "[decoded %u]", ++number);
        if (!unpack_begin(unpack, name.at ? name : bytes_of("[decoded]")))
            return false;
        if (!whole)
            unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "no end of the encoded script");
        if (!put_decoded(unpack, body) || !unpack_end(unpack))
            return false;
    }
    return true;
}

void screnc_open(struct unpack *unpack)
{
    if (!screnc_open_all(unpack, unpack->data))
        return;
}
