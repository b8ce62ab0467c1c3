#include "engine/condition.h"

#include <float.h>
#include <math.h>
#include <string.h>

static double as_float(struct value v)
{
    return v.type == TYPE_FLOAT ? v.real : (double)v.integer;
}

static struct value compare_floats(enum node_op op, double a, double b)
{
    switch (op) {
    case NODE_EQ:
        return VALUE_BOOL(fabs(a - b) < DBL_EPSILON); /* as YARA's exec.c */
    case NODE_NE:
        return VALUE_BOOL(fabs(a - b) >= DBL_EPSILON);
    case NODE_LT:
        return VALUE_BOOL(a < b);
    case NODE_LE:
        return VALUE_BOOL(a <= b);
    case NODE_GT:
        return VALUE_BOOL(a > b);
    case NODE_GE:
        return VALUE_BOOL(a >= b);
    case NODE_ADD:
        return VALUE_FLOAT(a + b);
    case NODE_SUB:
        return VALUE_FLOAT(a - b);
    case NODE_MUL:
        return VALUE_FLOAT(a * b);
    case NODE_DIV:
        return VALUE_FLOAT(a / b);
    default:
        return VALUE_NONE;
    }
}

static struct value order(enum node_op op, int64_t a, int64_t b)
{
    switch (op) {
    case NODE_EQ:
        return VALUE_BOOL(a == b);
    case NODE_NE:
        return VALUE_BOOL(a != b);
    case NODE_LT:
        return VALUE_BOOL(a < b);
    case NODE_LE:
        return VALUE_BOOL(a <= b);
    case NODE_GT:
        return VALUE_BOOL(a > b);
    case NODE_GE:
        return VALUE_BOOL(a >= b);
    default:
        return VALUE_NONE;
    }
}

static struct value divide(enum node_op op, int64_t a, int64_t b)
{
    if (b == 0 || (a == INT64_MIN && b == -1))
        return VALUE_NONE;
    return VALUE_INT(op == NODE_DIV ? a / b : a % b);
}

static struct value shift(enum node_op op, int64_t a, int64_t by)
{
    if (by < 0)
        return VALUE_NONE;
    if (by >= 64)
        return VALUE_INT(0);
    return VALUE_INT(op == NODE_SHL ? (int64_t)((uint64_t)a << by) : a >> by);
}

static struct value calculate(enum node_op op, int64_t a, int64_t b)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b;
    switch (op) {
    case NODE_ADD:
        return VALUE_INT(x + y);
    case NODE_SUB:
        return VALUE_INT(x - y);
    case NODE_MUL:
        return VALUE_INT(x * y);
    case NODE_DIV:
    case NODE_MOD:
        return divide(op, a, b);
    case NODE_BIT_AND:
        return VALUE_INT(x & y);
    case NODE_BIT_OR:
        return VALUE_INT(x | y);
    case NODE_BIT_XOR:
        return VALUE_INT(x ^ y);
    case NODE_SHL:
    case NODE_SHR:
        return shift(op, a, b);
    default:
        return order(op, a, b);
    }
}

static bool is_number(struct value v)
{
    return v.type == TYPE_INT || v.type == TYPE_BOOL || v.type == TYPE_FLOAT;
}

static bytes view(struct value v)
{
    return (bytes){v.text, v.len};
}

struct value operate_binary(const struct node *node, struct value a, struct value b,
                            bool float_typed)
{
    enum node_op op = (enum node_op)node->op;
    if (a.type == TYPE_UNDEFINED || b.type == TYPE_UNDEFINED)
        /* YARA: `<` of floats is false where one side is undefined. */
        return op == NODE_LT && float_typed ? VALUE_BOOL(false) : VALUE_NONE;
    if (a.type == TYPE_STRING && b.type == TYPE_STRING)
        return order(op, bytes_compare(view(a), view(b)), 0);
    if (!is_number(a) || !is_number(b))
        return VALUE_NONE;
    if (a.type == TYPE_FLOAT || b.type == TYPE_FLOAT)
        return compare_floats(op, as_float(a), as_float(b));
    return calculate(op, a.integer, b.integer);
}

static bool equal_folded(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ascii_lower(a[i]) != ascii_lower(b[i]))
            return false;
    return true;
}

static bool contains_folded(bytes hay, bytes needle)
{
    if (needle.len > hay.len)
        return false;
    for (size_t i = 0; i + needle.len <= hay.len; i++)
        if (equal_folded(hay.at + i, needle.at, needle.len))
            return true;
    return false;
}

struct value operate_text(const struct node *node, struct value left, struct value right)
{
    if (left.type != TYPE_STRING || right.type != TYPE_STRING)
        return VALUE_NONE;
    bytes a = view(left), b = view(right);
    bool fits = b.len <= a.len;
    switch ((enum node_op)node->op) {
    case NODE_CONTAINS:
        return VALUE_BOOL(bytes_find(a, b, 0) != SIZE_MAX);
    case NODE_ICONTAINS:
        return VALUE_BOOL(contains_folded(a, b));
    case NODE_STARTSWITH:
        return VALUE_BOOL(fits && bytes_equal(bytes_slice(a, 0, b.len), b));
    case NODE_ISTARTSWITH:
        return VALUE_BOOL(fits && equal_folded(a.at, b.at, b.len));
    case NODE_ENDSWITH:
        return VALUE_BOOL(fits && bytes_equal(bytes_slice(a, a.len - b.len, b.len), b));
    case NODE_IENDSWITH:
        return VALUE_BOOL(fits && equal_folded(a.at + (a.len - b.len), b.at, b.len));
    case NODE_IEQUALS:
        return VALUE_BOOL(a.len == b.len && equal_folded(a.at, b.at, b.len));
    default:
        return VALUE_NONE;
    }
}
