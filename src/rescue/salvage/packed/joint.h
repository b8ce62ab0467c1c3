/* joint — how many bytes a gap in a deflate stream held, and so what is copied from before it.
 *
 * Behind a gap, a stream says "length n, distance d" of bytes that came before: which those are
 * is known once it is known how many the gap held. Every length is tried: with the right one,
 * what is copied goes with what stands beside it as bytes of this stream do elsewhere, and no
 * copy could have been longer than it is (writers take the longest). When no length is clearly
 * the best, nothing is said, and what was copied stays unknown.
 *
 * Idea of symbols for what lies before: Kerbiriou and Chikhi, "Parallel decompression of gzip
 * files" (2019). */
#pragma once
#include "rescue/salvage/packed/inflate.h"

#define JOINT_UNKNOWN UINT64_MAX

enum {
    JOINT_LOOK = 1 << 15,  /* symbols behind a gap that are looked at */
    JOINT_PAIRS = 1 << 10, /* places where a copy touches something else */
    JOINT_BYTES = 256,
};

struct joint_pair {
    uint16_t before, after; /* symbols that touch */
    uint16_t next;          /* what would have gone on with the copy: it is not `after` */
};

/* What follows what in this stream, in eighths of a bit. */
struct joint_model {
    uint32_t seen[JOINT_BYTES][JOINT_BYTES], all[JOINT_BYTES], alone[JOINT_BYTES];
    uint64_t total, told; /* bytes learned; when `says` was made */
    uint64_t pairs;       /* of which something was said since */
    int64_t said;
    int8_t says[JOINT_BYTES][JOINT_BYTES];
};

struct joint {
    struct budget *budget;
    /* Takes all symbols in order, those above 255 being unknown. */
    bool (*put)(void *to, const uint16_t *symbols, size_t n);
    /* A gap is here, of so many bytes or JOINT_UNKNOWN. */
    bool (*gap)(void *to, uint64_t size);
    void *to;
    bool refused; /* what came out of the piece at hand makes no sense */
    /* Private. */
    bool settled, strict;
    uint64_t bits, out, all_bits; /* of the gap; that came out of how many */
    size_t held, used;
    struct joint_model model;
    struct joint_pair pairs[JOINT_PAIRS];
    uint16_t start[INFLATE_WINDOW];    /* what stood before the piece at hand */
    uint16_t past[4 * INFLATE_WINDOW]; /* the last `used` symbols that were put */
    uint16_t look[JOINT_LOOK];
};

/* A stream from its begin on; `like`: the joint was used for one like it before, and what it
 * learned holds, else it is empty or what it learned is forgotten. */
void joint_open(struct joint *joint, bool like, struct budget *budget,
                bool (*put)(void *to, const uint16_t *symbols, size_t n),
                bool (*gap)(void *to, uint64_t size), void *to);
/* Behind a gap of `bits`; `size`: what it held, or JOINT_UNKNOWN. `strict`: what comes out may
 * be nonsense, and then nothing of it is put and `refused` is true. False: from gap(). */
bool joint_gap(struct joint *joint, uint64_t bits, uint64_t size, bool strict) MUST_USE;
/* For inflate's `put`, `to` being the joint. */
bool joint_put(void *to, const uint16_t *symbols, size_t n) MUST_USE;
/* A piece ended, which was `bits` long. */
bool joint_end(struct joint *joint, uint64_t bits) MUST_USE;
