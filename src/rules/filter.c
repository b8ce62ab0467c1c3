#include "rules/filter.h"

#include "rules/kind.h"

#include <errno.h>

/* Less than this share of literals that only one of the filters wants is not worth the room and
 * the time that a second one takes. */
enum { SPARED_SHARE = 12 };

static const uint32_t all_kinds[] = {KIND_ALL};
static const uint32_t apart[] = {1 << KIND_PE, 1 << KIND_OLE,
                                 KIND_ALL & ~(1 << KIND_PE | 1 << KIND_OLE)};

static bool is_worth_it(const uint8_t *kinds, uint32_t count)
{
    uint64_t spared = 0;
    for (uint32_t i = 0; i < count; i++)
        for (size_t k = 0; k < COUNT(apart); k++)
            spared += !(kinds[i] & apart[k]);
    return spared * SPARED_SHARE >= count;
}

static int build_one(const struct literal *literals, const uint8_t *kinds, uint32_t count,
                     uint32_t wanted, struct arena *arena, struct filter_set *ret,
                     struct why *why)
{
    struct ruleset_filter *filter = vec_push(arena, &ret->filters);
    bytes *table = vec_push(arena, &ret->tables);
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        n += (kinds[i] & wanted) != 0;
    struct literal *some = PUSH_ARRAY(arena, struct literal, n);
    uint32_t *numbers = vec_push_many(arena, &ret->anchors, n);
    if (!filter || !table || !some || !numbers)
        return fail(why, ENOMEM, "no memory for a filter of %u literals", n);
    *filter = (struct ruleset_filter){
        .kinds = wanted, .anchor_start = ret->anchors.n - n, .anchor_count = n};
    n = 0;
    for (uint32_t i = 0; i < count; i++)
        if (kinds[i] & wanted) {
            some[n] = literals[i];
            numbers[n++] = i;
        }
    return literals_build(some, NULL, n, arena, table, why);
}

int filter_build(const struct literal *literals, const uint8_t *kinds, uint32_t count,
                 struct arena *arena, struct filter_set *ret, struct why *why)
{
    bool split = is_worth_it(kinds, count);
    const uint32_t *parts = split ? apart : all_kinds;
    uint64_t at = 0;
    *ret = (struct filter_set){0};
    for (size_t i = 0; i < (split ? COUNT(apart) : COUNT(all_kinds)); i++) {
        int error = build_one(literals, kinds, count, parts[i], arena, ret, why);
        if (error)
            return error;
        ret->filters.at[i].at = at;
        ret->filters.at[i].size = ret->tables.at[i].len;
        at += (ret->tables.at[i].len + RULESET_ALIGN - 1) & ~(uint64_t)(RULESET_ALIGN - 1);
    }
    return 0;
}
