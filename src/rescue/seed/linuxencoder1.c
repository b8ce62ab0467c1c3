/* Linux.Encoder 1: the IV in the file is 15 bytes out of musl's rand, seeded with the second in
 * which the malware started: one second after the other back from the file's mtime, and a
 * little forward. Bytes of the stream that come one after the other are looked for, so that it
 * does not matter how many files came before. */
#include "crypt/generator.h"
#include "rescue/formats/families.h"
#include "rescue/seed/hunt.h"
#include "rescue/seed/method.h"

#include <errno.h>
#include <string.h>

enum {
    AFTER = 60,      /* seconds that clocks may differ */
    BEFORE = 172800, /* it may have run for two days */
    FILES = 10000,   /* before this one */
    NEAR_FILES = 200000,
    CHUNK = 16,
    BITS = 120, /* of 15 bytes */
};

struct lookout {
    uint8_t iv[16];
    uint64_t last; /* position 0 is this second, 1 the one before */
    uint32_t files;
};

/* Key and IV are 32 numbers, so that the IV of file n is at 32n + 16. */
static bool gives(const struct lookout *lookout, uint64_t seed)
{
    uint64_t state = generator_musl_seed((uint32_t)seed);
    for (uint32_t file = 0; file < lookout->files; file++) {
        for (unsigned i = 0; i < 16; i++)
            generator_musl_next(&state);
        unsigned same = 0;
        for (unsigned i = 0; i < 16; i++)
            same += (uint8_t)generator_musl_next(&state) == lookout->iv[i] && same == i;
        if (same >= 15)
            return true;
    }
    return false;
}

static void hunt_seconds(const void *state, uint64_t from, uint64_t to, struct hunt_best *best)
{
    const struct lookout *lookout = state;
    for (uint64_t at = from; at < to && at <= lookout->last && !best->bits; at++)
        if (gives(lookout, lookout->last - at))
            hunt_keep(best, BITS, lookout->last - at, 0);
}

static bool finds_itself(void)
{
    struct lookout lookout = {.last = 1447000010, .files = 40};
    uint64_t state = generator_musl_seed(1447000000);
    uint8_t key[16];
    struct hunt_best best = {0};
    for (unsigned i = 0; i < 37; i++)
        linuxencoder1_next(&state, key, lookout.iv);
    lookout.iv[15] ^= 0xff;
    hunt_seconds(&lookout, 0, 20, &best);
    return best.bits == BITS && best.position == 1447000000;
}

static uint64_t linuxencoder1_total(const struct seed_case *what)
{
    return what->changed > 0 ? AFTER + BEFORE : 0;
}

static int linuxencoder1_find(const struct seed_case *what, struct arena *arena,
                              struct key *ret, struct why *why)
{
    struct lookout lookout = {.files = FILES};
    if (!linuxencoder1_iv(what->source, lookout.iv))
        return fail(why, EBADMSG, "no header of Linux.Encoder 1, or not whole blocks");
    if (!finds_itself())
        return fail(why, ENOTRECOVERABLE, "the search does not find what it hid for itself");
    struct hunt hunt = {.what = what, .chunk = CHUNK, .try = hunt_seconds, .state = &lookout};
    struct hunt_best best;
    int error = -ENOENT;
    if (what->near && what->near->kind == KEY_SEED) {
        lookout.last = what->near->seed;
        lookout.files = NEAR_FILES;
        hunt.to = 1;
        error = hunt_run(&hunt, &best, why);
    }
    if (error == -ENOENT) {
        if (what->changed <= 0)
            return fail(why, ENOTSUP, "without the time of the file's change: no seed to try");
        lookout.last = (uint64_t)what->changed + AFTER;
        lookout.files = FILES;
        hunt_range(what, linuxencoder1_total(what), &hunt.from, &hunt.to);
        error = hunt_run(&hunt, &best, why);
    }
    if (error)
        return error;
    *ret = (struct key){.kind = KEY_SEED,
                        .seed = best.position,
                        .family = what->format->family,
                        .origin = arena_printf(arena, "seed %llu of musl's rand, searched for",
                                               (unsigned long long)best.position)};
    return ret->origin.at ? 0 : fail(why, ENOMEM, "no memory for a key");
}

const struct seed_method seed_linuxencoder1 = {
    .family = "linuxencoder1",
    .describe = "two days of seconds of musl's rand, up to when the file was changed",
    .total = linuxencoder1_total,
    .find = linuxencoder1_find,
};
