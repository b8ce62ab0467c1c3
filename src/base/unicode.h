/* unicode — UTF-8 out, UTF-16 in. */
#pragma once
#include "base/base.h"

enum { UNICODE_REPLACEMENT = 0xfffd };

/* Writes a character of at most 0x10ffff; how many bytes: 1 to 4. */
size_t utf8_put(uint8_t *to, uint32_t character);

/* The character that two units of UTF-16 are together, 0 when they are no surrogate pair. */
static inline uint32_t utf16_pair(uint32_t high, uint32_t low)
{
    return (high & ~0x3ffu) == 0xd800 && (low & ~0x3ffu) == 0xdc00
               ? 0x10000 + ((high & 0x3ff) << 10 | (low & 0x3ff))
               : 0;
}

/* Takes the next character from UTF-16 of at least 2 bytes, big or little endian; half a pair
 * is UNICODE_REPLACEMENT. */
uint32_t utf16_next(bytes *rest, bool big);

/* UTF-16, little endian, of what should be UTF-8, into `to`; how many bytes. Characters for
 * which `room` is too small are left out, with all that follow. */
size_t utf16_of(bytes utf8, uint8_t *to, size_t room);
