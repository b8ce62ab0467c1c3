#include "rules/anchor.h"
#include "rules/kind.h"
#include "tap.h"

#include <math.h>

/* A draft with one rule under construction and patterns "$0", "$1", ... of given literals. */
struct bench {
    struct arena *arena;
    struct draft *draft;
};

static struct bench begin(void)
{
    struct bench b = {.arena = arena_new(64 << 20)};
    b.draft = draft_new(b.arena);
    draft_rule_begin(b.draft, bytes_of("rule"), draft_namespace(b.draft, bytes_of("default")),
                     0);
    return b;
}

static uint32_t pattern(struct bench b, const char *literal)
{
    struct pattern_literal one = {.text = bytes_of(literal ? literal : "")};
    struct pattern_code code = {.program = bytes_of(literal ? literal : "none"),
                                .literals = &one,
                                .literal_count = literal != NULL};
    uint32_t program = draft_program(b.draft, &code, 0, RULESET_ANY_OFFSET);
    return draft_pattern(b.draft, bytes_of("$"), PATTERN_ASCII, program);
}

static uint32_t found(struct bench b, uint32_t pattern_number)
{
    return draft_unary(b.draft, NODE_FOUND, TYPE_BOOL, pattern_number);
}

static uint32_t list(struct bench b, enum node_op op, uint16_t aux, uint32_t c,
                     const uint32_t *items, uint32_t count)
{
    return draft_node(b.draft, (struct node){.op = (uint8_t)op,
                                             .type = TYPE_BOOL,
                                             .aux = aux,
                                             .a = draft_links(b.draft, items, count),
                                             .b = count,
                                             .c = c});
}

static struct anchor solve(struct bench b, uint32_t condition)
{
    draft_rule_end(b.draft, condition, 0);
    return anchor_solve(b.draft, b.arena)[0];
}

#define RARE   "q7!Zx_rare_literal_\x01\x9d"
#define RARER  "q7!Zx_rare_literal_\x01\x9d_and_much_longer"
#define COMMON "e "

static void and_takes_the_rarest_and_or_takes_all(void)
{
    struct bench b = begin();
    uint32_t items[] = {found(b, pattern(b, COMMON)), found(b, pattern(b, RARE))};
    struct anchor anchor = solve(b, list(b, NODE_AND, 0, 0, items, 2));
    CHECK(anchor.kinds == 0 && anchor.count == 1 && anchor.programs[0] == 1);
    anchor = solve(b, list(b, NODE_OR, 0, 0, items, 2));
    CHECK(anchor.kinds == 0 && anchor.count == 2);
    arena_free(b.arena);
}

static void two_of_three_needs_one_of_any_two(void)
{
    struct bench b = begin();
    uint32_t items[] = {found(b, pattern(b, COMMON)), found(b, pattern(b, RARE)),
                        found(b, pattern(b, RARER))};
    struct anchor anchor =
        solve(b, list(b, NODE_OF, QUANTIFIER_NUMBER, draft_int(b.draft, 2), items, 3));
    CHECK(anchor.count == 2 && anchor.programs[0] == 1 && anchor.programs[1] == 2);
    anchor = solve(b, list(b, NODE_OF, QUANTIFIER_NUMBER, draft_int(b.draft, 0), items, 3));
    CHECK(anchor.kinds == KIND_ALL);
    anchor = solve(b, list(b, NODE_OF, QUANTIFIER_ANY, NODE_NONE, items, 3));
    CHECK(anchor.count == 3);
    anchor = solve(b, list(b, NODE_OF, QUANTIFIER_NONE, NODE_NONE, items, 3));
    CHECK(anchor.kinds == KIND_ALL);
    anchor = solve(b, list(b, NODE_OF, QUANTIFIER_PERCENT, draft_int(b.draft, 50), items, 3));
    CHECK(anchor.count == 2);
    arena_free(b.arena);
}

static void a_denial_or_an_unknown_pattern_needs_nothing(void)
{
    struct bench b = begin();
    uint32_t rare = found(b, pattern(b, RARE)), unknown = found(b, pattern(b, NULL));
    struct anchor anchor = solve(b, draft_unary(b.draft, NODE_NOT, TYPE_BOOL, rare));
    CHECK(anchor.kinds == KIND_ALL);
    uint32_t items[] = {rare, unknown};
    CHECK(solve(b, list(b, NODE_OR, 0, 0, items, 2)).kinds == KIND_ALL);
    CHECK(solve(b, list(b, NODE_AND, 0, 0, items, 2)).kinds == 0);
    arena_free(b.arena);
}

static void counts_and_offsets_need_their_pattern_only_where_true_says_so(void)
{
    struct bench b = begin();
    uint32_t p = pattern(b, RARE);
    uint32_t count = draft_unary(b.draft, NODE_COUNT, TYPE_INT, p);
    uint32_t zero = draft_int(b.draft, 0), three = draft_int(b.draft, 3);
    CHECK(solve(b, draft_binary(b.draft, NODE_GT, TYPE_BOOL, count, zero)).kinds == 0);
    CHECK(solve(b, draft_binary(b.draft, NODE_LE, TYPE_BOOL, three, count)).kinds == 0);
    CHECK(solve(b, draft_binary(b.draft, NODE_LT, TYPE_BOOL, count, three)).kinds == KIND_ALL);
    CHECK(solve(b, draft_binary(b.draft, NODE_GE, TYPE_BOOL, count, zero)).kinds == KIND_ALL);
    uint32_t offset = draft_node(
        b.draft, (struct node){.op = NODE_OFFSET, .type = TYPE_INT, .a = p, .b = NODE_NONE});
    CHECK(solve(b, draft_binary(b.draft, NODE_LT, TYPE_BOOL, offset, three)).kinds == 0);
    arena_free(b.arena);
}

static void gates_come_from_sizes_and_first_bytes(void)
{
    struct bench b = begin();
    uint32_t zero = draft_int(b.draft, 0);
    uint32_t magic = draft_node(
        b.draft,
        (struct node){.op = NODE_READ, .type = TYPE_INT, .aux = 2 | READ_BIG, .a = zero});
    uint32_t items[] = {
        draft_binary(b.draft, NODE_EQ, TYPE_BOOL, magic, draft_int(b.draft, 0x4D5A)),
        draft_binary(b.draft, NODE_LT, TYPE_BOOL, draft_int(b.draft, 100),
                     draft_unary(b.draft, NODE_FILESIZE, TYPE_INT, 0)),
        draft_binary(b.draft, NODE_LT, TYPE_BOOL,
                     draft_unary(b.draft, NODE_FILESIZE, TYPE_INT, 0),
                     draft_int(b.draft, 2000)),
    };
    struct anchor anchor = solve(b, list(b, NODE_AND, 0, 0, items, 3));
    CHECK_INT(anchor.gate.size_min, 101);
    CHECK_INT(anchor.gate.size_max, 1999);
    CHECK_INT(anchor.gate.magic, 0x5A4D);
    CHECK_INT(anchor.gate.magic_mask, 0xFFFF);
    anchor = solve(b, list(b, NODE_OR, 0, 0, items, 3));
    CHECK(anchor.gate.magic_mask == 0 && anchor.gate.size_max == UINT64_MAX);
    CHECK_INT(anchor.gate.kinds, KIND_ALL);
    uint32_t program[] = {items[0], found(b, pattern(b, RARE))};
    anchor = solve(b, list(b, NODE_AND, 0, 0, program, 2));
    CHECK(anchor.count == 1 && anchor.kinds == 0 && anchor.gate.kinds == 1 << KIND_PE);
    CHECK_INT(solve(b, list(b, NODE_OR, 0, 0, program, 2)).gate.kinds, KIND_ALL);
    draft_rule_targets(b.draft, TARGET_BIT(TARGET_ELF));
    anchor = solve(b, program[1]);
    CHECK(anchor.gate.kinds == 1 << KIND_ELF && anchor.gate.targets == TARGET_BIT(TARGET_ELF));
    arena_free(b.arena);
}

static void what_signatures_ask_needs_patterns_and_kinds(void)
{
    struct bench b = begin();
    const uint32_t programs = 1 << KIND_PE | 1 << KIND_ELF | 1 << KIND_MACHO;
    uint32_t p = pattern(b, RARE), zero = draft_int(b.draft, 0), one = draft_int(b.draft, 1);
    uint32_t place = draft_node(
        b.draft, (struct node){.op = NODE_PLACE, .type = TYPE_INT, .aux = PLACE_SECTION_COUNT});
    struct anchor anchor = solve(b, draft_binary(b.draft, NODE_EQ, TYPE_BOOL, place, one));
    CHECK(anchor.kinds == programs && anchor.gate.kinds == programs);
    uint32_t items[] = {
        found(b, p), draft_binary(b.draft, NODE_LT, TYPE_BOOL, place, draft_int(b.draft, 5))};
    anchor = solve(b, list(b, NODE_AND, 0, 0, items, 2));
    CHECK(anchor.count == 1 && anchor.kinds == 0 && anchor.gate.kinds == programs);
    uint32_t version = draft_unary(b.draft, NODE_FOUND_VERSION, TYPE_BOOL, p);
    anchor = solve(b, version);
    CHECK(anchor.count == 1 && anchor.kinds == 0 && anchor.gate.kinds == 1 << KIND_PE);
    uint32_t count = draft_unary(b.draft, NODE_COUNT_VERSION, TYPE_INT, p);
    CHECK_INT(solve(b, draft_binary(b.draft, NODE_GT, TYPE_BOOL, count, zero)).count, 1);
    anchor = solve(b, draft_binary(b.draft, NODE_EQ, TYPE_BOOL, count, zero));
    CHECK(anchor.kinds == KIND_ALL && anchor.count == 0);
    const uint32_t distance[] = {4, 2, 0};
    uint32_t number = draft_node(
        b.draft, (struct node){.op = NODE_NUMBER,
                               .type = TYPE_INT,
                               .aux = NUMBER_LITTLE,
                               .a = p,
                               .b = draft_links(b.draft, distance, COUNT(distance))});
    anchor = solve(b, draft_binary(b.draft, NODE_EQ, TYPE_BOOL, number, one));
    CHECK(anchor.count == 1 && anchor.kinds == 0);
    arena_free(b.arena);
}

int main(void)
{
    and_takes_the_rarest_and_or_takes_all();
    two_of_three_needs_one_of_any_two();
    a_denial_or_an_unknown_pattern_needs_nothing();
    counts_and_offsets_need_their_pattern_only_where_true_says_so();
    gates_come_from_sizes_and_first_bytes();
    what_signatures_ask_needs_patterns_and_kinds();
    return tap_done();
}
