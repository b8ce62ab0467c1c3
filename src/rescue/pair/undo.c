/* A scheme becomes a recipe: for streams one piece that covers the whole file, whose bytes are
 * undone run by run; for tables a piece for each part, so that blocks begin where runs begin.
 */
#include "rescue/pair/pair.h"
#include "rescue/pair/stream.h"
#include "rescue/pair/table.h"

#include <errno.h>
#include <string.h>

enum { PATTERN = 64 << 10, COUNT_WINDOW = 256 << 10 };

struct undo {
    const struct pair_scheme *scheme;
    struct pair_part part[RULE_PARTS];
    size_t parts;
    bytes pattern;   /* the key, again and again, where its period is short */
    uint64_t *known; /* bytes known before each span */
};

/* Bytes of [0, at) of the stream, which is not folded, that are known. */
static uint64_t known_before(const struct undo *undo, uint64_t at)
{
    const struct pair_scheme *scheme = undo->scheme;
    uint32_t low = 0, high = scheme->span.n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (scheme->span.at[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return 0;
    const struct pair_span *span = &scheme->span.at[low - 1];
    return undo->known[low - 1] + (at - span->at < span->len ? at - span->at : span->len);
}

static uint64_t known_folded(const struct undo *undo, uint64_t at)
{
    uint64_t period = undo->scheme->period;
    if (!period)
        return known_before(undo, at);
    return at / period * known_before(undo, period) + known_before(undo, at % period);
}

static uint64_t unknown_in(const struct undo *undo, uint64_t at, uint64_t len)
{
    return len - (known_folded(undo, at + len) - known_folded(undo, at));
}

static bool is_complete(const struct pair_scheme *scheme)
{
    return scheme->period && scheme->span.n == 1 && !scheme->span.at[0].at &&
           scheme->span.at[0].len == scheme->period;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The same of repeats whose stream is that at their place: under a period they come again, and
 * behind the end of the stream nothing is known. */
static uint64_t lost_by_offset(const struct undo *undo, struct pair_part part, uint64_t reach)
{
    uint64_t period = undo->scheme->period, lost = 0, all = 0;
    uint64_t cycle = period ? period / common_divisor(period, part.step) : UINT64_MAX;
    uint64_t once = part.count < cycle ? part.count : cycle, rest = part.count % cycle;
    for (uint64_t k = 0; k < once; k++) {
        uint64_t at = part.at + k * part.step;
        if (at >= reach)
            return lost + part.length * (part.count - k);
        if (k == rest)
            all = lost;
        lost += unknown_in(undo, at, part.length);
    }
    return part.count <= cycle ? lost : lost * (part.count / cycle) + all;
}

/* Encrypted bytes of a file that the stream does not reach. */
static uint64_t count_lost(const struct undo *undo)
{
    const struct pair_scheme *scheme = undo->scheme;
    uint64_t lost = 0, order = 0;
    if (is_complete(scheme))
        return 0;
    for (size_t i = 0; i < undo->parts; i++) {
        struct pair_part part = undo->part[i];
        uint64_t reach = scheme->period ? UINT64_MAX : pair_length(scheme);
        if (scheme->place == PAIR_RUNS_ON)
            lost += unknown_in(undo, order, part.length * part.count);
        else if (scheme->place == PAIR_EACH_RUN)
            lost += unknown_in(undo, 0, part.length) * part.count;
        else
            lost += lost_by_offset(undo, part, reach);
        order += part.length * part.count;
    }
    return lost;
}

/* Undoes what is known of [at, at+len) of the stream, which does not fold. */
static void undo_known(const struct pair_scheme *scheme, uint64_t at, uint8_t *data, size_t len)
{
    uint32_t first = 0, high = scheme->span.n;
    while (first < high) {
        uint32_t middle = first + (high - first) / 2;
        if (scheme->span.at[middle].at + scheme->span.at[middle].len > at)
            high = middle;
        else
            first = middle + 1;
    }
    for (uint32_t i = first; i < scheme->span.n && scheme->span.at[i].at < at + len; i++) {
        const struct pair_span *span = &scheme->span.at[i];
        uint64_t from = span->at > at ? span->at : at;
        uint64_t end = span->at + span->len < at + len ? span->at + span->len : at + len;
        if (end > scheme->key.len)
            end = scheme->key.len;
        if (from < end)
            stream_undo(scheme->method, scheme->key.at + from, data + (from - at),
                        (size_t)(end - from));
    }
}

static void undo_stretch(const struct undo *undo, uint64_t at, uint8_t *data, size_t len)
{
    const struct pair_scheme *scheme = undo->scheme;
    while (len) {
        size_t n = len;
        if (undo->pattern.len) {
            size_t from = (size_t)(at % scheme->period);
            n = n < undo->pattern.len - from ? n : undo->pattern.len - from;
            stream_undo(scheme->method, undo->pattern.at + from, data, n);
        } else {
            uint64_t place = scheme->period ? at % scheme->period : at;
            if (scheme->period && n > scheme->period - place)
                n = (size_t)(scheme->period - place);
            undo_known(scheme, place, data, n);
        }
        at += n;
        data += n;
        len -= n;
    }
}

/* `data` is [position, position+len) of the plain file. */
static void undo_part(const struct undo *undo, const struct pair_part *part, uint64_t order,
                      uint64_t position, uint8_t *data, size_t len)
{
    uint64_t end = position + len, k = 0;
    if (position > part->at && part->step)
        k = (position - part->at) / part->step;
    for (; k < part->count; k++) {
        uint64_t at = part->at + k * part->step;
        if (at >= end)
            break;
        uint64_t from = at > position ? at : position;
        uint64_t to = at + part->length < end ? at + part->length : end;
        if (from >= to)
            continue;
        uint64_t place = undo->scheme->place == PAIR_BY_OFFSET ? from
                         : undo->scheme->place == PAIR_RUNS_ON
                             ? order + k * part->length + (from - at)
                             : from - at;
        undo_stretch(undo, place, data + (from - position), (size_t)(to - from));
    }
}

static void undo_stream(void *context, uint64_t position, uint8_t *data, size_t len)
{
    const struct undo *undo = context;
    uint64_t order = 0;
    for (size_t i = 0; i < undo->parts; i++) {
        undo_part(undo, &undo->part[i], order, position, data, len);
        order += undo->part[i].length * undo->part[i].count;
    }
}

static void undo_table(void *context, uint64_t position, uint8_t *data, size_t len)
{
    (void)position;
    table_undo(context, data, len);
}

/* --- the recipe --- */

static int add_piece(struct recipe *recipe, struct arena *arena, struct recipe_piece piece,
                     struct why *why)
{
    struct recipe_piece *added = vec_push(arena, &recipe->piece);
    if (!added)
        return fail(why, ENOMEM, "no memory for a recipe");
    *added = piece;
    return 0;
}

static int add_stream(struct recipe *recipe, struct arena *arena, struct recipe_stream stream,
                      struct why *why)
{
    struct recipe_stream *added = vec_push(arena, &recipe->stream);
    if (!added)
        return fail(why, ENOMEM, "no memory for a recipe");
    *added = stream;
    return 0;
}

static int prepare(struct undo *undo, struct arena *arena, struct why *why)
{
    const struct pair_scheme *scheme = undo->scheme;
    uint64_t sum = 0;
    undo->known = PUSH_ARRAY(arena, uint64_t, scheme->span.n);
    if (!undo->known)
        return fail(why, ENOMEM, "no memory for a recipe");
    for (uint32_t i = 0; i < scheme->span.n; i++) {
        undo->known[i] = sum;
        sum += scheme->span.at[i].len;
    }
    if (!is_complete(scheme) || scheme->key.len != scheme->period || scheme->period > PATTERN)
        return 0;

    size_t period = scheme->key.len, times = (PATTERN + period - 1) / period + 1;
    uint8_t *pattern = arena_push_raw(arena, times * period);
    if (!pattern)
        return fail(why, ENOMEM, "no memory for a recipe");
    for (size_t i = 0; i < times; i++)
        memcpy(pattern + i * period, scheme->key.at, period);
    undo->pattern = (bytes){pattern, times * period};
    return 0;
}

static int stream_recipe(struct undo *undo, struct arena *arena, struct recipe *ret,
                         struct why *why)
{
    const struct pair_scheme *scheme = undo->scheme;
    if (scheme->key.len < pair_length(scheme))
        return fail(why, EINVAL, "the stream of the pairs is not held in memory");
    int error = prepare(undo, arena, why);
    if (!error)
        error = add_stream(
            ret, arena,
            (struct recipe_stream){
                .cipher = RECIPE_OWN, .apply = undo_stream, .context = undo, .grain = 1},
            why);
    if (!error)
        error =
            add_piece(ret, arena,
                      (struct recipe_piece){
                          .from = scheme->prefix, .length = ret->size, .start = RECIPE_RESTART},
                      why);
    if (!error)
        ret->lost = count_lost(undo);
    return error;
}

/* Unknown blocks have to be counted in the file itself. */
static int count_unknown(const struct undo *undo, const struct source *encrypted,
                         struct arena *arena, uint64_t *ret, struct why *why)
{
    const struct pair_table *table = undo->scheme->table;
    struct arena_mark mark = arena_mark(arena);
    uint8_t *window = arena_push_raw(arena, COUNT_WINDOW);
    if (!window)
        return fail(why, ENOMEM, "no memory to count blocks");
    for (size_t i = 0; i < undo->parts; i++) {
        struct pair_part part = undo->part[i];
        for (uint64_t k = 0; k < part.count; k++)
            for (uint64_t done = 0; done < part.length;) {
                uint64_t left = part.length - done;
                size_t len = left < COUNT_WINDOW ? (size_t)left : COUNT_WINDOW;
                int error = source_read(encrypted,
                                        undo->scheme->prefix + part.at + k * part.step + done,
                                        window, len, why);
                if (error)
                    return error;
                *ret += table_undo(table, window, len) * table->block + len % table->block;
                done += len;
            }
    }
    arena_pop(arena, mark);
    return 0;
}

static int table_recipe(struct undo *undo, const struct source *encrypted, struct arena *arena,
                        struct recipe *ret, struct why *why)
{
    const struct pair_scheme *scheme = undo->scheme;
    int error = add_stream(ret, arena,
                           (struct recipe_stream){.cipher = RECIPE_OWN,
                                                  .apply = undo_table,
                                                  .context = scheme->table,
                                                  .grain = scheme->block},
                           why);
    if (!error && scheme->prefix)
        error =
            add_piece(ret, arena,
                      (struct recipe_piece){
                          .from = scheme->prefix, .length = ret->size, .stream = RECIPE_COPY},
                      why);
    for (size_t i = 0; i < undo->parts && !error; i++)
        error = add_piece(ret, arena,
                          (struct recipe_piece){.at = undo->part[i].at,
                                                .from = scheme->prefix + undo->part[i].at,
                                                .length = undo->part[i].length,
                                                .count = undo->part[i].count,
                                                .step = undo->part[i].step,
                                                .start = RECIPE_RESTART},
                          why);
    if (!error)
        error = count_unknown(undo, encrypted, arena, &ret->lost, why);
    return error;
}

int pair_recipe(const struct pair_scheme *scheme, const struct source *encrypted,
                struct arena *arena, struct recipe *ret, struct why *why)
{
    uint64_t size = encrypted->size;
    struct recipe recipe = {.guess = !scheme->pairs};
    bool guess = false, sure = true;
    if (scheme->method == PAIR_CIPHER)
        return fail(why, ENOTSUP, "a pair does not open other files of this kind");
    uint64_t added = scheme->prefix + (scheme->size.width ? 0 : scheme->suffix);
    if (size < added)
        return fail(why, EBADMSG, "shorter than the %llu bytes that were added to such files",
                    (unsigned long long)added);
    recipe.size = pair_plain_size(scheme, encrypted, &sure);
    recipe.guess |= !sure;

    struct undo *undo = PUSH(arena, struct undo);
    if (!undo)
        return fail(why, ENOMEM, "no memory for a recipe");
    undo->scheme = scheme;
    const struct pair_rule *rule =
        rule_for(scheme->rule.at, scheme->rule.n, recipe.size, &guess);
    if (rule)
        undo->parts = rule_parts(rule, recipe.size, undo->part);
    recipe.guess |= guess;

    int error = 0;
    if (scheme->method == PAIR_TABLE)
        error = table_recipe(undo, encrypted, arena, &recipe, why);
    else if (scheme->method != PAIR_SAME)
        error = stream_recipe(undo, arena, &recipe, why);
    else if (scheme->prefix && recipe.size)
        error =
            add_piece(&recipe, arena,
                      (struct recipe_piece){
                          .from = scheme->prefix, .length = recipe.size, .stream = RECIPE_COPY},
                      why);
    if (!error)
        *ret = recipe;
    return error;
}
