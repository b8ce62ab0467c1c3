/* password — a password that gives the keys of ZipCrypto, when it is short.
 *
 * The last four bytes of a password follow from X, so that only those before them are tried:
 * passwords of 8 letters and digits take less than a second, of 9 some seconds, of 10 minutes.
 */
#pragma once
#include "rescue/zip/zipcrypto.h"

enum { PASSWORD_MOST = 16 };

/* Which bytes a password is made of. */
struct password_set {
    uint8_t byte[256];
    unsigned n;
    bool has[256];
};

/* From a list of bytes: each once. */
struct password_set password_set(bytes list);
/* Passwords of `len` bytes whose first byte is one of set->byte[from..to). Shorter than 5: from
 * and to do not count. True: *ret is one that gives `keys`. */
bool password_try(struct zip_keys keys, const struct password_set *set, unsigned len,
                  unsigned from, unsigned to, const volatile bool *stop,
                  char ret[PASSWORD_MOST + 1]);
