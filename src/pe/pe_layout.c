#include "pe/pe_layout.h"

#include <errno.h>

enum {
    SIGNATURE = 0x4550,
    FILE_HEADER = 24,
    OPTIONAL_32 = 96, /* without the directories */
    OPTIONAL_64 = 112,
    MAGIC_64 = 0x20b,
    DIRECTORIES = 16,
    RESOURCES = 2,
    CERTIFICATES = 4,
    SECTION = 40,
    SECTOR = 512,
    IS_LIBRARY = 0x2000, /* Characteristics */
};

/* A section header as it stands. */
struct header {
    uint32_t virtual_size, rva, raw_size, raw_offset;
};

static uint32_t round_down(uint32_t value, uint32_t to)
{
    return to ? value - value % to : value;
}

static uint32_t round_up(uint32_t value, uint32_t to)
{
    return to && value % to ? value - value % to + to : value;
}

static struct header header_at(const uint8_t *p)
{
    return (struct header){load_le32(p + 8), load_le32(p + 12), load_le32(p + 16),
                           load_le32(p + 20)};
}

/* What FileAlignment is taken for. */
static uint32_t file_alignment(const uint8_t *headers, uint32_t count, uint32_t written)
{
    for (uint32_t i = 0; i < count && written && written != SECTOR; i++) {
        struct header h = header_at(headers + (size_t)i * SECTION);
        if (h.raw_size && h.raw_offset % written && h.raw_offset % SECTOR == 0)
            return SECTOR;
    }
    return written;
}

/* False when it makes the file no PE file. */
static bool place_section(const struct header *h, uint64_t file_size, uint32_t section_round,
                          uint32_t file_round, struct pe_part *ret)
{
    uint32_t offset = round_down(h->raw_offset, file_round);
    uint32_t size = round_up(h->raw_size, file_round);
    uint64_t raw_size = h->raw_size;
    if (size && (offset >= file_size || h->raw_offset >= file_size)) {
        size = 0;
        raw_size = 0;
    } else if (size) {
        if (size > file_size - offset)
            size = (uint32_t)(file_size - offset);
        if (raw_size > file_size - h->raw_offset)
            raw_size = file_size - h->raw_offset;
    }
    *ret = (struct pe_part){round_down(h->rva, section_round), offset, size};
    return !(h->rva >> 31 || h->virtual_size >> 31 || (size && h->raw_offset >> 31) ||
             raw_size >> 31);
}

/* `at`: of the first section's header. */
static int place_sections(struct pe_layout *layout, uint64_t at, uint32_t section_round,
                          uint32_t file_round, struct arena *arena)
{
    uint32_t count = layout->section_count;
    if (!bytes_has(layout->data, at, (uint64_t)count * SECTION))
        return -EBADMSG;
    layout->sections = PUSH_ARRAY(arena, struct pe_part, count);
    if (!layout->sections)
        return -ENOMEM;
    const uint8_t *headers = layout->data.at + at;
    file_round = file_alignment(headers, count, file_round);
    for (uint32_t i = 0; i < count; i++) {
        struct header h = header_at(headers + (size_t)i * SECTION);
        if (!place_section(&h, layout->data.len, section_round, file_round,
                           &layout->sections[i]))
            return -EBADMSG;
    }
    return 0;
}

/* `optional`: offset of the optional header, whose `size` bytes are there. */
static bool read_directories(struct pe_layout *layout, uint64_t optional, uint32_t size,
                             uint32_t fixed)
{
    uint32_t count = load_le32(layout->data.at + optional + fixed - 4);
    if (count > DIRECTORIES)
        count = DIRECTORIES;
    if (size < fixed + 8 * count || !bytes_has(layout->data, optional + fixed, 8 * count))
        return false;
    if (count > RESOURCES) {
        const uint8_t *entry = layout->data.at + optional + fixed + 8 * RESOURCES;
        layout->resources = load_le32(entry);
        layout->resources_size = load_le32(entry + 4);
    }
    if (count > CERTIFICATES) {
        const uint8_t *entry = layout->data.at + optional + fixed + 8 * CERTIFICATES;
        layout->certificates = load_le32(entry);
        layout->certificates_size = load_le32(entry + 4);
    }
    return true;
}

int pe_layout_open(bytes data, struct arena *arena, struct pe_layout *ret)
{
    uint16_t mark;
    uint32_t header, signature;
    if (!bytes_le16(data, 0, &mark) || (mark != 0x5a4d && mark != 0x4d5a) ||
        !bytes_le32(data, 60, &header) || header == 0 ||
        !bytes_le32(data, header, &signature) || signature != SIGNATURE ||
        !bytes_has(data, header, FILE_HEADER + OPTIONAL_32))
        return -EBADMSG;
    struct pe_layout layout = {.data = data};
    uint64_t optional = (uint64_t)header + FILE_HEADER;
    const uint8_t *file_header = data.at + header, *p = data.at + optional;
    layout.section_count = load_le16(file_header + 6);
    layout.is_library = load_le16(file_header + 22) & IS_LIBRARY;
    uint32_t size = load_le16(file_header + 20);
    layout.header = header;
    layout.is_64 = load_le16(p) == MAGIC_64;
    uint32_t fixed = layout.is_64 ? OPTIONAL_64 : OPTIONAL_32;
    if (layout.section_count == 0 || size < fixed || !bytes_has(data, optional, fixed) ||
        !read_directories(&layout, optional, size, fixed))
        return -EBADMSG;
    uint32_t section_round = load_le32(p + 32);
    layout.header_size = round_up(load_le32(p + 60), section_round);
    int error =
        place_sections(&layout, optional + size, section_round, load_le32(p + 36), arena);
    if (!error && !pe_layout_offset(&layout, load_le32(p + 16), &layout.entry))
        error = -EBADMSG;
    if (!error)
        *ret = layout;
    return error;
}

bool pe_layout_offset(const struct pe_layout *layout, uint32_t rva, uint32_t *ret)
{
    if (rva < layout->header_size) {
        *ret = rva;
        return rva < layout->data.len;
    }
    /* Of sections that overlap, the last one. */
    for (uint32_t i = layout->section_count; i-- > 0;) {
        const struct pe_part *part = &layout->sections[i];
        if (part->rva <= rva && part->size > rva - part->rva) {
            *ret = rva - part->rva + part->offset;
            return true;
        }
    }
    return false;
}
