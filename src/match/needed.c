/* needed — extraction of necessary literals.
 *
 * Each node of the tree is asked for two things: all the texts it can match, where they are
 * few (`exact`), and the best set of which any match contains one (`best`). A concatenation
 * multiplies the exact sets of neighbours as long as the product stays small. */
#include "match/needed.h"
#include "match/context.h"
#include "match/literals.h"
#include "match/text.h"

#include <string.h>

enum {
    NOT_PLAIN =
        PATTERN_WIDE | PATTERN_NOCASE | PATTERN_XOR | PATTERN_BASE64 | PATTERN_BASE64WIDE
};

enum { SET_MAX = 64, COST_NONE = UINT32_MAX, COST_BYTES = 8 };

struct strings {
    bool known;
    uint32_t n;
    bytes at[SET_MAX];
};

static void copy_strings(struct strings *to, const struct strings *from)
{
    to->known = from->known;
    to->n = from->n;
    memmove(to->at, from->at, from->n * sizeof *from->at);
}

struct answer {
    struct strings exact; /* known: these and no others */
    struct strings best;  /* known: each match contains one of them */
    uint32_t cost;        /* of best; lower is rarer */
};

struct needs {
    struct arena *arena;
    bool nocase, dotall, full;
    uint32_t work;
    uint16_t cost[256]; /* of a text of one byte, and 1; 0: not asked yet */
};

enum { MAX_WORK = 20000 };

#define PUSH_RAW(arena, type) ((type *)arena_push_raw((arena), sizeof(type)))

/* Quarter bits by which a text is rarer than any: the rarest run of COST_BYTES counts. */
static uint32_t text_bits(bytes text, bool nocase)
{
    size_t length = text.len < COST_BYTES ? text.len : COST_BYTES;
    size_t start = text_rarest(text, length, 1, nocase);
    uint32_t bits = 0;

    for (size_t i = 0; i < length; i++) {
        uint8_t c = text.at[start + i];
        bits += i && c == text.at[start + i - 1] ? 4 : text_byte_bits(c, nocase);
    }
    return bits;
}

static uint32_t text_cost(struct needs *x, bytes text)
{
    uint16_t *known;

    if (text.len != 1)
        return literal_cost(text, x->nocase);
    known = &x->cost[text.at[0]];
    if (!*known)
        *known = (uint16_t)(literal_cost(text, x->nocase) + 1);
    return *known - 1u;
}

/* How dear it is to look for the set: the dearest one's cost and 8 more for every doubling of
 * their number, on the scale of literal_cost; among equals, what the bytes themselves tell. */
static uint32_t strings_cost(struct needs *x, const struct strings *set)
{
    uint32_t least = UINT32_MAX, most = 0, doublings = 0;

    if (!set->known || !set->n)
        return COST_NONE;
    for (uint32_t i = 0; i < set->n; i++) {
        uint32_t bits, cost;
        if (!set->at[i].len)
            return COST_NONE;
        bits = text_bits(set->at[i], x->nocase);
        cost = text_cost(x, set->at[i]);
        least = bits < least ? bits : least;
        most = cost > most ? cost : most;
    }
    while (set->n >> doublings > 1)
        doublings++;
    return (most + doublings * 8) * 32 + (1000 - least) / 32;
}

static void offer(struct needs *x, struct answer *answer, const struct strings *set)
{
    uint32_t cost = strings_cost(x, set);

    if (cost < answer->cost) {
        answer->cost = cost;
        copy_strings(&answer->best, set);
    }
}

static void offer_answer(struct answer *answer, const struct answer *other)
{
    if (other->cost < answer->cost) {
        answer->cost = other->cost;
        copy_strings(&answer->best, &other->best);
    }
}

static void one_empty(struct strings *set)
{
    set->known = true;
    set->n = 1;
    set->at[0] = (bytes){(const uint8_t *)"", 0};
}

/* All of a followed by all of b, in *ret (may be a). False when there would be too many. */
static bool cross(struct needs *x, const struct strings *a, const struct strings *b,
                  struct strings *ret)
{
    struct strings out;

    if (!a->known || !b->known || a->n * b->n > SET_MAX)
        return false;
    out.known = true;
    out.n = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        for (uint32_t k = 0; k < b->n; k++) {
            size_t length = a->at[i].len + b->at[k].len;
            uint8_t *text;
            if (length > NEEDED_LENGTH)
                return false;
            text = arena_push(x->arena, length);
            if (!text) {
                x->full = true;
                return false;
            }
            if (a->at[i].len)
                memcpy(text, a->at[i].at, a->at[i].len);
            if (b->at[k].len)
                memcpy(text + a->at[i].len, b->at[k].at, b->at[k].len);
            out.at[out.n++] = (bytes){text, length};
        }
    }
    copy_strings(ret, &out);
    return true;
}

static void join(struct strings *into, const struct strings *other)
{
    if (!into->known || !other->known || into->n + other->n > SET_MAX) {
        into->known = false;
        return;
    }
    for (uint32_t i = 0; i < other->n; i++) {
        bool known = false;
        for (uint32_t k = 0; k < into->n; k++)
            known |= bytes_equal(into->at[k], other->at[i]);
        if (!known)
            into->at[into->n++] = other->at[i];
    }
}

static void ask(struct needs *x, const struct re_node *node, struct answer *ret);

/* How many characters; with nocase a letter in both cases is one, left in lower case. */
static uint32_t count_set(struct re_set *set, bool nocase)
{
    uint32_t n = 0;

    for (uint8_t c = 'A'; nocase && c <= 'Z'; c++)
        if (re_set_has(set, (uint8_t)(c + 32)))
            set->bits[c >> 3] &= (uint8_t) ~(1u << (c & 7));
    for (size_t i = 0; i < sizeof set->bits; i++)
        n += (uint32_t)__builtin_popcount(set->bits[i]);
    return n;
}

static void put_byte(struct needs *x, uint8_t c, struct strings *set)
{
    uint8_t *text = arena_push_raw(x->arena, 1);

    if (!text) {
        x->full = true;
        return;
    }
    *text = x->nocase ? ascii_lower(c) : c;
    set->at[set->n++] = (bytes){text, 1};
}

static void ask_byte(struct needs *x, const struct re_node *node, struct answer *ret)
{
    struct re_set set;
    uint32_t n;

    if (node->kind == RE_LITERAL) {
        ret->exact.known = true;
        put_byte(x, node->value, &ret->exact);
        offer(x, ret, &ret->exact);
        return;
    }
    if (!re_accepts(node, x->nocase, x->dotall, &set))
        return;
    n = count_set(&set, x->nocase);
    if (!n || n > 16)
        return;
    ret->exact.known = true;
    for (unsigned i = 0; i < sizeof set.bits; i++)
        for (unsigned bits = set.bits[i]; bits; bits &= bits - 1) {
            put_byte(x, (uint8_t)(i * 8 + (unsigned)__builtin_ctz(bits)), &ret->exact);
            if (x->full)
                return;
        }
    offer(x, ret, &ret->exact);
}

/* A sequence so far: `run` is what its end is known to be, `whole` whether that is all of it,
 * `plain` the end of which there is but one spelling. */
struct sequence {
    struct strings run, plain;
    bool whole;
};

static void sequence_begin(struct sequence *sequence)
{
    one_empty(&sequence->run);
    one_empty(&sequence->plain);
    sequence->whole = true;
}

/* One long spelling may be better than many that are longer still. */
static void plain_add(struct needs *x, struct sequence *sequence, const struct answer *part,
                      struct answer *ret)
{
    bool is_plain = part->exact.known && part->exact.n == 1;

    if (is_plain && cross(x, &sequence->plain, &part->exact, &sequence->plain))
        return;
    if (sequence->run.n > 1)
        offer(x, ret, &sequence->plain);
    if (is_plain)
        copy_strings(&sequence->plain, &part->exact);
    else
        one_empty(&sequence->plain);
}

static void sequence_end(struct needs *x, struct sequence *sequence, struct answer *ret)
{
    offer(x, ret, &sequence->run);
    if (sequence->run.n > 1)
        offer(x, ret, &sequence->plain);
}

static void sequence_add(struct needs *x, struct sequence *sequence, const struct answer *part,
                         struct answer *ret)
{
    offer_answer(ret, part);
    plain_add(x, sequence, part, ret);
    if (part->exact.known && part->exact.n > 1)
        offer(x, ret, &sequence->run);
    if (part->exact.known && cross(x, &sequence->run, &part->exact, &sequence->run))
        return;
    offer(x, ret, &sequence->run);
    sequence->whole = false;
    if (part->exact.known)
        copy_strings(&sequence->run, &part->exact);
    else
        one_empty(&sequence->run);
}

static void ask_concat(struct needs *x, const struct re_node *node, struct answer *ret)
{
    struct sequence *sequence = PUSH_RAW(x->arena, struct sequence);
    struct answer *part = PUSH_RAW(x->arena, struct answer);

    if (!sequence || !part) {
        x->full = true;
        return;
    }
    sequence_begin(sequence);
    for (const struct re_node *at = node->first; at && !x->full; at = at->next) {
        ask(x, at, part);
        sequence_add(x, sequence, part, ret);
    }
    sequence_end(x, sequence, ret);
    if (sequence->whole)
        copy_strings(&ret->exact, &sequence->run);
}

/* n copies at least, up to m. */
static void ask_repeat(struct needs *x, const struct re_node *node, int32_t n, int32_t m,
                       struct answer *ret)
{
    struct sequence *sequence = PUSH_RAW(x->arena, struct sequence);
    struct answer *part = PUSH_RAW(x->arena, struct answer);

    if (!sequence || !part) {
        x->full = true;
        return;
    }
    ask(x, node->first, part);
    sequence_begin(sequence);
    if (n == 0) {
        if (m == 1 && part->exact.known) {
            join(&sequence->run, &part->exact);
            copy_strings(&ret->exact, &sequence->run);
        }
        return;
    }
    for (int32_t i = 0; i < n && i < NEEDED_LENGTH && !x->full; i++)
        sequence_add(x, sequence, part, ret);
    sequence_end(x, sequence, ret);
    if (n == m && n < NEEDED_LENGTH && sequence->whole)
        copy_strings(&ret->exact, &sequence->run);
}

static void ask_alt(struct needs *x, const struct re_node *node, struct answer *ret)
{
    struct answer *part = PUSH_RAW(x->arena, struct answer);

    if (!part) {
        x->full = true;
        return;
    }
    ask(x, node->first, ret);
    ask(x, node->last, part);
    join(&ret->exact, &part->exact);
    join(&ret->best, &part->best);
    ret->cost = strings_cost(x, &ret->best);
    if (ret->cost == COST_NONE)
        ret->best.known = false;
}

static void ask(struct needs *x, const struct re_node *node, struct answer *ret)
{
    ret->exact.known = ret->best.known = false;
    ret->exact.n = ret->best.n = 0;
    ret->cost = COST_NONE;
    if (x->full || ++x->work > MAX_WORK)
        return;
    switch (node->kind) {
    case RE_CONCAT:
        ask_concat(x, node, ret);
        break;
    case RE_ALT:
        ask_alt(x, node, ret);
        break;
    case RE_PLUS:
        ask_repeat(x, node, 1, INT32_MAX, ret);
        break;
    case RE_RANGE:
        ask_repeat(x, node, node->start, node->end, ret);
        break;
    case RE_STAR:
    case RE_GAP:
        break;
    case RE_EMPTY:
    case RE_START:
    case RE_END:
    case RE_BOUNDARY:
    case RE_NOT_BOUNDARY:
    case RE_LINE_START:
    case RE_LINE_END:
    case RE_BESIDE:
        one_empty(&ret->exact);
        break;
    default:
        ask_byte(x, node, ret);
    }
}

/* One literal, with its wide form beside it or instead. */
static bool put_literal(struct arena *arena, struct pattern_code *code, bytes text,
                        uint32_t flags)
{
    bool base64 = flags & (PATTERN_BASE64 | PATTERN_BASE64WIDE);
    bool wide = flags & PATTERN_WIDE && !base64, nocase = flags & PATTERN_NOCASE;
    uint8_t *copy;

    if (!wide || flags & PATTERN_ASCII) {
        copy = arena_push(arena, text.len);
        if (!copy)
            return false;
        for (size_t i = 0; i < text.len; i++)
            copy[i] = nocase ? ascii_lower(text.at[i]) : text.at[i];
        code->literals[code->literal_count++] =
            (struct pattern_literal){.text = {copy, text.len}, .nocase = nocase};
    }
    if (wide) {
        copy = arena_push(arena, text.len * 2);
        if (!copy)
            return false;
        for (size_t i = 0; i < text.len; i++)
            copy[2 * i] = nocase ? ascii_lower(text.at[i]) : text.at[i];
        code->literals[code->literal_count++] =
            (struct pattern_literal){.text = {copy, text.len * 2}, .nocase = nocase};
    }
    return true;
}

bool needed_tree(const struct re_node *root, uint32_t flags, struct arena *arena,
                 struct pattern_code *code, uint32_t *cost)
{
    struct arena_mark mark = arena_mark(arena);
    struct needs x = {
        .arena = arena, .nocase = flags & PATTERN_NOCASE, .dotall = flags & PATTERN_DOTALL};
    struct answer *answer = PUSH(arena, struct answer);
    uint8_t kept[SET_MAX][NEEDED_LENGTH];
    size_t lengths[SET_MAX];
    uint32_t n;

    if (!answer)
        return false;
    ask(&x, root, answer);
    if (x.full)
        return false;
    if (answer->cost >= *cost) {
        arena_pop(arena, mark);
        return true;
    }
    *cost = answer->cost;
    n = answer->best.n;
    for (uint32_t i = 0; i < n; i++) {
        lengths[i] = answer->best.at[i].len;
        memcpy(kept[i], answer->best.at[i].at, lengths[i]);
    }
    arena_pop(arena, mark);
    code->literal_count = 0;
    code->literals = PUSH_ARRAY(arena, struct pattern_literal, (size_t)n * 2);
    if (!code->literals)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!put_literal(arena, code, (bytes){kept[i], lengths[i]}, flags))
            return false;
    bool is_plain = n == 1 && !(flags & NOT_PLAIN);
    return !is_plain || context_find(root, x.dotall, code->literals[0].text, arena,
                                     &code->literals[0].context);
}

/* Every key over the text, in each form. */
static bool put_keys(struct arena *arena, struct pattern_code *code, bytes text, uint32_t flags,
                     unsigned low, unsigned high)
{
    for (unsigned key = low; key <= high; key++) {
        uint32_t from = code->literal_count;
        if (!put_literal(arena, code, text, flags & ~(uint32_t)PATTERN_NOCASE))
            return false;
        for (uint32_t i = from; i < code->literal_count; i++) {
            uint8_t *copy = arena_push(arena, code->literals[i].text.len);
            if (!copy)
                return false;
            for (size_t k = 0; k < code->literals[i].text.len; k++)
                copy[k] = code->literals[i].text.at[k] ^ (uint8_t)key;
            code->literals[i].text.at = copy;
        }
    }
    return true;
}

bool needed_text(bytes text, uint32_t flags, uint8_t xor_min, uint8_t xor_max,
                 struct arena *arena, struct pattern_code *code)
{
    enum { XOR_LENGTH = 12 };

    bool nocase = flags & PATTERN_NOCASE;
    size_t most = flags & PATTERN_XOR ? XOR_LENGTH : NEEDED_LENGTH;
    size_t keys = flags & PATTERN_XOR ? (size_t)(xor_max - xor_min) + 1 : 1;

    if (text.len > most)
        text = bytes_slice(text, text_rarest(text, most, 1, nocase), most);
    code->literal_count = 0;
    code->literals = PUSH_ARRAY(arena, struct pattern_literal, keys * 2);
    if (!code->literals)
        return false;
    if (flags & PATTERN_XOR)
        return put_keys(arena, code, text, flags, xor_min, xor_max);
    return put_literal(arena, code, text, flags);
}
