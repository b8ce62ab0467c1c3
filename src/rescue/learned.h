/* learned — what a worker learned from originals and their encrypted copies (pair/), and undoes
 * on files that no key opens. */
#pragma once
#include "rescue/pair/pair.h"

enum { LEARNED_PAIRS = 6, LEARNED_EXTENSION = 64 };

struct learned {
    struct arena *arena; /* NULL: nothing was learned */
    struct pair pair[LEARNED_PAIRS];
    size_t count;
    struct pair_scheme scheme;
    uint8_t extension[LEARNED_EXTENSION]; /* what was put behind names */
    size_t extension_len;
    bool useful; /* the scheme opens other files */
};

/* One more pair, whose descriptors are closed when all is learned. */
int learned_add(struct learned *learned, struct pair pair, struct why *why) MUST_USE;
/* From all pairs that were added. 0, also where nothing helps: `useful`. */
int learned_make(struct learned *learned, bytes extension, const volatile bool *stop,
                 struct why *why) MUST_USE;
/* The recipe for another file. -ENOTSUP: it does not open it, with the reason; -ENODATA: only a
 * part of it, as far as the originals reach. */
int learned_open(const struct learned *learned, const struct source *source,
                 struct arena *arena, struct recipe *ret, struct why *why) MUST_USE;
/* What the file was called: its name without what was put behind it. Empty: that is not there.
 */
bytes learned_name(const struct learned *learned, bytes name);
