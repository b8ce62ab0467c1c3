/* icon — what the icons of a program look like, as ClamAV compares them with those of .idb
 * files.
 *
 * The icons are those of a PE file's first group (RT_GROUP_ICON). Each is made 16 to 32 pixels
 * wide, laid over white, and described by three areas of a quarter of its side for each of six
 * kinds: where it has the most colour and the least, where it is brightest and darkest, where
 * it has the most edges and the fewest; and by how much of it is red, green, blue and coloured
 * at all. Found out from clamscan 1.4, whose numbers these are ("IDB SIGNATURE" in what it says
 * with --debug). */
#pragma once
#include "base/arena.h"
#include "base/budget.h"
#include "rules/ruleset.h"

enum { ICON_SIDE = 32, ICON_SIDE_READ = 256, ICONS_MOST = 400 };

/* The icons of a program, measured; their groups mean nothing. */
struct icons {
    struct ruleset_icon at[ICONS_MOST];
    uint32_t count;
    bool cut; /* memory, the budget or the room did not suffice for all */
};

/* None where the object is no PE file, or a library. `entries`: of the group that are looked
 * at, at least one. The arena is given back. */
void icons_read(bytes program, uint32_t entries, struct arena *arena, struct budget *budget,
                struct icons *ret);
/* Whether a measured icon is like one of a database's. */
bool icon_is_like(const struct ruleset_icon *measured, const struct ruleset_icon *known);

/* --- what the folder's files share --- */

/* Pixels of 32 bits: red from bit 16 on, green, blue. */
struct icon_pixels {
    uint32_t side;
    uint32_t at[ICON_SIDE * ICON_SIDE];
};

/* The bitmap at `at`, scaled and laid over white. `work` has room for ICON_SIDE_READ² pixels.
 * False: ClamAV does not look at it either. */
bool icon_bitmap(bytes data, uint32_t at, uint32_t *work, struct icon_pixels *ret);
void icon_measure(const struct icon_pixels *pixels, struct ruleset_icon *ret);
