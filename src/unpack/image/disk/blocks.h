/* blocks — disks stored as blocks of one size, and a table that says where each is. */
#pragma once
#include "unpack/image/source.h"

struct blocks {
    bytes file;
    uint64_t block; /* bytes; not 0 */
    /* Where the n-th block is in the file; 0: nowhere, it is zeros. False when damaged. */
    bool (*where)(const struct blocks *blocks, uint64_t n, uint64_t *ret);
    uint64_t table, entries; /* for `where` */
    uint64_t share;          /* blocks that share a map of sectors: VHDX */
};

/* The disk, of `size` bytes; `blocks` must live as long. */
struct source blocks_source(struct blocks *blocks, uint64_t size, struct budget *budget);
