#include "rules/filter.h"

#include "rules/kind.h"

#include <errno.h>

/* Less than this share of literals that only one of two filters wants is not worth the room and
 * the time that a second one takes. */
enum { SPARED_SHARE = 12, PARTS = 5 };

#define TEXT_TARGETS (TARGET_BIT(TARGET_HTML) | TARGET_BIT(TARGET_TEXT))
#define VIEW_TARGETS (TEXT_TARGETS | TARGET_BIT(TARGET_ANY))

static bool is_wanted(const struct filter_want *want, const struct ruleset_filter *part)
{
    if (part->reach)
        return want->reach != 0;
    return !want->reach && (want->kinds & part->kinds) && (want->targets & part->targets);
}

/* Whether objects of the kinds `one` are to have another filter than those of `other`. */
static bool is_worth_it(const struct filter_want *wants, uint32_t count, uint32_t one,
                        uint32_t other)
{
    uint64_t spared = 0;
    for (uint32_t i = 0; i < count; i++)
        spared += (uint64_t) !(wants[i].kinds & one) + !(wants[i].kinds & other);
    return spared * SPARED_SHARE >= count;
}

/* Only old documents want what their filter spares the others: that alone counts. */
static bool has_documents(const struct filter_want *wants, uint32_t count, uint32_t rest)
{
    uint64_t spared = 0, wanted = 0;
    for (uint32_t i = 0; i < count; i++) {
        spared += (wants[i].kinds & rest) == 1 << KIND_OLE;
        wanted += (wants[i].kinds & rest) != 0;
    }
    return spared && spared * SPARED_SHARE >= wanted;
}

/* Whether what is derived from texts is to have a filter of its own. */
static bool has_views(const struct filter_want *wants, uint32_t count)
{
    uint64_t spared = 0;
    bool any = false;
    for (uint32_t i = 0; i < count; i++) {
        any |= (wants[i].targets & TEXT_TARGETS) != 0;
        spared += !(wants[i].targets & VIEW_TARGETS) || !(wants[i].targets & ~TEXT_TARGETS);
    }
    return any && spared * SPARED_SHARE >= count;
}

/* The filters but for their tables; how many. */
static size_t choose_parts(const struct filter_want *wants, uint32_t count,
                           struct ruleset_filter ret[static PARTS])
{
    uint32_t kinds = KIND_ALL, targets = UINT32_MAX, near = 0;
    size_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        near = wants[i].reach > near ? wants[i].reach : near;
    if (near)
        ret[n++] =
            (struct ruleset_filter){.kinds = KIND_ALL, .targets = UINT32_MAX, .reach = near};
    if (has_views(wants, count)) {
        ret[n++] = (struct ruleset_filter){.kinds = KIND_ALL, .targets = VIEW_TARGETS};
        targets = ~TEXT_TARGETS;
    }
    if (is_worth_it(wants, count, 1 << KIND_PE, kinds & ~(1u << KIND_PE))) {
        ret[n++] = (struct ruleset_filter){.kinds = 1 << KIND_PE, .targets = targets};
        kinds &= ~(1u << KIND_PE);
        if (has_documents(wants, count, kinds)) {
            ret[n++] = (struct ruleset_filter){.kinds = 1 << KIND_OLE, .targets = targets};
            kinds &= ~(1u << KIND_OLE);
        }
    }
    ret[n++] = (struct ruleset_filter){.kinds = kinds, .targets = targets};
    return n;
}

static int build_one(const struct literal *literals, const struct filter_want *wants,
                     uint32_t count, const struct ruleset_filter *part, struct arena *arena,
                     struct filter_set *ret, struct why *why)
{
    struct ruleset_filter *filter = vec_push(arena, &ret->filters);
    bytes *table = vec_push(arena, &ret->tables);
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        n += is_wanted(&wants[i], part);
    struct literal *some = PUSH_ARRAY(arena, struct literal, n);
    uint32_t *numbers = vec_push_many(arena, &ret->anchors, n);
    if (!filter || !table || !some || !numbers)
        return fail(why, ENOMEM, "no memory for a filter of %u literals", n);
    *filter = *part;
    filter->anchor_start = ret->anchors.n - n;
    filter->anchor_count = n;
    n = 0;
    for (uint32_t i = 0; i < count; i++)
        if (is_wanted(&wants[i], part)) {
            some[n] = literals[i];
            numbers[n++] = i;
        }
    return literals_build(some, NULL, n, arena, table, why);
}

int filter_build(const struct literal *literals, const struct filter_want *wants,
                 uint32_t count, struct arena *arena, struct filter_set *ret, struct why *why)
{
    struct ruleset_filter parts[PARTS];
    size_t part_count = choose_parts(wants, count, parts);
    uint64_t at = 0;
    *ret = (struct filter_set){0};
    for (size_t i = 0; i < part_count; i++) {
        int error = build_one(literals, wants, count, &parts[i], arena, ret, why);
        if (error)
            return error;
        ret->filters.at[i].at = at;
        ret->filters.at[i].size = ret->tables.at[i].len;
        at += (ret->tables.at[i].len + RULESET_ALIGN - 1) & ~(uint64_t)(RULESET_ALIGN - 1);
    }
    return 0;
}
