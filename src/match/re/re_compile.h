/* re_compile — code for the general matcher out of a syntax tree. */
#pragma once
#include "match/program.h"

/* Emits the code that matches the tree forward (or, backward, from its end to its start) and
 * *ret_start, its first instruction. Sets the nodes' forward (or backward) fields. -EINVAL when
 * the expression is over YARA's limits, -ENOMEM. Case and dot-all are taken from
 * draft->head.flags. */
int re_compile(struct program_draft *draft, const struct re_tree *tree, bool backward,
               uint32_t *ret_start, struct pattern_fault *fault) MUST_USE;

/* Steps of the simple matcher for a hex string without alternatives; sets node->forward to the
 * step of each node. False when the arena is full. */
bool re_compile_steps(struct program_draft *draft, struct re_node *root, uint32_t *ret_start,
                      uint32_t *ret_count) MUST_USE;
