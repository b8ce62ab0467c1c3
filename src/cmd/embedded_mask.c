#include "cmd/embedded.h"

void embedded_mask(const uint8_t *from, uint8_t *to, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = from[i] ^ (uint8_t)(i * 167 + (i >> 8) * 29 + 89);
}
