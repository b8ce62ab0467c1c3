#include "shim/rsa.h"

#include <limits.h>
#include <openssl/bn.h>

bool rsa_recover(const char *modulus, const char *exponent, bytes number, uint8_t *ret,
                 size_t size)
{
    BIGNUM *n = NULL, *e = NULL, *power = BN_new();
    BIGNUM *base = number.len <= INT_MAX ? BN_bin2bn(number.at, (int)number.len, NULL) : NULL;
    BN_CTX *context = BN_CTX_new();
    bool good = power && base && context && size <= INT_MAX && BN_dec2bn(&n, modulus) &&
                BN_dec2bn(&e, exponent) && BN_mod_exp(power, base, e, n, context) == 1 &&
                BN_bn2binpad(power, ret, (int)size) == (int)size;
    BN_CTX_free(context);
    BN_free(base);
    BN_free(power);
    BN_free(e);
    BN_free(n);
    return good;
}
