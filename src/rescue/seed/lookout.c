#include "rescue/seed/lookout.h"

#include "crypt/salsa.h"
#include "rescue/formats/families.h"

#include <string.h>

enum {
    P = DOTNET_PRIME,
    BLOCK = 64,
    WORTH = 20 /* bits of a block from which more is looked at */
};

static const uint8_t nonce[8] = {1, 2, 3, 4, 5, 6, 7, 8};

/* n * 2^32 / p, rounded down; n below p. */
static uint32_t fraction(uint32_t n)
{
    return 2 * n + (2 * (uint64_t)n >= P);
}

static uint32_t times(uint32_t a, uint32_t b)
{
    return (uint32_t)((uint64_t)a * b % P);
}

static uint32_t plus(uint32_t a, uint32_t b)
{
    return (uint32_t)(((uint64_t)a + b) % P);
}

/* Products of even lanes and of odd lanes come together in this order. */
static uint32_t place(unsigned lane)
{
    return (lane & ~3u) | (lane & 1) << 1 | (lane >> 1 & 1);
}

void lookout_make(struct lookout *ret)
{
    known_quick_make(&ret->quick);
    memset(ret->mark, 0, sizeof ret->mark);
    for (size_t i = 0; i < sizeof ret->quick.pair; i++)
        ret->mark[i / 64] |= (uint64_t)((ret->quick.pair[i] & KNOWN_MARK) != 0) << i % 64;
    dotnet_forms_make(&ret->forms);
    for (unsigned lane = 0; lane < LOOKOUT_LANES; lane++) {
        uint32_t seed = place(lane);
        ret->lane_seed[lane] = seed;
        ret->lane_first[lane] = times(ret->forms.first.times, seed);
        ret->lane_second[lane] = times(ret->forms.second.times, seed);
        for (unsigned i = 0; i < DOTNET_DRAWS; i++)
            ret->lane[i][lane] = fraction(times(ret->forms.draw[i].times, seed));
    }
}

/* One less than the fraction: numbers that are 0 come out below a whole number, too. */
void lookout_table_make(const struct lookout *lookout, uint32_t seed, uint32_t lanes,
                        struct lookout_table *ret)
{
    const struct dotnet_forms *forms = &lookout->forms;
    for (unsigned i = 0; i < DOTNET_DRAWS; i++) {
        const struct dotnet_form *form = &forms->draw[i];
        uint32_t base = plus(times(form->times, seed), form->plus);
        ret->draw[i][0] = fraction(base) - 1;
        ret->draw[i][1] = fraction(plus(base, form->first)) - 1;
        ret->draw[i][2] = fraction(plus(base, form->second)) - 1;
        ret->draw[i][3] = fraction(plus(base, plus(form->first, form->second))) - 1;
        for (unsigned k = 0; k < 4; k++)
            ret->step[i][k] = fraction(times(form->times, lanes));
    }
    ret->first = plus(times(forms->first.times, seed), forms->first.plus);
    ret->second = plus(times(forms->second.times, seed), forms->second.plus);
    ret->step_first = times(forms->first.times, lanes);
    ret->step_second = times(forms->second.times, lanes);
    ret->seed = seed;
    ret->lanes = lanes;
}

unsigned lookout_weigh(const struct lookout *lookout, uint32_t seed)
{
    uint8_t key[LOOKOUT_KEY], plain[KNOWN_HEAD];
    struct salsa salsa;
    prometheus_key(seed, key);
    salsa_set(&salsa, 20, (bytes){key, sizeof key}, (bytes){nonce, sizeof nonce}, 0);
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

/* What every processor can: seed after seed. */
void lookout_plain(const void *lookout, uint64_t from, uint64_t to, struct hunt_best *best)
{
    for (uint64_t seed = from; seed < to && seed < HUNT_DOTNET; seed++)
        hunt_keep(best, lookout_weigh(lookout, (uint32_t)seed), seed, 0);
}
