/* signature — what signatures ask of an object beside patterns; private to engine/. */
#pragma once
#include "engine/condition.h"

/* NODE_PLACE ... NODE_COUNT_FOLLOWED; semantics: node.h. */
struct value signature_value(struct frame *frame, const struct node *node);

/* followed.c: NODE_COUNT_FOLLOWED. */
struct value followed_value(struct frame *frame, const struct node *node);

/* number.c: NODE_NUMBER. */
struct value number_value(struct scanner *scanner, const struct node *node);

/* expression.c: how often the PCRE of NODE_COUNT_PCRE matches. `first` and `end` say where it
 * may begin. A limit that PCRE2 ran into is the budget's. */
struct expression_range {
    bool everywhere;
    uint64_t first, end;
};

uint64_t expression_count(struct scanner *scanner, const struct node *node,
                          struct expression_range range);
