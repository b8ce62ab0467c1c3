/* One stream of MD5: what the variants with lanes are raced against, what ends the last of
 * their streams, and what takes a thing that is alone. */
#include "match/hash/md5_steps.h"

static uint32_t rotate(uint32_t x, uint32_t bits)
{
    return x << bits | x >> (32 - bits);
}

#define F(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
/* A sum, as no bit is in both: what is newest, x, is then one step less away from the result.
 */
#define G(x, y, z) (((y) & ~(z)) + ((x) & (z)))
#define H(x, y, z) ((x) ^ (y) ^ (z))
#define I(x, y, z) ((y) ^ ((x) | ~(z)))
#define STEP(f, a, b, c, d, word, bits, constant)                                              \
    a = b + rotate(a + f(b, c, d) + load_le32(at + 4 * (word)) + (constant), bits);

void md5_scalar(uint32_t state[4], const uint8_t *at, uint64_t blocks)
{
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (; blocks; blocks--, at += MD5_BLOCK) {
        uint32_t before[4] = {a, b, c, d};
        MD5_STEPS(STEP)
        a += before[0];
        b += before[1];
        c += before[2];
        d += before[3];
    }
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = d;
}
