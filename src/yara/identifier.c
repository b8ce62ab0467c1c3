#include "yara/identifier.h"

#include <string.h>

#include "yara/condition.h"
#include "yara/operand.h"
#include "yara/operator.h"
#include "yara/reader.h"

const struct variable *identifier_variable(const struct yara_compiler *c, bytes name)
{
    for (uint32_t i = c->variables.n; i-- > 0;)
        if (bytes_equal(c->variables.at[i].name, name))
            return &c->variables.at[i];
    return NULL;
}

bool identifier_rule(const struct yara_compiler *c, bytes name, uint32_t *ret)
{
    uint32_t known;
    if (!names_find(&c->rules, c->name_space, name, &known))
        return false;
    *ret = c->known_rules.at[known].number;
    return true;
}

bool identifier_known(const struct yara_compiler *c, bytes name)
{
    uint32_t ignored;
    return identifier_variable(c, name) || draft_find_external(c->draft, name) != DRAFT_FULL ||
           names_find(&c->modules, c->name_space, name, &ignored) ||
           identifier_rule(c, name, &ignored);
}

void identifier_rule_node(struct yara_compiler *c, uint32_t rule, struct expr *ret)
{
    if (rule == RULESET_NONE) {
        message_error(c, &ret->start, "faulty_rule",
                      "rule \"%.*s\" has errors of its own, which have to be mended first",
                      (int)ret->name.len, (const char *)ret->name.at);
        operator_poison(c, ret);
        return;
    }
    bytes name = ret->name;
    struct node node = {.op = NODE_RULE, .type = TYPE_BOOL, .a = rule};
    if (rule + 1 == c->draft->rules.n) /* itself: not true, in YARA, while it is evaluated */
        node = (struct node){.op = NODE_BOOL, .type = TYPE_BOOL};
    operator_node(c, ret, node, 0);
    ret->name = name;
}

static void read_variable(struct yara_compiler *c, const struct variable *variable,
                          struct expr *ret)
{
    struct node node = {.op = NODE_VARIABLE, .type = variable->value.type, .a = variable->slot};
    const struct expr *value = &variable->value;
    if (value->type == TYPE_UNDEFINED) {
        operator_poison(c, ret);
        return;
    }
    operator_node(c, ret, node, 0);
    ret->item = value->item;
    ret->members = value->members;
}

static void read_external(struct yara_compiler *c, uint32_t external, struct expr *ret)
{
    uint32_t type = c->draft->externals.at[external].type;
    struct node node = {.op = NODE_EXTERNAL, .type = (uint8_t)type, .a = external};
    operator_node(c, ret, node, 0);
    if (type == TYPE_BOOL) /* as in YARA, where they are integers */
        ret->type = TYPE_INT;
}

/* The first identifier of a chain. */
static void read_name(struct yara_compiler *c, struct expr *ret)
{
    bytes name = c->token.text;
    const struct variable *variable = identifier_variable(c, name);
    uint32_t number;
    ret->name = name;
    if (variable) {
        read_variable(c, variable, ret);
    } else if ((number = draft_find_external(c->draft, name)) != DRAFT_FULL) {
        read_external(c, number, ret);
    } else if (names_find(&c->modules, c->name_space, name, &number)) {
        const struct known_module *module = &c->known_modules.at[number];
        struct node node = {.op = NODE_MODULE, .type = TYPE_STRUCT, .a = module->number};
        operator_node(c, ret, node, 0);
        ret->members = module->fields;
    } else if (identifier_rule(c, name, &number)) {
        identifier_rule_node(c, number, ret);
    } else {
        message_error(c, NULL, "undefined_identifier", "undefined identifier \"%.*s\"",
                      (int)name.len, (const char *)name.at);
        operator_poison(c, ret);
    }
    ret->name = name;
    reader_take(c);
}

static bool find_field(struct yara_compiler *c, const struct field *members, bytes name,
                       uint32_t *ret)
{
    uint64_t scope = (uint64_t)(uintptr_t)members;
    if (names_find(&c->fields, scope, name, ret))
        return true;
    for (uint32_t i = 0; members[i].name; i++)
        if (bytes_is(name, members[i].name)) {
            *ret = i;
            if (!names_put(&c->fields, c->arena, scope, name, i))
                message_full(c);
            return true;
        }
    return false;
}

static void constant_field(struct yara_compiler *c, const struct field *field, struct expr *ret)
{
    if (field->type == TYPE_INT) {
        operator_int(c, ret, field->integer);
    } else {
        uint32_t node = draft_string(c->draft, bytes_of(field->text));
        if (node == DRAFT_FULL)
            message_full(c);
        *ret = (struct expr){.type = TYPE_STRING, .node = node, .depth = 1, .primary = true};
    }
    ret->known = false; /* not yet known when YARA compiles */
}

/* `.len()`, which YARA-X adds to texts, arrays and dictionaries. */
static bool is_length(const struct yara_compiler *c, const struct expr *expr)
{
    struct lexer ahead = c->lexer;
    struct token token;
    if (!reader_at_word(c, "len") ||
        (expr->type != TYPE_STRING && expr->type != TYPE_ARRAY && expr->type != TYPE_DICT))
        return false;
    lexer_next(&ahead, &token);
    if (token.kind != '(')
        return false;
    lexer_next(&ahead, &token);
    return token.kind == ')';
}

static int read_field(struct yara_compiler *c, struct expr *ret)
{
    struct token start = ret->start, token;
    bytes owner = ret->name;
    uint32_t index;
    reader_take(c);
    if (c->token.kind != TOKEN_IDENTIFIER)
        return message_unexpected(c, "identifier");
    if (is_length(c, ret)) {
        struct node node = {.op = NODE_LENGTH, .type = TYPE_INT, .a = ret->node};
        operator_node(c, ret, node, ret->depth);
        reader_take(c);
        reader_take(c);
        return reader_expect(c, ')');
    }
    token = c->token;
    reader_take(c);
    if (ret->type == TYPE_UNDEFINED)
        return 0;
    if (ret->type != TYPE_STRUCT) {
        message_error(c, &start, "not_a_structure", "\"%.*s\" is not a structure",
                      (int)owner.len, (const char *)owner.at);
        operator_poison(c, ret);
    } else if (!find_field(c, ret->members, token.text, &index)) {
        message_error(c, &token, "invalid_field_name", "invalid field name \"%.*s\"",
                      (int)token.text.len, (const char *)token.text.at);
        operator_poison(c, ret);
    } else {
        const struct field *field = &ret->members[index];
        struct node node = {
            .op = NODE_FIELD,
            .type = (uint8_t)field->type,
            .aux = field->everywhere,
            .a = ret->node,
            .b = index,
        };
        if (field->constant) {
            constant_field(c, field, ret);
        } else if (field->type == TYPE_FUNCTION) {
            ret->type = TYPE_FUNCTION; /* the node stays that of the structure */
            ret->function = field;
            ret->function_index = index;
        } else {
            operator_node(c, ret, node, ret->depth);
            ret->item = (uint8_t)field->item;
            ret->members = field->members;
        }
    }
    ret->name = token.text;
    ret->start = start;
    return 0;
}

static int read_index(struct yara_compiler *c, struct expr *ret)
{
    struct expr index = {0};
    struct token start = ret->start;
    bytes owner = ret->name;
    reader_take(c);
    index.start = c->token;
    if (operand_value(c, &index) < 0 || reader_expect(c, ']') < 0)
        return -1;
    if (ret->type == TYPE_UNDEFINED || index.type == TYPE_UNDEFINED) {
        operator_poison(c, ret);
        return 0;
    }
    const char *problem = NULL;
    if (ret->type == TYPE_ARRAY && index.type != TYPE_INT)
        problem = "array indexes must be of integer type";
    else if (ret->type == TYPE_DICT && index.type != TYPE_STRING)
        problem = "dictionary keys must be of string type";
    if (ret->type != TYPE_ARRAY && ret->type != TYPE_DICT) {
        message_error(c, &start, "not_indexable", "\"%.*s\" is not an array or dictionary",
                      (int)owner.len, (const char *)owner.at);
        operator_poison(c, ret);
    } else if (problem) {
        message_error(c, &index.start, "wrong_type", "%s", problem);
        operator_poison(c, ret);
    } else {
        const struct field *members = ret->members;
        struct node node = {
            .op = NODE_INDEX, .type = ret->item, .a = ret->node, .b = index.node};
        operator_node(c, ret, node, ret->depth > index.depth ? ret->depth : index.depth);
        ret->members = members;
    }
    ret->name = owner;
    ret->start = start;
    return 0;
}

static char type_letter(unsigned type)
{
    switch (type) {
    case TYPE_BOOL:
        return 'b';
    case TYPE_INT:
        return 'i';
    case TYPE_FLOAT:
        return 'f';
    case TYPE_STRING:
        return 's';
    case TYPE_REGEX:
        return 'r';
    default:
        return '?';
    }
}

static enum value_type letter_type(char letter)
{
    switch (letter) {
    case 'b':
        return TYPE_BOOL;
    case 'i':
        return TYPE_INT;
    case 'f':
        return TYPE_FLOAT;
    default:
        return TYPE_STRING;
    }
}

/* The arguments up to `)`: their nodes go on c->items, after a place for their number. */
static int read_arguments(struct yara_compiler *c, char letters[static COMPILER_MAX_ARGUMENTS],
                          uint32_t *count, unsigned *depth)
{
    bool good = true;
    *count = 0;
    if (reader_accept(c, ')'))
        return 0;
    do {
        struct expr argument = {.start = c->token};
        if (condition_read(c, &argument) < 0)
            return -1;
        if (*count >= COMPILER_MAX_ARGUMENTS - 1)
            return message_error(c, &argument.start, "too_many_arguments",
                                 "too many arguments in function call");
        letters[(*count)++] = type_letter(argument.type);
        good &= argument.type != TYPE_UNDEFINED;
        if (argument.depth > *depth)
            *depth = argument.depth;
        if (!condition_push(c, argument.node))
            return -1;
    } while (reader_accept(c, ','));
    letters[*count] = 0;
    return reader_expect(c, ')') < 0 ? -1 : good ? 0 : 1;
}

static int read_call(struct yara_compiler *c, struct expr *ret)
{
    char letters[COMPILER_MAX_ARGUMENTS] = "";
    struct token start = ret->start;
    bytes owner = ret->name;
    uint32_t count, items = c->items.n, which = 0;
    unsigned depth = ret->depth;
    reader_take(c);
    if (!condition_push(c, 0))
        return -1;
    int faulty = read_arguments(c, letters, &count, &depth);
    if (faulty < 0)
        return -1;
    c->items.at[items] = count;
    c->items.n = items;
    const struct overload *calls = ret->type == TYPE_FUNCTION ? ret->function->calls : NULL;
    while (calls && calls[which].args && strcmp(calls[which].args, letters) != 0)
        which++;
    if (ret->type == TYPE_UNDEFINED || faulty) {
        operator_poison(c, ret);
    } else if (!calls) {
        message_error(c, &start, "not_a_function", "\"%.*s\" is not a function", (int)owner.len,
                      (const char *)owner.at);
        operator_poison(c, ret);
    } else if (!calls[which].args) {
        message_error(c, &start, "wrong_arguments", "wrong arguments for function \"%.*s\"",
                      (int)owner.len, (const char *)owner.at);
        operator_poison(c, ret);
    } else {
        struct node node = {
            .op = NODE_CALL,
            .type = (uint8_t)letter_type(calls[which].ret),
            .aux = (uint16_t)which,
            .a = ret->node,
            .b = ret->function_index,
            .c = draft_links(c->draft, c->items.at + items, count + 1),
        };
        operator_node(c, ret, node, depth);
    }
    ret->name = owner;
    ret->start = start;
    return 0;
}

int identifier_members(struct yara_compiler *c, struct expr *expr)
{
    for (;;) {
        int error;
        if (c->token.kind == '.')
            error = read_field(c, expr);
        else if (c->token.kind == '[' && expr->type != TYPE_STRING)
            error = read_index(c, expr);
        else if (c->token.kind == '(' && expr->type != TYPE_STRING)
            error = read_call(c, expr);
        else
            return 0;
        if (error < 0)
            return -1;
    }
}

int identifier_read(struct yara_compiler *c, struct expr *ret)
{
    ret->start = c->token;
    read_name(c, ret);
    return identifier_members(c, ret);
}

void identifier_value(struct yara_compiler *c, struct expr *expr)
{
    if (expr->type < TYPE_STRUCT)
        return;
    message_error(c, &expr->start, "wrong_type", "wrong usage of identifier \"%.*s\"",
                  (int)expr->name.len, (const char *)expr->name.at);
    operator_poison(c, expr);
}
