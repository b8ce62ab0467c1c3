/* winzip — the AES encryption of zip members, by OpenSSL's libcrypto. Source: "AES Encryption
 * Information: Encryption Specification AE-1 and AE-2", WinZip, 2009. */
#pragma once
#include "base/base.h"

enum { WINZIP_MAC = 10 };

/* `data`: the 2 bytes that check the password, the cipher text, WINZIP_MAC bytes that
 * authenticate it. False when the password, or the data, is wrong; else the plain text is in
 * `out`. The key is of 16, 24 or 32 bytes. */
bool winzip_open(bytes password, bytes salt, size_t key_size, bytes data, uint8_t *out);
