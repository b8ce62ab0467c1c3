/* re_exec — a machine of threads in lock step (Pike's), with YARA's order of threads and its
 * limits, because both show in the lengths of matches.
 *
 * Threads stand in a list, the preferred first. Each byte advances all of them; a thread that
 * matches ends those behind it (or, when all matches are wanted, only itself). Threads in the
 * same state as an earlier one are dropped. */
#include "match/re_exec.h"

#include <string.h>

enum {
    NO_FIBER = 0xffff,
    CHARGE = 256,
    BUCKETS = 2 * EXEC_FIBERS,
    MEMO_EFFORT = 4096,    /* steps of threads before it pays to remember them */
    MEMO_OFF = UINT32_MAX, /* effort: never (again) */
    LIST_WORDS = 4 * EXEC_FIBERS,
    FEW_FIBERS = 8,
};

/* One run. */
struct run {
    struct re_exec *x;
    const struct re_inst *insts;
    const struct re_set *sets;
    int64_t at, step; /* where it began; +-width */
    int64_t size;     /* of data */
    uint32_t width;   /* 1, or 2 for wide */
    uint32_t matched, most, start;
    bool backward, all, scan;
    int result;
    uint16_t *starts;
    uint32_t start_count;
};

bool re_exec_init(struct re_exec *x, const struct program *program, bytes data,
                  struct arena *arena, struct budget *budget)
{
    x->program = program;
    x->data = data;
    x->budget = budget;
    x->depth = program->counters;
    x->counters = x->inline_counters;
    x->work = 0;
    x->failed = false;
    x->effort = 0;
    x->arena = arena;
    x->memo = NULL;
    x->generation = 0;
    x->free = NO_FIBER;
    x->made = 0;
    if (x->depth > EXEC_INLINE) {
        x->counters = PUSH_ARRAY(arena, uint16_t, (size_t)EXEC_FIBERS * x->depth);
        if (!x->counters) {
            budget_hit(budget, LIMIT_MEMORY);
            return false;
        }
    }
    return true;
}

bool re_exec_charge(struct re_exec *x, uint32_t work)
{
    x->work += work;
    if (x->work < CHARGE)
        return true;
    if (x->effort < MEMO_EFFORT)
        x->effort += x->work;
    if (!budget_charge(x->budget, x->work))
        x->failed = true;
    x->work = 0;
    return !x->failed;
}

static uint16_t *counters_of(struct re_exec *x, uint16_t fiber)
{
    return x->counters + (size_t)fiber * x->depth;
}

static uint16_t fiber_new(struct re_exec *x)
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

static void fiber_drop_from(struct re_exec *x, uint16_t fiber)
{
    while (fiber != NO_FIBER)
        fiber = fiber_drop(x, fiber);
}

/* A copy right behind the fiber. */
static uint16_t fiber_split(struct re_exec *x, uint16_t fiber)
{
    uint16_t copy = fiber_new(x);
    struct fiber *f = &x->fibers[fiber], *c;

    if (copy == NO_FIBER)
        return NO_FIBER;
    c = &x->fibers[copy];
    c->ip = f->ip;
    c->gap = f->gap;
    c->top = f->top;
    if (f->top >= 0)
        memcpy(counters_of(x, copy), counters_of(x, fiber),
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
    counters_of(x, enter)[++f->top] = 0;
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
    count = ++counters_of(x, fiber)[f->top];
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
           (f->top < 0 || !memcmp(counters_of(x, a), counters_of(x, b),
                                  (size_t)(f->top + 1) * sizeof(uint16_t)));
}

static uint32_t hash_state(struct re_exec *x, uint16_t fiber)
{
    const struct fiber *f = &x->fibers[fiber];
    uint32_t hash = f->ip * 0x9e3779b1u + (uint32_t)f->gap * 0x85ebca6bu;

    for (int16_t i = 0; i <= f->top; i++)
        hash = (hash ^ counters_of(x, fiber)[i]) * 0xc2b2ae35u;
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
static void drop_doubles(struct re_exec *x)
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

static bool is_word_at(const struct run *r, int64_t at)
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
    default:
        good = is_word_at(r, at - r->step) != is_word_at(r, at);
        if (inst->op == OP_NOT_BOUNDARY)
            good = !good;
    }
    return good ? AGAIN : DROP;
}

/* Advances every thread by one byte. */
static void step_all(struct run *r)
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
            fiber_drop_from(x, fiber);
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

static bool add_start(struct run *r, uint32_t start)
{
    struct re_exec *x = r->x;
    uint16_t fiber = fiber_new(x);

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
static void run_threads(struct run *r)
{
    struct re_exec *x = r->x;

    while (x->head != NO_FIBER && !x->failed) {
        drop_doubles(x);
        step_all(r);
        r->matched += r->width;
        if (r->scan && r->matched < r->most && !x->failed)
            add_start(r, r->start);
    }
    fiber_drop_from(x, x->head);
}

/* --- remembered steps --- */

/* The threads as a list of words, the way of the run first; 0 when it is too long. */
static uint32_t save_threads(struct run *r, uint32_t way, uint32_t *words)
{
    struct re_exec *x = r->x;
    uint32_t n = 1;

    words[0] = way;
    for (uint16_t fiber = x->head; fiber != NO_FIBER; fiber = x->fibers[fiber].next) {
        const struct fiber *f = &x->fibers[fiber];
        if (n + 3 + (uint32_t)(f->top + 1) > LIST_WORDS)
            return 0;
        words[n++] = f->ip;
        words[n++] = (uint32_t)f->gap;
        words[n++] = (uint32_t)(f->top + 1);
        for (int16_t i = 0; i <= f->top; i++)
            words[n++] = counters_of(x, fiber)[i];
    }
    return n;
}

static void load_threads(struct run *r, uint16_t state)
{
    struct re_exec *x = r->x;
    const struct memo_state *saved = &x->memo->state[state];
    const uint32_t *words = x->memo->pool + saved->at;

    x->head = x->tail = NO_FIBER;
    for (uint32_t i = 1; i < saved->n;) {
        uint16_t fiber = fiber_new(x);
        struct fiber *f;
        if (fiber == NO_FIBER)
            return;
        f = &x->fibers[fiber];
        f->ip = words[i++];
        f->gap = (int32_t)words[i++];
        f->top = (int16_t)((int32_t)words[i++] - 1);
        for (int16_t k = 0; k <= f->top; k++)
            counters_of(x, fiber)[k] = (uint16_t)words[i++];
        f->prev = x->tail;
        if (x->tail != NO_FIBER)
            x->fibers[x->tail].next = fiber;
        else
            x->head = fiber;
        x->tail = fiber;
    }
}

enum { WAY_BACKWARD = 1, WAY_WIDE = 2, WAY_AFTER_WORD = 4 };

static uint32_t way_of(const struct run *r, bool after_word)
{
    return (r->backward ? WAY_BACKWARD : 0) | (r->width == 2 ? WAY_WIDE : 0) |
           (after_word ? WAY_AFTER_WORD : 0);
}

/* The state of the threads at hand. When the memo is full it begins anew, once. */
static uint16_t remember(struct run *r, bool after_word)
{
    struct re_exec *x = r->x;
    uint32_t words[LIST_WORDS], n;
    uint16_t state;

    if (x->head == NO_FIBER)
        return MEMO_DEAD;
    n = save_threads(r, way_of(r, after_word), words);
    if (!n)
        return MEMO_UNKNOWN;
    state = re_memo_state(x->memo, words, n);
    if (state != MEMO_UNKNOWN || x->memo->resets >= MEMO_RESETS)
        return state;
    x->memo->resets++;
    re_memo_clear(x->memo);
    return re_memo_state(x->memo, words, n);
}

/* Makes one step of the state's threads over a byte of class `c`, far from the data's ends, in
 * a small piece of data made up for it. Returns the cell for it. */
static uint16_t learn(struct run *r, uint16_t state, uint32_t c)
{
    struct re_exec *x = r->x;
    struct re_memo *memo = x->memo;
    bool after_word = memo->pool[memo->state[state].at] & WAY_AFTER_WORD, word;
    bool none = c == memo->classes; /* a wide character with a high byte */
    uint8_t byte = none ? 'a' : memo->sample[c], piece[6] = {0};
    struct run step = *r;
    uint32_t resets = memo->resets;
    uint16_t next, starts[2];
    bytes data = x->data;

    /* What came before lies left of it, or right when going backward. */
    piece[r->width] = byte;
    piece[r->backward ? 2 * r->width : 0] = after_word ? 'a' : '-';
    if (r->width == 2)
        piece[3] = none;
    word = !none && program_is_word(byte);
    x->data = (bytes){piece, 3 * r->width};
    step.size = 3 * r->width;
    step.at = r->backward ? 2 * r->width : r->width;
    step.matched = 0;
    step.most = 2 * r->width;
    step.result = -1;
    step.starts = starts;
    step.start_count = 0;
    load_threads(&step, state);
    drop_doubles(x);
    step_all(&step);
    x->data = data;
    next = x->failed ? MEMO_UNKNOWN : remember(&step, word);
    fiber_drop_from(x, x->head);
    if (next == MEMO_UNKNOWN)
        return MEMO_UNKNOWN;
    if (step.result >= 0)
        next |= MEMO_MATCH;
    if (memo->resets == resets)
        memo->next[(size_t)state * (memo->classes + 1) + c] = next;
    return next;
}

/* True when remembered steps were the whole run; else the threads stand where they end. */
static bool run_memo(struct run *r, uint16_t state)
{
    struct re_exec *x = r->x;
    struct re_memo *memo = x->memo;
    const uint8_t *p = x->data.at + r->at - (r->backward ? r->width : 0);
    uint32_t row = memo->classes + 1;

    while (state != MEMO_DEAD && r->matched < r->most) {
        uint32_t c = r->width == 2 && p[1] ? memo->classes : memo->class_of[*p];
        uint16_t cell = memo->next[(size_t)state * row + c];
        if (cell == MEMO_UNKNOWN) {
            cell = learn(r, state, c);
            if (x->failed)
                return true;
            if (cell == MEMO_UNKNOWN) {
                x->effort = MEMO_OFF;
                break;
            }
        }
        if (cell & MEMO_MATCH) {
            r->result = (int)r->matched;
            if (r->all)
                r->starts[r->start_count++] = (uint16_t)r->matched;
        }
        state = cell & (uint16_t)~MEMO_MATCH;
        r->matched += r->width;
        p += r->step;
    }
    if (!re_exec_charge(x, 1 + r->matched / 8))
        return true;
    if (state != MEMO_DEAD)
        load_threads(r, state);
    return state == MEMO_DEAD;
}

/* True when steps are to be remembered, and there is room for it. */
static bool has_memo(struct run *r)
{
    struct re_exec *x = r->x;

    /* `^` may hold at the start of the data: those steps are not remembered. */
    if (x->effort < MEMO_EFFORT || x->effort == MEMO_OFF || r->scan ||
        (!r->backward && r->at == 0))
        return false;
    if (!x->memo) {
        x->memo = re_memo_fits(x->program) ? re_memo_new(x->program, x->arena) : NULL;
        if (!x->memo)
            x->effort = MEMO_OFF;
    }
    return x->memo != NULL;
}

/* The memo's state in which the run begins; MEMO_UNKNOWN: without memo. */
static uint16_t begin_memo(struct run *r)
{
    struct re_exec *x = r->x;
    bool after_word;
    uint64_t key;
    uint16_t state;

    if (!has_memo(r))
        return MEMO_UNKNOWN;
    after_word = is_word_at(r, r->backward ? r->at : r->at - r->width);
    key = (uint64_t)r->start << 8 | way_of(r, after_word);
    state = re_memo_start(x->memo, key);
    if (state != MEMO_UNKNOWN)
        return state;
    add_start(r, r->start);
    state = x->failed ? MEMO_UNKNOWN : remember(r, after_word);
    fiber_drop_from(x, x->head);
    if (state != MEMO_UNKNOWN)
        re_memo_set_start(x->memo, key, state);
    return state;
}

/* The state in which all of the group's atoms begin; MEMO_UNKNOWN where there are too many. */
static uint16_t begin_group(struct run *r, uint32_t group, bool after_word)
{
    struct re_exec *x = r->x;
    const struct program *p = x->program;
    uint32_t way = way_of(r, after_word);
    uint16_t state = x->memo->group[group][way];

    if (state != MEMO_UNKNOWN)
        return state;
    x->head = x->tail = NO_FIBER;
    for (uint32_t i = 0; i < p->atom_count && !x->failed; i++)
        if (program_atoms(p)[i].group == group)
            add_start(r, program_atoms(p)[i].forward);
    state = x->failed ? MEMO_UNKNOWN : remember(r, after_word);
    fiber_drop_from(x, x->head);
    if (state != MEMO_UNKNOWN)
        x->memo->group[group][way] = state;
    return state;
}

bool re_exec_possible(struct re_exec *x, uint32_t group, size_t at, bool wide)
{
    struct run r = {.x = x,
                    .insts = program_insts(x->program),
                    .sets = program_sets(x->program),
                    .at = (int64_t)at,
                    .size = (int64_t)x->data.len,
                    .width = wide ? 2 : 1,
                    .step = wide ? 2 : 1};
    size_t room = x->data.len - at;
    const uint8_t *p = x->data.at + at;
    enum limit hit = x->budget->hit;
    uint32_t row;
    uint16_t state;

    if (!has_memo(&r))
        return true;
    r.most = (uint32_t)(room < EXEC_LIMIT ? room : EXEC_LIMIT);
    r.most -= r.most % r.width;
    state = begin_group(&r, group, is_word_at(&r, r.at - r.width));
    row = x->memo->classes + 1;
    while (state != MEMO_DEAD && state != MEMO_UNKNOWN && r.matched < r.most) {
        uint32_t c = wide && p[1] ? x->memo->classes : x->memo->class_of[*p];
        uint16_t cell = x->memo->next[(size_t)state * row + c];
        if (cell == MEMO_UNKNOWN)
            cell = learn(&r, state, c);
        if (cell & MEMO_MATCH)
            break;
        state = cell;
        r.matched += r.width;
        p += r.width;
    }
    if (x->failed && x->budget->steps) {
        /* Too many threads for all atoms together; each alone may do. */
        x->budget->hit = hit;
        x->failed = false;
        x->effort = MEMO_OFF;
        return true;
    }
    return !re_exec_charge(x, 1 + r.matched / 8) || state != MEMO_DEAD;
}

static int run_code(struct run *r, uint32_t start)
{
    struct re_exec *x = r->x;
    uint64_t room = r->backward ? (uint64_t)r->at : (uint64_t)(r->size - r->at);
    uint16_t state;

    r->insts = program_insts(x->program);
    r->sets = program_sets(x->program);
    r->most = (uint32_t)(room < EXEC_LIMIT ? room : EXEC_LIMIT);
    r->most -= r->most % r->width;
    r->result = -1;
    r->start = start;
    x->head = x->tail = NO_FIBER;
    state = begin_memo(r);
    if (state == MEMO_UNKNOWN && !x->failed)
        add_start(r, start);
    else if (!x->failed && run_memo(r, state))
        return x->failed ? -1 : r->result;
    run_threads(r);
    return x->failed ? -1 : r->result;
}

int re_exec_forward(struct re_exec *x, uint32_t start, size_t at, bool wide)
{
    struct run r = {.x = x,
                    .at = (int64_t)at,
                    .size = (int64_t)x->data.len,
                    .width = wide ? 2 : 1,
                    .step = wide ? 2 : 1};

    return run_code(&r, start);
}

uint32_t re_exec_backward(struct re_exec *x, uint32_t start, size_t at, bool wide,
                          uint16_t ret[static EXEC_STARTS])
{
    struct run r = {.x = x,
                    .at = (int64_t)at,
                    .size = (int64_t)x->data.len,
                    .width = wide ? 2 : 1,
                    .step = wide ? -2 : -1,
                    .backward = true,
                    .all = true,
                    .starts = ret};

    run_code(&r, start);
    return r.start_count;
}

int re_exec_scan(struct re_exec *x, uint32_t start)
{
    struct run r = {.x = x, .size = (int64_t)x->data.len, .width = 1, .step = 1, .scan = true};

    return run_code(&r, start);
}
