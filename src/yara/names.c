#include "yara/names.h"

#include <string.h>

static uint64_t slot_hash(uint64_t scope, bytes name)
{
    return hash64(name, scope * 0x9e3779b97f4a7c15u + 1);
}

static struct names_slot *slot_of(const struct names *names, uint64_t hash, uint64_t scope,
                                  bytes name)
{
    for (uint64_t i = hash;; i++) {
        struct names_slot *slot = &names->slots[i & (names->size - 1)];
        if (!slot->used ||
            (slot->hash == hash && slot->scope == scope && bytes_equal(slot->name, name)))
            return slot;
    }
}

bool names_find(const struct names *names, uint64_t scope, bytes name, uint32_t *ret)
{
    if (names->size == 0)
        return false;
    const struct names_slot *slot = slot_of(names, slot_hash(scope, name), scope, name);
    if (!slot->used)
        return false;
    *ret = slot->value;
    return true;
}

static bool names_grow(struct names *names, struct arena *arena)
{
    uint32_t size = names->size ? names->size * 2 : 64;
    struct names bigger = {PUSH_ARRAY(arena, struct names_slot, size), size, names->used};
    if (!bigger.slots)
        return false;
    for (uint32_t i = 0; i < names->size; i++) {
        struct names_slot *old = &names->slots[i];
        if (old->used)
            *slot_of(&bigger, old->hash, old->scope, old->name) = *old;
    }
    *names = bigger;
    return true;
}

bool names_put(struct names *names, struct arena *arena, uint64_t scope, bytes name,
               uint32_t value)
{
    if (names->used * 2 >= names->size && !names_grow(names, arena))
        return false;
    uint64_t hash = slot_hash(scope, name);
    struct names_slot *slot = slot_of(names, hash, scope, name);
    if (slot->used) {
        slot->value = value;
        return true;
    }
    /* The source that the name stands in may be gone before the next one is read. */
    bytes kept = arena_copy(arena, name);
    if (!kept.at)
        return false;
    names->used++;
    *slot = (struct names_slot){hash, scope, kept, value, true};
    return true;
}
