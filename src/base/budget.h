/* budget — what one examination may cost, and which limit it ran into.
 *
 * Every loop that hostile bytes drive charges the budget. The engine has no clock: a driver
 * that wants a timeout sets *stop from outside. An exhausted budget is not an error: it is
 * reported in the verdict as "not fully examined" with the reason. */
#pragma once
#include "base/base.h"

enum limit {
    LIMIT_NONE,
    LIMIT_STEPS,   /* too much work for this object */
    LIMIT_MEMORY,  /* the object's arena is full */
    LIMIT_STOPPED, /* the driver's timeout or interrupt */
    LIMIT_MATCHES, /* one pattern matched more than 1,000,000 times; the rest were dropped */
    LIMIT_DATA,    /* the data that the user gave a module is not what the module reads */
    LIMIT_REGEX,   /* a regular expression needed too many threads at one position */
    LIMIT_DAMAGED, /* hash signatures that had to be asked are damaged */
};

struct budget {
    uint64_t steps;            /* left; a step is about one byte or one small operation */
    const volatile bool *stop; /* may be NULL */
    enum limit hit;            /* the first limit that was run into; sticky */
};

/* True while there is budget left. */
static inline bool budget_charge(struct budget *budget, uint64_t steps)
{
    if (budget->steps < steps || (budget->stop && *budget->stop)) {
        if (budget->hit == LIMIT_NONE || budget->hit == LIMIT_MATCHES)
            budget->hit = budget->steps < steps ? LIMIT_STEPS : LIMIT_STOPPED;
        budget->steps = 0;
        return false;
    }
    budget->steps -= steps;
    return true;
}

static inline void budget_hit(struct budget *budget, enum limit limit)
{
    if (budget->hit == LIMIT_NONE)
        budget->hit = limit;
}
