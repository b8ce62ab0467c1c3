#include "unpack/document/rc4.h"

#include <string.h>

void rc4_start(struct rc4 *rc4, bytes key)
{
    uint8_t j = 0;
    rc4->i = rc4->j = 0;
    for (unsigned i = 0; i < 256; i++)
        rc4->s[i] = (uint8_t)i;
    for (unsigned i = 0; key.len && i < 256; i++) {
        uint8_t t = rc4->s[i];
        j = (uint8_t)(j + t + key.at[i % key.len]);
        rc4->s[i] = rc4->s[j];
        rc4->s[j] = t;
    }
}

void rc4_run(struct rc4 *rc4, bytes in, uint8_t *out)
{
    uint8_t i = rc4->i, j = rc4->j;
    for (size_t at = 0; at < in.len; at++) {
        uint8_t t = rc4->s[++i];
        j = (uint8_t)(j + t);
        rc4->s[i] = rc4->s[j];
        rc4->s[j] = t;
        out[at] = (uint8_t)(in.at[at] ^ rc4->s[(uint8_t)(rc4->s[i] + t)]);
    }
    rc4->i = i;
    rc4->j = j;
}
