/* An original and its copy are compared in windows, eight bytes at a time: where a word
 * differs, its first and its last differing byte are all that the list of runs has to know. */
#include "rescue/pair/runs.h"

#include <errno.h>
#include <string.h>

enum {
    WINDOW = 256 << 10,
    SHIFT_ROOM = 1 << 20, /* bytes before a file that are searched */
    SHIFT_SAMPLES = 64,
    SHIFT_WORD = 32,
    SHIFT_VARIETY = 8, /* different bytes that a sample must have to tell a place */
};

struct comparison {
    struct pair_runs *runs;
    uint64_t start, last; /* of the open run: its first byte, its last that differs */
    bool open;
};

static void close_run(struct comparison *c)
{
    struct pair_run run = {c->start, c->last + 1};
    if (c->runs->count < RUNS_KEPT)
        c->runs->run[c->runs->count] = run;
    c->runs->last = run;
    c->runs->count++;
    c->runs->differing += run.end - run.at;
    c->open = false;
}

/* Bytes from `first` to `last` differ, perhaps not all. */
static void differ(struct comparison *c, uint64_t first, uint64_t last)
{
    if (c->open && first - c->last > RUNS_GAP)
        close_run(c);
    if (!c->open) {
        c->start = first;
        c->open = true;
    }
    c->last = last;
}

static void compare_window(struct comparison *c, const uint8_t *a, const uint8_t *b,
                           uint64_t at, size_t len)
{
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t x = load_le64(a + i) ^ load_le64(b + i);
        if (x)
            differ(c, at + i + (unsigned)__builtin_ctzll(x) / 8,
                   at + i + 7 - (unsigned)__builtin_clzll(x) / 8);
    }
    for (; i < len; i++)
        if (a[i] != b[i])
            differ(c, at + i, at + i);
}

int runs_compare(const struct pair *pair, uint64_t prefix, struct arena *arena,
                 struct budget *budget, struct pair_runs *ret, bool *ret_cut, struct why *why)
{
    struct pair_run *kept = PUSH_ARRAY(arena, struct pair_run, RUNS_KEPT);
    struct arena_mark mark = arena_mark(arena);
    uint8_t *window = arena_push_raw(arena, (size_t)2 * WINDOW);
    if (!kept || !window)
        return fail(why, ENOMEM, "no memory to compare two files");

    *ret = (struct pair_runs){.size = pair->plain.size, .run = kept};
    *ret_cut = false;
    struct comparison c = {.runs = ret};
    for (uint64_t at = 0; at < pair->plain.size;) {
        uint64_t left = pair->plain.size - at;
        size_t len = left < WINDOW ? (size_t)left : WINDOW;
        if (!budget_charge(budget, len)) {
            differ(&c, at, pair->plain.size - 1);
            *ret_cut = true;
            break;
        }
        int error = source_read(&pair->plain, at, window, len, why);
        if (!error)
            error = source_read(&pair->encrypted, prefix + at, window + WINDOW, len, why);
        if (error)
            return error;
        compare_window(&c, window, window + WINDOW, at, len);
        at += len;
    }
    if (c.open)
        close_run(&c);
    arena_pop(arena, mark);
    return 0;
}

static bool is_varied(const uint8_t *sample)
{
    uint64_t seen[4] = {0};
    unsigned variety = 0;
    for (size_t i = 0; i < SHIFT_WORD; i++) {
        uint64_t bit = 1ull << sample[i] % 64, *word = &seen[sample[i] / 64];
        variety += !(*word & bit);
        *word |= bit;
    }
    return variety >= SHIFT_VARIETY;
}

/* The shift of the one place where the sample lies in the window, UINT64_MAX: none or many. */
static uint64_t shift_of(bytes window, const uint8_t *sample)
{
    bytes needle = {sample, SHIFT_WORD};
    size_t at = bytes_find(window, needle, 0);
    if (at == SIZE_MAX || bytes_find(window, needle, at + 1) != SIZE_MAX)
        return UINT64_MAX;
    return at;
}

int runs_shift(const struct pair *pair, struct arena *arena, struct budget *budget,
               uint64_t *ret_prefix, bool *ret_found, struct why *why)
{
    uint64_t size = pair->plain.size, room = pair->encrypted.size - size;
    uint64_t shifts[SHIFT_SAMPLES];
    size_t n = 0;
    *ret_found = false;
    if (!room || room > SHIFT_ROOM || size < SHIFT_WORD)
        return 0;

    struct arena_mark mark = arena_mark(arena);
    uint8_t *window = arena_push_raw(arena, (size_t)room + SHIFT_WORD);
    if (!window)
        return fail(why, ENOMEM, "no memory to look for the shift of a file");
    for (uint64_t i = 0; i < SHIFT_SAMPLES; i++) {
        uint8_t sample[SHIFT_WORD];
        uint64_t at = (size - SHIFT_WORD) / SHIFT_SAMPLES * i +
                      (size - SHIFT_WORD) % SHIFT_SAMPLES * i / SHIFT_SAMPLES;
        int error = source_read(&pair->plain, at, sample, sizeof sample, why);
        if (!error && !is_varied(sample))
            continue;
        if (!budget_charge(budget, room + SHIFT_WORD))
            break;
        if (!error)
            error = source_read(&pair->encrypted, at, window, (size_t)room + SHIFT_WORD, why);
        if (error)
            return error;
        uint64_t shift = shift_of((bytes){window, (size_t)room + SHIFT_WORD}, sample);
        if (shift != UINT64_MAX)
            shifts[n++] = shift;
    }
    arena_pop(arena, mark);

    size_t best = 0;
    for (size_t i = 0; i < n; i++) {
        size_t same = 0;
        for (size_t k = 0; k < n; k++)
            same += shifts[k] == shifts[i];
        if (same > best) {
            best = same;
            *ret_prefix = shifts[i];
            *ret_found = true;
        }
    }
    return 0;
}
