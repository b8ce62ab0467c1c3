/* What a map that was solved says of bytes; its ranges are sorted and apart from each other. */
#include "rescue/salvage/map.h"

#include <errno.h>

/* The first range that ends behind `at`. */
static uint32_t range_of(const struct map *map, uint64_t at)
{
    uint32_t low = 0, high = map->encrypted.n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (map->encrypted.at[middle].to <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool map_is_plain(const struct map *map, uint64_t from, uint64_t to)
{
    uint32_t i = range_of(map, from);
    return from >= to || i == map->encrypted.n || map->encrypted.at[i].from >= to;
}

uint64_t map_plain_end(const struct map *map, uint64_t from, uint64_t to)
{
    uint32_t i = range_of(map, from);
    if (i == map->encrypted.n || map->encrypted.at[i].from >= to)
        return to;
    return map->encrypted.at[i].from > from ? map->encrypted.at[i].from : from;
}

uint64_t map_plain_next(const struct map *map, uint64_t from, uint64_t to)
{
    uint32_t i = range_of(map, from);
    if (i == map->encrypted.n || map->encrypted.at[i].from > from)
        return from < to ? from : to;
    return map->encrypted.at[i].to < to ? map->encrypted.at[i].to : to;
}

uint64_t map_plain_size(const struct map *map, uint64_t from, uint64_t to)
{
    uint64_t size = to - from;
    for (uint32_t i = range_of(map, from);
         i < map->encrypted.n && map->encrypted.at[i].from < to; i++) {
        uint64_t a = map->encrypted.at[i].from > from ? map->encrypted.at[i].from : from;
        uint64_t b = map->encrypted.at[i].to < to ? map->encrypted.at[i].to : to;
        size -= b - a;
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
