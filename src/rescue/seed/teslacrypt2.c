/* TeslaCrypt 2: the header publishes the file's secret times another secret, a number of at
 * most 512 bits. It is factored by elliptic curves; of what is found, each product below 2^256
 * is tried as the secret of the file's public key. All factors but the largest have to be
 * found: sometimes within minutes, sometimes in days, sometimes never in this way
 * (docs/rescue.md).
 *
 * What is kept from one run to the next: SLOTS slots of 1,024 bytes, each for one number.
 *
 *     0    4  "ECM1"
 *     4    4  the next curve, little endian
 *     8   64  the number, big endian
 *     72   4  how many factors follow, 14 at most
 *     76  64  each, big endian
 *
 * It may be damaged or of anybody: a factor counts when it divides. */
#include "rescue/formats/families.h"
#include "rescue/seed/hunt.h"
#include "rescue/seed/method.h"
#include "shim/curve.h"
#include "shim/factor.h"

#include <errno.h>
#include <string.h>

enum {
    PUBLIC = 0xc8,
    MULTIPLE = 0x108,
    DIGITS = 128,
    HEADER = 0x19e,
    KEY = 32,
    PARTS = 32,   /* most factors that are kept apart */
    CHOICES = 16, /* most of them that are tried in all combinations */
    SLOT = 1024,
    SLOTS = 16,
    NUMBER = 64,     /* bytes of a number in a slot */
    KEPT = 14,       /* factors in a slot */
    SMALL_BITS = 18, /* of factors that trial division finds */
    SIGMAS = 64,     /* curves of one place in the schedule, for as many parts */
};

_Static_assert(76 + KEPT * NUMBER <= SLOT, "a slot holds its factors");

/* Bounds and how many curves with each: factors of 15, 20, 25, 30, 35, 40, 45, 50 digits. */
static const struct {
    double bound;
    unsigned curves;
} efforts[] = {{2e3, 25},  {11e3, 90},  {5e4, 214},   {25e4, 430},
               {1e6, 904}, {3e6, 2350}, {11e6, 4480}, {43e6, 7553}};

struct split {
    struct factor_number part[PARTS];
    bool prime[PARTS];
    unsigned parts;
    struct factor_number whole;
    unsigned slot; /* in the memory */
    struct curve *curve;
    uint8_t wanted[2 * KEY];
    uint8_t secret[KEY];
};

/* The product of the chosen parts as a secret. */
static bool fits(struct split *split, const struct factor_number *product)
{
    unsigned bits = factor_bits(product);
    if (bits > 8 * KEY || bits < 200)
        return false;
    memcpy(split->secret, product->at + FACTOR_BYTES - KEY, KEY);
    return curve_owns(split->curve, split->secret, split->wanted);
}

/* All products of known factors. */
static bool products(struct split *split)
{
    unsigned n = split->parts < CHOICES ? split->parts : CHOICES;
    for (uint32_t choice = 0; choice < 1u << n; choice++) {
        struct factor_number product;
        factor_of_int(1, &product);
        bool small = true;
        for (unsigned i = 0; i < n && small; i++)
            if (choice >> i & 1)
                small = factor_multiply(&product, &split->part[i], &product) &&
                        factor_bits(&product) <= 8 * KEY;
        if (small && fits(split, &product))
            return true;
    }
    return false;
}

static bool add(struct split *split, const struct factor_number *part)
{
    if (split->parts == PARTS)
        return false;
    split->part[split->parts] = *part;
    split->prime[split->parts++] = factor_is_prime(part);
    return true;
}

/* Takes a factor out of part `of`, which stays as what is left. */
static bool take(struct split *split, unsigned of, const struct factor_number *factor)
{
    if (!factor_divide(&split->part[of], factor))
        return false;
    split->prime[of] = factor_is_prime(&split->part[of]);
    return add(split, factor);
}

static void trial(struct split *split)
{
    uint32_t prime;
    while (factor_bits(&split->part[0]) > 1 &&
           (prime = factor_small(&split->part[0], 1 << SMALL_BITS)) != 0) {
        struct factor_number factor;
        factor_of_int(prime, &factor);
        if (!take(split, 0, &factor))
            return;
    }
}

static bool all_prime(const struct split *split)
{
    for (unsigned i = 0; i < split->parts; i++)
        if (!split->prime[i] && !factor_is_one(&split->part[i]))
            return false;
    return true;
}

static void put_le32(uint8_t *at, uint32_t n)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(n >> 8 * i);
}

static const uint8_t *end_of(const struct factor_number *number)
{
    return number->at + FACTOR_BYTES - NUMBER;
}

/* Where the search was when it was stopped: its next curve. Factors that were found are taken.
 */
static unsigned resume(struct split *split, const struct seed_memory *memory)
{
    uint8_t slot[SLOT];
    split->slot = SLOTS - 1;
    for (unsigned i = 0; memory && i < SLOTS; i++) {
        bool there = memory->read(memory->context, (uint64_t)i * SLOT, slot, SLOT) &&
                     !memcmp(slot, "ECM1", 4);
        if (there && memcmp(slot + 8, end_of(&split->whole), NUMBER) != 0)
            continue;
        split->slot = i;
        if (!there)
            return 0;
        uint32_t factors = load_le32(slot + 72);
        for (uint32_t k = 0; k < factors && k < KEPT; k++) {
            struct factor_number factor;
            if (!factor_of_bytes((bytes){slot + 76 + k * NUMBER, NUMBER}, &factor) ||
                factor_bits(&factor) < 2)
                continue;
            for (unsigned part = 0; part < split->parts; part++)
                if (memcmp(&factor, &split->part[part], sizeof factor) != 0 &&
                    take(split, part, &factor))
                    break;
        }
        return load_le32(slot + 4);
    }
    return 0;
}

/* All but part 0, which is what is left, and those that trial division finds at once. */
static void remember(const struct split *split, const struct seed_memory *memory, unsigned next)
{
    uint8_t slot[SLOT] = "ECM1";
    uint32_t factors = 0;
    put_le32(slot + 4, next);
    memcpy(slot + 8, end_of(&split->whole), NUMBER);
    for (unsigned i = 1; i < split->parts && factors < KEPT; i++)
        if (factor_bits(&split->part[i]) > SMALL_BITS)
            memcpy(slot + 76 + NUMBER * factors++, end_of(&split->part[i]), NUMBER);
    put_le32(slot + 72, factors);
    if (memory)
        memory->write(memory->context, (uint64_t)split->slot * SLOT, slot, SLOT);
}

/* One curve over each part that is no prime. 0 with the secret, -EAGAIN: not yet, -ENOENT. */
static int curve(struct split *split, double bound, uint64_t sigma, struct why *why)
{
    for (unsigned i = 0; i < split->parts; i++) {
        struct factor_number factor;
        if (split->prime[i] || factor_is_one(&split->part[i]) ||
            !factor_curve(&split->part[i], bound, sigma, &factor))
            continue;
        if (!take(split, i, &factor))
            return fail(why, ENOENT, "more than %d factors", PARTS);
        if (products(split))
            return 0;
        i--; /* it may have more */
    }
    return -EAGAIN;
}

static double bound_of(unsigned place, unsigned *all)
{
    double ret = 0;
    *all = 0;
    for (size_t i = 0; i < COUNT(efforts); i++) {
        if (place >= *all)
            ret = efforts[i].bound;
        *all += efforts[i].curves;
    }
    return ret;
}

/* The schedule's places that are this part's; 0 with the secret. */
static int curves(struct split *split, const struct seed_case *what, struct why *why)
{
    unsigned all, step = what->parts ? what->parts : 1;
    unsigned place = resume(split, what->memory);
    if (place && products(split))
        return 0;
    for (place += (what->part + step - place % step) % step; bound_of(place, &all) > 0;
         place += step) {
        if (place >= all)
            return fail(why, ENOENT, "%u elliptic curves did not find all factors", all);
        if (all_prime(split))
            return fail(why, ENOENT, "all factors are known, and no product is the secret");
        if (what->stop && *what->stop)
            return fail(why, ECANCELED, "stopped after %u of %u elliptic curves", place, all);
        if (what->progress)
            what->progress(what->context, place, all);
        int error = curve(split, bound_of(place, &all),
                          1000 + (uint64_t)place * SIGMAS + what->part % SIGMAS, why);
        if (error != -EAGAIN)
            return error;
        remember(split, what->memory, place + step);
    }
    return -ENOENT;
}

static uint64_t teslacrypt2_total(const struct seed_case *what)
{
    (void)what;
    return 1;
}

static int read_header(const struct seed_case *what, struct split *split, struct why *why)
{
    uint8_t header[HEADER], number[DIGITS / 2] = {0};
    int error = source_read(what->source, 0, header, sizeof header, why);
    if (error)
        return error;
    size_t digits = 0;
    while (digits < DIGITS && ascii_hex(header[MULTIPLE + digits]) >= 0)
        digits++;
    for (size_t i = 0; i < digits; i++) {
        size_t place = digits - 1 - i; /* from the right */
        number[sizeof number - 1 - place / 2] |=
            (uint8_t)(ascii_hex(header[MULTIPLE + i]) << (place & 1 ? 4 : 0));
    }
    memcpy(split->wanted, header + PUBLIC, sizeof split->wanted);
    if (digits < 64 || !factor_of_bytes((bytes){number, sizeof number}, &split->whole) ||
        !add(split, &split->whole))
        return fail(why, EBADMSG, "no multiple of the secret in the header");
    return 0;
}

static int teslacrypt2_find(const struct seed_case *what, struct arena *arena, struct key *ret,
                            struct why *why)
{
    struct split *split = PUSH(arena, struct split);
    if (!split)
        return fail(why, ENOMEM, "no memory for factors");
    int error = read_header(what, split, why);
    if (error)
        return error;
    split->curve = curve_new(CURVE_SECP256K1);
    if (!split->curve)
        return fail(why, ENOMEM, "no memory for a curve");
    trial(split);
    error = products(split) ? 0 : curves(split, what, why);
    split->curve = curve_free(split->curve);
    if (error)
        return error;
    *ret = (struct key){.kind = KEY_BYTES,
                        .secret = arena_copy(arena, (bytes){split->secret, KEY}),
                        .family = what->format->family,
                        .origin = arena_printf(arena, "factored out of the file's header")};
    return ret->secret.at && ret->origin.at ? 0 : fail(why, ENOMEM, "no memory for a key");
}

const struct seed_method seed_teslacrypt2 = {
    .remembers = true,
    .family = "teslacrypt2",
    .describe = "elliptic curves over the number that the file publishes",
    .total = teslacrypt2_total,
    .find = teslacrypt2_find,
};
