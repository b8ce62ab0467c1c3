/* place_tool — where the parts of executables lie, as the engine has it, a line for each file:
 *
 *     place_tool FILE...
 *
 *     pe ENTRY OFFSET+SIZE,... VERSION,...     elf ENTRY OFFSET+SIZE,...     macho ...     none
 *
 * A list that is empty is "-". */
#include "engine/place.h"

#include <stdio.h>
#include <stdlib.h>

static bytes read_file(const char *path, struct arena *arena)
{
    FILE *file = fopen(path, "rb");
    bytes data = {0};
    if (!file)
        return data;
    uint8_t *room = arena_push_raw(arena, 64 << 20);
    data = (bytes){room, room ? fread(room, 1, 64 << 20, file) : 0};
    fclose(file);
    return data;
}

static void print_list(const struct place *place)
{
    printf(" %u %s", place->entry, place->section_count ? "" : "-");
    for (uint32_t i = 0; i < place->section_count; i++)
        printf("%s%u+%u", i ? "," : "", place->sections[i].at, place->sections[i].size);
}

static void print_versions(const struct pe_layout *pe, struct arena *arena)
{
    struct budget budget = {.steps = UINT64_C(1) << 32};
    struct pe_versions versions = {0};
    if (pe_version_strings(pe, arena, &budget, &versions) < 0)
        exit(2);
    printf(versions.at.n ? " " : " -");
    for (uint32_t i = 0; i < versions.at.n; i++)
        printf("%s%u", i ? "," : "", versions.at.at[i]);
}

static void print_places(bytes data, struct arena *arena)
{
    struct place place = {0};
    if (place_elf(data, arena, &place) == 0) {
        printf("elf");
        print_list(&place);
        return;
    }
    place = (struct place){0};
    if (place_macho(data, arena, &place) == 0) {
        printf("macho");
        print_list(&place);
        return;
    }
    place = (struct place){0};
    if (place_pe(data, arena, &place) == 0) {
        printf("pe");
        print_list(&place);
        print_versions(&place.pe, arena);
        return;
    }
    printf("none");
}

int main(int argc, char **argv)
{
    struct arena *arena = arena_new((size_t)256 << 20);
    for (int i = 1; arena && i < argc; i++) {
        bytes data = read_file(argv[i], arena);
        print_places(data, arena);
        printf("\n");
        arena_reset(arena);
    }
    arena_free(arena);
    return arena ? 0 : 2;
}
