/* cipher — AES and triple DES by OpenSSL's libcrypto, without padding. */
#pragma once
#include "base/base.h"

enum cipher_mode { CIPHER_ECB, CIPHER_CBC, CIPHER_CTR };

enum cipher_kind { CIPHER_AES, CIPHER_DES3 };

enum cipher_way { CIPHER_DECRYPT, CIPHER_ENCRYPT };

enum { CIPHER_BLOCK = 16 };

/* All whole blocks of `in` to `out` (which may be the same bytes). The key is of 16, 24 or 32
 * bytes. CBC: `iv` is replaced by what the next part of the same data needs; ECB: it may be
 * NULL. False when libcrypto refuses or the key is of another size. */
bool cipher_aes(enum cipher_mode mode, enum cipher_way way, bytes key, uint8_t *iv, bytes in,
                uint8_t *out);

/* A cipher whose key stays for many parts of data. Key: AES 16, 24, 32 bytes; triple DES 16 or
 * 24, not in CTR. CTR counts up its iv as one 128-bit number. NULL when libcrypto refuses. */
struct cipher *cipher_new(enum cipher_kind kind, enum cipher_mode mode, enum cipher_way way,
                          bytes key);
/* Returns NULL. */
struct cipher *cipher_free(struct cipher *cipher);
/* Begins anew, CBC and CTR with `iv`, a block of the cipher's size. */
bool cipher_begin(struct cipher *cipher, const uint8_t *iv);
/* The next `len` bytes, whole blocks but for CTR; `out` may be `in`. */
bool cipher_add(struct cipher *cipher, const uint8_t *in, uint8_t *out, size_t len);
/* GCM of AES with a nonce of any length: `in` to out[in.len], which is of no use when the
 * answer is false: another key, or `tag` is not that of the data. */
bool cipher_gcm_open(bytes key, bytes nonce, bytes in, const uint8_t tag[16], uint8_t *out);
