/* counter — AES in counter mode with the counter's first byte counted up first, as Rust's and
 * Go's libraries of some families have it: Qilin, ALPHV. */
#pragma once
#include "base/base.h"

struct counter {
    bytes key;         /* 16, 24 or 32 bytes, borrowed */
    uint8_t first[16]; /* the counter of the stream's first block */
};

/* XORs the keystream from byte `position` on into `data`. */
void counter_xor(const struct counter *counter, uint64_t position, uint8_t *data, size_t len);
