/* aead — AES-256-GCM by OpenSSL's libcrypto, and the keys for it. Encrypted and sealed: a
 * changed byte, another nonce or another header and it does not open. */
#pragma once
#include "base/base.h"

enum { AEAD_KEY = 32, AEAD_NONCE = 12, AEAD_TAG = 16 };

enum aead_way { AEAD_OPEN, AEAD_SEAL };

struct aead;

/* NULL when memory is out or libcrypto refuses. The key is copied. */
struct aead *aead_new(enum aead_way way, const uint8_t key[AEAD_KEY]);
/* Returns NULL. */
struct aead *aead_free(struct aead *aead);
/* Writes in.len bytes and the tag to `out`. A nonce must never be used twice with a key. `with`
 * is not written, but what was sealed opens only with the same. False when libcrypto refuses.
 */
bool aead_seal(struct aead *aead, const uint8_t nonce[AEAD_NONCE], bytes with, bytes in,
               uint8_t *out);
/* The reverse: `in` ends with the tag, in.len - AEAD_TAG bytes go to `out`, which are of no use
 * when the answer is false: it is not what was sealed. */
bool aead_open(struct aead *aead, const uint8_t nonce[AEAD_NONCE], bytes with, bytes in,
               uint8_t *out);
/* A key of its own for each use: HMAC-SHA-256 of the salt under `key`. */
bool aead_derive(const uint8_t key[AEAD_KEY], bytes salt, uint8_t ret[AEAD_KEY]);
