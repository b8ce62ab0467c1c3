#include "yara/condition.h"

#include "yara/declare.h"
#include "yara/loop.h"
#include "yara/operand.h"
#include "yara/operator.h"
#include "yara/reader.h"
#include "yara/set.h"

bool condition_push(struct yara_compiler *c, uint32_t item)
{
    uint32_t *slot = vec_push(c->arena, &c->items);
    if (!slot)
        return message_full(c) == 0;
    *slot = item;
    return true;
}

/* $a, $a at x, $a in (x..y) */
static int read_found(struct yara_compiler *c, struct expr *ret)
{
    struct token token = c->token;
    struct expr low = {0}, high = {0};
    struct node node = {.op = NODE_FOUND, .type = TYPE_BOOL};
    bool good = true;
    reader_take(c);
    if (reader_accept(c, TOKEN_AT)) {
        low.start = c->token;
        if (operand_value(c, &low) < 0)
            return -1;
        good = operator_check(c, &low, 1u << TYPE_INT, "at");
        node.op = NODE_FOUND_AT;
    } else if (reader_accept(c, TOKEN_IN)) {
        if (operand_range(c, &low, &high) < 0)
            return -1;
        node.op = NODE_FOUND_IN;
    }
    node.b = low.node;
    node.c = high.node;
    if (declare_used(c, &token, (enum node_op)node.op, &low, &node.a) && good)
        operator_node(c, ret, node, low.depth > high.depth ? low.depth : high.depth);
    else
        operator_poison(c, ret);
    ret->primary = false;
    return 0;
}

static const struct {
    uint16_t token;
    uint8_t op;
    char symbol[12];
} comparisons[] = {
    {TOKEN_EQ, NODE_EQ, "=="},
    {TOKEN_NE, NODE_NE, "!="},
    {TOKEN_LT, NODE_LT, "<"},
    {TOKEN_LE, NODE_LE, "<="},
    {TOKEN_GT, NODE_GT, ">"},
    {TOKEN_GE, NODE_GE, ">="},
    {TOKEN_CONTAINS, NODE_CONTAINS, "contains"},
    {TOKEN_ICONTAINS, NODE_ICONTAINS, "icontains"},
    {TOKEN_STARTSWITH, NODE_STARTSWITH, "startswith"},
    {TOKEN_ISTARTSWITH, NODE_ISTARTSWITH, "istartswith"},
    {TOKEN_ENDSWITH, NODE_ENDSWITH, "endswith"},
    {TOKEN_IENDSWITH, NODE_IENDSWITH, "iendswith"},
    {TOKEN_IEQUALS, NODE_IEQUALS, "iequals"},
    {TOKEN_MATCHES, NODE_MATCHES, "matches"},
};

static int read_comparison(struct yara_compiler *c, struct expr *ret)
{
    size_t i = 0;
    while (i < COUNT(comparisons) && comparisons[i].token != c->token.kind)
        i++;
    if (i == COUNT(comparisons))
        return 0;
    enum node_op op = (enum node_op)comparisons[i].op;
    struct expr right = {0};
    reader_take(c);
    right.start = c->token;
    if ((op == NODE_MATCHES ? operand_regex(c, &right) : operand_value(c, &right)) < 0)
        return -1;
    if (op >= NODE_CONTAINS)
        operator_string(c, op, comparisons[i].symbol, ret, &right);
    else
        operator_binary(c, op, comparisons[i].symbol, ret, &right);
    return 0;
}

static int read_term(struct yara_compiler *c, struct expr *ret)
{
    struct node node = {.op = NODE_BOOL, .type = TYPE_BOOL};
    switch (c->token.kind) {
    case TOKEN_TRUE:
        node.a = 1; /* fall through */
    case TOKEN_FALSE:
        operator_node(c, ret, node, 0);
        ret->primary = false;
        reader_take(c);
        return 0;
    case TOKEN_STRING_ID:
        return read_found(c, ret);
    case TOKEN_FOR:
        return loop_for(c, ret);
    case TOKEN_ALL:
    case TOKEN_ANY:
    case TOKEN_NONE:
        return set_of(c, NULL, ret);
    default:
        break;
    }
    if (loop_is_with(c))
        return loop_with(c, ret);
    if (operand_read(c, ret) < 0)
        return -1;
    if (!ret->primary)
        return 0;
    if (c->token.kind == TOKEN_OF || c->token.kind == '%') {
        struct expr quantity = *ret;
        return set_of(c, &quantity, ret);
    }
    return read_comparison(c, ret);
}

/* `not` and `defined` reach over a comparison, but not over `and`. */
static int read_prefixed(struct yara_compiler *c, struct expr *ret)
{
    struct token token = c->token;
    int error;
    if (token.kind != TOKEN_NOT && token.kind != TOKEN_DEFINED) {
        ret->start = token;
        error = read_term(c, ret);
        ret->start = token;
        return error;
    }
    if (operand_nest(c) < 0)
        return -1;
    reader_take(c);
    error = read_prefixed(c, ret);
    c->nesting--;
    if (error < 0)
        return -1;
    struct node node = {.op = token.kind == TOKEN_NOT ? NODE_NOT : NODE_DEFINED,
                        .type = TYPE_BOOL};
    operator_truth(c, ret);
    node.a = ret->node;
    if (ret->type == TYPE_UNDEFINED)
        operator_poison(c, ret);
    else
        operator_node(c, ret, node, ret->depth);
    ret->primary = false;
    ret->start = token;
    return 0;
}

/* One flat list for a chain of equal operators: there are rules with thousands. */
static int read_chain(struct yara_compiler *c, unsigned token,
                      int (*read)(struct yara_compiler *c, struct expr *ret), struct expr *ret)
{
    struct token start = c->token;
    if (read(c, ret) < 0)
        return -1;
    if (c->token.kind != token)
        return 0;
    uint32_t items = c->items.n;
    unsigned depth = ret->depth;
    operator_truth(c, ret);
    if (!condition_push(c, ret->node))
        return -1;
    while (reader_accept(c, token)) {
        struct expr next = {.start = c->token};
        if (read(c, &next) < 0)
            return -1;
        operator_truth(c, &next);
        if (next.depth > depth)
            depth = next.depth;
        if (!condition_push(c, next.node))
            return -1;
    }
    struct node node = {.op = token == TOKEN_AND ? NODE_AND : NODE_OR, .type = TYPE_BOOL};
    node.b = c->items.n - items;
    node.a = draft_links(c->draft, c->items.at + items, node.b);
    c->items.n = items;
    operator_node(c, ret, node, depth);
    ret->primary = false;
    ret->start = start;
    return 0;
}

static int read_and(struct yara_compiler *c, struct expr *ret)
{
    return read_chain(c, TOKEN_AND, read_prefixed, ret);
}

int condition_read(struct yara_compiler *c, struct expr *ret)
{
    if (operand_nest(c) < 0)
        return -1;
    int error = read_chain(c, TOKEN_OR, read_and, ret);
    c->nesting--;
    return error;
}

int condition_body(struct yara_compiler *c, struct expr *ret)
{
    if (reader_expect(c, '(') < 0 || condition_read(c, ret) < 0)
        return -1;
    if (!reader_accept(c, ')'))
        return message_unexpected(c, "<or> or <and> or ')'");
    operator_truth(c, ret);
    return 0;
}
