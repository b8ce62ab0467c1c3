/* hc128 — Hongjun Wu, "The Stream Cipher HC-128" (eSTREAM portfolio, 2008). */
#pragma once
#include "base/base.h"

struct hc128 {
    uint32_t p[512], q[512];
    uint32_t step; /* of the next word, modulo 1024 */
    uint8_t word[4];
    unsigned left; /* bytes of `word` not used yet, at its end */
};

/* Key and iv of 16 bytes each; of 32 as the eSTREAM code takes them, too (Babuk). Else false.
 */
bool hc128_set(struct hc128 *ret, bytes key, bytes iv);
/* XORs the next `len` bytes of the keystream into `data`. */
void hc128_xor(struct hc128 *hc128, uint8_t *data, size_t len);
