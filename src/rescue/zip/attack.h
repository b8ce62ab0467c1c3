/* attack — the keys of ZipCrypto from known plain bytes: 8 in a row and 4 more at least.
 *
 * Source: E. Biham, P. Kocher, "A Known Plaintext Attack on the PKZIP Stream Cipher", 1994.
 *
 * Known bytes give bytes of the stream, and they the values that Z can have: 2^22, fewer with
 * more bytes in a row (attack_begin). For each of them the high bytes of Y at six places
 * follow, and with those Y, X and the whole state: 2^16 ways for each Z (attack_run), which is
 * what takes the time. Ranges of values are independent: threads take turns, and what is done
 * can be noted and gone on with later. Pure: no threads, no clock. */
#pragma once
#include "base/arena.h"
#include "base/cpu.h"
#include "rescue/zip/zipcrypto.h"

enum {
    ATTACK_ROW = 8,     /* bytes in a row that are needed */
    ATTACK_KNOWN = 12,  /* in all */
    ATTACK_MOST = 4096, /* known bytes that are made use of */
    ATTACK_ARENA = 96 << 20,
};

/* A known byte: `at` counts in the encrypted data, whose first 12 are the header. */
struct attack_known {
    uint64_t at;
    uint8_t plain;
};

struct attack_core;

struct attack {
    bytes encrypted; /* a member's data, header first; what lies behind the last known byte is
                        not needed. Borrowed */
    const struct attack_known *known; /* sorted */
    size_t count;
    uint64_t row;      /* where the 8 bytes in a row begin that the attack works on */
    const uint32_t *z; /* values of Z before the last of them, bits 2 to 31 */
    uint32_t values;
    struct attack_core *core;
};

/* Finds the values of Z. `known` is sorted by this. -EINVAL: too few known bytes, none of 8 in
 * a row, or one outside of the data; -ENOMEM. Takes up to a second. */
int attack_begin(bytes encrypted, struct attack_known *known, size_t count, struct arena *arena,
                 struct attack *ret, struct why *why) MUST_USE;
/* Tries the values [from, to). True: *ret holds the keys before the first byte of the encrypted
 * data. *stop, which may be NULL, ends it early with false. */
bool attack_run(const struct attack *attack, uint32_t from, uint32_t to, enum cpu_level level,
                const volatile bool *stop, struct zip_keys *ret);
/* Whether keys give the known bytes. */
bool attack_fits(bytes encrypted, const struct attack_known *known, size_t count,
                 struct zip_keys keys);
