#include "rescue/seed/seed.h"

#include "rescue/seed/method.h"

#include <errno.h>
#include <string.h>

/* In the order of their families' names. */
static const struct seed_method *const methods[] = {
    &seed_blackbasta, &seed_dmalocker, &seed_linuxencoder1, &seed_princess,
    &seed_prometheus, &seed_solidbit,  &seed_teslacrypt2,   NULL,
};

static const struct seed_method *method_of(const struct format *format)
{
    for (size_t i = 0; methods[i]; i++)
        if (!strcmp(methods[i]->family, format->family))
            return methods[i];
    return NULL;
}

bool seed_has(const struct format *format)
{
    return method_of(format) != NULL;
}

const char *seed_describe(const struct format *format)
{
    const struct seed_method *method = method_of(format);
    return method ? method->describe : NULL;
}

bool seed_remembers(const struct format *format)
{
    const struct seed_method *method = method_of(format);
    return method && method->remembers;
}

bool seed_unmarked(const struct format *format)
{
    const struct seed_method *method = method_of(format);
    return method && method->unmarked;
}

bool seed_each(const struct format *format)
{
    const struct seed_method *method = method_of(format);
    return method && method->each;
}

uint64_t seed_total(const struct seed_case *what)
{
    const struct seed_method *method = method_of(what->format);
    return method ? method->total(what) : 0;
}

int seed_find(const struct seed_case *what, struct arena *arena, struct key *ret,
              struct why *why)
{
    const struct seed_method *method = method_of(what->format);
    if (!method)
        return fail(why, ENOTSUP, "keys of '%s' cannot be searched for", what->format->title);
    return method->find(what, arena, ret, why);
}
