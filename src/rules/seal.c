#include "match/hashes.h"
#include "match/literals.h"
#include "rules/anchor.h"
#include "rules/draft.h"
#include "rules/filter.h"
#include "rules/kind.h"
#include "rules/layout.h"
#include "rules/order.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Programs with more literals than this are in the filter only where they are anchors. */
    MANY_LITERALS = 64,
    /* A signature whose anchors are met more rarely (anchor_program_cost: sixteen times in a
     * million bytes) has no other pattern in the filter. */
    RARELY = 1 << 16,
    PROGRAM_BORDER = 8,
};

struct literal_use {
    struct literal literal;
    uint32_t program;
};

struct wake {
    uint32_t program, rule;
};

struct seal {
    struct draft *draft;
    struct arena *arena;
    struct anchor *anchors;
    bool *filtered; /* per program: its literals are in the filter */
    struct ruleset_program *programs;
    struct ruleset_gate *gates;
    VEC(struct literal) literals;
    VEC(struct ruleset_anchor) table;
    VEC(uint32_t) suspects;
    VEC(uint32_t) wakes;
    struct ruleset_kind *kinds;
    VEC(uint32_t) kind_rules;
    VEC(uint32_t) globals;
    struct filter_set filters;
    uint64_t code_size;
    bytes hashes; /* without `at` where another process writes them */
};

/* The reference against which anchors are tested: every rule is looked at in every object. */
static void forget_anchors(struct seal *seal)
{
    for (uint32_t i = 0; i < seal->draft->rules.n; i++)
        seal->anchors[i] = (struct anchor){.kinds = KIND_ALL,
                                           .gate = {.size_max = UINT64_MAX,
                                                    .targets = seal->draft->targets.at[i],
                                                    .kinds = KIND_ALL}};
}

/* Anchors, and whatever else has few literals: a rule that wakes then finds most of its other
 * patterns denied already, and they cost the one pass less than searches of their own
 * (docs/performance.md). */
static void choose_programs(struct seal *seal)
{
    const struct draft *draft = seal->draft;
    for (uint32_t i = 0; i < draft->rules.n; i++) {
        const struct ruleset_rule *rule = &draft->rules.at[i];
        if ((rule->flags & RULE_SIGNATURE) && seal->anchors[i].cost < RARELY)
            continue;
        for (uint32_t k = 0; k < rule->pattern_count; k++) {
            uint32_t p = draft->patterns.at[rule->pattern_start + k].program;
            seal->filtered[p] |= draft->programs.at[p].literal_count <= MANY_LITERALS;
        }
    }
    for (uint32_t i = 0; i < draft->rules.n; i++)
        for (uint32_t k = 0; k < seal->anchors[i].count; k++)
            seal->filtered[seal->anchors[i].programs[k]] = true;
}

static int compare_contexts(const struct literal_context *a, const struct literal_context *b)
{
    int order = bytes_compare(a->value, b->value);
    if (!order)
        order = bytes_compare(a->mask, b->mask);
    return order ? order : (a->lead > b->lead) - (a->lead < b->lead);
}

static int by_literal(const void *a, const void *b)
{
    const struct literal_use *x = a, *y = b;
    if (x->literal.nocase != y->literal.nocase)
        return x->literal.nocase ? 1 : -1;
    int order = bytes_compare(x->literal.text, y->literal.text);
    if (!order)
        order = compare_contexts(&x->literal.context, &y->literal.context);
    return order ? order : (x->program > y->program) - (x->program < y->program);
}

static bool same_literal(const struct literal *a, const struct literal *b)
{
    return a->nocase == b->nocase && bytes_equal(a->text, b->text) &&
           compare_contexts(&a->context, &b->context) == 0;
}

/* Fills literals, table and suspects from the sorted uses. */
static bool group_literals(struct seal *seal, const struct literal_use *uses, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || !same_literal(&uses[i].literal, &uses[i - 1].literal)) {
            struct literal *literal = vec_push(seal->arena, &seal->literals);
            struct ruleset_anchor *anchor = vec_push(seal->arena, &seal->table);
            if (!literal || !anchor)
                return false;
            *literal = uses[i].literal;
            anchor->suspect_start = seal->suspects.n;
        } else if (uses[i].program == uses[i - 1].program) {
            continue;
        }
        uint32_t *suspect = vec_push(seal->arena, &seal->suspects);
        if (!suspect)
            return false;
        *suspect = uses[i].program;
        seal->table.at[seal->table.n - 1].suspect_count++;
    }
    return true;
}

static bool collect_literals(struct seal *seal)
{
    const struct draft *draft = seal->draft;
    uint64_t total = 0;
    for (uint32_t i = 0; i < draft->programs.n; i++)
        total += seal->filtered[i] ? draft->programs.at[i].literal_count : 0;
    struct literal_use *uses =
        total < UINT32_MAX ? PUSH_ARRAY(seal->arena, struct literal_use, total) : NULL;
    if (!uses)
        return false;
    uint32_t n = 0;
    for (uint32_t i = 0; i < draft->programs.n; i++)
        for (uint32_t k = 0; seal->filtered[i] && k < draft->programs.at[i].literal_count;
             k++) {
            const struct pattern_literal *literal = &draft->programs.at[i].literals[k];
            uses[n++] =
                (struct literal_use){{literal->text, literal->nocase, literal->context}, i};
        }
    qsort(uses, n, sizeof *uses, by_literal);
    return group_literals(seal, uses, n);
}

static int by_program(const void *a, const void *b)
{
    const struct wake *x = a, *y = b;
    if (x->program != y->program)
        return x->program < y->program ? -1 : 1;
    return (x->rule > y->rule) - (x->rule < y->rule);
}

static bool collect_wakes(struct seal *seal)
{
    uint64_t total = 0;
    uint32_t rules = seal->draft->rules.n;
    for (uint32_t i = 0; i < rules; i++)
        total += seal->anchors[i].count;
    struct wake *wakes =
        total < UINT32_MAX ? PUSH_ARRAY(seal->arena, struct wake, total) : NULL;
    uint32_t *flat = wakes ? vec_push_many(seal->arena, &seal->wakes, total) : NULL;
    if (!flat)
        return false;
    uint32_t n = 0;
    for (uint32_t i = 0; i < rules; i++)
        for (uint32_t k = 0; k < seal->anchors[i].count; k++)
            wakes[n++] = (struct wake){seal->anchors[i].programs[k], i};
    qsort(wakes, n, sizeof *wakes, by_program);
    for (uint32_t i = 0; i < n; i++) {
        struct ruleset_program *program = &seal->programs[wakes[i].program];
        if (program->wake_count++ == 0)
            program->wake_start = i;
        flat[i] = wakes[i].rule;
    }
    return true;
}

static bool collect_kinds(struct seal *seal)
{
    for (int kind = 0; kind < KINDS; kind++) {
        seal->kinds[kind].start = seal->kind_rules.n;
        for (uint32_t i = 0; i < seal->draft->rules.n; i++) {
            if (!(seal->anchors[i].kinds >> kind & 1))
                continue;
            uint32_t *slot = vec_push(seal->arena, &seal->kind_rules);
            if (!slot)
                return false;
            *slot = i;
        }
        seal->kinds[kind].count = seal->kind_rules.n - seal->kinds[kind].start;
    }
    return true;
}

static bool collect_rules(struct seal *seal)
{
    for (uint32_t i = 0; i < seal->draft->rules.n; i++) {
        seal->gates[i] = seal->anchors[i].gate;
        if (seal->anchors[i].speaks)
            seal->draft->rules.at[i].flags |= RULE_SPEAKS;
        if (!(seal->draft->rules.at[i].flags & RULE_GLOBAL))
            continue;
        uint32_t *slot = vec_push(seal->arena, &seal->globals);
        if (!slot)
            return false;
        *slot = i;
    }
    return collect_kinds(seal);
}

static void collect_code(struct seal *seal)
{
    const struct draft *draft = seal->draft;
    uint64_t at = 0;
    for (uint32_t i = 0; i < draft->programs.n; i++) {
        const struct draft_program *program = &draft->programs.at[i];
        uint32_t anchored =
            seal->filtered[i] && program->literal_count ? (uint32_t)PROGRAM_ANCHORED : 0;
        seal->programs[i] = (struct ruleset_program){
            .code = at,
            .length = (uint32_t)program->program.len,
            .flags = program->flags | anchored,
            .fixed_offset = program->fixed_offset,
            .max_length = program->max_length,
        };
        at += (program->program.len + PROGRAM_BORDER - 1) & ~(uint64_t)(PROGRAM_BORDER - 1);
    }
    seal->code_size = at;
}

/* Within how many bytes of an object's front every match of the program lies; 0: anywhere. */
static uint32_t program_reach(const struct draft_program *program)
{
    int64_t offset = program->fixed_offset;
    if (offset == RULESET_ANY_OFFSET || offset < 0 || offset > FILTER_FRONT ||
        program->max_length > FILTER_FRONT - (uint32_t)offset)
        return 0;
    return (uint32_t)offset + program->max_length;
}

/* In which objects each literal is wanted: in those of all rules that have a program of it,
 * whether it wakes them or not. A rule takes for absent what the filter has not seen. */
static struct filter_want *literal_wants(const struct seal *seal)
{
    const struct draft *draft = seal->draft;
    struct filter_want *programs =
        PUSH_ARRAY(seal->arena, struct filter_want, draft->programs.n);
    struct filter_want *wants = PUSH_ARRAY(seal->arena, struct filter_want, seal->literals.n);
    if (!programs || !wants)
        return NULL;
    for (uint32_t i = 0; i < draft->patterns.n; i++) {
        const struct ruleset_gate *gate = &seal->gates[draft->patterns.at[i].rule];
        programs[draft->patterns.at[i].program].kinds |= gate->kinds;
        programs[draft->patterns.at[i].program].targets |= gate->targets;
    }
    for (uint32_t i = 0; i < seal->literals.n; i++) {
        const struct ruleset_anchor *anchor = &seal->table.at[i];
        bool is_near = anchor->suspect_count != 0;
        for (uint32_t k = 0; k < anchor->suspect_count; k++) {
            uint32_t program = seal->suspects.at[anchor->suspect_start + k];
            uint32_t reach = program_reach(&draft->programs.at[program]);
            wants[i].kinds |= programs[program].kinds;
            wants[i].targets |= programs[program].targets;
            wants[i].reach = reach > wants[i].reach ? reach : wants[i].reach;
            is_near &= reach != 0;
        }
        if (!is_near)
            wants[i].reach = 0;
    }
    return wants;
}

#define PART(vec)                                                                              \
    {                                                                                          \
        .at = (vec).at, .count = (vec).n, .size = sizeof *(vec).at                             \
    }

static int write_file(struct seal *seal, struct arena *arena, bytes *ret, struct why *why)
{
    const struct draft *draft = seal->draft;
    const struct filter_set *set = &seal->filters;
    const struct draft_program *program = draft->programs.at;
    const struct layout_part parts[RULESET_SECTIONS] = {
        [SECTION_TEXTS] = PART(draft->texts),
        [SECTION_RULES] = PART(draft->rules),
        [SECTION_PATTERNS] = PART(draft->patterns),
        [SECTION_METAS] = PART(draft->metas),
        [SECTION_TAGS] = PART(draft->tags),
        [SECTION_NAMESPACES] = PART(draft->namespaces),
        [SECTION_EXTERNALS] = PART(draft->externals),
        [SECTION_MODULES] = PART(draft->modules),
        [SECTION_NODES] = PART(draft->nodes),
        [SECTION_LINKS] = PART(draft->links),
        [SECTION_PROGRAMS] = {.at = seal->programs,
                              .count = draft->programs.n,
                              .size = sizeof *seal->programs},
        [SECTION_CODE] = {.count = seal->code_size,
                          .size = 1,
                          .piece = program ? &program->program : NULL,
                          .piece_count = draft->programs.n,
                          .stride = sizeof *program,
                          .border = PROGRAM_BORDER},
        [SECTION_FILTERS] = PART(seal->filters.filters),
        [SECTION_LITERALS] = {.count = layout_pieces(set->tables.at, set->tables.n,
                                                     sizeof *set->tables.at, RULESET_ALIGN),
                              .size = 1,
                              .piece = set->tables.at,
                              .piece_count = set->tables.n,
                              .stride = sizeof *set->tables.at,
                              .border = RULESET_ALIGN},
        [SECTION_FILTERED] = PART(seal->filters.anchors),
        [SECTION_ANCHORS] = PART(seal->table),
        [SECTION_SUSPECTS] = PART(seal->suspects),
        [SECTION_WAKES] = PART(seal->wakes),
        [SECTION_KINDS] = {.at = seal->kinds, .count = KINDS, .size = sizeof *seal->kinds},
        [SECTION_KIND_RULES] = PART(seal->kind_rules),
        [SECTION_GATES] = {.at = seal->gates,
                           .count = draft->rules.n,
                           .size = sizeof *seal->gates},
        [SECTION_GLOBALS] = PART(seal->globals),
        [SECTION_HASHES] = {.at = seal->hashes.at, .count = seal->hashes.len, .size = 1},
        [SECTION_PASSWORDS] = PART(draft->passwords),
        [SECTION_TYPES] = PART(draft->types),
        [SECTION_URLS] = PART(draft->urls),
        [SECTION_ICONS] = PART(draft->icons),
        [SECTION_SIGNERS] = PART(draft->signers),
        [SECTION_CATALOGUE] = PART(draft->catalogue),
    };
    return layout_write(draft, parts, arena, ret, why);
}

/* Nodes name groups by number until all of their patterns are known. */
static void settle_groups(struct draft *draft)
{
    uint32_t count = draft->groups.n;
    uint32_t *starts = PUSH_ARRAY(draft->arena, uint32_t, count);
    if (!count)
        return;
    for (uint32_t i = 0; starts && i < count; i++)
        starts[i] =
            draft_links(draft, draft->groups.at[i].patterns.at, draft->groups.at[i].patterns.n);
    draft->full |= !starts;
    for (uint32_t i = 0; !draft->full && i < draft->nodes.n; i++) {
        struct node *node = &draft->nodes.at[i];
        if (node->op != NODE_GROUP)
            continue;
        node->b = draft->groups.at[node->a].patterns.n;
        node->a = starts[node->a];
    }
}

int draft_seal(struct draft *draft, struct arena *arena, bytes *ret, struct why *why)
{
    struct seal seal = {.draft = draft, .arena = arena};
    settle_groups(draft);
    if (draft->full)
        return fail(why, ENOMEM, "the rules need more memory than they may have");
    seal.anchors = anchor_solve(draft, arena);
    seal.filtered = PUSH_ARRAY(arena, bool, draft->programs.n);
    seal.programs = PUSH_ARRAY(arena, struct ruleset_program, draft->programs.n);
    seal.gates = PUSH_ARRAY(arena, struct ruleset_gate, draft->rules.n);
    seal.kinds = PUSH_ARRAY(arena, struct ruleset_kind, KINDS);
    if (!seal.kinds || !seal.anchors || !seal.filtered || !seal.programs || !seal.gates)
        return fail(why, ENOMEM, "no memory to look for anchors");
    if (draft->unfiltered)
        forget_anchors(&seal);
    else
        choose_programs(&seal);
    collect_code(&seal);
    if ((!draft->unfiltered && !order_conditions(draft, seal.filtered, arena)) ||
        !collect_literals(&seal) || !collect_wakes(&seal) || !collect_rules(&seal))
        return fail(why, ENOMEM, "no memory for the tables of the ruleset");
    struct filter_want *wants = literal_wants(&seal);
    if (!wants)
        return fail(why, ENOMEM, "no memory for the tables of the ruleset");
    int error =
        filter_build(seal.literals.at, wants, seal.literals.n, arena, &seal.filters, why);
    if (!error && draft->table && !draft->table(draft->table_context, &seal.hashes.len))
        error = fail(why, EIO, "the table of hash signatures did not come");
    else if (!error && !draft->table && draft->hashes)
        error = hashes_seal(draft->hashes, arena, &seal.hashes, why);
    return error ? error : write_file(&seal, arena, ret, why);
}
