/* privatekey — RSA with a private key that is given as numbers, and X25519, by OpenSSL's
 * libcrypto. It opens what ransomware has sealed: the keys are a victim's own, nobody can watch
 * how long it takes, and padding that does not fit must be told, not hidden. */
#pragma once
#include "base/arena.h"

enum { PRIVATEKEY_MAX = 1280 /* bytes of a modulus: 10,240 bits */, X25519_SIZE = 32 };

/* What was opened last, with any keys: all files of a machine often hold the same sealed
 * session. Begun as zeros, one thread's; the one that was not asked for longest makes room. */
struct privatekey_memory {
    uint64_t clock;

    struct privatekey_opened {
        uint64_t used;
        size_t size, sealed_size;
        uint8_t n[PRIVATEKEY_MAX], sealed[PRIVATEKEY_MAX], number[PRIVATEKEY_MAX];
    } opened[16];
};

/* Numbers big endian, without a sign; empty: not given. */
struct privatekey {
    bytes n, e, d, p, q;
    bytes dp, dq, inverse; /* d mod p-1, d mod q-1, 1/q mod p: by privatekey_complete alone */
    struct privatekey_memory *memory; /* NULL: nothing is remembered */
};

enum privatekey_hash {
    PRIVATEKEY_MD5,
    PRIVATEKEY_SHA1,
    PRIVATEKEY_SHA256,
    PRIVATEKEY_SHA384,
    PRIVATEKEY_SHA512,
    PRIVATEKEY_SHA3_256,
    PRIVATEKEY_SHA3_512,
};

/* As Windows' CryptoAPI writes what it encrypts: the whole number the other way round. */
enum privatekey_order { PRIVATEKEY_BIG, PRIVATEKEY_LITTLE };

/* Bytes of the modulus without leading zeros: those of a sealed message. 0: no such key, or one
 * larger than PRIVATEKEY_MAX. */
size_t privatekey_size(const struct privatekey *key);

/* Fills in what follows from what is given: n and d from p, q and e; q from p; p and q from n,
 * e and d; e where only n and d are there and it is one of those in use. Numbers come to the
 * arena without leading zeros. 0 when at least n and d are there and nothing contradicts;
 * -EBADMSG: numbers that are no key together; -EMSGSIZE: larger than PRIVATEKEY_MAX; -ENOMEM.
 */
int privatekey_complete(struct privatekey *key, struct arena *arena, struct why *why) MUST_USE;

/* sealed ^ d mod n into ret[privatekey_size], big endian, filled up with zeros in front. Of a
 * sealed number that is shorter than the modulus the zeros may be missing. 0; -EKEYREJECTED:
 * the number is not smaller than the modulus; -EINVAL: not a key; -ENOMEM. */
int privatekey_raw(const struct privatekey *key, enum privatekey_order order, bytes sealed,
                   uint8_t *ret, struct why *why) MUST_USE;
/* The message in it by PKCS #1 v1.5 (RFC 8017, 7.2.2) into ret[privatekey_size], its length
 * into *len. -EKEYREJECTED too when the padding is not that: another key, or damaged. A wrong
 * key passes once in about 2^16 times at most: what comes out must be checked. */
int privatekey_pkcs1(const struct privatekey *key, enum privatekey_order order, bytes sealed,
                     uint8_t *ret, size_t *len, struct why *why) MUST_USE;
/* The same by OAEP (RFC 8017, 7.1.2) with an empty label. No wrong key passes. */
int privatekey_oaep(const struct privatekey *key, enum privatekey_order order,
                    enum privatekey_hash hash, enum privatekey_hash mask, bytes sealed,
                    uint8_t *ret, size_t *len, struct why *why) MUST_USE;

/* RFC 7748: the secret is clamped as it says. False when the result is all zero, as of a point
 * of small order, or libcrypto refuses. */
bool x25519_shared(const uint8_t secret[X25519_SIZE], const uint8_t point[X25519_SIZE],
                   uint8_t ret[X25519_SIZE]);
bool x25519_public(const uint8_t secret[X25519_SIZE], uint8_t ret[X25519_SIZE]);
