#include "yara/operator.h"

#include <inttypes.h>

#include "yara/message.h"

void operator_node(struct yara_compiler *c, struct expr *ret, struct node node, unsigned depth)
{
    struct token start = ret->start;
    uint32_t number = draft_node(c->draft, node);
    if (number == DRAFT_FULL)
        message_full(c);
    if (depth >= COMPILER_MAX_DEPTH && !c->too_deep) {
        c->too_deep = true;
        message_error(c, &start, "too_deep", "condition is nested too deeply");
    }
    *ret = (struct expr){
        .type = node.type,
        .primary = true,
        .node = number,
        .depth = (uint16_t)(depth < COMPILER_MAX_DEPTH ? depth + 1 : COMPILER_MAX_DEPTH),
        .start = start,
    };
}

void operator_int(struct yara_compiler *c, struct expr *ret, int64_t value)
{
    uint64_t bits = (uint64_t)value;
    struct node node = {
        .op = NODE_INT, .type = TYPE_INT, .a = (uint32_t)bits, .b = (uint32_t)(bits >> 32)};
    operator_node(c, ret, node, 0);
    ret->known = true;
    ret->integer = value;
}

void operator_poison(struct yara_compiler *c, struct expr *ret)
{
    operator_node(c, ret, (struct node){.op = NODE_UNDEFINED}, 0);
}

static unsigned deeper(const struct expr *a, const struct expr *b)
{
    return a->depth > b->depth ? a->depth : b->depth;
}

static void binary_node(struct yara_compiler *c, enum node_op op, enum value_type type,
                        struct expr *left, const struct expr *right)
{
    struct node node = {
        .op = (uint8_t)op, .type = (uint8_t)type, .a = left->node, .b = right->node};
    operator_node(c, left, node, deeper(left, right));
    left->primary = type != TYPE_BOOL;
}

void operator_truth(struct yara_compiler *c, struct expr *expr)
{
    if (expr->type == TYPE_STRING && expr->known)
        message_warning(c, &expr->start, "string_as_bool",
                        "using literal string \"%.*s\" in a boolean operation.",
                        (int)(expr->text.len > 200 ? 200 : expr->text.len),
                        (const char *)expr->text.at);
    if (expr->type == TYPE_REGEX) /* true, in YARA */
        operator_node(c, expr, (struct node){.op = NODE_BOOL, .type = TYPE_BOOL, .a = 1}, 0);
    if (expr->type != TYPE_UNDEFINED)
        expr->type = TYPE_BOOL;
    expr->primary = false;
}

static const char *type_name(unsigned type)
{
    switch (type) {
    case TYPE_BOOL:
        return "boolean";
    case TYPE_INT:
        return "integer";
    case TYPE_FLOAT:
        return "float";
    case TYPE_STRING:
        return "string";
    case TYPE_REGEX:
        return "regexp";
    default:
        return "object";
    }
}

bool operator_check(struct yara_compiler *c, const struct expr *expr, unsigned types,
                    const char *symbol)
{
    if (expr->type == TYPE_UNDEFINED)
        return false;
    if (types & (1u << expr->type))
        return true;
    message_error(c, &expr->start, "wrong_type", "wrong type \"%s\" for %s operator",
                  type_name(expr->type), symbol);
    return false;
}

/* True when `a op b` does not fit; YARA says so instead of wrapping around. */
static bool overflows(enum node_op op, int64_t a, int64_t b, int64_t *ret)
{
    switch (op) {
    case NODE_ADD:
        return __builtin_add_overflow(a, b, ret);
    case NODE_SUB:
        return __builtin_sub_overflow(a, b, ret);
    case NODE_MUL:
        /* YARA takes -2^63 for an overflow, too. */
        return __builtin_mul_overflow(a, b, ret) || *ret == INT64_MIN;
    default:
        if (a == INT64_MIN && b == -1)
            return true;
        *ret = a / b;
        return false;
    }
}

/* Folds integer arithmetic; false when it is left to be evaluated. */
static bool fold_arithmetic(struct yara_compiler *c, enum node_op op, const char *symbol,
                            struct expr *left, const struct expr *right)
{
    int64_t value;
    if (op == NODE_DIV && right->known && right->integer == 0) {
        message_error(c, &right->start, "division_by_zero", "division by zero");
        operator_poison(c, left);
        return true;
    }
    if (!left->known || !right->known)
        return false;
    if (overflows(op, left->integer, right->integer, &value)) {
        message_error(c, &left->start, "integer_overflow",
                      "integer overflow in \"%" PRId64 " %s %" PRId64 "\"", left->integer,
                      symbol, right->integer);
        operator_poison(c, left);
    } else {
        operator_int(c, left, value);
    }
    return true;
}

static bool is_number(const struct expr *expr)
{
    return expr->type == TYPE_INT || expr->type == TYPE_FLOAT;
}

void operator_binary(struct yara_compiler *c, enum node_op op, const char *symbol,
                     struct expr *left, const struct expr *right)
{
    bool compares = op >= NODE_EQ && op <= NODE_GE;
    if (left->type == TYPE_UNDEFINED || right->type == TYPE_UNDEFINED) {
        operator_poison(c, left);
        left->primary = !compares;
    } else if (is_number(left) && is_number(right)) {
        bool integers = left->type == TYPE_INT && right->type == TYPE_INT;
        if (!compares && integers && fold_arithmetic(c, op, symbol, left, right))
            return;
        enum value_type type = compares ? TYPE_BOOL : integers ? TYPE_INT : TYPE_FLOAT;
        binary_node(c, op, type, left, right);
    } else if (left->type == TYPE_STRING && right->type == TYPE_STRING && compares) {
        binary_node(c, op, TYPE_BOOL, left, right);
    } else {
        if (left->type == TYPE_STRING && right->type == TYPE_STRING)
            message_error(c, &left->start, "wrong_type",
                          "strings don't support \"%s\" operation", symbol);
        else
            message_error(c, &left->start, "wrong_type", "type mismatch");
        operator_poison(c, left);
        left->primary = !compares;
    }
}

static int64_t shifted(enum node_op op, int64_t value, int64_t by)
{
    if (by >= 64)
        return 0;
    return op == NODE_SHL ? (int64_t)((uint64_t)value << by) : value >> by;
}

static int64_t fold_integer(enum node_op op, int64_t a, int64_t b)
{
    switch (op) {
    case NODE_MOD:
        return b == -1 ? 0 : a % b;
    case NODE_BIT_AND:
        return a & b;
    case NODE_BIT_OR:
        return a | b;
    case NODE_BIT_XOR:
        return a ^ b;
    default:
        return shifted(op, a, b);
    }
}

void operator_integer(struct yara_compiler *c, enum node_op op, const char *symbol,
                      struct expr *left, const struct expr *right)
{
    bool shifts = op == NODE_SHL || op == NODE_SHR;
    bool good = operator_check(c, left, 1u << TYPE_INT, symbol);
    if (!operator_check(c, right, 1u << TYPE_INT, symbol) || !good) {
        operator_poison(c, left);
        return;
    }
    if (op == NODE_MOD && right->known && right->integer == 0) {
        message_error(c, &right->start, "division_by_zero", "division by zero");
        operator_poison(c, left);
    } else if (shifts && right->known && right->integer < 0) {
        message_error(c, &right->start, "invalid_operand",
                      "invalid operand: shift by a negative number");
        operator_poison(c, left);
    } else if (left->known && right->known) {
        operator_int(c, left, fold_integer(op, left->integer, right->integer));
    } else {
        binary_node(c, op, TYPE_INT, left, right);
    }
}

void operator_string(struct yara_compiler *c, enum node_op op, const char *symbol,
                     struct expr *left, const struct expr *right)
{
    unsigned wanted = op == NODE_MATCHES ? TYPE_REGEX : TYPE_STRING;
    bool good = operator_check(c, left, 1u << TYPE_STRING, symbol);
    if (operator_check(c, right, 1u << wanted, symbol) && good)
        binary_node(c, op, TYPE_BOOL, left, right);
    else
        operator_poison(c, left);
    left->primary = false;
}

void operator_unary(struct yara_compiler *c, enum node_op op, struct expr *expr)
{
    unsigned types = 1u << TYPE_INT | (op == NODE_NEG ? 1u << TYPE_FLOAT : 0);
    if (!operator_check(c, expr, types, op == NODE_NEG ? "-" : "~")) {
        operator_poison(c, expr);
        return;
    }
    if (expr->known) {
        uint64_t value = (uint64_t)expr->integer;
        operator_int(c, expr, (int64_t)(op == NODE_NEG ? 0 - value : ~value));
        return;
    }
    struct node node = {.op = (uint8_t)op, .type = expr->type, .a = expr->node};
    operator_node(c, expr, node, expr->depth);
}
