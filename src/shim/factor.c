#include "shim/factor.h"

#include <ecm.h>
#include <gmp.h>
#include <string.h>

static void take(mpz_t ret, const struct factor_number *number)
{
    mpz_init(ret);
    mpz_import(ret, FACTOR_BYTES, 1, 1, 1, 0, number->at);
}

static bool give(const mpz_t number, struct factor_number *ret)
{
    size_t len = (mpz_sizeinbase(number, 2) + 7) / 8;
    if (len > FACTOR_BYTES)
        return false;
    memset(ret, 0, sizeof *ret);
    if (mpz_sgn(number) > 0)
        mpz_export(ret->at + FACTOR_BYTES - len, NULL, 1, 1, 1, 0, number);
    return true;
}

bool factor_of_bytes(bytes number, struct factor_number *ret)
{
    while (number.len && !number.at[0])
        number = bytes_slice(number, 1, number.len);
    if (number.len > FACTOR_BYTES)
        return false;
    memset(ret, 0, sizeof *ret);
    if (number.len)
        memcpy(ret->at + FACTOR_BYTES - number.len, number.at, number.len);
    return true;
}

void factor_of_int(uint32_t number, struct factor_number *ret)
{
    memset(ret, 0, sizeof *ret);
    for (unsigned i = 0; i < 4; i++)
        ret->at[FACTOR_BYTES - 1 - i] = (uint8_t)(number >> 8 * i);
}

unsigned factor_bits(const struct factor_number *number)
{
    for (unsigned i = 0; i < FACTOR_BYTES; i++)
        if (number->at[i])
            return (FACTOR_BYTES - i) * 8 + 24 - (unsigned)__builtin_clz(number->at[i]);
    return 0;
}

bool factor_is_one(const struct factor_number *number)
{
    return factor_bits(number) == 1;
}

bool factor_is_prime(const struct factor_number *number)
{
    mpz_t n;
    take(n, number);
    bool prime = mpz_probab_prime_p(n, 25) > 0;
    mpz_clear(n);
    return prime;
}

uint32_t factor_small(const struct factor_number *number, uint32_t limit)
{
    mpz_t n;
    take(n, number);
    uint32_t found = 0;
    for (uint32_t p = 2; p < limit && !found && mpz_sgn(n) > 0; p += 1 + (p & 1))
        if (mpz_divisible_ui_p(n, p))
            found = p;
    mpz_clear(n);
    return found;
}

bool factor_divide(struct factor_number *number, const struct factor_number *factor)
{
    mpz_t n, f;
    take(n, number);
    take(f, factor);
    bool good = mpz_sgn(f) > 0 && mpz_divisible_p(n, f);
    if (good) {
        mpz_divexact(n, n, f);
        good = give(n, number);
    }
    mpz_clear(n);
    mpz_clear(f);
    return good;
}

bool factor_multiply(const struct factor_number *a, const struct factor_number *b,
                     struct factor_number *ret)
{
    mpz_t x, y;
    take(x, a);
    take(y, b);
    mpz_mul(x, x, y);
    bool good = give(x, ret);
    mpz_clear(x);
    mpz_clear(y);
    return good;
}

void factor_common(const struct factor_number *a, const struct factor_number *b,
                   struct factor_number *ret)
{
    mpz_t x, y;
    take(x, a);
    take(y, b);
    mpz_gcd(x, x, y);
    give(x, ret);
    mpz_clear(x);
    mpz_clear(y);
}

/* libecm 7.0.5 does not give back four numbers of each curve, some 128 bytes: a process that
 * factors is not to live for ever. */
bool factor_curve(const struct factor_number *number, double b1, uint64_t sigma,
                  struct factor_number *ret)
{
    mpz_t n, f;
    ecm_params params;
    take(n, number);
    mpz_init(f);
    ecm_init(params);
    mpz_set_ui(params->sigma, sigma);
    bool good = ecm_factor(f, n, b1, params) > 0 && mpz_cmp_ui(f, 1) > 0 && mpz_cmp(f, n) < 0 &&
                give(f, ret);
    ecm_clear(params);
    mpz_clear(n);
    mpz_clear(f);
    return good;
}

bool factor_close(const struct factor_number *number, uint32_t steps, struct factor_number *ret)
{
    mpz_t n, a, b;
    take(n, number);
    mpz_init(a);
    mpz_init(b);
    mpz_sqrt(a, n);
    bool good = false;
    for (uint32_t i = 0; i < steps && !good && mpz_sgn(n) > 0; i++) {
        mpz_mul(b, a, a);
        mpz_sub(b, b, n);
        if (mpz_sgn(b) >= 0 && mpz_perfect_square_p(b)) {
            mpz_sqrt(b, b);
            mpz_sub(b, a, b);
            good = mpz_cmp_ui(b, 1) > 0 && mpz_cmp(b, n) < 0 && give(b, ret);
        }
        mpz_add_ui(a, a, 1);
    }
    mpz_clear(n);
    mpz_clear(a);
    mpz_clear(b);
    return good;
}
