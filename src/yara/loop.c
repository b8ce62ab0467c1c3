#include "yara/loop.h"

#include "yara/condition.h"
#include "yara/identifier.h"
#include "yara/operand.h"
#include "yara/operator.h"
#include "yara/reader.h"
#include "yara/set.h"

enum { LOOP_VARIABLES = 2 };

/* for q of set : (body) */
static int read_for_of(struct yara_compiler *c, const struct quantifier *q, struct expr *ret)
{
    uint32_t first = c->items.n;
    struct token start = c->token;
    reader_take(c);
    if (c->pattern_loops && c->options.strict_4)
        message_error(c, &start, "nested_for_of_loop",
                      "'for <quantifier> of <string set>' loops can't be nested");
    if (!condition_push(c, 0) || set_patterns(c) < 0 || reader_expect(c, ':') < 0)
        return -1;
    struct expr body = {.start = c->token};
    c->pattern_loops++;
    int error = condition_body(c, &body);
    c->pattern_loops--;
    if (error < 0)
        return -1;
    uint32_t count = c->items.n - first;
    c->items.at[first] = body.node;
    struct node node = {.op = NODE_FOR_OF, .type = TYPE_BOOL, .aux = q->aux, .c = q->node};
    node.a = draft_links(c->draft, c->items.at + first, count);
    node.b = count - 1;
    c->items.n = first;
    operator_node(c, ret, node, body.depth > q->depth ? body.depth : q->depth);
    return 0;
}

static void check_new_name(struct yara_compiler *c, bytes name)
{
    if (identifier_variable(c, name))
        message_error(c, NULL, "duplicated_loop_identifier",
                      "duplicated loop identifier \"%.*s\"", (int)name.len,
                      (const char *)name.at);
}

static int add_variable(struct yara_compiler *c, bytes name, const struct expr *value)
{
    struct variable *variable = vec_push(c->arena, &c->variables);
    if (!variable)
        return message_full(c);
    if (c->variables.n > NODE_MAX_SLOTS)
        return message_error(c, NULL, "too_many_variables",
                             "more than %d variables in use at once", NODE_MAX_SLOTS);
    *variable = (struct variable){.name = name, .value = *value, .slot = c->variables.n - 1};
    if (c->variables.n > c->slots_used)
        c->slots_used = c->variables.n;
    return 0;
}

/* What the loop variables become. */
struct iterator {
    uint32_t node;
    unsigned depth;
    struct expr values[LOOP_VARIABLES];
    uint32_t yields;
};

/* An array yields its items, a dictionary keys and values. */
static void iterate_object(struct yara_compiler *c, const struct expr *object, uint32_t names,
                           struct iterator *ret)
{
    struct expr item = {.type = object->item, .members = object->members};
    int length = (int)object->name.len;
    const char *name = (const char *)object->name.at;
    ret->node = object->node;
    ret->depth = object->depth;
    if (object->type == TYPE_ARRAY && names == 1) {
        ret->values[0] = item;
    } else if (object->type == TYPE_DICT && names == 2) {
        ret->values[0] = (struct expr){.type = TYPE_STRING};
        ret->values[1] = item;
    } else if (object->type == TYPE_ARRAY) {
        message_error(c, &object->start, "syntax_error",
                      "iterator for \"%.*s\" yields a single item on each iteration, but the "
                      "loop expects %u",
                      length, name, names);
    } else if (object->type == TYPE_DICT) {
        message_error(c, &object->start, "syntax_error",
                      "iterator for \"%.*s\" yields a key,value pair item on each iteration",
                      length, name);
    } else if (object->type != TYPE_UNDEFINED) {
        message_error(c, &object->start, "wrong_type", "identifier \"%.*s\" is not iterable",
                      length, name);
    }
}

/* `, b, c)`, after `(a` was read. */
static int read_list(struct yara_compiler *c, const struct expr *first, struct expr *ret)
{
    uint32_t items = c->items.n;
    unsigned depth = first->depth;
    struct expr all = *first;
    if (all.type != TYPE_INT && all.type != TYPE_STRING && all.type != TYPE_FLOAT &&
        all.type != TYPE_UNDEFINED)
        message_error(c, &all.start, "wrong_type", "wrong type for enumeration item");
    if (!condition_push(c, first->node))
        return -1;
    while (reader_accept(c, ',')) {
        struct expr item = {.start = c->token};
        if (operand_value(c, &item) < 0)
            return -1;
        if (item.type != all.type && item.type != TYPE_UNDEFINED && all.type != TYPE_UNDEFINED)
            message_error(c, &item.start, "wrong_type",
                          "enumerations must be all the same type");
        if (item.depth > depth)
            depth = item.depth;
        if (!condition_push(c, item.node))
            return -1;
    }
    struct node node = {.op = NODE_LIST, .type = all.type};
    node.b = c->items.n - items;
    node.a = draft_links(c->draft, c->items.at + items, node.b);
    c->items.n = items;
    operator_node(c, ret, node, depth);
    return reader_accept(c, ')') ? 0 : message_unexpected(c, "')' or ','");
}

/* (a..b) or (a, b, c) */
static int read_values(struct yara_compiler *c, uint32_t names, struct iterator *ret)
{
    struct expr first = {0}, high = {0}, all = {.start = c->token};
    reader_take(c);
    first.start = c->token;
    if (operand_value(c, &first) < 0)
        return -1;
    if (c->token.kind == TOKEN_DOT_DOT) {
        if (operand_range_end(c, &first, &high) < 0)
            return -1;
        struct node node = {
            .op = NODE_RANGE, .type = TYPE_INT, .a = first.node, .b = high.node};
        operator_node(c, &all, node, first.depth > high.depth ? first.depth : high.depth);
    } else if (read_list(c, &first, &all) < 0) {
        return -1;
    }
    if (names != 1)
        message_error(c, &all.start, "syntax_error",
                      "iterator yields one value on each iteration , but the loop expects %u",
                      names);
    ret->node = all.node;
    ret->depth = all.depth;
    ret->values[0] = (struct expr){.type = all.type};
    return 0;
}

static int read_iterator(struct yara_compiler *c, uint32_t names, struct iterator *ret)
{
    struct expr object = {.start = c->token};
    if (c->token.kind == '(')
        return read_values(c, names, ret);
    if (c->token.kind != TOKEN_IDENTIFIER)
        return message_unexpected(c, "identifier or '('");
    if (identifier_read(c, &object) < 0)
        return -1;
    iterate_object(c, &object, names, ret);
    return 0;
}

/* for q a, b in iterator : (body) */
static int read_for_in(struct yara_compiler *c, const struct quantifier *q, struct expr *ret)
{
    bytes names[LOOP_VARIABLES];
    uint32_t count = 0, variables = c->variables.n;
    struct iterator iterator = {.node = 0};
    do {
        if (c->token.kind != TOKEN_IDENTIFIER)
            return message_unexpected(c, count ? "identifier" : "identifier or <of>");
        check_new_name(c, c->token.text);
        if (count == 1 && bytes_equal(names[0], c->token.text))
            message_error(c, NULL, "duplicated_loop_identifier",
                          "duplicated loop identifier \"%.*s\"", (int)c->token.text.len,
                          (const char *)c->token.text.at);
        if (count == LOOP_VARIABLES)
            return message_error(c, NULL, "syntax_error", "too many loop variables");
        names[count++] = c->token.text;
        reader_take(c);
    } while (reader_accept(c, ','));
    if (!reader_accept(c, TOKEN_IN))
        return message_unexpected(c, "<in> or ','");
    if (read_iterator(c, count, &iterator) < 0 || reader_expect(c, ':') < 0)
        return -1;
    for (uint32_t i = 0; i < count; i++)
        if (add_variable(c, names[i], &iterator.values[i]) < 0)
            return -1;
    struct expr body = {.start = c->token};
    if (condition_body(c, &body) < 0)
        return -1;
    uint32_t links[2 + LOOP_VARIABLES] = {body.node, iterator.node};
    for (uint32_t i = 0; i < count; i++)
        links[2 + i] = variables + i;
    c->variables.n = variables;
    struct node node = {.op = NODE_FOR_IN, .type = TYPE_BOOL, .aux = q->aux, .c = q->node};
    node.a = draft_links(c->draft, links, 2 + count);
    node.b = count;
    unsigned depth = body.depth > q->depth ? body.depth : q->depth;
    operator_node(c, ret, node, depth > iterator.depth ? depth : iterator.depth);
    return 0;
}

int loop_for(struct yara_compiler *c, struct expr *ret)
{
    struct token start = c->token;
    struct quantifier q;
    int error;
    if (c->loops == COMPILER_MAX_LOOPS)
        return message_error(c, NULL, "loop_nesting_limit_exceeded",
                             "loop nesting limit exceeded");
    reader_take(c);
    if (set_quantifier(c, NULL, &q) < 0)
        return -1;
    c->loops++;
    error = c->token.kind == TOKEN_OF ? read_for_of(c, &q, ret) : read_for_in(c, &q, ret);
    c->loops--;
    ret->primary = false;
    ret->start = start;
    return error;
}

bool loop_is_with(const struct yara_compiler *c)
{
    struct lexer ahead = c->lexer;
    struct token token;
    if (!reader_at_word(c, "with"))
        return false;
    lexer_next(&ahead, &token);
    if (token.kind != TOKEN_IDENTIFIER)
        return false;
    lexer_next(&ahead, &token);
    return token.kind == '=';
}

/* with a = x, b = y : (body): one NODE_LET in the other. */
int loop_with(struct yara_compiler *c, struct expr *ret)
{
    struct token start = c->token;
    uint32_t items = c->items.n, variables = c->variables.n;
    unsigned depth = 0;
    reader_take(c);
    do {
        struct expr value = {.start = c->token};
        bytes name = c->token.text;
        if (c->token.kind != TOKEN_IDENTIFIER)
            return message_unexpected(c, "identifier");
        check_new_name(c, name);
        reader_take(c);
        if (reader_expect(c, '=') < 0)
            return -1;
        c->keep_object = true;
        value.start = c->token;
        if (condition_read(c, &value) < 0)
            return -1;
        c->keep_object = false;
        if (!condition_push(c, value.node) || add_variable(c, name, &value) < 0)
            return -1;
        if (value.depth > depth)
            depth = value.depth;
    } while (reader_accept(c, ','));
    if (reader_expect(c, ':') < 0 || condition_body(c, ret) < 0)
        return -1;
    if (ret->depth > depth)
        depth = ret->depth;
    while (c->variables.n > variables) {
        uint32_t slot = --c->variables.n;
        struct node node = {.op = NODE_LET, .type = ret->type, .a = slot, .c = ret->node};
        node.b = c->items.at[items + slot - variables];
        operator_node(c, ret, node, depth++);
    }
    c->items.n = items;
    ret->primary = false;
    ret->start = start;
    return 0;
}
