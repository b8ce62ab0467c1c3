/* ranges — where a file changes from noise to something else and back, held against the parts
 * that a family would have encrypted: what a family without a mark leaves in files that are not
 * noise themselves (texts, databases, disks; of photos and archives it cannot be seen). */
#pragma once
#include "rescue/source.h"

struct ranges_part {
    uint64_t at, length;
};

enum {
    RANGES_EDGE_BITS = 10, /* what one edge is counted as */
    RANGES_SURE = 4,       /* as many of them, and no other family's parts: it is this one */
};

/* How many begins and ends of parts are edges, to within a few bytes: noise on the inner side,
 * 32 bytes that no noise has on the outer. Parts rise, do not overlap, and end at `end`, where
 * noise (a trailer) must follow, at the latest; the begin and the end of the file are no edges.
 * -1: where one should be encrypted, it is not (0 when nothing is outside of noise). Reads at
 * most 4 KiB for each part. */
int ranges_edges(const struct source *source, const struct ranges_part *parts, size_t count,
                 uint64_t end);
