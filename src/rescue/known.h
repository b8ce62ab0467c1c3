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
