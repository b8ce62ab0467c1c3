/* The ciphers of AutoIt's archives.
 *
 * EA05: MT19937 (Matsumoto and Nishimura, 1998), of each number bits 1 to 8. EA06: 17 words,
 * filled by x = 1 - 0x53a9b4fb x; a number is the sum of two of them turned left by 9 and 13,
 * and replaces the first; of every second one the highest byte; nine are thrown away at first.
 * autoit-ripper 1.2, autoit_ripper/mt.py and lame.py. */
#include "unpack/program/installer/autoit.h"

enum { TWISTER = 624, SHIFT = 397, WORDS = 17, TAP = 10, SKIPPED = 9 };

static void twist(uint32_t state[static TWISTER])
{
    for (unsigned i = 0; i < TWISTER; i++) {
        uint32_t y =
            (state[i] & 0x80000000) | (state[(i + 1) % TWISTER] & UINT32_C(0x7fffffff));
        state[i] = state[(i + SHIFT) % TWISTER] ^ y >> 1 ^ (y & 1 ? 0x9908b0df : 0);
    }
}

void autoit_decrypt_05(uint8_t *at, size_t size, uint32_t key)
{
    uint32_t state[TWISTER] = {key};
    for (uint32_t i = 1; i < TWISTER; i++)
        state[i] = i + 0x6c078965 * (state[i - 1] ^ state[i - 1] >> 30);
    for (size_t i = 0; i < size; i++) {
        if (i % TWISTER == 0)
            twist(state);
        uint32_t y = state[i % TWISTER];
        y ^= y >> 11;
        y ^= y << 7 & 0x9d2c5680;
        y ^= y << 15 & 0xefc60000;
        y ^= y >> 18;
        at[i] ^= (uint8_t)(y >> 1);
    }
}

struct lagged {
    uint32_t words[WORDS];
    unsigned first, second;
};

static uint32_t turned(uint32_t word, unsigned by)
{
    return word << by | word >> (32 - by);
}

static uint32_t lagged_next(struct lagged *lagged)
{
    uint32_t ret =
        turned(lagged->words[lagged->first], 9) + turned(lagged->words[lagged->second], 13);
    lagged->words[lagged->first] = ret;
    lagged->first = lagged->first ? lagged->first - 1 : WORDS - 1;
    lagged->second = lagged->second ? lagged->second - 1 : WORDS - 1;
    return ret;
}

void autoit_decrypt_06(uint8_t *at, size_t size, uint32_t key)
{
    struct lagged lagged = {.second = TAP};
    for (unsigned i = 0; i < WORDS; i++)
        lagged.words[i] = key = 1 - key * 0x53a9b4fb;
    for (unsigned i = 0; i < SKIPPED; i++)
        lagged_next(&lagged);
    for (size_t i = 0; i < size; i++) {
        lagged_next(&lagged);
        at[i] ^= (uint8_t)(lagged_next(&lagged) >> 24);
    }
}
