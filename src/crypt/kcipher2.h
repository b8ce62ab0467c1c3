/* kcipher2 — the stream cipher KCipher-2: RFC 7008. */
#pragma once
#include "base/base.h"

struct kcipher2 {
    uint32_t times[4][256]; /* multiplication by alpha 0 to 3 of the upper byte */
    uint32_t columns[256];  /* AES: MixColumns of S-box of the lowest byte */
    uint32_t a[5], b[11], l1, r1, l2, r2;
    uint8_t block[8];
    unsigned left; /* bytes of `block` not used yet, at its end */
};

/* Makes the tables; once is enough for any number of keys. */
void kcipher2_prepare(struct kcipher2 *ret);
/* Key and iv of 16 bytes each, else false. */
bool kcipher2_set(struct kcipher2 *kcipher2, bytes key, bytes iv);
/* XORs the next `len` bytes of the keystream into `data`. */
void kcipher2_xor(struct kcipher2 *kcipher2, uint8_t *data, size_t len);
