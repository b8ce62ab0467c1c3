/* secles — the two keys of a session of TeslaRVNG (Secles), RSA and X25519, out of the files
 * that it keeps them in, with the two master keys.
 *
 *     AES-256-GCM's data | 16 tag | sealed by RSA, OAEP, SHA-384: key 32, nonce 12 | 2 mark
 *
 *     data: ChaCha20 | public key 32, for ChaCha20's key 32 and nonce 8 out of SHA-384 of what
 *     X25519 agrees on. Of ChaCha20, what comes last:
 *     ">^" 20 victim "<~" 4 number ":A6N" 32 X25519 "Z5," RSA in DER
 *
 * Mark: 2D 01 for the keys of one session; 56 01 for several, where what is before the last
 * ones is a file of the same kind without the mark. Facts: github.com/f6-dfir/Ransomware,
 * TeslaRVNG/tools/secles_crypt.py. */
#pragma once
#include "rescue/keys/reading.h"

enum { SECLES_MARK = 2 };

/* Whether a file ends in such a mark. */
bool secles_can_be(bytes file);
/* Opens it, without its mark, with the RSA and X25519 keys that are in the ring, and adds what
 * comes out. 0, also when no key fits, or -ENOMEM. */
int secles_open(struct reading *reading, bytes data);
