/* buckets — sorts the atoms by their last bytes and joins neighbours until eight are left. */
#include "match/buckets.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 8, JOINED_MOST = 128, ZERO_WEIGHT = 64 };

/* Atoms in a row of the sorted list, and the half bytes that they allow. */
struct bucket {
    uint32_t first, count;
    uint16_t low[FIND_BYTES], high[FIND_BYTES]; /* [0]: the last byte */
    uint64_t weight;
};

/* Last byte first; equal atoms stand together. */
static int compare_atoms(const void *a, const void *b)
{
    const struct program_atom *x = *(const struct program_atom *const *)a,
                              *y = *(const struct program_atom *const *)b;

    for (uint32_t i = 1; i <= x->length && i <= y->length; i++) {
        if (x->mask[x->length - i] != y->mask[y->length - i])
            return x->mask[x->length - i] < y->mask[y->length - i] ? -1 : 1;
        if (x->value[x->length - i] != y->value[y->length - i])
            return x->value[x->length - i] < y->value[y->length - i] ? -1 : 1;
    }
    return (int)x->length - (int)y->length;
}

/* Half bytes that agree with `value` in the bits of `mask`. */
static uint16_t half_bytes(unsigned value, unsigned mask)
{
    uint16_t set = 0;

    for (unsigned half = 0; half < 16; half++)
        if ((half & mask) == (value & mask))
            set |= (uint16_t)(1u << half);
    return set;
}

/* How often the bucket reports: the share of four bytes that it allows. Zeros are common. */
static uint64_t weigh(const struct bucket *bucket)
{
    uint64_t weight = 1;

    for (uint32_t i = 0; i < FIND_BYTES; i++)
        weight *= (uint32_t)__builtin_popcount(bucket->low[i]) *
                      (uint32_t)__builtin_popcount(bucket->high[i]) +
                  (bucket->low[i] & bucket->high[i] & 1 ? ZERO_WEIGHT : 0);
    return weight;
}

static struct bucket bucket_of(const struct program_atom *atom, uint32_t at)
{
    struct bucket bucket = {.first = at, .count = 1};

    for (uint32_t i = 0; i < FIND_BYTES; i++) {
        bool has = i < atom->length;
        unsigned value = has ? atom->value[atom->length - 1 - i] : 0,
                 mask = has ? atom->mask[atom->length - 1 - i] : 0;
        bucket.low[i] = half_bytes(value & 15, mask & 15);
        bucket.high[i] = half_bytes(value >> 4, mask >> 4);
    }
    bucket.weight = weigh(&bucket);
    return bucket;
}

static struct bucket join(const struct bucket *a, const struct bucket *b)
{
    struct bucket both = *a;

    both.count += b->count;
    for (uint32_t i = 0; i < FIND_BYTES; i++) {
        both.low[i] |= b->low[i];
        both.high[i] |= b->high[i];
    }
    both.weight = weigh(&both);
    return both;
}

/* Joins the two neighbours that this makes worse the least. */
static uint32_t join_best(struct bucket *list, uint32_t n)
{
    uint64_t least = UINT64_MAX;
    uint32_t best = 0;

    for (uint32_t i = 0; i + 1 < n; i++) {
        struct bucket both = join(&list[i], &list[i + 1]);
        uint64_t parts = list[i].weight + list[i + 1].weight,
                 more = both.weight > parts ? both.weight - parts : 0;
        if (more < least) {
            least = more;
            best = i;
        }
    }
    list[best] = join(&list[best], &list[best + 1]);
    memmove(&list[best + 1], &list[best + 2], (n - best - 2) * sizeof *list);
    return n - 1;
}

/* The sorted atoms as buckets: one for each different atom, or even pieces where that is too
 * many to choose from. Returns their number. */
static uint32_t cut(struct program_atom *const *sorted, uint32_t n, struct bucket *list)
{
    uint32_t different = 0, count = 0;

    for (uint32_t i = 0; i < n; i++)
        different += !i || compare_atoms(&sorted[i - 1], &sorted[i]) != 0;
    for (uint32_t i = 0, seen = 0; i < n; i++) {
        struct bucket own = bucket_of(sorted[i], i);
        bool same = i && !compare_atoms(&sorted[i - 1], &sorted[i]);
        seen += !same;
        if (count && (same || (different > JOINED_MOST &&
                               (uint64_t)(seen - 1) * JOINED_MOST / different < count)))
            list[count - 1] = join(&list[count - 1], &own);
        else
            list[count++] = own;
    }
    return count;
}

bool buckets_fill(struct program_draft *draft)
{
    struct bucket list[JOINED_MOST + 1];
    struct program_atom **sorted;
    uint32_t n = draft->atoms.n, count;
    bool everywhere = false;

    finder_init(&draft->head.finder, false);
    sorted = PUSH_ARRAY(draft->arena, struct program_atom *, n);
    if (!sorted)
        return false;
    for (uint32_t i = 0; i < n; i++)
        sorted[i] = &draft->atoms.at[i];
    qsort(sorted, n, sizeof(struct program_atom *), compare_atoms);
    count = cut(sorted, n, list);
    while (count > BUCKETS)
        count = join_best(list, count);
    for (uint32_t b = 0; b < count; b++)
        for (uint32_t i = list[b].first; i < list[b].first + list[b].count; i++) {
            struct program_atom *atom = sorted[i];
            atom->buckets = (uint8_t)(1u << b);
            if (atom->length)
                finder_add(&draft->head.finder, b, atom->value, atom->mask, atom->length);
            else
                everywhere = true;
        }
    if (everywhere)
        draft->head.finder.depth = 0;
    return true;
}
