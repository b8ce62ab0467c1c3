#include "engine/place.h"

#include <errno.h>

int place_pe(bytes data, struct arena *arena, struct place *ret)
{
    int error = pe_layout_open(data, arena, &ret->pe);
    if (error)
        return error;
    uint32_t count = ret->pe.section_count;
    struct place_section *sections = PUSH_ARRAY(arena, struct place_section, count);
    if (!sections)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        sections[i] =
            (struct place_section){ret->pe.sections[i].offset, ret->pe.sections[i].size};
    ret->is_pe = true;
    ret->entry = ret->pe.entry;
    ret->section_count = count;
    ret->sections = sections;
    return 0;
}

static int read_places(const struct scanner *scanner, struct place *ret)
{
    const struct object_input *object = scanner->object;
    if (object->is_process || object->block_count != 1)
        return -EBADMSG;
    bytes data = object->blocks[0].data;
    if (scanner->targets & TARGET_BIT(TARGET_PE))
        return place_pe(data, scanner->arena, ret);
    if (scanner->targets & TARGET_BIT(TARGET_ELF))
        return place_elf(data, scanner->arena, ret);
    if (scanner->targets & TARGET_BIT(TARGET_MACHO))
        return place_macho(data, scanner->arena, ret);
    return -EBADMSG;
}

struct place *place_of(struct scanner *scanner)
{
    if (scanner->place_known == scanner->stamp)
        return scanner->place;
    scanner->place_known = scanner->stamp;
    scanner->place = NULL;
    struct place *place = PUSH(scanner->arena, struct place);
    int error = place ? read_places(scanner, place) : -ENOMEM;
    if (error == -ENOMEM)
        budget_hit(&scanner->budget, LIMIT_MEMORY);
    else if (!error)
        scanner->place = place;
    return scanner->place;
}

const struct pe_versions *place_versions(struct scanner *scanner)
{
    static const struct pe_versions none;
    struct place *place = place_of(scanner);
    if (!place || !place->is_pe)
        return &none;
    if (!place->has_versions &&
        pe_version_strings(&place->pe, scanner->arena, &scanner->budget, &place->versions) < 0)
        budget_hit(&scanner->budget, LIMIT_MEMORY);
    place->has_versions = true;
    return &place->versions;
}

bool place_value(struct scanner *scanner, enum node_place what, uint32_t section, uint64_t *ret)
{
    const struct place *place = place_of(scanner);
    if (!place)
        return false;
    uint32_t count = place->section_count;
    switch (what) {
    case PLACE_ENTRY:
        *ret = place->entry;
        return true;
    case PLACE_SECTION_COUNT:
        *ret = count;
        return true;
    case PLACE_LAST_SECTION:
        if (count)
            *ret = place->sections[count - 1].at;
        return count;
    case PLACE_SECTION:
    case PLACE_SECTION_END:
        if (section >= count)
            return false;
        *ret = place->sections[section].at;
        *ret += what == PLACE_SECTION_END ? place->sections[section].size : 0;
        return true;
    }
    return false;
}
