/* sosemanuk — C. Berbain and others, "Sosemanuk, a fast software-oriented stream cipher"
 * (eSTREAM portfolio, 2008). */
#pragma once
#include "base/base.h"

struct sosemanuk {
    uint32_t up[256], down[256]; /* multiplication by alpha, and by its inverse, of one byte */
    uint32_t s[10], r1, r2;
    uint8_t block[16];
    unsigned left; /* bytes of `block` not used yet, at its end */
};

/* Key of 1 to 32 bytes, iv of 16, else false. */
bool sosemanuk_set(struct sosemanuk *ret, bytes key, bytes iv);
/* XORs the next `len` bytes of the keystream into `data`. */
void sosemanuk_xor(struct sosemanuk *sosemanuk, uint8_t *data, size_t len);
