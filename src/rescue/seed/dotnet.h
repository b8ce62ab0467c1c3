/* dotnet — the first numbers of .NET's Random for sixteen seeds at once.
 *
 * The generator only subtracts, modulo p = 2^31 - 1, so that each of its numbers is a linear
 * form of the seed: times * |seed| + plus (mod p). From seed to seed a number changes by
 * `times`, and the 220 subtractions of its set-up are not made at all. Above 161803398 the
 * set-up's first word is negative, and two subtractions overflow 32 bits for some seeds: each
 * time, 2 more or less than modulo p, which is a further summand for all later numbers.
 * A number that is 0 modulo p may be two things: such a seed is told, and goes the slow way
 * (crypt/generator.h). */
#pragma once
#include "base/base.h"

/* All functions that hand vectors on are inlined: no calling convention is in play. */
#pragma GCC diagnostic ignored "-Wpsabi"

enum {
    DOTNET_LANES = 16,
    DOTNET_DRAWS = 36, /* numbers of each seed */
    DOTNET_PRIME = 0x7fffffff,
};

typedef uint32_t dotnet_wide __attribute__((vector_size(4 * DOTNET_LANES)));

/* times * seed + plus, and what the two overflows add. */
struct dotnet_form {
    uint32_t times, plus, first, second;
};

struct dotnet_forms {
    struct dotnet_form draw[DOTNET_DRAWS];
    /* The words that decide whether it overflows. */
    struct dotnet_form first, second;
};

/* Sixteen seeds that follow on each other. */
struct dotnet_lanes {
    dotnet_wide seed, first, second;
    dotnet_wide base[DOTNET_DRAWS]; /* times * seed + plus */
};

void dotnet_forms_make(struct dotnet_forms *ret);
/* |seed| = from, from + 1, ... */
void dotnet_lanes_start(struct dotnet_lanes *ret, const struct dotnet_forms *forms,
                        uint32_t from);

#define DOTNET_INLINE static inline __attribute__((always_inline))

/* a + b modulo p for numbers below p. */
DOTNET_INLINE dotnet_wide dotnet_plus(dotnet_wide a, dotnet_wide b)
{
    dotnet_wide sum = a + b;
    return sum - ((dotnet_wide)(sum >= (dotnet_wide){} + DOTNET_PRIME) & DOTNET_PRIME);
}

/* The next sixteen seeds. */
DOTNET_INLINE void dotnet_lanes_next(struct dotnet_lanes *lanes, const uint32_t *steps)
{
    lanes->seed += DOTNET_LANES;
    lanes->first = dotnet_plus(lanes->first, (dotnet_wide){} + steps[DOTNET_DRAWS]);
    lanes->second = dotnet_plus(lanes->second, (dotnet_wide){} + steps[DOTNET_DRAWS + 1]);
    for (unsigned i = 0; i < DOTNET_DRAWS; i++)
        lanes->base[i] = dotnet_plus(lanes->base[i], (dotnet_wide){} + steps[i]);
}

/* What dotnet_lanes_next adds. */
void dotnet_steps(const struct dotnet_forms *forms, uint32_t ret[DOTNET_DRAWS + 2]);

/* All ones in the lanes where the first, the second subtraction overflows. */
DOTNET_INLINE void dotnet_overflows(const struct dotnet_lanes *lanes, dotnet_wide *first,
                                    dotnet_wide *second)
{
    dotnet_wide more = lanes->seed - 161803398;
    dotnet_wide above = (dotnet_wide)(lanes->seed > (dotnet_wide){} + 161803398);
    *first = above & (dotnet_wide)(lanes->first + more > (dotnet_wide){} + 0x7fffffff);
    *second = above & (dotnet_wide)(lanes->second + more > (dotnet_wide){} + 0x80000000);
}

/* Number `i` of each seed, 0 to p - 1. */
DOTNET_INLINE dotnet_wide dotnet_draw(const struct dotnet_lanes *lanes,
                                      const struct dotnet_form *form, unsigned i,
                                      dotnet_wide first, dotnet_wide second)
{
    return dotnet_plus(dotnet_plus(lanes->base[i], first & form->first), second & form->second);
}

/* Next(range), range below 2^15: number * range / p, as exact as .NET's doubles are here. */
DOTNET_INLINE dotnet_wide dotnet_range(dotnet_wide number, uint32_t range)
{
    dotnet_wide low = (number & 0x7fff) * range, high = (number >> 15) * range + (low >> 15);
    dotnet_wide whole = high >> 16, rest = (high & 0xffff) << 15 | (low & 0x7fff);
    return whole - (dotnet_wide)(whole + rest >= (dotnet_wide){} + DOTNET_PRIME);
}
