/* model — which bytes follow which in a file: it tells what is random from what is not, without
 * knowing what kind of file it is. */
#pragma once
#include "base/base.h"

enum { MAP_EIGHTHS = 8, MAP_CONTEXTS = 256 };

/* What one byte after another says, in eighths of a bit: positive, it is not random. */
struct map_model {
    uint32_t seen[MAP_CONTEXTS][MAP_CONTEXTS], all[MAP_CONTEXTS];
    int8_t says[MAP_CONTEXTS][MAP_CONTEXTS];
};

/* log2(num / den) in eighths, to the nearest below; both above 0 and below 2^47. */
int map_eighths(uint64_t num, uint64_t den);
/* Counts the pairs in `part`; `seen` was cleared before the first. */
void map_model_learn(struct map_model *model, bytes part);
/* Works out `says` of what was counted. */
void map_model_finish(struct map_model *model);
/* The sum of what n - 1 bytes say, each of the one before it, in eighths of a bit; n below
 * 2^25. */
int32_t map_model_score(const struct map_model *model, const uint8_t *at, size_t n);
