/* filter — the literal filters of a ruleset, by what an object is: executables of Windows, for
 * which most signatures and many rules are; old documents; what is derived from texts and
 * pages; and everything else. What several want is in all of them. And one for literals that
 * count near the front of an object alone, which is shown nothing else.
 *
 * One filter for all would make every text pay for what can only be in a program. */
#pragma once
#include "match/literals.h"
#include "rules/ruleset.h"

/* In which objects a literal is wanted. */
struct filter_want {
    uint32_t targets; /* TARGET_BITs: the object is one of these */
    uint32_t kinds;   /* and its kind is of this set */
    uint32_t reach;   /* it counts within so many bytes of the front alone; 0: anywhere */
};

struct filter_set {
    VEC(struct ruleset_filter) filters;
    VEC(uint32_t) anchors; /* what each filter's literals are among all */
    VEC(bytes) tables;     /* one after the other: ruleset_filter.at counts from the first */
};

/* Literals that count within more bytes of the front than this are looked for everywhere. */
enum { FILTER_FRONT = 1024 };

/* Builds them from all literals; literal i is wanted in objects of wants[i]. -ENOMEM, -E2BIG.
 */
int filter_build(const struct literal *literals, const struct filter_want *wants,
                 uint32_t count, struct arena *arena, struct filter_set *ret,
                 struct why *why) MUST_USE;
