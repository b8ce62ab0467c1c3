/* officekey — passwords and keys of encrypted Office documents, [MS-OFFCRYPTO]. */
#pragma once
#include "unpack/unpack.h"

enum officekey_kind {
    OFFICEKEY_NONE,
    OFFICEKEY_AGILE,    /* 2.3.4.10: AES-CBC, of packages */
    OFFICEKEY_STANDARD, /* 2.3.4.5: AES-ECB, of packages */
    OFFICEKEY_RC4,      /* 2.3.6: 40 bits, of old documents */
    OFFICEKEY_API,      /* 2.3.5: RC4 of the CryptoAPI */
    OFFICEKEY_XOR,      /* 2.3.7.2, of workbooks */
};

struct officekey {
    enum officekey_kind kind;
    uint8_t hash; /* enum digest_kind */
    uint8_t secret[64];
    size_t size;      /* bytes of the key */
    uint8_t salt[64]; /* of agile: for the vectors */
    size_t salt_size, block_size;
};

/* Reads an EncryptionInfo (of packages: the stream; of old documents: what their first record
 * or table begins with) and tries the passwords: Excel's default, the empty one, the run's.
 * False, and a gap of `name`, when none fits or the method is unknown. */
bool officekey_open(struct officekey *ret, struct unpack *unpack, bytes name, bytes info);
/* XOR obfuscation: `key` and `verifier` of the record. */
bool officekey_open_xor(struct officekey *ret, struct unpack *unpack, bytes name, uint16_t key,
                        uint16_t verifier);
/* The key of a block, for RC4; ret[64], returns its size. */
size_t officekey_block(const struct officekey *key, uint32_t block, uint8_t *ret);
/* Decrypts an EncryptedPackage into the child being written. False: return. */
bool officekey_package(const struct officekey *key, struct unpack *unpack,
                       bytes package) MUST_USE;
