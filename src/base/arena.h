/* arena — a region of memory that is given back all at once.
 *
 * Everything found out about one object, or built for one ruleset, lives in one arena and dies
 * with it. An arena has a maximum; what would go over it is refused with NULL, which the
 * caller turns into -ENOMEM or a limit. Pushing is a few instructions; nothing is freed alone.
 * An arena is used by one thread at a time. Under ASan the unused part is poisoned. */
#pragma once
#include "base/base.h"

struct arena;

struct arena_mark {
    void *chunk;
    size_t used, total;
};

/* A new arena that will never hold more than `max` bytes; NULL when the system refuses. */
struct arena *arena_new(size_t max);
/* NULL is fine. Returns NULL, so that `a = arena_free(a)` leaves nothing to use by mistake. */
struct arena *arena_free(struct arena *arena);
/* Forgets everything pushed, keeps the first chunks of memory for the next use. */
void arena_reset(struct arena *arena);
/* `size` zeroed bytes aligned to 16, or NULL over the maximum. Size 0 gives a valid pointer. */
void *arena_push(struct arena *arena, size_t size) MUST_USE;
/* The same without zeroing. */
void *arena_push_raw(struct arena *arena, size_t size) MUST_USE;
/* A copy of a view inside the arena, followed by a NUL; .at is NULL over the maximum. */
bytes arena_copy(struct arena *arena, bytes view);
/* snprintf into the arena; NUL-terminated view, .at NULL over the maximum. */
bytes arena_printf(struct arena *arena, const char *fmt, ...) LIKE_PRINTF(2, 3);
/* Bytes pushed so far. */
size_t arena_used(const struct arena *arena);
/* Forget everything pushed since the mark. */
struct arena_mark arena_mark(const struct arena *arena);
void arena_pop(struct arena *arena, struct arena_mark mark);

#define PUSH(arena, type)          ((type *)arena_push((arena), sizeof(type)))
#define PUSH_ARRAY(arena, type, n) ((type *)arena_push_array((arena), (n), sizeof(type)))

static inline void *arena_push_array(struct arena *arena, size_t count, size_t size)
{
    return count > SIZE_MAX / size ? NULL : arena_push(arena, count * size);
}

/* A growable array inside an arena: VEC(struct rule) rules = {0}; Growing moves the elements
 * and leaves the old copy to the arena, so hold indexes, not pointers. */
#define VEC(type)                                                                              \
    struct {                                                                                   \
        type *at;                                                                              \
        uint32_t n, cap;                                                                       \
    }
/* Pointer to a new zeroed last element, or NULL over the arena's maximum. */
#define vec_push(arena, vec)                                                                   \
    ((__typeof__((vec)->at))vec_grow((arena), (void **)&(vec)->at, &(vec)->n, &(vec)->cap, 1,  \
                                     sizeof *(vec)->at))
/* The same for `count` elements in a row: pointer to the first; valid for a count of 0. */
#define vec_push_many(arena, vec, count)                                                       \
    ((__typeof__((vec)->at))vec_grow((arena), (void **)&(vec)->at, &(vec)->n, &(vec)->cap,     \
                                     (count), sizeof *(vec)->at))
void *vec_grow(struct arena *arena, void **at, uint32_t *n, uint32_t *cap, size_t count,
               size_t size) MUST_USE;
