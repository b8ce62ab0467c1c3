#include "crypt/salsa.h"
/* The state: c0 | key, first half | c1 | nonce, counter | c2 | key, second half | c3; the
 * constants on the diagonal. A 16-byte key is used for both halves. */

#include "crypt/lanes.h"

#define QUARTER(x, a, b, c, d)                                                                 \
    do {                                                                                       \
        x[b] ^= LANES_ROT(x[a] + x[d], 7);                                                     \
        x[c] ^= LANES_ROT(x[b] + x[a], 9);                                                     \
        x[d] ^= LANES_ROT(x[c] + x[b], 13);                                                    \
        x[a] ^= LANES_ROT(x[d] + x[c], 18);                                                    \
    } while (0)
#define LANES_ROUNDS(x)                                                                        \
    do {                                                                                       \
        QUARTER(x, 0, 4, 8, 12);                                                               \
        QUARTER(x, 5, 9, 13, 1);                                                               \
        QUARTER(x, 10, 14, 2, 6);                                                              \
        QUARTER(x, 15, 3, 7, 11);                                                              \
        QUARTER(x, 0, 1, 2, 3);                                                                \
        QUARTER(x, 5, 6, 7, 4);                                                                \
        QUARTER(x, 10, 11, 8, 9);                                                              \
        QUARTER(x, 15, 12, 13, 14);                                                            \
    } while (0)

enum { COUNTER = 8 };

LANES_CIPHER(COUNTER)

static void arrange(uint32_t state[16], bytes key, const uint8_t nonce[16])
{
    const char *constant = key.len == 32 ? "expand 32-byte k" : "expand 16-byte k";
    for (size_t i = 0; i < 4; i++)
        memcpy(state + 5 * i, constant + 4 * i, 4);
    memcpy(state + 1, key.at, 16);
    memcpy(state + 6, nonce, 16);
    memcpy(state + 11, key.at + key.len - 16, 16);
}

void salsa_hash(unsigned rounds, const uint8_t key[32], const uint8_t nonce[16],
                uint8_t ret[32])
{
    uint32_t x[16];
    arrange(x, (bytes){key, 32}, nonce);
    permute(x, rounds);
    for (size_t i = 0; i < 4; i++)
        memcpy(ret + 4 * i, x + 5 * i, 4);
    memcpy(ret + 16, x + 6, 16);
}

bool salsa_set(struct salsa *ret, unsigned rounds, bytes key, bytes nonce, uint64_t counter)
{
    if (rounds < 2 || rounds > 40 || rounds % 2 || (key.len != 16 && key.len != 32))
        return false;
    if (nonce.len == 24 && key.len == 32) {
        uint8_t hashed[32];
        salsa_hash(rounds, key.at, nonce.at, hashed);
        return salsa_set(ret, rounds, (bytes){hashed, 32}, (bytes){nonce.at + 16, 8}, counter);
    }
    if (nonce.len != 8)
        return false;

    uint8_t both[16];
    memcpy(both, nonce.at, 8);
    memcpy(both + 8, &counter, 8);
    ret->rounds = rounds;
    arrange(ret->state, key, both);
    return true;
}

bool salsa_set_state(struct salsa *ret, unsigned rounds, const uint8_t state[64])
{
    if (rounds < 2 || rounds > 40 || rounds % 2)
        return false;
    ret->rounds = rounds;
    memcpy(ret->state, state, sizeof ret->state);
    return true;
}

void salsa_xor(const struct salsa *salsa, uint64_t position, uint8_t *data, size_t len)
{
    lanes_xor(&cipher, salsa->state, salsa->rounds, true, position, data, len);
}
