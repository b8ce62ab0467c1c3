/* hunt — going through the positions of a search, by some threads, until one is surely right.
 *
 * A try counts how many bits of what came out are as in a known kind of file (rescue/known.h).
 * Of n tries chance gives log2(n): HUNT_SURE beyond that ends the search at once, the best of
 * all with HUNT_LIKELY beyond that is taken when everything was tried. */
#pragma once
#include "rescue/seed/seed.h"

enum { HUNT_SURE = 40, HUNT_LIKELY = 14 };

static const uint64_t HUNT_DOTNET = 1ull << 31;

struct hunt_best {
    unsigned bits; /* 0: nothing */
    uint64_t position;
    uint64_t detail; /* as the try has it */
};

struct hunt {
    const struct seed_case *what;
    uint64_t from, to, chunk;
    /* Tries [from, to), keeps the best in *best. Called by several threads at once. */
    void (*try)(const void *state, uint64_t from, uint64_t to, struct hunt_best *best);
    const void *state;
    uint64_t tries; /* how many times each position has chance, 0 is 1 */
};

/* Keeps what is better. */
void hunt_keep(struct hunt_best *best, unsigned bits, uint64_t position, uint64_t detail);
/* 0 with *ret; -ENOENT: nothing likely; -ECANCELED: stopped. */
int hunt_run(const struct hunt *hunt, struct hunt_best *ret, struct why *why) MUST_USE;
/* Runs it over what the case asks for of the seeds of .NET's Random, [0, HUNT_DOTNET): near the
 * neighbour's first, if there is one. *ret: the seed as a key of the case's family. -E... as
 * hunt_run; -ENOMEM. `from` and `to` are overwritten. */
int hunt_dotnet(struct hunt *hunt, struct arena *arena, struct key *ret,
                struct why *why) MUST_USE;
/* HUNT_DOTNET: as seed_method.total. */
uint64_t hunt_dotnet_total(const struct seed_case *what);
/* The part of [0, total) that the case asks for. */
void hunt_range(const struct seed_case *what, uint64_t total, uint64_t *from, uint64_t *to);
