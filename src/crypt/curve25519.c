/* Curve25519, v^2 = u^3 + 486662 u^2 + u over the prime 2^255 - 19. Numbers are five limbs of
 * 51 bits. A point lies in the subgroup of prime order when that order, 2^252 +
 * 27742317777372353 535851937790883648493, times it is the point at infinity: Montgomery's
 * ladder over u alone. Facts: RFC 7748, sections 4.1 and 5. Nothing here is secret: time may
 * tell.
 *
 * Two questions of a tenth of that time come first. There is such a point when v^2 is a square.
 * The group is cyclic, (0, 0) its one point of order two: a point that is twice another one, as
 * all of the subgroup are, has a u that is a square (Silverman, The Arithmetic of Elliptic
 * Curves, X.1.4). Then v^2 is one when u^2 + 486662 u + 1 is. */
#include "crypt/curve25519.h"

#include <string.h>

__extension__ typedef unsigned __int128 wide;

struct field {
    uint64_t limb[5];
};

#define LOW51 ((UINT64_C(1) << 51) - 1)

static struct field carry(const wide t[5])
{
    struct field ret;
    wide c = 0;
    for (int i = 0; i < 5; i++) {
        c += t[i];
        ret.limb[i] = (uint64_t)c & LOW51;
        c >>= 51;
    }
    c = c * 19 + ret.limb[0];
    ret.limb[0] = (uint64_t)c & LOW51;
    ret.limb[1] += (uint64_t)(c >> 51);
    return ret;
}

static struct field multiply(struct field a, struct field b)
{
    wide t[5] = {0};
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 5; k++) {
            uint64_t by = i + k < 5 ? b.limb[k] : b.limb[k] * 19;
            t[(i + k) % 5] += (wide)a.limb[i] * by;
        }
    return carry(t);
}

static struct field add(struct field a, struct field b)
{
    for (int i = 0; i < 5; i++)
        a.limb[i] += b.limb[i];
    return a;
}

/* Limbs of b are below 2^52: of twice the prime, none of a's becomes negative. */
static struct field subtract(struct field a, struct field b)
{
    wide t[5];
    for (int i = 0; i < 5; i++)
        t[i] = (wide)a.limb[i] + 4 * (LOW51 - (i ? 0 : 18)) - b.limb[i];
    return carry(t);
}

static bool is_zero(struct field a)
{
    wide t[5];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5; i++)
            t[i] = a.limb[i];
        a = carry(t);
    }
    uint64_t any = 0, all = ~UINT64_C(0);
    for (int i = 0; i < 5; i++) {
        any |= a.limb[i];
        all &= a.limb[i] ^ (i ? 0 : 18); /* the prime itself is zero, too */
    }
    return !any || (all & LOW51) == LOW51;
}

struct point {
    struct field x, z;
};

/* a and b differ by the point with u; a becomes their sum, b twice itself. */
static void step(struct point *a, struct point *b, struct field u)
{
    static const struct field a24 = {{121665}};
    struct field plus = add(b->x, b->z), minus = subtract(b->x, b->z);
    struct field cross = multiply(add(a->x, a->z), minus);
    struct field other = multiply(subtract(a->x, a->z), plus);
    struct field sum = add(cross, other), difference = subtract(cross, other);
    struct field square = multiply(plus, plus), least = multiply(minus, minus);
    struct field gap = subtract(square, least);
    a->x = multiply(sum, sum);
    a->z = multiply(u, multiply(difference, difference));
    b->x = multiply(square, least);
    b->z = multiply(gap, add(square, multiply(a24, gap)));
}

static struct field read_number(const uint8_t key[CURVE25519_KEY])
{
    struct field ret = {{load_le64(key) & LOW51, load_le64(key + 6) >> 3 & LOW51,
                         load_le64(key + 12) >> 6 & LOW51, load_le64(key + 19) >> 1 & LOW51,
                         load_le64(key + 24) >> 12 & LOW51}};
    return ret;
}

static struct field square_times(struct field a, unsigned n)
{
    while (n--)
        a = multiply(a, a);
    return a;
}

/* Of what is not zero: its power (p - 1) / 2 = 4 (2^252 - 3) + 2 is 1. The exponents in the
 * names are of ones: `e10` is the power 2^10 - 1. */
static bool is_square(struct field a)
{
    static const struct field one = {{1}};
    struct field a2 = multiply(a, a), a9 = multiply(square_times(a2, 2), a);
    struct field a11 = multiply(a9, a2), e5 = multiply(square_times(a11, 1), a9);
    struct field e10 = multiply(square_times(e5, 5), e5);
    struct field e20 = multiply(square_times(e10, 10), e10);
    struct field e40 = multiply(square_times(e20, 20), e20);
    struct field e50 = multiply(square_times(e40, 10), e10);
    struct field e100 = multiply(square_times(e50, 50), e50);
    struct field e200 = multiply(square_times(e100, 100), e100);
    struct field e250 = multiply(square_times(e200, 50), e50);
    struct field root = multiply(square_times(e250, 2), a);
    return is_zero(subtract(multiply(square_times(root, 2), a2), one));
}

static bool is_below_prime(const uint8_t key[CURVE25519_KEY])
{
    bool ones = key[31] == 0x7f;
    for (size_t i = 1; i < 31; i++)
        ones &= key[i] == 0xff;
    return !(key[31] & 0x80) && !(ones && key[0] >= 0xed);
}

bool curve25519_is_public(const uint8_t key[CURVE25519_KEY])
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
                                      0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
                                      0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    struct field u = read_number(key);
    struct point zero = {{{1}}, {{0}}}, one = {u, {{1}}};
    static const struct field middle = {{486662}}, last = {{1}};
    if (!is_below_prime(key) || is_zero(u) || !is_square(u) ||
        !is_square(add(add(multiply(u, u), multiply(middle, u)), last)))
        return false;
    for (int bit = 252; bit >= 0; bit--) {
        if (order[bit / 8] >> bit % 8 & 1)
            step(&zero, &one, u);
        else
            step(&one, &zero, u);
    }
    return is_zero(zero.z);
}
