/* ghash — what GCM (NIST SP 800-38D) makes of a nonce that is not of 12 bytes. */
#pragma once
#include "base/base.h"

/* The block J0 that such a nonce begins with (section 7.1, step 2); the data's first counter
 * block is the next one in its low 32 bits. `hash_key`: the cipher of a block of zeros. */
void ghash_begin(const uint8_t hash_key[16], bytes nonce, uint8_t ret[16]);
