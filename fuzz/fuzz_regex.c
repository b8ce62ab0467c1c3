/* fuzz_regex — a pattern and a text, both out of the input.
 *
 *   byte 0: bit 0 nocase, 1 dot-all, 2 hex string, 3 wide, 4 fullword, 5 text pattern
 *   byte 1: length of the pattern, which follows; what is left is the object
 *
 * Properties: a program that was compiled is valid; exists, at and find tell the same; every
 * match contains a necessary literal and has a length that was promised; and where the object
 * is short and nothing is special, the matches are those of the slow reference. */
#include "match/pattern.h"
#include "tests/unit/match/reference.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BIT_HEX = 4, BIT_WIDE = 8, BIT_FULLWORD = 16, BIT_TEXT = 32, STEPS = 1 << 22 };

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool has_literal(const struct pattern_code *code, bytes match)
{
    for (uint32_t k = 0; k < code->literal_count; k++) {
        const struct pattern_literal *literal = &code->literals[k];
        for (size_t at = 0; at + literal->text.len <= match.len; at++) {
            size_t i = 0;
            while (i < literal->text.len &&
                   (literal->nocase ? ascii_lower(match.at[at + i]) : match.at[at + i]) ==
                       literal->text.at[i])
                i++;
            if (i == literal->text.len)
                return true;
        }
    }
    return code->literal_count == 0;
}

static void check_promises(const struct pattern_code *code, bytes object,
                           const struct matches *found, struct arena *arena)
{
    struct budget budget = {.steps = STEPS};
    bool exists = pattern_exists(code->program, object, 0, arena, &budget);
    struct match one;

    require(exists == (found->list.n > 0) || budget.hit != LIMIT_NONE);
    for (uint32_t i = 0; i < found->list.n && i < 16; i++) {
        const struct match *m = &found->list.at[i];
        require(m->length >= code->min_length && m->length <= code->max_length);
        require(has_literal(code, bytes_slice(object, m->offset, m->length)));
        require((pattern_at(code->program, object, m->offset, arena, &budget, &one) &&
                 one.length == m->length) ||
                budget.hit != LIMIT_NONE);
    }
}

static bool has_chain(const struct re_node *root)
{
    for (const struct re_node *at = root->kind == RE_CONCAT ? root->first : NULL; at;
         at = at->next)
        if (at->kind == RE_GAP && at->lazy && at->end > RE_CHAIN_GAP)
            return true;
    return false;
}

static void check_reference(const struct pattern_source *source, bytes object,
                            const struct matches *found, struct arena *arena)
{
    struct reference ref = {.text = object,
                            .nocase = source->flags & PATTERN_NOCASE,
                            .dotall =
                                source->flags & PATTERN_DOTALL || source->kind == PATTERN_HEX};
    struct pattern_fault fault;
    struct re_tree tree;
    int error;

    if (source->kind == PATTERN_HEX)
        error = hex_parse(source->text, arena, &tree, &fault);
    else
        error = re_parse(source->text, arena, &tree, &fault);
    if (error < 0 || has_chain(tree.root))
        return;
    require(!reference_judge(&ref, tree.root, found));
}

static void run(const struct pattern_source *source, bytes object, struct arena *arena)
{
    struct budget budget = {.steps = STEPS};
    struct pattern_fault fault;
    struct pattern_code code;
    struct matches found = {0};

    if (pattern_compile(source, arena, &code, &fault) < 0)
        return;
    require(pattern_valid(code.program));
    if (!pattern_find(code.program, object, 0, arena, &budget, &found) ||
        budget.hit != LIMIT_NONE)
        return;
    check_promises(&code, object, &found, arena);
    if (source->kind != PATTERN_TEXT && object.len < REFERENCE_MAX &&
        !(source->flags & (PATTERN_WIDE | PATTERN_FULLWORD)))
        check_reference(source, object, &found, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    struct pattern_source source = {.kind = PATTERN_REGEX, .flags = PATTERN_ASCII};
    bytes rest;

    if (size < 2)
        return 0;
    if (!arena)
        arena = arena_new(1 << 26);
    if (!arena)
        return 0;
    rest = (bytes){data + 2, size - 2};
    source.text = bytes_slice(rest, 0, data[1]);
    if (data[0] & BIT_HEX)
        source.kind = PATTERN_HEX;
    else if (data[0] & BIT_TEXT)
        source.kind = PATTERN_TEXT;
    if (source.kind != PATTERN_HEX) {
        source.flags |= data[0] & 1 ? PATTERN_NOCASE : 0;
        source.flags |= data[0] & 2 ? PATTERN_DOTALL : 0;
        source.flags |= data[0] & BIT_WIDE ? PATTERN_WIDE : 0;
        source.flags |= data[0] & BIT_FULLWORD ? PATTERN_FULLWORD : 0;
    }
    run(&source, bytes_slice(rest, source.text.len, rest.len), arena);
    arena_reset(arena);
    return 0;
}
