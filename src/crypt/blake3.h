/* blake3 — J. O'Connor, J. Aumasson, S. Neves, Z. Wilcox-O'Hearn, "BLAKE3: one function, fast
 * everywhere", 2020: hash mode, without a key. For keys and short headers: no speed is sought.
 */
#pragma once
#include "base/base.h"

/* The first `size` bytes of the digest of the parts one after the other. */
void blake3_parts(const bytes *parts, size_t count, uint8_t *ret, size_t size);
