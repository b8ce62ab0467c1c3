/* jsontree — JSON text as a tree in an arena, read by jansson.
 *
 * jansson allocates for itself while it reads, and gives all of it back before this returns.
 * Its first object in a process seeds a hash from /dev/urandom. */
#pragma once
#include "base/arena.h"

enum jsontree_kind {
    JSONTREE_OTHER,
    JSONTREE_INTEGER,
    JSONTREE_TEXT,
    JSONTREE_LIST,
    JSONTREE_MAP
};

/* OTHER: null, true, false, and numbers with a fraction. */
struct jsontree {
    enum jsontree_kind kind;
    int64_t integer;
    bytes text;             /* UTF-8; may hold NULs */
    bytes key;              /* of a member of a MAP */
    struct jsontree *items; /* of LIST and MAP */
    size_t count;
};

/* The tree of a list or map, JSON's two kinds of document; of two members with the same key the
 * last counts. -EBADMSG when it is not JSON, *why says where; -ENOMEM when the arena is full.
 */
int jsontree_parse(bytes text, struct arena *arena, struct jsontree **ret,
                   struct why *why) MUST_USE;
/* The member of a map, or NULL: also where `map` is NULL or no map. */
const struct jsontree *jsontree_member(const struct jsontree *map, const char *key);
