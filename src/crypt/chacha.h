/* chacha — D. J. Bernstein, "ChaCha, a variant of Salsa20", 2008; RFC 8439 (12-byte nonces);
 * draft-irtf-cfrg-xchacha (24-byte nonces). Any even number of rounds. */
#pragma once
#include "base/base.h"

struct chacha {
    uint32_t state[16];
    unsigned rounds;
    bool wide; /* the counter has 64 bits */
};

/* `rounds` even, 2 to 40; key 16 or 32 bytes; nonce 8 bytes (64-bit counter), 12 (32-bit
 * counter, which wraps) or 24 (32-byte key only; 64-bit counter); `counter`: number of the
 * first block. False for other sizes. */
bool chacha_set(struct chacha *ret, unsigned rounds, bytes key, bytes nonce, uint64_t counter);
/* XORs the keystream from byte `position` on into `data`. */
void chacha_xor(const struct chacha *chacha, uint64_t position, uint8_t *data, size_t len);
/* HChaCha: 32 bytes out of a key and 16 bytes. */
void chacha_hash(unsigned rounds, const uint8_t key[32], const uint8_t nonce[16],
                 uint8_t ret[32]);
