/* random — numbers for tests, the same in every run (G. Marsaglia, "Xorshift RNGs", 2003). */
#pragma once
#include <stdint.h>

static uint64_t random_state = 0x9E3779B97F4A7C15u;

static inline uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static inline uint32_t random_below(uint32_t n)
{
    return (uint32_t)((random_next() >> 20) % n);
}
