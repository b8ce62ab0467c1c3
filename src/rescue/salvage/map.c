#include "rescue/salvage/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    FINE = 16,                  /* bytes of a fine cell */
    FINE_MOST = 64 << 20,       /* bytes that have fine cells */
    COARSE_MOST = 1 << 22,      /* coarse cells */
    SAMPLE = 4096,              /* bytes of a coarse cell that are looked at */
    LEARN_MOST = 64 << 20,      /* bytes that are learned from */
    EIGHTHS = 8,                /* scores are in eighths of a bit */
    CLIP = 6 * EIGHTHS,         /* what one byte can say */
    SILENT = 64,                /* cells that say less say nothing */
    SWITCH = 40 * EIGHTHS,      /* a range must gain more than this */
    GENERAL = 200 * EIGHTHS,    /* that a pattern of no known family must gain more */
    CERTAIN = 24 * EIGHTHS,     /* least that a pattern must gain */
    UNCONNECTED = 80 * EIGHTHS, /* most that ranges without a pattern can gain */
    BROKEN = 24 * EIGHTHS,      /* most for a break that a map explains */
    UNREAD = 2048,              /* bytes that are plain and not read, for each bit */
    UNEXPLAINED = 8 * EIGHTHS,  /* for one that it does not */
    DECODED = 4,                /* bits against a range through which codes went on */
    ABSENT = 64 * EIGHTHS,      /* most that the absence of plain bytes says by itself */
    ABSENT_EACH = 1024,
    INSIDE = 40,    /* against one with a whole block in it */
    PASSED = 32768, /* and of how many bytes there is one more */
    UNLIKELY = 2 << 20,
    DENSE_STRIDE = 65536,      /* below, little can be read between the runs */
    WIDE = 12 * EIGHTHS,       /* least by structure where statistics show nothing */
    DENSE = 160 * EIGHTHS,     /* the same for short runs that leave no choice */
    CONTRAST = 1024 * EIGHTHS, /* what one edge can say */
    EXACT = 128,               /* ranges of a pattern whose edges are looked at by bytes */
    WINDOW = 64,               /* bytes at each side of an edge */
    SHOWN = 64,                /* ranges after which a pattern must not look plain */
    SHOWS = 32 * EIGHTHS,      /* that each of their ranges must gain */
    SMALL_RUN = 4096,          /* patterns with shorter runs must show in the statistics */
    RANGES_MOST = 1 << 20,     /* ranges without a pattern */
    CONTEXTS = 256,
    EDGE = 48,       /* bytes around an edge that are looked at one by one */
    EDGE_RUNS = 256, /* runs over which an edge is averaged */
};

#define REFUSED INT64_MAX

/* What one byte after another says: positive, it is not random. */
struct model {
    uint32_t seen[CONTEXTS][CONTEXTS], all[CONTEXTS];
    int8_t says[CONTEXTS][CONTEXTS];
};

/* log2(num / den) in eighths, to the nearest below, without floating point: by the bits of
 * 32.32 numbers. num, den > 0. */
static int eighths(uint64_t num, uint64_t den)
{
    int whole = 0, part = 0;
    while (num < den)
        num <<= 1, whole--;
    while (num >= 2 * den)
        den <<= 1, whole++;
    /* 1 <= num/den < 2: three squarings give three bits. */
    uint64_t x = (num << 16) / den;
    for (int i = 0; i < 3; i++) {
        x = x * x >> 16;
        part = part * 2 + (x >= 2 << 16);
        if (x >= 2 << 16)
            x >>= 1;
    }
    return whole * EIGHTHS + part;
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

static void model_learn(struct model *model, bytes part)
{
    for (size_t i = 1; i < part.len; i++)
        model->seen[part.at[i - 1]][part.at[i]]++;
}

static void model_finish(struct model *model)
{
    memset(model->all, 0, sizeof model->all);
    for (int a = 0; a < CONTEXTS; a++)
        for (int b = 0; b < CONTEXTS; b++)
            model->all[a] += model->seen[a][b];
    for (int a = 0; a < CONTEXTS; a++)
        for (int b = 0; b < CONTEXTS; b++) {
            /* Without the occurrence itself, and half a one for what was never seen. */
            uint64_t seen = model->seen[a][b] ? model->seen[a][b] - 1 : 0;
            uint64_t all = model->all[a] ? model->all[a] - 1 : 0;
            int says = eighths((2 * seen + 1) * CONTEXTS, 2 * all + CONTEXTS);
            says = says < -CLIP ? -CLIP : says > CLIP ? CLIP : says;
            model->says[a][b] = (int8_t)says;
        }
}

/* `n` <= SAMPLE bytes. The byte before the first counts as zero. */
static int32_t model_score(const struct model *model, const uint8_t *at, size_t n)
{
    int32_t sum = 0;
    for (size_t i = 1; i < n; i++)
        sum += model->says[at[i - 1]][at[i]];
    return sum;
}

static int32_t cell_score(const struct model *model, const uint8_t *at, size_t n)
{
    int32_t sum = model_score(model, at, n), silent = (int32_t)(SILENT * n / FINE);
    return sum < -silent || sum > silent ? sum : 0;
}

/* Fills the sums; the coarse ones are scaled to what the whole cell would say. */
static bool cells_fill(struct map *map, struct map_cells *cells, const struct model *model)
{
    int64_t sum = 0, plain = 0;
    for (uint32_t i = 0; i < cells->n; i++) {
        uint64_t at = cells->from + (uint64_t)i * cells->cell;
        size_t n = cells->cell < SAMPLE ? cells->cell : SAMPLE;
        if (n > map->file.len - at)
            n = (size_t)(map->file.len - at);
        int32_t says = cell_score(model, map->file.at + at, n);
        cells->sums[i] = (int32_t)sum;
        cells->plain[i] = (int32_t)plain;
        sum += says;
        plain += says > 0 ? says : 0;
        if (i % 256 == 0 && !budget_charge(map->budget, 256 * n / 4))
            return false;
    }
    cells->sums[cells->n] = (int32_t)sum;
    cells->plain[cells->n] = (int32_t)plain;
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
    return first < last ? (int64_t)sums[last] - sums[first] : 0;
}

/* What the whole cells in [from, to) say together; `plain`: only those that say plain. */
static int64_t between(const struct map *map, uint64_t from, uint64_t to, bool plain)
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
        int32_t says = cells->sums[i + 1] - cells->sums[i];
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

/* --- scoring --- */

/* Cursor over sorted evidence. */
struct evidence {
    const struct map_break *at;
    uint32_t n, i, last;
};

/* What speaks for a pattern in a break that it explains: as much as chance would seldom do it.
 */
static int64_t surprise(const struct pattern *pattern, const struct map_break *broken)
{
    uint64_t wide = broken->to - broken->from + (broken->begins ? 0 : pattern->run);
    if (!pattern->stride || broken->to <= pattern->head)
        return BROKEN;
    if (wide >= pattern->stride)
        return 0;
    int says = eighths(pattern->stride, wide);
    return says < BROKEN ? says : BROKEN;
}

/* What the breaks say that the next range [from, to) explains and none before it did: it begins
 * in them where one must begin, else it touches them. Their number is added. */
static int64_t explained(struct evidence *evidence, const struct pattern *pattern,
                         uint64_t from, uint64_t to, uint32_t *hits)
{
    int64_t says = 0;
    while (evidence->i < evidence->n && evidence->at[evidence->i].to <= from)
        evidence->i++;
    for (uint32_t k = evidence->i; k < evidence->n && evidence->at[k].from < to; k++)
        if (k >= evidence->last && (!evidence->at[k].begins || evidence->at[k].from <= from)) {
            evidence->last = k + 1;
            says += pattern ? surprise(pattern, &evidence->at[k]) : BROKEN / 2;
            ++*hits;
        }
    return says;
}

/* How unlikely it is that a pattern of this run and stride, laid over the file anywhere, hits
 * nothing that is proven. */
static int64_t avoidance(const struct map *map, const struct pattern *pattern)
{
    int64_t says = 0;
    for (uint32_t i = 0; pattern->stride && i < map->plain.n; i++) {
        uint64_t wide = map->plain.at[i].to - map->plain.at[i].from + pattern->run;
        if (wide < pattern->stride && map->plain.at[i].from >= pattern->head)
            says += eighths(pattern->stride, pattern->stride - wide);
    }
    return says;
}

static bool is_refuted(const struct map_range *at, uint32_t n, uint32_t *i, uint64_t from,
                       uint64_t to)
{
    while (*i < n && at[*i].to <= from)
        ++*i;
    return *i < n && at[*i].from < to;
}

/* What speaks against a pattern in bytes of [from, to), behind the range before, that are plain
 * by it and yet could not be read. */
static int64_t unread(const struct map *map, uint32_t *i, uint64_t from, uint64_t to)
{
    int64_t says = 0;
    while (*i < map->lost.n && map->lost.at[*i].to <= from)
        ++*i;
    for (uint32_t k = *i; k < map->lost.n && map->lost.at[k].from < to; k++) {
        uint64_t a = map->lost.at[k].from > from ? map->lost.at[k].from : from;
        uint64_t b = map->lost.at[k].to < to ? map->lost.at[k].to : to;
        int64_t bits = (int64_t)((b - a) / UNREAD);
        says += bits * EIGHTHS < BROKEN ? bits * EIGHTHS : BROKEN;
    }
    return says;
}

/* What speaks for ciphertext in [from, to): that hardly anything in it looks plain, where so
 * many bytes elsewhere do. */
static int64_t absence(const struct map *map, uint64_t from, uint64_t to)
{
    if (to - from < SMALL_RUN)
        return 0;
    uint64_t all = (uint64_t)between(map, 0, map->file.len, true);
    int64_t expected =
        (int64_t)(all / (map->file.len / ABSENT_EACH + 1) * ((to - from) / ABSENT_EACH));
    int64_t less = expected - 4 * between(map, from, to, true);
    return less <= 0 ? 0 : (less / 32 < ABSENT ? less / 32 : ABSENT) + less / 1024;
}

/* What speaks against ciphertext in [from, to): codes that read it. Those of a picture can go
 * on for long until they come to an end; a whole block in it is hardly chance. */
static int64_t passed(const struct map *map, uint32_t *i, uint64_t from, uint64_t to)
{
    int64_t says = 0;
    while (*i < map->decoded.n && map->decoded.at[*i].to <= from)
        ++*i;
    for (uint32_t k = *i; k < map->decoded.n && map->decoded.at[k].from < to; k++) {
        bool inside = map->decoded.at[k].from >= from && map->decoded.at[k].to <= to;
        uint64_t bits = to - from < UNLIKELY ? (to - from) / PASSED : UNLIKELY / PASSED;
        says += (int64_t)(inside ? INSIDE : DECODED + bits) * EIGHTHS;
    }
    return says;
}

static int64_t clipped(int64_t contrast)
{
    return contrast > CONTRAST ? CONTRAST : contrast < -CONTRAST ? -CONTRAST : contrast;
}

/* What the bytes of [from, to) say, one by one: WINDOW at most. */
static int64_t bytes_say(const struct map *map, uint64_t from, uint64_t to)
{
    const uint8_t *at = map->file.at;
    int64_t sum = 0;
    for (uint64_t i = from ? from : 1; i < to; i++)
        sum += map->model->says[at[i - 1]][at[i]];
    int64_t silent = (int64_t)(to - from) * SILENT / FINE;
    return sum < -silent || sum > silent ? sum : 0;
}

/* What speaks for a range of ciphertext (negative) and against it: how plain what it covers
 * looks, and how both sides of its edges differ. Where plain bytes look random by themselves,
 * nothing speaks for it. */
static int64_t range_score(const struct map *map, uint64_t from, uint64_t to, bool exact)
{
    uint64_t wide = to - from < WINDOW ? to - from : WINDOW;
    int64_t score = between(map, from, to, true);
    if (exact) {
        if (from >= wide)
            score -=
                clipped(bytes_say(map, from - wide, from) - bytes_say(map, from, from + wide));
        if (to + wide <= map->file.len)
            score -= clipped(bytes_say(map, to, to + wide) - bytes_say(map, to - wide, to));
        return score;
    }
    if (from >= wide)
        score -= clipped(between(map, from - wide, from, false) -
                         between(map, from, from + wide, false));
    if (to + wide <= map->file.len)
        score -=
            clipped(between(map, to, to + wide, false) - between(map, to - wide, to, false));
    return score;
}

struct best {
    struct map *map;
    int64_t score;
    uint64_t total;
    struct pattern pattern;
    bool found;
};

/* Lower is better; REFUSED when it contradicts a proof. */
static int64_t pattern_score(const struct map *map, const struct pattern *pattern,
                             uint64_t *ret_total)
{
    struct pattern_walk walk = pattern_walk(pattern, map->file.len);
    struct evidence broken = {map->broken.at, map->broken.n, 0, 0};
    int64_t score = pattern->family ? 0 : GENERAL;
    uint64_t from, to, n = 0;
    int64_t shown = 0; /* by statistics, behind the head */
    int64_t proof = 0; /* by structure */
    uint32_t plain = 0, decoded = 0, hits = 0, lost = 0;
    uint64_t behind = 0;
    int64_t needed = pattern->run >= SMALL_RUN ? WIDE : pattern->fixed ? DENSE : REFUSED;
    bool wide = !pattern->run || pattern->stride >= DENSE_STRIDE;
    *ret_total = 0;
    while (pattern_next(&walk, &from, &to)) {
        if (is_refuted(map->plain.at, map->plain.n, &plain, from, to))
            return REFUSED;
        if (to - from >= SMALL_RUN)
            score += passed(map, &decoded, from, to);
        proof += explained(&broken, pattern, from, to, &hits);
        int64_t says = range_score(map, from, to, n < EXACT) - absence(map, from, to);
        score += says;
        shown += from < pattern->head ? 0 : says;
        if (wide && from > behind)
            score += unread(map, &lost, behind, from);
        behind = to;
        *ret_total += to - from;
        n++;
        if (n == SHOWN && (shown > SWITCH || (needed == REFUSED && shown > -SHOWN * SHOWS)))
            return REFUSED;
        if (n % 4096 == 0 && !budget_charge(map->budget, 4096))
            return REFUSED;
    }
    if (pattern->trailer && pattern->trailer < map->file.len)
        score += range_score(map, map->file.len - pattern->trailer, map->file.len, true);
    proof += avoidance(map, pattern);
    if (pattern->run && shown > -(int64_t)(n < SHOWN ? n : SHOWN) * SHOWS && proof < needed)
        return REFUSED;
    score += proof < WIDE ? CERTAIN : 0;
    if (wide)
        score += unread(map, &lost, behind, map->file.len - pattern->trailer);
    score += (int64_t)(map->broken.n - hits) * UNEXPLAINED - proof;
    return budget_charge(map->budget, n + map->plain.n / 4) ? score : REFUSED;
}

static bool consider(struct best *best, const struct pattern *pattern, int64_t bonus)
{
    uint64_t total;
    int64_t score = pattern_score(best->map, pattern, &total);
    if (score == REFUSED || best->map->budget->steps == 0)
        return false;
    score -= bonus;
    if (score > best->score || (score == best->score && total <= best->total))
        return false;
    best->score = score;
    best->total = total;
    best->pattern = *pattern;
    return best->found = true;
}

static void consider_known(void *to, const struct pattern *pattern)
{
    (void)consider(to, pattern, 0);
}

/* Ranges that nothing connects: each gains a little only, so that a pattern which explains some
 * of them is better. */
static int64_t ranges_score(const struct map *map)
{
    struct evidence broken = {map->broken.at, map->broken.n, 0, 0};
    int64_t score = 0, says = 0, read = 0;
    uint32_t hits = 0, lost = 0;
    uint64_t behind = 0;
    for (uint32_t i = 0; i < map->encrypted.n; i++) {
        const struct map_range *range = &map->encrypted.at[i];
        int64_t gain = range_score(map, range->from, range->to, i < EXACT) / 256;
        score += gain < 0 ? gain : 0;
        says += explained(&broken, NULL, range->from, range->to, &hits);
        read += unread(map, &lost, behind, range->from);
        behind = range->to;
    }
    /* Random bytes are found in plain files, too: however many, they say no more than this. */
    score = score < -UNCONNECTED ? -UNCONNECTED : score;
    read += unread(map, &lost, behind, map->file.len);
    return score - says + read + (int64_t)(broken.n - hits) * UNEXPLAINED;
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

/* The same pattern with its edges where single bytes put them. */
static void refine(struct best *best, const struct pattern *pattern)
{
    struct pattern p = *pattern;
    int first = edge_shift(best->map, pattern, p.start, 1);
    int last = edge_shift(best->map, pattern, p.start + p.run, -1);
    if ((first == 0 && last == 0) || (first < 0 && p.start < (uint64_t)-first))
        return;
    p.start += (uint64_t)(int64_t)first;
    p.run += (uint64_t)(int64_t)(last - first);
    if (p.head > p.start || p.head + EDGE > p.start)
        p.head = p.start;
    if (p.run && p.run < p.stride)
        (void)consider(best, &p, EIGHTHS);
}

static void consider_regular(struct best *best)
{
    struct map *map = best->map;
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
        if (consider(best, &variants[i], 0))
            refine(best, &variants[i]);
    }
}

/* --- the door --- */

static int relearn(struct map *map, struct model *model)
{
    uint64_t step = map->file.len / LEARN_MOST + 1;
    memset(model->seen, 0, sizeof model->seen);
    for (uint64_t at = 0; at < map->file.len; at += SAMPLE * step) {
        uint64_t to = at + SAMPLE < map->file.len ? at + SAMPLE : map->file.len;
        for (uint64_t from = at; from < to;) {
            uint64_t end = map_plain_end(map, from, to);
            model_learn(model, bytes_slice(map->file, (size_t)from, (size_t)(end - from)));
            from = map_plain_next(map, end > from ? end : from + 1, to);
        }
        if (!budget_charge(map->budget, SAMPLE / 4))
            return -ECANCELED;
    }
    model_finish(model);
    if (!cells_fill(map, &map->fine, model) || !cells_fill(map, &map->coarse, model))
        return -ECANCELED;
    return 0;
}

int map_open(struct map *map, bytes file, struct arena *arena, struct budget *budget,
             struct why *why)
{
    *map = (struct map){.file = file, .arena = arena, .budget = budget};
    struct model *model = map->model = PUSH(arena, struct model);
    uint64_t fine = file.len < FINE_MOST ? file.len : FINE_MOST, rest = file.len - fine;
    uint32_t cell = SAMPLE;
    while (rest / cell > COARSE_MOST)
        cell *= 2;
    if (!model || !cells_open(map, &map->fine, 0, fine, FINE) ||
        !cells_open(map, &map->coarse, fine, rest, cell) ||
        !(map->ways = arena_push(arena, map->fine.n > map->coarse.n ? map->fine.n
                                                                    : (size_t)map->coarse.n)))
        return fail(why, ENOMEM, "no memory for the map of the file");
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

static void take_pattern(struct map *map, const struct pattern *pattern)
{
    struct pattern_walk walk = pattern_walk(pattern, map->file.len);
    uint64_t from, to, end = map->file.len - pattern->trailer;
    map->encrypted.n = 0;
    while (pattern_next(&walk, &from, &to) && range_add(map, from, to))
        ;
    (void)range_add(map, end, map->file.len);
    map->regular = true;
    map->pattern = *pattern;
    map->trailer = pattern->trailer;
}

void map_solve(struct map *map)
{
    if (map->given)
        return;
    tidy(map->plain.at, &map->plain.n);
    tidy(map->decoded.at, &map->decoded.n);
    tidy(map->lost.at, &map->lost.n);
    if (map->broken.n > 1)
        qsort(map->broken.at, map->broken.n, sizeof *map->broken.at, compare_breaks);
    map->encrypted.n = 0;
    map->regular = false;
    map->trailer = 0;
    walk_cells(map, &map->fine);
    walk_cells(map, &map->coarse);
    subtract_plain(map);
    struct best best = {.map = map, .score = ranges_score(map)};
    best.score -= CERTAIN;
    if (map->encrypted.n || map->broken.n) {
        consider_regular(&best);
        pattern_known(map->file.len, consider_known, &best);
    }
    if (best.found)
        take_pattern(map, &best.pattern);
    else if (map->encrypted.n && map->encrypted.at[0].from && !map->broken.n)
        map->encrypted.n = 0; /* random bytes in a file whose head is fine: its own */
    map->total = 0;
    for (uint32_t i = 0; i < map->encrypted.n; i++)
        map->total += map->encrypted.at[i].to - map->encrypted.at[i].from;
}
