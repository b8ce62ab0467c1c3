#include "yara/set.h"

#include <inttypes.h>
#include <string.h>

#include "yara/condition.h"
#include "yara/declare.h"
#include "yara/identifier.h"
#include "yara/operand.h"
#include "yara/operator.h"
#include "yara/reader.h"

static void invalid_value(struct yara_compiler *c, const struct expr *quantity)
{
    const struct token *where = &quantity->start;
    if (quantity->type == TYPE_INT)
        message_error(c, where, "invalid_value", "invalid value in condition: \"%" PRId64 "\"",
                      quantity->integer);
    else if (quantity->type == TYPE_STRING && quantity->known)
        message_error(c, where, "invalid_value", "invalid value in condition: \"%.*s\"",
                      (int)(quantity->text.len > 200 ? 200 : quantity->text.len),
                      (const char *)quantity->text.at);
    else if (quantity->type != TYPE_UNDEFINED)
        message_error(c, where, "invalid_value",
                      "invalid value in condition: \"%s in for_expression is invalid\"",
                      quantity->type == TYPE_REGEX    ? "regexp"
                      : quantity->type == TYPE_STRING ? "string"
                      : quantity->type == TYPE_FLOAT  ? "float"
                                                      : "boolean");
}

static void check_quantity(struct yara_compiler *c, const struct expr *quantity, bool percent)
{
    if (percent) {
        if (!operator_check(c, quantity, 1u << TYPE_INT, "%"))
            return;
        if (quantity->known && (quantity->integer < 1 || quantity->integer > 100))
            message_error(c, &quantity->start, "invalid_percentage",
                          "percentage must be between 1 and 100 (inclusive)");
    } else if (quantity->type != TYPE_INT || (quantity->known && quantity->integer < 0)) {
        invalid_value(c, quantity);
    } else if (quantity->known && quantity->integer == 0) {
        message_warning(c, &quantity->start, "ambiguous_quantifier",
                        "consider using \"none\" keyword, it is less ambiguous.");
    }
}

int set_quantifier(struct yara_compiler *c, const struct expr *quantity, struct quantifier *ret)
{
    struct expr read = {.start = c->token};
    *ret = (struct quantifier){.aux = QUANTIFIER_ALL, .node = NODE_NONE, .start = c->token};
    if (!quantity) {
        if (reader_accept(c, TOKEN_ALL))
            return 0;
        ret->aux = QUANTIFIER_ANY;
        if (reader_accept(c, TOKEN_ANY))
            return 0;
        ret->aux = QUANTIFIER_NONE;
        if (reader_accept(c, TOKEN_NONE))
            return 0;
        if (operand_value(c, &read) < 0)
            return -1;
        quantity = &read;
    }
    bool percent = reader_accept(c, '%');
    check_quantity(c, quantity, percent);
    ret->aux = percent ? QUANTIFIER_PERCENT : QUANTIFIER_NUMBER;
    ret->node = quantity->node;
    ret->depth = quantity->depth;
    ret->known = quantity->known && quantity->type == TYPE_INT;
    ret->integer = quantity->integer;
    ret->start = quantity->start;
    return 0;
}

/* Items of a set lie on c->items: nodes, or with this bit patterns. */
enum { ITEM_PATTERN = 1 << 30 };

static bool ends_item(unsigned kind)
{
    return kind == ',' || kind == ')';
}

/* Rules in the name space that begin so: their nodes go on c->items. */
static int read_rule_wild(struct yara_compiler *c, struct expr *item)
{
    bytes name = c->token.text;
    uint32_t matching = 0;
    uint8_t *lengths = NULL;
    if (c->work < c->known_rules.n)
        return message_error(c, NULL, "too_complex", "the rules are too complex");
    c->work -= c->known_rules.n;
    for (uint32_t i = 0; i < c->known_rules.n; i++) {
        const struct known_rule *rule = &c->known_rules.at[i];
        if (rule->name_space != c->name_space || rule->name.len < name.len ||
            memcmp(rule->name.at, name.at, name.len) != 0)
            continue;
        matching++;
        item->name = rule->name;
        identifier_rule_node(c, rule->number, item);
        if (!condition_push(c, item->node))
            return -1;
    }
    while (c->wildcard_lengths.n <= c->name_space * 17u + 16)
        if (!vec_push(c->arena, &c->wildcard_lengths))
            return message_full(c);
    lengths = &c->wildcard_lengths.at[c->name_space * 17u];
    lengths[name.len / 8] |= (uint8_t)(1 << name.len % 8);
    if (!names_put(&c->wildcards, c->arena, c->name_space, name, 0))
        return message_full(c);
    if (matching == 0)
        message_error(c, NULL, "undefined_identifier", "undefined identifier \"%.*s\"",
                      (int)name.len, (const char *)name.at);
    reader_take(c);
    reader_take(c);
    return 0;
}

/* One item of a set in parentheses. *patterns becomes false when it is none of a pattern. */
static int read_item(struct yara_compiler *c, bool *patterns, unsigned *depth)
{
    struct token token = c->token, next = reader_peek(c);
    struct expr item = {.start = token};
    if (token.kind == TOKEN_STRING_WILD ||
        (token.kind == TOKEN_STRING_ID && ends_item(next.kind))) {
        uint32_t first = c->items.n;
        declare_used_set(c, &token);
        for (uint32_t i = first; i < c->items.n; i++)
            c->items.at[i] |= ITEM_PATTERN;
        reader_take(c);
        return 0;
    }
    *patterns = false;
    if (token.kind == TOKEN_IDENTIFIER && next.kind == '*') {
        struct lexer lexer = c->lexer;
        lexer_next(&lexer, &next);
        lexer_next(&lexer, &next);
        if (ends_item(next.kind))
            return read_rule_wild(c, &item);
    }
    if (condition_read(c, &item) < 0)
        return -1;
    operator_truth(c, &item);
    if (item.depth > *depth)
        *depth = item.depth;
    return condition_push(c, item.node) ? 0 : -1;
}

/* The patterns among the items become nodes of `model`. */
static int found_nodes(struct yara_compiler *c, uint32_t first, struct node model)
{
    for (uint32_t i = first; i < c->items.n; i++) {
        if (!(c->items.at[i] & ITEM_PATTERN))
            continue;
        model.a = c->items.at[i] & ~(uint32_t)ITEM_PATTERN;
        c->items.at[i] = draft_node(c->draft, model);
        if (c->items.at[i] == DRAFT_FULL)
            return message_full(c);
    }
    return 0;
}

/* Reads `them` or the set in parentheses; *patterns tells whether it is all patterns. */
static int read_set(struct yara_compiler *c, bool *patterns, unsigned *depth)
{
    *patterns = true;
    if (c->token.kind == TOKEN_THEM) {
        uint32_t first = c->items.n;
        declare_used_set(c, &c->token);
        for (uint32_t i = first; i < c->items.n; i++)
            c->items.at[i] |= ITEM_PATTERN;
        reader_take(c);
        return 0;
    }
    if (c->token.kind != '(')
        return message_unexpected(c, "<them> or '('");
    reader_take(c);
    do {
        if (read_item(c, patterns, depth) < 0)
            return -1;
    } while (reader_accept(c, ','));
    return reader_accept(c, ')') ? 0 : message_unexpected(c, "')' or ','");
}

int set_patterns(struct yara_compiler *c)
{
    bool patterns;
    unsigned depth = 0;
    uint32_t first = c->items.n;
    struct token start = c->token;
    if (read_set(c, &patterns, &depth) < 0)
        return -1;
    if (!patterns)
        return message_error(c, &start, "syntax_error",
                             "syntax error, expecting a set of string identifiers");
    for (uint32_t i = first; i < c->items.n; i++)
        c->items.at[i] &= ~(uint32_t)ITEM_PATTERN;
    return 0;
}

static void warn_of(struct yara_compiler *c, const struct quantifier *q, uint32_t count,
                    bool at)
{
    bool number = q->aux == QUANTIFIER_NUMBER && q->known;
    if (number && q->integer > (int64_t)count)
        message_warning(c, &q->start, "always_false",
                        "expression always false - requesting %" PRId64 " of %u.", q->integer,
                        count);
    if (at && ((number && q->integer > 1) || (q->aux == QUANTIFIER_ALL && count > 1)))
        message_warning(c, &q->start, "usually_false",
                        "multiple strings at an offset is usually false.");
}

/* `at x` or `in (x..y)` behind a set of patterns. */
static int read_place(struct yara_compiler *c, struct node *model, unsigned *depth)
{
    struct expr low = {0}, high = {0};
    if (reader_accept(c, TOKEN_IN)) {
        if (operand_range(c, &low, &high) < 0)
            return -1;
        model->op = NODE_FOUND_IN;
    } else if (reader_accept(c, TOKEN_AT)) {
        low.start = c->token;
        if (operand_value(c, &low) < 0)
            return -1;
        if (low.type != TYPE_INT && low.type != TYPE_UNDEFINED)
            message_error(c, &low.start, "invalid_value",
                          "invalid value in condition: \"at expression must be an integer\"");
        model->op = NODE_FOUND_AT;
    }
    model->b = low.node;
    model->c = high.node;
    *depth = low.depth > high.depth ? low.depth : high.depth;
    return 0;
}

int set_of(struct yara_compiler *c, const struct expr *quantity, struct expr *ret)
{
    struct token start = ret->start;
    struct quantifier q;
    struct node model = {.op = NODE_FOUND, .type = TYPE_BOOL};
    uint32_t first = c->items.n;
    bool patterns;
    unsigned depth = 0, place = 0;
    if (set_quantifier(c, quantity, &q) < 0 || reader_expect(c, TOKEN_OF) < 0 ||
        read_set(c, &patterns, &depth) < 0)
        return -1;
    if (patterns && read_place(c, &model, &place) < 0)
        return -1;
    uint32_t count = c->items.n - first;
    if (count)
        warn_of(c, &q, count, model.op == NODE_FOUND_AT);
    if (found_nodes(c, first, model) < 0)
        return -1;
    if (depth < place)
        depth = place;
    if (depth < q.depth)
        depth = q.depth;
    struct node node = {.op = NODE_OF, .type = TYPE_BOOL, .aux = q.aux, .c = q.node};
    node.b = count;
    node.a = draft_links(c->draft, c->items.at + first, count);
    c->items.n = first;
    operator_node(c, ret, node, depth + 1);
    ret->primary = false;
    ret->start = start;
    return 0;
}
