#include "rescue/salvage/map/again.h"

#include <string.h>

enum {
    PAGE = 4096,
    LOOK_MOST = 8 << 20,        /* bytes that are learned from, each time */
    SHORT_RUN = 1024,           /* bytes: longer ones repeat nothing within reach of a model */
    LEAST = 1024,               /* bytes of ciphertext that must be there to judge */
    STRANGE = MAP_EIGHTHS / 4,  /* a byte of random ones says less than this */
    STRANGER = MAP_EIGHTHS / 2, /* and so much less than what is as far from the next run */
    CANDIDATES = 8,
};

struct candidates {
    struct pattern at[CANDIDATES];
    uint32_t n;
};

/* What is alike but for its trailer is one. */
static void collect(void *to, const struct pattern *pattern)
{
    struct candidates *all = to;
    if (!pattern->fixed || !pattern->run || pattern->run >= SHORT_RUN ||
        pattern->stride < 3 * pattern->run || all->n == CANDIDATES)
        return;
    for (uint32_t i = 0; i < all->n; i++)
        if (all->at[i].start == pattern->start && all->at[i].stride == pattern->stride)
            return;
    all->at[all->n++] = *pattern;
}

static bytes part_of(const struct map *map, uint64_t from, uint64_t to)
{
    return bytes_slice(map->file, (size_t)from, (size_t)(to - from));
}

/* Learns from what is plain in the page, or (`says`) adds up what the rest of it says. */
static void look(const struct map *as, struct map_model *model, uint64_t from, uint64_t to,
                 int64_t *says, uint64_t *seen)
{
    while (from < to) {
        uint64_t end = map_plain_end(as, from, to), next = map_plain_next(as, end, to);
        if (!says) {
            map_model_learn(model, part_of(as, from, end));
        } else if (next > end) {
            *says += map_model_score(model, as->file.at + end, (size_t)(next - end));
            *seen += next - end - 1;
        }
        from = next;
    }
}

/* What a byte of the pattern's runs says, in eighths of a bit, by what was learned from all
 * others; INT64_MAX when too few were seen. */
static int64_t strangeness(struct map *map, const struct pattern *pattern)
{
    struct map as = {.file = map->file, .regular = true, .pattern = *pattern};
    uint64_t step = map->file.len / LOOK_MOST + 1, seen = 0;
    int64_t says = 0;
    memset(map->model->seen, 0, sizeof map->model->seen);
    for (int pass = 0; pass < 2; pass++) {
        for (uint64_t at = 0; at < map->file.len; at += PAGE * step) {
            uint64_t to = map->file.len - at < PAGE ? map->file.len : at + PAGE;
            look(&as, map->model, at, to, pass ? &says : NULL, &seen);
            if (!budget_charge(map->budget, PAGE / 4))
                return INT64_MAX;
        }
        if (pass == 0)
            map_model_finish(map->model);
    }
    return seen < LEAST ? INT64_MAX : says / (int64_t)seen;
}

bool map_again(struct map *map, struct pattern *ret)
{
    struct candidates all = {.n = 0};
    int64_t best = STRANGE;
    bool found = false;
    pattern_known(map->file.len, collect, &all);
    for (uint32_t i = 0; i < all.n; i++) {
        struct pattern aside = all.at[i];
        int64_t says = strangeness(map, &all.at[i]);
        if (says >= best)
            continue;
        aside.start += aside.stride / 2;
        int64_t beside = strangeness(map, &aside);
        if (beside == INT64_MAX || says + STRANGER > beside)
            continue;
        best = says;
        *ret = all.at[i];
        found = true;
    }
    return found;
}
