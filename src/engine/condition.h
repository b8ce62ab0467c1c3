/* condition — evaluates the nodes of a condition; private to engine/. Semantics: node.h. */
#pragma once
#include "engine/scanner_state.h"

/* A variable of a loop or a `with`, and the module its object belongs to. */
struct slot {
    struct value value;
    struct module_input *input;
};

/* One condition under evaluation. */
struct frame {
    struct scanner *scanner;
    struct slot *slots;
    uint32_t slot_count;
    uint32_t loop_pattern;      /* what `$` stands for, or NODE_LOOP_PATTERN */
    struct module_input *input; /* the module of the object evaluated last */
};

struct value condition_value(struct frame *frame, uint32_t at);
/* Undefined counts as false, a text as true when it is not empty. */
bool condition_truth(struct frame *frame, uint32_t at);

/* operate.c: comparison, arithmetic, texts. */
struct value operate_binary(const struct node *node, struct value a, struct value b,
                            bool float_typed);
struct value operate_text(const struct node *node, struct value a, struct value b);

/* loop.c: NODE_OF, NODE_FOR_OF, NODE_FOR_IN. */
struct value loop_of(struct frame *frame, const struct node *node);
struct value loop_for_of(struct frame *frame, const struct node *node);
struct value loop_for_in(struct frame *frame, const struct node *node);
