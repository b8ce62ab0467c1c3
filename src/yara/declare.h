/* declare — the patterns of a rule: `strings:`, and what conditions say about them. */
#pragma once
#include "yara/compiler.h"

/* Reads the declarations after `strings:`. */
int declare_read(struct yara_compiler *c);
/* A pattern is used in a condition as `op` (NODE_FOUND, NODE_FOUND_AT ...); `token` names it.
 * `at` is the offset of `$a at ...`. True, and the operand for nodes in *ret; false when there
 * is no such pattern (reported). */
bool declare_used(struct yara_compiler *c, const struct token *token, enum node_op op,
                  const struct expr *at, uint32_t *ret);
/* The patterns of a set that `token` ($a, $a*, them) names go on c->items as operands; their
 * number, or -1 when there are none (reported). */
int declare_used_set(struct yara_compiler *c, const struct token *token);
/* Writes the patterns to the draft, after the condition was read. */
int declare_finish(struct yara_compiler *c);
