#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif
#ifdef ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { ALIGN = 16, FIRST_CHUNK = 64 << 10, LARGEST_STEP = 8 << 20, LARGE = 1 << 20 };

struct chunk {
    struct chunk *next; /* the chunk used after this one; kept by reset */
    size_t size, used;
    size_t high; /* from here on all bytes are zero: nothing was ever pushed there */
    _Alignas(ALIGN) uint8_t data[];
};

/* Chunks form a list in order of use; `now` is the one being filled. Those behind it are
 * empty leftovers of a reset or a pop. */
struct arena {
    size_t max, total; /* bytes the caller has pushed, with alignment */
    struct chunk *first, *now;
};

static void *map(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static struct chunk *chunk_new(size_t size)
{
    /* The system's pages are zero: of large tables, only what is used costs memory. (calloc
     * writes zeros once its heap has grown.) */
    bool large = size >= LARGE;
    struct chunk *chunk = large ? map(sizeof *chunk + size) : malloc(sizeof *chunk + size);
    if (!chunk)
        return NULL;
    chunk->next = NULL;
    chunk->size = size;
    chunk->used = 0;
    chunk->high = large ? 0 : size;
    POISON(chunk->data, size);
    return chunk;
}

struct arena *arena_new(size_t max)
{
    struct arena *arena = malloc(sizeof *arena);
    if (!arena)
        return NULL;
    *arena = (struct arena){.max = max};
    return arena;
}

static void chunks_free(struct chunk *chunk)
{
    while (chunk) {
        struct chunk *next = chunk->next;
        UNPOISON(chunk->data, chunk->size);
        if (chunk->size >= LARGE)
            munmap(chunk, sizeof *chunk + chunk->size);
        else
            free(chunk);
        chunk = next;
    }
}

struct arena *arena_free(struct arena *arena)
{
    if (arena) {
        chunks_free(arena->first);
        free(arena);
    }
    return NULL;
}

static void chunk_empty(struct chunk *chunk)
{
    chunk->used = 0;
    POISON(chunk->data, chunk->size);
}

void arena_reset(struct arena *arena)
{
    /* Keep what a normal object needs; give a monster's memory back. */
    size_t kept = 0;
    for (struct chunk *chunk = arena->first; chunk; chunk = chunk->next) {
        chunk_empty(chunk);
        kept += chunk->size;
        if (kept >= LARGEST_STEP && chunk->next) {
            chunks_free(chunk->next);
            chunk->next = NULL;
        }
    }
    arena->now = arena->first;
    arena->total = 0;
}

static struct chunk *chunk_for(struct arena *arena, size_t size)
{
    struct chunk *now = arena->now;
    while (now && now->next) {
        now = now->next;
        if (now->size >= size) {
            arena->now = now;
            return now;
        }
    }
    size_t step = now ? now->size * 2 : FIRST_CHUNK;
    if (step > LARGEST_STEP)
        step = LARGEST_STEP;
    struct chunk *chunk = chunk_new(size > step ? size : step);
    if (!chunk)
        return NULL;
    if (now)
        now->next = chunk;
    else
        arena->first = chunk;
    arena->now = chunk;
    return chunk;
}

/* *ret_dirty: how many of the bytes may not be zero. */
static uint8_t *push(struct arena *arena, size_t size, size_t *ret_dirty)
{
    if (size > SIZE_MAX - ALIGN)
        return NULL;
    size_t room = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (room > arena->max - arena->total || arena->total > arena->max)
        return NULL;
    struct chunk *chunk = arena->now;
    if (!chunk || room > chunk->size - chunk->used) {
        chunk = chunk_for(arena, room);
        if (!chunk)
            return NULL;
    }
    uint8_t *at = chunk->data + chunk->used;
    size_t dirty = chunk->high > chunk->used ? chunk->high - chunk->used : 0;
    *ret_dirty = dirty < size ? dirty : size;
    chunk->used += room;
    if (chunk->high < chunk->used)
        chunk->high = chunk->used;
    arena->total += room;
    UNPOISON(at, size);
    return at;
}

void *arena_push_raw(struct arena *arena, size_t size)
{
    size_t dirty;
    return push(arena, size, &dirty);
}

void *arena_push(struct arena *arena, size_t size)
{
    size_t dirty;
    uint8_t *at = push(arena, size, &dirty);
    if (at)
        memset(at, 0, dirty);
    return at;
}

bytes arena_copy(struct arena *arena, bytes view)
{
    uint8_t *at = view.len == SIZE_MAX ? NULL : arena_push_raw(arena, view.len + 1);
    if (!at)
        return (bytes){NULL, 0};
    if (view.len)
        memcpy(at, view.at, view.len);
    at[view.len] = 0;
    return (bytes){at, view.len};
}

bytes arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *at = n < 0 ? NULL : arena_push_raw(arena, (size_t)n + 1);
    if (!at)
        return (bytes){NULL, 0};
    va_start(args, fmt);
    vsnprintf(at, (size_t)n + 1, fmt, args);
    va_end(args);
    return (bytes){(const uint8_t *)at, (size_t)n};
}

size_t arena_used(const struct arena *arena)
{
    return arena->total;
}

struct arena_mark arena_mark(const struct arena *arena)
{
    return (struct arena_mark){arena->now, arena->now ? arena->now->used : 0, arena->total};
}

void arena_pop(struct arena *arena, struct arena_mark mark)
{
    struct chunk *chunk = mark.chunk ? mark.chunk : arena->first;
    if (!chunk)
        return;
    chunk->used = mark.used;
    POISON(chunk->data + mark.used, chunk->size - mark.used);
    for (struct chunk *later = chunk->next; later; later = later->next)
        chunk_empty(later);
    arena->now = chunk;
    arena->total = mark.total;
}

void *vec_grow(struct arena *arena, void **at, uint32_t *n, uint32_t *cap, size_t count,
               size_t size)
{
    if (count > UINT32_MAX - *n)
        return NULL;
    if (count > *cap - *n || !*at) {
        uint64_t want = (uint64_t)*n + count, room = *cap ? (uint64_t)*cap * 2 : 8;
        while (room < want)
            room *= 2;
        if (room > UINT32_MAX)
            room = UINT32_MAX;
        void *moved = room > SIZE_MAX / size ? NULL : arena_push_raw(arena, room * size);
        if (!moved)
            return NULL;
        if (*n)
            memcpy(moved, *at, *n * size);
        *at = moved;
        *cap = (uint32_t)room;
    }
    uint8_t *fresh = (uint8_t *)*at + *n * size;
    memset(fresh, 0, count * size);
    *n += (uint32_t)count;
    return fresh;
}
