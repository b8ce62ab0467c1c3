#include "crypt/sosemanuk.h"
/* A shift register of ten words over GF(2^32), a finite state machine of two, and the third
 * S-box of Serpent over four words of its output. Key and iv come in through 24 rounds of
 * Serpent, in bitslice form: bit i of the four words is the nibble that a box maps. */

#include <string.h>

enum { ROUNDS = 24, KEYS = ROUNDS + 1, FIELD = 0x1a9 };

static uint32_t rotate(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

/* R. Anderson, E. Biham, L. Knudsen, "Serpent", appendix A.5: nibble by nibble. */
static const uint8_t boxes[8][16] = {
    {3, 8, 15, 1, 10, 6, 5, 11, 14, 13, 4, 2, 7, 0, 9, 12},
    {15, 12, 2, 7, 9, 0, 5, 10, 1, 11, 14, 8, 6, 13, 3, 4},
    {8, 6, 7, 9, 3, 12, 10, 15, 13, 1, 14, 4, 0, 11, 5, 2},
    {0, 15, 11, 8, 12, 9, 6, 3, 13, 1, 2, 4, 10, 7, 5, 14},
    {1, 15, 8, 3, 12, 0, 11, 6, 2, 5, 4, 10, 9, 14, 7, 13},
    {15, 5, 2, 11, 4, 10, 9, 12, 0, 3, 14, 8, 13, 6, 7, 1},
    {7, 2, 12, 5, 8, 4, 6, 11, 14, 9, 1, 15, 13, 3, 10, 0},
    {1, 13, 15, 0, 14, 8, 2, 11, 7, 4, 12, 10, 9, 3, 5, 6},
};

static void substitute(unsigned box, uint32_t x[4])
{
    uint32_t out[4] = {0};
    for (unsigned bit = 0; bit < 32; bit++) {
        unsigned nibble = 0;
        for (unsigned i = 0; i < 4; i++)
            nibble |= (x[i] >> bit & 1) << i;
        for (unsigned i = 0; i < 4; i++)
            out[i] |= (uint32_t)(boxes[box][nibble] >> i & 1) << bit;
    }
    memcpy(x, out, sizeof out);
}

/* The third box as a circuit (D. A. Osvik, "Speeding up Serpent", 2000): the register's output
 * goes through it all the time. */
static void third_box(uint32_t x[4])
{
    uint32_t a = x[0], b = x[1], c = x[2], d = x[3], e = a;
    a = (a & c) ^ d;
    c ^= b ^ a;
    d = (d | e) ^ b;
    e ^= c;
    b = d;
    d = (d | e) ^ a;
    a &= b;
    e ^= a;
    b ^= d ^ e;
    x[0] = c;
    x[1] = d;
    x[2] = b;
    x[3] = ~e;
}

static void transform(uint32_t x[4])
{
    x[0] = rotate(x[0], 13);
    x[2] = rotate(x[2], 3);
    x[1] = rotate(x[1] ^ x[0] ^ x[2], 1);
    x[3] = rotate(x[3] ^ x[2] ^ x[0] << 3, 7);
    x[0] = rotate(x[0] ^ x[1] ^ x[3], 5);
    x[2] = rotate(x[2] ^ x[3] ^ x[1] << 7, 22);
}

static void schedule(bytes key, uint32_t ret[KEYS][4])
{
    uint8_t padded[32] = {0};
    memcpy(padded, key.at, key.len);
    if (key.len < sizeof padded)
        padded[key.len] = 1;
    uint32_t w[8 + 4 * KEYS];
    for (size_t i = 0; i < 8; i++)
        w[i] = load_le32(padded + 4 * i);
    for (uint32_t i = 8; i < COUNT(w); i++)
        w[i] = rotate(w[i - 8] ^ w[i - 5] ^ w[i - 3] ^ w[i - 1] ^ 0x9e3779b9 ^ (i - 8), 11);
    for (unsigned i = 0; i < KEYS; i++) {
        memcpy(ret[i], w + 8 + 4 * i, sizeof ret[i]);
        substitute((35 - i) % 8, ret[i]);
    }
}

/* Where the rounds of Serpent have got to is what the registers begin with. */
static void inject(struct sosemanuk *ret, uint32_t round, const uint32_t y[4])
{
    for (unsigned i = 0; i < 4; i++) {
        if (round == 12)
            ret->s[6 + i] = y[3 - i];
        if (round == 24)
            ret->s[i] = y[3 - i];
    }
    if (round == 18) {
        ret->r1 = y[0];
        ret->s[4] = y[1];
        ret->r2 = y[2];
        ret->s[5] = y[3];
    }
}

static void multiply(uint32_t ret[256], uint32_t product)
{
    ret[0] = 0;
    for (uint32_t bit = 1; bit < 256; bit <<= 1) {
        for (uint32_t i = 0; i < bit; i++)
            ret[bit + i] = ret[i] ^ product;
        uint32_t high = product & 0x80808080;
        product = (product & 0x7f7f7f7f) << 1 ^ (high >> 7) * (FIELD & 0xff);
    }
}

bool sosemanuk_set(struct sosemanuk *ret, bytes key, bytes iv)
{
    if (!key.len || key.len > 32 || iv.len != 16)
        return false;
    multiply(ret->up, 0xe19fcf13);
    multiply(ret->down, 0x180f40cd);

    uint32_t keys[KEYS][4], y[4];
    schedule(key, keys);
    for (size_t i = 0; i < 4; i++)
        y[i] = load_le32(iv.at + 4 * i);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < 4; i++)
            y[i] ^= keys[round][i];
        substitute(round % 8, y);
        transform(y);
        for (unsigned i = 0; round == ROUNDS - 1 && i < 4; i++)
            y[i] ^= keys[ROUNDS][i];
        inject(ret, round + 1, y);
    }
    ret->left = 0;
    return true;
}

static void next_block(struct sosemanuk *k)
{
    uint32_t f[4], out[4];
    for (unsigned i = 0; i < 4; i++) {
        uint32_t *s = k->s, r1 = k->r1;
        k->r1 = k->r2 + (r1 & 1 ? s[1] ^ s[8] : s[1]);
        k->r2 = rotate(r1 * 0x54655307, 7);
        f[i] = (s[9] + k->r1) ^ k->r2;
        out[i] = s[0];
        uint32_t next = s[9] ^ s[3] >> 8 ^ k->down[s[3] & 0xff] ^ s[0] << 8 ^ k->up[s[0] >> 24];
        memmove(s, s + 1, 9 * sizeof *s);
        s[9] = next;
    }
    third_box(f);
    for (unsigned i = 0; i < 16; i++)
        k->block[i] = (uint8_t)((f[i / 4] ^ out[i / 4]) >> 8 * (i % 4));
    k->left = 16;
}

void sosemanuk_xor(struct sosemanuk *sosemanuk, uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        if (!sosemanuk->left)
            next_block(sosemanuk);
        if (sosemanuk->left == 16 && len - at >= 16) {
            for (unsigned i = 0; i < 16; i++)
                data[at + i] ^= sosemanuk->block[i];
            at += 16;
            sosemanuk->left = 0;
            continue;
        }
        data[at++] ^= sosemanuk->block[16 - sosemanuk->left--];
    }
}
