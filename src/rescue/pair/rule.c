/* A rule is guessed from the runs of one file in every way that fits them, and then the fewest
 * rules are taken that say what all files showed. Starts and ends of runs that were seen are
 * blurred: an encrypted byte that equals the plain one looks as if it were not encrypted, so
 * true runs begin up to RULE_SLACK bytes earlier and end as much later. */
#include "rescue/pair/rule.h"

#include <stdio.h>
#include <string.h>

enum { CANDIDATES = 12, PHASE_RUNS = 256, RULES = 8 };

static uint64_t limit_of(const struct pair_rule *rule, uint64_t size)
{
    return rule->grain > 1 ? size - size % rule->grain : size;
}

static void add_part(struct pair_part *ret, size_t *n, uint64_t at, uint64_t length,
                     uint64_t count, uint64_t step)
{
    if (length && count)
        ret[(*n)++] = (struct pair_part){at, length, count, step};
}

/* Percent rules: the file is cut into parts of equal step; what is encrypted is percent of the
 * file, shared out between all but the last part. */
static size_t percent_parts(const struct pair_rule *rule, uint64_t size, struct pair_part *ret)
{
    size_t n = 0;
    uint64_t encrypted = rule->parts - 1;
    uint64_t length = size / 100 * rule->percent + size % 100 * rule->percent / 100;
    length /= rule->parts;
    uint64_t gap = (size - length * encrypted) / rule->parts;
    add_part(ret, &n, 0, length, encrypted, length + gap);
    return n;
}

/* The runs between `from` and `end`: whole ones as one part, then what is left of the last. */
static uint64_t stripe_parts(const struct pair_rule *rule, uint64_t end, struct pair_part *ret,
                             size_t *n)
{
    uint64_t start = rule->start > rule->head ? rule->start : rule->head;
    if (!rule->run || start >= end)
        return 0;
    uint64_t run = rule->run < end - start ? rule->run : end - start;
    if (!rule->stride || rule->stride < run) {
        if (rule->whole && run < rule->run)
            return 0;
        add_part(ret, n, start, run, 1, 0);
        return start + run;
    }

    uint64_t whole = end - start < rule->run ? 0 : (end - start - rule->run) / rule->stride + 1;
    bool all = rule->count && whole >= rule->count;
    if (all)
        whole = rule->count;
    uint64_t next = start + whole * rule->stride;
    uint64_t stop = whole ? next - rule->stride + rule->run : 0;
    add_part(ret, n, start, rule->run, whole, rule->stride);
    if (!all && !rule->whole && next < end) {
        add_part(ret, n, next, end - next, 1, 0);
        stop = end;
    }
    return stop;
}

size_t rule_parts(const struct pair_rule *rule, uint64_t size, struct pair_part ret[RULE_PARTS])
{
    if (rule->parts > 1)
        return percent_parts(rule, size, ret);

    size_t n = 0;
    uint64_t end = limit_of(rule, size);
    uint64_t head = rule->head < end ? rule->head : end;
    uint64_t tail = rule->tail < end - head ? rule->tail : end - head;
    add_part(ret, &n, 0, head, 1, 0);
    stripe_parts(rule, end - tail, ret, &n);
    add_part(ret, &n, end - tail, tail, 1, 0);
    return n;
}

struct rule_walk rule_walk(const struct pair_rule *rule, uint64_t size)
{
    struct rule_walk walk = {.parts = 0};
    walk.parts = rule_parts(rule, size, walk.part);
    return walk;
}

bool rule_walk_next(struct rule_walk *walk, struct pair_run *ret)
{
    while (walk->i < walk->parts && walk->k == walk->part[walk->i].count) {
        walk->i++;
        walk->k = 0;
    }
    if (walk->i == walk->parts)
        return false;
    const struct pair_part *part = &walk->part[walk->i];
    ret->at = part->at + walk->k++ * part->step;
    ret->end = ret->at + part->length;
    return true;
}

/* Runs that touch are seen as one. */
static bool next_expected(struct rule_walk *walk, struct pair_run *ret)
{
    if (!rule_walk_next(walk, ret))
        return false;
    struct rule_walk ahead = *walk;
    struct pair_run more;
    while (rule_walk_next(&ahead, &more) && more.at < ret->end + RUNS_GAP) {
        ret->end = more.end;
        *walk = ahead;
    }
    return true;
}

static bool is_seen(struct pair_run expected, struct pair_run seen)
{
    return seen.at >= expected.at && seen.at - expected.at <= RULE_SLACK &&
           seen.end <= expected.end && expected.end - seen.end <= RULE_SLACK;
}

bool rule_explains(const struct pair_rule *rule, const struct pair_runs *runs,
                   struct budget *budget)
{
    struct rule_walk e = rule_walk(rule, runs->size);
    struct pair_run run, last = {0};
    uint64_t seen = 0, total = 0;
    for (size_t i = 0; i < e.parts; i++)
        total += e.part[i].count;
    if (total < runs->count || total / 4 > runs->count + RULE_PARTS)
        return false;

    while (next_expected(&e, &run)) {
        if (!budget_charge(budget, 1))
            return false;
        struct pair_run at = seen < runs->count && seen < RUNS_KEPT ? runs->run[seen] : run;
        if (is_seen(run, at)) {
            seen++;
            last = run;
        } else if (run.end - run.at > RULE_SLACK) {
            return false;
        }
    }
    return seen == runs->count && (!seen || is_seen(last, runs->last));
}

/* --- guessing --- */

struct guesses {
    struct pair_rule *rule;
    size_t n, max;
    const struct pair_runs *runs;
    struct budget *budget;
};

/* Adds a rule that says what was seen, with each grain that makes it so. */
static void guess(struct guesses *g, struct pair_rule rule)
{
    static const uint32_t grains[] = {0, 16, 8, 64};
    for (size_t i = 0; i < COUNT(grains) && g->n < g->max; i++) {
        rule.grain = grains[i];
        if (i && g->runs->size % grains[i] == 0)
            continue;
        if (rule_explains(&rule, g->runs, g->budget))
            g->rule[g->n++] = rule;
    }
}

/* Ends and starts that were blurred lie near a multiple of 16. */
static uint64_t round_up(uint64_t at, uint64_t max)
{
    uint64_t up = (at + 15) & ~15ull;
    return up - at <= RULE_SLACK && up <= max ? up : at;
}

static uint64_t round_down(uint64_t at)
{
    return (at & 15) <= RULE_SLACK ? at & ~15ull : at;
}

static void guess_one_run(struct guesses *g)
{
    struct pair_run run = g->runs->run[0];
    uint64_t at = round_down(run.at), end = round_up(run.end, g->runs->size);
    guess(g, (struct pair_rule){.head = UINT64_MAX});
    guess(g, (struct pair_rule){.head = end});
    guess(g, (struct pair_rule){.start = at, .run = UINT64_MAX});
    guess(g, (struct pair_rule){.tail = g->runs->size - run.at});
    guess(g, (struct pair_rule){.start = at, .run = end - at});
    guess(g, (struct pair_rule){.start = run.at, .run = run.end - run.at});
    guess(g, (struct pair_rule){.head = run.end});
}

static void guess_ends(struct guesses *g)
{
    const struct pair_run *run = g->runs->run;
    uint64_t size = g->runs->size;
    guess(g, (struct pair_rule){.head = round_up(run[0].end, size), .tail = size - run[1].at});
    guess(g, (struct pair_rule){.head = run[0].end, .tail = size - run[1].at});
    uint64_t start = round_down(run[0].at), length = round_up(run[0].end, size) - start;
    uint64_t length2 = round_up(run[1].end, size) - round_down(run[1].at);
    if (length2 > length && run[1].end + RULE_SLACK < size)
        length = length2;
    guess(g, (struct pair_rule){
                 .start = start, .run = length, .stride = round_down(run[1].at) - start});
    guess(g, (struct pair_rule){.start = start,
                                .run = length,
                                .stride = round_down(run[1].at) - start,
                                .count = 2});
}

/* The distance between runs that is most often seen, of the runs from the second on. */
static uint64_t usual_step(const struct pair_runs *runs, uint64_t n)
{
    uint64_t best = 0, step = 0;
    for (uint64_t i = 1; i + 1 < n && i < 40; i++) {
        uint64_t d = runs->run[i + 1].at - runs->run[i].at, same = 0;
        for (uint64_t k = 1; k + 1 < n && k < 40; k++)
            same += runs->run[k + 1].at - runs->run[k].at == d;
        if (same > best) {
            best = same;
            step = d;
        }
    }
    return step;
}

/* The true start of the second run and the true length, from what many runs showed. */
static struct pair_run usual_run(const struct pair_runs *runs, uint64_t n, uint64_t step)
{
    uint64_t early = 0, length = 0, origin = runs->run[1].at;
    for (uint64_t i = 1; i + 1 < n && i < PHASE_RUNS; i++) {
        uint64_t due = origin + (i - 1) * step, at = runs->run[i].at;
        if (due > at && due - at <= RULE_SLACK && due - at > early)
            early = due - at;
    }
    origin -= early;
    for (uint64_t i = 1; i + 1 < n && i < PHASE_RUNS; i++) {
        uint64_t due = origin + (i - 1) * step, end = runs->run[i].end;
        if (end > due && end - due > length && end - due <= step)
            length = end - due;
    }
    return (struct pair_run){origin, origin + length};
}

static void guess_endings(struct guesses *g, struct pair_rule rule)
{
    guess(g, rule);
    rule.whole = true;
    guess(g, rule);
    rule.whole = false;
    rule.count = g->runs->count - (rule.head ? 1 : 0);
    guess(g, rule);
    if (rule.count > 1) {
        rule.count--;
        rule.tail = g->runs->size - g->runs->last.at;
        guess(g, rule);
        rule.count = 0;
        guess(g, rule);
    }
}

static void guess_stripes(struct guesses *g)
{
    const struct pair_runs *runs = g->runs;
    uint64_t n = runs->count < RUNS_KEPT ? runs->count : RUNS_KEPT;
    uint64_t step = usual_step(runs, n);
    struct pair_run usual = usual_run(runs, n, step), first = runs->run[0];
    struct pair_rule rule = {.run = usual.end - usual.at, .stride = step, .start = usual.at};
    if (!step || rule.run > step)
        return;

    if (usual.at >= step) {
        uint64_t before = usual.at - step;
        struct pair_rule from = rule;
        from.start = before;
        guess_endings(g, from);
        if (before > first.at && before < first.end) {
            from.head = before;
            guess_endings(g, from);
        }
    }
    rule.head = round_up(first.end, usual.at);
    guess_endings(g, rule);
    rule.head = first.end;
    guess_endings(g, rule);
}

/* Parts whose length and distance come from the size of the file. */
static void guess_percent(struct guesses *g)
{
    uint64_t size = g->runs->size;
    if (g->runs->count < 1 || g->runs->count > 15 || size < 10000)
        return;
    struct pair_rule rule = {.parts = (uint32_t)g->runs->count + 1};
    uint64_t length = g->runs->run[0].end;
    if (g->runs->run[0].at > RULE_SLACK)
        return;
    for (uint32_t percent = 1; percent <= 100; percent++) {
        struct pair_part part[RULE_PARTS];
        rule.percent = percent;
        if (rule_parts(&rule, size, part) && part[0].length >= length &&
            part[0].length - length <= RULE_SLACK)
            guess(g, rule);
    }
}

size_t rule_fit(const struct pair_runs *runs, struct budget *budget, struct pair_rule *ret,
                size_t max)
{
    struct guesses g = {.rule = ret, .max = max, .runs = runs, .budget = budget};
    if (!runs->count)
        guess(&g, (struct pair_rule){0});
    else if (runs->count == 1)
        guess_one_run(&g);
    else if (runs->count == 2)
        guess_ends(&g);
    if (runs->count > 2)
        guess_stripes(&g);
    guess_percent(&g);
    return g.n;
}

/* --- what all files have in common --- */

static uint32_t count_explained(const struct pair_rule *rule, const struct pair_runs *files,
                                size_t count, const int *chosen, struct budget *budget)
{
    uint32_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += chosen[i] < 0 && rule_explains(rule, &files[i], budget);
    return n;
}

static bool best_rule(const struct pair_runs *files, size_t count, const int *chosen,
                      struct budget *budget, struct pair_rule *ret)
{
    ret->pairs = 0;
    for (size_t i = 0; i < count; i++) {
        struct pair_rule fits[CANDIDATES];
        size_t n = chosen[i] < 0 ? rule_fit(&files[i], budget, fits, CANDIDATES) : 0;
        for (size_t k = 0; k < n; k++) {
            uint32_t explained = count_explained(&fits[k], files, count, chosen, budget);
            if (explained > ret->pairs) {
                *ret = fits[k];
                ret->pairs = explained;
            }
        }
    }
    return ret->pairs;
}

/* A rule that holds for small and for large files, but not for those between, becomes two. */
static size_t split_by_size(const struct pair_runs *files, size_t count,
                            const struct pair_rule *found, struct pair_rule *ret, size_t max,
                            int *chosen)
{
    size_t n = 0;
    int of = -1;
    for (uint64_t size = 0;;) {
        size_t next = count;
        for (size_t i = 0; i < count; i++)
            if (chosen[i] >= 0 && files[i].size >= size &&
                (next == count || files[i].size < files[next].size))
                next = i;
        if (next == count)
            break;
        size = files[next].size;
        if (chosen[next] != of) {
            if (n == max)
                break;
            of = chosen[next];
            ret[n] = found[of];
            ret[n].from = size;
            ret[n++].pairs = 0;
        }
        ret[n - 1].to = size;
        for (size_t i = 0; i < count; i++)
            if (files[i].size == size && chosen[i] == of) {
                ret[n - 1].pairs++;
                chosen[i] = -2 - (int)(n - 1);
            } else if (files[i].size == size) {
                chosen[i] = -1;
            }
        size++;
    }
    for (size_t i = 0; i < count; i++)
        chosen[i] = chosen[i] <= -2 ? -2 - chosen[i] : -1;
    return n;
}

size_t rule_choose(const struct pair_runs *files, size_t count, struct budget *budget,
                   struct pair_rule *ret, size_t max, int *chosen)
{
    struct pair_rule found[RULES];
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        chosen[i] = -1;
    while (n < RULES && best_rule(files, count, chosen, budget, &found[n])) {
        for (size_t i = 0; i < count; i++)
            if (chosen[i] < 0 && rule_explains(&found[n], &files[i], budget))
                chosen[i] = (int)n;
        n++;
    }
    return split_by_size(files, count, found, ret, max, chosen);
}

const struct pair_rule *rule_for(const struct pair_rule *rules, size_t count, uint64_t size,
                                 bool *ret_guess)
{
    const struct pair_rule *best = NULL;
    uint64_t nearest = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        uint64_t away = size < rules[i].from ? rules[i].from - size
                        : size > rules[i].to ? size - rules[i].to
                                             : 0;
        if (!best || away < nearest || (away == nearest && rules[i].pairs > best->pairs)) {
            best = &rules[i];
            nearest = away;
        }
    }
    *ret_guess = nearest != 0;
    return best;
}

bytes rule_words(const struct pair_rule *rule, struct arena *arena)
{
    typedef unsigned long long ull;
    if (rule->parts > 1)
        return arena_printf(arena, "%u%% of the file, in %u pieces", rule->percent,
                            rule->parts - 1);
    if (rule->head == UINT64_MAX)
        return rule->grain > 1
                   ? arena_printf(arena, "the whole file, in blocks of %u bytes", rule->grain)
                   : arena_printf(arena, "the whole file");

    char text[240] = "";
    size_t used = 0;
    const char *and = "";
#define SAY(...)                                                                               \
    do {                                                                                       \
        int len_ = snprintf(text + used, sizeof text - used, __VA_ARGS__);                     \
        used += len_ < 0 ? 0 : (size_t)len_ < sizeof text - used ? (size_t)len_ : 0;           \
        and = ", and ";                                                                        \
    } while (0)
    if (rule->head)
        SAY("the first %llu bytes", (ull)rule->head);
    if (rule->run && rule->stride)
        SAY("%s%llu bytes in every %llu from byte %llu on", and, (ull)rule->run,
            (ull)rule->stride, (ull)rule->start);
    else if (rule->run == UINT64_MAX)
        SAY("%severything from byte %llu on", and, (ull)rule->start);
    else if (rule->run)
        SAY("%s%llu bytes from byte %llu on", and, (ull)rule->run, (ull)rule->start);
    if (rule->count)
        SAY(" (%llu times)", (ull)rule->count);
    if (rule->tail)
        SAY("%sthe last %llu bytes", and, (ull)rule->tail);
    if (rule->grain > 1)
        SAY(", in blocks of %u bytes", rule->grain);
#undef SAY
    return used ? arena_copy(arena, (bytes){(const uint8_t *)text, used})
                : arena_printf(arena, "nothing");
}
