/* operator — types of operators, and their values where they are known already. */
#pragma once
#include "yara/compiler.h"

/* A new node for `ret`; everything else of *ret is reset. Depth is one more than `depth`. */
void operator_node(struct yara_compiler *c, struct expr *ret, struct node node, unsigned depth);
/* A constant. */
void operator_int(struct yara_compiler *c, struct expr *ret, int64_t value);
/* What stands for a faulty expression: nothing more is said about it. */
void operator_poison(struct yara_compiler *c, struct expr *ret);
/* Takes a value for a bool, as a condition, `and`, `not` ... do: numbers are true unless 0,
 * strings unless empty. The node stays: evaluation knows what is true. */
void operator_truth(struct yara_compiler *c, struct expr *expr);
/* *left = *left op *right, for arithmetic and comparison; `symbol` as YARA writes it. */
void operator_binary(struct yara_compiler *c, enum node_op op, const char *symbol,
                     struct expr *left, const struct expr *right);
/* The same for bit operations and `%`: integers only. */
void operator_integer(struct yara_compiler *c, enum node_op op, const char *symbol,
                      struct expr *left, const struct expr *right);
/* The same for `contains` and its like: strings only. */
void operator_string(struct yara_compiler *c, enum node_op op, const char *symbol,
                     struct expr *left, const struct expr *right);
/* *expr = op *expr, for `-` and `~`. */
void operator_unary(struct yara_compiler *c, enum node_op op, struct expr *expr);
/* True when its type is one of (1 << TYPE_...) bits; else reports `wrong type ... for symbol
 * operator`, unless it is faulty already. */
bool operator_check(struct yara_compiler *c, const struct expr *expr, unsigned types,
                    const char *symbol);
