#include "yara/operand.h"

#include <errno.h>
#include <string.h>

#include "yara/condition.h"
#include "yara/declare.h"
#include "yara/identifier.h"
#include "yara/operator.h"
#include "yara/reader.h"

int operand_nest(struct yara_compiler *c)
{
    if (c->nesting >= COMPILER_MAX_NESTING)
        return message_error(c, NULL, "too_deep", "condition is nested too deeply");
    c->nesting++;
    return 0;
}

bool operand_is_percent(const struct yara_compiler *c)
{
    struct lexer ahead = c->lexer;
    struct token token;
    lexer_next(&ahead, &token);
    if (token.kind == TOKEN_OF)
        return true;
    if (token.kind != TOKEN_IDENTIFIER)
        return false;
    lexer_next(&ahead, &token);
    if (token.kind == ',') {
        lexer_next(&ahead, &token);
        if (token.kind == TOKEN_IDENTIFIER)
            lexer_next(&ahead, &token);
    }
    return token.kind == TOKEN_IN;
}

int operand_regex(struct yara_compiler *c, struct expr *ret)
{
    struct token token = c->token;
    struct pattern_source source = {.kind = PATTERN_REGEX, .text = token.text};
    struct pattern_code code;
    struct pattern_fault fault = {0};
    if (token.kind != TOKEN_REGEX)
        return message_unexpected(c, "regular expression");
    reader_take(c);
    if (token.flags & TOKEN_NOCASE_REGEX)
        source.flags |= PATTERN_NOCASE;
    if (token.flags & TOKEN_DOTALL_REGEX)
        source.flags |= PATTERN_DOTALL;
    ret->start = token;
    int error = pattern_compile(&source, c->arena, &code, &fault);
    if (fault.text[0]) {
        struct token spot = message_spot(c, &token, token.at + 1 + fault.at, 1);
        if (error)
            message_error(c, &spot, "invalid_regular_expression", "%s", fault.text);
        else if (fault.is_warning)
            message_warning(c, &spot, "regular_expression", "%s", fault.text);
    }
    if (error) {
        operator_poison(c, ret);
        return error == -EINVAL ? 0 : message_full(c);
    }
    uint32_t program = draft_program(c->draft, &code, PROGRAM_REGEX_TEXT, RULESET_ANY_OFFSET);
    struct node node = {.op = NODE_REGEX, .type = TYPE_REGEX, .a = program};
    operator_node(c, ret, node, 0);
    return 0;
}

static int read_text(struct yara_compiler *c, struct expr *ret)
{
    bytes text;
    if (reader_text(c, &c->token, &text) < 0)
        return -1;
    reader_take(c);
    uint32_t node = draft_string(c->draft, text);
    if (node == DRAFT_FULL)
        return message_full(c);
    *ret = (struct expr){.type = TYPE_STRING,
                         .primary = true,
                         .known = true,
                         .node = node,
                         .depth = 1,
                         .text = text,
                         .start = ret->start};
    return identifier_members(c, ret);
}

static int read_float(struct yara_compiler *c, struct expr *ret)
{
    uint64_t bits;
    memcpy(&bits, &c->token.real, sizeof bits);
    struct node node = {
        .op = NODE_FLOAT, .type = TYPE_FLOAT, .a = (uint32_t)bits, .b = (uint32_t)(bits >> 32)};
    operator_node(c, ret, node, 0);
    reader_take(c);
    return 0;
}

/* uint8(x) and its like; the next token is the word. */
static int read_number(struct yara_compiler *c, uint16_t aux, struct expr *ret)
{
    reader_take(c);
    struct expr at = {.start = c->token};
    if (reader_expect(c, '(') < 0 || operand_value(c, &at) < 0)
        return -1;
    if (!reader_accept(c, ')'))
        return message_unexpected(c, NULL);
    if (!operator_check(c, &at, 1u << TYPE_INT, "intXXXX or uintXXXX")) {
        operator_poison(c, ret);
        return 0;
    }
    struct node node = {.op = NODE_READ, .type = TYPE_INT, .aux = aux, .a = at.node};
    if (aux & READ_FLOAT)
        node.type = TYPE_FLOAT;
    operator_node(c, ret, node, at.depth);
    return 0;
}

/* YARA-X has more of these functions. To YARA 4 they are names like any other, so a rule or
 * variable of that name goes before them. */
static uint16_t added_function(const struct yara_compiler *c)
{
    static const struct {
        char name[12];
        uint16_t aux;
    } added[] = {
        {"int64", 8 | READ_SIGNED},
        {"int64be", 8 | READ_SIGNED | READ_BIG},
        {"uint64", 8},
        {"uint64be", 8 | READ_BIG},
        {"float32", 4 | READ_FLOAT},
        {"float32be", 4 | READ_FLOAT | READ_BIG},
        {"float64", 8 | READ_FLOAT},
        {"float64be", 8 | READ_FLOAT | READ_BIG},
    };

    for (size_t i = 0; i < COUNT(added); i++)
        if (bytes_is(c->token.text, added[i].name))
            return reader_peek(c).kind == '(' && !identifier_known(c, c->token.text)
                       ? added[i].aux
                       : 0;
    return 0;
}

/* #a, #a in (x..y) */
static int read_count(struct yara_compiler *c, struct expr *ret)
{
    struct token token = c->token;
    struct expr low = {0}, high = {0};
    struct node node = {.op = NODE_COUNT, .type = TYPE_INT};
    reader_take(c);
    if (reader_accept(c, TOKEN_IN)) {
        if (operand_range(c, &low, &high) < 0)
            return -1;
        node =
            (struct node){.op = NODE_COUNT_IN, .type = TYPE_INT, .b = low.node, .c = high.node};
    }
    if (!declare_used(c, &token, (enum node_op)node.op, NULL, &node.a)) {
        operator_poison(c, ret);
        return 0;
    }
    operator_node(c, ret, node, low.depth > high.depth ? low.depth : high.depth);
    return 0;
}

/* @a, @a[i], !a, !a[i] */
static int read_match(struct yara_compiler *c, struct expr *ret)
{
    struct token token = c->token;
    struct expr index = {0};
    enum node_op op = token.kind == TOKEN_STRING_OFFSET ? NODE_OFFSET : NODE_MATCH_LENGTH;
    struct node node = {.op = (uint8_t)op, .type = TYPE_INT, .b = NODE_NONE};
    reader_take(c);
    bool good = true;
    if (reader_accept(c, '[')) {
        index.start = c->token;
        if (operand_value(c, &index) < 0)
            return -1;
        if (!reader_accept(c, ']'))
            return message_unexpected(c, NULL);
        good = operator_check(c, &index, 1u << TYPE_INT, "[]");
        node.b = index.node;
    }
    if (!declare_used(c, &token, op, NULL, &node.a) || !good) {
        operator_poison(c, ret);
        return 0;
    }
    operator_node(c, ret, node, index.depth);
    return 0;
}

static int read_parentheses(struct yara_compiler *c, struct expr *ret)
{
    struct token start = c->token;
    reader_take(c);
    if (condition_read(c, ret) < 0)
        return -1;
    if (!reader_accept(c, ')'))
        return message_unexpected(c, ret->primary ? NULL : "<or> or <and>");
    ret->start = start;
    return 0;
}

static int read_identifier(struct yara_compiler *c, bool keep_object, struct expr *ret)
{
    uint16_t aux = added_function(c);
    if (aux)
        return read_number(c, aux, ret);
    if (identifier_read(c, ret) < 0)
        return -1;
    if (!keep_object || (c->token.kind != ',' && c->token.kind != ':'))
        identifier_value(c, ret);
    return 0;
}

static int read_single(struct yara_compiler *c, struct expr *ret)
{
    bool keep_object = c->keep_object;
    c->keep_object = false;
    ret->start = c->token;
    switch (c->token.kind) {
    case '(':
        return read_parentheses(c, ret);
    case TOKEN_NUMBER:
        operator_int(c, ret, c->token.integer);
        reader_take(c);
        return 0;
    case TOKEN_DOUBLE:
        return read_float(c, ret);
    case TOKEN_TEXT:
        return read_text(c, ret);
    case TOKEN_REGEX:
        return operand_regex(c, ret);
    case TOKEN_IDENTIFIER:
        return read_identifier(c, keep_object, ret);
    case TOKEN_INTEGER_FUNCTION:
        return read_number(c, (uint16_t)c->token.integer, ret);
    case TOKEN_STRING_COUNT:
        return read_count(c, ret);
    case TOKEN_STRING_OFFSET:
    case TOKEN_STRING_LENGTH:
        return read_match(c, ret);
    case TOKEN_FILESIZE:
        operator_node(c, ret, (struct node){.op = NODE_FILESIZE, .type = TYPE_INT}, 0);
        reader_take(c);
        return 0;
    case TOKEN_ENTRYPOINT:
        message_warning(c, NULL, "deprecated",
                        "using deprecated \"entrypoint\" keyword. Use the \"entry_point\" "
                        "function from PE module instead.");
        operator_node(c, ret, (struct node){.op = NODE_ENTRYPOINT, .type = TYPE_INT}, 0);
        reader_take(c);
        return 0;
    default:
        return message_unexpected(c, NULL);
    }
}

static int read_unary(struct yara_compiler *c, struct expr *ret)
{
    struct token token = c->token;
    if (operand_nest(c) < 0)
        return -1;
    int error = 0;
    if (token.kind == '-' || token.kind == '~') {
        reader_take(c);
        error = read_unary(c, ret);
        if (!error && !ret->primary)
            error = message_unexpected(c, NULL);
        if (!error) {
            operator_unary(c, token.kind == '-' ? NODE_NEG : NODE_BIT_NOT, ret);
            ret->start = token;
        }
    } else {
        error = read_single(c, ret);
    }
    c->nesting--;
    return error;
}

static const struct {
    uint8_t kind, priority, op;
    bool integers;
    char symbol[3];
} operators[] = {
    {'|', 1, NODE_BIT_OR, true, "|"},  {'^', 2, NODE_BIT_XOR, true, "^"},
    {'&', 3, NODE_BIT_AND, true, "&"}, {0, 4, NODE_SHL, true, "<<"},
    {0, 4, NODE_SHR, true, ">>"},      {'+', 5, NODE_ADD, false, "+"},
    {'-', 5, NODE_SUB, false, "-"},    {'*', 6, NODE_MUL, false, "*"},
    {'\\', 6, NODE_DIV, false, "\\"},  {'%', 6, NODE_MOD, true, "%"},
};

static int operator_at(const struct yara_compiler *c)
{
    unsigned kind = c->token.kind;
    if (kind == TOKEN_SHL)
        return 3;
    if (kind == TOKEN_SHR)
        return 4;
    if (kind == 0 || kind > 127)
        return -1;
    for (int i = 0; i < (int)COUNT(operators); i++)
        if (operators[i].kind == kind)
            return kind == '%' && operand_is_percent(c) ? -1 : i;
    return -1;
}

static int read_binary(struct yara_compiler *c, unsigned priority, struct expr *ret)
{
    if (read_unary(c, ret) < 0)
        return -1;
    while (ret->primary) {
        int i = operator_at(c);
        if (i < 0 || operators[i].priority < priority)
            return 0;
        struct token start = ret->start;
        struct expr right = {0};
        reader_take(c);
        if (read_binary(c, operators[i].priority + 1u, &right) < 0)
            return -1;
        if (!right.primary)
            return message_unexpected(c, NULL);
        enum node_op op = (enum node_op)operators[i].op;
        if (operators[i].integers)
            operator_integer(c, op, operators[i].symbol, ret, &right);
        else
            operator_binary(c, op, operators[i].symbol, ret, &right);
        ret->start = start;
    }
    return 0;
}

int operand_read(struct yara_compiler *c, struct expr *ret)
{
    return read_binary(c, 1, ret);
}

int operand_value(struct yara_compiler *c, struct expr *ret)
{
    if (read_binary(c, 1, ret) < 0)
        return -1;
    return ret->primary ? 0 : message_unexpected(c, NULL);
}

int operand_range_end(struct yara_compiler *c, const struct expr *low, struct expr *high)
{
    if (!reader_accept(c, TOKEN_DOT_DOT))
        return message_unexpected(c, NULL);
    high->start = c->token;
    if (operand_value(c, high) < 0)
        return -1;
    if (!reader_accept(c, ')'))
        return message_unexpected(c, NULL);
    if (low->type != TYPE_INT && low->type != TYPE_UNDEFINED)
        message_error(c, &low->start, "wrong_type", "wrong type for range's lower bound");
    if (high->type != TYPE_INT && high->type != TYPE_UNDEFINED)
        message_error(c, &high->start, "wrong_type", "wrong type for range's upper bound");
    if (low->known && high->known && low->type == TYPE_INT && high->type == TYPE_INT) {
        const char *problem = NULL;
        if (low->integer > high->integer)
            problem = "range lower bound must be less than upper bound";
        else if (low->integer < 0)
            problem = "range lower bound can not be negative";
        if (problem)
            message_error(c, &low->start, "invalid_value", "invalid value in condition: \"%s\"",
                          problem);
    }
    return 0;
}

int operand_range(struct yara_compiler *c, struct expr *low, struct expr *high)
{
    if (reader_expect(c, '(') < 0)
        return -1;
    low->start = c->token;
    if (operand_value(c, low) < 0)
        return -1;
    return operand_range_end(c, low, high);
}
