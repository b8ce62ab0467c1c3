/* names — a table from (scope, name) to a number, for identifiers while rules are compiled.
 *
 * Grows in the arena; names are borrowed. */
#pragma once
#include "base/arena.h"

struct names_slot {
    uint64_t hash, scope;
    bytes name;
    uint32_t value;
    bool used;
};

struct names {
    struct names_slot *slots;
    uint32_t size, used; /* size: a power of two, or 0 */
};

/* False when there is no such name. */
bool names_find(const struct names *names, uint64_t scope, bytes name, uint32_t *ret);
/* Adds or replaces. False when the arena is full. */
bool names_put(struct names *names, struct arena *arena, uint64_t scope, bytes name,
               uint32_t value) MUST_USE;
