/* seed — keys found without anybody's help: by trying the seeds that a weak generator can have
 * started from, or by factoring what the file itself publishes.
 *
 *     Prometheus, SolidBit   .NET's Random, seeded with the milliseconds since Windows started
 *     Linux.Encoder 1        musl's rand, seeded with the second, one stream for all files
 *     DMA Locker 1, 2        Microsoft C's rand, seeded with the second
 *     Princess Locker 1      the same
 *     TeslaCrypt 2           a published multiple of the key is factored (GMP-ECM)
 *     Black Basta 2023       one block of stream was joined with all stripes: the rest of the
 * file tells it
 *
 * A seed counts as found when what comes out of the file has more marks of a known kind of file
 * than chance gives in the whole search: at least 40 bits beyond its size. Reads only through
 * `source`, takes memory only from `arena` (factoring: GMP's own), starts threads only when
 * asked for more than one: a sealed worker asks for one, and several workers share a search by
 * `from` and `to`. */
#pragma once
#include "base/budget.h"
#include "rescue/format.h"

enum { SEED_NEAR = 10000 /* seeds to each side of a neighbour's, tried first */ };

/* Where a search that may take days keeps how far it is: bytes that are there when it is begun
 * anew. False: not there, or not written; then it begins at its begin. */
struct seed_memory {
    void *context;
    bool (*read)(void *context, uint64_t at, void *ret, size_t len);
    bool (*write)(void *context, uint64_t at, const void *data, size_t len);
};

/* What is to be opened, and what is known about it. Zeroes are fine but where said. */
struct seed_case {
    const struct source *source;
    const struct format *format; /* the one that recognised it */
    int64_t changed;             /* the file's mtime, seconds since 1970; 0: not known */
    const struct key *near;      /* key of a file from about the same moment, or NULL */
    uint64_t from, to;           /* part of the positions [0, seed_total); to 0: all */
    unsigned threads;            /* 0 is 1 */
    /* Of a search that cannot be divided by positions: which of how many do it side by side;
     * `parts` 0 is 1. */
    unsigned part, parts;
    const struct seed_memory *memory; /* of this part; may be NULL */
    const volatile bool *stop;        /* may be NULL */
    /* Called now and then, by the thread that called seed_find; may be NULL. */
    void (*progress)(void *context, uint64_t tried, uint64_t all);
    void *context;
};

/* Whether there is a search for files of this format. */
bool seed_has(const struct format *format);
/* "all 2147483648 seeds of .NET's Random": for people; NULL without a search. */
const char *seed_describe(const struct format *format);
/* Whether it is divided by `part`, takes long, and goes on where it was by `memory`. */
bool seed_remembers(const struct format *format);
/* Whether it is worth it for files that bear no mark of the family, but can be of it. */
bool seed_unmarked(const struct format *format);
/* Whether each file has a key of its own: that one shows none says nothing of others. */
bool seed_each(const struct format *format);
/* Positions of the whole search: how `from` and `to` count. 0 without a search; 1 when it
 * cannot be divided by them, but by `part` (factoring). */
uint64_t seed_total(const struct seed_case *what);
/* Looks for the key of one file, in the order of what is likely: near the neighbour's, then the
 * rest. 0 with a key that the format opens; -ENOENT: everything was tried; -ECANCELED: *stop;
 * -ENOTSUP: no search for this format, or too little of the file is known to tell (`why`);
 * -EBADMSG, -EIO: the file; -ENOTRECOVERABLE: the search does not find what it hid for itself.
 */
int seed_find(const struct seed_case *what, struct arena *arena, struct key *ret,
              struct why *why) MUST_USE;
