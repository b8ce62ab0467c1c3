/* fat_look — what looks like a part of a FAT file system, gathered sector by sector.
 *
 * A table tells its own place: where a file lies in one piece, entry i holds i + 1. Folders
 * tell where their first cluster is ('.'), and of which size and kind files are that begin at a
 * cluster. */
#pragma once
#include "rescue/salvage/salvage.h"

/* A table of which at least one sector was seen. */
struct fat_table {
    uint64_t from, top; /* its begin, and behind what was seen of it */
    unsigned bits;      /* of an entry: 16 or 32 */
    uint32_t seen;      /* sectors */
};

struct fat_entry {
    uint32_t cluster, size;
    uint16_t kinds; /* as its extension says; 0: no known one */
};

/* Sectors of a folder that lie in a row. */
struct fat_folder {
    uint64_t from, to;
    uint32_t cluster; /* as its '.' says; 0: none */
};

/* What begins as files of one kind do. */
struct fat_mark {
    uint64_t at;
    uint16_t kind; /* one bit */
};

struct fat_look {
    struct salvage *salvage;
    VEC(struct fat_table) tables;
    VEC(struct fat_entry) entries;
    VEC(struct fat_folder) folders; /* by place */
    VEC(struct fat_mark) marks;     /* by place */
};

enum { FAT_SECTOR = 512 };

/* The sector at `here`; in order. What does not fit any more is left out. */
void fat_look_at(struct fat_look *look, uint64_t here);
