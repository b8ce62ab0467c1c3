/* region — a stack of bytes in one large reservation: where unpacked objects lie while they are
 * examined. What is opened last is given back first; nothing moves, so views stay good until
 * their part of the stack is given back. The driver reserves the memory; pages that were never
 * written to cost nothing. */
#pragma once
#include "base/base.h"

struct region {
    uint8_t *at;
    size_t size;
    size_t used; /* the stack's top */
    size_t high; /* highest top since the driver looked */
};

static inline size_t region_left(const struct region *region)
{
    return region->size - region->used;
}

/* Moves the top up by `size`, which must be left. */
static inline void region_take(struct region *region, size_t size)
{
    region->used += size;
    if (region->used > region->high)
        region->high = region->used;
}
