/* packed — all that can be read of a deflate stream in which there is ciphertext: before,
 * between and behind the gaps, each stretch at its place where that can be worked out. */
#pragma once
#include "rescue/salvage/packed/joint.h"
#include "rescue/salvage/salvage.h"

/* What takes it. A function that returns false ends it there. */
struct packed_taker {
    /* Symbols in order; above 255: not known. */
    bool (*put)(void *to, const uint16_t *symbols, size_t n);
    /* `packed` bytes could not be read. They held `size` bytes, or JOINT_UNKNOWN. */
    bool (*gap)(void *to, uint64_t packed, uint64_t size);
    /* What was put since the last call came out of these bytes of the file. */
    void (*came)(void *to, uint64_t from, uint64_t until);
    void *to;
};

struct packed_result {
    uint64_t gaps, put; /* put: symbols, with those of gaps whose size is known */
    uint64_t lost;      /* where in the file reading ended, if not at the end of the stream */
    bool ended;         /* it was read to its end */
    bool refused;       /* gap() ended it */
};

/* The stream that begins at `from`, or somewhere before when not `begins`, and ends before
 * `to`. `size`: what it holds in all, or UINT64_MAX. `alike`: a number for streams of the same
 * kind, which explain each other. -ENOMEM. */
int packed_read(struct salvage *salvage, uint64_t from, uint64_t to, bool begins, uint64_t size,
                unsigned alike, const struct packed_taker *taker,
                struct packed_result *ret) MUST_USE;
