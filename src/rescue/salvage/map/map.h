/* map — which bytes of a partly encrypted file are ciphertext.
 *
 * Three sources, none of which is trusted alone:
 *   statistics   which bytes follow which, learned from the file itself: it tells ciphertext
 * from text, tables, programs and empty space down to 64 bytes, but not from deflate structure
 * what readers of formats proved (a checksum holds: these bytes are plain) or found broken (a
 * checksum fails: some of these bytes are not) patterns     how families skip (pattern.h), and
 * what a regular pattern says of bytes about which the other two are silent The map with the
 * best score is taken; one that contradicts a proof never is. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"
#include "rescue/salvage/map/model.h"
#include "rescue/salvage/map/pattern.h"

struct map_range {
    uint64_t from, to;
};

/* Where structure breaks: ciphertext begins in it, or (not `begins`) is somewhere in it. */
struct map_break {
    uint64_t from, to;
    bool begins;
};

/* Cells of one size over a part of the file: sums[i] is what the cells before i add up to, in
 * bits; negative looks like ciphertext. */
struct map_cells {
    uint64_t from, size; /* bytes of the file that they cover */
    uint32_t cell, n;
    int32_t *sums;  /* of all cells */
    int32_t *plain; /* of those that say plain */
};

enum { MAP_HINTS = 8 };

struct map {
    bytes file;
    struct arena *arena;
    struct budget *budget;
    struct map_cells fine, coarse; /* fine: the head, 16 bytes each; coarse: behind it */
    struct map_model *model;
    bool given;                  /* what is encrypted was told, and is not solved for */
    uint8_t *ways;               /* for the way through the cells */
    VEC(struct map_range) plain; /* proven */
    VEC(struct map_range)
    decoded; /* holds no long run of ciphertext: codes fell not out of step */
    VEC(struct map_break) broken;
    VEC(struct map_range) lost; /* where nothing could be read */
    uint32_t hints[MAP_HINTS];  /* rules that explain files beside it, 0: no more */
    /* The result. */
    VEC(struct map_range) encrypted; /* sorted, apart from each other; of a pattern the first */
    uint64_t count;                  /* of all */
    uint64_t total;                  /* bytes in them */
    bool regular;                    /* a pattern explains it */
    bool sure;                       /* and nothing else does nearly as well */
    struct pattern pattern;
    uint64_t trailer; /* bytes at the end that the family appended */
};

/* Statistics, and a first solution. Its hints were set before. -ENOMEM, or -ECANCELED when the
 * budget ran out. */
int map_open(struct map *map, bytes file, struct arena *arena, struct budget *budget,
             struct why *why) MUST_USE;
/* A map that is known: `count` sorted ranges. And that of a part of a file. -ENOMEM. */
int map_given(struct map *map, bytes file, const struct map_range *ranges, uint32_t count,
              struct arena *arena, struct budget *budget) MUST_USE;
int map_part(struct map *map, const struct map *whole, uint64_t from, uint64_t to) MUST_USE;
/* Structure. They count from the next map_solve on. */
void map_prove(struct map *map, uint64_t from, uint64_t to);
void map_decode(struct map *map, uint64_t from, uint64_t to);
void map_break(struct map *map, uint64_t from, uint64_t to, bool begins);
void map_lose(struct map *map, uint64_t from, uint64_t to);
/* The best map of all that is known. */
void map_solve(struct map *map);

/* What the whole cells in [from, to) say together; `plain`: only those that say plain for sure.
 */
int64_t map_between(const struct map *map, uint64_t from, uint64_t to, bool plain);

/* True when no byte of [from, to) is taken for ciphertext. */
bool map_is_plain(const struct map *map, uint64_t from, uint64_t to);
/* Where plain bytes end that begin at `from` (`from` itself when it is ciphertext), `to` at
 * most; and where the next plain byte is, `to` when there is none before. */
uint64_t map_plain_end(const struct map *map, uint64_t from, uint64_t to);
uint64_t map_plain_next(const struct map *map, uint64_t from, uint64_t to);
/* Bytes of [from, to) that are plain. */
uint64_t map_plain_size(const struct map *map, uint64_t from, uint64_t to);
