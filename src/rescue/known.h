/* known — whether a file's first bytes are those of a known kind of file, counted in bits: how
 * unlikely bytes without a meaning would look like that.
 *
 * Told of keys that have nothing else to check them by. It is no proof of a whole file: that is
 * rescue/proof.h. */
#pragma once
#include "base/base.h"

enum {
    KNOWN_HEAD = 4096, /* bytes of a file that are worth looking at */
    KNOWN_SURE = 40,   /* bits from which on one key alone is believed */
};

/* 0: nothing known. `size` is the whole file's, UINT64_MAX when it is not known exactly. The
 * number of kinds that were looked for is taken into account. */
unsigned known_bits(bytes head, uint64_t size);
/* Bytes as chance, encryption or compression makes them (chi-square of their counts); false for
 * less than 512 bytes, which cannot tell. One in a million of random bytes is denied. */
bool known_noise(bytes part);

/* For searches that go through billions of keys: what rules nearly all of them out by the first
 * 8 bytes. */
struct known_quick {
    uint8_t pair[65536]; /* by the first two bytes, little endian: KNOWN_TEXT, KNOWN_MARK */
};

enum { KNOWN_TEXT = 1, KNOWN_MARK = 2 };

void known_quick_make(struct known_quick *ret);
bool known_quick_mark(uint32_t first, uint32_t second);
bool known_quick_text(uint32_t first, uint32_t second);

/* Whether known_bits can be above 20 for a file that begins with these two words, little
 * endian.
 */
static inline bool known_quick_pass(const struct known_quick *quick, uint32_t first,
                                    uint32_t second)
{
    uint8_t pair = quick->pair[first & 0xffff];
    return __builtin_expect(second == 0x70797466 /* ftyp */, 0) ||
           (pair & KNOWN_TEXT && known_quick_text(first, second)) ||
           (pair & KNOWN_MARK && known_quick_mark(first, second));
}
