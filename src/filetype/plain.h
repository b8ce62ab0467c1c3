/* plain — text or not, by which bytes occur; and text of wider characters. */
#pragma once
#include "filetype/filetype.h"

/* isspace of the C locale. */
static inline bool plain_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* FILETYPE_TEXT_... or FILETYPE_BINARY_DATA. */
enum filetype plain_of(bytes head);

enum plain_width {
    PLAIN_BYTES,
    PLAIN_LITTLE, /* two bytes */
    PLAIN_BIG,
    PLAIN_LITTLE_4,
    PLAIN_BIG_4,
};

/* What the first four bytes say: a byte order mark, or a `<` among zeros. */
enum plain_width plain_mark(bytes head);
/* Writes a byte for each character, at most half the size of `head`; how many. Characters that
 * are no ASCII become something else. */
size_t plain_narrow(bytes head, enum plain_width width, uint8_t *to);
