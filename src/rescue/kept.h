/* kept — recipes that a worker made while it planned, for when they are carried out: to open a
 * sealed key once more would cost more than a small file does.
 *
 * A recipe is kept as a copy that refers to nothing of its file; those that are long, or carry
 * a cipher of their own, are not kept, and made again. */
#pragma once
#include "rescue/recipe.h"

struct kept_row {
    uint32_t ticket;
    int32_t family, key;
    struct recipe recipe;
};

struct kept {
    struct arena *arena;      /* the caller's */
    VEC(struct kept_row) row; /* by ticket */
};

/* Keeps what is planned for a file; instead of what was kept before for the same ticket. */
void kept_put(struct kept *kept, uint32_t ticket, int32_t family, int32_t key,
              const struct recipe *recipe);
/* NULL: nothing is kept for these three. */
const struct recipe *kept_find(const struct kept *kept, uint32_t ticket, int32_t family,
                               int32_t key);
