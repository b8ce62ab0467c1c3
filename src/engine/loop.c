#include "engine/condition.h"

/* A quantifier on its way: how many members there were, and how many were true. */
struct tally {
    enum node_quantifier kind;
    bool undefined; /* a percentage of nothing known */
    int64_t wanted; /* NUMBER, PERCENT */
    uint64_t total, found;
};

enum { MEMBER_STEPS = 16 };

static struct tally tally_begin(struct frame *frame, const struct node *node)
{
    struct tally tally = {.kind = (enum node_quantifier)node->aux};
    if (tally.kind != QUANTIFIER_NUMBER && tally.kind != QUANTIFIER_PERCENT)
        return tally;
    struct value number = node->c == NODE_NONE ? VALUE_NONE : condition_value(frame, node->c);
    if (number.type != TYPE_UNDEFINED) {
        tally.wanted = number.integer;
        return tally;
    }
    /* As YARA: an undefined number means all, an undefined percentage nothing. */
    if (tally.kind == QUANTIFIER_NUMBER)
        tally.kind = QUANTIFIER_ALL;
    else
        tally.undefined = true;
    return tally;
}

/* False when the outcome is settled. */
static bool tally_add(struct tally *tally, bool is_true)
{
    tally->total++;
    tally->found += is_true;
    switch (tally->kind) {
    case QUANTIFIER_ALL:
        return is_true;
    case QUANTIFIER_ANY:
    case QUANTIFIER_NONE:
        return !is_true;
    case QUANTIFIER_NUMBER:
        if (tally->wanted == 0)
            return !is_true;
        return tally->wanted > 0 && tally->found < (uint64_t)tally->wanted;
    case QUANTIFIER_PERCENT:
        return true;
    }
    return true;
}

static struct value tally_end(const struct tally *tally)
{
    if (tally->undefined)
        return VALUE_NONE;
    switch (tally->kind) {
    case QUANTIFIER_ALL:
        return VALUE_BOOL(tally->found == tally->total);
    case QUANTIFIER_ANY:
        return VALUE_BOOL(tally->found > 0);
    case QUANTIFIER_NONE:
        return VALUE_BOOL(tally->found == 0);
    case QUANTIFIER_NUMBER:
        if (tally->wanted <= 0)
            return VALUE_BOOL(tally->wanted < 0 || tally->found == 0);
        return VALUE_BOOL(tally->found >= (uint64_t)tally->wanted);
    case QUANTIFIER_PERCENT:
        if (tally->total == 0)
            return VALUE_NONE;
        return VALUE_BOOL((double)tally->found / (double)tally->total * 100 >=
                          (double)tally->wanted);
    }
    return VALUE_NONE;
}

static bool is_true(struct value value)
{
    if (value.type == TYPE_STRING)
        return value.len > 0;
    if (value.type == TYPE_FLOAT)
        return value.real != 0;
    return value.type != TYPE_UNDEFINED && value.integer != 0;
}

struct value loop_of(struct frame *frame, const struct node *node)
{
    const struct ruleset *set = frame->scanner->set;
    struct tally tally = tally_begin(frame, node);
    for (uint32_t i = 0; i < node->b; i++) {
        uint32_t at = set->links[node->a + i];
        struct value value = condition_value(frame, at);
        uint8_t op = set->nodes[at].op;
        /* `any of ($a*) at x` with x undefined is undefined. */
        if (value.type == TYPE_UNDEFINED && (op == NODE_FOUND_AT || op == NODE_FOUND_IN))
            return VALUE_NONE;
        if (!tally_add(&tally, is_true(value)))
            break;
    }
    return tally_end(&tally);
}

struct value loop_for_of(struct frame *frame, const struct node *node)
{
    const uint32_t *links = frame->scanner->set->links + node->a;
    uint32_t outer = frame->loop_pattern;
    struct tally tally = tally_begin(frame, node);
    for (uint32_t i = 0; i < node->b; i++) {
        frame->loop_pattern = links[1 + i];
        if (!budget_charge(&frame->scanner->budget, MEMBER_STEPS) ||
            !tally_add(&tally, condition_truth(frame, links[0])))
            break;
    }
    frame->loop_pattern = outer;
    return tally.total ? tally_end(&tally) : VALUE_BOOL(false);
}

/* One loop over an iterator. */
struct loop {
    struct frame *frame;
    uint32_t body;
    const uint32_t *slots;
    uint32_t slot_count;
    struct module_input *input;
    struct tally tally;
};

/* Runs the body with the variables set; false when the loop is over. */
static bool loop_step(struct loop *loop, struct value first, struct value second)
{
    struct frame *frame = loop->frame;
    if (!budget_charge(&frame->scanner->budget, MEMBER_STEPS))
        return false;
    frame->slots[loop->slots[0]] = (struct slot){first, loop->input};
    if (loop->slot_count == 2)
        frame->slots[loop->slots[1]] = (struct slot){second, loop->input};
    return tally_add(&loop->tally, condition_truth(frame, loop->body));
}

static void loop_range(struct loop *loop, const struct node *range)
{
    struct value low = condition_value(loop->frame, range->a);
    struct value high = condition_value(loop->frame, range->b);
    if (low.type == TYPE_UNDEFINED || high.type == TYPE_UNDEFINED)
        return;
    for (int64_t i = low.integer; i <= high.integer; i++)
        if (!loop_step(loop, VALUE_INT(i), VALUE_NONE) || i == INT64_MAX)
            return;
}

static void loop_list(struct loop *loop, const struct node *list)
{
    const uint32_t *items = loop->frame->scanner->set->links + list->a;
    for (uint32_t i = 0; i < list->b; i++)
        if (!loop_step(loop, condition_value(loop->frame, items[i]), VALUE_NONE))
            return;
}

static void loop_object(struct loop *loop, uint32_t at)
{
    struct value value = condition_value(loop->frame, at);
    loop->input = loop->frame->input;
    if (value.type == TYPE_ARRAY) {
        for (uint32_t i = 0; i < value.object->count; i++)
            if (!loop_step(loop, value.object->slots[i], VALUE_NONE))
                return;
    } else if (value.type == TYPE_DICT) {
        for (uint32_t i = 0; i < value.object->count; i++) {
            const struct entry *entry = &value.object->entries[i];
            if (!loop_step(loop, value_bytes(entry->key), entry->value))
                return;
        }
    }
}

struct value loop_for_in(struct frame *frame, const struct node *node)
{
    const struct ruleset *set = frame->scanner->set;
    const uint32_t *links = set->links + node->a;
    struct loop loop = {.frame = frame,
                        .body = links[0],
                        .slots = links + 2,
                        .slot_count = node->b,
                        .tally = tally_begin(frame, node)};
    for (uint32_t i = 0; i < node->b; i++)
        if (loop.slots[i] >= frame->slot_count)
            return VALUE_NONE;
    const struct node *iterator = &set->nodes[links[1]];
    if (iterator->op == NODE_RANGE)
        loop_range(&loop, iterator);
    else if (iterator->op == NODE_LIST)
        loop_list(&loop, iterator);
    else
        loop_object(&loop, links[1]);
    return loop.tally.total ? tally_end(&loop.tally) : VALUE_BOOL(false);
}
