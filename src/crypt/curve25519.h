/* curve25519 — whether 32 bytes can be a public key of X25519 (RFC 7748). */
#pragma once
#include "base/base.h"

enum { CURVE25519_KEY = 32 };

/* True for every public key that was made as RFC 7748 says: below the prime 2^255 - 19, and its
 * point in the subgroup that the base point generates. Of 32 random bytes 1 in 32 is one: half
 * have the top bit set, half of the others are no point, 7 of 8 points lie outside. */
bool curve25519_is_public(const uint8_t key[CURVE25519_KEY]);
