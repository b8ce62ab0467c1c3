/* key — what opens encrypted files, whoever it came from.
 *
 * A file of keys is read by keyring_add (keys/), which recognises the form by itself and adds
 * every reading that makes sense: 32 bytes may be an AES key and a Curve25519 scalar. Formats
 * (formats/) take the kinds that they can use. Numbers are big endian without a sign. */
#pragma once
#include "base/arena.h"
#include "shim/privatekey.h"

enum key_kind {
    KEY_RSA,        /* private: n, d; e, p and q where they were given */
    KEY_CURVE25519, /* secret: 32 bytes, RFC 7748 order; pub: 32 or empty */
    KEY_SECP256K1,  /* secret: scalar, 32 bytes big endian */
    KEY_SECP192K1,  /* secret: scalar, 24 bytes big endian */
    KEY_BYTES,      /* secret: a symmetric key, 1 to 64 bytes, as the format needs it */
    KEY_TEXT,       /* secret: a password or other text, without line ends */
    KEY_STREAM,     /* secret: keystream from a pair; `at`: its offset in the encrypted file */
    KEY_SEED,       /* `seed`: of a generator, as found by a search */
};

struct keyring;

struct key {
    enum key_kind kind;
    bytes origin; /* where it came from, for people: "police.pem", "published: FBI, 2019" */
    bytes secret, pub;

    struct privatekey rsa; /* n, d; e, p and q where they are known */

    uint64_t seed, at;
    const char *family; /* NULL: try every format; else only this family's */
    uint64_t only;      /* source_mark of the one file that it is for; 0: any */
    /* What came with it: some families want two keys for a file. NULL: nothing did. */
    const struct keyring *ring;
};

/* Half of an RSA key that came alone: it waits for the other half. */
struct keyring_number {
    bytes number;
    char name; /* 'n', 'd', or 0: not known */
};

/* What a master key may open: the keys of a session (keys/session.h). */
struct keyring_sealed {
    bytes data, origin;
    uint32_t tried; /* so many of the ring's keys */
    bool secles;    /* keys/secles.h */
    bool opened;
    bool only; /* nothing else was found in its file */
};

struct keyring {
    VEC(struct key) key;
    VEC(struct keyring_number) number;
    VEC(struct keyring_sealed) sealed;
    bool full; /* there were more keys than it holds */
};

/* Reads a file of keys: PEM (PKCS #1, #8, SEC 1), DER, .NET XML, CryptoAPI and CNG blobs, hex,
 * base64, decimal, "name: value" lines, packed (d, n) pairs, a decryptor's key file; several
 * in one file are all added. n in one file and d in another are joined when both are there, and
 * what is sealed for a master key is opened when that is there: 0 without a new key means that
 * one of them waits. Everything goes to the arena. -EBADMSG with what
 * was expected when no reading makes sense, -ENOMEM. */
int keyring_add(struct keyring *ring, bytes file, bytes origin, struct arena *arena,
                struct why *why) MUST_USE;
/* "RSA private key of 2048 bits": for people, into ret. Returns ret. */
const char *key_describe(const struct key *key, char *ret, size_t size);
