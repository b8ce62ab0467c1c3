/* Samples of all pairs are laid into one picture of the stream, by each way to count its bytes
 * (pair_place) and each period that can be; the simplest picture without a contradiction that
 * foretells bytes is taken. */
#include "rescue/pair/stream.h"

#include <errno.h>
#include <string.h>

enum { PICTURE = 8 << 20, MARK = 32, RECUR_WINDOW = 256 << 10, PICTURE_PAIRS = 4 };

static void find_stream(enum pair_method method, const uint8_t *plain, const uint8_t *encrypted,
                        uint8_t *ret, size_t len)
{
    if (method == PAIR_ADD)
        for (size_t i = 0; i < len; i++)
            ret[i] = (uint8_t)(encrypted[i] - plain[i]);
    else
        for (size_t i = 0; i < len; i++)
            ret[i] = encrypted[i] ^ plain[i];
}

void stream_undo(enum pair_method method, const uint8_t *stream, uint8_t *data, size_t len)
{
    if (method == PAIR_ADD)
        for (size_t i = 0; i < len; i++)
            data[i] = (uint8_t)(data[i] - stream[i]);
    else
        for (size_t i = 0; i < len; i++)
            data[i] ^= stream[i];
}

/* --- samples --- */

static int take_fragment(const struct pair *pair, uint64_t prefix, struct stream_fragment one,
                         struct arena *arena, struct stream_samples *samples, struct why *why)
{
    bytes plain = {0}, encrypted = {0};
    int error = source_take(&pair->plain, one.offset, one.len, arena, &plain, why);
    if (!error)
        error =
            source_take(&pair->encrypted, prefix + one.offset, one.len, arena, &encrypted, why);
    if (error)
        return error;
    one.plain = plain.at;
    one.encrypted = encrypted.at;
    one.stream = arena_push_raw(arena, one.len);
    struct stream_fragment *added = vec_push(arena, &samples->fragment);
    if (!one.stream || !added)
        return fail(why, ENOMEM, "no memory for samples of a pair");
    *added = one;
    samples->taken += one.len;
    return 0;
}

int stream_sample(const struct pair *pair, uint32_t index, uint64_t prefix,
                  const struct pair_rule *rule, size_t most, struct arena *arena,
                  struct stream_samples *samples, struct why *why)
{
    struct rule_walk walk = rule_walk(rule, pair->plain.size);
    struct pair_run run;
    uint64_t order = 0;
    size_t left = most, n = 0;
    while (left && n++ < STREAM_FRAGMENTS && rule_walk_next(&walk, &run)) {
        uint64_t length = run.end - run.at;
        struct stream_fragment one = {.offset = run.at, .order = order, .pair = index};
        one.len = (uint32_t)(length < left ? length : left);
        int error = take_fragment(pair, prefix, one, arena, samples, why);
        if (error)
            return error;
        left -= one.len;
        order += length;
    }
    return 0;
}

static uint64_t place_of(const struct stream_fragment *one, enum pair_place place)
{
    return place == PAIR_BY_OFFSET ? one->offset
           : place == PAIR_RUNS_ON ? one->order
                                   : one->in_run;
}

/* --- one picture of the stream --- */

struct picture {
    uint8_t *key;
    uint64_t *have; /* a bit for each byte of the key */
    uint64_t room;  /* what lies behind is not looked at */
};

static bool has(const struct picture *p, uint64_t at)
{
    return p->have[at / 64] >> at % 64 & 1;
}

/* Compares a stretch that does not fold with what is there, without adding it: bytes that agree
 * are added to *agreed. False: it contradicts. */
static bool stretch_agrees(const struct picture *p, uint64_t at, const uint8_t *stream,
                           size_t len, uint64_t *agreed)
{
    size_t i = 0;
    while (i < len) {
        if (at % 64 == 0 && len - i >= 64 && (!p->have[at / 64] || !~p->have[at / 64])) {
            if (p->have[at / 64]) {
                if (memcmp(p->key + at, stream + i, 64) != 0)
                    return false;
                *agreed += 64;
            }
            at += 64;
            i += 64;
            continue;
        }
        if (has(p, at)) {
            if (p->key[at] != stream[i])
                return false;
            ++*agreed;
        }
        at++;
        i++;
    }
    return true;
}

static void stretch_add(struct picture *p, uint64_t at, const uint8_t *stream, size_t len)
{
    memcpy(p->key + at, stream, len);
    size_t i = 0;
    while (i < len) {
        if (at % 64 == 0 && len - i >= 64) {
            p->have[at / 64] = UINT64_MAX;
            at += 64;
            i += 64;
        } else {
            p->have[at / 64] |= 1ull << at % 64;
            at++;
            i++;
        }
    }
}

/* The part of a stretch from `i` that does not fold, and where it lies. 0: outside. */
static size_t unfolded(const struct picture *p, uint64_t period, uint64_t at, size_t left,
                       uint64_t *ret_at)
{
    uint64_t place = period ? at % period : at;
    uint64_t end = period && period < p->room ? period : p->room;
    *ret_at = place;
    return place >= end ? 0 : left < end - place ? left : (size_t)(end - place);
}

/* Lays `len` bytes of the stream into the picture; false when they contradict it or each
 * other. What contradicts is not added, what came before it is. */
static bool picture_lay(struct picture *p, uint64_t period, uint64_t at, const uint8_t *stream,
                        size_t len, uint64_t *agreed)
{
    for (size_t i = 0; i < len;) {
        uint64_t place;
        size_t n = unfolded(p, period, at + i, len - i, &place);
        if (!n) {
            /* Behind the room: on to where the period begins again. */
            uint64_t skip = period ? period - (at + i) % period : UINT64_MAX;
            if (skip >= len - i)
                return true;
            i += (size_t)skip;
            continue;
        }
        if (!stretch_agrees(p, place, stream + i, n, agreed))
            return false;
        stretch_add(p, place, stream + i, n);
        i += n;
    }
    return true;
}

static void picture_clear(struct picture *p, uint64_t period)
{
    uint64_t size = period && period < p->room ? period : p->room;
    memset(p->have, 0, (size_t)((size + 63) / 64) * 8);
}

/* Lays the samples of one pair; on contradiction false. */
static bool lay_pair(struct picture *p, const struct stream_samples *samples, uint32_t from,
                     uint32_t to, enum pair_place place, uint64_t period, uint64_t *agreed)
{
    for (uint32_t i = from; i < to; i++) {
        const struct stream_fragment *one = &samples->fragment.at[i];
        if (!picture_lay(p, period, place_of(one, place), one->stream, one->len, agreed))
            return false;
    }
    return true;
}

static uint32_t end_of_pair(const struct stream_samples *samples, uint32_t from)
{
    uint32_t i = from;
    while (i < samples->fragment.n &&
           samples->fragment.at[i].pair == samples->fragment.at[from].pair)
        i++;
    return i;
}

/* How well a placing and a period explain all samples: the first pair must not contradict
 * itself; others that do are left out. */
static struct stream_guess judge(struct picture *p, const struct stream_samples *samples,
                                 struct stream_guess guess, struct budget *budget)
{
    picture_clear(p, guess.period);
    for (uint32_t from = 0, to; from < samples->fragment.n; from = to) {
        uint64_t agreed = 0;
        to = end_of_pair(samples, from);
        if (!budget_charge(budget, STREAM_SAMPLE / 16))
            break;
        if (!lay_pair(p, samples, from, to, guess.place, guess.period, &agreed)) {
            if (!from) {
                guess.agreed = 0;
                break;
            }
            continue;
        }
        guess.shared |= from && agreed >= STREAM_AGREED;
        guess.agreed += agreed;
        guess.pairs++;
    }
    return guess;
}

/* --- periods --- */

/* The first pair's longest fragment. */
static const struct stream_fragment *longest(const struct stream_samples *samples)
{
    const struct stream_fragment *best = &samples->fragment.at[0];
    for (uint32_t i = 1; i < end_of_pair(samples, 0); i++)
        if (samples->fragment.at[i].len > best->len)
            best = &samples->fragment.at[i];
    return best;
}

static bool repeats(const struct stream_fragment *one, uint64_t period)
{
    return one->len <= period ||
           memcmp(one->stream, one->stream + period, one->len - (size_t)period) == 0;
}

/* The smallest short period of the first pair. */
static uint64_t short_period(struct picture *p, const struct stream_samples *samples,
                             enum pair_place place, struct budget *budget)
{
    const struct stream_fragment *one = longest(samples);
    uint32_t to = end_of_pair(samples, 0);
    for (uint64_t period = 1; period <= PAIR_PERIOD_SHORT; period++) {
        uint64_t agreed = 0;
        if (!repeats(one, period))
            continue;
        if (!budget_charge(budget, period))
            return 0;
        picture_clear(p, period);
        if (lay_pair(p, samples, 0, to, place, period, &agreed) && agreed >= STREAM_AGREED)
            return period;
    }
    return 0;
}

/* Whether `a` is to be taken rather than `b`: more pairs, then the shorter stream. */
static bool is_better(const struct stream_guess *a, const struct stream_guess *b)
{
    if (a->agreed < STREAM_AGREED)
        return false;
    if (b->agreed < STREAM_AGREED || a->pairs != b->pairs)
        return b->agreed < STREAM_AGREED || a->pairs > b->pairs;
    uint64_t x = a->period ? a->period : UINT64_MAX, y = b->period ? b->period : UINT64_MAX;
    return x != y ? x < y : a->agreed > b->agreed;
}

static void detect_method(struct picture *p, const struct stream_samples *samples,
                          enum pair_method method, uint64_t recurs, struct budget *budget,
                          struct stream_guess *best)
{
    static const enum pair_place places[] = {PAIR_EACH_RUN, PAIR_BY_OFFSET, PAIR_RUNS_ON};

    for (uint32_t i = 0; i < samples->fragment.n; i++) {
        const struct stream_fragment *one = &samples->fragment.at[i];
        find_stream(method, one->plain, one->encrypted, one->stream, one->len);
    }
    for (size_t i = 0; i < COUNT(places); i++) {
        uint64_t periods[] = {0, recurs, short_period(p, samples, places[i], budget)};
        for (size_t k = 0; k < COUNT(periods); k++) {
            if (k && !periods[k])
                continue;
            struct stream_guess guess = {
                .method = method, .place = places[i], .period = periods[k]};
            guess = judge(p, samples, guess, budget);
            if (is_better(&guess, best))
                *best = guess;
        }
    }
}

static int picture_new(struct picture *ret, uint64_t room, struct arena *arena, struct why *why)
{
    ret->room = room;
    ret->key = arena_push_raw(arena, (size_t)room);
    ret->have = PUSH_ARRAY(arena, uint64_t, (size_t)(room + 63) / 64);
    return ret->key && ret->have ? 0 : fail(why, ENOMEM, "no memory for the stream of a pair");
}

int stream_detect(const struct stream_samples *samples, uint64_t period, struct arena *arena,
                  struct budget *budget, struct stream_guess *ret, struct why *why)
{
    *ret = (struct stream_guess){.method = PAIR_CIPHER};
    if (!samples->fragment.n)
        return 0;
    struct arena_mark mark = arena_mark(arena);
    struct picture picture;
    int error = picture_new(&picture, PICTURE, arena, why);
    if (error)
        return error;
    detect_method(&picture, samples, PAIR_XOR, period, budget, ret);
    if (ret->agreed < STREAM_AGREED)
        detect_method(&picture, samples, PAIR_ADD, 0, budget, ret);
    if (ret->agreed < STREAM_AGREED)
        ret->method = PAIR_CIPHER;
    arena_pop(arena, mark);
    return 0;
}

/* --- periods that are longer than a sample --- */

static int read_stream(const struct pair *pair, uint64_t prefix, uint64_t at,
                       enum pair_method method, uint8_t *ret, uint8_t *spare, size_t len,
                       struct why *why)
{
    int error = source_read(&pair->plain, at, ret, len, why);
    if (!error)
        error = source_read(&pair->encrypted, prefix + at, spare, len, why);
    if (!error)
        find_stream(method, ret, spare, ret, len);
    return error;
}

int stream_between(const struct pair *pair, const struct pair_scheme *scheme, uint64_t at,
                   uint8_t *ret, size_t len, struct why *why)
{
    uint8_t encrypted[4096];
    while (len) {
        size_t n = len < sizeof encrypted ? len : sizeof encrypted;
        int error =
            read_stream(pair, scheme->prefix, at, scheme->method, ret, encrypted, n, why);
        if (error)
            return error;
        ret += n;
        at += n;
        len -= n;
    }
    return 0;
}

/* Whether the stream at `at` is that at the start of the run, for a window's length. */
static int confirm(const struct pair *pair, uint64_t prefix, struct pair_run run, uint64_t at,
                   enum pair_method method, uint8_t *spare, uint8_t *other, bool *ret,
                   struct why *why)
{
    size_t len = run.end - at < RECUR_WINDOW / 2 ? (size_t)(run.end - at) : RECUR_WINDOW / 2;
    int error = read_stream(pair, prefix, run.at, method, spare, other, len, why);
    if (!error)
        error =
            read_stream(pair, prefix, at, method, spare + RECUR_WINDOW / 2, other, len, why);
    *ret = !error && memcmp(spare, spare + RECUR_WINDOW / 2, len) == 0;
    return error;
}

int stream_recurs(const struct pair *pair, uint64_t prefix, struct pair_run run,
                  enum pair_method method, struct arena *arena, struct budget *budget,
                  uint64_t *ret, struct why *why)
{
    *ret = 0;
    if (run.end - run.at < 2 * MARK)
        return 0;
    struct arena_mark mark = arena_mark(arena);
    uint8_t *window = arena_push_raw(arena, RECUR_WINDOW), first[MARK], spare[MARK];
    uint8_t *other = arena_push_raw(arena, RECUR_WINDOW);
    if (!window || !other)
        return fail(why, ENOMEM, "no memory to look for a period");

    int error = read_stream(pair, prefix, run.at, method, first, spare, MARK, why);
    for (uint64_t at = run.at + 1; !error && !*ret && run.end - at >= MARK;) {
        size_t len = run.end - at < RECUR_WINDOW ? (size_t)(run.end - at) : RECUR_WINDOW;
        if (!budget_charge(budget, len))
            break;
        error = read_stream(pair, prefix, at, method, window, other, len, why);
        size_t found =
            error ? SIZE_MAX : bytes_find((bytes){window, len}, (bytes){first, MARK}, 0);
        if (found != SIZE_MAX) {
            bool again = false;
            at += found;
            error = confirm(pair, prefix, run, at, method, window, other, &again, why);
            *ret = again ? at - run.at : 0;
            at++;
        } else {
            at += len - MARK + 1;
        }
    }
    arena_pop(arena, mark);
    return error;
}

/* --- all that is known of the stream --- */

struct learning {
    struct picture picture;
    const struct pair *pairs;
    struct pair_scheme *scheme;
    struct budget *budget;
    struct arena *arena;
    uint8_t *window, *other;
};

/* Lays one run of a pair; false in *ret_good when it contradicts. Running out of budget ends it
 * in silence: what was not read is not known. */
static int learn_run(struct learning *l, const struct pair *pair, struct pair_run run,
                     uint64_t order, bool *ret_good, struct why *why)
{
    struct pair_scheme *scheme = l->scheme;
    uint64_t begin = scheme->place == PAIR_BY_OFFSET ? run.at
                     : scheme->place == PAIR_RUNS_ON ? order
                                                     : 0;
    for (uint64_t at = run.at; at < run.end && *ret_good;) {
        size_t len = run.end - at < RECUR_WINDOW ? (size_t)(run.end - at) : RECUR_WINDOW;
        if (!scheme->period && begin + (at - run.at) >= l->picture.room)
            return 0;
        if (!budget_charge(l->budget, len))
            return 0;
        int error = read_stream(pair, scheme->prefix, at, scheme->method, l->window, l->other,
                                len, why);
        if (error)
            return error;
        *ret_good = picture_lay(&l->picture, scheme->period, begin + (at - run.at), l->window,
                                len, &scheme->agreed);
        at += len;
    }
    return 0;
}

static int learn_pair(struct learning *l, const struct pair *pair, const struct pair_rule *rule,
                      bool *ret_good, struct why *why)
{
    struct rule_walk walk = rule_walk(rule, pair->plain.size);
    struct pair_run run;
    uint64_t order = 0, before = l->scheme->agreed;
    *ret_good = true;
    while (*ret_good && rule_walk_next(&walk, &run)) {
        int error = learn_run(l, pair, run, order, ret_good, why);
        if (error)
            return error;
        order += run.end - run.at;
    }
    if (*ret_good) {
        l->scheme->shared |= l->scheme->pairs && l->scheme->agreed - before >= STREAM_AGREED;
        l->scheme->pairs++;
    } else {
        l->scheme->agreed = before;
        l->scheme->against += pair->plain.size;
    }
    return 0;
}

/* Spans of what the picture has. */
static int span_picture(struct learning *l, uint64_t length, struct why *why)
{
    for (uint64_t at = 0; at < length;) {
        while (at < length && !has(&l->picture, at))
            at += at % 64 == 0 && !l->picture.have[at / 64] ? 64 : 1;
        uint64_t from = at;
        while (at < length && has(&l->picture, at))
            at += at % 64 == 0 && !~l->picture.have[at / 64] ? 64 : 1;
        if (at > length)
            at = length;
        if (from >= at)
            break;
        struct pair_span *span = vec_push(l->arena, &l->scheme->span);
        if (!span)
            return fail(why, ENOMEM, "no memory for what is known of the stream");
        *span = (struct pair_span){.at = from, .len = at - from};
    }
    return 0;
}

/* Of a stream that is too long to be held: the runs of the pair that reaches farthest. */
static int span_pair(struct learning *l, uint32_t index, const struct pair_rule *rule,
                     struct why *why)
{
    struct rule_walk walk = rule_walk(rule, l->pairs[index].plain.size);
    struct pair_run run;
    uint64_t order = 0;
    while (rule_walk_next(&walk, &run) && budget_charge(l->budget, 1)) {
        uint64_t at = l->scheme->place == PAIR_BY_OFFSET ? run.at
                      : l->scheme->place == PAIR_RUNS_ON ? order
                                                         : 0;
        uint32_t n = l->scheme->span.n;
        struct pair_span *last = n ? &l->scheme->span.at[n - 1] : NULL;
        order += run.end - run.at;
        if (last && at < last->at + last->len) {
            if (run.end - run.at > last->len)
                *last = (struct pair_span){at, run.end - run.at, run.at, index};
            continue;
        }
        struct pair_span *span = vec_push(l->arena, &l->scheme->span);
        if (!span)
            return fail(why, ENOMEM, "no memory for what is known of the stream");
        *span = (struct pair_span){at, run.end - run.at, run.at, index};
    }
    return 0;
}

/* How far a pair reaches in the stream. */
static uint64_t reach(const struct pair_scheme *scheme, const struct pair_rule *rule,
                      uint64_t size)
{
    struct pair_part part[RULE_PARTS];
    size_t n = rule_parts(rule, size, part);
    uint64_t far = 0, total = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t end = part[i].at + (part[i].count - 1) * part[i].step + part[i].length;
        total += part[i].length * part[i].count;
        uint64_t to = scheme->place == PAIR_BY_OFFSET ? end
                      : scheme->place == PAIR_RUNS_ON ? total
                                                      : part[i].length;
        far = to > far ? to : far;
    }
    return far;
}

/* Of the pairs that do not contradict: the one that shows most. */
static int span_farthest(struct learning *l, size_t count, const struct pair_rule *const *rules,
                         const bool *bad, struct why *why)
{
    uint64_t most = 0;
    size_t farthest = count;
    for (size_t i = 0; i < count; i++) {
        uint64_t far =
            rules[i] && !bad[i] ? reach(l->scheme, rules[i], l->pairs[i].plain.size) : 0;
        if (far > most) {
            most = far;
            farthest = i;
        }
    }
    return farthest < count ? span_pair(l, (uint32_t)farthest, rules[farthest], why) : 0;
}

int stream_learn(const struct pair *pairs, size_t count, const struct pair_rule *const *rules,
                 struct arena *arena, struct budget *budget, struct pair_scheme *scheme,
                 bool *bad, struct why *why)
{
    uint64_t length = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t far = rules[i] ? reach(scheme, rules[i], pairs[i].plain.size) : 0;
        length = far > length ? far : length;
    }
    if (scheme->period && scheme->period < length)
        length = scheme->period;
    if (!length)
        return 0;

    struct learning l = {.pairs = pairs, .scheme = scheme, .budget = budget, .arena = arena};
    int error =
        picture_new(&l.picture, length < PAIR_MEMORY ? length : PAIR_MEMORY, arena, why);
    l.window = arena_push_raw(arena, RECUR_WINDOW);
    l.other = arena_push_raw(arena, RECUR_WINDOW);
    if (!error && (!l.window || !l.other))
        error = fail(why, ENOMEM, "no memory for the stream of a pair");
    for (size_t i = 0; i < count && !error; i++) {
        bool good = false;
        if (rules[i])
            error = learn_pair(&l, &pairs[i], rules[i], &good, why);
        bad[i] = !good;
    }
    if (error)
        return error;
    if (length > PAIR_MEMORY)
        return span_farthest(&l, count, rules, bad, why);
    for (uint64_t i = 0; i < length; i++)
        if (!has(&l.picture, i))
            l.picture.key[i] = 0;
    scheme->key = (bytes){l.picture.key, (size_t)length};
    return span_picture(&l, length, why);
}
