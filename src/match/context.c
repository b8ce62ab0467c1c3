#include "match/context.h"

#include <string.h>

enum {
    STRETCH = 512,
    MAX_DEPTH = 64,
    CONTEXT_MAX = STRETCH, /* a place lies in one stretch */
};

/* A stretch of a match whose bytes all have a fixed distance from each other: what is known of
 * each. Optional parts, alternatives and variable gaps end it. */
struct stretch {
    uint8_t value[STRETCH], mask[STRETCH];
    uint32_t n;
    bool dotall;
    bytes text;
    /* The best place so far. */
    uint8_t best_value[CONTEXT_MAX], best_mask[CONTEXT_MAX];
    uint32_t best_length, best_lead, best_bits;
};

static bool text_fits(const struct stretch *stretch, uint32_t at)
{
    for (uint32_t i = 0; i < stretch->text.len; i++)
        if (stretch->mask[at + i] != 0xff || stretch->value[at + i] != stretch->text.at[i])
            return false;
    return true;
}

static void keep_place(struct stretch *stretch, uint32_t at)
{
    uint32_t length = (uint32_t)stretch->text.len, bits = 0;
    uint32_t from = at < CONTEXT_SIDE ? 0 : at - CONTEXT_SIDE;
    uint32_t to =
        stretch->n - at - length < CONTEXT_SIDE ? stretch->n : at + length + CONTEXT_SIDE;
    while (from < at && !stretch->mask[from])
        from++;
    while (to > at + length && !stretch->mask[to - 1])
        to--;
    for (uint32_t i = from; i < to; i++)
        bits += (uint32_t)__builtin_popcount(stretch->mask[i]);
    if (bits <= stretch->best_bits)
        return;
    stretch->best_bits = bits;
    stretch->best_length = to - from;
    stretch->best_lead = at - from;
    memcpy(stretch->best_value, stretch->value + from, to - from);
    memcpy(stretch->best_mask, stretch->mask + from, to - from);
}

static void stretch_end(struct stretch *stretch)
{
    for (uint32_t at = 0; at + stretch->text.len <= stretch->n; at++)
        if (text_fits(stretch, at))
            keep_place(stretch, at);
    stretch->n = 0;
}

static void stretch_add(struct stretch *stretch, uint8_t value, uint8_t mask)
{
    if (stretch->n == STRETCH)
        stretch_end(stretch);
    stretch->value[stretch->n] = value & mask;
    stretch->mask[stretch->n++] = mask;
}

/* The bits in which all bytes of the set agree. */
static void stretch_add_set(struct stretch *stretch, const struct re_set *set)
{
    unsigned all = 0xff, any = 0;
    for (unsigned c = 0; c < 256; c++)
        if (re_set_has(set, (uint8_t)c)) {
            all &= c;
            any |= c;
        }
    stretch_add(stretch, (uint8_t)all, (uint8_t)(all | ~any));
}

static void stretch_walk(struct stretch *stretch, const struct re_node *node, uint32_t depth)
{
    struct re_set set;
    const struct re_node *one = node->kind == RE_RANGE ? node->first : node;
    if (depth < MAX_DEPTH && node->kind == RE_CONCAT) {
        for (const struct re_node *at = node->first; at; at = at->next)
            if (at->kind == RE_LITERAL)
                stretch_add(stretch, at->value, 0xff);
            else
                stretch_walk(stretch, at, depth + 1);
        return;
    }
    if (node->kind == RE_GAP && node->start == node->end && node->start <= STRETCH) {
        for (int32_t i = 0; i < node->start; i++)
            stretch_add(stretch, 0, 0);
    } else if ((one == node || (node->start == node->end && node->start <= STRETCH)) &&
               re_accepts(one, false, stretch->dotall, &set)) {
        for (int32_t i = 0; i < (one == node ? 1 : node->start); i++)
            stretch_add_set(stretch, &set);
    } else if (node->kind != RE_EMPTY) {
        stretch_end(stretch);
    }
}

bool context_find(const struct re_node *root, bool dotall, bytes text, struct arena *arena,
                  struct literal_context *ret)
{
    struct arena_mark mark = arena_mark(arena);
    struct stretch *stretch = arena_push_raw(arena, sizeof *stretch);
    uint8_t value[sizeof stretch->best_value], known[sizeof stretch->best_mask];
    *ret = (struct literal_context){.lead = 0};
    if (!stretch)
        return false;
    if (text.len == 1 || memcmp(text.at, text.at + 1, text.len - 1) == 0)
        return true;
    stretch->n = stretch->best_length = stretch->best_lead = 0;
    stretch->dotall = dotall;
    stretch->text = text;
    stretch->best_bits = (uint32_t)text.len * 8;
    stretch_walk(stretch, root, 0);
    stretch_end(stretch);
    uint32_t length = stretch->best_length, lead = stretch->best_lead;
    memcpy(value, stretch->best_value, length);
    memcpy(known, stretch->best_mask, length);
    arena_pop(arena, mark);
    if (length == 0)
        return true;
    ret->value = arena_copy(arena, (bytes){value, length});
    ret->mask = arena_copy(arena, (bytes){known, length});
    ret->lead = lead;
    return ret->value.at && ret->mask.at;
}
