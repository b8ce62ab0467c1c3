/* cipher — AES by OpenSSL's libcrypto, without padding. */
#pragma once
#include "base/base.h"

enum cipher_mode { CIPHER_ECB, CIPHER_CBC };

enum cipher_way { CIPHER_DECRYPT, CIPHER_ENCRYPT };

enum { CIPHER_BLOCK = 16 };

/* All whole blocks of `in` to `out` (which may be the same bytes). The key is of 16, 24 or 32
 * bytes. CBC: `iv` is replaced by what the next part of the same data needs; ECB: it may be
 * NULL. False when libcrypto refuses or the key is of another size. */
bool cipher_aes(enum cipher_mode mode, enum cipher_way way, bytes key, uint8_t *iv, bytes in,
                uint8_t *out);
