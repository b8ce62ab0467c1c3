/* base64 — the alphabet of RFC 4648 section 4, and bytes from its letters alone. What mail
 * makes of padding and line ends is mail/transfer's. */
#pragma once
#include "base/base.h"

enum { BASE64_OUTSIDE = 64 };

extern const uint8_t base64_values[256];

/* 0 to 63, or BASE64_OUTSIDE for what is not in the alphabet. */
static inline uint8_t base64_value(uint8_t c)
{
    return base64_values[c];
}

/* Between two calls of base64_letters; all zero at first. */
struct base64_held {
    uint32_t bits, count;
};

/* Decodes on from *rest, which moves on: what is no letter is skipped. Writes at most `room`
 * bytes, returns how many. */
size_t base64_letters(struct base64_held *held, bytes *rest, uint8_t *to, size_t room);
