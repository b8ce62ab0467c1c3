#include "engine/condition.h"

#include "engine/signature.h"

#include <math.h>
#include <string.h>

/* Deeper conditions than the front ends write come only from hostile files. */
enum { MAX_DEPTH = 1000, MAX_ARGUMENTS = 128 };

static uint32_t pattern_of(const struct frame *frame, uint32_t operand)
{
    return operand == NODE_LOOP_PATTERN ? frame->loop_pattern : operand;
}

/* The program of a pattern operand; false for `$` outside of a loop. */
static bool program_of(const struct frame *frame, uint32_t operand, uint32_t *ret)
{
    uint32_t pattern = pattern_of(frame, operand);
    if (pattern == NODE_LOOP_PATTERN)
        return false;
    *ret = frame->scanner->set->patterns[pattern].program;
    return true;
}

static bool integer_at(struct frame *frame, uint32_t at, int64_t *ret)
{
    struct value value = condition_value(frame, at);
    if (value.type != TYPE_INT && value.type != TYPE_BOOL)
        return false;
    *ret = value.integer;
    return true;
}

static struct value number_of(uint64_t raw, unsigned aux)
{
    unsigned unused = 64 - 8 * (aux & READ_SIZE);
    if (!(aux & READ_FLOAT))
        return VALUE_INT(aux & READ_SIGNED ? (int64_t)(raw << unused) >> unused : (int64_t)raw);
    double real;
    float half;
    uint32_t low = (uint32_t)raw;
    memcpy(&half, &low, sizeof half);
    memcpy(&real, &raw, sizeof real);
    return VALUE_FLOAT((aux & READ_SIZE) == 4 ? (double)half : real);
}

static struct value read_number(struct frame *frame, const struct node *node)
{
    int64_t at;
    if (!integer_at(frame, node->a, &at))
        return VALUE_NONE;
    const struct object_input *object = frame->scanner->object;
    unsigned size = node->aux & READ_SIZE;
    uint64_t offset = (uint64_t)at;
    if (size == 0 || size > 8)
        return VALUE_NONE;
    for (uint32_t i = 0; i < object->block_count; i++) {
        const struct block *block = &object->blocks[i];
        if (offset < block->base || !bytes_has(block->data, offset - block->base, size))
            continue;
        const uint8_t *p = block->data.at + (offset - block->base);
        uint64_t raw = 0;
        for (unsigned k = 0; k < size; k++)
            raw |= (uint64_t)p[node->aux & READ_BIG ? size - 1 - k : k] << 8 * k;
        return number_of(raw, node->aux);
    }
    return VALUE_NONE;
}

static struct value found_in(struct frame *frame, const struct node *node, bool count)
{
    uint32_t program;
    int64_t low, high;
    if (!program_of(frame, node->a, &program) || !integer_at(frame, node->b, &low) ||
        !integer_at(frame, node->c, &high))
        return node->op == NODE_COUNT_IN && node->aux == COUNT_NONE_UNDEFINED ? VALUE_INT(0)
                                                                              : VALUE_NONE;
    if (high < 0 || low > high)
        return count ? VALUE_INT(0) : VALUE_BOOL(false);
    const struct matches *matches = found_matches(frame->scanner, program);
    uint32_t first = found_first(matches, low < 0 ? 0 : (uint64_t)low);
    uint32_t end = found_first(matches, (uint64_t)high + 1);
    return count ? VALUE_INT(end - first) : VALUE_BOOL(end > first);
}

static struct value found_number(struct frame *frame, const struct node *node)
{
    uint32_t program;
    int64_t index = 1;
    if (!program_of(frame, node->a, &program) ||
        (node->b != NODE_NONE && !integer_at(frame, node->b, &index)))
        return VALUE_NONE;
    const struct matches *matches = found_matches(frame->scanner, program);
    if (index < 1 || index > matches->list.n)
        return VALUE_NONE;
    const struct match *match = &matches->list.at[index - 1];
    return node->op == NODE_OFFSET ? VALUE_INT(match->offset) : VALUE_INT(match->length);
}

static struct value pattern_value(struct frame *frame, const struct node *node)
{
    uint32_t program;
    int64_t offset;
    switch ((enum node_op)node->op) {
    case NODE_FOUND:
        return program_of(frame, node->a, &program)
                   ? VALUE_BOOL(found_exists(frame->scanner, program))
                   : VALUE_NONE;
    case NODE_FOUND_AT:
        if (!program_of(frame, node->a, &program) || !integer_at(frame, node->b, &offset))
            return VALUE_NONE;
        return VALUE_BOOL(offset >= 0 && found_at(frame->scanner, program, (uint64_t)offset));
    case NODE_FOUND_IN:
        return found_in(frame, node, false);
    case NODE_COUNT_IN:
        return found_in(frame, node, true);
    case NODE_COUNT:
        return program_of(frame, node->a, &program)
                   ? VALUE_INT(found_matches(frame->scanner, program)->list.n)
                   : VALUE_NONE;
    default:
        return found_number(frame, node);
    }
}

static struct value module_root(struct frame *frame, uint32_t module)
{
    struct module_input *in = load_module(frame->scanner, module);
    if (!in)
        return VALUE_NONE;
    frame->input = in;
    return (struct value){.type = TYPE_STRUCT, .object = in->root};
}

static struct value field_value(struct frame *frame, const struct node *node)
{
    struct value self = condition_value(frame, node->a), value = VALUE_NONE;
    if (self.type != TYPE_STRUCT || !frame->input || node->b >= self.object->count)
        return VALUE_NONE;
    if (object_read(frame->input, self.object, node->b, &value) < 0) {
        budget_hit(&frame->scanner->budget, LIMIT_MEMORY);
        return VALUE_NONE;
    }
    return value.type == TYPE_FLOAT && isnan(value.real) ? VALUE_NONE : value;
}

static struct value index_value(struct frame *frame, const struct node *node)
{
    struct value self = condition_value(frame, node->a);
    struct module_input *input = frame->input;
    struct value key = condition_value(frame, node->b);
    frame->input = input;
    if (self.type == TYPE_ARRAY && key.type == TYPE_INT)
        return key.integer >= 0 && key.integer < self.object->count
                   ? self.object->slots[key.integer]
                   : VALUE_NONE;
    if (self.type == TYPE_DICT && key.type == TYPE_STRING) {
        const struct value *value = dict_find(self.object, (bytes){key.text, key.len});
        return value ? *value : VALUE_NONE;
    }
    return VALUE_NONE;
}

/* An argument of the type its letter says: integers become floats where a float is asked. */
static bool argument(struct frame *frame, uint32_t at, char letter, struct value *ret)
{
    *ret = condition_value(frame, at);
    if (letter == 'f' && ret->type == TYPE_INT)
        *ret = VALUE_FLOAT((double)ret->integer);
    return (letter == 'i' && ret->type == TYPE_INT) ||
           (letter == 'b' && (ret->type == TYPE_BOOL || ret->type == TYPE_INT)) ||
           (letter == 'f' && ret->type == TYPE_FLOAT) ||
           (letter == 's' && ret->type == TYPE_STRING) ||
           (letter == 'r' && ret->type == TYPE_REGEX);
}

static const struct overload *overload_of(const struct value *self, const struct node *node)
{
    if (self->type != TYPE_STRUCT || node->b >= self->object->count)
        return NULL;
    const struct field *field = &self->object->members[node->b];
    if (field->type != TYPE_FUNCTION)
        return NULL;
    for (unsigned i = 0; field->calls[i].args; i++)
        if (i == node->aux)
            return &field->calls[i];
    return NULL;
}

static struct value call_value(struct frame *frame, const struct node *node)
{
    struct value self = condition_value(frame, node->a), args[MAX_ARGUMENTS];
    struct module_input *input = frame->input;
    const uint32_t *links = frame->scanner->set->links + node->c;
    const struct overload *overload = overload_of(&self, node);
    if (!overload || !input || strlen(overload->args) != links[0] || links[0] > MAX_ARGUMENTS)
        return VALUE_NONE;
    for (uint32_t i = 0; i < links[0]; i++)
        if (!argument(frame, links[1 + i], overload->args[i], &args[i]))
            return VALUE_NONE;
    frame->input = input;
    input->self = self.object;
    struct value value = VALUE_NONE;
    if (overload->call(input, args, &value) < 0) {
        budget_hit(&frame->scanner->budget, LIMIT_MEMORY);
        return VALUE_NONE;
    }
    return value.type == TYPE_FLOAT && isnan(value.real) ? VALUE_NONE : value;
}

static struct value object_value(struct frame *frame, const struct node *node)
{
    switch ((enum node_op)node->op) {
    case NODE_MODULE:
        return module_root(frame, node->a);
    case NODE_FIELD:
        return field_value(frame, node);
    case NODE_INDEX:
        return index_value(frame, node);
    case NODE_CALL:
        return call_value(frame, node);
    default:
        if (node->a >= frame->slot_count)
            return VALUE_NONE;
        frame->input = frame->slots[node->a].input;
        return frame->slots[node->a].value;
    }
}

static struct value constant(const struct frame *frame, const struct node *node)
{
    const struct ruleset *set = frame->scanner->set;
    uint64_t bits = (uint64_t)node->b << 32 | node->a;
    struct value value = VALUE_NONE;
    switch ((enum node_op)node->op) {
    case NODE_BOOL:
        return VALUE_BOOL(node->a);
    case NODE_INT:
        return VALUE_INT(bits);
    case NODE_FLOAT:
        value.type = TYPE_FLOAT;
        memcpy(&value.real, &bits, sizeof bits);
        return value;
    case NODE_STRING:
        return value_bytes((bytes){set->texts.at + node->a, node->b});
    case NODE_REGEX:
        return (struct value){.type = TYPE_REGEX, .integer = node->a};
    default:
        return value;
    }
}

static struct value logic(struct frame *frame, const struct node *node)
{
    const uint32_t *items = frame->scanner->set->links + node->a;
    struct value value;
    switch ((enum node_op)node->op) {
    case NODE_AND:
        for (uint32_t i = 0; i < node->b; i++)
            if (!condition_truth(frame, items[i]))
                return VALUE_BOOL(false);
        return VALUE_BOOL(true);
    case NODE_OR:
        for (uint32_t i = 0; i < node->b; i++)
            if (condition_truth(frame, items[i]))
                return VALUE_BOOL(true);
        return VALUE_BOOL(false);
    case NODE_NOT:
        value = condition_value(frame, node->a);
        if (value.type == TYPE_UNDEFINED)
            return value;
        if (value.type == TYPE_STRING)
            return VALUE_BOOL(value.len == 0);
        return VALUE_BOOL(value.type == TYPE_FLOAT ? value.real == 0 : value.integer == 0);
    case NODE_DEFINED:
        return VALUE_BOOL(condition_value(frame, node->a).type != TYPE_UNDEFINED);
    default:
        return VALUE_NONE;
    }
}

static struct value unary(struct frame *frame, const struct node *node)
{
    struct value value = condition_value(frame, node->a);
    if (node->op == NODE_LENGTH && (value.type == TYPE_ARRAY || value.type == TYPE_DICT))
        return VALUE_INT(value.object->count);
    if (node->op == NODE_LENGTH)
        return value.type == TYPE_STRING ? VALUE_INT(value.len) : VALUE_NONE;
    if (node->op == NODE_NEG && value.type == TYPE_FLOAT)
        return VALUE_FLOAT(-value.real);
    if (value.type != TYPE_INT && value.type != TYPE_BOOL)
        return VALUE_NONE;
    return VALUE_INT(node->op == NODE_NEG ? 0 - (uint64_t)value.integer
                                          : ~(uint64_t)value.integer);
}

static struct value binary(struct frame *frame, const struct node *node)
{
    struct value a = condition_value(frame, node->a), b = condition_value(frame, node->b);
    if (node->op >= NODE_CONTAINS && node->op <= NODE_IEQUALS)
        return operate_text(node, a, b);
    if (node->op == NODE_MATCHES) {
        struct scanner *scanner = frame->scanner;
        if (a.type != TYPE_STRING || b.type != TYPE_REGEX)
            return VALUE_NONE;
        return VALUE_BOOL(pattern_match_text(found_code(scanner, (uint32_t)b.integer),
                                             (bytes){a.text, a.len}, scanner->arena,
                                             &scanner->budget) >= 0);
    }
    const struct node *nodes = frame->scanner->set->nodes;
    return operate_binary(
        node, a, b, nodes[node->a].type == TYPE_FLOAT || nodes[node->b].type == TYPE_FLOAT);
}

static struct value fact(struct frame *frame, const struct node *node)
{
    const struct scanner *scanner = frame->scanner;
    uint64_t offset;
    switch ((enum node_op)node->op) {
    case NODE_FILESIZE:
        return scanner->object->is_process ? VALUE_NONE : VALUE_INT(scanner->size);
    case NODE_ENTRYPOINT:
        return entrypoint_find(scanner->object, &offset) ? VALUE_INT(offset) : VALUE_NONE;
    case NODE_READ:
        return read_number(frame, node);
    default:
        return scanner->externals[node->a];
    }
}

static struct value let(struct frame *frame, const struct node *node)
{
    if (node->a >= frame->slot_count)
        return VALUE_NONE;
    struct value value = condition_value(frame, node->b);
    frame->slots[node->a] = (struct slot){value, frame->input};
    return condition_value(frame, node->c);
}

static struct value dispatch(struct frame *frame, const struct node *node)
{
    switch ((enum node_op)node->op) {
    case NODE_UNDEFINED ... NODE_REGEX:
        return constant(frame, node);
    case NODE_FILESIZE ... NODE_EXTERNAL:
        return fact(frame, node);
    case NODE_AND ... NODE_DEFINED:
        return logic(frame, node);
    case NODE_EQ ... NODE_SHR:
    case NODE_CONTAINS ... NODE_MATCHES:
        return binary(frame, node);
    case NODE_NEG:
    case NODE_BIT_NOT:
    case NODE_LENGTH:
        return unary(frame, node);
    case NODE_FOUND ... NODE_MATCH_LENGTH:
        return pattern_value(frame, node);
    case NODE_RULE:
        return VALUE_BOOL(condition_holds(frame->scanner, node->a));
    case NODE_OF:
        return loop_of(frame, node);
    case NODE_FOR_OF:
        return loop_for_of(frame, node);
    case NODE_FOR_IN:
        return loop_for_in(frame, node);
    case NODE_LET:
        return let(frame, node);
    case NODE_VARIABLE ... NODE_CALL:
        return object_value(frame, node);
    case NODE_PLACE ... NODE_COUNT_FOLLOWED:
        return signature_value(frame, node);
    default: /* RANGE and LIST have a value only as iterators */
        return VALUE_NONE;
    }
}

struct value condition_value(struct frame *frame, uint32_t at)
{
    struct scanner *scanner = frame->scanner;
    if (scanner->depth >= MAX_DEPTH || !budget_charge(&scanner->budget, 1)) {
        budget_hit(&scanner->budget, LIMIT_STEPS);
        return VALUE_NONE;
    }
    scanner->depth++;
    struct value value = dispatch(frame, &scanner->set->nodes[at]);
    scanner->depth--;
    return value;
}

bool condition_truth(struct frame *frame, uint32_t at)
{
    struct value value = condition_value(frame, at);
    switch ((enum value_type)value.type) {
    case TYPE_BOOL:
    case TYPE_INT:
        return value.integer != 0;
    case TYPE_FLOAT:
        return value.real != 0;
    case TYPE_STRING:
        return value.len > 0;
    default:
        return false;
    }
}

bool condition_holds(struct scanner *scanner, uint32_t rule)
{
    struct rule_state *state = &scanner->rules[rule];
    if (state->known == scanner->stamp)
        return state->result == RULE_TRUE;
    state->known = scanner->stamp;
    state->result = RULE_FALSE;
    if (scanner->rules[rule].awake != scanner->stamp)
        return false; /* something it cannot do without is missing */
    const struct ruleset_rule *record = &scanner->set->rules[rule];
    if (!(record->flags & RULE_SPEAKS) && !condition_possible(scanner, rule))
        return false;
    state->result = RULE_RUNNING; /* a rule that asks for itself is not true */
    struct slot slots[NODE_MAX_SLOTS];
    memset(slots, 0, record->slots * sizeof *slots);
    struct frame frame = {.scanner = scanner,
                          .slots = slots,
                          .slot_count = record->slots,
                          .loop_pattern = NODE_LOOP_PATTERN};
    bool holds = condition_truth(&frame, record->condition);
    /* Half a loop proves nothing: without budget there is no finding, but the limit is said. */
    state->result = holds && scanner->budget.steps ? RULE_TRUE : RULE_FALSE;
    return state->result == RULE_TRUE;
}
