#include "rules/anchor.h"

#include "match/literals.h"
#include "rules/kind.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a node needs in order to be true (or, for values, to be defined): one of the programs
 * to match or the object to be of one of the kinds. Never true: neither. */
struct need {
    uint32_t kinds; /* set of enum kind */
    uint32_t only; /* set of enum kind: in objects of others it is not true, whatever matches */
    double cost;
    const uint32_t *programs;
    uint32_t count;
};

struct solver {
    const struct draft *draft;
    struct arena *arena;
    struct anchor *anchors; /* of the rules before this one */
    double *program_cost;
    uint32_t loop_pattern; /* what `$` stands for, or NODE_LOOP_PATTERN */
    bool full;
};

static const struct need nothing = {.kinds = KIND_ALL, .only = KIND_ALL, .cost = INFINITY};
static const struct need never = {.cost = 0};

/* An object of a known kind is dearer than all but the most common literals. */
enum { KIND_COST = 1 << 26 };

static struct need of_kind(uint32_t kinds)
{
    if (kinds == KIND_ALL)
        return nothing;
    double cost = __builtin_popcount(kinds) * (double)KIND_COST;
    return (struct need){
        .kinds = kinds, .only = kinds, .cost = kinds >> KIND_OTHER & 1 ? 64 * cost : cost};
}

static struct need truth(struct solver *s, uint32_t at);
static struct need defined(struct solver *s, uint32_t at);

double anchor_program_cost(const struct draft_program *program)
{
    if (program->literal_count == 0)
        return INFINITY;
    double sum = 0;
    for (uint32_t i = 0; i < program->literal_count; i++)
        sum += exp2(literal_cost(program->literals[i].text, program->literals[i].nocase) / 8.0);
    return sum;
}

static struct need pattern_need(struct solver *s, uint32_t pattern)
{
    if (pattern == NODE_LOOP_PATTERN)
        pattern = s->loop_pattern;
    if (pattern == NODE_LOOP_PATTERN)
        return nothing;
    const uint32_t *program = &s->draft->patterns.at[pattern].program;
    double cost = s->program_cost[*program];
    if (isinf(cost))
        return nothing;
    return (struct need){.only = KIND_ALL, .cost = cost, .programs = program, .count = 1};
}

/* Both are needed: the one that is cheaper to look for will do. */
static struct need both(struct need a, struct need b)
{
    struct need best = a.cost <= b.cost ? a : b;
    best.only = a.only & b.only;
    return best;
}

static struct need nothing_but(uint32_t only)
{
    struct need need = nothing;
    need.only = only;
    return need;
}

static struct need any_of(struct solver *s, const struct need *needs, uint32_t count)
{
    struct need sum = never;
    for (uint32_t i = 0; i < count; i++) {
        sum.kinds |= needs[i].kinds;
        sum.only |= needs[i].only;
        sum.cost += needs[i].cost;
        sum.count += needs[i].count;
    }
    if (sum.kinds == KIND_ALL)
        return nothing_but(sum.only);
    if (sum.count == 0)
        return sum;
    uint32_t *all = PUSH_ARRAY(s->arena, uint32_t, sum.count), n = 0;
    if (!all) {
        s->full = true;
        return nothing;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (needs[i].count)
            memcpy(all + n, needs[i].programs, needs[i].count * sizeof *all);
        n += needs[i].count;
    }
    sum.programs = all;
    return sum;
}

static int by_cost(const void *a, const void *b)
{
    double x = ((const struct need *)a)->cost, y = ((const struct need *)b)->cost;
    return (x > y) - (x < y);
}

static const struct node *node_at(const struct solver *s, uint32_t at)
{
    return &s->draft->nodes.at[at];
}

static bool constant_int(const struct solver *s, uint32_t at, int64_t *ret)
{
    const struct node *node = node_at(s, at);
    if (node->op != NODE_INT)
        return false;
    *ret = (int64_t)((uint64_t)node->b << 32 | node->a);
    return true;
}

/* The least number of true members that satisfies a quantifier over `count` of them; 0 when
 * none may be enough. */
static uint64_t at_least(const struct solver *s, const struct node *node, uint32_t count)
{
    int64_t number = 0;
    switch ((enum node_quantifier)node->aux) {
    case QUANTIFIER_ALL:
        return count;
    case QUANTIFIER_ANY:
        return 1;
    case QUANTIFIER_NONE:
        return 0;
    case QUANTIFIER_NUMBER:
        if (!constant_int(s, node->c, &number) || number < 0)
            return 0;
        return (uint64_t)number;
    case QUANTIFIER_PERCENT:
        if (!constant_int(s, node->c, &number) || number <= 0 || number > 100)
            return 0;
        return ((uint64_t)number * count + 99) / 100;
    }
    return 0;
}

/* At least k of the needs are met, so every n-k+1 of them hold one that is: the cheapest. */
static struct need quantified(struct solver *s, struct need *needs, uint32_t count, uint64_t k)
{
    if (k == 0)
        return nothing;
    if (k > count)
        return never;
    if (k == count) {
        struct need best = needs[0];
        for (uint32_t i = 1; i < count; i++)
            best = both(best, needs[i]);
        return best;
    }
    qsort(needs, count, sizeof *needs, by_cost);
    return any_of(s, needs, (uint32_t)(count - k + 1));
}

static struct need need_of(struct solver *s, const struct node *node)
{
    struct need *needs = PUSH_ARRAY(s->arena, struct need, node->b);
    if (!needs) {
        s->full = true;
        return nothing;
    }
    const uint32_t *items = s->draft->links.at + node->a;
    for (uint32_t i = 0; i < node->b; i++)
        needs[i] = truth(s, items[i]);
    return quantified(s, needs, node->b, at_least(s, node, node->b));
}

static struct need need_for_of(struct solver *s, const struct node *node)
{
    struct need *needs = PUSH_ARRAY(s->arena, struct need, node->b);
    if (!needs) {
        s->full = true;
        return nothing;
    }
    const uint32_t *links = s->draft->links.at + node->a;
    uint32_t outer = s->loop_pattern;
    for (uint32_t i = 0; i < node->b; i++) {
        s->loop_pattern = links[1 + i];
        needs[i] = truth(s, links[0]);
    }
    s->loop_pattern = outer;
    return quantified(s, needs, node->b, at_least(s, node, node->b));
}

static struct need need_for_in(struct solver *s, const struct node *node)
{
    int64_t number;
    bool once =
        node->aux == QUANTIFIER_ALL || node->aux == QUANTIFIER_ANY ||
        (node->aux == QUANTIFIER_NUMBER && constant_int(s, node->c, &number) && number > 0);
    if (!once)
        return nothing;
    /* A loop over nothing is false, so the body is true at least once. */
    const uint32_t *links = s->draft->links.at + node->a;
    const struct node *iterator = node_at(s, links[1]);
    struct need over = iterator->op == NODE_RANGE
                           ? both(defined(s, iterator->a), defined(s, iterator->b))
                           : defined(s, links[1]);
    return both(truth(s, links[0]), over);
}

static struct need list_need(struct solver *s, const struct node *node)
{
    const uint32_t *items = s->draft->links.at + node->a;
    if (node->op == NODE_AND) {
        struct need best = nothing;
        for (uint32_t i = 0; i < node->b; i++)
            best = both(best, truth(s, items[i]));
        return best;
    }
    struct need *needs = PUSH_ARRAY(s->arena, struct need, node->b);
    if (!needs) {
        s->full = true;
        return nothing;
    }
    for (uint32_t i = 0; i < node->b; i++)
        needs[i] = truth(s, items[i]);
    return any_of(s, needs, node->b);
}

static struct need rule_need(const struct solver *s, uint32_t rule)
{
    const struct anchor *anchor = &s->anchors[rule];
    return (struct need){anchor->kinds, anchor->gate.kinds, anchor->cost, anchor->programs,
                         anchor->count};
}

static bool is_count(const struct node *node)
{
    return node->op == NODE_COUNT || node->op == NODE_COUNT_IN ||
           node->op == NODE_COUNT_VERSION;
}

/* `#a > 0`, `2 <= #a` and the like, which need the pattern; `#a < 3` does not. */
static struct need count_need(struct solver *s, const struct node *node)
{
    uint8_t op = node->op;
    uint32_t count = node->a, other = node->b;
    if (!is_count(node_at(s, count))) {
        count = node->b;
        other = node->a;
        op = op == NODE_LT   ? NODE_GT
             : op == NODE_LE ? NODE_GE
             : op == NODE_GT ? NODE_LT
             : op == NODE_GE ? NODE_LE
                             : op;
    }
    const struct node *counted = node_at(s, count);
    int64_t number;
    if (!is_count(counted) || !constant_int(s, other, &number))
        return nothing;
    bool positive = (op == NODE_GT && number >= 0) || (op == NODE_GE && number > 0) ||
                    (op == NODE_EQ && number > 0) || (op == NODE_NE && number == 0);
    return positive ? pattern_need(s, counted->a) : nothing;
}

/* `uintN(0) == number`, either byte order: what the first bytes are then. */
static bool magic_of(const struct solver *s, uint32_t at, uint32_t other, uint32_t *ret_magic,
                     uint32_t *ret_mask)
{
    const struct node *read = node_at(s, at);
    int64_t offset, number;
    unsigned size = read->aux & READ_SIZE;
    if (read->op != NODE_READ || (read->aux & (READ_SIGNED | READ_FLOAT)) || size > 4 ||
        !constant_int(s, read->a, &offset) || offset != 0 || !constant_int(s, other, &number))
        return false;
    uint32_t mask = size == 4 ? UINT32_MAX : (1u << 8 * size) - 1;
    if (number < 0 || number > mask)
        return false;
    uint32_t magic = (uint32_t)number;
    *ret_magic = read->aux & READ_BIG ? __builtin_bswap32(magic) >> (32 - 8 * size) : magic;
    *ret_mask = mask;
    return true;
}

static struct need magic_need(const struct solver *s, const struct node *node)
{
    uint32_t magic, mask;
    if (node->op == NODE_EQ && (magic_of(s, node->a, node->b, &magic, &mask) ||
                                magic_of(s, node->b, node->a, &magic, &mask)))
        return of_kind(kind_compatible(magic, mask));
    return nothing;
}

/* What a module knows of files of one kind is undefined in all others. Calls may answer 0
 * there (`pe.imports`), but not with a text. */
static struct need module_need(const struct solver *s, const struct node *node)
{
    while (node->op == NODE_FIELD || node->op == NODE_INDEX || node->op == NODE_CALL) {
        if (node->op == NODE_FIELD && node->aux)
            return nothing;
        node = node_at(s, node->a);
        if (node->op == NODE_CALL)
            return nothing;
    }
    if (node->op != NODE_MODULE)
        return nothing;
    return of_kind(
        kind_of_module((const char *)s->draft->texts.at + s->draft->modules.at[node->a].name));
}

static struct need call_defined(struct solver *s, const struct node *node)
{
    const uint32_t *links = s->draft->links.at + node->c;
    struct need best = node->type == TYPE_STRING ? module_need(s, node) : nothing;
    for (uint32_t i = 0; i < links[0]; i++)
        best = both(best, defined(s, links[1 + i]));
    return best;
}

/* What a value needs in order not to be undefined. */
static struct need defined(struct solver *s, uint32_t at)
{
    const struct node *node = node_at(s, at);
    switch ((enum node_op)node->op) {
    case NODE_UNDEFINED:
        return never;
    case NODE_OFFSET:
    case NODE_MATCH_LENGTH:
    case NODE_NUMBER:
        return pattern_need(s, node->a);
    case NODE_PLACE:
        return of_kind(1u << KIND_PE | 1u << KIND_ELF | 1u << KIND_MACHO);
    case NODE_READ:
    case NODE_NOT:
    case NODE_NEG:
    case NODE_BIT_NOT:
        return defined(s, node->a);
    case NODE_LENGTH: /* arrays and dictionaries are there in every object, if only empty */
        return node_at(s, node->a)->type == TYPE_STRING ? defined(s, node->a) : nothing;
    case NODE_LT:
        /* YARA: `<` of floats is false, not undefined, where one side is undefined. */
        if (node_at(s, node->a)->type == TYPE_FLOAT || node_at(s, node->b)->type == TYPE_FLOAT)
            return nothing;
        return both(defined(s, node->a), defined(s, node->b));
    case NODE_EQ ... NODE_NE:
    case NODE_LE ... NODE_GE:
    case NODE_ADD ... NODE_SHR:
    case NODE_CONTAINS ... NODE_IEQUALS:
        return both(defined(s, node->a), defined(s, node->b));
    case NODE_MATCHES:
        return defined(s, node->a);
    case NODE_FIELD:
    case NODE_INDEX:
        return module_need(s, node);
    case NODE_CALL:
        return call_defined(s, node);
    default:
        return nothing;
    }
}

static struct need truth(struct solver *s, uint32_t at)
{
    const struct node *node = node_at(s, at);
    int64_t number;
    switch ((enum node_op)node->op) {
    case NODE_UNDEFINED:
        return never;
    case NODE_BOOL:
        return node->a ? nothing : never;
    case NODE_INT:
        return constant_int(s, at, &number) && number ? nothing : never;
    case NODE_AND:
    case NODE_OR:
        return list_need(s, node);
    case NODE_FOUND:
    case NODE_FOUND_AT:
    case NODE_FOUND_IN:
    case NODE_COUNT:
    case NODE_COUNT_IN:
        return pattern_need(s, node->a);
    case NODE_FOUND_VERSION:
    case NODE_COUNT_VERSION:
        return both(pattern_need(s, node->a), of_kind(1 << KIND_PE));
    case NODE_RULE:
        return rule_need(s, node->a);
    case NODE_OF:
        return need_of(s, node);
    case NODE_FOR_OF:
        return need_for_of(s, node);
    case NODE_FOR_IN:
        return need_for_in(s, node);
    case NODE_LET:
        return truth(s, node->c);
    case NODE_DEFINED:
        return defined(s, node->a);
    case NODE_CALL:
        return both(module_need(s, node), defined(s, at));
    case NODE_EQ ... NODE_GE:
        return both(both(count_need(s, node), magic_need(s, node)),
                    both(defined(s, node->a), defined(s, node->b)));
    default:
        return defined(s, at);
    }
}

static const struct ruleset_gate open_gate = {.size_max = UINT64_MAX, .kinds = KIND_ALL};

static void gate_size(struct ruleset_gate *gate, uint8_t op, int64_t number)
{
    uint64_t n = number < 0 ? 0 : (uint64_t)number;
    bool negative = number < 0;
    uint64_t min = 0, max = UINT64_MAX;
    switch (op) {
    case NODE_LT:
        max = n ? n - 1 : 0; /* `filesize < 0` stays for the condition to refuse */
        break;
    case NODE_LE:
        max = n;
        break;
    case NODE_GT:
        min = negative ? 0 : n + 1;
        break;
    case NODE_GE:
        min = n;
        break;
    case NODE_EQ:
        min = max = n;
        break;
    default:
        break;
    }
    if (min > gate->size_min)
        gate->size_min = min;
    if (max < gate->size_max)
        gate->size_max = max;
}

static void gate_magic(struct ruleset_gate *gate, uint32_t magic, uint32_t mask)
{
    if (__builtin_popcount(mask) > __builtin_popcount(gate->magic_mask)) {
        gate->magic = magic;
        gate->magic_mask = mask;
    }
}

static void gate_merge(struct ruleset_gate *gate, const struct ruleset_gate *other)
{
    if (other->size_min > gate->size_min)
        gate->size_min = other->size_min;
    if (other->size_max < gate->size_max)
        gate->size_max = other->size_max;
    gate_magic(gate, other->magic, other->magic_mask);
}

static void gate_of(const struct solver *s, uint32_t at, struct ruleset_gate *gate)
{
    const struct node *node = node_at(s, at);
    if (node->op == NODE_AND) {
        for (uint32_t i = 0; i < node->b; i++)
            gate_of(s, s->draft->links.at[node->a + i], gate);
        return;
    }
    if (node->op == NODE_RULE) {
        gate_merge(gate, &s->anchors[node->a].gate);
        return;
    }
    if (node->op < NODE_EQ || node->op > NODE_GE)
        return;
    static const uint8_t mirrored[] = {NODE_EQ, NODE_NE, NODE_GT, NODE_GE, NODE_LT, NODE_LE};
    const struct node *left = node_at(s, node->a), *right = node_at(s, node->b);
    int64_t number;
    uint32_t magic, mask;
    if (left->op == NODE_FILESIZE && constant_int(s, node->b, &number))
        gate_size(gate, node->op, number);
    else if (right->op == NODE_FILESIZE && constant_int(s, node->a, &number))
        gate_size(gate, mirrored[node->op - NODE_EQ], number);
    else if (node->op == NODE_EQ && (magic_of(s, node->a, node->b, &magic, &mask) ||
                                     magic_of(s, node->b, node->a, &magic, &mask)))
        gate_magic(gate, magic, mask);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Keeps a need as an anchor: sorted, each program once. */
static bool keep(struct solver *s, struct need need, struct anchor *ret)
{
    ret->gate.kinds &= need.only;
    ret->kinds = need.kinds & ret->gate.kinds;
    ret->cost = need.cost;
    if (need.count == 0)
        return true;
    ret->programs = PUSH_ARRAY(s->arena, uint32_t, need.count);
    if (!ret->programs)
        return false;
    memcpy(ret->programs, need.programs, need.count * sizeof *need.programs);
    qsort(ret->programs, need.count, sizeof *ret->programs, by_number);
    for (uint32_t i = 0; i < need.count; i++)
        if (i == 0 || ret->programs[i] != ret->programs[i - 1])
            ret->programs[ret->count++] = ret->programs[i];
    return true;
}

/* Whether a rule calls the console module: what it says is to be said of every object, found or
 * not. Its nodes follow those of the rule before it. */
static bool speaks(const struct draft *draft, uint32_t rule)
{
    uint32_t first = rule ? draft->rules.at[rule - 1].condition + 1 : 0;
    for (uint32_t i = first; i <= draft->rules.at[rule].condition; i++) {
        const struct node *node = &draft->nodes.at[i];
        if (node->op == NODE_MODULE &&
            strcmp((const char *)draft->texts.at + draft->modules.at[node->a].name,
                   "console") == 0)
            return true;
    }
    return false;
}

struct anchor *anchor_solve(const struct draft *draft, struct arena *arena)
{
    struct solver s = {.draft = draft, .arena = arena, .loop_pattern = NODE_LOOP_PATTERN};
    s.anchors = PUSH_ARRAY(arena, struct anchor, draft->rules.n);
    s.program_cost = PUSH_ARRAY(arena, double, draft->programs.n);
    if (!s.anchors || !s.program_cost)
        return NULL;
    for (uint32_t i = 0; i < draft->programs.n; i++)
        s.program_cost[i] = anchor_program_cost(&draft->programs.at[i]);
    for (uint32_t i = 0; i < draft->rules.n && !s.full; i++) {
        uint32_t condition = draft->rules.at[i].condition;
        s.anchors[i].gate = open_gate;
        s.anchors[i].gate.targets = draft->targets.at[i];
        s.anchors[i].gate.kinds = kind_of_targets(draft->targets.at[i]);
        bool is_silent = !speaks(draft, i);
        if (is_silent)
            gate_of(&s, condition, &s.anchors[i].gate);
        s.full |= !keep(&s, is_silent ? truth(&s, condition) : nothing, &s.anchors[i]);
        s.anchors[i].speaks = !is_silent;
    }
    return s.full ? NULL : s.anchors;
}
