/* identifier — names in conditions: variables, externals, modules and their fields, rules. */
#pragma once
#include "yara/compiler.h"

/* Reads an identifier with all that follows it: `.field`, `[index]`, `(arguments)`. *ret may be
 * a structure, array, dictionary or function. */
int identifier_read(struct yara_compiler *c, struct expr *ret);
/* Reports an error unless *expr is a value: not a structure, array, dictionary or function. */
void identifier_value(struct yara_compiler *c, struct expr *expr);
/* Reads `.len()` and its like after a text. */
int identifier_members(struct yara_compiler *c, struct expr *expr);
/* The rule of that name in the current name space: false when there is none. *ret is
 * RULESET_NONE for a faulty one. */
bool identifier_rule(const struct yara_compiler *c, bytes name, uint32_t *ret);
/* A node for a rule; reports a faulty one. */
void identifier_rule_node(struct yara_compiler *c, uint32_t rule, struct expr *ret);
/* The variable of that name, or NULL. */
const struct variable *identifier_variable(const struct yara_compiler *c, bytes name);
/* True when something of that name could be meant at this place. */
bool identifier_known(const struct yara_compiler *c, bytes name);
