/* The order in which clamscan 1.4 comes upon findings, as far as it has one: it tells which is
 * the one that is reported of a file without --allmatch.
 *
 * Archives are opened before their own bytes are looked at; programs and text afterwards. Of
 * one object, who signed it comes first, then what is for normalized HTML, then bodies (.ndb)
 * in the order of their places, those for the type of the object before those for any; digests;
 * logical signatures and YARA rules in the order of definition; at last what is for normalized
 * text. What is wrong with links comes after all else in the file. */
#include "scan/report/report_clamscan_order.h"

#include <stdlib.h>
#include <string.h>

enum {
    RANK_SIGNER,
    RANK_HTML,
    RANK_BODY_TYPED,
    RANK_BODY,
    RANK_DIGEST,
    RANK_LOGIC_TYPED,
    RANK_LOGIC,
    RANK_TEXT_BODY,
    RANK_TEXT_LOGIC,
};

struct key {
    uint64_t object; /* its place in the order of objects */
    uint64_t place;  /* in the object, or among the rules */
    uint32_t rank, index;
};

static bool ends_in(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);
    return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

static void rank(const struct examined *examined, const struct examined_finding *finding,
                 struct key *key)
{
    const struct ruleset *set = report_set(examined, finding);
    struct ruleset_label label;
    key->place = (uint64_t)finding->set << 32 | finding->rule;
    if (finding->rule >= set->rule_count) {
        key->rank = RANK_DIGEST;
        return;
    }
    ruleset_label(set, finding->rule, &label);
    uint32_t targets = set->gates[finding->rule].targets;
    bool typed = !(targets & (TARGET_BIT(TARGET_ANY) | TARGET_BIT(TARGET_RULES)));
    if (targets & TARGET_BIT(TARGET_LINK))
        key->object = UINT64_MAX;
    bool text = typed && targets & TARGET_BIT(TARGET_TEXT);
    bool body = ends_in(label.name_space, ".ndb") || ends_in(label.name_space, ".ndu");
    if (body && finding->pattern_count) {
        const struct examined_pattern *pattern = &examined->pattern.at[finding->pattern_start];
        if (pattern->match_count)
            key->place = examined->match.at[pattern->match_start].offset;
    }
    if (label.rule->flags & RULE_SIGNER)
        key->rank = RANK_SIGNER;
    else if (typed && targets & TARGET_BIT(TARGET_HTML))
        key->rank = RANK_HTML;
    else if (body)
        key->rank = text ? RANK_TEXT_BODY : typed ? RANK_BODY_TYPED : RANK_BODY;
    else
        key->rank = text ? RANK_TEXT_LOGIC : typed ? RANK_LOGIC_TYPED : RANK_LOGIC;
}

/* Kinds whose own bytes come before what is in them. */
static bool is_own_first(bytes kind)
{
    static const char *const kinds[] = {"", "pe", "elf", "macho", "script", "upx", "text"};
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (bytes_is(kind, kinds[i]))
            return true;
    return false;
}

/* Numbers objects as they are looked at: descendants before or after the object itself. Objects
 * come in the order of a walk from above, so a number is made of the positions on the way. */
static uint64_t *place_objects(const struct examined *examined)
{
    uint32_t count = examined->object.n;
    uint64_t *place = calloc(count + 1, sizeof *place);
    uint32_t *last = calloc(count + 1, sizeof *last); /* of its descendants, itself included */
    for (uint32_t i = count; place && last && i-- > 0;) {
        const struct examined_object *object = &examined->object.at[i];
        last[i] = last[i] > i ? last[i] : i;
        if (i && last[i] > last[object->parent])
            last[object->parent] = last[i];
    }
    for (uint32_t i = 0; place && last && i < count; i++) {
        const struct examined_object *object = &examined->object.at[i];
        bool first = is_own_first(object->kind);
        /* After all descendants, and of those that end there too, the inner ones first. */
        place[i] = first ? (uint64_t)i << 32 : (uint64_t)last[i] << 32 | (count - i);
    }
    free(last);
    return place;
}

static int order(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    if (x->object != y->object)
        return x->object < y->object ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Where the last of its patterns was found first. */
static uint64_t last_place(const struct examined *examined,
                           const struct examined_finding *finding)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < finding->pattern_count; i++) {
        const struct examined_pattern *pattern =
            &examined->pattern.at[finding->pattern_start + i];
        if (pattern->match_count && examined->match.at[pattern->match_start].offset > last)
            last = examined->match.at[pattern->match_start].offset;
    }
    return last;
}

bool report_clamscan_same_pass(const struct examined *examined,
                               const struct examined_finding *a,
                               const struct examined_finding *b)
{
    struct key first = {.object = a->object}, second = {.object = b->object};
    rank(examined, a, &first);
    rank(examined, b, &second);
    if (first.object != second.object)
        return false;
    /* Of a text, logic knows what was seen before the body. */
    if (first.rank == RANK_TEXT_BODY && second.rank == RANK_TEXT_LOGIC)
        return last_place(examined, b) >= first.place;
    return first.rank == second.rank &&
           (first.rank == RANK_BODY_TYPED || first.rank == RANK_BODY ||
            first.rank == RANK_HTML || first.rank == RANK_TEXT_BODY);
}

uint32_t *report_clamscan_order(const struct examined *examined)
{
    uint32_t count = examined->finding.n;
    struct key *keys = calloc((size_t)count + 1, sizeof *keys);
    uint32_t *ret = calloc((size_t)count + 1, sizeof *ret);
    uint64_t *places = place_objects(examined);
    if (!keys || !ret || !places) {
        free(ret);
        ret = NULL;
    }
    for (uint32_t i = 0; ret && i < count; i++) {
        keys[i].index = i;
        keys[i].object = places[examined->finding.at[i].object];
        rank(examined, &examined->finding.at[i], &keys[i]);
    }
    if (ret)
        qsort(keys, count, sizeof *keys, order);
    for (uint32_t i = 0; ret && i < count; i++)
        ret[i] = keys[i].index;
    free(keys);
    free(places);
    return ret;
}
