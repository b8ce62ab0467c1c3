/* factor — factors of whole numbers by elliptic curves: GMP-ECM and GMP. Numbers are big endian
 * without a sign; memory is GMP's own. */
#pragma once
#include "base/base.h"

enum { FACTOR_BYTES = 128 /* of a number: 1,024 bits */ };

struct factor_number {
    uint8_t at[FACTOR_BYTES]; /* filled up with zeros in front */
};

/* Numbers of more than FACTOR_BYTES are no numbers: false. */
bool factor_of_bytes(bytes number, struct factor_number *ret);
/* Bits without leading zeros; 0 for 0. */
unsigned factor_bits(const struct factor_number *number);
bool factor_is_one(const struct factor_number *number);
/* Miller-Rabin: wrong less than once in 2^50. */
bool factor_is_prime(const struct factor_number *number);
/* The smallest prime below `limit` that divides it, 0: none. */
uint32_t factor_small(const struct factor_number *number, uint32_t limit);
/* Takes the factor out of *number. False when it does not divide it. */
bool factor_divide(struct factor_number *number, const struct factor_number *factor);
void factor_of_int(uint32_t number, struct factor_number *ret);
/* a * b; false when it is more than FACTOR_BYTES. */
bool factor_multiply(const struct factor_number *a, const struct factor_number *b,
                     struct factor_number *ret);
/* Greatest common divisor: of two RSA moduli a shared prime. */
void factor_common(const struct factor_number *a, const struct factor_number *b,
                   struct factor_number *ret);
/* One curve with bound `b1` and the number `sigma` (6 and more; another one for each curve).
 * True when *ret is a factor, neither 1 nor all. */
bool factor_curve(const struct factor_number *number, double b1, uint64_t sigma,
                  struct factor_number *ret);
/* Fermat: n = p * q with p and q that differ in few of their high bits: `steps` tries. */
bool factor_close(const struct factor_number *number, uint32_t steps,
                  struct factor_number *ret);
