/* layout — the parts of a ruleset, one after the other, behind header and section table
 * (ruleset.h). Private to this folder. */
#pragma once
#include "rules/draft.h"

/* A section: an array, or pieces that each begin on a border. */
struct layout_part {
    const void *at;
    uint64_t count; /* of elements; of pieces' bytes, with what lies between them */
    size_t size;    /* of an element */
    /* Or NULL: the first piece; the next lies `stride` bytes behind it. */
    const bytes *piece;
    uint32_t piece_count;
    size_t stride, border;
};

/* Writes the file where the draft wants it, else into `arena`: *ret, which has no `at` where it
 * was put into a file. `hashes` in parts is the table's size where another process writes it.
 * -ENOMEM, -EIO. */
int layout_write(const struct draft *draft, const struct layout_part parts[RULESET_SECTIONS],
                 struct arena *arena, bytes *ret, struct why *why) MUST_USE;
/* The bytes of pieces with what lies between them. */
uint64_t layout_pieces(const bytes *piece, uint32_t count, size_t stride, size_t border);
