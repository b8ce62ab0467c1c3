/* body — bodies of signatures as patterns of the rule at work. */
#pragma once
#include "clamav/clamav.h"
#include "clamav/offset.h"

/* One subsignature as nodes: whether it matches, and how often. The count is never undefined.
 */
struct subsignature {
    uint32_t found, count;
    uint32_t pattern;     /* the only one behind it, or NODE_NONE */
    uint32_t patterns[2]; /* of a body: all behind it; the second may be NODE_NONE */
};

/* Adds a body to the rule that was begun last. `flags`: PATTERN_NOCASE, _FULLWORD, _WIDE and
 * _ASCII as `::ifwa` say. `counted`: a count node is wanted, else NODE_NONE. *ret_reason is
 * NULL, or why it is refused (then the rule is to be dropped); lives in clamav->scratch.
 * 0, or -ENOMEM. */
int body_add(struct clamav *clamav, bytes hex, uint32_t flags, const struct offset *offset,
             bool counted, struct subsignature *ret, const char **ret_reason) MUST_USE;

/* Begins the rule of the signature at work; `flags` beside RULE_SIGNATURE. False when memory is
 * out. */
bool body_begin(struct clamav *clamav, bytes name, enum target target, uint32_t flags);
