/* re_exec — runs of a program's code: by threads (re_run), whose steps are remembered where
 * they make many (re_memo). */
#include "match/re/re_run.h"

enum {
    MEMO_OFF = UINT32_MAX, /* effort: never (again) */
    LIST_WORDS = 4 * EXEC_FIBERS,
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
            words[n++] = re_run_counters(x, fiber)[i];
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
        uint16_t fiber = re_run_fiber(x);
        struct fiber *f;
        if (fiber == NO_FIBER)
            return;
        f = &x->fibers[fiber];
        f->ip = words[i++];
        f->gap = (int32_t)words[i++];
        f->top = (int16_t)((int32_t)words[i++] - 1);
        for (int16_t k = 0; k <= f->top; k++)
            re_run_counters(x, fiber)[k] = (uint16_t)words[i++];
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
    re_run_drop_doubles(x);
    re_run_step(&step);
    x->data = data;
    next = x->failed ? MEMO_UNKNOWN : remember(&step, word);
    re_run_drop_from(x, x->head);
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
    after_word = re_run_is_word_at(r, r->backward ? r->at : r->at - r->width);
    key = (uint64_t)r->start << 8 | way_of(r, after_word);
    state = re_memo_start(x->memo, key);
    if (state != MEMO_UNKNOWN)
        return state;
    re_run_add(r, r->start);
    state = x->failed ? MEMO_UNKNOWN : remember(r, after_word);
    re_run_drop_from(x, x->head);
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
            re_run_add(r, program_atoms(p)[i].forward);
    state = x->failed ? MEMO_UNKNOWN : remember(r, after_word);
    re_run_drop_from(x, x->head);
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
    state = begin_group(&r, group, re_run_is_word_at(&r, r.at - r.width));
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
        re_run_add(r, start);
    else if (!x->failed && run_memo(r, state))
        return x->failed ? -1 : r->result;
    re_run_threads(r);
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
