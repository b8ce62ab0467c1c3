/* possible — whether a condition can be true at all, by what the filter has denied: asked
 * before any pattern is looked for. No for a rule that wants two patterns when the literals of
 * only one were seen, which is how most rules that an anchor wakes end. */
#include "engine/condition.h"

static bool node_possible(const struct scanner *scanner, uint32_t at, uint32_t depth);

static bool pattern_possible(const struct scanner *scanner, uint32_t pattern)
{
    if (pattern == NODE_LOOP_PATTERN)
        return true;
    return !found_denied(scanner, scanner->set->patterns[pattern].program);
}

/* How many of the members must be true; 0 where that is not known or none may be enough. */
static uint64_t members_wanted(const struct ruleset *set, const struct node *node)
{
    if (node->aux == QUANTIFIER_ALL)
        return node->b;
    if (node->aux == QUANTIFIER_ANY)
        return 1;
    if (node->aux != QUANTIFIER_NUMBER || node->c == NODE_NONE ||
        set->nodes[node->c].op != NODE_INT || set->nodes[node->c].b)
        return 0;
    return set->nodes[node->c].a;
}

/* At least `wanted` of the children can be true. */
static bool members_possible(const struct scanner *scanner, const struct node *node,
                             uint64_t wanted, uint32_t depth)
{
    const uint32_t *items = scanner->set->links + node->a;
    if (wanted > node->b)
        return false;
    uint64_t spare = node->b - wanted, found = 0;
    for (uint32_t i = 0; i < node->b && found < wanted; i++) {
        if (node_possible(scanner, items[i], depth))
            found++;
        else if (spare-- == 0)
            return false;
    }
    return true;
}

static bool node_possible(const struct scanner *scanner, uint32_t at, uint32_t depth)
{
    enum { DEEP_ENOUGH = 8 };

    const struct node *node = &scanner->set->nodes[at];
    if (depth >= DEEP_ENOUGH)
        return true;
    switch ((enum node_op)node->op) {
    case NODE_FOUND:
    case NODE_FOUND_AT:
    case NODE_FOUND_IN:
    case NODE_FOUND_VERSION:
        return pattern_possible(scanner, node->a);
    case NODE_AND:
        return members_possible(scanner, node, node->b, depth + 1);
    case NODE_OR:
        return members_possible(scanner, node, 1, depth + 1);
    case NODE_OF:
        return members_possible(scanner, node, members_wanted(scanner->set, node), depth + 1);
    default:
        return true;
    }
}

bool condition_possible(const struct scanner *scanner, uint32_t rule)
{
    return node_possible(scanner, scanner->set->rules[rule].condition, 0);
}
