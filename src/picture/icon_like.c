/* Points for each area: the nearest of the other icon's areas of its kind, if it is as near and
 * as alike as is asked for; then an average, and a threshold. Integers throughout. */
#include "picture/icon.h"

#include <math.h>
#include <stdlib.h>

enum {
    LEVELS = 255,
    COLOUR_LEVELS = 4072,
    COLOURLESS_LEAST = 70,
    LEAST = 64,  /* for 32 pixels, and */
    SMALLER = 4, /* more for each size below */
    SPREAD = 10, /* points off for each percent of a colour */
};

/* 0 to 100 on average for `count` areas; `levels`: the range of what is compared. */
static uint32_t points(uint32_t side, const struct icon_area *mine,
                       const struct icon_area *theirs, uint32_t count, int levels)
{
    uint32_t reach = side / 4 * 3 / 4, sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t best = 0;
        for (uint32_t j = 0; j < count; j++) {
            int x = mine[i].x - theirs[j].x, y = mine[i].y - theirs[j].y;
            uint32_t far = (uint32_t)sqrt(x * x + y * y);
            if (far > reach || abs(mine[i].level - theirs[j].level) > levels / 5)
                continue;
            uint32_t score = 100 - far * 60 / reach;
            best = score > best ? score : best;
        }
        sum += best;
    }
    return sum / count;
}

static uint32_t points_of(const struct ruleset_icon *mine, const struct ruleset_icon *theirs,
                          enum icon_kind kind, int levels)
{
    return points(mine->side, mine->areas[kind], theirs->areas[kind], ICON_AREAS, levels);
}

/* Of icons without colours: areas of two kinds are one set. */
static uint32_t points_of_both(const struct ruleset_icon *mine,
                               const struct ruleset_icon *theirs, enum icon_kind first,
                               enum icon_kind second)
{
    struct icon_area a[2 * ICON_AREAS], b[2 * ICON_AREAS];
    for (uint32_t i = 0; i < ICON_AREAS; i++) {
        a[i] = mine->areas[first][i];
        a[ICON_AREAS + i] = mine->areas[second][i];
        b[i] = theirs->areas[first][i];
        b[ICON_AREAS + i] = theirs->areas[second][i];
    }
    return points(mine->side, a, b, 2 * ICON_AREAS, LEVELS);
}

static uint32_t spread(uint8_t a, uint8_t b)
{
    uint32_t off = (uint32_t)abs(a - b) * SPREAD;
    return off < 100 ? 100 - off : 0;
}

bool icon_is_like(const struct ruleset_icon *measured, const struct ruleset_icon *known)
{
    const struct ruleset_icon *a = measured, *b = known;
    uint32_t size = (a->side >> 3) - 2; /* 0, 1, 2: sizes between them count as the lower one */
    if (size != (b->side >> 3) - 2)
        return false;
    uint32_t bright = points_of(a, b, ICON_BRIGHT, LEVELS);
    uint32_t dark = points_of(a, b, ICON_DARK, LEVELS);
    if (!a->colours && !b->colours) {
        uint32_t edge = points_of_both(a, b, ICON_EDGE, ICON_COLOUR);
        uint32_t plain = points_of_both(a, b, ICON_NO_EDGE, ICON_GREY);
        return (bright + dark + edge * 2 + plain) / 6 >= COLOURLESS_LEAST;
    }
    uint32_t edge = points_of(a, b, ICON_EDGE, LEVELS);
    uint32_t plain = points_of(a, b, ICON_NO_EDGE, LEVELS);
    uint32_t colour = 0, grey = 0;
    if (a->colours && b->colours) {
        colour = points_of(a, b, ICON_COLOUR, COLOUR_LEVELS);
        grey = points_of(a, b, ICON_GREY, COLOUR_LEVELS);
    }
    uint32_t colours = (spread(a->red, b->red) + spread(a->green, b->green) +
                        spread(a->blue, b->blue) + spread(a->colours, b->colours)) /
                       4;
    uint32_t confidence =
        (colour + (grey + bright + plain) * 2 / 3 + dark + edge + colours) / 6;
    return confidence >= LEAST + SMALLER * (2 - size);
}
