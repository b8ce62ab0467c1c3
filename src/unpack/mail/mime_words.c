/* Encoded words of RFC 2047: =?charset?B?base64?= and =?charset?Q?quoted?=. White space between
 * two of them is no part of the text. Latin-1 becomes UTF-8; of other charsets than UTF-8 the
 * bytes are left as they are. */
#include "unpack/mail/mime_header.h"
#include "unpack/mail/words.h"

#include <string.h>

struct encoded_word {
    bytes charset, text;
    uint8_t how;
};

/* The encoded word at the front; returns its length, 0 when there is none. */
static size_t encoded_word(bytes in, struct encoded_word *ret)
{
    size_t marks[3], n = 0, i = 2;
    if (in.len < 8 || in.at[0] != '=' || in.at[1] != '?')
        return 0;
    for (; i < in.len && n < 3; i++)
        if (in.at[i] == '?')
            marks[n++] = i;
    if (n < 3 || marks[1] != marks[0] + 2 || i >= in.len || in.at[i] != '=')
        return 0;
    ret->charset = words_part(in, 2, marks[0]);
    ret->how = ascii_lower(in.at[marks[0] + 1]);
    ret->text = words_part(in, marks[1] + 1, marks[2]);
    return i + 1;
}

static bytes word_decoded(struct arena *arena, const struct encoded_word *word)
{
    if (word->how == 'b')
        return transfer_copy(arena, TRANSFER_BASE64, word->text, word->text.len);
    bytes text = arena_copy(arena, word->text);
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == '_')
            ((uint8_t *)(uintptr_t)text.at)[i] = ' ';
    return transfer_copy(arena, TRANSFER_QUOTED, text, text.len);
}

static size_t put_word(uint8_t *out, const struct encoded_word *word, bytes text)
{
    bool latin =
        words_start(word->charset, "iso-8859-1") || words_start(word->charset, "windows-1252");
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        if (latin && text.at[i] >= 0x80) {
            out[n++] = (uint8_t)(0xc0 | text.at[i] >> 6);
            out[n++] = (uint8_t)(0x80 | (text.at[i] & 0x3f));
        } else {
            out[n++] = text.at[i];
        }
    return n;
}

bytes mime_words(struct arena *arena, bytes text)
{
    size_t n = 0;
    bool after_word = false;
    if (words_find(text, "=?", 0) == SIZE_MAX)
        return text;
    uint8_t *out = arena_push_raw(arena, text.len * 2 + 1);
    if (!out)
        return text;
    for (size_t i = 0; i < text.len;) {
        struct encoded_word word;
        size_t blank = i;
        while (after_word && blank < text.len && words_space(text.at[blank]))
            blank++;
        bytes rest = bytes_slice(text, blank, text.len);
        size_t size = encoded_word(rest, &word);
        if (!size && blank > i)
            size = encoded_word(rest = bytes_slice(text, blank = i, text.len), &word);
        after_word = size > 0;
        if (size) {
            n += put_word(out + n, &word, word_decoded(arena, &word));
            i = blank + size;
        } else {
            out[n++] = text.at[i++];
        }
    }
    return (bytes){out, n};
}
