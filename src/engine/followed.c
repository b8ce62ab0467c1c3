/* followed — NODE_COUNT_FOLLOWED: how often a pattern's matches are followed by those of a
 * group. docs.clamav.net, "Macro subsignatures"; counted as clamscan 1.4 does it. */
#include "engine/signature.h"

#include <stdlib.h>

/* Where any pattern of a group matches, sorted. */
struct group_matches {
    struct group_matches *next;
    uint32_t start, patterns; /* the group, in links */
    uint32_t count;
    uint64_t *at;
};

static const struct group_matches no_group;

static int by_offset(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static const struct matches *matches_of(struct scanner *scanner, uint32_t pattern)
{
    return found_matches(scanner, scanner->set->patterns[pattern].program);
}

static bool fill(struct scanner *scanner, struct group_matches *group)
{
    const uint32_t *patterns = scanner->set->links + group->start;
    uint64_t total = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < group->patterns; i++)
        total += matches_of(scanner, patterns[i])->list.n;
    if (!budget_charge(&scanner->budget, group->patterns + 8 * total))
        return false;
    group->at = total < UINT32_MAX ? PUSH_ARRAY(scanner->arena, uint64_t, total) : NULL;
    if (!group->at) {
        budget_hit(&scanner->budget, LIMIT_MEMORY);
        return false;
    }
    for (uint32_t i = 0; i < group->patterns; i++) {
        const struct matches *matches = matches_of(scanner, patterns[i]);
        for (uint32_t k = 0; k < matches->list.n && n < total; k++)
            group->at[n++] = matches->list.at[k].offset;
    }
    group->count = n;
    qsort(group->at, n, sizeof *group->at, by_offset);
    return true;
}

static const struct group_matches *group_of(struct scanner *scanner, uint32_t child)
{
    const struct node *node = &scanner->set->nodes[child];
    if (scanner->groups_known != scanner->stamp)
        scanner->groups = NULL;
    scanner->groups_known = scanner->stamp;
    for (struct group_matches *known = scanner->groups; known; known = known->next)
        if (known->start == node->a && known->patterns == node->b)
            return known;
    struct group_matches *group = PUSH(scanner->arena, struct group_matches);
    if (!group) {
        budget_hit(&scanner->budget, LIMIT_MEMORY);
        return &no_group;
    }
    *group = (struct group_matches){scanner->groups, node->a, node->b, 0, NULL};
    if (!fill(scanner, group))
        return &no_group;
    scanner->groups = group;
    return group;
}

/* The matches of one or two patterns in a range, in order. */
struct walk {
    const struct matches *of[2];
    uint32_t at[2], end[2];
};

static uint64_t bound(struct frame *frame, uint32_t child, uint64_t without)
{
    if (child == NODE_NONE)
        return without;
    struct value value = condition_value(frame, child);
    return value.type == TYPE_INT && value.integer >= 0 ? (uint64_t)value.integer : UINT64_MAX;
}

/* False where the range is none. */
static bool walk_begin(struct frame *frame, const struct node *node, struct walk *ret)
{
    const uint32_t *links = frame->scanner->set->links + node->b;
    uint64_t first = bound(frame, links[FOLLOWED_FIRST], 0);
    uint64_t last = bound(frame, links[FOLLOWED_LAST], UINT64_MAX - 1);
    *ret = (struct walk){0};
    if (first == UINT64_MAX || last == UINT64_MAX || first > last)
        return false;
    for (int i = 0; i < 2; i++) {
        uint32_t pattern = i ? node->c : node->a;
        if (pattern == NODE_NONE)
            continue;
        ret->of[i] = matches_of(frame->scanner, pattern);
        ret->at[i] = found_first(ret->of[i], first);
        ret->end[i] = found_first(ret->of[i], last + 1);
    }
    return budget_charge(&frame->scanner->budget,
                         (uint64_t)(ret->end[0] - ret->at[0]) + (ret->end[1] - ret->at[1]));
}

static bool walk_next(struct walk *walk, uint64_t *ret)
{
    int one = walk->at[0] == walk->end[0];
    if (one && walk->at[1] == walk->end[1])
        return false;
    if (!one && walk->at[1] < walk->end[1] &&
        walk->of[1]->list.at[walk->at[1]].offset < walk->of[0]->list.at[walk->at[0]].offset)
        one = 1;
    *ret = walk->of[one]->list.at[walk->at[one]++].offset;
    return true;
}

/* How often something matched, and from where what follows it is measured. */
struct tally {
    uint64_t count, from;
};

static bool follows(const uint32_t *link, uint64_t from, const struct group_matches *group,
                    uint32_t before)
{
    if (!before)
        return false;
    uint64_t at = group->at[before - 1];
    return at >= from + link[1] && at <= from + link[2];
}

/* All matches but the last one are judged when the next begins. */
static void count_matches(struct scanner *scanner, struct walk *walk, const uint32_t *link,
                          struct tally *tally, struct tally *next)
{
    const struct group_matches *group = NULL;
    uint32_t before = 0;
    for (uint64_t at; walk_next(walk, &at);) {
        if (tally->count && at <= tally->from)
            continue;
        if (!tally->count) {
            *tally = (struct tally){1, at};
            continue;
        }
        if (!group)
            group = group_of(scanner, link[0]);
        while (before < group->count && group->at[before] < at)
            before++;
        if (follows(link, tally->from, group, before)) {
            tally->count++;
            *next = (struct tally){next->count + 1, group->at[before - 1]};
        } else {
            tally->from = at;
        }
    }
}

/* The last one is judged at the object's end. */
static void settle(struct scanner *scanner, const uint32_t *link, struct tally *tally,
                   struct tally *next)
{
    if (tally->count <= 1)
        return;
    const struct group_matches *group = group_of(scanner, link[0]);
    if (follows(link, tally->from, group, group->count))
        *next = (struct tally){next->count + 1, group->at[group->count - 1]};
    else
        tally->count--;
}

struct value followed_value(struct frame *frame, const struct node *node)
{
    const uint32_t *links = frame->scanner->set->links + node->b;
    const uint32_t *link = links + FOLLOWED_HEAD;
    uint32_t groups = links[FOLLOWED_GROUPS];
    struct tally tally = {0}, next = {0};
    struct walk walk;
    if (node->aux > groups || !groups || !walk_begin(frame, node, &walk))
        return VALUE_INT(0);
    count_matches(frame->scanner, &walk, link, &tally, &next);
    for (uint32_t i = 0; i < groups; i++, link += FOLLOWED_EACH) {
        settle(frame->scanner, link, &tally, &next);
        if (i == node->aux)
            break;
        tally = next;
        next = (struct tally){0};
    }
    return VALUE_INT(tally.count);
}
