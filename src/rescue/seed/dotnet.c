#include "rescue/seed/dotnet.h"

enum { SEED = 161803398, P = DOTNET_PRIME };

static uint32_t reduce(uint64_t n)
{
    return (uint32_t)(n % P);
}

static struct dotnet_form minus(struct dotnet_form a, struct dotnet_form b)
{
    return (struct dotnet_form){
        reduce((uint64_t)a.times + P - b.times), reduce((uint64_t)a.plus + P - b.plus),
        reduce((uint64_t)a.first + P - b.first), reduce((uint64_t)a.second + P - b.second)};
}

/* As generator_dotnet_seed and generator_dotnet_sample, with forms in place of numbers. */
void dotnet_forms_make(struct dotnet_forms *ret)
{
    struct dotnet_form state[56] = {0};
    struct dotnet_form before = {P - 1, SEED, 0, 0}, now = {0, 1, 0, 0};
    state[55] = before;
    for (unsigned i = 1; i < 55; i++) {
        unsigned at = 21 * i % 55;
        state[at] = now;
        now = minus(before, now);
        before = state[at];
    }
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 1; i < 56; i++) {
            unsigned other = 1 + (i + 30) % 55;
            if (round == 0 && other == 55)
                ret->first = state[i];
            if (round == 0 && i == 55)
                ret->second = state[other];
            state[i] = minus(state[i], state[other]);
            if (round == 0 && other == 55)
                state[i].first = reduce((uint64_t)state[i].first + P - 2);
            if (round == 0 && i == 55)
                state[i].second = reduce((uint64_t)state[i].second + 2);
        }
    }
    unsigned at = 0, behind = 21;
    for (unsigned i = 0; i < DOTNET_DRAWS; i++) {
        at = at == 55 ? 1 : at + 1;
        behind = behind == 55 ? 1 : behind + 1;
        state[at] = minus(state[at], state[behind]);
        ret->draw[i] = state[at];
    }
}

static uint32_t value(const struct dotnet_form *form, uint32_t seed)
{
    return reduce((uint64_t)form->times * seed + form->plus);
}

void dotnet_lanes_start(struct dotnet_lanes *ret, const struct dotnet_forms *forms,
                        uint32_t from)
{
    for (unsigned lane = 0; lane < DOTNET_LANES; lane++) {
        uint32_t seed = from + lane;
        ret->seed[lane] = seed;
        ret->first[lane] = value(&forms->first, seed);
        ret->second[lane] = value(&forms->second, seed);
        for (unsigned i = 0; i < DOTNET_DRAWS; i++)
            ret->base[i][lane] = value(&forms->draw[i], seed);
    }
}

void dotnet_steps(const struct dotnet_forms *forms, uint32_t ret[DOTNET_DRAWS + 2])
{
    for (unsigned i = 0; i < DOTNET_DRAWS; i++)
        ret[i] = reduce((uint64_t)forms->draw[i].times * DOTNET_LANES);
    ret[DOTNET_DRAWS] = reduce((uint64_t)forms->first.times * DOTNET_LANES);
    ret[DOTNET_DRAWS + 1] = reduce((uint64_t)forms->second.times * DOTNET_LANES);
}
