/* operand — primary expressions: numbers, texts, `filesize`, counts and offsets, parentheses,
 * and the arithmetic between them. */
#pragma once
#include "yara/compiler.h"

/* Reads an arithmetic expression. Its `primary` is false when it turned out to be a bool in
 * parentheses, to which no operator can be applied. */
int operand_read(struct yara_compiler *c, struct expr *ret);
/* The same, but anything that cannot be an operand is a syntax error. */
int operand_value(struct yara_compiler *c, struct expr *ret);
/* `(a..b)`, both integers. */
int operand_range(struct yara_compiler *c, struct expr *low, struct expr *high);
/* `..b)`, after `(a` was read. */
int operand_range_end(struct yara_compiler *c, const struct expr *low, struct expr *high);
/* A regular expression as an operand: of `matches`, or of a function. */
int operand_regex(struct yara_compiler *c, struct expr *ret);
/* Goes one level of nesting deeper: -1 when there are too many. Undo with c->nesting--. */
int operand_nest(struct yara_compiler *c);
/* True when the `%` that is the next token belongs to `50% of`, `for 50% i in`. */
bool operand_is_percent(const struct yara_compiler *c);
