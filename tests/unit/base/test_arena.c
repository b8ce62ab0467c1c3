#include "base/arena.h"
#include "tap.h"

static void refuses_more_than_its_maximum(void)
{
    struct arena *arena = arena_new(1000);
    CHECK(arena_push(arena, 900) != NULL);
    CHECK(arena_push(arena, 200) == NULL);
    CHECK(arena_push(arena, SIZE_MAX) == NULL);
    CHECK(arena_push(arena, 16) != NULL);
    arena_free(arena);
}

static void gives_zeroed_aligned_memory_again_after_reset_and_pop(void)
{
    struct arena *arena = arena_new(64 << 20);
    bool zeroed = true, aligned = true;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 1; i < 3000; i++) {
            struct arena_mark mark = arena_mark(arena);
            uint8_t *p = arena_push(arena, i);
            aligned = aligned && (uintptr_t)p % 16 == 0;
            for (size_t k = 0; k < i; k++)
                zeroed = zeroed && p[k] == 0;
            memset(p, 0xAA, i);
            if (i % 3 == 0)
                arena_pop(arena, mark);
        }
        arena_reset(arena);
        CHECK(arena_used(arena) == 0);
    }
    CHECK(zeroed);
    CHECK(aligned);
    arena_free(arena);
}

static void grows_a_vector_and_keeps_its_elements(void)
{
    struct arena *arena = arena_new(64 << 20);
    VEC(uint32_t) numbers = {0};
    for (uint32_t i = 0; i < 100000; i++)
        *vec_push(arena, &numbers) = i;
    bool kept = true;
    for (uint32_t i = 0; i < 100000; i++)
        kept = kept && numbers.at[i] == i;
    CHECK(kept);
    CHECK(vec_push_many(arena, &numbers, UINT32_MAX) == NULL);
    CHECK_INT(numbers.n, 100000);
    arena_free(arena);
}

int main(void)
{
    refuses_more_than_its_maximum();
    gives_zeroed_aligned_memory_again_after_reset_and_pop();
    grows_a_vector_and_keeps_its_elements();
    return tap_done();
}
