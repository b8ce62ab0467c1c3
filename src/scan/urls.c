#include "scan/urls.h"

#include "unpack/normal/links.h"

#define URLS_STEPS (UINT64_C(1) << 30)

/* Puts it before the others, unless it is among them. */
static uint32_t note(enum url_fault *faults, uint32_t count, enum url_fault fault)
{
    if (fault == URL_FINE)
        return count;
    for (uint32_t i = 0; i < count; i++)
        if (faults[i] == fault)
            return count;
    for (uint32_t i = count; i; i--)
        faults[i] = faults[i - 1];
    faults[0] = fault;
    return count + 1;
}

uint32_t urls_check(const struct urls *urls, bytes text, struct arena *arena,
                    const volatile bool *stop, enum url_fault ret[URL_FAULTS], bool *ret_limit)
{
    static const enum phishing_place places[] = {[LINKS_HREF] = PHISHING_HREF,
                                                 [LINKS_IMAGE] = PHISHING_IMAGE,
                                                 [LINKS_OTHER] = PHISHING_OTHER};
    struct budget budget = {.steps = URLS_STEPS, .stop = stop};
    struct arena_mark mark = arena_mark(arena);
    uint32_t count = 0;
    struct links links;
    bool whole = links_read(text, arena, &budget, &links);
    for (uint32_t i = 0; i < links.found.n; i++) {
        const struct links_found *found = &links.found.at[i];
        const struct phishing_link link = {found->value, found->text, places[found->place]};
        enum url_fault fault =
            phishing_check(urls->phishing, &link, urls->options, arena, &budget);
        count = note(ret, count, fault);
    }
    arena_pop(arena, mark);
    *ret_limit = !whole || budget.hit != LIMIT_NONE;
    return count;
}
