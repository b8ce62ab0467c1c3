/* reading — one file of keys while it is read: what the parts of keys/ share. Each part looks
 * at a view, adds what it recognises and says nothing of what is not its own. */
#pragma once
#include "rescue/key.h"

enum {
    READING_DEPTH = 4,    /* base64 of base64 ... of a key */
    READING_KEYS = 16384, /* of all files: each is tried on each encrypted file */
    READING_NUMBER = 48,  /* bytes: shorter numbers are no RSA modulus */
};

struct reading {
    struct keyring *ring;
    struct arena *arena;
    bytes origin;
    unsigned depth;
    unsigned found;  /* keys and numbers added */
    uint64_t spent;  /* on RSA keys that may be none */
    struct why said; /* why something that looked like a key was not one; may be empty */
};

/* All return 0, or -ENOMEM; `found` grows with what they add. */

/* Files of one family that hide a key: GandCrab's note, BlackByte's forest.png, an identifier
 * of Petya. */
int reading_family(struct reading *reading, bytes view);
/* A view of unknown form, binary or text. */
int reading_any(struct reading *reading, bytes view);
/* Binary forms with a structure of their own: DER, CryptoAPI, CNG, packed pairs, Phobos. */
int reading_binary(struct reading *reading, bytes view);
/* PKCS #1 RSAPrivateKey, PKCS #8, SEC 1 (RFC 8017 A.1.2, RFC 5958, RFC 5915, RFC 8410). */
int reading_der(struct reading *reading, bytes view);
/* CryptoAPI PRIVATEKEYBLOB and CNG BCRYPT_RSAPRIVATE_BLOB, BCRYPT_RSAFULLPRIVATE_BLOB. */
int reading_blob(struct reading *reading, bytes view);
/* d and n of one size, one after the other, in either order of numbers and of bytes. */
int reading_packed(struct reading *reading, bytes view);
/* The keys that a Phobos decryptor is handed. */
int reading_phobos(struct reading *reading, bytes view);
/* PEM, XML, fields, lists, hex, base64, decimal. */
int reading_text(struct reading *reading, bytes view);
/* Text that is no more than one value: hex, base64, decimal. */
int reading_value(struct reading *reading, bytes text);
/* Bytes without any structure: a symmetric key, a scalar, a pair of secret and public. */
int reading_bytes(struct reading *reading, bytes view);

/* A number that may be half of an RSA key: joined with what waits in the ring, or left there to
 * wait. `name`: 'n', 'd' or 0 when nothing tells. */
int reading_number(struct reading *reading, bytes number, char name);
/* An RSA key whose numbers fit together; what does not is remembered in `said`. `sure`: the
 * numbers must be proven to be a pair. */
int reading_rsa(struct reading *reading, struct privatekey numbers, bool sure);
/* Adds one key, but not twice. */
int reading_add(struct reading *reading, struct key key);

/* Decoders of a whole text, into the arena: ret->at is NULL when it is not that, or memory is
 * out. White space between is skipped. */
bytes reading_hex(struct arena *arena, bytes text);
bytes reading_base64(struct arena *arena, bytes text);
/* So many decimal digits and no other that they are no hexadecimal number. */
bool reading_is_decimal(bytes text);
/* Big endian. */
bytes reading_decimal(struct arena *arena, bytes text);
