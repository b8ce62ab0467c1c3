/* normal — the forms of texts and pages that ClamAV's signatures are about (docs.clamav.net,
 * "Target Types": normalised text and HTML). The door of this folder.
 *
 * A view is derived from an object and no longer than NORMAL_MAX of its size. It is matched and
 * forgotten: it is no object, is not opened, is not counted, and what is found in it is found
 * in the object. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"
#include "base/region.h"
#include "filetype/filetype.h"

#define NORMAL_MAX(size) (4 * (uint64_t)(size) + (1 << 20))

struct normal {
    uint32_t wanted;       /* TARGET_BITs of what signatures there are: others are not made */
    struct region *region; /* the views lie here until `take` returns */
    struct arena *arena;   /* for tables; given back */
    struct budget *budget;
    void *to;
    /* `targets` are the TARGET_BITs that the view is matched as. False: no more. */
    bool (*take)(void *to, bytes view, uint32_t targets);
};

/* Whether objects of a type have views (`type` as by filetype_read), as TARGET_BITs. */
uint32_t normal_targets(enum filetype type);
/* Makes the views of an object and hands out each. False: memory or the budget did not suffice
 * for all of them. */
bool normal_views(const struct normal *normal, bytes data, enum filetype type) MUST_USE;
