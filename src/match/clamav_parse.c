/* clamav_parse — the body of a ClamAV signature (docs.clamav.net, "Body-based Signature Content
 * Format"; where that is silent, what clamscan 1.4 takes):
 *
 *   body:   part ( jump part )*
 *   jump:   '*' | '{' n '}' | '{' n '-' m '}' | '{' '-' m '}' | '{' n '-' '}'
 *   part:   edge? [ byte near ] unit+ [ near byte ] edge?
 *   near:   '[' n '-' m ']' | '[' n ']'           m at most 32; a jump beside it is measured
 *                                                 from the part, as if the byte were not there
 *   unit:   byte | group | '!' group | edge       edges inside stand for a byte
 *   byte:   AB | A? | ?B | ??
 *   group:  '(' body of bytes and groups ( '|' ... )* ')'
 *   edge:   '(B)' | '(L)' | '(W)', each also after '!', but not so at the beginning
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
    struct re_node *jump, *near; /* the last jump, and range in brackets, or NULL */
    uint32_t piece;              /* longest length since the last long jump */
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

/* Inside a part an edge stands for the byte that it would look at. */
static struct re_node *edge_byte(struct body_parser *p, enum program_edge edge, bool negated)
{
    struct re_node *node = make_set(p), *both, *line, *two;

    for (unsigned c = 0; node && c < 256; c++)
        if ((edge == EDGE_LINE ? c == '\n' : program_is_edge((uint8_t)edge, (uint8_t)c)) !=
            negated)
            re_set_add(node->set, (uint8_t)c);
    if (!node || edge != EDGE_LINE || negated)
        return node;
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
    p->has_fixed = false;
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

static void drop_last(struct re_node *parent)
{
    struct re_node *last = parent->last;

    parent->last = last->prev;
    *(parent->last ? &parent->last->next : &parent->first) = NULL;
    last->prev = NULL;
}

/* Of a jump, and what of it a byte and its distance leave. */
static int32_t left_of(int32_t bound, int32_t distance)
{
    return bound == INT_MAX ? bound : bound > distance ? bound - distance - 1 : 0;
}

/* A jump and a byte near the part on one side of it, at any of the distances. */
static struct re_node *near_choices(struct body_parser *p, const struct re_node *jump,
                                    const struct re_node *byte, const struct re_node *near,
                                    bool jump_first)
{
    struct re_node *all = NULL;

    for (int32_t distance = near->start; distance <= near->end; distance++) {
        struct re_node *row = make(p, RE_CONCAT), *one = make_byte(p, byte->value, byte->mask);
        struct re_node *rest =
            make_gap(p, left_of(jump->start, distance), left_of(jump->end, distance), false);
        struct re_node *gap = make_gap(p, distance, distance, false);
        if (!row || !one || !rest || !gap)
            return NULL;
        if (jump->end <= distance)
            break; /* the byte would lie within a part */
        re_append(row, jump_first ? rest : gap);
        re_append(row, one);
        re_append(row, jump_first ? gap : rest);
        struct re_node *either = all ? make(p, RE_ALT) : row;
        if (!either)
            return NULL;
        if (all) {
            re_append(either, all);
            re_append(either, row);
        }
        all = either;
    }
    p->tree->flags |= RE_ALTERNATIVE;
    return all;
}

/* The jump, the byte and the range between byte and part are the last three, in this order or
 * the reverse; where `jump_first`, the range is not there yet. */
static bool settle_near(struct body_parser *p, struct re_node *jump, struct re_node *near,
                        bool jump_first)
{
    const struct re_node *byte = p->root->last;
    bool exact = !jump->ends_piece && near->start != near->end;

    if (!jump_first)
        byte = byte->prev;
    struct re_node *choices = exact ? near_choices(p, jump, byte, near, jump_first) : NULL;
    if (p->full)
        return false;
    if (choices) {
        for (int i = jump_first ? 2 : 3; i > 0; i--)
            drop_last(p->root);
        re_append(p->root, choices);
        return true;
    }
    /* As far as it goes: the distance of the byte is not known to the jump. */
    jump->start = left_of(jump->start, near->end);
    jump->end = left_of(jump->end, near->start);
    if (jump_first)
        re_append(p->root, near);
    return true;
}

static bool add_jump(struct body_parser *p, int64_t low, int64_t high)
{
    bool ends = p->flags & PATTERN_TAILS || low > RE_CHAIN_GAP || high > RE_CHAIN_GAP ||
                p->piece + (uint32_t)high > PIECE_MOST;
    struct re_node *gap = make_gap(p, low, high, ends), *near = p->near;

    p->piece = ends ? 0 : p->piece + (uint32_t)high;
    p->near = NULL;
    p->jump = gap;
    if (!gap)
        return false;
    re_append(p->root, gap);
    return !near || gap->prev->prev != near || settle_near(p, gap, near, false);
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
    if (!is_range && !p->ranged && low > 0 && low < FIXED_JUMP) {
        for (int64_t i = 0; i < low; i++)
            count_unit(p, false);
        p->piece += (uint32_t)low;
        struct re_node *gap = make_gap(p, low, low, false);
        if (gap)
            re_append(p->root, gap);
        return gap != NULL;
    }
    p->ranged = true;
    if (!is_range)
        high = low;
    if (!high)
        high = INT_MAX; /* ClamAV: no upper end */
    if (low > high)
        return wrong(p, start, "a jump can never be taken");
    return end_part(p) && add_jump(p, low, high);
}

/* Behind the bracket: one byte stands on the side that is not the part's. */
static bool parse_near(struct body_parser *p)
{
    size_t start = p->at;
    int64_t low = 0, high = 0;
    bool left = p->units == 1, good = read_number(p, &low);

    high = low;
    if (byte_at(p, p->at) == '-') {
        p->at++;
        good &= read_number(p, &high);
    }
    if (!good || byte_at(p, p->at) != ']' || low > high || high > NEAR_MOST || p->nears == 2)
        return wrong(p, start, "a range in brackets is malformed");
    p->at++;
    p->nears = left ? 1 : 2;
    if (left) {
        p->units = p->fixed = 0;
        p->has_fixed = false;
    } else {
        uint8_t after = byte_at(p, p->at + 2);
        if (p->text.len - p->at < 2 ||
            (p->at + 2 < p->text.len && after != '*' && after != '{'))
            return wrong(p, start, "a range in brackets is not beside a single byte");
    }
    p->piece += (uint32_t)high;
    struct re_node *gap = make_gap(p, low, high, false);
    if (!gap)
        return false;
    if (left && p->jump && p->root->last->prev == p->jump)
        return settle_near(p, p->jump, gap, true);
    re_append(p->root, gap);
    p->near = left ? NULL : gap;
    return true;
}

/* An edge at the end of a part, or where it stands for a byte. */
static bool parse_edge(struct body_parser *p, enum program_edge edge, bool negated)
{
    size_t next = p->at + 3;
    uint8_t value = (uint8_t)(edge | (negated ? EDGE_NOT : 0) |
                              (p->flags & PATTERN_WIDE && edge == EDGE_WORD ? EDGE_WIDE : 0));

    if (next >= p->text.len) {
        p->tree->right = value;
        p->at = next;
        return true;
    }
    if (!p->root->first && !negated) { /* ClamAV takes `!(W)` here as inside */
        p->tree->left = value;
        p->at = next;
        return true;
    }
    if (byte_at(p, next) == '*' || byte_at(p, next) == '{' || (!p->units && p->root->first))
        return wrong(p, p->at, "an edge beside a jump");
    p->at = next;
    count_unit(p, false);
    if (!grow_piece(p, 2))
        return false;
    struct re_node *node = edge_byte(p, edge, negated);
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
        if (p->nears < 2)
            count_unit(p, mask == 0xff);
        if (p->flags & PATTERN_WIDE)
            count_unit(p, true);
        return grow_piece(p, p->flags & PATTERN_WIDE ? 2 : 1) &&
               append(p, p->root, make_byte(p, value, mask));
    }
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
    if (!p.full && !fault->text[0] && end_part(&p)) {
        tree.root = p.root;
        *ret = tree;
        return 0;
    }
    if (!p.full)
        return -EINVAL;
    re_fault(fault, 0, "not enough memory");
    return -ENOMEM;
}
