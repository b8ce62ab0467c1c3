/* rc4 — the stream cipher of old documents; libcrypto has it only in a module that is a file.
 */
#pragma once
#include "base/base.h"

struct rc4 {
    uint8_t s[256], i, j;
};

/* A key of 1 to 256 bytes; of an empty one nothing is decrypted. */
void rc4_start(struct rc4 *rc4, bytes key);
/* Goes on where the last call ended. `out` may be `in`. */
void rc4_run(struct rc4 *rc4, bytes in, uint8_t *out);
