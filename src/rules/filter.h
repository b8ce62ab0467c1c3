/* filter — the literal filters of a ruleset: one for executables of Windows, for which most
 * signatures and many rules are, and one for everything else. What both want is in both.
 *
 * One filter for all would make every text pay for what can only be in a program. */
#pragma once
#include "match/literals.h"
#include "rules/ruleset.h"

struct filter_set {
    VEC(struct ruleset_filter) filters;
    VEC(uint32_t) anchors; /* what each filter's literals are among all */
    VEC(bytes) tables;     /* one after the other: ruleset_filter.at counts from the first */
};

/* Builds them from all literals; literal i is wanted in objects of `kinds[i]`. -ENOMEM, -E2BIG.
 */
int filter_build(const struct literal *literals, const uint8_t *kinds, uint32_t count,
                 struct arena *arena, struct filter_set *ret, struct why *why) MUST_USE;
