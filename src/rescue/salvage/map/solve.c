#include "rescue/salvage/map/solve.h"

#include <stdlib.h>
#include <string.h>

enum {
    EIGHTHS = MAP_EIGHTHS,
    KNOWN = 12 * EIGHTHS, /* to name one of a family's patterns */
    FIXED = 4 * EIGHTHS,  /* and of a family that has no choice */
    RARE_RUN = 1024,      /* bytes: shorter ones are hardly chosen */
    RARE = 60 * EIGHTHS,
    GENERAL = 60 * EIGHTHS,     /* a pattern of no known family */
    STRANGER = 48 * EIGHTHS,    /* one that is not what the files beside it have */
    CERTAIN = 24 * EIGHTHS,     /* that a pattern must be shorter than none */
    UNEXPLAINED = 48 * EIGHTHS, /* for a break */
    RANDOM = 40 * EIGHTHS,      /* for a random stretch */
    LONG_MOST = 160,            /* bits against one that is longer than others */
    UNREAD = 2048,              /* bytes that are plain and not read, for each bit */
    UNREAD_MOST = 24 * UNREAD,  /* of which so many in a row count */
    DECODED = 4,                /* bits against a range through which codes went on */
    INSIDE = 40,                /* against one with a whole block in it */
    PASSED = 32768,             /* and of how many bytes there is one more */
    UNLIKELY = 2 << 20,
    DENSE_STRIDE = 65536, /* below, little can be read between the runs */
    SMALL_RUN = 4096,     /* codes often go on through shorter ones */
    HOLE = 32,      /* bytes in what codes read, for 1/64 of a bit: seldom do they stop them */
    SPARSE = 8,     /* gaps are so many times as long as runs */
    FINALISTS = 24, /* stories that are told byte by byte */
    EXACT = 128,    /* ranges of which edges are looked at */
    WINDOW = 64,    /* bytes at each side of an edge */
    EDGE_MOST = 64 * EIGHTHS, /* what one edge can say */
    EDGE_SILENT = 4,          /* for each byte: what says less says nothing */
    RIVAL = 24 * EIGHTHS,     /* so near, a story makes the best one unsure */
    ALIKE = 4096,             /* bytes by which covers may differ and be the same */
    EDGE = 48,                /* bytes around an edge that are looked at one by one */
    EDGE_RUNS = 256,          /* runs over which an edge is averaged */
};

#define REFUSED INT64_MAX

struct story {
    struct pattern pattern;
    int64_t cost;
    uint64_t total; /* bytes that it says are ciphertext */
};

struct teller {
    struct map *map;
    bool hinted;
    uint64_t stretch; /* bytes of a random stretch, on the average */
    int64_t bound;    /* worse ones cannot win */
    struct story best[FINALISTS];
    uint32_t count;
};

/* Cursors over the sorted evidence, as a story's ranges go by. */
struct cursor {
    uint32_t plain, decoded, broken, random, lost;
    uint64_t behind; /* end of the last range */
    int64_t inside;  /* of the random stretch at hand: what of it is not explained */
    uint64_t bare;   /* and how long that is */
    uint64_t unread; /* bytes that are plain and not read */
    uint64_t passed; /* in short ranges through which codes went on, HOLE bytes each */
    int64_t cost;
};

/* --- what a story costs --- */

static bool is_refuted(const struct map *map, uint32_t *i, uint64_t from, uint64_t to)
{
    const struct map_range *at = map->plain.at;
    while (*i < map->plain.n && at[*i].to <= from)
        ++*i;
    return *i < map->plain.n && at[*i].from < to;
}

/* Breaks that end before `from` were not explained; those that the range touches are. */
static void pass_breaks(const struct map *map, struct cursor *cursor, uint64_t from,
                        uint64_t to)
{
    const struct map_break *at = map->broken.at;
    while (cursor->broken < map->broken.n && at[cursor->broken].from < to) {
        if (at[cursor->broken].to <= from)
            cursor->cost += UNEXPLAINED;
        cursor->broken++;
    }
}

/* What of the random stretch at hand lies in [from, to), which no range explains. */
static void leave_bare(const struct map *map, struct cursor *cursor, uint64_t from, uint64_t to)
{
    const struct map_range *range = &map->encrypted.at[cursor->random];
    from = from > range->from ? from : range->from;
    to = to < range->to ? to : range->to;
    int64_t says = from < to ? -map_between(map, from, to, false) : 0;
    if (says > 0) {
        cursor->inside += says;
        cursor->bare += to - from;
    }
}

/* That there is a random stretch, and that it is so long, where others are not. */
static int64_t bare_cost(const struct teller *teller, const struct cursor *cursor)
{
    uint64_t long_bits = cursor->bare * 3 / 2 / teller->stretch;
    int64_t most = RANDOM + (int64_t)(long_bits < LONG_MOST ? long_bits : LONG_MOST) * EIGHTHS;
    return cursor->inside < most ? cursor->inside : most;
}

/* Random stretches, of which [behind, from) is not explained, and [from, to) is. */
static void pass_random(const struct teller *teller, struct cursor *cursor, uint64_t from,
                        uint64_t to)
{
    const struct map *map = teller->map;
    const struct map_range *at = map->encrypted.at;
    while (cursor->random < map->encrypted.n && at[cursor->random].from < to) {
        leave_bare(map, cursor, cursor->behind, from);
        if (at[cursor->random].to > to)
            return;
        cursor->cost += bare_cost(teller, cursor);
        cursor->inside = 0;
        cursor->bare = 0;
        cursor->random++;
    }
}

/* Bytes of [behind, from) that are plain by the story and yet could not be read. */
static void pass_lost(const struct map *map, struct cursor *cursor, uint64_t from)
{
    while (cursor->lost < map->lost.n && map->lost.at[cursor->lost].to <= cursor->behind)
        cursor->lost++;
    for (uint32_t k = cursor->lost; k < map->lost.n && map->lost.at[k].from < from; k++) {
        uint64_t a =
            map->lost.at[k].from > cursor->behind ? map->lost.at[k].from : cursor->behind;
        uint64_t b = map->lost.at[k].to < from ? map->lost.at[k].to : from;
        cursor->unread += b - a < UNREAD_MOST ? b - a : UNREAD_MOST;
    }
}

/* What speaks against ciphertext in [from, to): codes that read it. Those of a picture can go
 * on for long until they come to an end; a whole block in it is hardly chance. */
static void pass_decoded(const struct map *map, struct cursor *cursor, uint64_t from,
                         uint64_t to)
{
    while (cursor->decoded < map->decoded.n && map->decoded.at[cursor->decoded].to <= from)
        cursor->decoded++;
    for (uint32_t k = cursor->decoded; k < map->decoded.n && map->decoded.at[k].from < to;
         k++) {
        if (to - from < SMALL_RUN) {
            cursor->passed += (to - from) / HOLE + 1;
            continue;
        }
        bool inside = map->decoded.at[k].from >= from && map->decoded.at[k].to <= to;
        uint64_t bits = to - from < UNLIKELY ? (to - from) / PASSED : UNLIKELY / PASSED;
        cursor->cost += (int64_t)(inside ? INSIDE : DECODED + bits) * EIGHTHS;
    }
}

static int64_t cost_of(const struct cursor *cursor)
{
    return cursor->cost + (int64_t)(cursor->passed / 8 + cursor->unread * EIGHTHS / UNREAD);
}

static int64_t name_cost(const struct teller *teller, const struct pattern *pattern)
{
    int64_t cost = !pattern->rule ? GENERAL : pattern->fixed ? FIXED : KNOWN;
    if (pattern->run && pattern->run < RARE_RUN && !pattern->fixed)
        cost += RARE;
    cost += pattern->odd * EIGHTHS;
    for (size_t i = 0; teller->hinted && i < MAP_HINTS; i++)
        if (pattern_alike(pattern->rule, teller->map->hints[i]))
            return 0;
    return teller->hinted ? cost + STRANGER : cost;
}

/* The trailer is a range, too, though no codes speak of it. */
static bool add_range(const struct teller *teller, struct cursor *cursor, bool wide,
                      uint64_t from, uint64_t to)
{
    const struct map *map = teller->map;
    if (is_refuted(map, &cursor->plain, from, to))
        return false;
    pass_breaks(map, cursor, from, to);
    pass_random(teller, cursor, from > cursor->behind ? from : cursor->behind, to);
    pass_decoded(map, cursor, from, to);
    if (wide && from > cursor->behind)
        pass_lost(map, cursor, from);
    cursor->cost += map_between(map, from, to, true);
    cursor->behind = to > cursor->behind ? to : cursor->behind;
    return true;
}

/* Ends early when it is worse than the bound. REFUSED: it contradicts a proof, or that. */
static int64_t tell(const struct teller *teller, const struct pattern *pattern,
                    uint64_t *ret_total)
{
    const struct map *map = teller->map;
    uint64_t size = map->file.len, from, to, n = 0;
    struct pattern_walk walk = pattern_walk(pattern, size);
    struct cursor cursor = {.cost = name_cost(teller, pattern)};
    bool wide = !pattern->run || pattern->stride >= DENSE_STRIDE ||
                pattern->stride / SPARSE > pattern->run;
    *ret_total = 0;
    while (pattern_next(&walk, &from, &to)) {
        from = from > cursor.behind ? from : cursor.behind;
        if (from >= to)
            continue;
        if (!add_range(teller, &cursor, wide, from, to) || cursor.cost > teller->bound)
            return REFUSED;
        *ret_total += to - from;
        if (++n % 4096 == 0 && !budget_charge(map->budget, 4096))
            return REFUSED;
    }
    if (pattern->trailer && pattern->trailer < size &&
        !add_range(teller, &cursor, wide, size - pattern->trailer, size))
        return REFUSED;
    pass_breaks(map, &cursor, size, UINT64_MAX);
    pass_random(teller, &cursor, size, UINT64_MAX);
    if (wide)
        pass_lost(map, &cursor, size);
    if (!budget_charge(map->budget, n + map->plain.n / 4 + 64))
        return REFUSED;
    return cost_of(&cursor);
}

/* That nothing has a pattern. */
static int64_t tell_none(const struct teller *teller)
{
    const struct map *map = teller->map;
    struct cursor cursor = {0};
    uint64_t size = map->file.len;
    pass_breaks(map, &cursor, size, UINT64_MAX);
    pass_random(teller, &cursor, size, UINT64_MAX);
    pass_lost(map, &cursor, size);
    return cost_of(&cursor);
}

/* --- the stories that are left --- */

static bool is_better(const struct story *a, const struct story *b)
{
    return a->cost < b->cost || (a->cost == b->cost && a->total < b->total);
}

static void consider(void *to, const struct pattern *pattern)
{
    struct teller *teller = to;
    struct story story = {.pattern = *pattern};
    if (teller->map->budget->steps == 0)
        return;
    story.cost = tell(teller, pattern, &story.total);
    if (story.cost == REFUSED)
        return;
    uint32_t at = teller->count;
    while (at > 0 && is_better(&story, &teller->best[at - 1]))
        at--;
    if (at == FINALISTS)
        return;
    uint32_t last = teller->count < FINALISTS ? teller->count++ : FINALISTS - 1;
    memmove(&teller->best[at + 1], &teller->best[at], (last - at) * sizeof story);
    teller->best[at] = story;
    if (teller->count == FINALISTS && teller->best[FINALISTS - 1].cost < teller->bound)
        teller->bound = teller->best[FINALISTS - 1].cost;
}

/* What bytes say, one by one: [from, to), WINDOW at most. */
static int64_t bytes_say(const struct map *map, uint64_t from, uint64_t to)
{
    const uint8_t *at = map->file.at;
    int64_t sum = 0;
    for (uint64_t i = from ? from : 1; i < to; i++)
        sum += map->model->says[at[i - 1]][at[i]];
    int64_t silent = (int64_t)(to - from) * EDGE_SILENT;
    return sum < -silent || sum > silent ? sum : 0;
}

/* Bytes that look plain at the inner side of an edge. At the outer side anything may be. */
static int64_t edge_cost(const struct map *map, uint64_t from, uint64_t to)
{
    int64_t says = to > from && to <= map->file.len ? bytes_say(map, from, to) : 0;
    return says < 0 ? 0 : says < EDGE_MOST ? says : EDGE_MOST;
}

static int64_t edges_cost(const struct map *map, const struct pattern *pattern)
{
    struct pattern_walk walk = pattern_walk(pattern, map->file.len);
    uint64_t from, to, end = map->file.len - pattern->trailer;
    int64_t cost = 0;
    for (int n = 0; n < EXACT && pattern_next(&walk, &from, &to); n++) {
        uint64_t wide = to - from < WINDOW ? to - from : WINDOW;
        cost += edge_cost(map, from, from + wide) + edge_cost(map, to - wide, to);
    }
    if (pattern->trailer >= WINDOW && pattern->trailer < map->file.len)
        cost += edge_cost(map, end, end + WINDOW);
    return cost;
}

/* --- a regular pattern out of ranges --- */

static int compare_u64(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The value that is there most often. */
static uint64_t most_frequent(uint64_t *values, uint32_t n)
{
    uint64_t found = 0;
    uint32_t most = 0;
    qsort(values, n, sizeof *values, compare_u64);
    for (uint32_t i = 0; i < n;) {
        uint32_t k = i;
        while (k < n && values[k] == values[i])
            k++;
        if (k - i > most) {
            most = k - i;
            found = values[i];
        }
        i = k;
    }
    return found;
}

/* Which way an edge of a run lies from where cells put it, in bytes: what comes before it reads
 * as `before` (1: plain, -1: ciphertext), what comes behind it as the opposite. */
static int edge_shift(const struct map *map, const struct pattern *pattern, uint64_t edge,
                      int before)
{
    int64_t says[2 * EDGE] = {0}, best = 0, sum = 0;
    int at = 0;
    for (uint64_t i = 0, place = edge; i < EDGE_RUNS; i++, place += pattern->stride) {
        if (place < EDGE + 1 || place + EDGE >= map->file.len)
            continue;
        for (int d = -EDGE; d < EDGE; d++) {
            const uint8_t *p = map->file.at + place + d;
            says[d + EDGE] += map->model->says[p[-1]][p[0]];
        }
    }
    for (int i = 0; i < 2 * EDGE; i++) {
        sum += before * says[i];
        if (sum > best) {
            best = sum;
            at = i + 1;
        }
    }
    return at - EDGE;
}

/* The same pattern with its edges where single bytes put them. */
static void refine(struct teller *teller, const struct pattern *pattern)
{
    struct pattern p = *pattern;
    int first = edge_shift(teller->map, pattern, p.start, 1);
    int last = edge_shift(teller->map, pattern, p.start + p.run, -1);
    if ((first == 0 && last == 0) || (first < 0 && p.start < (uint64_t)-first))
        return;
    p.start += (uint64_t)(int64_t)first;
    p.run += (uint64_t)(int64_t)(last - first);
    if (p.head > p.start || p.head + EDGE > p.start)
        p.head = p.start;
    if (p.run && p.run < p.stride)
        consider(teller, &p);
}

static void consider_regular(struct teller *teller)
{
    struct map *map = teller->map;
    const struct map_range *at = map->encrypted.at;
    uint32_t n = map->encrypted.n;
    uint64_t *values = n >= 3 ? PUSH_ARRAY(map->arena, uint64_t, n) : NULL;
    if (!values)
        return;
    for (uint32_t i = 0; i + 1 < n; i++)
        values[i] = at[i + 1].from - at[i].from;
    uint64_t stride = most_frequent(values, n - 1);
    for (uint32_t i = 0; i < n; i++)
        values[i] = at[i].to - at[i].from;
    uint64_t run = most_frequent(values, n);
    uint32_t first = 0;
    while (first + 1 < n && at[first + 1].from - at[first].from != stride)
        first++;
    struct pattern p = {.start = at[first].from, .run = run, .stride = stride};
    if (run >= stride)
        return;
    if (first > 0 || at[0].to - at[0].from != run)
        p.head = at[0].from == 0 ? at[0].to : 0;
    /* Back to where it may have begun in bytes about which statistics are silent. */
    uint64_t back = p.start / stride * stride;
    struct pattern variants[6] = {p, p, p, p, p, p};
    variants[1].start -= back < p.start ? back : (p.start ? back - stride : 0);
    variants[2].head = 0;
    variants[3].tail = at[n - 1].to == map->file.len ? at[n - 1].to - at[n - 1].from : 0;
    variants[4].count = (at[n - 1].from - p.start) / stride + 1;
    variants[5].count = variants[4].count;
    variants[5].tail = variants[3].tail;
    for (size_t i = 0; i < COUNT(variants); i++) {
        consider(teller, &variants[i]);
        refine(teller, &variants[i]);
    }
}

/* --- the door --- */

/* Whether two stories call about the same bytes ciphertext. */
static bool is_same(const struct map *map, const struct pattern *a, const struct pattern *b)
{
    struct pattern_walk one = pattern_walk(a, map->file.len),
                        two = pattern_walk(b, map->file.len);
    uint64_t from[2], to[2], differ = 0;
    for (int n = 0; n < EXACT; n++) {
        bool more = pattern_next(&one, &from[0], &to[0]);
        if (pattern_next(&two, &from[1], &to[1]) != more)
            return differ <= ALIKE;
        if (!more)
            break;
        differ += from[0] > from[1] ? from[0] - from[1] : from[1] - from[0];
        differ += to[0] > to[1] ? to[0] - to[1] : to[1] - to[0];
    }
    return differ <= ALIKE;
}

void solve_run(struct solve *solve)
{
    struct map *map = solve->map;
    struct arena_mark mark = arena_mark(map->arena);
    struct teller *teller = PUSH(map->arena, struct teller);
    if (!teller)
        return;
    teller->map = map;
    for (size_t i = 0; i < MAP_HINTS; i++)
        teller->hinted |= map->hints[i] != 0;
    for (uint32_t i = 0; i < map->encrypted.n; i++)
        teller->stretch += map->encrypted.at[i].to - map->encrypted.at[i].from;
    teller->stretch = map->encrypted.n ? teller->stretch / map->encrypted.n + 1 : 1;
    int64_t none = tell_none(teller);
    teller->bound = none - CERTAIN;
    consider_regular(teller);
    pattern_known(map->file.len, consider, teller);
    for (uint32_t i = 0; i < teller->count; i++)
        teller->best[i].cost += edges_cost(map, &teller->best[i].pattern);
    uint32_t best = 0;
    for (uint32_t i = 1; i < teller->count; i++)
        if (is_better(&teller->best[i], &teller->best[best]))
            best = i;
    solve->found = teller->count && teller->best[best].cost <= none - CERTAIN;
    solve->sure = solve->found;
    if (solve->found)
        solve->pattern = teller->best[best].pattern;
    for (uint32_t i = 0; i < teller->count; i++)
        if (teller->best[i].cost < teller->best[best].cost + RIVAL &&
            !is_same(map, &teller->best[i].pattern, &teller->best[best].pattern))
            solve->sure = false;
    arena_pop(map->arena, mark);
}
