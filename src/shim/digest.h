/* digest — MD5, SHA-1 and SHA-2 by OpenSSL's libcrypto. */
#pragma once
#include "base/base.h"

enum digest_kind { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512 };

enum { DIGEST_MAX = 64 };

/* Bytes in a digest of that kind: 16, 20, 32, 48, 64. */
size_t digest_size(enum digest_kind kind);
/* Digest of the parts one after the other into ret[digest_size]. False when libcrypto refuses.
 */
bool digest_parts(enum digest_kind kind, const bytes *parts, size_t count, uint8_t *ret);
/* A digest of bytes that come piece by piece. NULL when memory is out. */
struct digest;
struct digest *digest_new(enum digest_kind kind);
bool digest_add(struct digest *digest, bytes part);
/* Of all that was added; ends it. */
bool digest_end(struct digest *digest, uint8_t *ret);
/* Returns NULL. */
struct digest *digest_free(struct digest *digest);
/* Each round replaces `state`, a digest of that kind, by the digest of it with the round's
 * number (u32, little endian, from 0) before it or after it. */
bool digest_rounds(enum digest_kind kind, uint8_t *state, uint32_t rounds, bool number_first);
/* Lower-case hex of `size` bytes and a NUL into ret[2 * size + 1]. */
void digest_hex(const uint8_t *digest, size_t size, char *ret);
