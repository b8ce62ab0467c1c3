/* set — quantifiers and sets: `2 of ($a*)`, `50% of them`, `any of (rule_a, rule_b*)`, and
 * YARA-X's `any of (filesize > 1, $a at 0)`. */
#pragma once
#include "yara/compiler.h"

struct quantifier {
    uint16_t aux;  /* enum node_quantifier */
    uint32_t node; /* or NODE_NONE */
    unsigned depth;
    bool known;
    int64_t integer;
    struct token start;
};

/* Reads a quantifier; `quantity` is its number when that was read already. Checks its value as
 * far as it is known. */
int set_quantifier(struct yara_compiler *c, const struct expr *quantity,
                   struct quantifier *ret);
/* Reads `of` and what follows a quantifier that may have been read already. */
int set_of(struct yara_compiler *c, const struct expr *quantity, struct expr *ret);
/* Reads a set of patterns: their operands go on c->items from where it was. */
int set_patterns(struct yara_compiler *c);
