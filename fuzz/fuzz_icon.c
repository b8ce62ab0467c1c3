/* Target: icons of programs. Property: what is read again is the same, an icon is like itself
 * where it has the size of a known one, and the arena is given back. */
#include "picture/icon.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct icons icons[2];
    struct arena *arena = arena_new(MEMORY);
    for (int i = 0; arena && i < 2; i++) {
        struct budget budget = {.steps = 4000000};
        icons_read((bytes){data, size}, 100, arena, &budget, &icons[i]);
        if (arena_used(arena))
            abort();
    }
    if (!arena || icons[0].count != icons[1].count || icons[0].cut != icons[1].cut)
        abort();
    for (uint32_t i = 0; i < icons[0].count; i++) {
        const struct ruleset_icon *icon = &icons[0].at[i];
        if (memcmp(icon, &icons[1].at[i], sizeof *icon) != 0 || icon->side < 16 ||
            icon->side > ICON_SIDE)
            abort();
        icon_is_like(icon, &icons[0].at[0]);
    }
    arena_free(arena);
    return 0;
}
