/* weak — private RSA keys of moduli that were made badly: with a small prime, with primes that
 * lie close to each other, or with a prime that another modulus has, too. A sound modulus of
 * 512 bits, as Zeppelin's, takes days on many machines and is not tried. */
#pragma once
#include "rescue/key.h"

struct weak_case {
    bytes n, e;          /* big endian; e empty: 65537 */
    const bytes *others; /* moduli of the same family */
    size_t count;
    const volatile bool *stop; /* may be NULL */
};

/* 0 with a key; -ENOENT: none of the three; -ECANCELED: *stop; -EMSGSIZE: n is above 1,024
 * bits. The work is bounded: seconds. */
int weak_find(const struct weak_case *what, struct arena *arena, struct key *ret,
              struct why *why) MUST_USE;
