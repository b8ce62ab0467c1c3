/* seconds — families that seed Microsoft C's rand with the second: DMA Locker 1 and 2, and
 * Princess Locker 1. Each second back from the file's mtime gives one key after the other, of
 * which each is tried on the file's first blocks. */
#include "crypt/generator.h"
#include "rescue/formats/families.h"
#include "rescue/known.h"
#include "rescue/seed/hunt.h"
#include "rescue/seed/method.h"
#include "shim/cipher.h"

#include <errno.h>
#include <string.h>

enum {
    AFTER = 60,
    BEFORE = 86400,
    FILES = 100, /* keys of one second in DMA Locker: files encrypted since the start */
    LEAST = 21,  /* characters of a key of Princess */
    MOST = 32,
    HEADER = 136, /* of DMA Locker */
    BLOCK = 16,
    CHUNK = 64,
};

struct lookout {
    uint8_t head[KNOWN_HEAD]; /* encrypted */
    size_t len, coded;        /* of which so many bytes are encrypted in one go */
    uint64_t size, last;
    enum cipher_mode mode;
    struct known_quick quick;
};

/* The first block rules nearly all keys out. */
static unsigned weigh(const struct lookout *lookout, bytes key)
{
    uint8_t plain[KNOWN_HEAD], iv[BLOCK] = {0};
    if (!cipher_aes(lookout->mode, CIPHER_DECRYPT, key, iv, (bytes){lookout->head, BLOCK},
                    plain) ||
        !known_quick_pass(&lookout->quick, load_le32(plain), load_le32(plain + 4)))
        return 0;
    memset(iv, 0, sizeof iv);
    memcpy(plain, lookout->head, lookout->len);
    if (!cipher_aes(lookout->mode, CIPHER_DECRYPT, key, iv,
                    (bytes){lookout->head, lookout->coded}, plain))
        return 0;
    size_t shown = lookout->coded < lookout->len ? lookout->coded : lookout->len;
    return known_bits((bytes){plain, shown}, lookout->size);
}

static void hunt_dmalocker(const void *state, uint64_t from, uint64_t to,
                           struct hunt_best *best)
{
    const struct lookout *lookout = state;
    for (uint64_t at = from; at < to && at <= lookout->last; at++)
        for (unsigned version = 1; version <= 2; version++) {
            uint32_t random = (uint32_t)(lookout->last - at);
            for (unsigned file = 0; file < FILES; file++) {
                uint8_t key[MOST];
                dmalocker_next(version, &random, key);
                hunt_keep(best, weigh(lookout, (bytes){key, MOST}), lookout->last - at,
                          version << 16 | file);
            }
        }
}

static void hunt_princess(const void *state, uint64_t from, uint64_t to, struct hunt_best *best)
{
    const struct lookout *lookout = state;
    for (uint64_t at = from; at < to && at <= lookout->last; at++) {
        uint8_t text[MOST], key[BLOCK];
        princess_text((uint32_t)(lookout->last - at), text);
        for (unsigned len = LEAST; len <= MOST; len++)
            if (princess_key((bytes){text, MOST}, len, key))
                hunt_keep(best, weigh(lookout, (bytes){key, BLOCK}), lookout->last - at, len);
    }
}

static uint64_t seconds_total(const struct seed_case *what)
{
    return what->changed > 0 ? AFTER + BEFORE : 0;
}

typedef void hunt_try(const void *state, uint64_t from, uint64_t to, struct hunt_best *best);

/* A key of which the search knows the answer. */
static bool finds_itself(hunt_try *try, const struct lookout *real, bytes key, uint64_t detail)
{
    struct lookout lookout = *real;
    uint8_t plain[2 * BLOCK] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", iv[BLOCK] = {0};
    struct hunt_best best = {0};
    lookout.len = lookout.coded = sizeof plain;
    lookout.last = 1456000003;
    if (!cipher_aes(lookout.mode, CIPHER_ENCRYPT, key, iv, (bytes){plain, sizeof plain},
                    lookout.head))
        return false;
    try(&lookout, 0, 5, &best);
    return best.bits > 100 && best.position == 1456000000 && best.detail == detail;
}

static int begin(const struct seed_case *what, uint64_t skip, struct lookout *ret,
                 struct why *why)
{
    if (what->changed <= 0)
        return fail(why, ENOTSUP, "without the time of the file's change: no seed to try");
    if (what->source->size < skip + BLOCK)
        return fail(why, ENOTSUP, "a file of less than one block cannot tell its key");
    ret->size = what->source->size - skip;
    ret->len = ret->size < KNOWN_HEAD ? (size_t)ret->size : KNOWN_HEAD;
    ret->last = (uint64_t)what->changed + AFTER;
    known_quick_make(&ret->quick);
    return source_read(what->source, skip, ret->head, ret->len, why);
}

static int search(const struct seed_case *what, struct lookout *lookout, hunt_try *try,
                  uint64_t tries, struct hunt_best *best, struct why *why)
{
    struct hunt hunt = {
        .what = what, .chunk = CHUNK, .try = try, .state = lookout, .tries = tries};
    hunt_range(what, seconds_total(what), &hunt.from, &hunt.to);
    return hunt_run(&hunt, best, why);
}

/* Takes the key to the arena. */
static int give(const struct seed_case *what, bytes secret, uint64_t seed, enum key_kind kind,
                struct arena *arena, struct key *ret, struct why *why)
{
    *ret = (struct key){.kind = kind,
                        .secret = arena_copy(arena, secret),
                        .seed = seed,
                        .family = what->format->family,
                        .origin =
                            arena_printf(arena, "second %llu of Microsoft's rand, searched for",
                                         (unsigned long long)seed)};
    return ret->secret.at && ret->origin.at ? 0 : fail(why, ENOMEM, "no memory for a key");
}

static void dmalocker_key(unsigned version, uint64_t seed, unsigned file, uint8_t ret[MOST])
{
    uint32_t random = (uint32_t)seed;
    for (unsigned i = 0; i <= file; i++)
        dmalocker_next(version, &random, ret);
}

static int dmalocker_find(const struct seed_case *what, struct arena *arena, struct key *ret,
                          struct why *why)
{
    struct lookout *lookout = PUSH(arena, struct lookout);
    struct hunt_best best;
    uint8_t key[MOST];
    if (!lookout)
        return fail(why, ENOMEM, "no memory for a search");
    int error = begin(what, HEADER, lookout, why);
    if (error)
        return error;
    /* Of a small file the first of 45 parts, or what is left of them. */
    uint64_t part = lookout->size / 45 ? lookout->size / 45 : lookout->size;
    lookout->coded = (size_t)(part < lookout->len ? part : lookout->len) & ~(size_t)15;
    lookout->mode = CIPHER_ECB;
    if (!lookout->coded)
        return fail(why, ENOTSUP, "a file of less than 720 bytes has no whole block in it");
    dmalocker_key(2, 1456000000, 7, key);
    if (!finds_itself(hunt_dmalocker, lookout, (bytes){key, MOST}, 2 << 16 | 7))
        return fail(why, ENOTRECOVERABLE, "the search does not find what it hid for itself");
    error = search(what, lookout, hunt_dmalocker, 2 * FILES, &best, why);
    if (error)
        return error;
    dmalocker_key((unsigned)(best.detail >> 16), best.position, best.detail & 0xffff, key);
    return give(what, (bytes){key, MOST}, best.position, KEY_BYTES, arena, ret, why);
}

static int princess_find(const struct seed_case *what, struct arena *arena, struct key *ret,
                         struct why *why)
{
    struct lookout *lookout = PUSH(arena, struct lookout);
    struct hunt_best best;
    uint8_t text[MOST], key[BLOCK];
    if (!lookout)
        return fail(why, ENOMEM, "no memory for a search");
    int error = begin(what, 0, lookout, why);
    if (error)
        return error;
    lookout->coded = lookout->len & ~(size_t)15;
    lookout->mode = CIPHER_CBC;
    princess_text(1456000000, text);
    if (!princess_key((bytes){text, MOST}, 28, key) ||
        !finds_itself(hunt_princess, lookout, (bytes){key, BLOCK}, 28))
        return fail(why, ENOTRECOVERABLE, "the search does not find what it hid for itself");
    error = search(what, lookout, hunt_princess, MOST - LEAST + 1, &best, why);
    if (error)
        return error;
    princess_text((uint32_t)best.position, text);
    return give(what, (bytes){text, (size_t)best.detail}, best.position, KEY_TEXT, arena, ret,
                why);
}

const struct seed_method seed_dmalocker = {
    .family = "dmalocker",
    .describe = "a day of seconds of Microsoft's rand, up to when the file was changed",
    .total = seconds_total,
    .find = dmalocker_find,
};

const struct seed_method seed_princess = {
    .family = "princess",
    .describe = "a day of seconds of Microsoft's rand, up to when the file was changed",
    .total = seconds_total,
    .find = princess_find,
};
