/* pattern — the door: from a description in a rule to a program. */
#include "match/pattern.h"
#include "match/base64.h"
#include "match/buckets.h"
#include "match/needed.h"
#include "match/plain.h"
#include "match/re/re_atoms.h"
#include "match/re/re_compile.h"
#include "match/text.h"

#include <errno.h>
#include <string.h>

static int no_memory(struct pattern_fault *fault)
{
    re_fault(fault, 0, "not enough memory");
    return -ENOMEM;
}

static int too_large(struct pattern_fault *fault, const char *text)
{
    re_fault(fault, 0, text);
    return -E2BIG;
}

static uint32_t clamp_add(uint32_t a, uint64_t b)
{
    return b > UINT32_MAX - a ? UINT32_MAX : a + (uint32_t)b;
}

/* Lengths in characters become bytes: a wide character is two. */
static void add_lengths(const struct program_draft *draft, struct pattern_code *code,
                        uint32_t low, uint32_t high)
{
    bool wide = draft->head.flags & PATTERN_WIDE;

    if (wide && !(draft->head.flags & (PATTERN_ASCII | PATTERN_BASE64 | PATTERN_BASE64WIDE)))
        low = clamp_add(low, low);
    if (wide && high != UINT32_MAX)
        high = clamp_add(high, high);
    code->min_length = clamp_add(code->min_length, low);
    code->max_length = high == UINT32_MAX ? UINT32_MAX : clamp_add(code->max_length, high);
}

static int write_literal(struct program_draft *draft, struct program_part *part, bytes text,
                         struct pattern_fault *fault)
{
    bool wide = draft->head.flags & PATTERN_WIDE, many = false;

    part->kind = PART_LITERAL;
    part->count = (uint32_t)text.len;
    part->flags = text.len * (wide ? 2 : 1) <= FIND_BYTES ? PART_FITS : 0;
    part->start = program_text(draft, text);
    if (part->start == UINT32_MAX)
        return no_memory(fault);
    if (!re_atoms_text(draft, text, &many))
        return many ? too_large(fault, "too many atoms") : no_memory(fault);
    return 0;
}

/* Forward and backward code, and the atoms that point into it. */
static int write_code(struct program_draft *draft, struct program_part *part,
                      const struct re_tree *tree, bool simple, struct pattern_fault *fault)
{
    uint32_t start = 0, backward;
    bool many = false;
    int error;

    if (simple) {
        part->kind = PART_SIMPLE;
        if (!re_compile_steps(draft, tree->root, &part->start, &part->count))
            return no_memory(fault);
        start = part->start;
    } else {
        part->kind = PART_GENERAL;
        error = re_compile(draft, tree, false, &start, fault);
        if (error < 0)
            return error;
        error = re_compile(draft, tree, true, &backward, fault);
        if (error < 0)
            return error;
    }
    if (!re_atoms(draft, tree, start, &many))
        return many ? too_large(fault, "too many atoms") : no_memory(fault);
    if (simple)
        for (uint32_t i = 0; i < draft->atoms.n; i++)
            if (draft->atoms.at[i].part == draft->parts.n - 1 && draft->atoms.at[i].length)
                draft->atoms.at[i].backward = 0;
    return 0;
}

static int write_part(struct program_draft *draft, struct re_tree *tree, bool simple,
                      struct pattern_fault *fault)
{
    struct program_part *part;
    bool full = false;
    bytes text;

    if (draft->parts.n == PROGRAM_MAX_PARTS)
        return too_large(fault, "too many long jumps");
    part = vec_push(draft->arena, &draft->parts);
    if (!part)
        return no_memory(fault);
    text = re_literal(tree, draft->arena, &full);
    if (full)
        return no_memory(fault);
    if (text.at)
        return write_literal(draft, part, text, fault);
    return write_code(draft, part, tree, simple, fault);
}

static bool is_twin_atom(const struct program_atom *a, const struct program_atom *b)
{
    return a->length == b->length && !memcmp(a->value, b->value, sizeof a->value) &&
           !memcmp(a->mask, b->mask, sizeof a->mask);
}

/* Numbers the atoms that stand for the same bytes at several places of the expression. */
static void group_atoms(struct program_draft *draft)
{
    const struct program_part *parts = draft->parts.at;
    uint8_t groups = 0;

    for (uint32_t i = 0; i < draft->atoms.n && groups + 1 < PROGRAM_GROUPS; i++) {
        struct program_atom *atom = &draft->atoms.at[i];
        if (atom->group || !atom->length || parts[atom->part].kind != PART_GENERAL)
            continue;
        for (uint32_t k = i + 1; k < draft->atoms.n; k++) {
            struct program_atom *other = &draft->atoms.at[k];
            if (parts[other->part].kind != PART_GENERAL || !is_twin_atom(atom, other))
                continue;
            if (!atom->group)
                atom->group = ++groups;
            other->group = atom->group;
        }
    }
}

/* The bytes a match can begin with; true when a match may be empty or begin with anything. */
static bool first_bytes(const struct re_node *node, bool nocase, bool dotall,
                        struct re_set *set)
{
    struct re_set own;
    bool empty = false;

    switch (node->kind) {
    case RE_CONCAT:
        for (const struct re_node *at = node->first; at; at = at->next)
            if (!first_bytes(at, nocase, dotall, set))
                return false;
        return true;
    case RE_ALT:
        empty = first_bytes(node->first, nocase, dotall, set);
        return first_bytes(node->last, nocase, dotall, set) || empty;
    case RE_PLUS:
        return first_bytes(node->first, nocase, dotall, set);
    case RE_STAR:
        first_bytes(node->first, nocase, dotall, set);
        return true;
    case RE_RANGE:
        if (!node->end)
            return true;
        return first_bytes(node->first, nocase, dotall, set) || !node->start;
    case RE_GAP:
        memset(set->bits, 0xff, sizeof set->bits);
        return !node->start;
    default:
        if (!re_accepts(node, nocase, dotall, &own))
            return true;
        for (size_t i = 0; i < sizeof set->bits; i++)
            set->bits[i] |= own.bits[i];
        return false;
    }
}

/* What a match is known to begin with: `length` bytes of the set. */
struct lead {
    struct re_set set;
    uint32_t length;
};

enum { LEAD_MAX = 64, LEAD_WIDEST = 160 };

static uint32_t set_size(const struct re_set *set)
{
    uint32_t n = 0;

    for (size_t i = 0; i < sizeof set->bits; i++)
        n += (uint32_t)__builtin_popcount(set->bits[i]);
    return n;
}

/* Follows the bytes at the beginning; false where they are no longer fixed in number. */
static bool lead_bytes(const struct re_node *node, uint32_t flags, struct lead *lead)
{
    struct re_set own, both = lead->set;

    switch (node->kind) {
    case RE_CONCAT:
        for (const struct re_node *at = node->first; at; at = at->next)
            if (!lead_bytes(at, flags, lead))
                return false;
        return true;
    case RE_RANGE:
        for (int32_t i = 0; i < node->start; i++)
            if (!lead_bytes(node->first, flags, lead))
                return false;
        return node->start == node->end;
    case RE_PLUS:
        lead_bytes(node->first, flags, lead);
        return false;
    case RE_EMPTY:
    case RE_START:
    case RE_BOUNDARY:
    case RE_NOT_BOUNDARY:
    case RE_LINE_START:
        return true;
    default:
        if (lead->length == LEAD_MAX ||
            !re_accepts(node, flags & PATTERN_NOCASE, flags & PATTERN_DOTALL, &own))
            return false;
        for (size_t i = 0; i < sizeof own.bits; i++)
            both.bits[i] |= own.bits[i];
        if (set_size(&both) > LEAD_WIDEST)
            return false;
        lead->set = both;
        lead->length++;
        return true;
    }
}

/* For a pattern without atoms: where it is worth while to try. */
static bool note_lead(struct program_draft *draft, const struct re_node *root)
{
    struct re_set set = {{0}}, *slot;
    struct lead lead = {.length = 0};
    uint32_t flags = draft->head.flags;

    if (draft->parts.n != 1 || draft->head.finder.depth)
        return true;
    if (!first_bytes(root, flags & PATTERN_NOCASE, flags & PATTERN_DOTALL, &set)) {
        slot = vec_push(draft->arena, &draft->sets);
        if (!slot)
            return false;
        *slot = set;
        draft->head.first = draft->sets.n;
    }
    lead_bytes(root, flags, &lead);
    if (lead.length < 2 || draft->sets.n >= UINT16_MAX)
        return true;
    if (flags & PATTERN_WIDE) {
        re_set_add(&lead.set, 0);
        lead.length *= flags & PATTERN_ASCII ? 1 : 2;
    }
    slot = vec_push(draft->arena, &draft->sets);
    if (!slot)
        return false;
    *slot = lead.set;
    draft->head.run_set = (uint16_t)(draft->sets.n - 1);
    draft->head.run = (uint16_t)lead.length;
    return true;
}

static int finish(struct program_draft *draft, struct pattern_code *code,
                  struct pattern_fault *fault)
{
    code->program = program_seal(draft);
    if (!code->program.at)
        return no_memory(fault);
    code->is_slow = draft->quality < ATOM_QUALITY_WARN;
    return 0;
}

static int compile_text(struct program_draft *draft, bytes text, struct pattern_code *code,
                        struct pattern_fault *fault)
{
    const struct program *head = &draft->head;

    if (!text.len)
        return re_fault(fault, 0, "empty string");
    if (!text_compile(draft, text) ||
        !needed_text(text, head->flags, head->xor_min, head->xor_max, draft->arena, code))
        return no_memory(fault);
    draft->quality = re_atoms_quality(text, head->flags, head->xor_min, head->xor_max);
    code->whole =
        !(head->flags & (PATTERN_XOR | PATTERN_FULLWORD)) && text.len <= NEEDED_LENGTH;
    add_lengths(draft, code, (uint32_t)text.len, (uint32_t)text.len);
    return finish(draft, code, fault);
}

/* All bytes fixed: no tree is needed. */
static bool is_plain_body(bytes text)
{
    if (text.len % 2 || text.len < 4)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (ascii_hex(text.at[i]) < 0)
            return false;
    return true;
}

static bytes plain_body(bytes text, struct arena *arena)
{
    uint8_t *to = arena_push_raw(arena, text.len / 2);

    for (size_t i = 0; to && i < text.len; i += 2)
        to[i / 2] = (uint8_t)(ascii_hex(text.at[i]) << 4 | ascii_hex(text.at[i + 1]));
    return (bytes){to, to ? text.len / 2 : 0};
}

static int compile_tree(struct program_draft *draft, struct re_tree *tree, bool hex,
                        struct pattern_code *code, struct pattern_fault *fault);

/* The modifiers of a body with wildcards are worked into its tree, but for case. */
static int compile_clamav(const struct pattern_source *source, struct program_draft *draft,
                          struct pattern_code *code, struct pattern_fault *fault)
{
    struct re_tree tree;
    bytes text;
    int error;

    if (is_plain_body(source->text)) {
        text = plain_body(source->text, draft->arena);
        if (!text.at)
            return no_memory(fault);
        if (!(source->flags & PATTERN_WIDE))
            draft->head.flags |= PATTERN_ASCII;
        else if (source->flags & PATTERN_FULLWORD)
            draft->head.right = EDGE_WORD | EDGE_WIDE;
        return compile_text(draft, text, code, fault);
    }
    error = clamav_parse(source, draft->arena, &tree, fault);
    if (error < 0)
        return error;
    draft->head.flags =
        (source->flags & (PATTERN_NOCASE | PATTERN_TAILS)) | PATTERN_DOTALL | PATTERN_ASCII;
    draft->head.left = tree.left;
    draft->head.right = tree.right;
    return compile_tree(draft, &tree, true, code, fault);
}

/* A regular expression for `matches`: forward code alone. */
static int compile_subject(struct program_draft *draft, const struct re_tree *tree,
                           struct pattern_code *code, struct pattern_fault *fault)
{
    uint32_t start;
    int error = re_compile(draft, tree, false, &start, fault);

    if (error < 0)
        return error;
    draft->head.kind = PROGRAM_SUBJECT;
    draft->quality = ATOM_QUALITY_MAX;
    re_length(tree->root, &code->min_length, &code->max_length);
    return finish(draft, code, fault);
}

static int compile_tree(struct program_draft *draft, struct re_tree *tree, bool hex,
                        struct pattern_code *code, struct pattern_fault *fault)
{
    struct re_node *whole = tree->root;
    bool simple = hex && !(tree->flags & RE_ALTERNATIVE), more, full = false;
    struct re_tree rest = {.root = NULL};
    uint32_t cost = UINT32_MAX, low, high;
    int32_t gap_min = 0, gap_max = 0;
    bytes text;
    int error;

    draft->head.kind = PROGRAM_ATOMS;
    draft->head.greedy = (tree->flags & RE_GREEDY) != 0;
    do {
        int32_t before_min = gap_min, before_max = gap_max;
        more = re_split(tree, draft->arena, &rest, &gap_min, &gap_max);
        if (more && !rest.root)
            return no_memory(fault);
        if (!more && !draft->parts.n && !tree->left && !tree->right) {
            text = re_literal(tree, draft->arena, &full);
            if (full)
                return no_memory(fault);
            if (text.at)
                return compile_text(draft, text, code, fault);
        }
        error = write_part(draft, tree, simple, fault);
        if (error < 0)
            return error;
        draft->parts.at[draft->parts.n - 1].gap_min = before_min;
        draft->parts.at[draft->parts.n - 1].gap_max = before_max;
        re_length(tree->root, &low, &high);
        add_lengths(draft, code, low, high);
        if (more) {
            code->min_length = clamp_add(code->min_length, (uint64_t)gap_min);
            code->max_length = clamp_add(code->max_length, (uint64_t)gap_max);
        }
        if (!needed_tree(tree->root, draft->head.flags, draft->arena, code, &cost))
            return no_memory(fault);
        *tree = rest;
    } while (more);
    re_atoms_sort(draft);
    group_atoms(draft);
    if (!buckets_fill(draft))
        return no_memory(fault);
    draft->head.min_length = code->min_length;
    if (!note_lead(draft, whole))
        return no_memory(fault);
    return finish(draft, code, fault);
}

static int compile_regex(const struct pattern_source *source, struct program_draft *draft,
                         struct pattern_code *code, struct pattern_fault *fault)
{
    struct re_tree tree;
    int error = re_parse(source->text, draft->arena, &tree, fault);

    if (error < 0)
        return error;
    if (!(source->flags & (PATTERN_ASCII | PATTERN_WIDE)))
        return compile_subject(draft, &tree, code, fault);
    if (tree.flags & RE_GREEDY && tree.flags & RE_LAZY)
        return re_fault(
            fault, 0, "greedy and ungreedy quantifiers can't be mixed in a regular expression");
    if (re_has_open_gap(tree.root)) {
        re_fault(fault, 0,
                 "contains .*, .+ or .{x,} consider using .{,N}, .{1,N} or {x,N} with a "
                 "reasonable value for N");
        fault->is_warning = true;
    }
    return compile_tree(draft, &tree, false, code, fault);
}

static int compile_base64(const struct pattern_source *source, struct program_draft *draft,
                          struct pattern_code *code, struct pattern_fault *fault)
{
    struct re_tree tree;

    if (!source->text.len)
        return re_fault(fault, 0, "empty string");
    if (!base64_tree(source, draft->arena, &tree))
        return no_memory(fault);
    return compile_tree(draft, &tree, false, code, fault);
}

int pattern_compile(const struct pattern_source *source, struct arena *arena,
                    struct pattern_code *ret, struct pattern_fault *fault)
{
    struct pattern_code code = {0};
    struct re_tree tree;
    int error;

    *fault = (struct pattern_fault){0};
    if (source->kind == PATTERN_CLAMAV &&
        !(source->flags & (PATTERN_WIDE | PATTERN_FULLWORD))) {
        bool fits;
        if (!plain_compile(source->text, source->flags & PATTERN_NOCASE, arena, ret, &fits))
            return no_memory(fault);
        if (fits)
            return 0;
    }
    struct program_draft draft = {.arena = arena, .quality = ATOM_QUALITY_MAX};
    draft.head.flags = source->flags & ~(uint32_t)PATTERN_PRIVATE;
    draft.head.xor_min = source->xor_min;
    draft.head.xor_max = source->xor_max;
    switch (source->kind) {
    case PATTERN_HEX:
        draft.head.flags |= PATTERN_DOTALL | PATTERN_ASCII;
        error = hex_parse(source->text, arena, &tree, fault);
        if (!error)
            error = compile_tree(&draft, &tree, true, &code, fault);
        break;
    case PATTERN_CLAMAV:
        error = compile_clamav(source, &draft, &code, fault);
        break;
    case PATTERN_REGEX:
        error = compile_regex(source, &draft, &code, fault);
        break;
    default:
        if (source->flags & (PATTERN_BASE64 | PATTERN_BASE64WIDE)) {
            error = compile_base64(source, &draft, &code, fault);
            break;
        }
        if (!(source->flags & PATTERN_WIDE))
            draft.head.flags |= PATTERN_ASCII;
        error = compile_text(&draft, source->text, &code, fault);
    }
    if (!error)
        *ret = code;
    return error;
}

bool pattern_valid(bytes program)
{
    return program.len >= sizeof(struct program_plain) && plain_is(program)
               ? plain_valid(program)
               : program_valid(program);
}
