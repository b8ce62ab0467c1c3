/* Sorts the first bytes of tiny literals into TINY_CLASSES, so that the pairs and triples which
 * the classes let through without need are rare in clean files. */
#include "match/literals/literals_tiny.h"

#include <string.h>

struct cluster {
    bool first[256], second[256], third[256];
    float share[256]; /* of positions that have one of `first` and then this byte */
    float cost;
    bool is_used;
};

struct clusters {
    struct cluster of[256];
    float cost[256][256]; /* what merging two would add */
    float byte_share[256];
    float share_of_cost[256];
    uint32_t used;
};

static float cluster_cost(const struct clusters *all, const struct cluster *a,
                          const struct cluster *b)
{
    float pairs = 0, thirds = 0;
    for (int i = 0; i < 256; i++) {
        pairs += a->second[i] || b->second[i] ? a->share[i] + b->share[i] : 0;
        thirds += a->third[i] || b->third[i] ? all->byte_share[i] : 0;
    }
    return pairs * (thirds < 1 ? thirds : 1);
}

static void clusters_start(struct clusters *all, const struct literal *literals,
                           const uint32_t *numbers, uint32_t count)
{
    static const struct cluster none;
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            float share = all->share_of_cost[frequency_pair((uint8_t)a, (uint8_t)b)];
            all->of[a].share[b] = share;
            all->byte_share[b] += share;
        }
    for (uint32_t i = 0; i < count; i++) {
        const struct literal *literal = &literals[numbers[i]];
        uint8_t pair[2];
        for (uint32_t k = 0; k < 4; k++) {
            if (!literals_tiny_spelling(literal, k, pair))
                continue;
            struct cluster *to = &all->of[pair[0]];
            all->used += !to->is_used;
            to->is_used = to->first[pair[0]] = to->second[pair[1]] = true;
            if (literal->text.len == 2) {
                memset(to->third, true, sizeof to->third);
            } else {
                uint8_t third = literal->text.at[2];
                to->third[third] = true;
                if (literal->nocase && third >= 'a' && third <= 'z')
                    to->third[third ^ 0x20] = true;
            }
        }
    }
    for (int a = 0; a < 256; a++)
        all->of[a].cost = cluster_cost(all, &all->of[a], &none);
}

static void clusters_price(struct clusters *all, int a)
{
    for (int b = 0; b < 256; b++) {
        if (a == b || !all->of[b].is_used)
            continue;
        float cost =
            cluster_cost(all, &all->of[a], &all->of[b]) - all->of[a].cost - all->of[b].cost;
        all->cost[a][b] = all->cost[b][a] = cost;
    }
}

static void clusters_merge(struct clusters *all)
{
    int to = -1, from = -1;
    for (int a = 0; a < 256; a++)
        for (int b = a + 1; b < 256 && all->of[a].is_used; b++)
            if (all->of[b].is_used && (to < 0 || all->cost[a][b] < all->cost[to][from])) {
                to = a;
                from = b;
            }
    struct cluster *a = &all->of[to], *b = &all->of[from];
    a->cost = cluster_cost(all, a, b);
    for (int i = 0; i < 256; i++) {
        a->first[i] |= b->first[i];
        a->second[i] |= b->second[i];
        a->third[i] |= b->third[i];
        a->share[i] += b->share[i];
    }
    b->is_used = false;
    all->used--;
    clusters_price(all, to);
}

bool literals_tiny_classes(const struct literal *literals, const uint32_t *numbers,
                           uint32_t count, struct arena *temporary, struct tiny_gate *ret)
{
    struct clusters *all = PUSH(temporary, struct clusters);
    if (!all)
        return false;
    float share = 1;
    for (int cost = 255; cost >= 0; cost--) {
        all->share_of_cost[cost] = share;
        share *= 0.917004f; /* 2^(-1/8) */
    }
    clusters_start(all, literals, numbers, count);
    for (int a = 0; a < 256; a++)
        if (all->of[a].is_used)
            clusters_price(all, a);
    while (all->used > TINY_CLASSES)
        clusters_merge(all);
    uint8_t class = 1;
    for (int a = 0; a < 256; a++) {
        if (!all->of[a].is_used)
            continue;
        for (int i = 0; i < 256; i++) {
            ret->first[i] |= all->of[a].first[i] ? class : 0;
            ret->third[i] |= all->of[a].third[i] ? class : 0;
        }
        class = (uint8_t)(class << 1);
    }
    return true;
}
