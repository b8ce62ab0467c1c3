/* words — lines and words of texts: ASCII, whatever the case. No copies, no memory. */
#pragma once
#include "base/base.h"

static inline bool words_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool words_eol(uint8_t c)
{
    return c == '\n' || c == '\r';
}

bool words_rest_starts(bytes view, const char *text);

/* `text` is lower case and not empty. Starts so, but for case; the same. */
static inline bool words_start(bytes view, const char *text)
{
    return view.len && ascii_lower(view.at[0]) == (uint8_t)text[0] &&
           words_rest_starts(view, text);
}

bool words_rest_same(bytes view, const char *text);

static inline bool words_same(bytes view, const char *text)
{
    return view.len && ascii_lower(view.at[0]) == (uint8_t)text[0] &&
           words_rest_same(view, text);
}

/* Without white space at both ends. */
bytes words_trim(bytes view);
/* Moves the next line from *rest to *line, without its end (LF, CR LF, CR CR LF). False once
 * *rest has been used up. */
bool words_line(bytes *rest, bytes *line);
/* Offset of the first `text` (lower case, not empty) at or after `from` whatever the case, or
 * SIZE_MAX. */
size_t words_find(bytes hay, const char *text, size_t from);
/* Moves a decimal number from the front of *rest; false when there is none or it is over 2^53.
 */
bool words_number(bytes *rest, uint64_t *ret);

/* The part from one offset up to another. */
static inline bytes words_part(bytes view, size_t from, size_t to)
{
    return to > from ? bytes_slice(view, from, to - from) : (bytes){NULL, 0};
}
