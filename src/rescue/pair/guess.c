#include "rescue/pair/guess.h"

#include "rescue/pair/heads.h"

#include <errno.h>
#include <string.h>

enum {
    PLACES = 128,  /* bytes of heads that count */
    KEY_MOST = 64, /* bytes of a key that heads can tell */
    CONFIRMED = 8, /* bytes of heads that others foretell */
    SEA = 64,      /* zeros in a row */
    ISLAND_LEAST = 16,
    ISLAND_MOST = 4096,
    ISLANDS = 1 << 15,
    ISLANDS_ALIKE = 16,
    WINDOW = 256 << 10,
    HEAD_BLOCKS = 4, /* of the block in what lies before the stripes */
};

/* --- by heads --- */

struct ballot {
    uint16_t vote[PLACES][256];
    uint16_t votes[PLACES];
};

static int vote_heads(const struct source *files, size_t count, struct ballot *ballot,
                      struct why *why)
{
    for (size_t i = 0; i < count; i++) {
        struct head_byte head[HEADS_MOST];
        uint8_t begin[PLACES] = {0};
        size_t n = heads_of(files[i].name, true, head, HEADS_MOST);
        size_t len = files[i].size < PLACES ? (size_t)files[i].size : PLACES;
        int error = n ? source_read(&files[i], 0, begin, len, why) : 0;
        if (error)
            return error;
        for (size_t k = 0; k < n; k++)
            if (head[k].at < len) {
                ballot->vote[head[k].at][begin[head[k].at] ^ head[k].plain]++;
                ballot->votes[head[k].at]++;
            }
    }
    return 0;
}

/* The byte of the stream that more than half of the votes for a place are for; -1: none. */
static int elected(const struct ballot *ballot, size_t at)
{
    for (unsigned byte = 0; byte < 256; byte++)
        if (ballot->vote[at][byte] * 2 > ballot->votes[at])
            return (int)byte;
    return -1;
}

/* The shortest key that the elected bytes repeat. */
static size_t find_key(const struct ballot *ballot, uint8_t *key, uint64_t *ret_agreed)
{
    for (size_t period = 1; period <= KEY_MOST; period++) {
        bool have[KEY_MOST] = {false}, good = true, zero = true;
        size_t known = 0;
        *ret_agreed = 0;
        for (size_t at = 0; at < PLACES && good; at++) {
            int byte = elected(ballot, at);
            if (byte < 0)
                continue;
            if (have[at % period]) {
                good = key[at % period] == byte;
                ++*ret_agreed;
            } else {
                have[at % period] = true;
                key[at % period] = (uint8_t)byte;
                zero &= byte == 0;
                known++;
            }
        }
        if (good && !zero && known == period && *ret_agreed >= CONFIRMED)
            return period;
    }
    return 0;
}

static int set_key(struct pair_scheme *scheme, struct arena *arena, const uint8_t *key,
                   size_t len, struct pair_rule rule, struct why *why)
{
    bytes copy = arena_copy(arena, (bytes){key, len});
    struct pair_span *span = vec_push(arena, &scheme->span);
    struct pair_rule *kept = vec_push(arena, &scheme->rule);
    if (!copy.at || !span || !kept)
        return fail(why, ENOMEM, "no memory for a key");
    *span = (struct pair_span){.len = len};
    *kept = rule;
    scheme->method = PAIR_XOR;
    scheme->key = copy;
    return 0;
}

static int learn_by_heads(const struct source *files, size_t count, struct arena *arena,
                          struct pair_scheme *ret, struct why *why)
{
    uint8_t key[KEY_MOST];
    uint64_t agreed;
    struct ballot *ballot = PUSH(arena, struct ballot);
    if (!ballot)
        return fail(why, ENOMEM, "no memory to compare the heads of files");
    int error = vote_heads(files, count, ballot, why);
    size_t period = error ? 0 : find_key(ballot, key, &agreed);
    if (!period)
        return error;
    ret->period = period;
    ret->agreed = agreed;
    return set_key(ret, arena, key, period, (struct pair_rule){.head = UINT64_MAX}, why);
}

/* --- by zeros --- */

struct island {
    uint64_t at;
    uint32_t len;
    uint32_t hash;
};

struct sailing {
    struct island *island;
    size_t n;
    uint64_t zeros;       /* in a row before this byte */
    uint64_t start, last; /* of the open island: its first byte, its last that is not zero */
    bool open;
    uint8_t content[ISLAND_MOST];
};

static void leave_island(struct sailing *s)
{
    uint64_t len = s->last + 1 - s->start;
    s->open = false;
    if (len >= ISLAND_LEAST && len <= ISLAND_MOST && s->n < ISLANDS)
        s->island[s->n++] = (struct island){
            s->start, (uint32_t)len, (uint32_t)hash64((bytes){s->content, (size_t)len}, 0)};
}

static void sail(struct sailing *s, uint64_t at, bytes part)
{
    for (size_t i = 0; i < part.len; i++) {
        uint8_t byte = part.at[i];
        if (!byte) {
            s->zeros++;
            if (s->open && s->zeros == SEA)
                leave_island(s);
            else if (s->open && at + i - s->start < ISLAND_MOST)
                s->content[at + i - s->start] = 0;
            continue;
        }
        if (!s->open && s->zeros >= SEA) {
            s->open = true;
            s->start = at + i;
        }
        s->zeros = 0;
        s->last = at + i;
        if (s->open && s->last - s->start < ISLAND_MOST)
            s->content[s->last - s->start] = byte;
    }
}

static int find_islands(const struct source *file, struct sailing *s, uint8_t *window,
                        struct budget *budget, struct why *why)
{
    s->n = 0;
    s->open = false;
    s->zeros = SEA;
    for (uint64_t at = 0; at < file->size && s->n < ISLANDS;) {
        uint64_t left = file->size - at;
        size_t len = left < WINDOW ? (size_t)left : WINDOW;
        if (!budget_charge(budget, len))
            return 0;
        int error = source_read(file, at, window, len, why);
        if (error)
            return error;
        sail(s, at, (bytes){window, len});
        at += len;
    }
    return 0;
}

static bool is_alike(const struct island *a, const struct island *b)
{
    return a->hash == b->hash && a->len == b->len;
}

/* The island that is seen most often, by a vote that needs no table: it wins when it is more
 * than half of all, which under stripes over zeros it is. */
static const struct island *usual_island(const struct sailing *s, size_t *ret_count)
{
    const struct island *best = NULL;
    size_t lead = 0;
    *ret_count = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (!lead)
            best = &s->island[i];
        lead += best && is_alike(best, &s->island[i]) ? 1 : (size_t)-1;
    }
    for (size_t i = 0; i < s->n && best; i++)
        *ret_count += is_alike(best, &s->island[i]);
    return best;
}

/* The distance at which it comes again most often, of the first ones. */
static uint64_t usual_distance(const struct sailing *s, const struct island *usual)
{
    uint64_t distance[64], best = 0;
    size_t n = 0, most = 0;
    const struct island *before = NULL;
    for (size_t i = 0; i < s->n && n < COUNT(distance); i++) {
        if (!is_alike(&s->island[i], usual))
            continue;
        if (before)
            distance[n++] = s->island[i].at - before->at;
        before = &s->island[i];
    }
    for (size_t i = 0; i < n; i++) {
        size_t same = 0;
        for (size_t k = 0; k < n; k++)
            same += distance[k] == distance[i];
        if (same > most) {
            most = same;
            best = distance[i];
        }
    }
    return best;
}

/* Blocks of the key in what lies before the first stripe. */
static int count_in_head(const struct source *file, bytes key, uint64_t end, size_t *ret,
                         struct why *why)
{
    uint8_t block[ISLAND_MOST];
    *ret = 0;
    for (uint64_t at = 0; at + key.len <= end && *ret < HEAD_BLOCKS; at += key.len) {
        int error = source_read(file, at, block, key.len, why);
        if (error)
            return error;
        *ret += memcmp(block, key.at, key.len) == 0;
    }
    return 0;
}

static int learn_by_islands(const struct source *file, struct sailing *s, struct arena *arena,
                            struct pair_scheme *ret, struct why *why)
{
    uint8_t key[ISLAND_MOST];
    size_t alike, blocks = 0;
    const struct island *usual = usual_island(s, &alike);
    uint64_t distance = usual && alike >= ISLANDS_ALIKE ? usual_distance(s, usual) : 0;
    /* The first and last bytes of the block may be zero. */
    uint64_t front = usual ? usual->at % 8 : 0;
    if (!distance || distance < usual->len + SEA)
        return 0;
    front = front <= RULE_SLACK ? front : 0;
    size_t len = usual->len + (size_t)front;
    len += (16 - len % 16) % 16 <= RULE_SLACK ? (16 - len % 16) % 16 : 0;
    if (len > ISLAND_MOST)
        return 0;

    uint64_t at = usual->at - front;
    struct pair_rule rule = {.start = at % distance, .run = len, .stride = distance};
    int error = source_read(file, at, key, len, why);
    if (!error)
        error = count_in_head(file, (bytes){key, len}, rule.start, &blocks, why);
    if (error)
        return error;
    if (blocks >= HEAD_BLOCKS) {
        rule.head = rule.start;
        ret->period = len;
    }
    rule.from = rule.to = file->size;
    ret->place = PAIR_EACH_RUN;
    ret->agreed = (alike - 1) * len;
    return set_key(ret, arena, key, len, rule, why);
}

int guess_learn(const struct source *files, size_t count, struct arena *arena,
                struct budget *budget, struct pair_scheme *ret, struct why *why)
{
    *ret = (struct pair_scheme){.method = PAIR_CIPHER};
    int error = learn_by_heads(files, count, arena, ret, why);
    if (error || ret->method == PAIR_XOR)
        return error;

    struct sailing *s = PUSH(arena, struct sailing);
    uint8_t *window = arena_push_raw(arena, WINDOW);
    if (!s || !window || !(s->island = PUSH_ARRAY(arena, struct island, ISLANDS)))
        return fail(why, ENOMEM, "no memory to look for stripes");
    for (size_t i = 0; i < count && !error && ret->method != PAIR_XOR; i++) {
        if (files[i].size < 4 * ISLAND_MOST)
            continue;
        error = find_islands(&files[i], s, window, budget, why);
        if (!error)
            error = learn_by_islands(&files[i], s, arena, ret, why);
    }
    if (!error && ret->method != PAIR_XOR)
        error = fail(why, ENODATA,
                     "neither the heads of these files nor zeros in them show a "
                     "key that they share: an original is needed");
    return error;
}
