#include "rules/filter.h"

#include "rules/kind.h"

#include <errno.h>

/* Less than this share of literals that only one of two filters wants is not worth the room and
 * the time that a second one takes. */
enum { SPARED_SHARE = 12, PARTS = 3 };

/* Whether objects of the kinds `one` are to have another filter than those of `other`. */
static bool is_worth_it(const uint8_t *kinds, uint32_t count, uint32_t one, uint32_t other)
{
    uint64_t spared = 0;
    for (uint32_t i = 0; i < count; i++)
        spared += (uint64_t) !(kinds[i] & one) + !(kinds[i] & other);
    return spared * SPARED_SHARE >= count;
}

/* Only old documents want what their filter spares the others: that alone counts. */
static bool has_documents(const uint8_t *kinds, uint32_t count, uint32_t rest)
{
    uint64_t spared = 0, wanted = 0;
    for (uint32_t i = 0; i < count; i++) {
        spared += (kinds[i] & rest) == 1 << KIND_OLE;
        wanted += (kinds[i] & rest) != 0;
    }
    return spared && spared * SPARED_SHARE >= wanted;
}

/* The kinds of each filter; how many. */
static size_t choose_parts(const uint8_t *kinds, uint32_t count, uint32_t ret[static PARTS])
{
    const uint32_t programs = 1 << KIND_PE, documents = 1 << KIND_OLE;
    uint32_t rest = KIND_ALL & ~programs;
    size_t n = 0;
    ret[0] = KIND_ALL;
    if (!is_worth_it(kinds, count, programs, rest))
        return 1;
    ret[n++] = programs;
    if (has_documents(kinds, count, rest)) {
        ret[n++] = documents;
        rest &= ~documents;
    }
    ret[n++] = rest;
    return n;
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
    uint32_t parts[PARTS];
    size_t part_count = choose_parts(kinds, count, parts);
    uint64_t at = 0;
    *ret = (struct filter_set){0};
    for (size_t i = 0; i < part_count; i++) {
        int error = build_one(literals, kinds, count, parts[i], arena, ret, why);
        if (error)
            return error;
        ret->filters.at[i].at = at;
        ret->filters.at[i].size = ret->tables.at[i].len;
        at += (ret->tables.at[i].len + RULESET_ALIGN - 1) & ~(uint64_t)(RULESET_ALIGN - 1);
    }
    return 0;
}
