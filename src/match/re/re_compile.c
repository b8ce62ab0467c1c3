/* re_compile — code emission for the general matcher.
 *
 * The shape of the code, and with it the order in which alternatives are tried, follows YARA
 * (libyara's re.c documents it beside _yr_re_emit): counted repetitions are unrolled into a
 * first copy, a loop and a last copy, so that atoms can point into the copies. YARA's limits
 * count bytes of its own encoding; `where` keeps that count. */
#include "match/re/re_compile.h"

#include <errno.h>

enum {
    MAX_SPLITS = 128,  /* RE_MAX_SPLIT_ID */
    MAX_JUMP = 32767,  /* jumps of YARA's code are 16 bits wide */
    MAX_INSTS = 60000, /* nested repetitions multiply; YARA has no bound here */
};

/* Sizes of YARA's instructions. */
enum {
    SIZE_BARE = 1,
    SIZE_LITERAL = 2,
    SIZE_MASKED = 3,
    SIZE_JUMP = 3,
    SIZE_SPLIT = 4,
    SIZE_GAP = 5,
    SIZE_REPEAT = 9,
    SIZE_CLASS = 34,
};

enum { KEEP_FORWARD = 1, KEEP_BACKWARD = 2 };

struct emitter {
    struct program_draft *draft;
    bool backward, nocase, dotall;
    uint32_t splits, depth;
    int64_t where;
    const char *wrong; /* a limit that was met */
    bool full;
};

static bool emit(struct emitter *e, struct re_node *node, uint32_t keep);

static bool wrong(struct emitter *e, const char *text)
{
    e->wrong = text;
    return false;
}

static uint32_t here(const struct emitter *e)
{
    return e->draft->insts.n;
}

static struct re_inst *inst(const struct emitter *e, uint32_t at)
{
    return &e->draft->insts.at[at];
}

static bool put(struct emitter *e, struct re_inst add, int64_t size)
{
    struct re_inst *slot;

    if (here(e) >= MAX_INSTS)
        return wrong(e, "regular expression is too large");
    slot = vec_push(e->draft->arena, &e->draft->insts);
    if (!slot) {
        e->full = true;
        return false;
    }
    *slot = add;
    e->where += size;
    return true;
}

static bool put_split(struct emitter *e, enum re_op op, uint32_t target)
{
    if (e->splits == MAX_SPLITS)
        return wrong(e, "regular expression is too complex");
    return put(
        e, (struct re_inst){.op = (uint8_t)op, .a = (uint16_t)e->splits++, .target = target},
        SIZE_SPLIT);
}

/* The number of a class among the draft's, one for equal ones. */
static bool put_set(struct emitter *e, const struct re_node *node, int64_t size)
{
    struct re_set set, *slot;
    uint32_t at = 0;

    re_accepts(node, e->nocase, e->dotall, &set);
    while (at < e->draft->sets.n &&
           !bytes_equal((bytes){e->draft->sets.at[at].bits, 32}, (bytes){set.bits, 32}))
        at++;
    if (at == e->draft->sets.n) {
        slot = vec_push(e->draft->arena, &e->draft->sets);
        if (!slot) {
            e->full = true;
            return false;
        }
        *slot = set;
    }
    return put(e, (struct re_inst){.op = OP_CLASS, .a = (uint16_t)at}, size);
}

static bool emit_byte(struct emitter *e, const struct re_node *node)
{
    uint8_t value = node->value, fold = ascii_lower(value);
    uint16_t masked = (uint16_t)(node->mask << 8 | value);

    switch (node->kind) {
    case RE_LITERAL:
        if (e->nocase && fold >= 'a' && fold <= 'z')
            return put(
                e, (struct re_inst){.op = OP_MASKED, .a = (uint16_t)(0xdf00 | (fold & 0xdf))},
                SIZE_LITERAL);
        return put(e, (struct re_inst){.op = OP_LITERAL, .a = value}, SIZE_LITERAL);
    case RE_NOT:
        return put(e, (struct re_inst){.op = OP_NOT, .a = value}, SIZE_LITERAL);
    case RE_MASKED:
        return put(e, (struct re_inst){.op = OP_MASKED, .a = masked}, SIZE_MASKED);
    case RE_NOT_MASKED:
        return put(e, (struct re_inst){.op = OP_NOT_MASKED, .a = masked}, SIZE_MASKED);
    case RE_ANY:
        if (e->dotall)
            return put(e, (struct re_inst){.op = OP_ANY}, SIZE_BARE);
        return put(e, (struct re_inst){.op = OP_NOT, .a = '\n'}, SIZE_BARE);
    case RE_CLASS:
        return put_set(e, node, SIZE_CLASS);
    default:
        return put_set(e, node, SIZE_BARE);
    }
}

static bool emit_concat(struct emitter *e, struct re_node *node, uint32_t keep)
{
    struct re_node *at = e->backward ? node->last : node->first;

    for (; at; at = e->backward ? at->prev : at->next)
        if (!emit(e, at, keep))
            return false;
    return true;
}

/* L1: e; split L1, L2; L2: */
static bool emit_plus(struct emitter *e, struct re_node *node, uint32_t keep)
{
    uint32_t start = here(e);
    int64_t where = e->where;

    if (!emit(e, node->first, keep))
        return false;
    if (e->where - where > MAX_JUMP + 1)
        return wrong(e, "regular expression is too large");
    return put_split(e, node->lazy ? OP_SPLIT_NEXT : OP_SPLIT_JUMP, start);
}

/* L1: split L1', L2; L1': e; jump L1; L2: */
static bool emit_star(struct emitter *e, struct re_node *node, uint32_t keep)
{
    uint32_t split = here(e);
    int64_t where = e->where;

    if (!put_split(e, node->lazy ? OP_SPLIT_JUMP : OP_SPLIT_NEXT, 0) ||
        !emit(e, node->first, keep))
        return false;
    if (e->where - where > MAX_JUMP + 1)
        return wrong(e, "regular expression is too large");
    if (!put(e, (struct re_inst){.op = OP_JUMP, .target = split}, SIZE_JUMP))
        return false;
    if (e->where - where > MAX_JUMP)
        return wrong(e, "regular expression is too large");
    inst(e, split)->target = here(e);
    return true;
}

/* split L1, L2; L1: e1; jump L3; L2: e2; L3: */
static bool emit_alt(struct emitter *e, struct re_node *node, uint32_t keep)
{
    uint32_t split = here(e), jump;
    int64_t where = e->where, jump_where;

    if (!put_split(e, OP_SPLIT_NEXT, 0) || !emit(e, node->first, keep))
        return false;
    jump = here(e);
    jump_where = e->where;
    if (!put(e, (struct re_inst){.op = OP_JUMP}, SIZE_JUMP))
        return false;
    if (e->where - where > MAX_JUMP)
        return wrong(e, "regular expression is too large");
    inst(e, split)->target = here(e);
    if (!emit(e, node->last, keep))
        return false;
    if (e->where - jump_where > MAX_JUMP)
        return wrong(e, "regular expression is too large");
    inst(e, jump)->target = here(e);
    return true;
}

/* The loop of a counted repetition: repeat min, max, L1; L0: e; repeat_end L0; L1: */
static bool emit_loop(struct emitter *e, struct re_node *node, int32_t min, int32_t max)
{
    uint32_t start = here(e);
    struct re_inst head = {
        .op = OP_REPEAT, .b = node->lazy, .min = (uint16_t)min, .max = (uint16_t)max};

    if (!put(e, head, SIZE_REPEAT))
        return false;
    if (++e->depth > e->draft->head.counters)
        e->draft->head.counters = (uint16_t)e->depth;
    if (!emit(e, node->first, KEEP_FORWARD | KEEP_BACKWARD))
        return false;
    e->depth--;
    head.op = OP_REPEAT_END;
    head.target = start + 1;
    if (!put(e, head, SIZE_REPEAT))
        return false;
    inst(e, start)->target = here(e);
    return true;
}

/* e{n,m}: a first copy, a loop, a split and a last copy, each only where it is needed. */
static bool emit_range(struct emitter *e, struct re_node *node, uint32_t keep)
{
    int32_t start = node->start, end = node->end;
    bool prolog = start > 0, loop = end > start + 1 || end > 2, split = end > start;
    bool epilog = split || end > 1;
    uint32_t split_at = 0;
    int64_t where;

    if (prolog && !emit(e, node->first, keep))
        return false;
    if (loop) {
        int32_t min = start - prolog - !split, max = end - prolog - 1;
        if (!emit_loop(e, node, min, max))
            return false;
    }
    where = e->where;
    if (split) {
        split_at = here(e);
        if (!put_split(e, node->lazy ? OP_SPLIT_JUMP : OP_SPLIT_NEXT, 0))
            return false;
    }
    if (epilog && !emit(e, node->first, prolog ? keep | KEEP_FORWARD : keep))
        return false;
    if (split) {
        if (e->where - where > MAX_JUMP)
            return wrong(e, "regular expression is too large");
        inst(e, split_at)->target = here(e);
    }
    return true;
}

static bool emit_node(struct emitter *e, struct re_node *node, uint32_t keep)
{
    switch (node->kind) {
    case RE_CONCAT:
        return emit_concat(e, node, keep);
    case RE_ALT:
        return emit_alt(e, node, keep);
    case RE_STAR:
        return emit_star(e, node, keep);
    case RE_PLUS:
        return emit_plus(e, node, keep);
    case RE_RANGE:
        return emit_range(e, node, keep);
    case RE_GAP:
        return put(e,
                   (struct re_inst){.op = OP_GAP,
                                    .b = (uint8_t)(node->lazy | e->dotall << 1),
                                    .min = (uint16_t)node->start,
                                    .max = (uint16_t)node->end},
                   SIZE_GAP);
    case RE_EMPTY:
        return true;
    case RE_START:
        return put(e, (struct re_inst){.op = OP_START}, SIZE_BARE);
    case RE_END:
        return put(e, (struct re_inst){.op = OP_END}, SIZE_BARE);
    case RE_BOUNDARY:
        return put(e, (struct re_inst){.op = OP_BOUNDARY}, SIZE_BARE);
    case RE_NOT_BOUNDARY:
        return put(e, (struct re_inst){.op = OP_NOT_BOUNDARY}, SIZE_BARE);
    case RE_LINE_START:
        return put(e, (struct re_inst){.op = OP_LINE_START}, SIZE_BARE);
    case RE_LINE_END:
        return put(e, (struct re_inst){.op = OP_LINE_END}, SIZE_BARE);
    case RE_BESIDE:
        return put(e,
                   (struct re_inst){.op = OP_BESIDE,
                                    .b = node->beside,
                                    .a = (uint16_t)(node->mask << 8 | node->value),
                                    .min = (uint16_t)node->start,
                                    .max = (uint16_t)node->end},
                   SIZE_BARE);
    default:
        return emit_byte(e, node);
    }
}

static bool emit(struct emitter *e, struct re_node *node, uint32_t keep)
{
    uint32_t start = here(e);

    if (!emit_node(e, node, keep))
        return false;
    if (e->backward) {
        if (!(keep & KEEP_BACKWARD))
            node->backward = here(e);
    } else if (!(keep & KEEP_FORWARD)) {
        node->forward = start;
    }
    return true;
}

int re_compile(struct program_draft *draft, const struct re_tree *tree, bool backward,
               uint32_t *ret_start, struct pattern_fault *fault)
{
    struct emitter e = {.draft = draft,
                        .backward = backward,
                        .nocase = draft->head.flags & PATTERN_NOCASE,
                        .dotall = draft->head.flags & PATTERN_DOTALL};
    uint32_t start = here(&e);

    if (!emit(&e, tree->root, 0) || !put(&e, (struct re_inst){.op = OP_MATCH}, SIZE_BARE)) {
        if (e.wrong)
            return re_fault(fault, 0, e.wrong);
        re_fault(fault, 0, "not enough memory");
        return -ENOMEM;
    }
    *ret_start = start;
    return 0;
}

static bool put_steps(struct program_draft *draft, struct re_node *node)
{
    struct hex_step *step;

    if (node->kind == RE_CONCAT) {
        for (struct re_node *at = node->first; at; at = at->next)
            if (!put_steps(draft, at))
                return false;
        return true;
    }
    node->forward = draft->steps.n;
    step = vec_push(draft->arena, &draft->steps);
    if (!step)
        return false;
    switch (node->kind) {
    case RE_GAP:
        *step = (struct hex_step){
            .op = STEP_GAP, .min = (uint16_t)node->start, .max = (uint16_t)node->end};
        break;
    case RE_NOT:
    case RE_NOT_MASKED:
        *step = (struct hex_step){.op = STEP_NOT, .value = node->value, .mask = node->mask};
        break;
    default:
        *step = (struct hex_step){.op = STEP_BYTE, .value = node->value, .mask = node->mask};
    }
    return true;
}

bool re_compile_steps(struct program_draft *draft, struct re_node *root, uint32_t *ret_start,
                      uint32_t *ret_count)
{
    *ret_start = draft->steps.n;
    if (!put_steps(draft, root))
        return false;
    *ret_count = draft->steps.n - *ret_start;
    return true;
}
