#include "unpack/image/disk/cache.h"

bool cache_open(struct cache *cache, size_t room, struct arena *arena)
{
    *cache = (struct cache){.room = room, .count = room > CACHE_LARGE ? 1 : CACHE_SLOTS};
    for (size_t i = 0; i < cache->count; i++) {
        cache->slots[i].at = arena_push_raw(arena, room);
        if (!cache->slots[i].at)
            return false;
    }
    return true;
}

struct cache_slot *cache_find(struct cache *cache, uint64_t key, bool *ret_hit)
{
    struct cache_slot *oldest = &cache->slots[0];
    *ret_hit = true;
    cache->clock++;
    for (size_t i = 0; i < cache->count; i++) {
        struct cache_slot *slot = &cache->slots[i];
        if (slot->key == key) {
            slot->used = cache->clock;
            return slot;
        }
        if (slot->used < oldest->used)
            oldest = slot;
    }
    *ret_hit = false;
    oldest->key = 0;
    oldest->used = cache->clock;
    return oldest;
}
