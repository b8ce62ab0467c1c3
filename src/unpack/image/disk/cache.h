/* cache — the last decoded blocks of a compressed disk: a file system is read here and there.
 */
#pragma once
#include "base/arena.h"

enum { CACHE_SLOTS = 8, CACHE_LARGE = 2 << 20 };

struct cache_slot {
    uint64_t key; /* what the caller knows the block by, not 0; 0: empty */
    uint8_t *at;  /* `room` bytes */
    size_t len;   /* the caller's */
    uint64_t used;
};

struct cache {
    struct cache_slot slots[CACHE_SLOTS];
    size_t room, count; /* of large blocks, only one is kept */
    uint64_t clock;
};

/* Room for blocks of up to `room` bytes; false when the arena is full. */
bool cache_open(struct cache *cache, size_t room, struct arena *arena) MUST_USE;
/* The block's slot, or (*ret_hit false) that which was not used for longest, emptied: the
 * caller decodes there, and sets key and len when that went well. */
struct cache_slot *cache_find(struct cache *cache, uint64_t key, bool *ret_hit);
