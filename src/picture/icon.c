/* The group and its icons among a program's resources:
 *
 *   directory: as in pe/pe_tree.h. Types, then names, then languages.
 *   leaf: u32 RVA, u32 size, 8 bytes more
 *   group: u16, u16, u16 icons, then for each 14 bytes: u8 width, height, colours, 0,
 *     u16 planes, u16 depth, u32 size, u16 number of the RT_ICON
 *
 * Windows SDK, "GRPICONDIR". ClamAV looks at all languages of the first group, and at all
 * languages of an icon; names are looked for among numbers only. */
#include "picture/icon.h"

#include "pe/pe_layout.h"
#include "pe/pe_tree.h"

#include <errno.h>

enum {
    DIRECTORY = 16,
    ENTRY = 8,
    LEAF = 16,
    GROUP = 6,
    MEMBER = 14,
    ANY_NAME = 0xffffffff,
    STEPS_BITMAP = 1 << 18,
};

static const uint32_t TOP_BIT = UINT32_C(1) << 31;

struct search {
    const struct pe_layout *layout;
    struct budget *budget;
    uint32_t *work;
    struct icon_pixels *pixels;
    uint32_t entries, first; /* looked at; name of the first group */
    bool has_first;
    uint32_t most;
    struct icons *icons;
};

/* False: nothing more is to be looked at. */
typedef bool visitor(struct search *search, uint32_t name, uint32_t leaf);

static bool is_at(const struct search *search, uint32_t rva, uint64_t size, uint32_t *ret)
{
    return pe_layout_offset(search->layout, rva, ret) &&
           bytes_has(search->layout->data, *ret, size);
}

/* Entries of a directory of which one is numbered `wanted`, or all; *ret_at: the first. */
static uint32_t entries_of(const struct search *search, uint32_t directory, bool numbered,
                           uint64_t *ret_at)
{
    const uint8_t *p = search->layout->data.at + directory;
    uint16_t named = load_le16(p + 12), numbers = load_le16(p + 14);
    *ret_at = (uint64_t)directory + DIRECTORY + (numbered ? (uint64_t)named * ENTRY : 0);
    return numbered ? numbers : (uint32_t)(uint16_t)(named + numbers);
}

/* The languages of a name. */
static bool visit_languages(struct search *search, uint32_t name, uint32_t directory,
                            visitor *visit)
{
    const struct pe_layout *layout = search->layout;
    uint64_t at;
    uint32_t left = entries_of(search, directory, false, &at);
    for (; left--; at += ENTRY) {
        if (!bytes_has(layout->data, at, ENTRY) || !budget_charge(search->budget, ENTRY))
            return false;
        uint32_t target = load_le32(layout->data.at + at + 4);
        if (!(target & TOP_BIT) && !visit(search, name, layout->resources + target))
            return false;
    }
    return true;
}

/* The names of a type. */
static void visit_names(struct search *search, uint32_t directory, uint32_t name,
                        visitor *visit)
{
    const struct pe_layout *layout = search->layout;
    uint64_t at;
    uint32_t below, left = entries_of(search, directory, name != ANY_NAME, &at);
    for (; left--; at += ENTRY) {
        if (!bytes_has(layout->data, at, ENTRY) || !budget_charge(search->budget, ENTRY))
            return;
        uint32_t found = load_le32(layout->data.at + at);
        uint32_t target = load_le32(layout->data.at + at + 4);
        if ((name != ANY_NAME && found != name) || !(target & TOP_BIT))
            continue;
        if (!is_at(search, layout->resources + (target & ~TOP_BIT), DIRECTORY, &below) ||
            !visit_languages(search, found, below, visit))
            return;
    }
}

/* The resources of a type; `name`: ANY_NAME for all. */
static void visit_resources(struct search *search, enum pe_resource_type type, uint32_t name,
                            visitor *visit)
{
    const struct pe_layout *layout = search->layout;
    uint32_t top, below;
    uint64_t at;
    if (!is_at(search, layout->resources, DIRECTORY, &top))
        return;
    uint32_t left = entries_of(search, top, true, &at);
    for (; left--; at += ENTRY) {
        if (!bytes_has(layout->data, at, ENTRY) || !budget_charge(search->budget, ENTRY))
            return;
        uint32_t target = load_le32(layout->data.at + at + 4);
        if (load_le32(layout->data.at + at) != (uint32_t)type || !(target & TOP_BIT))
            continue;
        if (is_at(search, layout->resources + (target & ~TOP_BIT), DIRECTORY, &below))
            visit_names(search, below, name, visit);
        return;
    }
}

static bool visit_icon(struct search *search, uint32_t name, uint32_t leaf)
{
    struct icons *icons = search->icons;
    const struct pe_layout *layout = search->layout;
    uint32_t at;
    (void)name;
    if (!is_at(search, leaf, 4, &at) ||
        !pe_layout_offset(layout, load_le32(layout->data.at + at), &at))
        return true;
    if (icons->count == ICONS_MOST || !budget_charge(search->budget, STEPS_BITMAP)) {
        icons->cut = true;
        return false;
    }
    if (icon_bitmap(layout->data, at, search->work, search->pixels))
        icon_measure(search->pixels, &icons->at[icons->count++]);
    return true;
}

static bool visit_group(struct search *search, uint32_t name, uint32_t leaf)
{
    bytes data = search->layout->data;
    uint32_t at;
    if (search->has_first && search->first != name)
        return false;
    search->has_first = true;
    search->first = name;
    if (!is_at(search, leaf, LEAF, &at))
        return true;
    uint32_t size = load_le32(data.at + at + 4);
    if (size <= GROUP || !is_at(search, load_le32(data.at + at), size, &at))
        return true;
    uint32_t left = load_le16(data.at + at + 4);
    for (at += GROUP, size -= GROUP; left && size >= MEMBER; left--) {
        visit_resources(search, PE_RESOURCE_ICON, load_le16(data.at + at + 12), visit_icon);
        if (search->icons->cut || ++search->entries >= search->most)
            return false;
        at += MEMBER;
        size -= MEMBER;
    }
    return true;
}

void icons_read(bytes program, uint32_t entries, struct arena *arena, struct budget *budget,
                struct icons *ret)
{
    struct arena_mark mark = arena_mark(arena);
    struct pe_layout layout;
    int error = pe_layout_open(program, arena, &layout);
    ret->count = 0;
    ret->cut = error == -ENOMEM;
    if (!error && !layout.is_library && layout.resources_size && layout.resources) {
        struct search search = {
            .layout = &layout,
            .budget = budget,
            .work = PUSH_ARRAY(arena, uint32_t, ICON_SIDE_READ * ICON_SIDE_READ),
            .pixels = PUSH(arena, struct icon_pixels),
            .most = entries,
            .icons = ret};
        if (search.work && search.pixels)
            visit_resources(&search, PE_RESOURCE_ICON_GROUP, ANY_NAME, visit_group);
        ret->cut |= !search.work || !search.pixels || budget->hit != LIMIT_NONE;
    }
    arena_pop(arena, mark);
}
