#include "rescue/pair/pair.h"

#include "rescue/pair/runs.h"
#include "rescue/pair/stream.h"
#include "rescue/pair/table.h"

#include <errno.h>
#include <string.h>

enum {
    SHIFT_TRIES = 6,
    SHIFT_SEARCH = 4096, /* bytes before a wholly encrypted file that are tried */
    SHIFT_WORD = 48,
    RULES = 8,
    LEADS = 4, /* pairs that may be the one that is believed */
    PROVISIONAL = STREAM_AGREED,
};

struct learner {
    struct pair pair[PAIR_MAX]; /* those that can tell something, the largest first */
    struct pair_runs runs[PAIR_MAX];
    const struct pair_rule *rule[PAIR_MAX];
    bool bad[PAIR_MAX];
    size_t n;
    struct arena *arena;
    struct budget *budget;
    struct pair_scheme *scheme;
};

/* --- which pairs --- */

static void insert_by_size(struct learner *l, const struct pair *pair)
{
    size_t at = l->n;
    while (at && l->pair[at - 1].plain.size < pair->plain.size)
        at--;
    if (at == PAIR_MAX)
        return;
    if (l->n == PAIR_MAX)
        l->n--;
    memmove(&l->pair[at + 1], &l->pair[at], (l->n - at) * sizeof *l->pair);
    l->pair[at] = *pair;
    l->n++;
}

static int choose_pairs(struct learner *l, const struct pair *pairs, size_t count,
                        struct why *why)
{
    size_t small = 0, shorter = 0;
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].plain.size < PAIR_SMALLEST)
            small++;
        else if (pairs[i].encrypted.size < pairs[i].plain.size)
            shorter++;
        else
            insert_by_size(l, &pairs[i]);
    }
    if (l->n)
        return 0;
    if (shorter)
        return fail(why, ENODATA,
                    "the encrypted file is shorter than its original: they are no "
                    "pair, or it was packed");
    return fail(why, ENODATA, "an original of less than %d bytes tells nothing", PAIR_SMALLEST);
}

/* --- the shift of wholly encrypted files --- */

struct shifts {
    uint64_t at[SHIFT_TRIES];
    size_t n;
};

static void add_shift(struct shifts *shifts, uint64_t shift)
{
    for (size_t i = 0; i < shifts->n; i++)
        if (shifts->at[i] == shift)
            return;
    if (shifts->n < SHIFT_TRIES)
        shifts->at[shifts->n++] = shift;
}

static bool is_zero(const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i])
            return false;
    return true;
}

/* Under a stream of a short period, bytes that lie a period apart differ in the plain file as
 * they do in the encrypted one: the plain differences are looked for among the encrypted. */
static int shift_by_period(const struct learner *l, uint64_t room, struct shifts *shifts,
                           struct why *why)
{
    const struct pair *pair = &l->pair[0];
    uint8_t plain[2 * SHIFT_SEARCH], encrypted[3 * SHIFT_SEARCH], differ[2 * SHIFT_SEARCH];
    uint64_t size = pair->plain.size;
    size_t n = size < sizeof plain ? (size_t)size : sizeof plain;
    size_t m = n + (size_t)room;
    int error = source_read(&pair->plain, 0, plain, n, why);
    if (!error)
        error = source_read(&pair->encrypted, 0, encrypted, m, why);
    if (error)
        return error;

    for (size_t period = 1; period <= PAIR_PERIOD_SHORT && period + SHIFT_WORD <= n; period++) {
        uint8_t word[SHIFT_WORD];
        size_t window = (size_t)room + SHIFT_WORD;
        if (!budget_charge(l->budget, window))
            return 0;
        for (size_t i = 0; i < SHIFT_WORD; i++)
            word[i] = plain[i] ^ plain[i + period];
        if (is_zero(word, SHIFT_WORD))
            continue;
        if (window + period > m)
            window = m - period;
        for (size_t i = 0; i < window; i++)
            differ[i] = encrypted[i] ^ encrypted[i + period];
        size_t at = bytes_find((bytes){differ, window}, (bytes){word, SHIFT_WORD}, 0);
        if (at != SIZE_MAX)
            add_shift(shifts, at);
    }
    return 0;
}

/* Under one stream for all files, two encrypted files differ as their plain files do. */
static int shift_by_other(const struct learner *l, uint64_t room, struct shifts *shifts,
                          struct why *why)
{
    uint8_t a[2 * SHIFT_SEARCH], b[2 * SHIFT_SEARCH];
    if (l->n < 2)
        return 0;
    uint64_t size = l->pair[1].plain.size;
    size_t n = size < SHIFT_SEARCH ? (size_t)size : SHIFT_SEARCH, from = 0;
    int error = source_read(&l->pair[0].plain, 0, a, n, why);
    if (!error)
        error = source_read(&l->pair[1].plain, 0, b, n, why);
    if (error)
        return error;
    while (from < n && a[from] == b[from])
        from++;
    if (n - from < SHIFT_WORD)
        return 0;

    uint8_t word[SHIFT_WORD];
    for (size_t i = 0; i < SHIFT_WORD; i++)
        word[i] = a[from + i] ^ b[from + i];
    size_t m = from + SHIFT_WORD + (size_t)room;
    if (m > l->pair[1].encrypted.size)
        m = (size_t)l->pair[1].encrypted.size;
    error = source_read(&l->pair[0].encrypted, 0, a, m, why);
    if (!error)
        error = source_read(&l->pair[1].encrypted, 0, b, m, why);
    if (error)
        return error;
    for (size_t i = 0; i < m; i++)
        a[i] ^= b[i];
    size_t at = bytes_find((bytes){a, m}, (bytes){word, SHIFT_WORD}, from);
    if (at != SIZE_MAX)
        add_shift(shifts, at - from);
    return 0;
}

static int sample_pairs(struct learner *l, size_t lead, uint64_t prefix, size_t most,
                        struct stream_samples *samples, struct why *why)
{
    static const struct pair_rule whole = {.head = UINT64_MAX};
    *samples = (struct stream_samples){.taken = 0};
    for (size_t i = 0; i < l->n; i++) {
        size_t k = i == 0 ? lead : i <= lead ? i - 1 : i;
        const struct pair_rule *rule = l->runs[k].run ? l->rule[k] : &whole;
        if (!rule)
            continue;
        int error = stream_sample(&l->pair[k], (uint32_t)k, prefix, rule,
                                  i == 0 ? most : most / 8, l->arena, samples, why);
        if (error)
            return error;
    }
    return 0;
}

/* Whether a table explains more than a stream. */
static bool is_table(const struct stream_guess *stream, const struct stream_guess *table)
{
    if (stream->agreed < STREAM_AGREED || table->pairs != stream->pairs)
        return table->pairs && (stream->agreed < STREAM_AGREED || table->pairs > stream->pairs);
    return table->agreed / 2 > stream->agreed;
}

/* How well a shift explains wholly encrypted pairs. */
static int judge_shift(struct learner *l, uint64_t prefix, uint64_t *ret, struct why *why)
{
    struct arena_mark mark = arena_mark(l->arena);
    struct stream_samples samples;
    struct stream_guess guess = {.agreed = 0}, table = {.pairs = 0};
    int error = sample_pairs(l, 0, prefix, STREAM_SAMPLE / 8, &samples, why);
    if (!error)
        error = stream_detect(&samples, 0, l->arena, l->budget, &guess, why);
    if (!error)
        table_detect(&samples, l->arena, &table);
    if (!error && is_table(&guess, &table))
        guess = table;
    *ret = guess.agreed < STREAM_AGREED ? 0 : guess.agreed + ((uint64_t)guess.pairs << 32);
    arena_pop(l->arena, mark);
    return error;
}

static int find_shift(struct learner *l, struct why *why)
{
    uint64_t room = UINT64_MAX, best = 0;
    bool found = false;
    for (size_t i = 0; i < l->n; i++) {
        uint64_t more = l->pair[i].encrypted.size - l->pair[i].plain.size;
        room = more < room ? more : room;
    }
    for (size_t i = 0; i < l->n && room && !found && i < LEADS; i++) {
        int error =
            runs_shift(&l->pair[i], l->arena, l->budget, &l->scheme->prefix, &found, why);
        if (error)
            return error;
    }
    if (!room || found)
        return 0;

    struct shifts shifts = {.n = 0};
    add_shift(&shifts, 0);
    add_shift(&shifts, room);
    int error = 0;
    if (room <= SHIFT_SEARCH) {
        error = shift_by_other(l, room, &shifts, why);
        if (!error)
            error = shift_by_period(l, room, &shifts, why);
    }
    for (size_t i = 0; i < shifts.n && !error; i++) {
        uint64_t good;
        error = judge_shift(l, shifts.at[i], &good, why);
        if (!error && good > best) {
            best = good;
            l->scheme->prefix = shifts.at[i];
        }
    }
    return error;
}

/* --- where, and with what --- */

/* Files that the program left alone tell nothing, when there are others. */
static void drop_untouched(struct learner *l)
{
    size_t kept = 0;
    bool any = false;
    for (size_t i = 0; i < l->n; i++)
        any |= l->runs[i].count != 0;
    for (size_t i = 0; i < l->n && any; i++)
        if (l->runs[i].count || l->pair[i].encrypted.size != l->pair[i].plain.size) {
            l->runs[kept] = l->runs[i];
            l->pair[kept++] = l->pair[i];
        }
    l->n = any ? kept : l->n;
}

static int find_rules(struct learner *l, struct why *why)
{
    struct pair_scheme *scheme = l->scheme;
    struct pair_rule rules[RULES];
    int chosen[PAIR_MAX];
    size_t kept_pairs = 0;
    for (size_t i = 0; i < l->n; i++)
        if (l->pair[i].encrypted.size - l->pair[i].plain.size >= scheme->prefix)
            l->pair[kept_pairs++] = l->pair[i];
    l->n = kept_pairs;
    for (size_t i = 0; i < l->n; i++) {
        bool cut;
        int error = runs_compare(&l->pair[i], scheme->prefix, l->arena, l->budget, &l->runs[i],
                                 &cut, why);
        if (error)
            return error;
    }
    drop_untouched(l);
    size_t n = rule_choose(l->runs, l->n, l->budget, rules, RULES, chosen);
    struct pair_rule *kept = vec_push_many(l->arena, &scheme->rule, n);
    if (!kept)
        return fail(why, ENOMEM, "no memory for rules");
    memcpy(kept, rules, n * sizeof *rules);
    for (size_t i = 0; i < l->n; i++)
        l->rule[i] = chosen[i] < 0 ? NULL : &scheme->rule.at[chosen[i]];
    return 0;
}

static void find_suffix(struct learner *l)
{
    struct pair_scheme *scheme = l->scheme;
    scheme->suffix = UINT64_MAX;
    for (size_t i = 0; i < l->n; i++) {
        uint64_t suffix = l->pair[i].encrypted.size - l->pair[i].plain.size - scheme->prefix;
        scheme->suffix_varies |= i && suffix != scheme->suffix;
        scheme->suffix = suffix < scheme->suffix ? suffix : scheme->suffix;
    }
}

/* The number at a place of a pair's encrypted file; false: it is not all there. */
static bool read_size(const struct source *encrypted, const struct pair_size *place,
                      uint64_t *ret)
{
    uint8_t at[8] = {0};
    uint64_t from = place->behind ? encrypted->size - place->at : place->at;
    if ((place->behind && place->at > encrypted->size) ||
        source_read(encrypted, from, at, place->width, NULL))
        return false;
    if (place->width == 8)
        *ret = place->big ? load_be64(at) : load_le64(at);
    else
        *ret = place->big ? load_be32(at) : load_le32(at);
    return true;
}

/* Whether a place holds the size of the plain file in all pairs. */
static bool is_size(const struct learner *l, const struct pair_size *place)
{
    uint64_t size;
    for (size_t i = 0; i < l->n; i++)
        if (!read_size(&l->pair[i].encrypted, place, &size) || size != l->pair[i].plain.size)
            return false;
    return true;
}

static bool try_sizes(struct learner *l, bool behind, uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at < to; at++)
        for (uint32_t form = 0; form < 4; form++) {
            struct pair_size place = {form & 1 ? 8 : 4, form & 2, behind, at};
            if (place.width <= (behind ? at : to - at) && is_size(l, &place)) {
                l->scheme->size = place;
                /* The wider one is the same number, when zeros follow. */
                place.width = 8;
                if (form == 0 && is_size(l, &place))
                    l->scheme->size = place;
                return true;
            }
        }
    return false;
}

/* Programs that add padding write down how long the file was. */
static void find_size(struct learner *l)
{
    struct pair_scheme *scheme = l->scheme;
    bool differ = false;
    for (size_t i = 1; i < l->n; i++)
        differ |= l->pair[i].plain.size != l->pair[0].plain.size;
    if (!differ || !scheme->suffix_varies)
        return;
    uint64_t before = scheme->prefix < SHIFT_SEARCH ? scheme->prefix : SHIFT_SEARCH;
    uint64_t behind = scheme->suffix < SHIFT_SEARCH ? scheme->suffix : SHIFT_SEARCH;
    if (!try_sizes(l, false, 0, before))
        (void)try_sizes(l, true, 4, behind + 1);
}

uint64_t pair_plain_size(const struct pair_scheme *scheme, const struct source *encrypted,
                         bool *ret_sure)
{
    uint64_t most = encrypted->size - scheme->prefix, written;
    *ret_sure = !scheme->suffix_varies;
    if (scheme->size.width && read_size(encrypted, &scheme->size, &written) &&
        written <= most) {
        *ret_sure = true;
        return written;
    }
    return most > scheme->suffix ? most - scheme->suffix : 0;
}

/* A period that is longer than what samples show twice: seen in the whole of the lead's first
 * run. */
static int find_long_period(struct learner *l, size_t lead, struct stream_guess *guess,
                            struct why *why)
{
    struct rule_walk walk = rule_walk(l->rule[lead], l->pair[lead].plain.size);
    struct pair_run run;
    uint64_t period = 0;
    if (!rule_walk_next(&walk, &run))
        return 0;
    int error = stream_recurs(&l->pair[lead], l->scheme->prefix, run, PAIR_XOR, l->arena,
                              l->budget, &period, why);
    if (error || !period)
        return error;
    if (guess->agreed < STREAM_AGREED)
        *guess = (struct stream_guess){
            .method = PAIR_XOR, .place = PAIR_EACH_RUN, .pairs = 1, .agreed = STREAM_AGREED};
    guess->period = period;
    return 0;
}

static int try_lead(struct learner *l, size_t lead, struct stream_guess *ret, struct why *why)
{
    struct arena_mark mark = arena_mark(l->arena);
    struct stream_samples samples;
    struct stream_guess table = {.pairs = 0};
    int error = sample_pairs(l, lead, l->scheme->prefix, STREAM_SAMPLE, &samples, why);
    if (!error)
        error = stream_detect(&samples, 0, l->arena, l->budget, ret, why);
    if (!error)
        table_detect(&samples, l->arena, &table);
    arena_pop(l->arena, mark);
    if (!error && is_table(ret, &table))
        *ret = table;
    else if (!error && !ret->period && ret->method != PAIR_ADD)
        error = find_long_period(l, lead, ret, why);
    return error;
}

/* Puts the pair that is believed first, so that others are measured by it. */
static void lead_first(struct learner *l, size_t lead)
{
    struct pair pair = l->pair[lead];
    const struct pair_rule *rule = l->rule[lead];
    memmove(&l->pair[1], &l->pair[0], lead * sizeof *l->pair);
    memmove(&l->rule[1], &l->rule[0], lead * sizeof(const struct pair_rule *));
    l->pair[0] = pair;
    l->rule[0] = rule;
}

static uint64_t longest_run(const struct learner *l)
{
    uint64_t most = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct pair_part part[RULE_PARTS];
        size_t n = l->rule[i] ? rule_parts(l->rule[i], l->pair[i].plain.size, part) : 0;
        for (size_t k = 0; k < n; k++)
            most = part[k].length > most ? part[k].length : most;
    }
    return most;
}

static int find_method(struct learner *l, struct why *why)
{
    struct pair_scheme *scheme = l->scheme;
    struct stream_guess best = {.method = PAIR_CIPHER};
    size_t best_lead = 0, explained = 0;
    for (size_t i = 0; i < l->n; i++)
        explained += l->rule[i] != NULL;
    for (size_t lead = 0; lead < l->n && lead < LEADS && best.pairs < explained; lead++) {
        struct stream_guess guess;
        if (!l->rule[lead])
            continue;
        int error = try_lead(l, lead, &guess, why);
        if (error)
            return error;
        if (guess.pairs > best.pairs) {
            best = guess;
            best_lead = lead;
        }
    }
    lead_first(l, best_lead);
    if (best.method == PAIR_TABLE) {
        scheme->method = PAIR_TABLE;
        return table_learn(l->pair, l->n, l->rule, (uint32_t)best.period, l->arena, l->budget,
                           scheme, l->bad, why);
    }
    /* One pair alone: its stream may be that of others too, which only they can tell. */
    bool alone = best.method == PAIR_CIPHER && explained == 1;
    scheme->method = alone ? PAIR_XOR : best.method;
    scheme->place = best.place;
    scheme->period = best.period;
    if (scheme->method == PAIR_CIPHER)
        return 0;
    /* No run is longer than the period: that the stream comes again was not seen. */
    if (scheme->place == PAIR_EACH_RUN && scheme->period >= longest_run(l))
        scheme->period = 0;
    return stream_learn(l->pair, l->n, l->rule, l->arena, l->budget, scheme, l->bad, why);
}

/* Spans name pairs as the caller numbered them. */
static void number_pairs(struct learner *l, const struct pair *pairs, size_t count)
{
    for (uint32_t i = 0; i < l->scheme->span.n; i++) {
        const struct pair *own = &l->pair[l->scheme->span.at[i].pair];
        for (size_t k = 0; k < count; k++)
            if (pairs[k].plain.fd == own->plain.fd &&
                pairs[k].plain.memory.at == own->plain.memory.at &&
                pairs[k].encrypted.fd == own->encrypted.fd &&
                pairs[k].encrypted.memory.at == own->encrypted.memory.at) {
                l->scheme->span.at[i].pair = (uint32_t)k;
                break;
            }
    }
}

int pair_learn(const struct pair *pairs, size_t count, struct arena *arena,
               struct budget *budget, struct pair_scheme *ret, struct why *why)
{
    *ret = (struct pair_scheme){.method = PAIR_CIPHER};
    struct learner *l = PUSH(arena, struct learner);
    if (!l)
        return fail(why, ENOMEM, "no memory for pairs");
    l->arena = arena;
    l->budget = budget;
    l->scheme = ret;
    int error = choose_pairs(l, pairs, count, why);
    if (!error)
        error = find_shift(l, why);
    if (!error)
        error = find_rules(l, why);
    if (error)
        return error;

    find_suffix(l);
    find_size(l);
    uint64_t encrypted = 0;
    for (size_t i = 0; i < l->n; i++)
        encrypted += l->runs[i].differing;
    if (!encrypted) {
        ret->method = PAIR_SAME;
        ret->pairs = (uint32_t)l->n;
        return 0;
    }
    error = find_method(l, why);
    if (!error)
        number_pairs(l, pairs, count);
    return error;
}

uint64_t pair_length(const struct pair_scheme *scheme)
{
    if (!scheme->span.n)
        return 0;
    const struct pair_span *last = &scheme->span.at[scheme->span.n - 1];
    return last->at + last->len;
}

int pair_fill(const struct pair_scheme *scheme, const struct pair *pairs, uint64_t at,
              uint8_t *ret, size_t len, struct why *why)
{
    memset(ret, 0, len);
    for (uint32_t i = 0; i < scheme->span.n; i++) {
        const struct pair_span *span = &scheme->span.at[i];
        uint64_t from = span->at > at ? span->at : at;
        uint64_t end = span->at + span->len < at + len ? span->at + span->len : at + len;
        if (from >= end)
            continue;
        uint8_t *into = ret + (from - at);
        size_t n = (size_t)(end - from);
        if (scheme->key.len >= end) {
            memcpy(into, scheme->key.at + from, n);
            continue;
        }
        int error = stream_between(&pairs[span->pair], scheme, span->plain + (from - span->at),
                                   into, n, why);
        if (error)
            return error;
    }
    return 0;
}

void pair_cut(struct pair_scheme *scheme, bytes key)
{
    uint32_t n = 0;
    while (n < scheme->span.n && scheme->span.at[n].at < key.len)
        n++;
    scheme->span.n = n;
    if (n && scheme->span.at[n - 1].len > key.len - scheme->span.at[n - 1].at)
        scheme->span.at[n - 1].len = key.len - scheme->span.at[n - 1].at;
    scheme->key = key;
}

bool pair_key(const struct pair_scheme *scheme, struct key *ret)
{
    if ((scheme->method != PAIR_XOR && scheme->method != PAIR_ADD) || !scheme->key.len)
        return false;
    *ret = (struct key){.kind = KEY_STREAM,
                        .origin = bytes_of("learned from originals and their encrypted copies"),
                        .secret = scheme->key,
                        .at = scheme->prefix};
    return true;
}
