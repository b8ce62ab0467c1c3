/* solve — which pattern explains a map's evidence: the shortest story wins.
 *
 * Every pattern that a family can have used is told as a story, in bits: which one it is; each
 * thing that it does not explain (a break of structure, a stretch that looks random between
 * others that do not, bytes that should be plain and cannot be read), and each that it
 * contradicts (bytes that look plain and would be ciphertext). What is proven plain is never
 * contradicted. Costs only grow, so most stories end at their first ranges. */
#pragma once
#include "rescue/salvage/map/map.h"

struct solve {
    struct map *map; /* its ranges: what looks random by itself */
    /* The result. */
    struct pattern pattern;
    bool found; /* it is a shorter story than that nothing has a pattern */
    bool sure;  /* and much shorter than that of any other that covers something else */
};

void solve_run(struct solve *solve);
