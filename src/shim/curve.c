#include "shim/curve.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>
#include <string.h>

struct curve {
    EC_GROUP *group;
    BN_CTX *context;
    EC_POINT *in, *out;
    BIGNUM *scalar, *nothing;
    size_t size;
};

struct curve *curve_new(enum curve_kind kind)
{
    struct curve *curve = malloc(sizeof *curve);
    if (!curve)
        return NULL;
    memset(curve, 0, sizeof *curve);
    curve->size = kind == CURVE_SECP256K1 ? 32 : 24;
    curve->group =
        EC_GROUP_new_by_curve_name(kind == CURVE_SECP256K1 ? NID_secp256k1 : NID_secp192k1);
    curve->context = BN_CTX_new();
    curve->scalar = BN_new();
    curve->nothing = BN_new();
    if (curve->group) {
        curve->in = EC_POINT_new(curve->group);
        curve->out = EC_POINT_new(curve->group);
    }
    return curve->in && curve->out && curve->context && curve->scalar && curve->nothing
               ? curve
               : curve_free(curve);
}

struct curve *curve_free(struct curve *curve)
{
    if (curve) {
        EC_POINT_free(curve->in);
        EC_POINT_free(curve->out);
        EC_GROUP_free(curve->group);
        BN_CTX_free(curve->context);
        BN_free(curve->scalar);
        BN_free(curve->nothing);
        free(curve);
    }
    return NULL;
}

size_t curve_size(const struct curve *curve)
{
    return curve->size;
}

/* A second product, of nothing, keeps libcrypto from its ladder, which asks for random numbers
 * and so for a system call. */
bool curve_multiply(const struct curve *curve, const uint8_t *scalar, const uint8_t *point,
                    uint8_t *ret)
{
    uint8_t octets[1 + 2 * CURVE_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    size_t len = 1 + 2 * curve->size;
    const EC_POINT *of = EC_GROUP_get0_generator(curve->group);
    if (point) {
        memcpy(octets + 1, point, 2 * curve->size);
        of = curve->in;
    }
    bool good = (!point || EC_POINT_oct2point(curve->group, curve->in, octets, len,
                                              curve->context) == 1) &&
                BN_bin2bn(scalar, (int)curve->size, curve->scalar) &&
                EC_POINT_mul(curve->group, curve->out, curve->nothing, of, curve->scalar,
                             curve->context) == 1 &&
                EC_POINT_point2oct(curve->group, curve->out, POINT_CONVERSION_UNCOMPRESSED,
                                   octets, len, curve->context) == len;
    ERR_clear_error();
    if (good)
        memcpy(ret, octets + 1, 2 * curve->size);
    return good;
}

bool curve_owns(const struct curve *curve, const uint8_t *scalar, const uint8_t *point)
{
    uint8_t made[2 * CURVE_MAX];
    return curve_multiply(curve, scalar, NULL, made) && !memcmp(made, point, 2 * curve->size);
}
