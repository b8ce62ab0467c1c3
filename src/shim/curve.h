/* curve — points of the elliptic curves secp256k1 and secp192k1 (SEC 2), by OpenSSL's
 * libcrypto: for keys that are known, so nobody minds how long it takes. */
#pragma once
#include "base/base.h"

enum curve_kind { CURVE_SECP256K1, CURVE_SECP192K1 };

enum { CURVE_MAX = 32 /* bytes of a coordinate */ };

struct curve;

/* NULL when memory is out. For use by one thread at a time. */
struct curve *curve_new(enum curve_kind kind);
/* Returns NULL. */
struct curve *curve_free(struct curve *curve);
/* Bytes of a coordinate and of a scalar: 32, 24. */
size_t curve_size(const struct curve *curve);
/* scalar * point into ret[2 * curve_size]. A point is its x and y, a scalar a number, all big
 * endian. `point` NULL: the curve's base point. False when the point is not on the curve, the
 * result is the point at infinity, or memory is out. */
bool curve_multiply(const struct curve *curve, const uint8_t *scalar, const uint8_t *point,
                    uint8_t *ret);
/* Whether `point` is the public key of the secret `scalar`. */
bool curve_owns(const struct curve *curve, const uint8_t *scalar, const uint8_t *point);
