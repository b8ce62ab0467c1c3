#include "crypt/rc4.h"

static void swap(uint8_t *a, uint8_t *b)
{
    uint8_t kept = *a;
    *a = *b;
    *b = kept;
}

bool rc4_set(struct rc4 *ret, bytes key)
{
    if (!key.len || key.len > 256)
        return false;
    for (unsigned i = 0; i < 256; i++)
        ret->state[i] = (uint8_t)i;
    ret->i = ret->j = 0;
    uint8_t j = 0;
    for (size_t i = 0; i < 256; i++) {
        j = (uint8_t)(j + ret->state[i] + key.at[i % key.len]);
        swap(&ret->state[i], &ret->state[j]);
    }
    return true;
}

void rc4_xor(struct rc4 *rc4, uint8_t *data, size_t len)
{
    uint8_t i = rc4->i, j = rc4->j;
    for (size_t at = 0; at < len; at++) {
        i++;
        j = (uint8_t)(j + rc4->state[i]);
        swap(&rc4->state[i], &rc4->state[j]);
        data[at] ^= rc4->state[(uint8_t)(rc4->state[i] + rc4->state[j])];
    }
    rc4->i = i;
    rc4->j = j;
}
