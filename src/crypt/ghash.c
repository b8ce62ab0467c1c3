#include "crypt/ghash.h"

#include <string.h>

struct element {
    uint64_t high, low; /* the leftmost bit is the coefficient of x^0 */
};

static struct element load(const uint8_t at[16])
{
    return (struct element){load_be64(at), load_be64(at + 8)};
}

/* Section 6.3. */
static struct element multiply(struct element x, struct element y)
{
    struct element product = {0, 0};
    for (unsigned i = 0; i < 128; i++) {
        uint64_t bit = (i < 64 ? x.high >> (63 - i) : x.low >> (127 - i)) & 1;
        product.high ^= y.high & (0 - bit);
        product.low ^= y.low & (0 - bit);
        uint64_t carry = 0 - (y.low & 1);
        y.low = y.low >> 1 | y.high << 63;
        y.high = y.high >> 1 ^ (carry & UINT64_C(0xe1) << 56);
    }
    return product;
}

void ghash_begin(const uint8_t hash_key[16], bytes nonce, uint8_t ret[16])
{
    struct element key = load(hash_key), sum = {0, 0};
    for (size_t at = 0; at < nonce.len; at += 16) {
        uint8_t block[16] = {0};
        memcpy(block, nonce.at + at, nonce.len - at < 16 ? nonce.len - at : 16);
        struct element part = load(block);
        sum = multiply((struct element){sum.high ^ part.high, sum.low ^ part.low}, key);
    }
    sum.low ^= (uint64_t)nonce.len * 8;
    sum = multiply(sum, key);
    for (unsigned i = 0; i < 8; i++) {
        ret[i] = (uint8_t)(sum.high >> (56 - 8 * i));
        ret[8 + i] = (uint8_t)(sum.low >> (56 - 8 * i));
    }
}
