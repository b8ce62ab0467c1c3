/* core — the part of the attack on ZipCrypto that takes the time; private to this folder.
 *
 * With I the inverse of the factor of Y and T[i] = (Y[i] - 1) * I, each step of the cipher says
 *     Y[i-1] = T[i] - x[i],  x[i] the low byte of X[i],
 * and the high bytes of Y[2] to Y[7] are known. From 2^16 values of T[7], whose high byte is
 * that of Y[6] and for which that of Y[7] is right, x[7], x[6], x[5], x[4] are chosen so that
 * the high bytes of T[6] to T[3] fit those of Y[5] to Y[2]: one of 256 does, in the mean. Four
 * low bytes are all of X, so x[3], x[2] follow (they are linear in x[4] to x[7]), and the high
 * byte of Y[1] has to lead to Z[0].
 *
 * Which x put  x * I  (or x * FACTOR)  into a window of 2^24 values is looked up by the start
 * of the window: two of 256 at most, as those products lie evenly. */
#pragma once
#include "base/base.h"

enum {
    CORE_LEVEL_SHIFT = 22, /* bits of a window's start that are not looked at */
    CORE_ROOT_SHIFT = 20,
    CORE_WINDOW = (1 << 24) + 254,
    CORE_ROOTS = 65537,               /* values of the middle of T[7] */
    CORE_CHUNK = 512,                 /* of them at once */
    CORE_ROOM = CORE_CHUNK * 32 + 32, /* two choices at five levels, and a vector more */
};

struct attack_core {
    /* Two candidates in each entry; those that are none lie outside every window. */
    uint16_t level[(1u << (32 - CORE_LEVEL_SHIFT)) + 2];
    uint16_t root[(1u << (32 - CORE_ROOT_SHIFT)) + 2];
    /* x[3] and x[2] (high byte) as the XOR of what x[7], x[6], x[5], x[4] give. */
    uint32_t low[4][256];
};

/* One list: what is known for one value of Z. */
struct core_list {
    uint8_t y[8]; /* high bytes of Y[2..7] */
    uint8_t back; /* low byte of Z[0] if the high byte of Y[1] were 0 */
    uint8_t z0;   /* low byte of Z[0], whose bits 0 and 1 are not known */
};

/* A way that is left: T[3], and x[7] | x[6] << 8 | x[5] << 16 | x[4] << 24. */
struct core_way {
    uint32_t t[2][CORE_ROOM], x[2][CORE_ROOM];
};

/* The ways for roots [from, to), at most CORE_CHUNK: in way->t[0], way->x[0]; their number. */
typedef size_t core_ways(const struct attack_core *core, const struct core_list *list,
                         uint32_t from, uint32_t to, struct core_way *way);
core_ways core_scalar, core_avx2, core_avx512;

/* Fills the tables; `plain` are the 8 known bytes in a row. */
void core_prepare(struct attack_core *core, const uint8_t *plain);
/* X[7] from the four low bytes, packed as in struct core_way. */
uint32_t core_x7(const uint8_t *plain, uint32_t packed);
