#include "rescue/salvage/map/map.h"
#include "rescue/salvage/map/again.h"
#include "rescue/salvage/map/solve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    FINE = 16,             /* bytes of a fine cell */
    FINE_MOST = 64 << 20,  /* bytes that have fine cells */
    COARSE_MOST = 1 << 22, /* coarse cells */
    SAMPLE = 4096,         /* bytes of a coarse cell that are looked at */
    LEARN_MOST = 64 << 20, /* bytes that are learned from */
    EIGHTHS = MAP_EIGHTHS, /* scores are in eighths of a bit */
    SILENT = 64,           /* cells that say less say nothing */
    SILENT_COARSE = 1024,  /* of those of SAMPLE bytes */
    CELL_MOST = 400 * EIGHTHS,
    SURE = 24 * EIGHTHS,   /* and those that say more are hardly chance */
    SWITCH = 40 * EIGHTHS, /* a range must gain more than this */
    LISTED = 1 << 14,      /* ranges of a pattern that are kept */
    RANGES_MOST = 1 << 20, /* ranges without a pattern */
};

static int32_t cell_score(const struct map_model *model, const uint8_t *at, size_t n)
{
    int32_t sum = map_model_score(model, at, n), silent = n > FINE ? SILENT_COARSE : SILENT;
    return sum < -silent || sum > silent ? sum : 0;
}

/* Fills the sums. No cell says more than CELL_MOST, so that all of them fit: 2^22 cells. */
static bool cells_fill(struct map *map, struct map_cells *cells, const struct map_model *model)
{
    int64_t sum = 0, plain = 0;
    for (uint32_t i = 0; i < cells->n; i++) {
        uint64_t at = cells->from + (uint64_t)i * cells->cell;
        size_t n = cells->cell < SAMPLE ? cells->cell : SAMPLE;
        if (n > map->file.len - at)
            n = (size_t)(map->file.len - at);
        int32_t says = cell_score(model, map->file.at + at, n);
        says = says < -CELL_MOST ? -CELL_MOST : says > CELL_MOST ? CELL_MOST : says;
        cells->sums[i] = (int32_t)(sum / EIGHTHS);
        cells->plain[i] = (int32_t)(plain / EIGHTHS);
        sum += says;
        plain += says > SURE ? says : 0;
        if (i % 256 == 0 && !budget_charge(map->budget, 256 * n / 4))
            return false;
    }
    cells->sums[cells->n] = (int32_t)(sum / EIGHTHS);
    cells->plain[cells->n] = (int32_t)(plain / EIGHTHS);
    return true;
}

static bool cells_open(struct map *map, struct map_cells *cells, uint64_t from, uint64_t size,
                       uint32_t cell)
{
    cells->from = from;
    cells->size = size;
    cells->cell = cell;
    cells->n = (uint32_t)(size / cell);
    cells->sums = PUSH_ARRAY(map->arena, int32_t, (size_t)cells->n + 1);
    cells->plain = PUSH_ARRAY(map->arena, int32_t, (size_t)cells->n + 1);
    return cells->sums && cells->plain;
}

static int64_t cells_between(const struct map_cells *cells, uint64_t from, uint64_t to,
                             bool plain)
{
    if (!cells->n || to <= cells->from || from >= cells->from + cells->size)
        return 0;
    from = from > cells->from ? from - cells->from : 0;
    to = to - cells->from;
    uint64_t first = (from + cells->cell - 1) / cells->cell, last = to / cells->cell;
    if (last > cells->n)
        last = cells->n;
    const int32_t *sums = plain ? cells->plain : cells->sums;
    return first < last ? ((int64_t)sums[last] - sums[first]) * EIGHTHS : 0;
}

int64_t map_between(const struct map *map, uint64_t from, uint64_t to, bool plain)
{
    return cells_between(&map->fine, from, to, plain) +
           cells_between(&map->coarse, from, to, plain);
}

/* --- ranges without a pattern --- */

static bool range_add(struct map *map, uint64_t from, uint64_t to)
{
    struct map_range *last = map->encrypted.n ? &map->encrypted.at[map->encrypted.n - 1] : NULL;
    if (from >= to)
        return true;
    if (last && from <= last->to) {
        if (to > last->to)
            last->to = to;
        return true;
    }
    struct map_range *range =
        map->encrypted.n < RANGES_MOST * 8 ? vec_push(map->arena, &map->encrypted) : NULL;
    if (range)
        *range = (struct map_range){from, to};
    return range != NULL;
}

/* The cheapest way through the cells with two states (Viterbi): 1 is ciphertext. */
static void walk_cells(struct map *map, const struct map_cells *cells)
{
    if (!cells->n)
        return;
    uint8_t *from = map->ways;
    memset(from, 0, cells->n);
    int64_t cost[2] = {0, 0};
    for (uint32_t i = 0; i < cells->n; i++) {
        int32_t says = (cells->sums[i + 1] - cells->sums[i]) * EIGHTHS;
        int64_t stay[2] = {cost[0], cost[1]};
        for (int s = 0; s < 2; s++) {
            bool changed = stay[!s] + SWITCH < stay[s];
            from[i] |= (uint8_t)(changed << s);
            cost[s] = changed ? stay[!s] + SWITCH : stay[s];
        }
        cost[0] -= says;
        cost[1] += says;
    }
    /* Silent to the end is plain. */
    int state = cost[1] + EIGHTHS < cost[0];
    for (uint32_t i = cells->n; i-- > 0;) {
        int now = state;
        state = from[i] >> now & 1 ? !now : now;
        from[i] = (uint8_t)now;
    }
    uint8_t *states = from;
    for (uint32_t i = 0; i < cells->n;) {
        uint32_t k = i;
        while (k < cells->n && states[k] == states[i])
            k++;
        uint64_t end =
            k == cells->n ? cells->from + cells->size : cells->from + (uint64_t)k * cells->cell;
        if (states[i] && map->encrypted.n < RANGES_MOST &&
            !range_add(map, cells->from + (uint64_t)i * cells->cell, end))
            break;
        i = k;
    }
}

static void take_pattern(struct map *map, const struct pattern *pattern)
{
    struct pattern_walk walk = pattern_walk(pattern, map->file.len);
    uint64_t from, to, end = map->file.len - pattern->trailer;
    map->encrypted.n = 0;
    map->count = 0;
    map->regular = true;
    map->pattern = *pattern;
    map->trailer = pattern->trailer;
    /* The first ones, for reports. All others are worked out where they are asked for. */
    while (pattern_next(&walk, &from, &to)) {
        map->count++;
        if (map->count <= LISTED && !range_add(map, from, to))
            break;
    }
    map->count += end < map->file.len;
    if (map->count <= LISTED)
        (void)range_add(map, end, map->file.len);
    if (map->count <= LISTED)
        map->count = map->encrypted.n;
    map->total = map->file.len - map_plain_size(map, 0, map->file.len);
}

/* --- the door --- */

static int relearn(struct map *map, struct map_model *model)
{
    uint64_t step = map->file.len / LEARN_MOST + 1;
    memset(model->seen, 0, sizeof model->seen);
    for (uint64_t at = 0; at < map->file.len; at += SAMPLE * step) {
        uint64_t to = at + SAMPLE < map->file.len ? at + SAMPLE : map->file.len;
        for (uint64_t from = at; from < to;) {
            uint64_t end = map_plain_end(map, from, to);
            map_model_learn(model, bytes_slice(map->file, (size_t)from, (size_t)(end - from)));
            from = map_plain_next(map, end > from ? end : from + 1, to);
        }
        if (!budget_charge(map->budget, SAMPLE / 4))
            return -ECANCELED;
    }
    map_model_finish(model);
    if (!cells_fill(map, &map->fine, model) || !cells_fill(map, &map->coarse, model))
        return -ECANCELED;
    return 0;
}

int map_open(struct map *map, bytes file, struct arena *arena, struct budget *budget,
             struct why *why)
{
    struct map fresh = {.file = file, .arena = arena, .budget = budget};
    memcpy(fresh.hints, map->hints, sizeof fresh.hints);
    *map = fresh;
    struct map_model *model = map->model = PUSH(arena, struct map_model);
    uint64_t fine = file.len < FINE_MOST ? file.len : FINE_MOST, rest = file.len - fine;
    uint32_t cell = SAMPLE;
    while (rest / cell > COARSE_MOST)
        cell *= 2;
    if (!model || !cells_open(map, &map->fine, 0, fine, FINE) ||
        !cells_open(map, &map->coarse, fine, rest, cell) ||
        !(map->ways = arena_push(arena, map->fine.n > map->coarse.n ? map->fine.n
                                                                    : (size_t)map->coarse.n)))
        return fail(why, ENOMEM, "no memory for the map of the file");
    struct pattern again;
    if (map_again(map, &again))
        take_pattern(map, &again);
    /* Twice: what was learned from ciphertext, too, is forgotten again. */
    for (int i = 0; i < 2; i++) {
        int error = relearn(map, model);
        if (error < 0)
            return fail(why, -error, "stopped while the map of the file was made");
        map_solve(map);
    }
    return 0;
}

int map_given(struct map *map, bytes file, const struct map_range *ranges, uint32_t count,
              struct arena *arena, struct budget *budget)
{
    *map = (struct map){.file = file, .arena = arena, .budget = budget, .given = true};
    for (uint32_t i = 0; i < count; i++) {
        if (!range_add(map, ranges[i].from, ranges[i].to))
            return -ENOMEM;
        map->total += ranges[i].to - ranges[i].from;
    }
    map->count = map->encrypted.n;
    return 0;
}

static int compare_ranges(const void *a, const void *b)
{
    const struct map_range *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

static int compare_breaks(const void *a, const void *b)
{
    const struct map_break *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* Sorted, and those that touch are one. */
static void tidy(struct map_range *at, uint32_t *n)
{
    uint32_t kept = 0;
    if (*n > 1)
        qsort(at, *n, sizeof *at, compare_ranges);
    for (uint32_t i = 0; i < *n; i++) {
        if (kept && at[i].from <= at[kept - 1].to) {
            if (at[i].to > at[kept - 1].to)
                at[kept - 1].to = at[i].to;
        } else {
            at[kept++] = at[i];
        }
    }
    *n = kept;
}

void map_prove(struct map *map, uint64_t from, uint64_t to)
{
    struct map_range *range = from < to && to <= map->file.len && map->plain.n < RANGES_MOST
                                  ? vec_push(map->arena, &map->plain)
                                  : NULL;
    if (range)
        *range = (struct map_range){from, to};
}

void map_decode(struct map *map, uint64_t from, uint64_t to)
{
    struct map_range *range = from < to && to <= map->file.len && map->decoded.n < RANGES_MOST
                                  ? vec_push(map->arena, &map->decoded)
                                  : NULL;
    if (range)
        *range = (struct map_range){from, to};
}

void map_break(struct map *map, uint64_t from, uint64_t to, bool begins)
{
    struct map_break *broken = from < to && to <= map->file.len && map->broken.n < RANGES_MOST
                                   ? vec_push(map->arena, &map->broken)
                                   : NULL;
    if (broken)
        *broken = (struct map_break){from, to, begins};
}

void map_lose(struct map *map, uint64_t from, uint64_t to)
{
    struct map_range *range = from < to && to <= map->file.len && map->lost.n < RANGES_MOST
                                  ? vec_push(map->arena, &map->lost)
                                  : NULL;
    if (range)
        *range = (struct map_range){from, to};
}

/* Takes what is proven plain out of the ranges. */
static void subtract_plain(struct map *map)
{
    struct map_range *at = map->encrypted.at;
    uint32_t n = map->encrypted.n, p = 0;
    map->encrypted.at = NULL;
    map->encrypted.n = map->encrypted.cap = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t from = at[i].from;
        while (p < map->plain.n && map->plain.at[p].to <= from)
            p++;
        for (uint32_t k = p; k < map->plain.n && map->plain.at[k].from < at[i].to; k++) {
            (void)range_add(map, from, map->plain.at[k].from);
            if (map->plain.at[k].to > from)
                from = map->plain.at[k].to;
        }
        (void)range_add(map, from, at[i].to);
    }
}

static void take_ranges(struct map *map)
{
    map->encrypted.n = 0;
    map->regular = false;
    map->trailer = 0;
    walk_cells(map, &map->fine);
    walk_cells(map, &map->coarse);
    subtract_plain(map);
}

void map_solve(struct map *map)
{
    struct solve solve = {.map = map};
    if (map->given)
        return;
    tidy(map->plain.at, &map->plain.n);
    tidy(map->decoded.at, &map->decoded.n);
    tidy(map->lost.at, &map->lost.n);
    if (map->broken.n > 1)
        qsort(map->broken.at, map->broken.n, sizeof *map->broken.at, compare_breaks);
    take_ranges(map);
    map->sure = !map->encrypted.n && !map->broken.n;
    if (!map->sure)
        solve_run(&solve);
    if (solve.found)
        take_pattern(map, &solve.pattern);
    else if (map->encrypted.n && map->encrypted.at[0].from && !map->broken.n)
        map->encrypted.n = 0; /* random bytes in a file whose head is fine: its own */
    map->sure |= solve.found && solve.sure;
    if (map->regular)
        return;
    map->count = map->encrypted.n;
    map->total = 0;
    for (uint32_t i = 0; i < map->encrypted.n; i++)
        map->total += map->encrypted.at[i].to - map->encrypted.at[i].from;
}
