/* clamav_parse — the body of a ClamAV signature (docs.clamav.net, "Body-based Signature Content
 * Format"; where that is silent, what clamscan 1.4 takes):
 *
 *   body:   part ( jump part )*
 *   jump:   '*' | '{' n '}' | '{' n '-' m '}' | '{' '-' m '}' | '{' n '-' '}'
 *   part:   [ byte near ] edge? unit+ edge? [ near byte ]
 *   near:   '[' n '-' m ']' | '[' n ']'           m at most 32; the byte stands beside the part
 *                                                 and is none of it: jumps and offsets are
 *                                                 measured from the part
 *   unit:   byte | group | '!' group | edge       edges inside stand for a byte
 *   byte:   AB | A? | ?B | ??
 *   group:  '(' body of bytes and groups ( '|' ... )* ')'
 *   edge:   '(B)' | '(L)' | '(W)', each also after '!', but not so at the beginning;
 *                                                 of every part, not only of the body
 *
 * `{n}` below 128 stands for n times `??` unless another jump in braces came before. Every part
 * has two fixed bytes in a row. */
#include "match/program.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

enum {
    NEAR_MOST = 32,
    NEST_MOST = 15,
    FIXED_JUMP = 128,  /* from here on `{n}` ends a part */
    PIECE_MOST = 3000, /* bytes: the matcher looks 4,096 each way from an atom */
    STRINGS_MOST = 256,
};

struct body_parser {
    bytes text;
    size_t at;
    struct arena *arena;
    struct pattern_fault *fault;
    uint32_t flags, depth;
    struct re_tree *tree;
    struct re_node *root;
    bool full, ranged;     /* a jump in braces that is no run of ?? came before */
    uint32_t units, fixed; /* of the part: ClamAV's count, and fixed bytes in a row */
    bool has_fixed;        /* two of them in a row */
    uint32_t nears;
    bool edged;     /* the part has an edge at its beginning */
    uint32_t piece; /* longest length since the last long jump */
};

static struct re_node *parse_group(struct body_parser *p);

static bool wrong(struct body_parser *p, size_t at, const char *text)
{
    re_fault(p->fault, at, text);
    return false;
}

static struct re_node *no_node(struct body_parser *p, size_t at, const char *text)
{
    wrong(p, at, text);
    return NULL;
}

static uint8_t byte_at(const struct body_parser *p, size_t at)
{
    return at < p->text.len ? p->text.at[at] : 0;
}

static struct re_node *make(struct body_parser *p, enum re_kind kind)
{
    struct re_node *node = re_node(p->arena, kind);

    if (!node)
        p->full = true;
    return node;
}

static struct re_node *make_byte(struct body_parser *p, uint8_t value, uint8_t mask)
{
    struct re_node *node = make(p, mask == 0xff ? RE_LITERAL : mask ? RE_MASKED : RE_ANY);

    if (node) {
        node->value = value;
        node->mask = mask;
    }
    return node;
}

static struct re_node *make_gap(struct body_parser *p, int64_t low, int64_t high, bool ends)
{
    struct re_node *node = make(p, RE_GAP);

    if (node) {
        node->lazy = true;
        node->ends_piece = ends;
        node->start = (int32_t)low;
        node->end = (int32_t)high;
    }
    return node;
}

static struct re_node *make_set(struct body_parser *p)
{
    struct re_node *node = make(p, RE_CLASS);

    if (node && !(node->set = PUSH(p->arena, struct re_set)))
        p->full = true;
    p->tree->flags |= RE_ALTERNATIVE;
    return p->full ? NULL : node;
}

/* Under `::w` a zero follows each byte. */
static bool append(struct body_parser *p, struct re_node *parent, struct re_node *node)
{
    struct re_node *zero;

    if (!node)
        return false;
    re_append(parent, node);
    if (!(p->flags & PATTERN_WIDE))
        return true;
    zero = make_byte(p, 0, 0xff);
    if (!zero)
        return false;
    re_append(parent, zero);
    return true;
}

/* One byte; false when there is none. */
static bool read_byte(struct body_parser *p, uint8_t *value, uint8_t *mask)
{
    uint8_t c = byte_at(p, p->at), next = byte_at(p, p->at + 1);
    int high = ascii_hex(c), low = ascii_hex(next);

    if ((high < 0 && c != '?') || (low < 0 && next != '?'))
        return wrong(p, p->at, "is no hexadecimal text");
    *value = (uint8_t)((high < 0 ? 0 : high << 4) | (low < 0 ? 0 : low));
    *mask = (uint8_t)((high < 0 ? 0 : 0xf0) | (low < 0 ? 0 : 0x0f));
    p->at += 2;
    return true;
}

/* Digits, if any. */
static bool read_number(struct body_parser *p, int64_t *ret)
{
    size_t start = p->at;
    int64_t value = 0;

    for (; p->at < p->text.len && p->text.at[p->at] >= '0' && p->text.at[p->at] <= '9'; p->at++)
        if (value < INT_MAX)
            value = value * 10 + (p->text.at[p->at] - '0');
    *ret = value > INT_MAX ? INT_MAX : value;
    return p->at > start;
}

/* --- edges --- */

static bool is_edge(const struct body_parser *p, size_t at, enum program_edge *ret)
{
    uint8_t c = byte_at(p, at + 1);

    if (byte_at(p, at) != '(' || byte_at(p, at + 2) != ')' ||
        (c != 'B' && c != 'L' && c != 'W'))
        return false;
    *ret = c == 'B' ? EDGE_DELIMITER : c == 'L' ? EDGE_LINE : EDGE_WORD;
    return true;
}

static struct re_node *make_beside(struct body_parser *p, enum program_beside beside,
                                   uint8_t value, uint8_t mask)
{
    struct re_node *node = make(p, RE_BESIDE);

    p->tree->flags |= RE_ALTERNATIVE; /* the simple matcher does not look beside */
    if (node) {
        node->beside = (uint8_t)beside;
        node->value = value;
        node->mask = mask;
    }
    return node;
}

/* What is no \n, and no \r of a \r\n. */
static struct re_node *not_line(struct body_parser *p, struct re_node *node)
{
    struct re_node *both = make(p, RE_CONCAT), *split;

    split = make_beside(p, BESIDE_SPLIT_LINE, 0, 0);
    if (!both || !split)
        return NULL;
    re_append(both, node);
    re_append(both, split);
    return both;
}

/* Inside a part an edge stands for the byte that it would look at. */
static struct re_node *edge_byte(struct body_parser *p, enum program_edge edge, bool negated)
{
    struct re_node *node = make_set(p), *both, *line, *two;

    for (unsigned c = 0; node && c < 256; c++)
        if ((edge == EDGE_LINE ? c == '\n' : program_is_edge((uint8_t)edge, (uint8_t)c)) !=
            negated)
            re_set_add(node->set, (uint8_t)c);
    if (!node || edge != EDGE_LINE)
        return node;
    if (negated)
        return not_line(p, node);
    both = make(p, RE_ALT);
    two = make(p, RE_CONCAT);
    line = make_byte(p, '\n', 0xff);
    if (!both || !two || !line || !append(p, two, make_byte(p, '\r', 0xff)))
        return NULL;
    re_append(two, line);
    re_append(both, node);
    re_append(both, two);
    return both;
}

/* --- groups --- */

struct string_set {
    uint32_t count;
    size_t length;
    const uint8_t *at[STRINGS_MOST];
};

/* Bytes that are none of the strings, from `depth` on, where the strings agree before. */
static struct re_node *none_of(struct body_parser *p, const struct string_set *set,
                               size_t depth)
{
    struct re_node *others = make_set(p), *all, *rest;
    struct string_set *same;

    if (!others)
        return NULL;
    for (unsigned c = 0; c < 256; c++)
        re_set_add(others->set, (uint8_t)c);
    for (uint32_t i = 0; i < set->count; i++) {
        uint8_t c = set->at[i][depth];
        others->set->bits[c >> 3] &= (uint8_t) ~(1u << (c & 7));
    }
    all = make(p, RE_CONCAT);
    if (!all || !append(p, all, others))
        return NULL;
    for (size_t i = depth + 1; i < set->length; i++)
        if (!append(p, all, make_byte(p, 0, 0)))
            return NULL;
    same = depth + 1 < set->length ? PUSH(p->arena, struct string_set) : NULL;
    for (unsigned c = 0; same && c < 256; c++) {
        struct re_node *alt;
        same->count = 0;
        same->length = set->length;
        for (uint32_t i = 0; i < set->count; i++)
            if (set->at[i][depth] == c)
                same->at[same->count++] = set->at[i];
        if (!same->count)
            continue;
        rest = make(p, RE_CONCAT);
        alt = make(p, RE_ALT);
        if (!rest || !alt || !append(p, rest, make_byte(p, (uint8_t)c, 0xff)))
            return NULL;
        re_append(rest, none_of(p, same, depth + 1));
        if (p->full)
            return NULL;
        re_append(alt, all);
        re_append(alt, rest);
        all = alt;
    }
    return p->full ? NULL : all;
}

/* `!(aabb|ccdd)`: strings of one length, of fixed bytes. Behind the parenthesis. */
static struct re_node *parse_negated(struct body_parser *p)
{
    struct string_set *set = PUSH(p->arena, struct string_set);
    uint8_t value, mask, *text;
    size_t start = p->at, n = 0;

    if (p->flags & (PATTERN_NOCASE | PATTERN_FULLWORD))
        return no_node(p, p->at, "negated alternatives have modifiers");
    text = arena_push(p->arena, p->text.len);
    if (!set || !text) {
        p->full = true;
        return NULL;
    }
    for (;;) {
        size_t from = n;
        while (byte_at(p, p->at) != '|' && byte_at(p, p->at) != ')') {
            if (!read_byte(p, &value, &mask) || mask != 0xff)
                return no_node(p, start, "negated alternatives are not plain");
            text[n++] = value;
        }
        if (set->count && n - from != set->length)
            return no_node(p, start, "negated alternatives differ in length");
        if (n == from || set->count == STRINGS_MOST)
            return no_node(p, start, "negated alternatives are empty or too many");
        set->length = n - from;
        set->at[set->count++] = text + from;
        if (byte_at(p, p->at++) == ')')
            return none_of(p, set, 0);
    }
}

static struct re_node *parse_sequence(struct body_parser *p)
{
    struct re_node *concat = make(p, RE_CONCAT);
    uint8_t value, mask, c;

    while (concat && (c = byte_at(p, p->at)) != '|' && c != ')') {
        struct re_node *node;
        if (p->at >= p->text.len)
            return no_node(p, p->at, "lacks a closing parenthesis");
        if (c == '(') {
            p->at++;
            node = parse_group(p);
            if (!node)
                return NULL;
            re_append(concat, node);
            continue;
        }
        if (c == '!')
            return no_node(p, p->at, "alternatives within negated ones");
        if (c == '*' || c == '{')
            return no_node(p, p->at, "a jump within alternatives");
        if (!read_byte(p, &value, &mask) || !append(p, concat, make_byte(p, value, mask)))
            return NULL;
    }
    if (concat && !concat->first)
        return no_node(p, p->at, "an alternative is empty");
    return concat;
}

/* `(aa|bb)` of single bytes is a class. */
static bool read_class(struct body_parser *p, struct re_node **ret)
{
    size_t start = p->at;
    uint8_t value, mask;

    if (p->flags & PATTERN_NOCASE)
        return false;
    for (size_t at = start;; at += 3) {
        if (ascii_hex(byte_at(p, at)) < 0 || ascii_hex(byte_at(p, at + 1)) < 0)
            return false;
        if (byte_at(p, at + 2) == ')')
            break;
        if (byte_at(p, at + 2) != '|')
            return false;
    }
    *ret = make_set(p);
    while (*ret && read_byte(p, &value, &mask)) {
        re_set_add((*ret)->set, value);
        if (byte_at(p, p->at++) == ')')
            break;
    }
    return true;
}

/* Behind the opening parenthesis. */
static struct re_node *parse_group(struct body_parser *p)
{
    struct re_node *left, *right, *node = NULL;
    bool many = false;

    if (read_class(p, &node)) {
        struct re_node *concat = node ? make(p, RE_CONCAT) : NULL;
        return concat && append(p, concat, node) ? concat : NULL;
    }
    if (++p->depth > NEST_MOST)
        return no_node(p, p->at, "alternatives are nested too deep");
    left = parse_sequence(p);
    while (left && byte_at(p, p->at) == '|') {
        many = true;
        p->at++;
        right = parse_sequence(p);
        node = right ? make(p, RE_ALT) : NULL;
        if (!node)
            return NULL;
        re_append(node, left);
        re_append(node, right);
        left = node;
    }
    if (left) {
        p->at++;
        p->depth--;
        p->tree->flags |= many ? RE_ALTERNATIVE : 0;
    }
    return left;
}

/* --- parts --- */

static bool end_part(struct body_parser *p)
{
    if (p->units < 2)
        return wrong(p, p->at, "a part is shorter than two bytes");
    if (!p->has_fixed)
        return wrong(p, p->at, "a part has no two fixed bytes in a row");
    p->units = p->fixed = p->nears = 0;
    p->has_fixed = p->edged = false;
    return true;
}

static void count_unit(struct body_parser *p, bool is_fixed)
{
    p->units++;
    p->fixed = is_fixed ? p->fixed + 1 : 0;
    p->has_fixed |= p->fixed == 2;
}

/* A long piece is cut where the matcher would not look that far. */
static bool grow_piece(struct body_parser *p, uint32_t length)
{
    p->piece += length;
    if (p->piece <= PIECE_MOST)
        return true;
    p->piece = length;
    return append(p, p->root, make_gap(p, 0, 0, true));
}

static bool add_jump(struct body_parser *p, int64_t low, int64_t high)
{
    bool ends = p->flags & PATTERN_TAILS || low > RE_CHAIN_GAP || high > RE_CHAIN_GAP ||
                p->piece + (uint32_t)high > PIECE_MOST;
    struct re_node *gap = make_gap(p, low, high, ends);

    p->piece = ends ? 0 : p->piece + (uint32_t)high;
    if (gap)
        re_append(p->root, gap);
    return gap != NULL;
}

/* `{n}` as `??` n times. A gap at the end of a body is no gap: the object may end with it. */
static bool add_run(struct body_parser *p, int64_t length)
{
    uint8_t next = byte_at(p, p->at);
    bool last = p->at >= p->text.len || next == '(' || next == '!' || next == '{';
    struct re_node *node = NULL;

    for (int64_t i = 0; i < length; i++) {
        count_unit(p, false);
        if (last && (node = make_byte(p, 0, 0)))
            re_append(p->root, node);
    }
    p->piece += (uint32_t)length;
    if (!last && (node = make_gap(p, length, length, false)))
        re_append(p->root, node);
    return node != NULL;
}

/* Behind the brace. */
static bool parse_jump(struct body_parser *p, uint8_t close)
{
    size_t start = p->at;
    int64_t low = 0, high = 0;
    bool has_low = read_number(p, &low), has_high = false, is_range = false;

    if (byte_at(p, p->at) == '-') {
        is_range = true;
        p->at++;
        has_high = read_number(p, &high);
    }
    if (byte_at(p, p->at) != close || (!has_low && !has_high))
        return wrong(p, start, "a jump is malformed");
    p->at++;
    if (!is_range && !p->ranged && low > 0 && low < FIXED_JUMP)
        return add_run(p, low);
    p->ranged = true;
    if (!is_range)
        high = low;
    if (!high)
        high = INT_MAX; /* ClamAV: no upper end */
    if (low > high)
        return wrong(p, start, "a jump can never be taken");
    return end_part(p) && add_jump(p, low, high);
}

/* The byte of a range in brackets; one of no bits asks for nothing. */
static bool add_near(struct body_parser *p, enum program_beside beside, uint8_t value,
                     uint8_t mask, int64_t low, int64_t high)
{
    struct re_node *node;

    if (!mask)
        return true;
    if (p->flags & PATTERN_NOCASE && mask == 0xff && ascii_lower(value) >= 'a' &&
        ascii_lower(value) <= 'z') {
        mask = 0xdf;
        value &= mask;
    }
    node = make_beside(p, beside, value, mask);
    if (!node)
        return false;
    node->start = (int32_t)low;
    node->end = (int32_t)high;
    re_append(p->root, node);
    return true;
}

static void drop_last(struct re_node *parent)
{
    struct re_node *last = parent->last;

    parent->last = last->prev;
    *(parent->last ? &parent->last->next : &parent->first) = NULL;
}

/* Behind the bracket: one byte stands on the side that is not the part's. */
static bool parse_near(struct body_parser *p)
{
    size_t start = p->at;
    int64_t low = 0, high = 0;
    bool left = p->units == 1, good = read_number(p, &low);
    uint8_t value, mask, after;

    high = low;
    if (byte_at(p, p->at) == '-') {
        p->at++;
        good &= read_number(p, &high);
    }
    if (!good || byte_at(p, p->at) != ']' || low > high || high > NEAR_MOST || p->nears == 2)
        return wrong(p, start, "a range in brackets is malformed");
    p->at++;
    if (left) {
        const struct re_node *byte = p->root->last;
        bool is_byte = byte && (byte->kind == RE_LITERAL || byte->kind == RE_MASKED);
        value = is_byte ? byte->value : 0;
        mask = !is_byte ? 0 : byte->kind == RE_LITERAL ? 0xff : byte->mask;
        if (byte)
            drop_last(p->root);
        p->nears = 1;
        p->units = p->fixed = 0;
        p->has_fixed = false;
        return add_near(p, BESIDE_BEFORE, value, mask, low, high);
    }
    after = byte_at(p, p->at + 2);
    if (p->text.len - p->at < 2 || (p->at + 2 < p->text.len && after != '*' && after != '{'))
        return wrong(p, start, "a range in brackets is not beside a single byte");
    p->nears = 2;
    return read_byte(p, &value, &mask) && add_near(p, BESIDE_BEHIND, value, mask, low, high);
}

/* Whether a jump that ends the part is there: `{n}` may be none. */
static bool is_jump(const struct body_parser *p, size_t at)
{
    uint8_t c = byte_at(p, at);
    int64_t low = 0;

    if (c == '*')
        return true;
    if (c != '{' && (c != '[' || !(p->flags & (PATTERN_WIDE | PATTERN_FULLWORD))))
        return false;
    for (c = byte_at(p, ++at); c >= '0' && c <= '9' && low < FIXED_JUMP; c = byte_at(p, ++at))
        low = low * 10 + (c - '0');
    return p->ranged || low == 0 || low >= FIXED_JUMP || (c != '}' && c != ']');
}

/* An edge at either end of a part, or where it stands for a byte. */
static bool parse_edge(struct body_parser *p, enum program_edge edge, bool negated)
{
    size_t next = p->at + 3;
    uint8_t value = (uint8_t)(edge | (negated ? EDGE_NOT : 0) |
                              (p->flags & PATTERN_WIDE && edge == EDGE_WORD ? EDGE_WIDE : 0));
    bool fullword = p->flags & PATTERN_FULLWORD;
    bool first = !p->root->first && !p->nears, last = next >= p->text.len && !fullword;
    bool opens = !p->units && !p->edged && !negated && !(first && fullword);
    bool ends = last || is_jump(p, next) || (byte_at(p, next) == '[' && p->units);
    struct re_node *node;

    p->at = next;
    if (last) {
        p->tree->right = value;
        return true;
    }
    if (!ends && opens && first) { /* ClamAV takes `!(W)` here as inside */
        p->tree->left = value;
        p->edged = true;
        return true;
    }
    if (ends || opens) {
        p->edged = true;
        node = make_beside(p, ends ? BESIDE_RIGHT : BESIDE_LEFT, value, 0);
        if (node)
            re_append(p->root, node);
        return node != NULL;
    }
    count_unit(p, false);
    if (!grow_piece(p, 2))
        return false;
    node = edge_byte(p, edge, negated);
    if (node)
        re_append(p->root, node);
    return node != NULL;
}

static uint32_t longest(const struct re_node *node)
{
    uint32_t low, high;

    re_length(node, &low, &high);
    return high;
}

static bool parse_special(struct body_parser *p)
{
    bool negated = byte_at(p, p->at) == '!';
    struct re_node *node;
    enum program_edge edge;

    p->at += negated;
    if (is_edge(p, p->at, &edge))
        return parse_edge(p, edge, negated);
    if (byte_at(p, p->at) != '(')
        return wrong(p, p->at, "is no hexadecimal text");
    p->at++;
    node = negated ? parse_negated(p) : parse_group(p);
    if (!node)
        return false;
    count_unit(p, false);
    if (!grow_piece(p, longest(node)))
        return false;
    re_append(p->root, node);
    return true;
}

static bool parse_unit(struct body_parser *p)
{
    uint8_t value, mask, c = byte_at(p, p->at);

    switch (c) {
    case '*':
        p->at++;
        return end_part(p) && add_jump(p, 0, INT_MAX);
    case '{':
        p->at++;
        return parse_jump(p, '}');
    case '[':
        p->at++;
        if (p->flags & (PATTERN_WIDE | PATTERN_FULLWORD))
            return parse_jump(p, ']'); /* as ClamAV rewrites it */
        return parse_near(p);
    case '(':
    case '!':
        return parse_special(p);
    default:
        if (!read_byte(p, &value, &mask))
            return false;
        count_unit(p, mask == 0xff);
        if (p->flags & PATTERN_WIDE)
            count_unit(p, true);
        return grow_piece(p, p->flags & PATTERN_WIDE ? 2 : 1) &&
               append(p, p->root, make_byte(p, value, mask));
    }
}

/* Where a body has more than one end, the edge decides which: it is looked at on the way. */
static bool settle_right(struct body_parser *p)
{
    uint32_t low, high;
    struct re_node *node;

    re_length(p->root, &low, &high);
    if (!p->tree->right || low == high)
        return true;
    node = make_beside(p, BESIDE_RIGHT, p->tree->right, 0);
    if (node)
        re_append(p->root, node);
    p->tree->right = EDGE_NONE;
    return node != NULL;
}

int clamav_parse(const struct pattern_source *source, struct arena *arena, struct re_tree *ret,
                 struct pattern_fault *fault)
{
    struct body_parser p = {
        .text = source->text, .arena = arena, .fault = fault, .flags = source->flags};
    struct re_tree tree = {.root = NULL};

    p.tree = &tree;
    p.root = make(&p, RE_CONCAT);
    if (source->flags & PATTERN_FULLWORD)
        tree.left = tree.right =
            (uint8_t)(EDGE_WORD | (source->flags & PATTERN_WIDE ? EDGE_WIDE : 0));
    if (source->flags & PATTERN_NOCASE)
        tree.flags |= RE_ALTERNATIVE; /* the simple matcher knows no case */
    while (!p.full && p.at < p.text.len)
        if (!parse_unit(&p))
            break;
    if (!p.full && !fault->text[0] && end_part(&p) && settle_right(&p)) {
        tree.root = p.root;
        *ret = tree;
        return 0;
    }
    if (!p.full)
        return -EINVAL;
    re_fault(fault, 0, "not enough memory");
    return -ENOMEM;
}
