/* rsa — RSA with a public key, bare, by OpenSSL's libcrypto: what a signature says before any
 * padding is looked at. */
#pragma once
#include "base/base.h"

/* number ^ exponent mod modulus, big endian, filled up with zeros in front, into ret[0..size).
 * Modulus and exponent are decimal texts. False when the result is larger, or memory is out. */
bool rsa_recover(const char *modulus, const char *exponent, bytes number, uint8_t *ret,
                 size_t size);
/* The same with modulus and exponent as big endian numbers. */
bool rsa_power(bytes modulus, bytes exponent, bytes number, uint8_t *ret, size_t size);
