/* Pairs of an original and its encrypted copy, hostile: learning never crashes, and what it has
 * learned from pairs that agree gives back those pairs but for what it says is lost.
 *
 * An input: number of pairs (1), then for each the sizes of both (u16, little endian), then
 * their bytes; what is left is another file to open. */
#include "rescue/pair/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAIRS = 4, MEMORY = 160 << 20 };

static void check_file(const struct pair_scheme *scheme, bytes encrypted, bytes plain,
                       bool known, struct arena *arena)
{
    struct source source = source_of_bytes(encrypted, bytes_of("a"));
    struct recipe recipe = {0};
    bytes out = {0};
    uint64_t wrong = 0;
    if (pair_recipe(scheme, &source, arena, &recipe, NULL))
        return;
    if (recipe.lost > recipe.size || recipe.size > encrypted.len ||
        recipe_bytes(&recipe, &source, arena, &out, NULL))
        abort();
    if (!known || out.len != plain.len)
        return;
    for (size_t i = 0; i < out.len; i++)
        wrong += out.at[i] != plain.at[i];
    if (wrong > recipe.lost)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bytes all = {data, size}, plain[PAIRS], encrypted[PAIRS];
    struct pair pairs[PAIRS];
    size_t count = size ? data[0] % (PAIRS + 1) : 0, at = 1 + 4 * count;
    for (size_t i = 0; i < count; i++) {
        uint16_t a = 0, b = 0;
        bytes_le16(all, 1 + 4 * i, &a);
        bytes_le16(all, 3 + 4 * i, &b);
        plain[i] = bytes_slice(all, at, a);
        encrypted[i] = bytes_slice(all, at + plain[i].len, b);
        at += plain[i].len + encrypted[i].len;
        pairs[i] = (struct pair){source_of_bytes(plain[i], bytes_of("a")),
                                 source_of_bytes(encrypted[i], bytes_of("a.x"))};
    }
    struct arena *arena = arena_new(MEMORY);
    struct budget budget = {.steps = 1 << 24};
    struct pair_scheme scheme;
    if (arena && !pair_learn(pairs, count, arena, &budget, &scheme, NULL)) {
        bytes words = pair_words(&scheme, arena);
        if (!words.len || scheme.pairs > count)
            abort();
        for (size_t i = 0; i < count; i++)
            check_file(&scheme, encrypted[i], plain[i], scheme.pairs == count && budget.steps,
                       arena);
        check_file(&scheme, bytes_slice(all, at, SIZE_MAX), (bytes){0}, false, arena);
    }
    arena_free(arena);
    return 0;
}
