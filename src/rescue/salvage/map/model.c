/* How often which byte follows which, and what that says of a byte. */
#include "rescue/salvage/map/model.h"

#include <string.h>

enum {
    EIGHTHS = MAP_EIGHTHS,
    CONTEXTS = MAP_CONTEXTS,
    CLIP = 6 * EIGHTHS, /* what one byte can say */
    SELDOM = 16,
};

/* log2(num / den) in eighths, to the nearest below, without floating point: by the bits of
 * 32.32 numbers. num, den > 0. */
int map_eighths(uint64_t num, uint64_t den)
{
    int whole = 0, part = 0;
    while (num < den)
        num <<= 1, whole--;
    while (num >= 2 * den)
        den <<= 1, whole++;
    /* 1 <= num/den < 2: three squarings give three bits. */
    uint64_t x = (num << 16) / den;
    for (int i = 0; i < 3; i++) {
        x = x * x >> 16;
        part = part * 2 + (x >= 2 << 16);
        if (x >= 2 << 16)
            x >>= 1;
    }
    return whole * EIGHTHS + part;
}

void map_model_learn(struct map_model *model, bytes part)
{
    for (size_t i = 1; i < part.len; i++)
        model->seen[part.at[i - 1]][part.at[i]]++;
}

/* log2 of how much likelier than chance: `seen` of `all`. */
static int model_says(uint64_t seen, uint64_t all)
{
    /* Without the occurrence itself, and half a one for what was never seen. */
    seen -= seen > 0;
    all -= all > 0;
    int says = map_eighths((2 * seen + 1) * CONTEXTS, 2 * all + CONTEXTS);
    return says < -CLIP ? -CLIP : says > CLIP ? CLIP : says;
}

void map_model_finish(struct map_model *model)
{
    uint64_t alone[CONTEXTS] = {0}, total = 0;
    memset(model->all, 0, sizeof model->all);
    for (int a = 0; a < CONTEXTS; a++)
        for (int b = 0; b < CONTEXTS; b++) {
            model->all[a] += model->seen[a][b];
            alone[b] += model->seen[a][b];
            total += model->seen[a][b];
        }
    /* What seldom came before says nothing: then the byte speaks alone. */
    for (int a = 0; a < CONTEXTS; a++)
        for (int b = 0; b < CONTEXTS; b++)
            model->says[a][b] =
                (int8_t)(model->all[a] < SELDOM ? model_says(alone[b], total)
                                                : model_says(model->seen[a][b], model->all[a]));
}

int32_t map_model_score(const struct map_model *model, const uint8_t *at, size_t n)
{
    int32_t sum = 0;
    for (size_t i = 1; i < n; i++)
        sum += model->says[at[i - 1]][at[i]];
    return sum;
}
