#include "crypt/chacha.h"
/* The state: "expand 32-byte k" | key (8 words) | counter and nonce (4 words). */

#include "crypt/lanes.h"

#define QUARTER(x, a, b, c, d)                                                                 \
    do {                                                                                       \
        x[a] += x[b], x[d] ^= x[a], x[d] = LANES_ROT(x[d], 16);                                \
        x[c] += x[d], x[b] ^= x[c], x[b] = LANES_ROT(x[b], 12);                                \
        x[a] += x[b], x[d] ^= x[a], x[d] = LANES_ROT(x[d], 8);                                 \
        x[c] += x[d], x[b] ^= x[c], x[b] = LANES_ROT(x[b], 7);                                 \
    } while (0)
#define LANES_ROUNDS(x)                                                                        \
    do {                                                                                       \
        QUARTER(x, 0, 4, 8, 12);                                                               \
        QUARTER(x, 1, 5, 9, 13);                                                               \
        QUARTER(x, 2, 6, 10, 14);                                                              \
        QUARTER(x, 3, 7, 11, 15);                                                              \
        QUARTER(x, 0, 5, 10, 15);                                                              \
        QUARTER(x, 1, 6, 11, 12);                                                              \
        QUARTER(x, 2, 7, 8, 13);                                                               \
        QUARTER(x, 3, 4, 9, 14);                                                               \
    } while (0)

enum { COUNTER = 12 };

LANES_CIPHER(COUNTER)

void chacha_hash(unsigned rounds, const uint8_t key[32], const uint8_t nonce[16],
                 uint8_t ret[32])
{
    uint32_t x[16];
    memcpy(x, "expand 32-byte k", 16);
    memcpy(x + 4, key, 32);
    memcpy(x + 12, nonce, 16);
    permute(x, rounds);
    memcpy(ret, x, 16);
    memcpy(ret + 16, x + 12, 16);
}

bool chacha_set(struct chacha *ret, unsigned rounds, bytes key, bytes nonce, uint64_t counter)
{
    if (rounds < 2 || rounds > 40 || rounds % 2 || (key.len != 16 && key.len != 32))
        return false;
    if (nonce.len == 24 && key.len == 32) {
        uint8_t hashed[32];
        chacha_hash(rounds, key.at, nonce.at, hashed);
        return chacha_set(ret, rounds, (bytes){hashed, 32}, (bytes){nonce.at + 16, 8}, counter);
    }
    if (nonce.len != 8 && nonce.len != 12)
        return false;

    *ret = (struct chacha){.rounds = rounds, .wide = nonce.len == 8};
    memcpy(ret->state, key.len == 32 ? "expand 32-byte k" : "expand 16-byte k", 16);
    memcpy(ret->state + 4, key.at, 16);
    memcpy(ret->state + 8, key.at + key.len - 16, 16);
    ret->state[COUNTER] = (uint32_t)counter;
    ret->state[COUNTER + 1] = (uint32_t)(counter >> 32);
    memcpy(ret->state + 16 - nonce.len / 4, nonce.at, nonce.len);
    return true;
}

void chacha_xor(const struct chacha *chacha, uint64_t position, uint8_t *data, size_t len)
{
    lanes_xor(&cipher, chacha->state, chacha->rounds, chacha->wide, position, data, len);
}
