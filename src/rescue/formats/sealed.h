/* sealed — what a family sealed with RSA, opened with a key of the ring. */
#pragma once
#include "rescue/key.h"
#include "shim/privatekey.h"

/* The message of PKCS #1 v1.5 in what CryptoAPI sealed (the number the other way round), of
 * `least` bytes or more, into the arena. -EKEYREJECTED: no private RSA key of that size, or not
 * the one it was sealed for. */
int sealed_pkcs1(const struct key *key, bytes sealed, size_t least, struct arena *arena,
                 bytes *ret, struct why *why) MUST_USE;
/* The same of OAEP with SHA-1, as .NET's Encrypt(.., true) writes it: big endian. */
int sealed_oaep(const struct key *key, bytes sealed, struct arena *arena, bytes *ret,
                struct why *why) MUST_USE;
/* The same with another hash for OAEP and its mask. */
int sealed_oaep_by(const struct key *key, enum privatekey_hash hash, bytes sealed,
                   struct arena *arena, bytes *ret, struct why *why) MUST_USE;
