/* window — a file of any size in little memory, as if all of it were mapped.
 *
 * Readers see one stretch of addresses. A touch of what is not there traps, and the handler
 * reads a piece of the file to that place; when WINDOW_PIECES are there, the oldest is given
 * back. What is to look different than in the file (ciphertext as zeros, heads put back from
 * their copies) is applied whenever a piece comes in: nothing is ever written to the file, and
 * what was changed needs no more memory than it is long.
 *
 * A second stretch shows what was gathered: a file whose bytes are scattered over the first.
 *
 * For a process of one thread that only reads hostile bytes: signals belong to all of it. Needs
 * pread, mprotect and madvise, which sealed workers have. System calls cannot be handed
 * addresses of it. */
#pragma once
#include "rescue/salvage/map/map.h"

enum {
    WINDOW_PIECE = 16 << 10,
    WINDOW_PIECES = 4096, /* of both stretches together */
    WINDOW_AHEAD = 64,    /* pieces that are read at once where they are touched in a row */
};

/* Where bytes of the second stretch lie in the file: sorted by `at`, apart from each other. */
struct window_place {
    uint64_t at, outer, len;
};

struct window_patch {
    uint64_t at, len;
    const uint8_t *data;
};

struct window_stretch {
    uint8_t *at; /* without rights but for what is there */
    uint64_t size;
    uint8_t *in; /* a bit for each piece that is there */
    uint64_t next;
    uint32_t run;
};

struct window {
    int fd;
    struct window_stretch file, gathered;
    const struct map *blank;          /* what is shown as zeros, or NULL */
    VEC(struct window_patch) patches; /* by `at`, apart from each other */
    const struct window_place *places;
    size_t place_count;
    const uint8_t *base; /* what the second stretch shows where there is no place */
    uint64_t base_size;
    bool failed; /* some of the file could not be read, and was shown as zeros */

    struct {
        struct window_stretch *of;
        uint64_t piece;
    } there[WINDOW_PIECES]; /* in the order in which they came */

    uint32_t oldest;
};

/* Reserves addresses for `size` bytes of the file and `most` that are gathered, and takes
 * SIGSEGV: one at a time in a process, before it is sealed. -ENOMEM. */
int window_open(struct window *window, int fd, uint64_t size, uint64_t most,
                struct why *why) MUST_USE;
void window_close(struct window *window);
/* From now on ciphertext by this map, which must live as long, is zeros. */
void window_blank(struct window *window, const struct map *map);
/* These bytes stand at `to` from now on; `arena` keeps them. False: no memory. */
bool window_put(struct window *window, uint64_t to, const uint8_t *from, size_t size,
                struct arena *arena) MUST_USE;
/* The second stretch shows `base`, and in it the places, until the next call; views of what was
 * shown before end. `base` larger than the stretch: .at NULL. */
bytes window_gather(struct window *window, bytes base, const struct window_place *places,
                    size_t count);
