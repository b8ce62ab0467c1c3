#include "shim/rsa.h"

#include <limits.h>
#include <openssl/bn.h>

/* Takes the numbers over. */
static bool power(BIGNUM *n, BIGNUM *e, bytes number, uint8_t *ret, size_t size)
{
    BIGNUM *power = BN_new();
    BIGNUM *base = number.len <= INT_MAX ? BN_bin2bn(number.at, (int)number.len, NULL) : NULL;
    BN_CTX *context = BN_CTX_new();
    bool good = n && e && power && base && context && size <= INT_MAX &&
                BN_mod_exp(power, base, e, n, context) == 1 &&
                BN_bn2binpad(power, ret, (int)size) == (int)size;
    BN_CTX_free(context);
    BN_free(base);
    BN_free(power);
    BN_free(e);
    BN_free(n);
    return good;
}

bool rsa_recover(const char *modulus, const char *exponent, bytes number, uint8_t *ret,
                 size_t size)
{
    BIGNUM *n = NULL, *e = NULL;
    bool good = BN_dec2bn(&n, modulus) && BN_dec2bn(&e, exponent);
    return power(n, e, number, ret, good ? size : SIZE_MAX);
}

bool rsa_power(bytes modulus, bytes exponent, bytes number, uint8_t *ret, size_t size)
{
    if (modulus.len > INT_MAX || exponent.len > INT_MAX)
        return false;
    return power(BN_bin2bn(modulus.at, (int)modulus.len, NULL),
                 BN_bin2bn(exponent.at, (int)exponent.len, NULL), number, ret, size);
}
