/* condition — the boolean part of conditions: `and`, `or`, `not`, comparison, `$a`, and the
 * way to what else can stand there. */
#pragma once
#include "yara/compiler.h"

/* Reads an expression: a value, or a bool. Who wants a bool calls operator_truth. */
int condition_read(struct yara_compiler *c, struct expr *ret);
/* `(expression)` as a bool: the body of `for` and `with`. */
int condition_body(struct yara_compiler *c, struct expr *ret);
/* Puts a number on c->items; false when the arena is full (reported). */
bool condition_push(struct yara_compiler *c, uint32_t item);
