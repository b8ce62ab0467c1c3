#include "rules/order.h"

#include "match/literals.h"

#include <math.h>
#include <string.h>

/* Rough costs, in nanoseconds on an object of 100 KB. */
enum {
    COST_FACT = 1,
    COST_FILTERED = 2, /* the filter has answered already */
    COST_AT = 20,
    COST_MODULE = 300,
    COST_CALL = 1000,
    COST_SEARCH = 10000, /* a pattern must be looked for in the whole object */
    COST_LAST = 1 << 28,
    COST_SLOW = 50000, /* and has no literal to look for */
    OBJECT_SIZE = 100000,
    LOOP_TURNS = 8,
    LONG_LIST = 256, /* lists longer than this stay as written */
};

struct price {
    double cost;
    bool speaks; /* calls the console module */
};

struct orderer {
    struct draft *draft;
    const double *searches;    /* what finding each program costs */
    struct price *prices;      /* per node */
    struct price *rule_prices; /* per rule */
};

static void add(struct price *sum, struct price more)
{
    sum->cost += more.cost;
    sum->speaks |= more.speaks;
}

/* How likely an object of 100 KB has a literal of the program, which then is to be searched
 * for: the cost of a literal is a share of positions (match/frequency.h). */
static double search_share(const struct draft_program *program)
{
    double positions = 0;
    for (uint32_t i = 0; i < program->literal_count; i++)
        positions +=
            exp2(
                (literal_cost(program->literals[i].text, program->literals[i].nocase) - 255.0) /
                8.0) *
            OBJECT_SIZE;
    return positions < 1 ? positions : 1;
}

static double search_cost(const struct orderer *o, uint32_t pattern)
{
    if (pattern == NODE_LOOP_PATTERN)
        return COST_FILTERED;
    return o->searches[o->draft->patterns.at[pattern].program];
}

static double program_cost(const struct draft_program *program, bool is_filtered)
{
    if (!program->literal_count)
        return COST_SLOW;
    if (!is_filtered)
        return COST_SEARCH;
    if (program->flags & PROGRAM_WHOLE)
        return COST_FILTERED;
    return COST_FILTERED + COST_SEARCH * search_share(program);
}

static struct price list_price(const struct orderer *o, uint32_t start, uint32_t count)
{
    struct price sum = {0};
    for (uint32_t i = 0; i < count; i++)
        add(&sum, o->prices[o->draft->links.at[start + i]]);
    return sum;
}

/* Of members in the order in which they are asked: each answers for all half of the time. */
static struct price first_price(const struct orderer *o, uint32_t start, uint32_t count)
{
    struct price sum = {0};
    double share = 1;
    for (uint32_t i = 0; i < count; i++) {
        struct price more = o->prices[o->draft->links.at[start + i]];
        more.cost *= share;
        share /= 2;
        add(&sum, more);
    }
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
    case NODE_FOUND_VERSION:
    case NODE_COUNT_VERSION:
    case NODE_NUMBER:
        sum.cost += COST_MODULE + search_cost(o, node->a);
        return sum;
    case NODE_PLACE:
        sum.cost = COST_MODULE;
        return sum;
    case NODE_COUNT_FOLLOWED:
    case NODE_COUNT_PCRE:
    case NODE_IMAGE_HASH:
    case NODE_ICON:
    case NODE_SIGNER:
        sum.cost = COST_SLOW;
        return sum;
    case NODE_HANDLER: /* after all others: it is to be asked only when these hold */
        sum.cost = COST_LAST;
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
    struct orderer o = {.draft = draft};
    double *searches = PUSH_ARRAY(arena, double, draft->programs.n);
    for (uint32_t i = 0; searches && i < draft->programs.n; i++)
        searches[i] = program_cost(&draft->programs.at[i], filtered[i]);
    o.searches = searches;
    o.prices = PUSH_ARRAY(arena, struct price, draft->nodes.n);
    o.rule_prices = PUSH_ARRAY(arena, struct price, draft->rules.n);
    if (!o.prices || !o.rule_prices || !searches)
        return false;
    /* Nodes and rules come in the order in which they refer to each other. */
    uint32_t rule = 0;
    for (uint32_t i = 0; i < draft->nodes.n; i++) {
        struct node *node = &draft->nodes.at[i];
        if (node->op == NODE_AND || node->op == NODE_OR) {
            if (!list_price(&o, node->a, node->b).speaks)
                sort_list(&o, draft->links.at + node->a, node->b);
            o.prices[i] = first_price(&o, node->a, node->b);
        } else {
            o.prices[i] = node_price(&o, node);
        }
        while (rule < draft->rules.n && draft->rules.at[rule].condition == i)
            o.rule_prices[rule++] = o.prices[i];
    }
    return true;
}
