#include "crypt/hc128.h"
/* Two tables of 512 words; each step changes a word of one and puts out one word, 512 steps for
 * P, then 512 for Q. Indices are modulo 512. */

#include <string.h>

enum { WORDS = 512, MASK = WORDS - 1, SETUP = 1280 };

static uint32_t left(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static uint32_t right(uint32_t x, unsigned n)
{
    return left(x, 32 - n);
}

static uint32_t lookup(const uint32_t other[WORDS], uint32_t x)
{
    return other[x & 0xff] + other[256 + (x >> 16 & 0xff)];
}

/* One step: the word at `i` of the table whose turn it is, and what is put out. */
static uint32_t step(struct hc128 *hc128)
{
    uint32_t j = hc128->step & MASK;
    bool first = hc128->step < WORDS;
    uint32_t *mine = first ? hc128->p : hc128->q;
    const uint32_t *other = first ? hc128->q : hc128->p;
    hc128->step = (hc128->step + 1) & (2 * WORDS - 1);

    uint32_t back3 = mine[(j - 3) & MASK], back10 = mine[(j - 10) & MASK];
    uint32_t next = mine[(j - 511) & MASK];
    mine[j] += first ? (right(back3, 10) ^ right(next, 23)) + right(back10, 8)
                     : (left(back3, 10) ^ left(next, 23)) + left(back10, 8);
    return lookup(other, mine[(j - 12) & MASK]) ^ mine[j];
}

bool hc128_set(struct hc128 *ret, bytes key, bytes iv)
{
    if ((key.len != 16 && key.len != 32) || (iv.len != 16 && iv.len != 32))
        return false;

    uint32_t w[SETUP];
    for (size_t i = 0; i < 8; i++) {
        w[i] = load_le32(key.at + 4 * (i & (key.len / 4 - 1)));
        w[i + 8] = load_le32(iv.at + 4 * (i & (iv.len / 4 - 1)));
    }
    for (uint32_t i = 16; i < SETUP; i++) {
        uint32_t a = w[i - 2], b = w[i - 15];
        w[i] = (right(a, 17) ^ right(a, 19) ^ a >> 10) + w[i - 7] +
               (right(b, 7) ^ right(b, 18) ^ b >> 3) + w[i - 16] + i;
    }
    memcpy(ret->p, w + 256, sizeof ret->p);
    memcpy(ret->q, w + 768, sizeof ret->q);

    ret->step = 0;
    ret->left = 0;
    for (size_t i = 0; i < WORDS; i++)
        ret->p[i] = step(ret);
    for (size_t i = 0; i < WORDS; i++)
        ret->q[i] = step(ret);
    return true;
}

void hc128_xor(struct hc128 *hc128, uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        if (!hc128->left) {
            uint32_t word = step(hc128);
            if (len - at >= 4) {
                word ^= load_le32(data + at);
                for (unsigned i = 0; i < 4; i++)
                    data[at++] = (uint8_t)(word >> 8 * i);
                continue;
            }
            for (unsigned i = 0; i < 4; i++)
                hc128->word[i] = (uint8_t)(word >> 8 * i);
            hc128->left = 4;
        }
        data[at++] ^= hc128->word[4 - hc128->left--];
    }
}
