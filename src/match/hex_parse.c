/* hex_parse — hex strings (docs/writingrules, "Hexadecimal strings"; the grammar is that of
 * libyara's hex_grammar.y and hex_lexer.l):
 *
 *   tokens: token | token ( token | jump )* token
 *   token:  byte | '(' tokens ( '|' tokens )* ')'
 *   byte:   AB | A? | ?B | ?? | ~AB | ~A? | ~?B
 *   jump:   '[' n ']' | '[' n '-' m ']' | '[' n '-' ']' | '[' '-' ']'
 *
 * with white space and C comments anywhere between. Numbers of jumps may also be written in
 * hex (0x10) and octal (0o20), as YARA-X allows. */
#include "match/re/re.h"

#include <errno.h>
#include <limits.h>

enum hex_token {
    HEX_END,
    HEX_BYTE,
    HEX_JUMP,
    HEX_OPEN,
    HEX_CLOSE,
    HEX_BAR,
    HEX_FAULT,
};

struct hex_parser {
    bytes text;
    size_t at, token_at;
    enum hex_token token;
    uint8_t kind, value, mask; /* of HEX_BYTE: enum re_kind and its operands */
    int64_t low, high;         /* of HEX_JUMP */
    bool exact;                /* of HEX_JUMP: written as one number */
    uint32_t depth, flags;
    struct arena *arena;
    struct pattern_fault *fault;
};

static struct re_node *parse_tokens(struct hex_parser *p, bool *full);

static enum hex_token fail_at(struct hex_parser *p, size_t at, const char *text)
{
    re_fault(p->fault, at, text);
    p->token = HEX_FAULT;
    return HEX_FAULT;
}

static uint8_t byte_at(const struct hex_parser *p, size_t at)
{
    return at < p->text.len ? p->text.at[at] : 0;
}

/* Moves behind white space and comments. */
static void skip_blank(struct hex_parser *p)
{
    for (;;) {
        uint8_t c = byte_at(p, p->at), next = byte_at(p, p->at + 1);

        if (p->at < p->text.len && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
            p->at++;
        } else if (c == '/' && next == '/') {
            while (p->at < p->text.len && p->text.at[p->at] != '\n')
                p->at++;
        } else if (c == '/' && next == '*') {
            size_t end = bytes_find(p->text, bytes_of("*/"), p->at + 2);
            p->at = end == SIZE_MAX ? p->text.len : end + 2;
        } else {
            return;
        }
    }
}

/* A number of a jump; -1 when there is none, -2 when it is too large. */
static int64_t read_number(struct hex_parser *p)
{
    int64_t value = 0;
    int base = 10;
    size_t start;

    if (byte_at(p, p->at) == '0' && (byte_at(p, p->at + 1) | 0x20) == 'x')
        base = 16;
    else if (byte_at(p, p->at) == '0' && (byte_at(p, p->at + 1) | 0x20) == 'o')
        base = 8;
    if (base != 10)
        p->at += 2;
    start = p->at;
    for (; p->at < p->text.len; p->at++) {
        int digit = ascii_hex(p->text.at[p->at]);
        if (digit < 0 || digit >= base)
            break;
        if (value <= INT_MAX)
            value = value * base + digit;
    }
    if (p->at == start)
        return -1;
    return value > INT_MAX ? -2 : value;
}

static void skip_space(struct hex_parser *p)
{
    while (p->at < p->text.len && (p->text.at[p->at] == ' ' || p->text.at[p->at] == '\t' ||
                                   p->text.at[p->at] == '\r' || p->text.at[p->at] == '\n'))
        p->at++;
}

/* What is wrong with the byte at p->at inside a jump. */
static enum hex_token bad_jump(struct hex_parser *p)
{
    uint8_t c = byte_at(p, p->at);

    if (p->at >= p->text.len)
        return fail_at(p, p->at, "invalid character in hex string jump");
    if (c == '-' || c == ']' || (c >= '0' && c <= '9'))
        return fail_at(p, p->at, "syntax error");
    return fail_at(p, p->at, "invalid character in hex string jump");
}

static enum hex_token lex_jump(struct hex_parser *p)
{
    p->at++;
    p->exact = false;
    p->low = 0;
    p->high = INT_MAX;
    skip_space(p);
    if (byte_at(p, p->at) != '-') {
        p->low = read_number(p);
        if (p->low == -1)
            return bad_jump(p);
        if (p->low == -2)
            return fail_at(p, p->token_at, "jump length too large");
        skip_space(p);
        if (byte_at(p, p->at) == ']') {
            p->exact = true;
            p->high = p->low;
            p->at++;
            return HEX_JUMP;
        }
        if (byte_at(p, p->at) != '-')
            return bad_jump(p);
        p->at++;
        skip_space(p);
        if (byte_at(p, p->at) != ']') {
            p->high = read_number(p);
            if (p->high == -1)
                return bad_jump(p);
            if (p->high == -2)
                return fail_at(p, p->token_at, "jump length too large");
        }
    } else {
        p->at++;
    }
    skip_space(p);
    if (byte_at(p, p->at) != ']')
        return bad_jump(p);
    p->at++;
    return HEX_JUMP;
}

static enum hex_token lex_byte(struct hex_parser *p)
{
    bool negated = byte_at(p, p->at) == '~';
    size_t at = p->at + negated;
    uint8_t c = byte_at(p, at), next = byte_at(p, at + 1);
    int high = ascii_hex(c), low = ascii_hex(next);
    bool wild_high = c == '?', wild_low = next == '?';

    if ((high < 0 && !wild_high) || (low < 0 && !wild_low) ||
        (negated && wild_high && wild_low)) {
        if (negated)
            return fail_at(p, p->at, "invalid not operator (~) in hex string");
        if (high >= 0)
            return fail_at(p, p->at, "uneven number of digits in hex string");
        return fail_at(p, p->at, "invalid character in hex string");
    }
    p->value = (uint8_t)((wild_high ? 0 : high << 4) | (wild_low ? 0 : low));
    p->mask = (uint8_t)((wild_high ? 0 : 0xf0) | (wild_low ? 0 : 0x0f));
    if (p->mask == 0)
        p->kind = RE_ANY;
    else if (p->mask == 0xff)
        p->kind = negated ? RE_NOT : RE_LITERAL;
    else
        p->kind = negated ? RE_NOT_MASKED : RE_MASKED;
    p->at = at + 2;
    return HEX_BYTE;
}

static void next_token(struct hex_parser *p)
{
    uint8_t c;

    skip_blank(p);
    p->token_at = p->at;
    if (p->at >= p->text.len) {
        p->token = HEX_END;
        return;
    }
    c = p->text.at[p->at];
    switch (c) {
    case '[':
        p->token = lex_jump(p);
        return;
    case '(':
        p->token = HEX_OPEN;
        break;
    case ')':
        p->token = HEX_CLOSE;
        break;
    case '|':
        p->token = HEX_BAR;
        break;
    default:
        p->token = lex_byte(p);
        return;
    }
    p->at++;
}

static struct re_node *make(struct hex_parser *p, enum re_kind kind, bool *full)
{
    struct re_node *node = re_node(p->arena, kind);

    if (!node)
        *full = true;
    return node;
}

static struct re_node *unexpected(struct hex_parser *p)
{
    if (p->token != HEX_FAULT)
        fail_at(p, p->token_at, "syntax error");
    return NULL;
}

static struct re_node *parse_group(struct hex_parser *p, bool *full)
{
    struct re_node *left, *right, *node;

    if (++p->depth > RE_MAX_DEPTH) {
        fail_at(p, p->token_at, "too many nested parentheses");
        return NULL;
    }
    next_token(p);
    left = parse_tokens(p, full);
    while (left && p->token == HEX_BAR) {
        p->flags |= RE_ALTERNATIVE;
        next_token(p);
        right = parse_tokens(p, full);
        node = right ? make(p, RE_ALT, full) : NULL;
        if (!node)
            return NULL;
        re_append(node, left);
        re_append(node, right);
        left = node;
    }
    if (!left)
        return NULL;
    if (p->token != HEX_CLOSE)
        return unexpected(p);
    p->depth--;
    next_token(p);
    return left;
}

static struct re_node *parse_token(struct hex_parser *p, bool *full)
{
    struct re_node *node;

    if (p->token == HEX_OPEN)
        return parse_group(p, full);
    if (p->token != HEX_BYTE)
        return unexpected(p);
    node = make(p, p->kind, full);
    if (!node)
        return NULL;
    node->value = p->value;
    node->mask = p->mask;
    next_token(p);
    return node;
}

static struct re_node *parse_jump(struct hex_parser *p, bool *full)
{
    struct re_node *node;
    const char *wrong = NULL;

    if (p->exact && p->low <= 0)
        wrong = "invalid jump length";
    else if (p->depth && !p->exact && p->high == INT_MAX)
        wrong = "unbounded jumps not allowed inside alternation (|)";
    else if (p->depth && (p->low > RE_CHAIN_GAP || p->high > RE_CHAIN_GAP))
        wrong = "jumps over 200 not allowed inside alternation (|)";
    else if (p->low > p->high)
        wrong = "invalid jump range";
    if (wrong) {
        fail_at(p, p->token_at, wrong);
        return NULL;
    }
    /* A jump of one is `??`. */
    node = make(p, p->exact && p->low == 1 ? RE_MASKED : RE_GAP, full);
    if (!node)
        return NULL;
    node->lazy = true;
    node->start = (int32_t)p->low;
    node->end = (int32_t)p->high;
    next_token(p);
    return node;
}

/* A single token stays bare, several become a concatenation; a jump stands only inside. */
static struct re_node *parse_tokens(struct hex_parser *p, bool *full)
{
    struct re_node *first = parse_token(p, full), *concat, *part;
    bool after_jump = false;

    if (!first)
        return NULL;
    if (p->token != HEX_BYTE && p->token != HEX_OPEN && p->token != HEX_JUMP) {
        if (p->token == HEX_FAULT)
            return NULL;
        return first;
    }
    concat = make(p, RE_CONCAT, full);
    if (!concat)
        return NULL;
    re_append(concat, first);
    while (p->token == HEX_BYTE || p->token == HEX_OPEN || p->token == HEX_JUMP) {
        after_jump = p->token == HEX_JUMP;
        part = after_jump ? parse_jump(p, full) : parse_token(p, full);
        if (!part)
            return NULL;
        re_append(concat, part);
    }
    if (after_jump || p->token == HEX_FAULT)
        return unexpected(p);
    return concat;
}

int hex_parse(bytes text, struct arena *arena, struct re_tree *ret, struct pattern_fault *fault)
{
    struct hex_parser p = {.text = text, .arena = arena, .fault = fault};
    bool full = false;
    struct re_node *root;

    next_token(&p);
    root = parse_tokens(&p, &full);
    if (full) {
        re_fault(fault, 0, "not enough memory");
        return -ENOMEM;
    }
    if (!root)
        return -EINVAL;
    if (p.token != HEX_END)
        return unexpected(&p) ? 0 : -EINVAL;
    ret->root = root;
    ret->flags = p.flags;
    return 0;
}
