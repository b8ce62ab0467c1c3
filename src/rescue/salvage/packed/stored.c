#include "rescue/salvage/packed/stored.h"

enum { MODULUS = 65521 };

void stored_head(uint8_t head[STORED_HEAD], size_t n, bool last)
{
    head[0] = last;
    head[1] = (uint8_t)n;
    head[2] = (uint8_t)(n >> 8);
    head[3] = (uint8_t)~n;
    head[4] = (uint8_t)(~n >> 8);
}

uint32_t stored_sum(uint32_t before, bytes data)
{
    uint32_t a = before & 0xffff, b = before >> 16;
    for (size_t i = 0; i < data.len; i++) {
        a = (a + data.at[i]) % MODULUS;
        b = (b + a) % MODULUS;
    }
    return b << 16 | a;
}
