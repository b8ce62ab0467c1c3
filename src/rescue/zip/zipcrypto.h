/* zipcrypto — the old encryption of zip (APPNOTE.TXT section 6.1), "ZipCrypto".
 *
 * Three words of 32 bits are the whole state. A member's data begins with 12 bytes that are
 * noise but for the last (with old programs the last two): the high byte of the CRC-32, or of
 * the time where the size was not known in advance. */
#pragma once
#include "base/base.h"

enum { ZIPCRYPTO_HEADER = 12 };

struct zip_keys {
    uint32_t x, y, z;
};

/* X goes on by a byte, and back. */
uint32_t zipcrypto_crc(uint32_t crc, uint8_t byte);
uint32_t zipcrypto_uncrc(uint32_t crc, uint8_t byte);
/* The factor of Y, and its inverse modulo 2^32. */
#define ZIPCRYPTO_FACTOR  134775813u
#define ZIPCRYPTO_INVERSE 0xd94fa8cdu

static inline uint8_t zipcrypto_stream(uint32_t z)
{
    uint32_t t = (z | 2) & 0xffff;
    return (uint8_t)(t * (t ^ 1) >> 8);
}

struct zip_keys zipcrypto_of_password(bytes password);
/* The state after a plain byte, and the one before it. */
void zipcrypto_next(struct zip_keys *keys, uint8_t plain);
void zipcrypto_back(struct zip_keys *keys, uint8_t encrypted);
/* In place; the keys go on. */
void zipcrypto_decrypt(struct zip_keys *keys, uint8_t *data, size_t len);
void zipcrypto_encrypt(struct zip_keys *keys, uint8_t *data, size_t len);
