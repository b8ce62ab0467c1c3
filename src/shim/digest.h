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
/* Adds `text` and a number (`size` <= 8 bytes, little endian) for each number from `from` up
 * to, not including, `to`. */
bool digest_add_numbered(struct digest *digest, bytes text, unsigned size, uint64_t from,
                         uint64_t to);
/* Of all that was added so far; more can be added. */
bool digest_peek(const struct digest *digest, uint8_t *ret);
/* Of all that was added; ends it. */
bool digest_end(struct digest *digest, uint8_t *ret);
/* Returns NULL. */
struct digest *digest_free(struct digest *digest);
/* Each round replaces `state`, a digest of that kind, by the digest of it with the round's
 * number (u32, little endian, from 0) before it or after it. */
bool digest_rounds(enum digest_kind kind, uint8_t *state, uint32_t rounds, bool number_first);
/* PBKDF2 (RFC 8018) with HMAC of that digest: `size` bytes of key. */
bool digest_stretch(enum digest_kind kind, bytes password, bytes salt, uint32_t rounds,
                    uint8_t *ret, size_t size);
/* Lower-case hex of `size` bytes and a NUL into ret[2 * size + 1]. */
void digest_hex(const uint8_t *digest, size_t size, char *ret);
