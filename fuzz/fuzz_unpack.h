/* fuzz_unpack — what holds for any container: the same bytes give the same tree twice; limits
 * hold; what was taken of the region and the arena is given back; a smaller budget gives a gap
 * or a stop, or changes nothing. */
#pragma once
#include "unpack/unpack.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_tree {
    struct unpack_run run;
    struct budget budget;
    uint64_t hash, objects, gaps;
};

static bool fuzz_child(void *to, const struct unpack *parent, const struct unpack_child *child)
{
    struct fuzz_tree *tree = to;
    if (child->data.len > tree->run.limits.one + (4u << 20))
        abort();
    tree->hash = hash64(child->name, hash64(child->data, tree->hash));
    tree->objects++;
    unpack_object(&tree->run, parent, child->name, child->data);
    return true;
}

static void fuzz_gap(void *to, const struct unpack *parent, bytes member, enum gap gap,
                     const char *text)
{
    struct fuzz_tree *tree = to;
    (void)parent;
    if (gap >= GAPS || !text[0])
        abort();
    tree->hash = hash64(member, hash64(bytes_of(text), tree->hash));
    tree->gaps++;
}

static void fuzz_run(struct fuzz_tree *ret, bytes data, struct arena *arena,
                     struct region *region, uint64_t steps)
{
    static const bytes passwords[] = {{(const uint8_t *)"infected", 8}};
    *ret = (struct fuzz_tree){.budget = {.steps = steps}};
    ret->run = (struct unpack_run){.limits = {8, 2000, 32u << 20, 8u << 20, 4},
                                   .passwords = passwords,
                                   .password_count = 1,
                                   .budget = &ret->budget,
                                   .arena = arena,
                                   .region = region,
                                   .sink = {.to = ret, .child = fuzz_child, .gap = fuzz_gap}};
    arena_reset(arena);
    region->used = 0;
    unpack_object(&ret->run, NULL, bytes_of("x.zip"), data);
    if (region->used != 0 || ret->run.members > ret->run.limits.members)
        abort();
}

/* One input, all of it, whatever formats it fits. */
static int fuzz_unpack(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    static struct region region = {.size = 64u << 20};
    struct fuzz_tree first, second, small;
    if (!arena) {
        arena = arena_new(256 << 20);
        region.at = mmap(NULL, region.size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    uint8_t *copy = malloc(size ? size : 1); /* exact: ASan sees a byte too far */
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    bytes view = {copy, size};
    fuzz_run(&first, view, arena, &region, UINT64_C(1) << 26);
    fuzz_run(&second, view, arena, &region, UINT64_C(1) << 26);
    if (first.hash != second.hash || first.objects != second.objects)
        abort();
    fuzz_run(&small, view, arena, &region, 3000);
    if (small.hash != first.hash && small.budget.hit == LIMIT_NONE && !small.gaps)
        abort();
    free(copy);
    return 0;
}
