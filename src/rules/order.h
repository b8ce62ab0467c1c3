/* order — the members of `and` and `or` are put in the order of what they cost. */
#pragma once
#include "rules/draft.h"

/* Sorts the lists of every AND and OR of the draft, cheapest first, equal ones as written.
 * Nothing a condition says depends on their order, except what the console module prints:
 * lists with such a call stay as they are. `filtered` says for each program whether its
 * literals are in the filter. False when the arena is full. */
bool order_conditions(struct draft *draft, const bool *filtered, struct arena *arena);
