#include "rescue/formats/counter.h"

#include "shim/cipher.h"

void counter_xor(const struct counter *counter, uint64_t position, uint8_t *data, size_t len)
{
    enum { PART = 4096 };

    uint8_t blocks[PART + 32];
    while (len) {
        size_t within = position % 16, part = len < PART ? len : PART;
        size_t size = (within + part + 15) / 16 * 16;
        for (size_t at = 0; at < size; at += 16) {
            uint64_t number = position / 16 + at / 16;
            unsigned carry = 0;
            for (size_t i = 0; i < 16; i++) {
                carry += counter->first[i] + (i < 8 ? (uint8_t)(number >> 8 * i) : 0U);
                blocks[at + i] = (uint8_t)carry;
                carry >>= 8;
            }
        }
        /* It refuses nothing but keys of other sizes. */
        (void)cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, counter->key, NULL,
                         (bytes){.at = blocks, .len = size}, blocks);
        for (size_t i = 0; i < part; i++)
            data[i] ^= blocks[within + i];
        position += part;
        data += part;
        len -= part;
    }
}
