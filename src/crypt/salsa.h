/* salsa — D. J. Bernstein, "Salsa20 specification", 2005, and "Extending the Salsa20 nonce",
 * 2011 (24-byte nonces). Any even number of rounds. */
#pragma once
#include "base/base.h"

struct salsa {
    uint32_t state[16];
    unsigned rounds;
};

/* `rounds` even, 2 to 40; key 16 or 32 bytes; nonce 8 or (32-byte key only) 24 bytes;
 * `counter`: number of the first block. False for other sizes. */
bool salsa_set(struct salsa *ret, unsigned rounds, bytes key, bytes nonce, uint64_t counter);
/* A variant whose 64 bytes of state are all key (LockBit 3.0, BlackMatter): no constants; the
 * counter is what lies in its place. */
bool salsa_set_state(struct salsa *ret, unsigned rounds, const uint8_t state[64]);
/* XORs the keystream from byte `position` on into `data`. */
void salsa_xor(const struct salsa *salsa, uint64_t position, uint8_t *data, size_t len);
/* HSalsa: 32 bytes out of a key and 16 bytes. */
void salsa_hash(unsigned rounds, const uint8_t key[32], const uint8_t nonce[16],
                uint8_t ret[32]);
