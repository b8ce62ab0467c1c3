/* inflate — deflate streams (RFC 1951) that begin somewhere in the middle.
 *
 * zlib can only begin at the beginning. After a hole, what can still be read begins at the next
 * block (its header is found by its own strict rules), or within the block whose header was
 * before the hole (codes fall into step by themselves). Bytes that were copied out of what came
 * before stay unknown, but not which: INFLATE_UNKNOWN + i stands for the byte i of the
 * INFLATE_WINDOW bytes before the first that came out (joint.h finds them). */
#pragma once
#include "base/budget.h"

enum { INFLATE_UNKNOWN = 256, INFLATE_WINDOW = 32768, INFLATE_ROOM = 4 * INFLATE_WINDOW };

enum inflate_end {
    INFLATE_FINAL,   /* the last block ended */
    INFLATE_CUT,     /* the input ended */
    INFLATE_DAMAGED, /* codes that are none */
    INFLATE_STOPPED, /* by `put`, or the budget */
};

struct inflate_code {
    uint16_t count[16], symbol[320]; /* canonical codes: how many of each length, in order */
    uint16_t fast[512];              /* by the next 9 bits: symbol << 4 | length, 0: longer */
};

struct inflate {
    bytes in;     /* nothing behind it is read */
    uint64_t bit; /* where it is */
    struct budget *budget;
    /* Takes what came out, in order. NULL: nobody wants it. */
    bool (*put)(void *to, const uint16_t *symbols, size_t n);
    void *to;
    uint64_t block;  /* where the block at hand began, UINT64_MAX before the first */
    uint64_t solid;  /* the last one whose header could not be chance */
    bool known;      /* the codes of the block at hand were read */
    bool final;      /* it is the last one */
    uint32_t stored; /* bytes that are left of it where it has no codes */
    bool loose; /* inflate_step_in saw no end of the block: its codes may be those of another */
    uint64_t out; /* symbols so far */
    /* Private. */
    struct inflate_code literals, distances;
    size_t used; /* symbols in `window`, of which those before `given` were put */
    size_t given;
    uint16_t window[INFLATE_ROOM];
};

/* Begins anew at `bit`, with an unknown window. */
void inflate_open(struct inflate *inflate, bytes in, uint64_t bit, struct budget *budget);
/* Reads blocks until something ends it; all that came out has been put. */
enum inflate_end inflate_run(struct inflate *inflate);
/* The first block at or after `from` that begins before bit `to`: one whose header follows all
 * rules, whose codes go on to its end or the input's, and behind which another block begins (or
 * it is the last, or the input ends). False: none. Uses inflate's room; then open and run. */
bool inflate_find(struct inflate *inflate, bytes in, uint64_t from, uint64_t to,
                  struct budget *budget, uint64_t *ret_bit);
/* The same where the block at hand has no codes, and reaches to the byte `from` or beyond: what
 * was passed over came out as it stands there. False: it does not. */
bool inflate_pass(struct inflate *inflate, bytes in, uint64_t from);
/* With the codes of the block at hand (after a run that was cut): the first bit at or after
 * `from` from which on the codes are surely in step. On success inflate is there, ready for
 * inflate_run. */
bool inflate_step_in(struct inflate *inflate, bytes in, uint64_t from);
