/* rar — archives of RAR. libarchive reads what is plain; here the headers are walked for what
 * it does not tell (volumes, what is encrypted), and what a password opens is deciphered and
 * put into a plain archive for it. */
#pragma once
#include "unpack/unpack.h"

#include <string.h>

enum {
    RAR_BLOCK = 16, /* of AES, and what everything encrypted is filled up to */
    RAR5_SALT = 16,
    RAR5_CHECK =
        12, /* tells a wrong password; the last four bytes are a digest of the others */
    RAR5_KEY = 32,
    RAR4_SALT = 8,
    RAR4_KEY = 16,
    RAR_NO_PASSWORD = -1,
    RAR_STOPPED = -2, /* return */
};

/* --- rar_key.c --- */

struct rar4_key {
    uint8_t key[RAR4_KEY], iv[RAR_BLOCK];
    bool made;
};

/* Passwords, and the keys that were made last. */
struct rar_keys {
    struct unpack *unpack;
    uint32_t count; /* passwords to try */
    int32_t last;   /* that fitted last */
    /* 5: what these gave. */
    bool tried;
    uint8_t power, salt[RAR5_SALT], check[RAR5_CHECK], key[RAR5_KEY];
    int32_t fits;
    /* 4: by password, of this salt. */
    uint8_t salt4[RAR4_SALT];
    struct rar4_key *keys4;
};

/* False: no memory. */
bool rar_keys_open(struct rar_keys *keys, struct unpack *unpack);
/* The n-th password to try, that which fitted last first; RAR_NO_PASSWORD at the end. */
int32_t rar_keys_at(const struct rar_keys *keys, uint32_t n);
/* RAR 5: the password that fits, with its key in keys->key: else one of the two above. */
int32_t rar_key5(struct rar_keys *keys, unsigned power, const uint8_t *salt,
                 const uint8_t *check);
/* RAR 3 and 4: the key of a password. NULL: there is none, or the budget is used up. */
const struct rar4_key *rar_key4(struct rar_keys *keys, uint32_t password, const uint8_t *salt);

/* --- rar.c --- */

/* Deciphers `in` into the child and cuts it to `size`. False: return. */
bool rar_put_deciphered(struct unpack *unpack, bytes key, const uint8_t *iv, bytes in,
                        uint64_t size) MUST_USE;
