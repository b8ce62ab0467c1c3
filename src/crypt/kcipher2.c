#include "crypt/kcipher2.h"

/* RFC 7008, section 2: two feedback shift registers (A of 5 words, B of 11, whose feedback is
 * chosen by two bits of A), and four words of a nonlinear function, which are filtered through
 * AES' S-box and MixColumns. A step gives 8 bytes: ZH, ZL, each big endian. */

enum { STEPS_OF_SETUP = 24 };

/* FIPS 197, 5.1.1: inverse in GF(2^8) and an affine map, by powers of the generator 3. */
static void s_box(uint8_t ret[256])
{
    uint8_t power = 1, inverse = 1;
    do {
        power = (uint8_t)(power ^ power << 1 ^ (power & 0x80 ? 0x1b : 0));
        inverse = (uint8_t)(inverse ^ inverse << 1); /* divided by 3 */
        inverse = (uint8_t)(inverse ^ inverse << 2);
        inverse = (uint8_t)(inverse ^ inverse << 4);
        if (inverse & 0x80)
            inverse ^= 0x09;
        unsigned x = inverse * 0x101U;
        ret[power] = (uint8_t)(0x63 ^ x ^ x >> 7 ^ x >> 6 ^ x >> 5 ^ x >> 4);
    } while (power != 1);
    ret[0] = 0x63;
}

/* Section 2.3.1 to 2.3.4: the field of each alpha, and its four coefficients. */
static void multiply(uint32_t ret[256], uint32_t polynomial, uint32_t of_one)
{
    ret[0] = 0;
    uint32_t product = of_one;
    for (uint32_t bit = 1; bit < 256; bit <<= 1) {
        for (uint32_t i = 0; i < bit; i++)
            ret[bit + i] = ret[i] ^ product;
        uint32_t high = product & 0x80808080;
        product = (product & 0x7f7f7f7f) << 1 ^ (high >> 7) * (polynomial & 0xff);
    }
}

void kcipher2_prepare(struct kcipher2 *ret)
{
    static const uint32_t field[4] = {0x1c3, 0x12d, 0x14d, 0x165};
    static const uint32_t of_one[4] = {0xb6086d1a, 0xa0f5fc2e, 0x5bf87f93, 0x4559568b};
    for (unsigned i = 0; i < 4; i++)
        multiply(ret->times[i], field[i], of_one[i]);

    uint8_t box[256];
    s_box(box);
    for (unsigned i = 0; i < 256; i++) {
        uint32_t s = box[i], twice = (uint8_t)(s << 1 ^ (s & 0x80 ? 0x1b : 0));
        ret->columns[i] = (s ^ twice) << 24 | s << 16 | s << 8 | twice;
    }
}

static uint32_t left(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static uint32_t substitute(const struct kcipher2 *k, uint32_t x)
{
    return k->columns[x & 0xff] ^ left(k->columns[x >> 8 & 0xff], 8) ^
           left(k->columns[x >> 16 & 0xff], 16) ^ left(k->columns[x >> 24], 24);
}

static uint32_t high(const struct kcipher2 *k)
{
    return (k->b[10] + k->l2) ^ k->l1 ^ k->a[0];
}

static uint32_t low(const struct kcipher2 *k)
{
    return (k->b[0] + k->r2) ^ k->r1 ^ k->a[4];
}

static void step(struct kcipher2 *k, bool setup)
{
    uint32_t a = k->a[0] << 8 ^ k->times[0][k->a[0] >> 24] ^ k->a[3];
    uint32_t first = k->a[2] & 0x40000000 ? 1 : 2;
    uint32_t b = k->b[0] << 8 ^ k->times[first][k->b[0] >> 24] ^ k->b[1] ^ k->b[6];
    b ^= k->a[2] & 0x80000000 ? k->b[8] << 8 ^ k->times[3][k->b[8] >> 24] : k->b[8];
    if (setup) {
        a ^= low(k);
        b ^= high(k);
    }
    uint32_t l1 = substitute(k, k->r2 + k->b[4]), r1 = substitute(k, k->l2 + k->b[9]);
    k->l2 = substitute(k, k->l1);
    k->r2 = substitute(k, k->r1);
    k->l1 = l1;
    k->r1 = r1;
    for (unsigned i = 0; i < 4; i++)
        k->a[i] = k->a[i + 1];
    for (unsigned i = 0; i < 10; i++)
        k->b[i] = k->b[i + 1];
    k->a[4] = a;
    k->b[10] = b;
}

bool kcipher2_set(struct kcipher2 *kcipher2, bytes key, bytes iv)
{
    if (key.len != 16 || iv.len != 16)
        return false;
    struct kcipher2 *k = kcipher2;
    uint32_t w[12], v[4];
    for (size_t i = 0; i < 4; i++) {
        w[i] = load_be32(key.at + 4 * i);
        v[i] = load_be32(iv.at + 4 * i);
    }
    for (unsigned i = 4; i < 12; i++)
        w[i] = w[i - 4] ^
               (i % 4 ? w[i - 1] : substitute(k, left(w[i - 1], 8)) ^ (i == 4 ? 1U : 2U) << 24);
    for (unsigned i = 0; i < 5; i++)
        k->a[i] = w[4 - i];
    const uint32_t b[11] = {w[10], w[11], v[0], v[1], w[8], w[9], v[2], v[3], w[7], w[5], w[6]};
    for (unsigned i = 0; i < 11; i++)
        k->b[i] = b[i];
    k->l1 = k->r1 = k->l2 = k->r2 = 0;
    k->left = 0;
    for (unsigned i = 0; i < STEPS_OF_SETUP; i++)
        step(k, true);
    return true;
}

static void next_block(struct kcipher2 *k)
{
    uint64_t both = (uint64_t)high(k) << 32 | low(k);
    for (unsigned i = 0; i < 8; i++)
        k->block[i] = (uint8_t)(both >> (56 - 8 * i));
    k->left = 8;
    step(k, false);
}

void kcipher2_xor(struct kcipher2 *kcipher2, uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        if (!kcipher2->left)
            next_block(kcipher2);
        if (kcipher2->left == 8 && len - at >= 8) {
            for (unsigned i = 0; i < 8; i++)
                data[at + i] ^= kcipher2->block[i];
            at += 8;
            kcipher2->left = 0;
            continue;
        }
        data[at++] ^= kcipher2->block[8 - kcipher2->left--];
    }
}
