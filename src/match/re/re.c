/* re — small questions about the syntax tree. Recursion is bounded by the parsers
 * (RE_MAX_DEPTH) except along alternatives, which lean left and are walked in loops. */
#include "match/re/re.h"

#include <errno.h>
#include <string.h>

struct re_node *re_node(struct arena *arena, enum re_kind kind)
{
    struct re_node *node = PUSH(arena, struct re_node);

    if (node) {
        node->kind = (uint8_t)kind;
        if (kind == RE_LITERAL || kind == RE_NOT)
            node->mask = 0xff;
    }
    return node;
}

void re_append(struct re_node *parent, struct re_node *child)
{
    child->prev = parent->last;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
}

int re_fault(struct pattern_fault *fault, size_t at, const char *text)
{
    size_t length = strlen(text);

    fault->at = at;
    fault->is_warning = false;
    if (length >= sizeof fault->text)
        length = sizeof fault->text - 1;
    memcpy(fault->text, text, length);
    fault->text[length] = 0;
    return -EINVAL;
}

bytes re_literal(const struct re_tree *tree, struct arena *arena, bool *ret_full)
{
    const struct re_node *root = tree->root;
    size_t length = 0;
    uint8_t *text;

    if (root->kind == RE_LITERAL) {
        text = arena_push(arena, 1);
        if (!text) {
            *ret_full = true;
            return (bytes){NULL, 0};
        }
        text[0] = root->value;
        return (bytes){text, 1};
    }
    if (root->kind != RE_CONCAT)
        return (bytes){NULL, 0};
    for (const struct re_node *at = root->first; at; at = at->next, length++)
        if (at->kind != RE_LITERAL)
            return (bytes){NULL, 0};
    text = arena_push(arena, length);
    if (!text) {
        *ret_full = true;
        return (bytes){NULL, 0};
    }
    length = 0;
    for (const struct re_node *at = root->first; at; at = at->next)
        text[length++] = at->value;
    return (bytes){text, length};
}

bool re_has_open_gap(const struct re_node *node)
{
    if ((node->kind == RE_STAR || node->kind == RE_PLUS) && node->first->kind == RE_ANY)
        return true;
    if (node->kind == RE_GAP && node->end == RE_MAX_REPEAT)
        return true;
    if (node->kind == RE_CONCAT)
        for (const struct re_node *at = node->first; at; at = at->next)
            if (re_has_open_gap(at))
                return true;
    return false;
}

bool re_split(struct re_tree *tree, struct arena *arena, struct re_tree *ret, int32_t *ret_min,
              int32_t *ret_max)
{
    struct re_node *root = tree->root, *rest;

    if (root->kind != RE_CONCAT)
        return false;
    for (struct re_node *at = root->first; at; at = at->next) {
        if (at->kind != RE_GAP || !at->lazy || !at->prev || !at->next)
            continue;
        if (at->start <= RE_CHAIN_GAP && at->end <= RE_CHAIN_GAP && !at->ends_piece)
            continue;
        rest = re_node(arena, RE_CONCAT);
        ret->root = rest;
        ret->flags = tree->flags;
        if (!rest)
            return true;
        rest->first = at->next;
        rest->last = root->last;
        root->last = at->prev;
        at->prev->next = NULL;
        at->next->prev = NULL;
        *ret_min = at->start;
        *ret_max = at->end;
        return true;
    }
    return false;
}

static uint32_t add_length(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static uint32_t repeat_length(uint32_t length, uint32_t times)
{
    if (length == UINT32_MAX)
        return times ? UINT32_MAX : 0;
    return length && times > UINT32_MAX / length ? UINT32_MAX : length * times;
}

void re_length(const struct re_node *node, uint32_t *ret_min, uint32_t *ret_max)
{
    uint32_t min = 0, max = 0, low, high;

    switch (node->kind) {
    case RE_CONCAT:
        for (const struct re_node *at = node->first; at; at = at->next) {
            re_length(at, &low, &high);
            min = add_length(min, low);
            max = add_length(max, high);
        }
        break;
    case RE_ALT:
        min = UINT32_MAX;
        for (;; node = node->first) {
            re_length(node->kind == RE_ALT ? node->last : node, &low, &high);
            min = low < min ? low : min;
            max = high > max ? high : max;
            if (node->kind != RE_ALT)
                break;
        }
        break;
    case RE_STAR:
        max = UINT32_MAX;
        break;
    case RE_PLUS:
        re_length(node->first, &min, &max);
        max = UINT32_MAX;
        break;
    case RE_RANGE:
        re_length(node->first, &low, &high);
        min = repeat_length(low, (uint32_t)node->start);
        max = repeat_length(high, (uint32_t)node->end);
        break;
    case RE_GAP:
        min = (uint32_t)node->start;
        max = node->end >= 0xffff ? UINT32_MAX : (uint32_t)node->end;
        break;
    case RE_EMPTY:
    case RE_START:
    case RE_END:
    case RE_BOUNDARY:
    case RE_NOT_BOUNDARY:
    case RE_LINE_START:
    case RE_LINE_END:
    case RE_BESIDE:
        break;
    default:
        min = max = 1;
    }
    *ret_min = min;
    *ret_max = max;
}

static bool is_word(uint8_t c)
{
    return ascii_alnum(c) || c == '_';
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static uint8_t other_case(uint8_t c)
{
    if (c >= 'a' && c <= 'z')
        return (uint8_t)(c - 32);
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c + 32);
    return c;
}

static void fill_class(const struct re_node *node, bool nocase, struct re_set *ret)
{
    *ret = *node->set;
    for (unsigned c = 'A'; nocase && c <= 'Z'; c++) {
        if (re_set_has(node->set, (uint8_t)c))
            re_set_add(ret, other_case((uint8_t)c));
        if (re_set_has(node->set, other_case((uint8_t)c)))
            re_set_add(ret, (uint8_t)c);
    }
}

static void fill_masked(const struct re_node *node, struct re_set *ret)
{
    for (unsigned c = 0; c < 256; c++)
        if ((c & node->mask) == node->value)
            re_set_add(ret, (uint8_t)c);
}

static void fill_if(bool (*has)(uint8_t), struct re_set *ret)
{
    for (unsigned c = 0; c < 256; c++)
        if (has((uint8_t)c))
            re_set_add(ret, (uint8_t)c);
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static void turn_over(struct re_set *set)
{
    for (size_t i = 0; i < sizeof set->bits; i++)
        set->bits[i] = (uint8_t)~set->bits[i];
}

bool re_accepts(const struct re_node *node, bool nocase, bool dotall, struct re_set *ret)
{
    bool turned = false;

    if (node->kind > RE_NOT_DIGIT)
        return false;
    *ret = (struct re_set){{0}};
    switch (node->kind) {
    case RE_LITERAL:
        re_set_add(ret, node->value);
        if (nocase)
            re_set_add(ret, other_case(node->value));
        break;
    case RE_NOT:
        turned = true;
        re_set_add(ret, node->value);
        break;
    case RE_MASKED:
    case RE_NOT_MASKED:
        turned = node->kind == RE_NOT_MASKED;
        fill_masked(node, ret);
        break;
    case RE_ANY:
        turned = true;
        if (!dotall)
            re_set_add(ret, '\n');
        break;
    case RE_CLASS:
        turned = node->negated;
        fill_class(node, nocase, ret);
        break;
    case RE_WORD:
    case RE_NOT_WORD:
        turned = node->kind == RE_NOT_WORD;
        fill_if(is_word, ret);
        break;
    case RE_SPACE:
    case RE_NOT_SPACE:
        turned = node->kind == RE_NOT_SPACE;
        fill_if(is_space, ret);
        break;
    default:
        turned = node->kind == RE_NOT_DIGIT;
        fill_if(is_digit, ret);
    }
    if (turned)
        turn_over(ret);
    return true;
}
