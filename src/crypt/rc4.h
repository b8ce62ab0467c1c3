/* rc4 — the "Alleged RC4" of 1994 (RFC 6229 has its vectors). */
#pragma once
#include "base/base.h"

struct rc4 {
    uint8_t state[256], i, j;
};

/* Key of 1 to 256 bytes, else false. */
bool rc4_set(struct rc4 *ret, bytes key);
/* XORs the next `len` bytes of the keystream into `data`. */
void rc4_xor(struct rc4 *rc4, uint8_t *data, size_t len);
