/* Prometheus: each |seed| of .NET's Random gives a key, of which one block of Salsa20 is made;
 * what comes out of the file's first 8 bytes rules nearly all out. Sixteen seeds at once. */
#include "base/cpu.h"
#include "crypt/salsa.h"
#include "rescue/formats/families.h"
#include "rescue/known.h"
#include "rescue/seed/dotnet.h"
#include "rescue/seed/hunt.h"
#include "rescue/seed/method.h"

#include <errno.h>
#include <string.h>

enum {
    KEY = 32,
    BLOCK = 64,
    CHUNK = 1 << 20,
    SKIPS = 4,  /* letters that are drawn again in one key */
    WORTH = 20, /* bits of the first block from which on more is decrypted */
};

struct lookout {
    struct known_quick quick;
    struct dotnet_forms forms;
    uint32_t steps[DOTNET_DRAWS + 2];
    uint32_t cipher[2]; /* the file's first 8 bytes */
    uint8_t head[KNOWN_HEAD];
    size_t len;
    uint64_t size;
};

/* One seed, slowly and as sure as can be. */
static unsigned weigh(const struct lookout *lookout, uint32_t seed)
{
    uint8_t key[KEY], plain[KNOWN_HEAD];
    struct salsa salsa;
    static const uint8_t nonce[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    prometheus_key(seed, key);
    salsa_set(&salsa, 20, (bytes){key, KEY}, (bytes){nonce, sizeof nonce}, 0);
    size_t first = lookout->len < BLOCK ? lookout->len : BLOCK;
    memcpy(plain, lookout->head, first);
    salsa_xor(&salsa, 0, plain, first);
    unsigned bits = known_bits((bytes){plain, first}, lookout->size);
    if (bits < WORTH)
        return 0;
    memcpy(plain, lookout->head, lookout->len);
    salsa_xor(&salsa, 0, plain, lookout->len);
    return known_bits((bytes){plain, lookout->len}, lookout->size);
}

#define ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define QUARTER(a, b, c, d)                                                                    \
    x[b] ^= ROTATE(x[a] + x[d], 7);                                                            \
    x[c] ^= ROTATE(x[b] + x[a], 9);                                                            \
    x[d] ^= ROTATE(x[c] + x[b], 13);                                                           \
    x[a] ^= ROTATE(x[d] + x[c], 18);

/* The first two words of keystream of sixteen keys. */
DOTNET_INLINE void keystream(const dotnet_wide words[8], dotnet_wide ret[2])
{
    dotnet_wide x[16];
    for (unsigned i = 0; i < 4; i++) {
        x[1 + i] = words[i];
        x[11 + i] = words[4 + i];
    }
    x[0] = (dotnet_wide){} + 0x61707865;
    x[5] = (dotnet_wide){} + 0x3320646e;
    x[10] = (dotnet_wide){} + 0x79622d32;
    x[15] = (dotnet_wide){} + 0x6b206574;
    x[6] = (dotnet_wide){} + 0x04030201;
    x[7] = (dotnet_wide){} + 0x08070605;
    x[8] = x[9] = (dotnet_wide){};
    for (unsigned round = 0; round < 10; round++) {
        QUARTER(0, 4, 8, 12)
        QUARTER(5, 9, 13, 1)
        QUARTER(10, 14, 2, 6)
        QUARTER(15, 3, 7, 11)
        QUARTER(0, 1, 2, 3)
        QUARTER(5, 6, 7, 4)
        QUARTER(10, 11, 8, 9)
        QUARTER(15, 12, 13, 14)
    }
    ret[0] = x[0] + 0x61707865;
    ret[1] = x[1] + words[0];
}

DOTNET_INLINE dotnet_wide unwanted(dotnet_wide letter)
{
    return (dotnet_wide)(letter == 34) | (dotnet_wide)(letter == 92);
}

/* letter[at + skipped]: `is` has all ones where that many were skipped. */
DOTNET_INLINE dotnet_wide pick(const dotnet_wide *letter, const dotnet_wide *is)
{
    dotnet_wide ret = letter[0] & is[0];
    for (unsigned i = 1; i <= SKIPS; i++)
        ret |= letter[i] & is[i];
    return ret;
}

/* The keys of sixteen seeds, in words; all ones in the lanes that have to go the slow way:
 * three letters in a row that are not wanted, or more than four in all, or a number that may be
 * two things. */
DOTNET_INLINE dotnet_wide keys(const struct lookout *lookout, const struct dotnet_lanes *lanes,
                               dotnet_wide ret[8])
{
    dotnet_wide letter[DOTNET_DRAWS], first, second, slow = {0}, skipped = {0};
    dotnet_overflows(lanes, &first, &second);
    for (unsigned i = 0; i < DOTNET_DRAWS; i++) {
        dotnet_wide n = dotnet_draw(lanes, &lookout->forms.draw[i], i, first, second);
        letter[i] = dotnet_range(n, 94) + 33;
        slow |= (dotnet_wide)(n == 0);
    }
    for (unsigned i = 0; i < KEY; i++) {
        dotnet_wide is[SKIPS + 1];
        for (unsigned k = 0; k <= SKIPS; k++)
            is[k] = (dotnet_wide)(skipped == k);
        dotnet_wide now = pick(letter + i, is);
        /* Two may be drawn again in a row; the last letters have no room for that. */
        for (unsigned again = 1; again <= 2 && i + again + SKIPS < DOTNET_DRAWS; again++) {
            dotnet_wide bad = unwanted(now);
            skipped -= bad;
            now = (now & ~bad) | (pick(letter + i + again, is) & bad);
        }
        slow |= unwanted(now);
        ret[i / 4] = (i % 4 ? ret[i / 4] : (dotnet_wide){0}) | now << 8 * (i % 4);
    }
    return slow | (dotnet_wide)(skipped > SKIPS);
}

DOTNET_INLINE void hunt_body(const struct lookout *lookout, uint64_t from, uint64_t to,
                             struct hunt_best *best)
{
    struct dotnet_lanes lanes;
    dotnet_lanes_start(&lanes, &lookout->forms, (uint32_t)from);
    for (uint64_t at = from; at < to; at += DOTNET_LANES) {
        dotnet_wide key[8], plain[2], slow = keys(lookout, &lanes, key);
        unsigned worth = 0;
        keystream(key, plain);
        plain[0] ^= lookout->cipher[0];
        plain[1] ^= lookout->cipher[1];
        for (unsigned lane = 0; lane < DOTNET_LANES; lane++)
            worth |= (unsigned)(slow[lane] || known_quick_pass(&lookout->quick, plain[0][lane],
                                                               plain[1][lane]))
                     << lane;
        for (; worth; worth &= worth - 1) {
            uint64_t seed = at + (unsigned)__builtin_ctz(worth);
            if (seed < to && seed < HUNT_DOTNET)
                hunt_keep(best, weigh(lookout, (uint32_t)seed), seed, 0);
        }
        dotnet_lanes_next(&lanes, lookout->steps);
    }
}

static void hunt_plain(const void *state, uint64_t from, uint64_t to, struct hunt_best *best)
{
    hunt_body(state, from, to, best);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void hunt_avx2(const void *state, uint64_t from,
                                                      uint64_t to, struct hunt_best *best)
{
    hunt_body(state, from, to, best);
}

__attribute__((target("avx512f,avx512bw,avx512vl"))) static void
hunt_avx512(const void *state, uint64_t from, uint64_t to, struct hunt_best *best)
{
    hunt_body(state, from, to, best);
}
#endif

typedef void hunt_try(const void *state, uint64_t from, uint64_t to, struct hunt_best *best);

static hunt_try *fastest(void)
{
#if defined(__x86_64__)
    if (cpu_level() == CPU_AVX512)
        return hunt_avx512;
    if (cpu_level() == CPU_AVX2)
        return hunt_avx2;
#endif
    return hunt_plain;
}

/* A start of a PNG, encrypted for a seed, is found where it is hidden: below and above where
 * the generator's set-up changes, and at both ends. */
static bool finds_itself(struct lookout *lookout)
{
    static const uint32_t hidden[] = {0, 161803399, 1234567891, 2147483647};
    struct lookout saved = *lookout;
    bool good = true;
    for (size_t i = 0; i < COUNT(hidden); i++) {
        static const uint8_t nonce[8] = {1, 2, 3, 4, 5, 6, 7, 8};
        uint8_t key[KEY];
        struct salsa salsa;
        struct hunt_best best = {0};
        memset(lookout->head, 0, BLOCK);
        memcpy(lookout->head, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
        prometheus_key(hidden[i], key);
        salsa_set(&salsa, 20, (bytes){key, KEY}, (bytes){nonce, sizeof nonce}, 0);
        salsa_xor(&salsa, 0, lookout->head, BLOCK);
        lookout->len = BLOCK;
        memcpy(lookout->cipher, lookout->head, sizeof lookout->cipher);
        uint64_t from = hidden[i] > 500 ? hidden[i] - 500 : 0;
        fastest()(lookout, from, from + 1001 < HUNT_DOTNET ? from + 1001 : HUNT_DOTNET, &best);
        good &= best.bits > 100 && best.position == hidden[i];
    }
    *lookout = saved;
    return good;
}

static int prometheus_find(const struct seed_case *what, struct arena *arena, struct key *ret,
                           struct why *why)
{
    struct lookout *lookout = PUSH(arena, struct lookout);
    if (!lookout)
        return fail(why, ENOMEM, "no memory for a search");
    lookout->size = what->source->size;
    lookout->len = lookout->size < KNOWN_HEAD ? (size_t)lookout->size : KNOWN_HEAD;
    if (lookout->len < 16)
        return fail(why, ENOTSUP, "a file of less than 16 bytes cannot tell its key");
    int error = source_read(what->source, 0, lookout->head, lookout->len, why);
    if (error)
        return error;
    memcpy(lookout->cipher, lookout->head, sizeof lookout->cipher);
    known_quick_make(&lookout->quick);
    dotnet_forms_make(&lookout->forms);
    dotnet_steps(&lookout->forms, lookout->steps);
    if (!finds_itself(lookout))
        return fail(why, ENOTRECOVERABLE, "the search does not find what it hid for itself");

    struct hunt hunt = {.what = what, .chunk = CHUNK, .try = fastest(), .state = lookout};
    return hunt_dotnet(&hunt, arena, ret, why);
}

const struct seed_method seed_prometheus = {
    .family = "prometheus",
    .describe = "all 2147483648 seeds of .NET's Random",
    .total = hunt_dotnet_total,
    .find = prometheus_find,
};
