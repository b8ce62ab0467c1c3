/* reference — a slow matcher that is easy to believe: sets of positions through the syntax
 * tree. A set is a 64-bit word, a bit for each position of a text of at most 63 bytes. */
#pragma once
#include "match/re/re.h"

enum { REFERENCE_MAX = 60 };

struct reference {
    bytes text;
    bool nocase, dotall;
};

static inline bool reference_word(const struct reference *ref, int at)
{
    return at >= 0 && at < (int)ref->text.len &&
           (ascii_alnum(ref->text.at[at]) || ref->text.at[at] == '_');
}

static inline bool reference_takes(const struct reference *ref, const struct re_node *node,
                                   uint8_t c)
{
    uint8_t lower = ascii_lower(c), upper = lower >= 'a' && lower <= 'z' ? lower - 32 : c;
    bool word = ascii_alnum(c) || c == '_', digit = c >= '0' && c <= '9';
    bool space = c == ' ' || (c >= 9 && c <= 13);

    switch (node->kind) {
    case RE_LITERAL:
        return c == node->value || (ref->nocase && lower == ascii_lower(node->value));
    case RE_MASKED:
        return (c & node->mask) == node->value;
    case RE_NOT:
        return c != node->value;
    case RE_NOT_MASKED:
        return (c & node->mask) != node->value;
    case RE_ANY:
        return ref->dotall || c != '\n';
    case RE_CLASS:
        return node->negated !=
               (re_set_has(node->set, c) || (ref->nocase && (re_set_has(node->set, lower) ||
                                                             re_set_has(node->set, upper))));
    case RE_WORD:
        return word;
    case RE_NOT_WORD:
        return !word;
    case RE_SPACE:
        return space;
    case RE_NOT_SPACE:
        return !space;
    case RE_DIGIT:
        return digit;
    default:
        return !digit;
    }
}

/* Where the node can end when it begins at any position of `from`. */
static inline uint64_t reference_ends(const struct reference *ref, const struct re_node *node,
                                      uint64_t from);

static inline uint64_t reference_step(const struct reference *ref, const struct re_node *node,
                                      uint64_t from)
{
    uint64_t to = 0;

    for (size_t i = 0; i < ref->text.len; i++)
        if (from >> i & 1 && reference_takes(ref, node, ref->text.at[i]))
            to |= 2ull << i;
    return to;
}

static inline uint64_t reference_where(const struct reference *ref, const struct re_node *node,
                                       uint64_t from)
{
    uint64_t to = 0;

    for (int i = 0; i <= (int)ref->text.len; i++) {
        bool edge = reference_word(ref, i - 1) != reference_word(ref, i);
        bool holds = node->kind == RE_START      ? i == 0
                     : node->kind == RE_END      ? i == (int)ref->text.len
                     : node->kind == RE_BOUNDARY ? edge
                                                 : !edge;
        if (holds)
            to |= from & 1ull << i;
    }
    return to;
}

/* Any number of times from n to m. */
static inline uint64_t reference_times(const struct reference *ref, const struct re_node *node,
                                       uint64_t from, int32_t n, int32_t m)
{
    struct re_node any = {.kind = RE_ANY};
    const struct re_node *body = node->first ? node->first : &any;
    uint64_t all = n ? 0 : from;

    for (int32_t i = 1; i <= m && from; i++) {
        uint64_t next = reference_ends(ref, body, from);
        /* Past n, what brings nothing new will not later. */
        if (i > n && !(next & ~all))
            break;
        from = next;
        if (i >= n)
            all |= from;
        if (i > REFERENCE_MAX * 2 + n)
            break;
    }
    return all;
}

static inline uint64_t reference_ends(const struct reference *ref, const struct re_node *node,
                                      uint64_t from)
{
    switch (node->kind) {
    case RE_CONCAT:
        for (const struct re_node *at = node->first; at; at = at->next)
            from = reference_ends(ref, at, from);
        return from;
    case RE_ALT:
        return reference_ends(ref, node->first, from) | reference_ends(ref, node->last, from);
    case RE_STAR:
        return reference_times(ref, node, from, 0, INT32_MAX);
    case RE_PLUS:
        return reference_times(ref, node, from, 1, INT32_MAX);
    case RE_RANGE:
    case RE_GAP:
        return reference_times(ref, node, from, node->start, node->end);
    case RE_EMPTY:
        return from;
    case RE_START:
    case RE_END:
    case RE_BOUNDARY:
    case RE_NOT_BOUNDARY:
        return reference_where(ref, node, from);
    default:
        return reference_step(ref, node, from);
    }
}

/* False where something that may be empty is repeated: YARA ends a thread that meets the same
 * choice twice without a byte between, and so loses matches of `(a?){6}` (docs/patterns.md). */
static inline bool reference_complete(const struct re_node *node)
{
    uint32_t min = 1, max;

    if (node->kind == RE_STAR || node->kind == RE_PLUS || node->kind == RE_RANGE)
        re_length(node->first, &min, &max);
    for (const struct re_node *at = node->first; at && min; at = at->next)
        if (!reference_complete(at))
            return false;
    return min;
}

/* What is wrong with `found`, the matches of the tree's pattern in ref->text, or NULL: each
 * must end where the reference says it can, and none may be missing that YARA finds. */
static inline const char *reference_judge(const struct reference *ref,
                                          const struct re_node *root,
                                          const struct matches *found)
{
    bool complete = reference_complete(root);

    for (size_t start = 0, k = 0; start < ref->text.len; start++) {
        uint64_t ends = reference_ends(ref, root, 1ull << start);
        bool has = k < found->list.n && found->list.at[k].offset == start;
        if (has && !(ends >> (start + found->list.at[k].length) & 1))
            return "a match that is none";
        if (!has && ends && complete)
            return "a match is missing";
        k += has;
    }
    return NULL;
}
