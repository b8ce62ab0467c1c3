/* re_parse — regular expressions as YARA writes them (docs/writingrules, "Regular
 * expressions"; the grammar is that of libyara's re_grammar.y and re_lexer.l):
 *
 *   alternative:   concatenation ( '|' concatenation? )*
 *   concatenation: repeat+
 *   repeat:        single ( '*' | '+' | '?' | '{' n? ',' m? '}' | '{' n '}' ) '?'?
 *                  | single | \b | \B | '^' | '$'
 *   single:        '(' alternative ')' | '.' | class | \w \W \s \S \d \D | byte
 *                  | '(?' flags ')' | '(?' flags ':' alternative ')'
 *
 * The last line is YARA-X's and an error in YARA: flags hold to the end of the group they stand
 * in, or of their own. They are worked into the nodes, as the program's flags hold for all of
 * it.
 *
 * A `{` that does not begin a valid repetition is a byte like any other. */
#include "match/re/re.h"

#include <errno.h>
#include <string.h>

/* Of each flag: 1 on, -1 off, 0 as the modifiers behind the expression say. */
struct re_mode {
    int8_t nocase, dotall, lines, unicode, swapped;
};

struct re_parser {
    bytes text;
    size_t at;
    uint32_t depth, flags;
    struct re_mode mode;
    struct arena *arena;
    struct pattern_fault *fault;
};

/* Parse functions return NULL after a fault; `full` tells a full arena from one. */
static struct re_node *parse_alternative(struct re_parser *p, bool *full);

static struct re_node *fail_at(struct re_parser *p, size_t at, const char *text)
{
    re_fault(p->fault, at, text);
    return NULL;
}

static struct re_node *make(struct re_parser *p, enum re_kind kind, bool *full)
{
    struct re_node *node = re_node(p->arena, kind);

    if (!node)
        *full = true;
    return node;
}

static int peek(const struct re_parser *p)
{
    return p->at < p->text.len ? p->text.at[p->at] : -1;
}

/* Value of the escape sequence at `at` (which is at the backslash); moves *at behind it. */
static int read_escape(const struct re_parser *p, size_t *at)
{
    bytes text = p->text;
    uint8_t c;

    if (*at + 1 >= text.len)
        return -1;
    c = text.at[*at + 1];
    if (c == 'x') {
        int high, low;
        if (*at + 3 >= text.len)
            return -1;
        high = ascii_hex(text.at[*at + 2]);
        low = ascii_hex(text.at[*at + 3]);
        if (high < 0 || low < 0)
            return -1;
        *at += 4;
        return high << 4 | low;
    }
    *at += 2;
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case 'f':
        return '\f';
    case 'a':
        return '\a';
    default:
        return c;
    }
}

static bool class_member(uint8_t kind, uint8_t c)
{
    switch (kind) {
    case 'w':
        return ascii_alnum(c) || c == '_';
    case 's':
        return c == ' ' || (c >= '\t' && c <= '\r');
    default:
        return c >= '0' && c <= '9';
    }
}

/* \w \W \s \S \d \D inside a class. */
static bool add_shorthand(struct re_set *set, uint8_t letter)
{
    uint8_t kind = ascii_lower(letter);

    if (kind != 'w' && kind != 's' && kind != 'd')
        return false;
    for (unsigned c = 0; c < 256; c++)
        if (class_member(kind, (uint8_t)c) == (letter == kind))
            re_set_add(set, (uint8_t)c);
    return true;
}

/* `a-z` at p->at: 1 with the range added, 0 if it is none, <0 after a fault. A range's left
 * side may be \xHH or any escaped byte; `[\d-x]` is therefore a range from `d`. */
static int add_range(struct re_parser *p, struct re_set *set)
{
    bytes text = p->text;
    size_t at = p->at, dash = p->at + 1;
    int start = text.at[at], end;

    if (start == '\\') {
        if (at + 1 < text.len && text.at[at + 1] == '\n')
            return 0;
        dash = at + 2;
        if (at + 3 < text.len && text.at[at + 1] == 'x' && ascii_hex(text.at[at + 2]) >= 0 &&
            ascii_hex(text.at[at + 3]) >= 0)
            dash = at + 4;
    }
    if (dash + 1 >= text.len || text.at[dash] != '-' || text.at[dash + 1] == ']')
        return 0;
    if (start == '\\') {
        start = read_escape(p, &at);
        if (start < 0 || at != dash)
            return re_fault(p->fault, p->at, "illegal escape sequence");
    }
    end = text.at[dash + 1];
    p->at = dash + 2;
    if (end == '\\') {
        p->at = dash + 1;
        end = read_escape(p, &p->at);
        if (end < 0)
            return re_fault(p->fault, dash + 1, "illegal escape sequence");
    }
    if (end < start)
        return re_fault(p->fault, dash, "bad character range");
    for (int c = start; c <= end; c++)
        re_set_add(set, (uint8_t)c);
    return 1;
}

/* One element of a class. 0, <0 after a fault. */
static int add_element(struct re_parser *p, struct re_set *set)
{
    int c = p->text.at[p->at], ranged = add_range(p, set);

    if (ranged)
        return ranged < 0 ? ranged : 0;
    if (c == '\\') {
        if (p->at + 1 < p->text.len && add_shorthand(set, p->text.at[p->at + 1])) {
            p->at += 2;
            return 0;
        }
        c = read_escape(p, &p->at);
        if (c < 0)
            return re_fault(p->fault, p->at, "illegal escape sequence");
        re_set_add(set, (uint8_t)c);
        return 0;
    }
    if (c < 32 || c > 126)
        return re_fault(p->fault, p->at, "non-ascii character");
    re_set_add(set, (uint8_t)c);
    p->at++;
    return 0;
}

static void set_both_cases(struct re_set *set)
{
    for (unsigned c = 'a'; c <= 'z'; c++) {
        bool has = re_set_has(set, (uint8_t)c) || re_set_has(set, (uint8_t)(c ^ 0x20));
        if (has) {
            re_set_add(set, (uint8_t)c);
            re_set_add(set, (uint8_t)(c ^ 0x20));
        }
    }
}

static struct re_node *parse_class(struct re_parser *p, bool *full)
{
    size_t open = p->at;
    struct re_node *node = make(p, RE_CLASS, full);
    struct re_set *set = PUSH(p->arena, struct re_set);

    if (!node || !set) {
        *full = true;
        return NULL;
    }
    node->set = set;
    p->at++;
    if (peek(p) == '^') {
        node->negated = true;
        p->at++;
    }
    /* A bracket that comes first is a member, not the end. */
    if (peek(p) == ']') {
        re_set_add(set, ']');
        p->at++;
    }
    while (peek(p) != ']') {
        if (peek(p) < 0)
            return fail_at(p, open, "missing terminating ] for character class");
        if (add_element(p, set) < 0)
            return NULL;
    }
    p->at++;
    if (p->mode.nocase > 0)
        set_both_cases(set);
    return node;
}

/* `ims-u` behind `(?`: stops at what is no flag. False after a fault. */
static bool parse_flags(struct re_parser *p)
{
    int8_t value = 1;

    for (; peek(p) != ')' && peek(p) != ':'; p->at++) {
        switch (peek(p)) {
        case 'i':
            p->mode.nocase = value;
            break;
        case 's':
            p->mode.dotall = value;
            break;
        case 'm':
            p->mode.lines = value;
            break;
        case 'u':
            p->mode.unicode = value;
            break;
        case 'U':
            p->mode.swapped = value;
            break;
        case '-':
            value = -1;
            break;
        default:
            fail_at(p, p->at, "unknown flag, expected one of i, m, s, u, U");
            return false;
        }
    }
    return true;
}

static struct re_node *parse_group(struct re_parser *p, bool *full)
{
    struct re_mode before = p->mode;
    struct re_node *node;

    if (++p->depth > RE_MAX_DEPTH)
        return fail_at(p, p->at, "too many nested parentheses");
    p->at++;
    if (peek(p) == '?') {
        p->at++;
        if (!parse_flags(p))
            return NULL;
        if (peek(p) == ')') {
            p->at++;
            p->depth--;
            return make(p, RE_EMPTY, full);
        }
        p->at++;
    }
    node = parse_alternative(p, full);
    if (!node)
        return NULL;
    if (peek(p) != ')')
        return fail_at(p, p->at, "syntax error");
    p->at++;
    p->depth--;
    p->mode = before;
    return node;
}

/* One byte: with a mode of its own, as a node that the program's flags do not change. */
static struct re_node *make_byte(struct re_parser *p, uint8_t c, bool *full)
{
    bool is_letter = ascii_alnum(c) && c > '9';
    struct re_node *node = make(p, p->mode.nocase && is_letter ? RE_MASKED : RE_LITERAL, full);

    if (!node)
        return NULL;
    node->mask = p->mode.nocase > 0 ? 0xdf : 0xff;
    node->value = node->kind == RE_MASKED ? c & node->mask : c;
    return node;
}

/* A character of UTF-8, as (?u) has it. */
static struct re_node *make_character(struct re_parser *p, bool *full)
{
    struct re_parser inner = *p;

    inner.text = bytes_of(p->mode.dotall > 0
                              ? "([\\x00-\\x7f]|[\\xc2-\\xdf][\\x80-\\xbf]|[\\xe0-\\xef]"
                                "[\\x80-\\xbf]{2}|[\\xf0-\\xf4][\\x80-\\xbf]{3})"
                              : "([\\x00-\\x09\\x0b-\\x7f]|[\\xc2-\\xdf][\\x80-\\xbf]|"
                                "[\\xe0-\\xef][\\x80-\\xbf]{2}|[\\xf0-\\xf4][\\x80-\\xbf]{3})");
    inner.at = 0;
    inner.mode = (struct re_mode){0};
    p->flags |= RE_ALTERNATIVE | RE_GREEDY;
    return parse_alternative(&inner, full);
}

static struct re_node *make_dot(struct re_parser *p, bool *full)
{
    struct re_node *node;

    if (p->mode.unicode > 0)
        return make_character(p, full);
    if (p->mode.dotall == 0)
        return make(p, RE_ANY, full);
    node = make(p, p->mode.dotall > 0 ? RE_MASKED : RE_NOT, full);
    if (node)
        node->value = p->mode.dotall > 0 ? 0 : '\n';
    return node;
}

static struct re_node *parse_escape(struct re_parser *p, bool *full)
{
    size_t at = p->at;
    int value;

    static const struct {
        uint8_t letter, kind;
    } kinds[] = {{'w', RE_WORD},      {'W', RE_NOT_WORD},    {'s', RE_SPACE},
                 {'S', RE_NOT_SPACE}, {'d', RE_DIGIT},       {'D', RE_NOT_DIGIT},
                 {'b', RE_BOUNDARY},  {'B', RE_NOT_BOUNDARY}};

    if (at + 1 < p->text.len) {
        uint8_t letter = p->text.at[at + 1];
        for (size_t i = 0; i < COUNT(kinds); i++)
            if (letter == kinds[i].letter) {
                p->at += 2;
                return make(p, kinds[i].kind, full);
            }
        if (letter >= '0' && letter <= '9')
            return fail_at(p, at, "backreferences are not allowed");
    }
    value = read_escape(p, &p->at);
    if (value < 0)
        return fail_at(p, at, "illegal escape sequence");
    return make_byte(p, (uint8_t)value, full);
}

static struct re_node *parse_single(struct re_parser *p, bool *full)
{
    int c = peek(p);

    switch (c) {
    case '(':
        return parse_group(p, full);
    case '[':
        return parse_class(p, full);
    case '\\':
        return parse_escape(p, full);
    case '.':
        p->at++;
        return make_dot(p, full);
    case '^':
        p->at++;
        return make(p, p->mode.lines > 0 ? RE_LINE_START : RE_START, full);
    case '$':
        p->at++;
        return make(p, p->mode.lines > 0 ? RE_LINE_END : RE_END, full);
    case -1:
    case '|':
    case ')':
    case '*':
    case '+':
    case '?':
        return fail_at(p, p->at, "syntax error");
    default:
        p->at++;
        return make_byte(p, (uint8_t)c, full);
    }
}

static size_t skip_spaces(const struct re_parser *p, size_t at)
{
    while (at < p->text.len && p->text.at[at] == ' ')
        at++;
    return at;
}

/* Digits at *at, saturating; moves *at behind them. */
static uint32_t read_number(const struct re_parser *p, size_t *at)
{
    uint32_t value = 0;

    for (; *at < p->text.len && p->text.at[*at] >= '0' && p->text.at[*at] <= '9'; ++*at)
        if (value < 1000000)
            value = value * 10 + (uint32_t)(p->text.at[*at] - '0');
    return value;
}

/* `{n}`, `{n,m}`, `{n,}`, `{,m}`, `{,}` at p->at: 1 and the bounds, 0 when the brace is a byte,
 * <0 after a fault. */
static int parse_interval(struct re_parser *p, uint32_t *ret_low, uint32_t *ret_high)
{
    size_t at = p->at + 1, digits = at, comma;
    uint32_t low = read_number(p, &at), high = low;

    if (at >= p->text.len)
        return 0;
    if (p->text.at[at] == '}') {
        if (at == digits)
            return 0;
    } else {
        comma = skip_spaces(p, at);
        if (comma >= p->text.len || p->text.at[comma] != ',')
            return 0;
        digits = at = skip_spaces(p, comma + 1);
        high = read_number(p, &at);
        if (at == digits)
            high = RE_MAX_REPEAT;
        if (at >= p->text.len || p->text.at[at] != '}')
            return 0;
    }
    if (high > RE_MAX_REPEAT)
        return re_fault(p->fault, p->at, "repeat interval too large");
    if (high < low)
        return re_fault(p->fault, p->at, "bad repeat interval");
    p->at = at + 1;
    *ret_low = low;
    *ret_high = high;
    return 1;
}

static struct re_node *repeat(struct re_parser *p, struct re_node *single, uint32_t low,
                              uint32_t high, bool *full)
{
    struct re_node *node;

    if (single->kind == RE_ANY)
        node = make(p, RE_GAP, full);
    else
        node = make(p, RE_RANGE, full);
    if (!node)
        return NULL;
    if (single->kind != RE_ANY)
        re_append(node, single);
    node->start = (int32_t)low;
    node->end = (int32_t)high;
    return node;
}

static struct re_node *parse_repeat(struct re_parser *p, bool *full)
{
    struct re_node *single = parse_single(p, full), *node = NULL;
    uint32_t low = 0, high = 0;
    int c, interval = 0;

    if (!single)
        return NULL;
    c = peek(p);
    if (c == '{')
        interval = parse_interval(p, &low, &high);
    if (interval < 0)
        return NULL;
    if (c != '*' && c != '+' && c != '?' && !interval)
        return single;
    if (single->kind >= RE_START || single->kind == RE_EMPTY)
        return fail_at(p, p->at, "syntax error");
    if (interval) {
        node = repeat(p, single, low, high, full);
    } else if (c == '?') {
        node = repeat(p, single, 0, 1, full);
    } else {
        node = make(p, c == '*' ? RE_STAR : RE_PLUS, full);
        if (node)
            re_append(node, single);
    }
    if (!node)
        return NULL;
    if (!interval)
        p->at++;
    if (peek(p) == '?') {
        p->at++;
        node->lazy = true;
    }
    if (p->mode.swapped > 0)
        node->lazy = !node->lazy;
    p->flags |= node->lazy ? RE_LAZY : RE_GREEDY;
    return node;
}

static struct re_node *parse_concat(struct re_parser *p, bool *full)
{
    struct re_node *node = make(p, RE_CONCAT, full), *part;

    if (!node)
        return NULL;
    do {
        part = parse_repeat(p, full);
        if (!part)
            return NULL;
        /* A node that already has neighbours is the body of a group that stands alone:
         * never the case, since groups are concatenations or alternatives of their own. */
        re_append(node, part);
    } while (peek(p) >= 0 && peek(p) != '|' && peek(p) != ')');
    return node;
}

static struct re_node *parse_alternative(struct re_parser *p, bool *full)
{
    struct re_node *left = parse_concat(p, full), *right, *node;

    while (left && peek(p) == '|') {
        int c;
        p->at++;
        p->flags |= RE_ALTERNATIVE;
        c = peek(p);
        right = c < 0 || c == ')' || c == '|' ? make(p, RE_EMPTY, full) : parse_concat(p, full);
        node = right ? make(p, RE_ALT, full) : NULL;
        if (!node)
            return NULL;
        re_append(node, left);
        re_append(node, right);
        left = node;
    }
    return left;
}

int re_parse(bytes text, struct arena *arena, struct re_tree *ret, struct pattern_fault *fault)
{
    struct re_parser p = {.text = text, .arena = arena, .fault = fault};
    bool full = false;
    struct re_node *root = parse_alternative(&p, &full);

    if (full) {
        re_fault(fault, 0, "not enough memory");
        return -ENOMEM;
    }
    if (!root)
        return -EINVAL;
    if (p.at < text.len)
        return re_fault(fault, p.at, "syntax error");
    ret->root = root;
    ret->flags = p.flags;
    return 0;
}
