#include "unpack/base64.h"

#define X16 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64

const uint8_t base64_values[256] = {
    X16, X16, 64,  64,  64,  64,  64,  64,  64, 64, 64, 64, 64, 62, 64, 64, 64, 63, /* + / */
    52,  53,  54,  55,  56,  57,  58,  59,  60, 61, 64, 64, 64, 64, 64, 64,         /* 0-9 */
    64,  0,   1,   2,   3,   4,   5,   6,   7,  8,  9,  10, 11, 12, 13, 14,         /* A-O */
    15,  16,  17,  18,  19,  20,  21,  22,  23, 24, 25, 64, 64, 64, 64, 64,         /* P-Z */
    64,  26,  27,  28,  29,  30,  31,  32,  33, 34, 35, 36, 37, 38, 39, 40,         /* a-o */
    41,  42,  43,  44,  45,  46,  47,  48,  49, 50, 51, 64, 64, 64, 64, 64,         /* p-z */
    X16, X16, X16, X16, X16, X16, X16, X16,
};

size_t base64_letters(struct base64_held *held, bytes *rest, uint8_t *to, size_t room)
{
    size_t n = 0, at = 0;
    for (; at < rest->len && n < room; at++) {
        uint8_t value = base64_value(rest->at[at]);
        if (value == BASE64_OUTSIDE)
            continue;
        held->bits = held->bits << 6 | value;
        held->count += 6;
        if (held->count >= 8) {
            held->count -= 8;
            to[n++] = (uint8_t)(held->bits >> held->count);
        }
    }
    *rest = bytes_slice(*rest, at, rest->len);
    return n;
}
