/* What a map that was solved says of bytes; its ranges are sorted and apart from each other. */
#include "rescue/salvage/map/map.h"

#include <errno.h>

/* Of the ranges that were listed, the first that ends behind `at`. */
static bool listed(const struct map *map, uint64_t at, struct map_range *ret)
{
    uint32_t low = 0, high = map->encrypted.n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (map->encrypted.at[middle].to <= at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == map->encrypted.n)
        return false;
    *ret = map->encrypted.at[low];
    return true;
}

static void nearer(struct map_range *best, uint64_t at, uint64_t from, uint64_t to)
{
    if (from < to && to > at && from < best->from)
        *best = (struct map_range){from, to};
}

/* The same of a pattern's, worked out: hundreds of thousands need no memory. */
static bool computed(const struct map *map, uint64_t at, struct map_range *ret)
{
    const struct pattern *p = &map->pattern;
    uint64_t size = map->file.len, end = size - (p->trailer < size ? p->trailer : size);
    struct map_range best = {UINT64_MAX, 0};
    nearer(&best, at, 0, p->head < end ? p->head : end);
    if (p->run && p->start < end) {
        uint64_t n = p->stride && at > p->start ? (at - p->start) / p->stride : 0;
        n = p->count && n >= p->count ? p->count - 1 : n;
        /* Runs may be as long as their distance, or longer: the last one that reaches here. */
        for (; n && (n - 1) * p->stride + p->start + p->run > at; n--)
            ;
        for (int i = 0; i < 2 && (!p->count || n < p->count); i++, n++) {
            if (n && (!p->stride || n > (end - p->start) / p->stride))
                break;
            uint64_t from = p->start + n * p->stride;
            nearer(&best, at, from, end - from < p->run ? end : from + p->run);
        }
    }
    if (p->tail)
        nearer(&best, at, end - (p->tail < end ? p->tail : end), end);
    nearer(&best, at, end, size);
    *ret = best;
    return best.to > 0;
}

/* The first range that ends behind `at`; another may begin in it. */
static bool range_of(const struct map *map, uint64_t at, struct map_range *ret)
{
    return map->regular ? computed(map, at, ret) : listed(map, at, ret);
}

bool map_is_plain(const struct map *map, uint64_t from, uint64_t to)
{
    struct map_range range;
    return from >= to || !range_of(map, from, &range) || range.from >= to;
}

uint64_t map_plain_end(const struct map *map, uint64_t from, uint64_t to)
{
    struct map_range range;
    if (!range_of(map, from, &range) || range.from >= to)
        return to;
    return range.from > from ? range.from : from;
}

uint64_t map_plain_next(const struct map *map, uint64_t from, uint64_t to)
{
    struct map_range range;
    while (from < to && range_of(map, from, &range) && range.from <= from)
        from = range.to;
    return from < to ? from : to;
}

uint64_t map_plain_size(const struct map *map, uint64_t from, uint64_t to)
{
    uint64_t size = 0;
    while (from < to) {
        uint64_t end = map_plain_end(map, from, to);
        size += end - from;
        from = map_plain_next(map, end, to);
    }
    return size;
}

int map_part(struct map *map, const struct map *whole, uint64_t from, uint64_t to)
{
    VEC(struct map_range) holes = {0};
    for (uint64_t at = from; at < to;) {
        uint64_t end = map_plain_end(whole, at, to), next = map_plain_next(whole, end, to);
        struct map_range *hole = next > end ? vec_push(whole->arena, &holes) : NULL;
        if (next > end && !hole)
            return -ENOMEM;
        if (hole)
            *hole = (struct map_range){end - from, next - from};
        at = next;
    }
    return map_given(map, bytes_slice(whole->file, (size_t)from, (size_t)(to - from)), holes.at,
                     holes.n, whole->arena, whole->budget);
}
