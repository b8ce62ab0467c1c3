/* anchor — what must be seen in an object before a rule can match it.
 *
 * For every rule the solver finds a small set of programs (patterns) and kinds of object such
 * that, whenever the rule matches, one of the programs does or the object is of one of the
 * kinds; and the cheap facts (size, first bytes) it cannot do without. It prefers programs
 * whose literals are rare in clean files.
 */
#pragma once
#include "rules/draft.h"

struct anchor {
    uint32_t kinds; /* set of enum kind; KIND_ALL when nothing is necessary */
    double cost;    /* of looking for it: how often its literals are met in clean files */
    uint32_t *programs;
    uint32_t count;
    struct ruleset_gate gate;
    bool speaks; /* calls the console module: examined in every object, found or not */
};

/* One anchor per rule of the draft, in `arena`. NULL when it is full. */
struct anchor *anchor_solve(const struct draft *draft, struct arena *arena);

/* How often clean files hold the program's literals: the sum of their shares of all positions,
 * in units of 2^-32; infinite for a program that has none. */
double anchor_program_cost(const struct draft_program *program);
