/* logic — the expression of a logical signature: which subsignatures match how often
 * (docs.clamav.net, "Logical Signatures"; groups and counts as clamscan 1.4 takes them). */
#pragma once
#include "clamav/body.h"

enum { LOGIC_SUBSIGNATURES = 64 };

struct logic; /* an expression that was read; in the arena it was read with */

/* NULL when it is malformed. *ret_most is the largest number of a subsignature in it, and
 * *ret_counted has the bits of those whose count is asked for. */
struct logic *logic_read(bytes text, struct arena *arena, uint32_t *ret_most,
                         uint64_t *ret_counted);

/* The node that is true when it holds. `arena` is for scratch. DRAFT_FULL when memory is out.
 */
uint32_t logic_node(struct draft *draft, struct arena *arena, struct logic *logic,
                    const struct subsignature subsignatures[static LOGIC_SUBSIGNATURES]);
