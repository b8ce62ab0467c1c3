/* pattern — how ransomware skips: the shape of partly encrypted files, in general and of the
 * families whose arithmetic is published.
 *
 *     [0, head)  [start, start + run) and again every `stride` bytes, `count` times  [-tail,
 * end)
 *
 * `end` is where the file ended before the family appended its trailer. */
#pragma once
#include "base/base.h"

struct pattern {
    const char *family; /* "Akira", NULL: none that is known */
    uint64_t head, start, run, stride;
    uint64_t count; /* 0: to the end */
    uint64_t tail;
    uint64_t trailer;
    bool fixed;    /* the family leaves no choice: it can fit by chance less than others */
    uint8_t odd;   /* bits: how seldom somebody would choose it; round shares are likely */
    uint32_t rule; /* what of it is the same in files of other sizes; 0: none that is known */
};

/* A cursor over the ranges of a pattern in a file of `size` bytes (trailer included), in order;
 * ranges may touch or overlap. */
struct pattern_walk {
    const struct pattern *pattern;
    uint64_t end, at, left;
    int step;
};

struct pattern_walk pattern_walk(const struct pattern *pattern, uint64_t size);
bool pattern_next(struct pattern_walk *walk, uint64_t *ret_from, uint64_t *ret_to);
/* Whether files of any two sizes, encrypted by one tool in one way, may have these. */
bool pattern_alike(uint32_t rule, uint32_t other);
/* Calls `take` with each pattern that a known family would have used for a file that is now
 * `size` bytes. */
void pattern_known(uint64_t size, void (*take)(void *to, const struct pattern *pattern),
                   void *to);
