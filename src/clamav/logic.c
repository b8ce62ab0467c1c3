/* logic — how ClamAV reads an expression (libclamav's cli_ac_chklsig, by its behaviour):
 *
 *   an operator outside of parentheses splits at the first one: 0&1|2 is 0&(1|2);
 *   a group (a|b|c) by itself splits at its last operator outside of inner ones;
 *   n, n=x, n<x, n>x        a subsignature, by how often it matched
 *   (..)=x  <x  >x  [,y]    the matches of the group's true members together, and how many
 *                           different ones matched at least
 *
 * A condition that does not ask for a match, n=0, is true without one. */
#include "clamav/logic.h"

#include <string.h>

enum { TEXT_MOST = 4096, DEPTH_MOST = 130, NUMBER_MOST = INT32_MAX };

struct logic {
    char op;       /* '&', '|', or 0: a subsignature */
    char modifier; /* '=', '<', '>', or 0 */
    uint32_t number;
    int64_t count, distinct; /* of the modifier; 0: no matter how many */
    struct logic *left, *right;
    /* Nodes that stand for it already, or 0: node 0 of a draft is never one of these. */
    uint32_t holds, all, sum;
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Digits at *at; false when there are none. */
static bool read_number(bytes text, size_t *at, int64_t *ret)
{
    size_t start = *at;
    int64_t value = 0;
    for (; *at < text.len && is_digit(text.at[*at]); (*at)++)
        if (value < NUMBER_MOST)
            value = value * 10 + (text.at[*at] - '0');
    *ret = value > NUMBER_MOST ? NUMBER_MOST : value;
    return *at > start;
}

static bool is_modifier(uint8_t c)
{
    return c == '=' || c == '<' || c == '>';
}

/* The places that decide how an expression is split. */
struct split {
    size_t outer;       /* the first operator outside of parentheses, or SIZE_MAX */
    size_t inner;       /* the last one inside the first pair */
    size_t group_end;   /* of a group that is the whole expression */
    size_t modifier_at; /* behind it, or SIZE_MAX */
    bool balanced;
};

static struct split find_split(bytes text)
{
    struct split split = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, false};
    uint32_t depth = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (c == '(') {
            depth++;
        } else if (c == ')') {
            if (!depth--)
                return split;
        } else if (c == '&' || c == '|') {
            if (!depth) {
                split.outer = i;
                break;
            }
            if (depth == 1)
                split.inner = i;
        }
        if (split.inner == SIZE_MAX || depth)
            continue;
        /* A group ends here. It is all there is, perhaps with a modifier, or an operator
         * follows. */
        if (split.group_end == SIZE_MAX || c == ')')
            split.group_end = i;
        if (i + 1 < text.len && is_modifier(text.at[i + 1])) {
            split.modifier_at = i + 1;
            for (i++; i + 1 < text.len && (is_digit(text.at[i + 1]) || text.at[i + 1] == ',');)
                i++;
        }
        if (i + 1 == text.len)
            break;
        split.modifier_at = SIZE_MAX;
    }
    split.balanced = !depth;
    return split;
}

static struct logic *read_leaf(bytes text, struct arena *arena)
{
    struct logic *leaf = PUSH(arena, struct logic);
    size_t at = 0;
    int64_t number;
    if (!leaf || !read_number(text, &at, &number) || number >= LOGIC_SUBSIGNATURES)
        return NULL;
    leaf->number = (uint32_t)number;
    if (at == text.len)
        return leaf;
    /* Of several modifiers ClamAV takes the last: there are signatures with `8==9`,
     * and with `0=2,`. */
    for (size_t i = at; i < text.len; i++) {
        if (is_modifier(text.at[i]))
            at = i;
        else if (!is_digit(text.at[i]) && text.at[i] != ',')
            return NULL;
    }
    if (!is_modifier(text.at[at]))
        return text.at[at] == ',' ? leaf : NULL;
    leaf->modifier = (char)text.at[at++];
    return read_number(text, &at, &leaf->count) ? leaf : NULL;
}

static bool read_modifier(bytes text, size_t at, struct logic *ret)
{
    ret->modifier = (char)text.at[at++];
    if (!read_number(text, &at, &ret->count))
        return false;
    if (at < text.len && text.at[at] == ',') {
        at++;
        read_number(text, &at, &ret->distinct);
    }
    return true;
}

static struct logic *read_text(bytes text, struct arena *arena, uint32_t depth)
{
    struct split split = find_split(text);
    if (!split.balanced || depth > DEPTH_MOST || !text.len)
        return NULL;
    bool is_group = split.outer == SIZE_MAX && split.inner != SIZE_MAX;
    if (split.outer == SIZE_MAX && !is_group) {
        if (text.at[0] != '(')
            return read_leaf(text, arena);
        return text.len < 2 ? NULL
                            : read_text(bytes_slice(text, 1, text.len - 2), arena, depth + 1);
    }
    struct logic *node = PUSH(arena, struct logic);
    if (!node)
        return NULL;
    size_t at = is_group ? split.inner : split.outer;
    size_t first = is_group ? 1 : 0, end = is_group ? split.group_end : text.len;
    if (at < first || at + 1 >= end || (is_group && text.at[0] != '('))
        return NULL;
    if (is_group && split.modifier_at != SIZE_MAX &&
        !read_modifier(text, split.modifier_at, node))
        return NULL;
    node->op = (char)text.at[at];
    node->left = read_text(bytes_slice(text, first, at - first), arena, depth + 1);
    node->right = read_text(bytes_slice(text, at + 1, end - at - 1), arena, depth + 1);
    return node->left && node->right ? node : NULL;
}

/* Marks what is asked for. `sum`: a group around it counts. */
static void look_over(const struct logic *node, bool sum, uint32_t *most, uint64_t *counted)
{
    if (node->op) {
        sum |= node->modifier != 0;
        look_over(node->left, sum, most, counted);
        look_over(node->right, sum, most, counted);
        return;
    }
    if (node->number > *most)
        *most = node->number;
    bool plain = !node->modifier || (node->count == 0 && node->modifier != '<') ||
                 (node->count == 1 && node->modifier == '<');
    if (sum || !plain)
        *counted |= UINT64_C(1) << node->number;
}

struct logic *logic_read(bytes text, struct arena *arena, uint32_t *ret_most,
                         uint64_t *ret_counted)
{
    struct logic *logic = text.len <= TEXT_MOST ? read_text(text, arena, 0) : NULL;
    *ret_most = 0;
    *ret_counted = 0;
    if (logic)
        look_over(logic, false, ret_most, ret_counted);
    return logic;
}

/* --- nodes --- */

struct items {
    VEC(uint32_t) list;
};

struct emitter {
    struct draft *draft;
    struct arena *arena;
    const struct subsignature *subsignatures;
};

static uint32_t truth(struct emitter *e, struct logic *node);
static uint32_t total(struct emitter *e, struct logic *node);

static bool add_item(struct emitter *e, struct items *items, uint32_t item)
{
    uint32_t *slot = vec_push(e->arena, &items->list);
    if (!slot)
        e->draft->full = true;
    else
        *slot = item;
    return slot != NULL;
}

static uint32_t list_node(struct emitter *e, enum node_op op, const struct items *items)
{
    if (items->list.n == 1)
        return items->list.at[0];
    uint32_t links = draft_links(e->draft, items->list.at, items->list.n);
    return draft_binary(e->draft, op, TYPE_BOOL, links, items->list.n);
}

static uint32_t both(struct emitter *e, uint32_t a, uint32_t b)
{
    uint32_t items[2] = {a, b};
    return draft_binary(e->draft, NODE_AND, TYPE_BOOL, draft_links(e->draft, items, 2), 2);
}

/* Undefined counts as false, so that its negation is true. */
static uint32_t negation(struct emitter *e, uint32_t node)
{
    uint32_t safe =
        draft_binary(e->draft, NODE_OR, TYPE_BOOL, draft_links(e->draft, &node, 1), 1);
    return draft_unary(e->draft, NODE_NOT, TYPE_BOOL, safe);
}

static uint32_t compared(struct emitter *e, enum node_op op, uint32_t value, int64_t with)
{
    return draft_binary(e->draft, op, TYPE_BOOL, value, draft_int(e->draft, with));
}

static enum node_op comparison(char modifier)
{
    return modifier == '=' ? NODE_EQ : modifier == '<' ? NODE_LT : NODE_GT;
}

static uint32_t leaf_truth(struct emitter *e, struct logic *leaf)
{
    const struct subsignature *sub = &e->subsignatures[leaf->number];
    if (!leaf->modifier || (leaf->modifier == '>' && !leaf->count))
        return sub->found;
    if (leaf->modifier == '<' && !leaf->count)
        return draft_bool(e->draft, false);
    if ((leaf->modifier == '=' && !leaf->count) || (leaf->modifier == '<' && leaf->count == 1))
        return negation(e, sub->found);
    uint32_t counts = compared(e, comparison(leaf->modifier), sub->count, leaf->count);
    /* Where a match is needed it is said, so that it is looked for. */
    return leaf->modifier == '<' ? counts : both(e, sub->found, counts);
}

/* Members of a row of equal operators. */
static bool add_members(struct emitter *e, struct logic *node, char op, struct items *items)
{
    if (node->op == op && !node->modifier)
        return add_members(e, node->left, op, items) && add_members(e, node->right, op, items);
    return add_item(e, items, truth(e, node));
}

/* Whether the group's members hold, whatever its modifier. */
static uint32_t group_truth(struct emitter *e, struct logic *group)
{
    struct items items = {0};
    if (group->all)
        return group->all;
    if (!add_members(e, group->left, group->op, &items) ||
        !add_members(e, group->right, group->op, &items))
        return DRAFT_FULL;
    group->all = list_node(e, group->op == '&' ? NODE_AND : NODE_OR, &items);
    return group->all;
}

/* For each subsignature the conditions under which it counts as one of the group. */
struct members {
    struct items of[LOGIC_SUBSIGNATURES];
};

static void find_members(struct emitter *e, struct logic *node, uint32_t guard,
                         struct members *members)
{
    if (node->op && node->modifier)
        return;
    if (!node->op) {
        uint32_t holds = truth(e, node);
        add_item(e, &members->of[node->number],
                 guard == NODE_NONE ? holds : both(e, guard, holds));
        return;
    }
    if (node->op == '&') {
        uint32_t all = group_truth(e, node);
        guard = guard == NODE_NONE ? all : both(e, guard, all);
    }
    find_members(e, node->left, guard, members);
    find_members(e, node->right, guard, members);
}

/* At least so many different ones; the group itself is known to hold. */
static uint32_t distinct(struct emitter *e, struct logic *group)
{
    struct members *members = PUSH(e->arena, struct members);
    struct items items = {0};
    if (!members) {
        e->draft->full = true;
        return DRAFT_FULL;
    }
    find_members(e, group->left, NODE_NONE, members);
    find_members(e, group->right, NODE_NONE, members);
    for (uint32_t i = 0; i < LOGIC_SUBSIGNATURES; i++)
        if (members->of[i].list.n)
            add_item(e, &items, list_node(e, NODE_OR, &members->of[i]));
    if (group->distinct > items.list.n)
        return draft_bool(e->draft, false);
    struct node of = {.op = NODE_OF,
                      .type = TYPE_BOOL,
                      .aux = QUANTIFIER_NUMBER,
                      .a = draft_links(e->draft, items.list.at, items.list.n),
                      .b = items.list.n,
                      .c = draft_int(e->draft, group->distinct)};
    return draft_node(e->draft, of);
}

/* What the group counts where it holds, else 0. */
static uint32_t group_total(struct emitter *e, struct logic *group)
{
    uint32_t left = total(e, group->left), right = total(e, group->right);
    uint32_t sum = draft_binary(e->draft, NODE_ADD, TYPE_INT, left, right);
    return group->op == '|'
               ? sum
               : draft_binary(e->draft, NODE_MUL, TYPE_INT, group_truth(e, group), sum);
}

static bool counts_plainly(const struct logic *node)
{
    if (!node->op)
        return !node->modifier;
    return !node->modifier && counts_plainly(node->left) && counts_plainly(node->right);
}

static uint32_t group_holds(struct emitter *e, struct logic *node)
{
    uint32_t holds = group_truth(e, node);
    if (!node->modifier)
        return holds;
    bool plain = counts_plainly(node->left) && counts_plainly(node->right);
    bool none =
        node->modifier == '=' ? !node->count : node->modifier == '<' && node->count == 1;
    if (node->modifier == '<' && !node->count)
        return draft_bool(e->draft, false);
    if (none && plain && !node->distinct)
        return negation(e, holds);
    if (!(node->modifier == '>' && !node->count && plain)) {
        uint32_t counts =
            compared(e, comparison(node->modifier), group_total(e, node), node->count);
        bool free = node->modifier == '<' || !node->count;
        if (free && node->modifier != '>' && !node->distinct)
            return counts;
        holds = both(e, holds, counts);
    }
    return node->distinct > 1 || (node->distinct && !plain) ? both(e, distinct(e, node), holds)
                                                            : holds;
}

static uint32_t truth(struct emitter *e, struct logic *node)
{
    if (!node->holds)
        node->holds = node->op ? group_holds(e, node) : leaf_truth(e, node);
    return node->holds;
}

static uint32_t make_total(struct emitter *e, struct logic *node)
{
    if (!node->op && !node->modifier)
        return e->subsignatures[node->number].count;
    if (!node->op && node->modifier == '=') {
        struct draft *draft = e->draft;
        return draft_binary(draft, NODE_MUL, TYPE_INT, truth(e, node),
                            draft_int(draft, node->count));
    }
    uint32_t sum = node->op ? group_total(e, node) : e->subsignatures[node->number].count;
    return node->modifier ? draft_binary(e->draft, NODE_MUL, TYPE_INT, truth(e, node), sum)
                          : sum;
}

/* What it counts in a group around it: nothing when it does not hold. */
static uint32_t total(struct emitter *e, struct logic *node)
{
    if (!node->sum)
        node->sum = make_total(e, node);
    return node->sum;
}

uint32_t logic_node(struct draft *draft, struct arena *arena, struct logic *logic,
                    const struct subsignature subsignatures[static LOGIC_SUBSIGNATURES])
{
    struct emitter e = {draft, arena, subsignatures};
    uint32_t node = truth(&e, logic);
    return draft->full ? DRAFT_FULL : node;
}
