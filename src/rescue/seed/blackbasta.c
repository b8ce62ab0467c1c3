/* Black Basta of 2023: 64 bytes that every stripe of a file was joined with. What follows what
 * in the bytes between the stripes tells which 64 bytes make the stripes read as the rest does:
 * text, tables, data bases, programs, disks. Packed and encrypted data show nothing. */
#include "rescue/formats/families.h"
#include "rescue/salvage/map/model.h"
#include "rescue/seed/method.h"

#include <errno.h>
#include <string.h>

enum {
    KEY = 64,
    AROUND = 64,     /* bytes beside a stripe that are learned from, at each side */
    STRIPES = 16384, /* that are looked at, all over the file */
    CLEAR_AROUND = 2 * AROUND * MAP_EIGHTHS / 2, /* half a bit a byte */
    LEAST = 24,                                  /* fewer tell too little */
    SWEEPS = 4,
    OFTEN = 6, /* times that the same three bytes count */
    OFTEN_BITS = 16,
    PARTS = 8,
    CLEAR =
        32 * MAP_EIGHTHS, /* so much likelier than any other byte is the one that is taken */
    LEFT = 1,
    RIGHT = 2,
    LIKE = 4, /* stripes have to say one in so many of what other bytes say */
};

/* A stripe with the byte before it and the byte behind it, and what the bytes around it say. */
struct stripe {
    uint8_t at[1 + KEY + 1];
    int32_t around;
};

struct lookout {
    struct map_model model;
    struct stripe *stripe;
    uint32_t count;
    uint8_t key[KEY];
    uint8_t often[1 << OFTEN_BITS];
};

/* Reads stripes, and learns from what is around them; then (`judge`) notes what that says by
 * what all of it taught. */
static int read_stripes(const struct seed_case *what, const struct recipe_piece *piece,
                        struct lookout *lookout, bool judge, struct why *why)
{
    uint64_t step = piece->count / STRIPES + 1;
    lookout->count = 0;
    for (uint64_t i = 1; i + 1 < piece->count; i += step) {
        uint8_t window[AROUND + KEY + AROUND];
        int error = source_read(what->source, piece->from + i * piece->step - AROUND, window,
                                sizeof window, why);
        if (error)
            return error;
        if (what->stop && *what->stop)
            return -ECANCELED;
        struct stripe *stripe = &lookout->stripe[lookout->count++];
        if (judge) {
            stripe->around = map_model_score(&lookout->model, window, AROUND) +
                             map_model_score(&lookout->model, window + AROUND + KEY, AROUND);
            continue;
        }
        map_model_learn(&lookout->model, (bytes){window, AROUND});
        map_model_learn(&lookout->model, (bytes){window + AROUND + KEY, AROUND});
        memcpy(stripe->at, window + AROUND - 1, sizeof stripe->at);
    }
    return 0;
}

/* Whether what stands at and around place `k` was seen often enough already: tables of equal
 * records say the same again and again, and it may not be what the rest of the file says. */
static bool is_often(struct lookout *lookout, const uint8_t *at)
{
    uint32_t hash = ((uint32_t)at[-1] << 16 | (uint32_t)at[0] << 8 | at[1]) * 0x9E3779B1u;
    uint8_t *seen = &lookout->often[hash >> (32 - OFTEN_BITS)];
    return *seen == OFTEN || ++*seen == OFTEN;
}

/* How likely each byte of the key makes place `k` of stripes [from, to), between the places
 * beside it as they are by now, of which those of `sides` count. */
static void weigh(struct lookout *lookout, unsigned k, unsigned sides, uint32_t from,
                  uint32_t to, int64_t says[256])
{
    uint8_t before = k ? lookout->key[k - 1] : 0, after = k + 1 < KEY ? lookout->key[k + 1] : 0;
    memset(says, 0, 256 * sizeof *says);
    memset(lookout->often, 0, sizeof lookout->often);
    for (uint32_t i = from; i < to; i++) {
        const uint8_t *at = lookout->stripe[i].at + 1 + k;
        const int8_t *follow = lookout->model.says[at[-1] ^ before];
        uint8_t next = at[1] ^ after;
        if (is_often(lookout, at))
            continue;
        for (unsigned key = 0; key < 256; key++) {
            uint8_t plain = at[0] ^ (uint8_t)key;
            says[key] += (sides & LEFT ? follow[plain] : 0) +
                         (sides & RIGHT ? lookout->model.says[plain][next] : 0);
        }
    }
}

/* Takes the likeliest byte. What it gains over the second best. */
static int64_t choose(struct lookout *lookout, unsigned k, unsigned sides)
{
    int64_t says[256], best = INT64_MIN, second = INT64_MIN;
    weigh(lookout, k, sides, 0, lookout->count, says);
    for (unsigned key = 0; key < 256; key++) {
        if (says[key] > best) {
            second = best;
            best = says[key];
            lookout->key[k] = (uint8_t)key;
        } else if (says[key] > second) {
            second = says[key];
        }
    }
    return best - second;
}

/* Whether a part of the file says clearly that a byte of the key is another one. */
static bool is_denied(struct lookout *lookout)
{
    for (uint32_t part = 0; part < PARTS; part++)
        for (unsigned k = 0; k < KEY; k++) {
            int64_t says[256];
            uint32_t from = (uint32_t)((uint64_t)lookout->count * part / PARTS);
            uint32_t to = (uint32_t)((uint64_t)lookout->count * (part + 1) / PARTS);
            weigh(lookout, k, LEFT | RIGHT, from, to, says);
            for (unsigned key = 0; key < 256; key++)
                if (says[key] >= says[lookout->key[k]] + CLEAR)
                    return true;
        }
    return false;
}

/* From one end, as each byte stands beside one that is known; then again between both
 * neighbours, until nothing changes. Whether each byte is clearly the best. */
static bool solve_from(struct lookout *lookout, unsigned side)
{
    bool clear = false;
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        uint8_t old[KEY];
        memcpy(old, lookout->key, KEY);
        clear = true;
        for (unsigned i = 0; i < KEY; i++) {
            bool is_last = i + 1 == KEY;
            unsigned k = side == LEFT ? i : KEY - 1 - i;
            clear &= choose(lookout, k, sweep || is_last ? LEFT | RIGHT : side) >= CLEAR;
        }
        if (sweep && !memcmp(old, lookout->key, KEY))
            break;
    }
    return clear;
}

/* From both ends: what is the best of its neighbourhood alone is seldom so both ways. */
static bool solve(struct lookout *lookout)
{
    uint8_t key[KEY];
    if (!solve_from(lookout, LEFT))
        return false;
    memcpy(key, lookout->key, KEY);
    return solve_from(lookout, RIGHT) && !memcmp(key, lookout->key, KEY);
}

/* Whether the stripes, decrypted, read about as the bytes beside them do. */
static bool reads_well(const struct lookout *lookout)
{
    int64_t says = 0, around = 0, count = lookout->count;
    for (uint32_t i = 0; i < lookout->count; i++) {
        uint8_t plain[KEY];
        for (unsigned k = 0; k < KEY; k++)
            plain[k] = lookout->stripe[i].at[1 + k] ^ lookout->key[k];
        says += map_model_score(&lookout->model, plain, KEY);
        around += lookout->stripe[i].around;
    }
    return around > 0 && says * 2 * (AROUND - 1) * LIKE >= around * (KEY - 1) &&
           says > count * (KEY - 1) / LIKE;
}

/* Leaves only the stripes in what is surely not noise: noise in between, as packed objects of a
 * PDF, drowns what they say. */
static void leave_clear(struct lookout *lookout)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < lookout->count; i++)
        if (lookout->stripe[i].around >= CLEAR_AROUND)
            lookout->stripe[kept++] = lookout->stripe[i];
    lookout->count = kept;
}

static bool solve_all(struct lookout *lookout)
{
    if (lookout->count >= LEAST && solve(lookout) && reads_well(lookout) && !is_denied(lookout))
        return true;
    uint32_t all = lookout->count;
    leave_clear(lookout);
    return lookout->count >= LEAST && lookout->count < all && solve(lookout) &&
           reads_well(lookout);
}

/* The stripes, as the format has them. */
static int begin(const struct seed_case *what, struct arena *arena, struct recipe_piece *ret,
                 struct why *why)
{
    static const uint8_t none[KEY];
    struct key key = {.kind = KEY_BYTES, .secret = {none, KEY}};
    struct recipe recipe = {0};
    int error = format_blackbasta.open(what->source, &key, arena, &recipe, why);
    if (error && error != -EKEYREJECTED)
        return error;
    if (!recipe.piece.n || recipe.piece.at[0].count < LEAST ||
        recipe.piece.at[0].length != KEY || recipe.piece.at[0].step < KEY + 2 * AROUND)
        return fail(why, ENOTSUP, "a file so small shows too little of itself");
    *ret = recipe.piece.at[0];
    return 0;
}

static int blackbasta_find(const struct seed_case *what, struct arena *arena, struct key *ret,
                           struct why *why)
{
    struct recipe_piece piece;
    struct lookout *lookout = PUSH(arena, struct lookout);
    if (!lookout || !(lookout->stripe = PUSH_ARRAY(arena, struct stripe, STRIPES + 1)))
        return fail(why, ENOMEM, "no memory for a search");
    int error = begin(what, arena, &piece, why);
    if (!error)
        error = read_stripes(what, &piece, lookout, false, why);
    if (error)
        return error;
    map_model_finish(&lookout->model);
    error = read_stripes(what, &piece, lookout, true, why);
    if (error)
        return error;
    if (!solve_all(lookout))
        return fail(why, ENOENT,
                    "what is between its stripes does not tell what they were joined with");
    bytes secret = arena_copy(arena, (bytes){lookout->key, KEY});
    if (!secret.at)
        return fail(why, ENOMEM, "no memory for a key");
    *ret = (struct key){.kind = KEY_BYTES, .secret = secret};
    struct recipe recipe = {0};
    return format_blackbasta.open(what->source, ret, arena, &recipe, why) ? -ENOENT : 0;
}

static uint64_t blackbasta_total(const struct seed_case *what)
{
    (void)what;
    return 1;
}

const struct seed_method seed_blackbasta = {
    .family = "blackbasta",
    .describe = "the 64 bytes that its stripes were joined with",
    .each = true,
    .total = blackbasta_total,
    .find = blackbasta_find,
};
