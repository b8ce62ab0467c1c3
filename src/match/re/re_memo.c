/* re_memo — the tables of the automaton; what fills them is in re_exec. */
#include "match/re/re_memo.h"

#include <string.h>

/* Splits the classes of bytes by one more question. */
static void split_classes(struct re_memo *memo, const bool *yes)
{
    uint16_t number[256][2];
    uint32_t count = 0;

    memset(number, 0xff, sizeof number);
    for (unsigned c = 0; c < 256; c++) {
        uint16_t *slot = &number[memo->class_of[c]][yes[c]];
        if (*slot == 0xffff) {
            *slot = (uint16_t)count;
            memo->sample[count++] = (uint8_t)c;
        }
        memo->class_of[c] = (uint8_t)*slot;
    }
    memo->classes = count;
}

/* What has been asked: code repeats itself, a counted group is written out once per count. */
struct asked {
    bool other[OP_COUNT];
    struct re_set literal;
    uint16_t n;
    uint16_t masked[32];

    struct {
        uint16_t n;
        uint16_t set[32];
    } sets;
};

static bool list_has(uint16_t *list, uint16_t *n, uint16_t room, uint16_t value)
{
    for (uint16_t i = 0; i < *n; i++)
        if (list[i] == value)
            return true;
    if (*n < room)
        list[(*n)++] = value;
    return false;
}

static bool was_asked(struct asked *asked, const struct program *program,
                      const struct re_inst *inst)
{
    const struct re_set *sets = program_sets(program);
    bool was;

    switch (inst->op) {
    case OP_LITERAL:
    case OP_NOT:
        was = re_set_has(&asked->literal, (uint8_t)inst->a);
        re_set_add(&asked->literal, (uint8_t)inst->a);
        return was;
    case OP_MASKED:
    case OP_NOT_MASKED:
        return list_has(asked->masked, &asked->n, COUNT(asked->masked), inst->a);
    case OP_CLASS:
        for (uint16_t i = 0; i < asked->sets.n; i++)
            if (asked->sets.set[i] == inst->a ||
                !memcmp(&sets[asked->sets.set[i]], &sets[inst->a], sizeof *sets))
                return true;
        return list_has(asked->sets.set, &asked->sets.n, COUNT(asked->sets.set), inst->a);
    default:
        was = asked->other[inst->op];
        asked->other[inst->op] = true;
        return was;
    }
}

static void ask_inst(const struct program *program, const struct re_inst *inst, bool *yes)
{
    uint8_t value = (uint8_t)inst->a, mask = (uint8_t)(inst->a >> 8);

    for (unsigned c = 0; c < 256; c++) {
        switch (inst->op) {
        case OP_LITERAL:
        case OP_NOT:
            yes[c] = c == value;
            break;
        case OP_MASKED:
        case OP_NOT_MASKED:
            yes[c] = (c & mask) == value;
            break;
        case OP_CLASS:
            yes[c] = re_set_has(&program_sets(program)[inst->a], (uint8_t)c);
            break;
        case OP_GAP:
            yes[c] = c == '\n';
            break;
        default:
            yes[c] = program_is_word((uint8_t)c);
        }
    }
}

static void make_classes(struct re_memo *memo, const struct program *program)
{
    struct asked asked = {.n = 0};
    bool yes[256];

    memo->classes = 1;
    for (uint32_t i = 0; i < program->inst_count; i++) {
        const struct re_inst *inst = &program_insts(program)[i];
        if (inst->op > OP_GAP && inst->op != OP_BOUNDARY && inst->op != OP_NOT_BOUNDARY)
            continue;
        if (inst->op == OP_ANY || was_asked(&asked, program, inst))
            continue;
        ask_inst(program, inst, yes);
        split_classes(memo, yes);
    }
}

bool re_memo_fits(const struct program *program)
{
    for (uint32_t i = 0; i < program->inst_count; i++)
        if (program_insts(program)[i].op == OP_LINE_START ||
            program_insts(program)[i].op == OP_LINE_END ||
            program_insts(program)[i].op == OP_BESIDE)
            return false;
    return true;
}

struct re_memo *re_memo_new(const struct program *program, struct arena *arena)
{
    struct re_memo *memo = PUSH(arena, struct re_memo);

    if (!memo)
        return NULL;
    make_classes(memo, program);
    memo->room = MEMO_CELLS / (memo->classes + 1);
    if (memo->room > MEMO_STATES)
        memo->room = MEMO_STATES;
    memo->next = arena_push_raw(arena, (size_t)memo->room * (memo->classes + 1) * 2);
    memo->pool = arena_push_raw(arena, MEMO_WORDS * sizeof *memo->pool);
    memo->state = arena_push_raw(arena, memo->room * sizeof *memo->state);
    memo->table = arena_push_raw(arena, (size_t)memo->room * 2 * sizeof *memo->table);
    if (!memo->next || !memo->pool || !memo->state || !memo->table)
        return NULL;
    re_memo_clear(memo);
    return memo;
}

void re_memo_clear(struct re_memo *memo)
{
    memo->states = memo->words = memo->starts = 0;
    memset(memo->table, 0xff, (size_t)memo->room * 2 * sizeof *memo->table);
    memset(memo->group, 0xff, sizeof memo->group);
    /* The dead state is the empty list: the first. */
    memo->state[memo->states++] = (struct memo_state){0};
}

uint16_t re_memo_state(struct re_memo *memo, const uint32_t *words, uint32_t n)
{
    uint32_t hash = (uint32_t)hash64((bytes){(const uint8_t *)words, n * sizeof *words}, 1);
    uint32_t at = hash % (memo->room * 2), row = memo->classes + 1;

    for (; memo->table[at] != 0xffff; at = (at + 1) % (memo->room * 2)) {
        const struct memo_state *state = &memo->state[memo->table[at]];
        if (state->hash == hash && state->n == n &&
            !memcmp(memo->pool + state->at, words, n * sizeof *words))
            return memo->table[at];
    }
    if (memo->states >= memo->room || n > MEMO_WORDS - memo->words)
        return MEMO_UNKNOWN;
    memo->table[at] = (uint16_t)memo->states;
    memo->state[memo->states] = (struct memo_state){memo->words, n, hash};
    memcpy(memo->pool + memo->words, words, n * sizeof *words);
    memo->words += n;
    memset(memo->next + (size_t)memo->states * row, 0xff, row * sizeof *memo->next);
    return (uint16_t)memo->states++;
}

uint16_t re_memo_start(const struct re_memo *memo, uint64_t key)
{
    for (uint32_t i = 0; i < memo->starts; i++)
        if (memo->start[i].key == key)
            return memo->start[i].state;
    return MEMO_UNKNOWN;
}

void re_memo_set_start(struct re_memo *memo, uint64_t key, uint16_t state)
{
    if (memo->starts < MEMO_STARTS) {
        memo->start[memo->starts].key = key;
        memo->start[memo->starts++].state = state;
    }
}
