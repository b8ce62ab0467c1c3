#include "crypt/lanes.h"

#include "base/cpu.h"

static void one_block(const struct lanes_cipher *cipher, const uint32_t state[16],
                      unsigned rounds, uint8_t ret[LANES_BLOCK])
{
    uint32_t x[16];
    memcpy(x, state, sizeof x);
    cipher->permute(x, rounds);
    for (int i = 0; i < 16; i++)
        x[i] += state[i];
    memcpy(ret, x, sizeof x);
}

static lanes_many *fastest(const struct lanes_cipher *cipher)
{
    enum cpu_level level = cpu_level();
    return level == CPU_SCALAR ? cipher->scalar
           : level == CPU_AVX2 ? cipher->avx2
                               : cipher->avx512;
}

void lanes_xor(const struct lanes_cipher *cipher, const uint32_t begin[16], unsigned rounds,
               bool wide, uint64_t position, uint8_t *data, size_t len)
{
    uint32_t state[16];
    memcpy(state, begin, sizeof state);
    lanes_skip(state, cipher->counter, wide, position / LANES_BLOCK);
    size_t within = position % LANES_BLOCK;

    while (len) {
        if (!within && len >= LANES_BYTES) {
            fastest(cipher)(state, rounds, cipher->counter, wide, data, len / LANES_BYTES);
            data += len / LANES_BYTES * LANES_BYTES;
            len %= LANES_BYTES;
            continue;
        }
        uint8_t block[LANES_BLOCK];
        one_block(cipher, state, rounds, block);
        lanes_skip(state, cipher->counter, wide, 1);
        size_t part = LANES_BLOCK - within < len ? LANES_BLOCK - within : len;
        for (size_t i = 0; i < part; i++)
            data[i] ^= block[within + i];
        data += part;
        len -= part;
        within = 0;
    }
}
