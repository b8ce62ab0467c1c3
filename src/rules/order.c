#include "rules/order.h"

#include <string.h>

/* Rough costs, in nanoseconds on an object of 100 KB. */
enum {
    COST_FACT = 1,
    COST_FILTERED = 2, /* the filter has answered already */
    COST_AT = 20,
    COST_MODULE = 300,
    COST_CALL = 1000,
    COST_SEARCH = 10000, /* a pattern must be looked for in the whole object */
    COST_SLOW = 50000,   /* and has no literal to look for */
    LOOP_TURNS = 8,
    LONG_LIST = 256, /* lists longer than this stay as written */
};

struct price {
    double cost;
    bool speaks; /* calls the console module */
};

struct orderer {
    struct draft *draft;
    const bool *filtered;
    struct price *prices;      /* per node */
    struct price *rule_prices; /* per rule */
};

static void add(struct price *sum, struct price more)
{
    sum->cost += more.cost;
    sum->speaks |= more.speaks;
}

static double search_cost(const struct orderer *o, uint32_t pattern)
{
    if (pattern == NODE_LOOP_PATTERN)
        return COST_FILTERED;
    uint32_t program = o->draft->patterns.at[pattern].program;
    if (o->filtered[program])
        return COST_FILTERED;
    return o->draft->programs.at[program].literal_count ? COST_SEARCH : COST_SLOW;
}

static struct price list_price(const struct orderer *o, uint32_t start, uint32_t count)
{
    struct price sum = {0};
    for (uint32_t i = 0; i < count; i++)
        add(&sum, o->prices[o->draft->links.at[start + i]]);
    return sum;
}

/* Members move by insertion: lists are short, or already in order. */
static void sort_list(struct orderer *o, uint32_t *items, uint32_t count)
{
    if (count > LONG_LIST)
        return;
    for (uint32_t i = 1; i < count; i++) {
        uint32_t item = items[i], k = i;
        for (; k > 0 && o->prices[items[k - 1]].cost > o->prices[item].cost; k--)
            items[k] = items[k - 1];
        items[k] = item;
    }
}

static struct price loop_price(const struct orderer *o, const struct node *node)
{
    const uint32_t *links = o->draft->links.at + node->a;
    struct price sum = o->prices[links[0]];
    if (node->op == NODE_FOR_IN) {
        add(&sum, o->prices[links[1]]);
        sum.cost *= LOOP_TURNS;
        return sum;
    }
    sum.cost *= node->b;
    for (uint32_t i = 0; i < node->b; i++)
        sum.cost += search_cost(o, links[1 + i]);
    return sum;
}

static struct price call_price(const struct orderer *o, const struct node *node)
{
    const struct draft *draft = o->draft;
    const struct node *self = &draft->nodes.at[node->a];
    struct price sum = list_price(o, node->c + 1, draft->links.at[node->c]);
    sum.cost += COST_CALL;
    sum.speaks |=
        self->op == NODE_MODULE &&
        strcmp((const char *)draft->texts.at + draft->modules.at[self->a].name, "console") == 0;
    return sum;
}

static struct price node_price(const struct orderer *o, const struct node *node)
{
    struct price sum = {.cost = COST_FACT};
    switch ((enum node_op)node->op) {
    case NODE_AND:
    case NODE_OR:
    case NODE_OF:
    case NODE_LIST:
        return list_price(o, node->a, node->b);
    case NODE_READ:
    case NODE_NOT:
    case NODE_DEFINED:
    case NODE_NEG:
    case NODE_BIT_NOT:
    case NODE_LENGTH:
        add(&sum, o->prices[node->a]);
        return sum;
    case NODE_EQ ... NODE_SHR:
    case NODE_CONTAINS ... NODE_MATCHES:
    case NODE_RANGE:
    case NODE_INDEX:
        add(&sum, o->prices[node->a]);
        add(&sum, o->prices[node->b]);
        return sum;
    case NODE_FOUND:
    case NODE_FOUND_IN:
    case NODE_COUNT ... NODE_MATCH_LENGTH:
        sum.cost += search_cost(o, node->a);
        return sum;
    case NODE_FOUND_AT:
        sum.cost += COST_AT;
        add(&sum, o->prices[node->b]);
        return sum;
    case NODE_RULE:
        return o->rule_prices[node->a];
    case NODE_FOR_OF:
    case NODE_FOR_IN:
        return loop_price(o, node);
    case NODE_LET:
        add(&sum, o->prices[node->b]);
        add(&sum, o->prices[node->c]);
        return sum;
    case NODE_MODULE:
        sum.cost = COST_MODULE;
        return sum;
    case NODE_FIELD:
        add(&sum, o->prices[node->a]);
        return sum;
    case NODE_CALL:
        return call_price(o, node);
    default:
        return sum;
    }
}

bool order_conditions(struct draft *draft, const bool *filtered, struct arena *arena)
{
    struct orderer o = {.draft = draft, .filtered = filtered};
    o.prices = PUSH_ARRAY(arena, struct price, draft->nodes.n);
    o.rule_prices = PUSH_ARRAY(arena, struct price, draft->rules.n);
    if (!o.prices || !o.rule_prices)
        return false;
    /* Nodes and rules come in the order in which they refer to each other. */
    uint32_t rule = 0;
    for (uint32_t i = 0; i < draft->nodes.n; i++) {
        struct node *node = &draft->nodes.at[i];
        o.prices[i] = node_price(&o, node);
        if ((node->op == NODE_AND || node->op == NODE_OR) && !o.prices[i].speaks)
            sort_list(&o, draft->links.at + node->a, node->b);
        while (rule < draft->rules.n && draft->rules.at[rule].condition == i)
            o.rule_prices[rule++] = o.prices[i];
    }
    return true;
}
