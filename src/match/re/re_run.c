/* re_run — a machine of threads in lock step (Pike's), with YARA's order of threads and its
 * limits, because both show in the lengths of matches.
 *
 * Threads stand in a list, the preferred first. Each byte advances all of them; a thread that
 * matches ends those behind it (or, when all matches are wanted, only itself). Threads in the
 * same state as an earlier one are dropped. */
#include "match/re/re_run.h"

#include <string.h>

enum {
    BUCKETS = 2 * EXEC_FIBERS,
    FEW_FIBERS = 8,
};

uint16_t *re_run_counters(struct re_exec *x, uint16_t fiber)
{
    return x->counters + (size_t)fiber * x->depth;
}

uint16_t re_run_fiber(struct re_exec *x)
{
    uint16_t fiber = x->free;

    if (fiber != NO_FIBER) {
        x->free = x->fibers[fiber].next;
    } else if (x->made < EXEC_FIBERS) {
        fiber = x->made++;
    } else {
        budget_hit(x->budget, LIMIT_REGEX);
        x->failed = true;
        return NO_FIBER;
    }
    x->fibers[fiber] = (struct fiber){.gap = -1, .next = NO_FIBER, .prev = NO_FIBER, .top = -1};
    return fiber;
}

static uint16_t fiber_drop(struct re_exec *x, uint16_t fiber)
{
    struct fiber *f = &x->fibers[fiber];
    uint16_t next = f->next;

    if (f->prev != NO_FIBER)
        x->fibers[f->prev].next = next;
    else
        x->head = next;
    if (next != NO_FIBER)
        x->fibers[next].prev = f->prev;
    else
        x->tail = f->prev;
    f->next = x->free;
    x->free = fiber;
    return next;
}

void re_run_drop_from(struct re_exec *x, uint16_t fiber)
{
    while (fiber != NO_FIBER)
        fiber = fiber_drop(x, fiber);
}

/* A copy right behind the fiber. */
static uint16_t fiber_split(struct re_exec *x, uint16_t fiber)
{
    uint16_t copy = re_run_fiber(x);
    struct fiber *f = &x->fibers[fiber], *c;

    if (copy == NO_FIBER)
        return NO_FIBER;
    c = &x->fibers[copy];
    c->ip = f->ip;
    c->gap = f->gap;
    c->top = f->top;
    if (f->top >= 0)
        memcpy(re_run_counters(x, copy), re_run_counters(x, fiber),
               (size_t)(f->top + 1) * sizeof(uint16_t));
    c->prev = fiber;
    c->next = f->next;
    if (f->next != NO_FIBER)
        x->fibers[f->next].prev = copy;
    else
        x->tail = copy;
    f->next = copy;
    return copy;
}

static void swap_fibers(uint16_t *a, uint16_t *b)
{
    uint16_t swap = *a;

    *a = *b;
    *b = swap;
}

/* The fiber reaches a gap. Returns the next one to bring forward, sets x->failed. */
static uint16_t sync_gap(struct run *r, uint16_t fiber);

static uint16_t sync_repeat(struct run *r, uint16_t fiber, const struct re_inst *inst)
{
    struct re_exec *x = r->x;
    uint16_t enter = fiber, skip;
    struct fiber *f;

    if (inst->min == 0) {
        skip = fiber_split(x, fiber);
        if (skip == NO_FIBER)
            return fiber;
        if (inst->b)
            swap_fibers(&enter, &skip);
        x->fibers[skip].ip = inst->target;
    }
    f = &x->fibers[enter];
    if ((uint32_t)(f->top + 1) >= x->depth) {
        x->failed = true;
        return fiber;
    }
    re_run_counters(x, enter)[++f->top] = 0;
    f->ip++;
    return fiber;
}

static uint16_t sync_repeat_end(struct run *r, uint16_t fiber, const struct re_inst *inst)
{
    struct re_exec *x = r->x;
    uint16_t leave = fiber, again, count;
    struct fiber *f = &x->fibers[fiber];

    if (f->top < 0) {
        x->failed = true;
        return fiber;
    }
    count = ++re_run_counters(x, fiber)[f->top];
    if (count < inst->min) {
        f->ip = inst->target;
        return fiber;
    }
    if (count < inst->max) {
        again = fiber_split(x, fiber);
        if (again == NO_FIBER)
            return fiber;
        if (!inst->b)
            swap_fibers(&leave, &again);
        x->fibers[again].ip = inst->target;
    }
    f = &x->fibers[leave];
    f->top--;
    f->ip++;
    return fiber;
}

/* Follows instructions that take no byte until each thread stands at one that does. A split
 * that was met before in the same call ends the thread: that is how loops over nothing end. */
static uint16_t sync_fiber(struct run *r, uint16_t fiber)
{
    struct re_exec *x = r->x;
    uint16_t last = x->fibers[fiber].next, before = x->fibers[fiber].prev;
    uint64_t splits[2] = {0, 0};

    while (fiber != last && !x->failed) {
        struct fiber *f = &x->fibers[fiber];
        const struct re_inst *inst = &r->insts[f->ip];
        if (!re_exec_charge(x, 1))
            break;
        switch (inst->op) {
        case OP_SPLIT_NEXT:
        case OP_SPLIT_JUMP: {
            uint64_t *word = &splits[inst->a >> 6 & 1], bit = 1ull << (inst->a & 63);
            uint16_t next = fiber, jump;
            if (*word & bit) {
                fiber = fiber_drop(x, fiber);
                break;
            }
            jump = fiber_split(x, fiber);
            if (jump == NO_FIBER)
                break;
            if (inst->op == OP_SPLIT_JUMP)
                swap_fibers(&next, &jump);
            x->fibers[next].ip++;
            x->fibers[jump].ip = inst->target;
            *word |= bit;
            break;
        }
        case OP_REPEAT:
            fiber = sync_repeat(r, fiber, inst);
            break;
        case OP_REPEAT_END:
            fiber = sync_repeat_end(r, fiber, inst);
            break;
        case OP_GAP:
            fiber = sync_gap(r, fiber);
            break;
        case OP_JUMP:
            f->ip = inst->target;
            break;
        default:
            fiber = f->next;
        }
    }
    return before == NO_FIBER ? x->head : x->fibers[before].next;
}

static uint16_t sync_gap(struct run *r, uint16_t fiber)
{
    struct re_exec *x = r->x;
    struct fiber *f = &x->fibers[fiber];
    const struct re_inst *inst = &r->insts[f->ip];
    uint16_t next = f->next, stay = fiber, leave;

    if (f->gap == -1)
        f->gap = 0;
    if (f->gap < inst->min) {
        f->gap++;
        return next;
    }
    if (f->gap >= inst->max) {
        f->ip++;
        f->gap = -1;
        return fiber;
    }
    leave = fiber_split(x, fiber);
    if (leave == NO_FIBER)
        return next;
    if (inst->b & 1)
        swap_fibers(&stay, &leave);
    x->fibers[stay].gap++;
    x->fibers[leave].ip++;
    x->fibers[leave].gap = -1;
    sync_fiber(r, leave);
    return next;
}

static bool same_state(struct re_exec *x, uint16_t a, uint16_t b)
{
    const struct fiber *f = &x->fibers[a], *g = &x->fibers[b];

    return f->ip == g->ip && f->top == g->top && f->gap == g->gap &&
           (f->top < 0 || !memcmp(re_run_counters(x, a), re_run_counters(x, b),
                                  (size_t)(f->top + 1) * sizeof(uint16_t)));
}

static uint32_t hash_state(struct re_exec *x, uint16_t fiber)
{
    const struct fiber *f = &x->fibers[fiber];
    uint32_t hash = f->ip * 0x9e3779b1u + (uint32_t)f->gap * 0x85ebca6bu;

    for (int16_t i = 0; i <= f->top; i++)
        hash = (hash ^ re_run_counters(x, fiber)[i]) * 0xc2b2ae35u;
    return (hash ^ hash >> 15) % BUCKETS;
}

/* For a few threads comparing each with each is cheaper than to begin the table. */
static bool drop_few_doubles(struct re_exec *x)
{
    uint16_t kept[FEW_FIBERS];
    uint32_t n = 0;

    for (uint16_t fiber = x->head; fiber != NO_FIBER;) {
        uint32_t i = 0;
        while (i < n && !same_state(x, kept[i], fiber))
            i++;
        if (i < n) {
            fiber = fiber_drop(x, fiber);
            continue;
        }
        if (n == FEW_FIBERS)
            return false;
        kept[n++] = fiber;
        fiber = x->fibers[fiber].next;
    }
    return true;
}

/* Drops threads in the same state as an earlier one. */
void re_run_drop_doubles(struct re_exec *x)
{
    if (x->head == x->tail || drop_few_doubles(x))
        return;
    if (++x->generation == 0)
        x->generation = 1;
    if (x->generation == 1)
        memset(x->seen, 0, sizeof x->seen);
    for (uint16_t fiber = x->head; fiber != NO_FIBER;) {
        uint32_t at = hash_state(x, fiber);
        while (x->seen[at].generation == x->generation &&
               !same_state(x, x->seen[at].fiber, fiber))
            at = (at + 1) % BUCKETS;
        if (x->seen[at].generation == x->generation) {
            fiber = fiber_drop(x, fiber);
            continue;
        }
        x->seen[at].generation = x->generation;
        x->seen[at].fiber = fiber;
        fiber = x->fibers[fiber].next;
    }
}

bool re_run_is_word_at(const struct run *r, int64_t at)
{
    const uint8_t *p = r->x->data.at;

    return at >= 0 && at + r->width <= r->size && program_is_word(p[at]) &&
           (r->width == 1 || p[at + 1] == 0);
}

/* The character at a position, or -1 where there is none. */
static int character_at(const struct run *r, int64_t at)
{
    const uint8_t *p = r->x->data.at;
    if (at < 0 || at + r->width > r->size || (r->width == 2 && p[at + 1] != 0))
        return -1;
    return p[at];
}

/* Lines end with \n, \r or \r\n, and the last one with the object. */
static bool is_line_edge(const struct run *r, int64_t at, bool is_start)
{
    int before = character_at(r, at - r->width), after = character_at(r, at);
    if (is_start)
        return at <= 0 || before == '\n' || (before == '\r' && after != '\n');
    return at >= r->size || after == '\r' || (after == '\n' && before != '\r');
}

/* `at` is the place of the byte behind. */
static bool stands_beside(const struct run *r, const struct re_inst *inst, int64_t at)
{
    const uint8_t *p = r->x->data.at;
    bool before = inst->b == BESIDE_BEFORE;

    switch (inst->b) {
    case BESIDE_LEFT:
    case BESIDE_RIGHT:
        return program_edge_at((uint8_t)inst->a, inst->b == BESIDE_LEFT, r->x->data,
                               (size_t)at);
    case BESIDE_SPLIT_LINE:
        return at <= 0 || at >= r->size || p[at - 1] != '\r' || p[at] != '\n';
    default:
        for (int64_t far = inst->min; far <= inst->max; far++) {
            int64_t to = before ? at - 1 - far : at + far;
            if (to < 0 || to >= r->size)
                return false;
            if ((p[to] & inst->a >> 8) == (inst->a & 0xff))
                return true;
        }
        return false;
    }
}

enum action { KEEP, DROP, DROP_REST, AGAIN };

static enum action take_byte(const struct run *r, const struct re_inst *inst, int64_t at)
{
    const uint8_t *p = r->x->data.at + at;
    uint8_t c;
    bool good = false;

    if (r->matched >= r->most || (r->width == 2 && p[1] != 0))
        return DROP;
    c = *p;
    switch (inst->op) {
    case OP_LITERAL:
        good = c == inst->a;
        break;
    case OP_NOT:
        good = c != inst->a;
        break;
    case OP_MASKED:
        good = (c & inst->a >> 8) == (inst->a & 0xff);
        break;
    case OP_NOT_MASKED:
        good = (c & inst->a >> 8) != (inst->a & 0xff);
        break;
    case OP_ANY:
        good = true;
        break;
    case OP_CLASS:
        good = re_set_has(&r->sets[inst->a], c);
        break;
    default: /* OP_GAP */
        good = inst->b & 2 || c != '\n';
    }
    return good ? KEEP : DROP;
}

static enum action take_none(struct run *r, const struct re_inst *inst, int64_t at)
{
    bool good = false;

    switch (inst->op) {
    case OP_MATCH:
        r->result = (int)r->matched;
        if (!r->all)
            return DROP_REST;
        if (r->start_count == 0 || r->starts[r->start_count - 1] != r->matched)
            r->starts[r->start_count++] = (uint16_t)r->matched;
        return DROP;
    case OP_START:
        good = r->backward ? r->at <= (int64_t)r->matched : r->at == 0 && r->matched == 0;
        break;
    case OP_END:
        good = !r->backward && r->size - r->at <= (int64_t)r->matched;
        break;
    case OP_LINE_START:
    case OP_LINE_END:
        good = is_line_edge(r, r->backward ? at + r->width : at, inst->op == OP_LINE_START);
        break;
    case OP_BESIDE:
        good = stands_beside(r, inst, r->backward ? at + r->width : at);
        break;
    default:
        good = re_run_is_word_at(r, at - r->step) != re_run_is_word_at(r, at);
        if (inst->op == OP_NOT_BOUNDARY)
            good = !good;
    }
    return good ? AGAIN : DROP;
}

/* Advances every thread by one byte. */
void re_run_step(struct run *r)
{
    struct re_exec *x = r->x;
    int64_t at =
        r->at + (r->backward ? -(int64_t)r->width : 0) + r->step * (r->matched / r->width);
    uint16_t fiber = x->head;

    while (fiber != NO_FIBER && !x->failed) {
        struct fiber *f = &x->fibers[fiber];
        const struct re_inst *inst = &r->insts[f->ip];
        bool takes = inst->op <= OP_GAP;
        enum action action = takes ? take_byte(r, inst, at) : take_none(r, inst, at);
        uint16_t next = f->next;
        if (!re_exec_charge(x, 1))
            return;
        if (action == DROP) {
            fiber = fiber_drop(x, fiber);
        } else if (action == DROP_REST) {
            re_run_drop_from(x, fiber);
            fiber = NO_FIBER;
        } else {
            if (inst->op != OP_GAP)
                f->ip++;
            /* The common case needs no walk. */
            if (inst->op == OP_GAP || r->insts[f->ip].op > OP_LAST_BYTE)
                fiber = sync_fiber(r, fiber);
            if (action == KEEP)
                fiber = next;
        }
    }
}

bool re_run_add(struct run *r, uint32_t start)
{
    struct re_exec *x = r->x;
    uint16_t fiber = re_run_fiber(x);

    if (fiber == NO_FIBER)
        return false;
    x->fibers[fiber].ip = start;
    x->fibers[fiber].prev = x->tail;
    if (x->tail != NO_FIBER)
        x->fibers[x->tail].next = fiber;
    else
        x->head = fiber;
    x->tail = fiber;
    sync_fiber(r, fiber);
    return !x->failed;
}

/* Lets the threads run from where they stand to the end. */
void re_run_threads(struct run *r)
{
    struct re_exec *x = r->x;

    while (x->head != NO_FIBER && !x->failed) {
        re_run_drop_doubles(x);
        re_run_step(r);
        r->matched += r->width;
        if (r->scan && r->matched < r->most && !x->failed)
            re_run_add(r, r->start);
    }
    re_run_drop_from(x, x->head);
}
