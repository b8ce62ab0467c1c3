/* blake2b — M-J. Saarinen, J-P. Aumasson, RFC 7693, without a key: digests of 1 to 64 bytes,
 * which OpenSSL 3.0 has only at 64. */
#pragma once
#include "base/base.h"

/* Digest of `size` bytes of the parts one after the other. */
void blake2b_parts(const bytes *parts, size_t count, uint8_t *ret, size_t size);
