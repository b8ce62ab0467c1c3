/* torn — what lost its begin or its end in a gap of a disk image: of which kind it is, how far
 * it reaches, and where it began, as its own end tells. Looks only. */
#pragma once
#include "rescue/salvage/salvage.h"

struct torn {
    uint64_t from, to; /* `from` may lie in the gap */
    const char *kind;  /* its extension */
};

/* Of bytes that lost their begin: the extension of the kind of which they are, "bin" where
 * nothing tells. */
const char *torn_kind(bytes part);
/* What goes on at `at`, behind a gap, of a file that began in it: pages of a data base, or what
 * is before the end record of a package or the table of a PDF which say where they began. No
 * further than `end`. */
bool torn_look(struct salvage *salvage, uint64_t at, uint64_t end, struct torn *ret) MUST_USE;
/* The same, of pages only. */
bool torn_pages(struct salvage *salvage, uint64_t at, uint64_t end, struct torn *ret) MUST_USE;
/* How far the PNG at `at` reaches: behind its last chunk, or into the gap behind which chunks
 * do not stand where its own must. */
uint64_t torn_png_end(struct salvage *salvage, uint64_t at, uint64_t end);
/* How long the JPEG at `at` is likely to be, told by what the blocks before its first gap take;
 * 0: not known. */
uint64_t torn_jpeg_length(struct salvage *salvage, uint64_t at, uint64_t end);
