/* macro — subsignatures that say what may follow the one before them (docs.clamav.net, "Macro
 * subsignatures"): `${min-max}group$`, one of up to 32 groups of bodies, whose members are
 * lines of .ndb files with the offset `$group$`. As in clamscan 1.4 a signature sees only
 * members for its own target, and a match is followed by nothing unless it matches once more
 * behind that. */
#pragma once
#include "clamav/body.h"
#include "clamav/offset.h"

struct macro {
    uint32_t group;
    uint32_t min, max; /* bytes from start to start */
};

bool macro_is(bytes text);
/* NULL, or why it is none. */
const char *macro_read(bytes text, struct macro *ret);

/* What draft_group_add and draft_group_node call a group. */
uint32_t macro_key(enum target target, uint32_t group);

/* A body, of one or two patterns, and `count` macros behind it: sets the counts of all of them,
 * ret[0] being the body's, and what makes the macros true. */
void macro_follow(struct clamav *clamav, enum target target, const struct offset *offset,
                  const struct macro *macros, uint32_t count, struct subsignature *ret);
