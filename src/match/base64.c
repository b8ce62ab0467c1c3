/* base64 — RFC 4648 section 4, with any alphabet of 64 bytes, without padding. */
#include "match/base64.h"

static const char standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The characters of which every bit is the text's, when `lead` bytes precede it. */
static bytes encode(bytes text, size_t lead, const uint8_t *alphabet, struct arena *arena)
{
    size_t first = (lead * 8 + 5) / 6, end = (lead + text.len) * 8 / 6;
    uint8_t *ret;

    if (end <= first)
        return (bytes){(const uint8_t *)"", 0};
    ret = arena_push(arena, end - first);
    if (!ret)
        return (bytes){NULL, 0};
    for (size_t i = first; i < end; i++) {
        unsigned value = 0;
        for (size_t bit = i * 6; bit < i * 6 + 6; bit++) {
            size_t at = bit / 8 - lead;
            value = value << 1 | (text.at[at] >> (7 - bit % 8) & 1u);
        }
        ret[i - first] = alphabet[value];
    }
    return (bytes){ret, end - first};
}

static struct re_node *sequence(bytes text, bool wide, struct arena *arena)
{
    struct re_node *concat = re_node(arena, RE_CONCAT);

    for (size_t i = 0; concat && i < text.len * (wide ? 2 : 1); i++) {
        struct re_node *node = re_node(arena, RE_LITERAL);
        if (!node)
            return NULL;
        node->value = !wide ? text.at[i] : i & 1 ? 0 : text.at[i / 2];
        re_append(concat, node);
    }
    return concat;
}

/* Adds the three shifts of a text to the alternatives. */
static bool add_shifts(bytes text, const uint8_t *alphabet, bool wide, struct arena *arena,
                       struct re_node **tree)
{
    for (size_t lead = 0; lead < 3; lead++) {
        struct re_node *node, *both;
        bytes encoded;
        if (lead == 1 && text.len == 1)
            continue;
        encoded = encode(text, lead, alphabet, arena);
        if (!encoded.at)
            return false;
        node = sequence(encoded, wide, arena);
        if (!node)
            return false;
        if (!*tree) {
            *tree = node;
            continue;
        }
        both = re_node(arena, RE_ALT);
        if (!both)
            return false;
        re_append(both, *tree);
        re_append(both, node);
        *tree = both;
    }
    return true;
}

static bool add_forms(const struct pattern_source *source, bytes text, struct arena *arena,
                      struct re_node **tree)
{
    bytes narrow = source->alphabet.len == 64 ? source->alphabet : bytes_of(standard);
    bytes broad = source->alphabet_wide.len == 64 ? source->alphabet_wide : bytes_of(standard);

    if (source->flags & PATTERN_BASE64 && !add_shifts(text, narrow.at, false, arena, tree))
        return false;
    return !(source->flags & PATTERN_BASE64WIDE) ||
           add_shifts(text, broad.at, true, arena, tree);
}

bool base64_tree(const struct pattern_source *source, struct arena *arena, struct re_tree *ret)
{
    struct re_node *tree = NULL, *root = re_node(arena, RE_CONCAT);
    bytes text = source->text;

    if (!root)
        return false;
    if (source->flags & PATTERN_WIDE) {
        uint8_t *spread = arena_push(arena, text.len * 2);
        if (!spread)
            return false;
        for (size_t i = 0; i < text.len; i++)
            spread[2 * i] = text.at[i];
        if (!add_forms(source, (bytes){spread, text.len * 2}, arena, &tree))
            return false;
    }
    if (source->flags & PATTERN_ASCII || !(source->flags & PATTERN_WIDE))
        if (!add_forms(source, text, arena, &tree))
            return false;
    re_append(root, tree);
    ret->root = root;
    ret->flags = RE_ALTERNATIVE;
    return true;
}
