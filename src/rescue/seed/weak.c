#include "rescue/seed/weak.h"

#include "shim/factor.h"
#include "shim/privatekey.h"

#include <errno.h>
#include <string.h>

enum { SMALL = 1 << 20, CLOSE = 1 << 20, CURVES = 40, OTHERS = 100000 };

/* Neither 1 nor all of it. */
static bool proper(const struct factor_number *factor, const struct factor_number *n)
{
    return factor_bits(factor) > 1 && memcmp(factor, n, sizeof *n) != 0;
}

static bool shared(const struct weak_case *what, const struct factor_number *n,
                   struct factor_number *ret)
{
    for (size_t i = 0; i < what->count && i < OTHERS; i++) {
        struct factor_number other;
        if (what->stop && *what->stop)
            return false;
        if (!factor_of_bytes(what->others[i], &other))
            continue;
        factor_common(n, &other, ret);
        if (proper(ret, n))
            return true;
    }
    return false;
}

/* A factor of up to about 20 digits. */
static bool by_curves(const struct weak_case *what, const struct factor_number *n,
                      struct factor_number *ret)
{
    for (unsigned i = 0; i < CURVES; i++) {
        if (what->stop && *what->stop)
            return false;
        if (factor_curve(n, 2000, 7 + i, ret))
            return true;
    }
    return false;
}

static const char *split(const struct weak_case *what, const struct factor_number *n,
                         struct factor_number *ret)
{
    uint32_t small = factor_small(n, SMALL);
    factor_of_int(small, ret);
    if (small && proper(ret, n))
        return "a small prime";
    if (shared(what, n, ret))
        return "a prime shared with another key";
    if (factor_close(n, CLOSE, ret))
        return "primes that are close to each other";
    return by_curves(what, n, ret) ? "a small prime" : NULL;
}

static bytes number(const struct factor_number *from, struct arena *arena)
{
    size_t len = (factor_bits(from) + 7) / 8;
    return arena_copy(arena, (bytes){from->at + FACTOR_BYTES - len, len});
}

int weak_find(const struct weak_case *what, struct arena *arena, struct key *ret,
              struct why *why)
{
    static const uint8_t usual[3] = {1, 0, 1};
    struct factor_number n, p, q;
    if (!factor_of_bytes(what->n, &n))
        return fail(why, EMSGSIZE, "a modulus of %zu bytes, at most %d are looked at",
                    what->n.len, FACTOR_BYTES);
    if (factor_bits(&n) < 16)
        return fail(why, ENOENT, "no RSA modulus");
    const char *weakness = split(what, &n, &p);
    if (!weakness)
        return what->stop && *what->stop
                   ? fail(why, ECANCELED, "stopped before the modulus was looked at")
                   : fail(why, ENOENT,
                          "the modulus of %u bits has none of the known weaknesses",
                          factor_bits(&n));
    q = n;
    if (!factor_divide(&q, &p) || !factor_is_prime(&p) || !factor_is_prime(&q))
        return fail(why, ENOENT, "the modulus is not the product of two primes");
    struct privatekey numbers = {.p = number(&p, arena),
                                 .q = number(&q, arena),
                                 .e = what->e.len ? what->e : (bytes){usual, sizeof usual}};
    if (!numbers.p.at || !numbers.q.at)
        return fail(why, ENOMEM, "no memory for a key");
    int error = privatekey_complete(&numbers, arena, why);
    if (error)
        return error;
    *ret = (struct key){.kind = KEY_RSA,
                        .rsa = numbers,
                        .origin = arena_printf(arena, "factored: %s", weakness)};
    return ret->origin.at ? 0 : fail(why, ENOMEM, "no memory for a key");
}
