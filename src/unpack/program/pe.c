/* Programs for Windows: what lies behind the last section, the resources, and the resources of
 * .NET assemblies.
 *
 *   CLI header, 72 bytes, at directory 14: u32 72, u16 2, u16 5, metadata (u32 RVA, u32 size),
 *   u32 flags, u32 entry, resources (u32 RVA, u32 size), ...
 *   resources: entries of u32 length and data, each at a multiple of 8
 *
 * Microsoft PE Format (pe/pe_image.h, pe/pe_tree.h); ECMA-335, 6th edition, II.25.3.3 and
 * II.24.2.4; where .NET writes them: CoreCLR's manifest resources. */
#include "unpack/program/program.h"

#include "pe/pe_tree.h"
#include "unpack/archive/decode.h"

#include <stdio.h>
#include <string.h>

enum {
    SMALLEST = 64, /* resources below this hold no object */
    NAME_MAX = 200,
    CLI_HEADER = 72,
    CLI_RESOURCES = 24,
    MAX_RESOURCES = 1 << 16,
};

bool pe_probe(bytes data)
{
    uint32_t header;
    return bytes_le32(data, 60, &header) && bytes_has(data, header, 4) &&
           memcmp(data.at + header, "PE\0", 4) == 0;
}

/* Where the bytes of the last section end. */
static uint64_t sections_end(const struct pe_image *image)
{
    uint64_t end = image->section_at + (uint64_t)image->section_count * PE_SECTION_SIZE;
    for (uint32_t i = 0; i < image->section_usable; i++) {
        const struct pe_section *s = &image->sections[i];
        if (s->raw_size && s->raw_offset + (uint64_t)s->raw_size > end)
            end = s->raw_offset + (uint64_t)s->raw_size;
    }
    return end;
}

static bool hand_out_overlay(struct views *views, const struct pe_image *image)
{
    uint64_t from = sections_end(image), length = image->data.len;
    uint32_t at, size;
    if (from >= length)
        return true;
    /* Directory 4 is the only one that holds an offset of the file. */
    if (pe_image_directory(image, PE_DIRECTORY_SECURITY, &at, &size) && at >= from && size &&
        bytes_has(image->data, at, size))
        return overlay_hand_out(views, from, at) &&
               overlay_hand_out(views, (uint64_t)at + size, length);
    return overlay_hand_out(views, from, length);
}

/* --- resources --- */

/* Pictures, texts of the user interface and the like. */
static bool is_dull(int64_t type)
{
    return (type >= 1 && type <= 9) || type == 11 || type == 12 || type == 14 || type == 16 ||
           type == 17 || type == 20 || type == 21 || type == 22 || type == PE_RESOURCE_MANIFEST;
}

static size_t append_level(uint8_t *name, size_t length, const struct pe_tree *leaf, int level)
{
    if (leaf->name[level].at)
        return utf16_append(name, length, NAME_MAX, leaf->name[level]);
    char number[16];
    if (level == 0 && leaf->number[0] == PE_RESOURCE_RCDATA)
        snprintf(number, sizeof number, "RCDATA");
    else if (level == 0 && leaf->number[0] == PE_RESOURCE_HTML)
        snprintf(number, sizeof number, "HTML");
    else
        snprintf(number, sizeof number, "%lld", (long long)leaf->number[level]);
    size_t size = strlen(number);
    if (size > NAME_MAX - length)
        return length;
    memcpy(name + length, number, size);
    return length + size;
}

static bool hand_out_resource(struct views *views, const struct pe_tree *leaf)
{
    static const bytes head = {(const uint8_t *)"resource", 8};
    const struct pe_image *image = leaf->image;
    int64_t at = pe_image_offset(image, leaf->rva);
    uint8_t *name = arena_push_raw(views->unpack->arena, NAME_MAX + 8);
    if (at < 0 || !name)
        return name != NULL;
    memcpy(name, head.at, head.len);
    size_t length = head.len;
    for (int i = 0; i < PE_TREE_LEVELS && length < NAME_MAX - 1; i++) {
        name[length++] = '/';
        length = append_level(name, length, leaf, i);
    }
    bytes part = bytes_slice(image->data, (size_t)at, leaf->size);
    if (part.len < leaf->size)
        unpack_gap(views->unpack, (bytes){name, length}, GAP_DAMAGED,
                   "the resource reaches past the end of the file");
    return views_hand_out(views, (bytes){name, length}, part);
}

static bool hand_out_resources(struct views *views, const struct pe_image *image)
{
    struct pe_tree tree;
    uint32_t count = 0;
    if (!pe_tree_open(image, &tree))
        return true;
    while (pe_tree_next(&tree, views->unpack->budget)) {
        if (tree.size < SMALLEST || (!tree.name[0].at && is_dull(tree.number[0])))
            continue;
        if (count++ >= MAX_RESOURCES) {
            unpack_gap(views->unpack, bytes_of(""), GAP_LIMIT, "more than %d resources",
                       MAX_RESOURCES);
            return true;
        }
        struct arena_mark mark = arena_mark(views->unpack->arena);
        if (!hand_out_resource(views, &tree))
            return false;
        arena_pop(views->unpack->arena, mark);
    }
    return true;
}

/* --- resources of .NET --- */

/* True when this is a deflate stream of a program: libraries that are packed into others
 * (github.com/Fody/Costura) lie so. */
static bool is_deflated_program(bytes data)
{
    uint8_t head[2] = {0};
    size_t wrote = 0;
    struct stream *stream = data.at[0] == 'M' ? NULL : stream_new(STREAM_DEFLATE);
    if (stream)
        stream_run(stream, &data, head, sizeof head, &wrote);
    stream_free(stream);
    return wrote == sizeof head && memcmp(head, "MZ", 2) == 0;
}

/* False: return. */
static bool hand_out_manifest(struct views *views, bytes name, bytes part)
{
    if (!views_hand_out(views, name, part))
        return false;
    if (!is_deflated_program(part))
        return true;
    name = arena_printf(views->unpack->arena, "%.*s/[deflate]", (int)name.len, name.at);
    return name.at && unpack_begin(views->unpack, name) &&
           decode_noted(views->unpack, decode_stream(views->unpack, STREAM_DEFLATE, &part)) &&
           unpack_end(views->unpack);
}

/* The manifest's resources lie one after the other, so their names are not needed. */
static bool hand_out_dotnet(struct views *views, const struct pe_image *image)
{
    uint32_t rva, size, length;
    if (!pe_image_directory(image, PE_DIRECTORY_COM_DESCRIPTOR, &rva, &size) || rva == 0 ||
        size < CLI_HEADER)
        return true;
    int64_t header = pe_image_offset(image, rva);
    if (header < 0 || !bytes_le32(image->data, (uint64_t)header + CLI_RESOURCES, &rva) ||
        !bytes_le32(image->data, (uint64_t)header + CLI_RESOURCES + 4, &size) || rva == 0)
        return true;
    int64_t start = pe_image_offset(image, rva);
    if (start < 0) {
        unpack_gap(views->unpack, bytes_of(""), GAP_DAMAGED,
                   "the .NET resources lie outside the file");
        return true;
    }
    bytes all = bytes_slice(image->data, (size_t)start, size);
    uint64_t at = 0;
    for (unsigned n = 0; n < MAX_RESOURCES && bytes_le32(all, at, &length); n++) {
        struct arena_mark mark = arena_mark(views->unpack->arena);
        bytes name = arena_printf(views->unpack->arena, "dotnet/%u", n);
        if (!name.at || !budget_charge(views->unpack->budget, 16))
            return false;
        bytes part = bytes_slice(all, (size_t)at + 4, length);
        if (part.len < length)
            unpack_gap(views->unpack, name, GAP_DAMAGED,
                       "the .NET resource reaches past the others' end");
        if (part.len >= SMALLEST && !hand_out_manifest(views, name, part))
            return false;
        arena_pop(views->unpack->arena, mark);
        at = (at + 4 + length + 7) & ~UINT64_C(7);
    }
    return true;
}

void pe_open(struct unpack *unpack)
{
    struct pe_image image;
    struct views views = views_of(unpack);
    if (!pe_image_open(unpack->data, &image)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the headers are cut short");
        return;
    }
    if (!hand_out_resources(&views, &image) || !hand_out_dotnet(&views, &image) ||
        !hand_out_overlay(&views, &image) || !embedded_hand_out(&views, sections_end(&image)))
        return;
}
