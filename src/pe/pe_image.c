#include "pe/pe_image.h"

#include <string.h>

enum {
    DOS_HEADER_SIZE = 64,
    OPTIONAL_SIZE_32 = 96 + 8 * PE_DIRECTORY_COUNT,
    OPTIONAL_SIZE_64 = 112 + 8 * PE_DIRECTORY_COUNT,
    OPTIONAL_64 = 0x20b,
    SECTION_ALIGNMENT = 32,
    FILE_ALIGNMENT = 36,
};

uint32_t pe_image_optional32(const struct pe_image *image, uint32_t offset)
{
    return load_le32(image->data.at + image->header + PE_FILE_HEADER_SIZE + offset);
}

uint16_t pe_image_optional16(const struct pe_image *image, uint32_t offset)
{
    return load_le16(image->data.at + image->header + PE_FILE_HEADER_SIZE + offset);
}

uint64_t pe_image_base(const struct pe_image *image)
{
    const uint8_t *optional = image->data.at + image->header + PE_FILE_HEADER_SIZE;
    return image->is_64 ? load_le64(optional + 24) : load_le32(optional + 28);
}

/* Sections are used up to the first that is cut off by the end of the file; their raw offsets
 * are rounded down as the Windows loader does. */
static void read_sections(struct pe_image *image)
{
    uint32_t file_alignment = pe_image_optional32(image, FILE_ALIGNMENT);
    bool by_sector = pe_image_optional32(image, SECTION_ALIGNMENT) >= 0x1000;
    if (file_alignment > 0x200)
        file_alignment = 0x200;
    image->section_usable = 0;
    image->lowest_rva = 0xffffffff;
    for (uint32_t i = 0; i < image->section_count; i++) {
        uint64_t at = image->section_at + (uint64_t)i * PE_SECTION_SIZE;
        if (!bytes_has(image->data, at, PE_SECTION_SIZE))
            return;
        const uint8_t *p = image->data.at + at;
        struct pe_section *section = &image->sections[i];
        section->virtual_size = load_le32(p + 8);
        section->rva = load_le32(p + 12);
        section->raw_size = load_le32(p + 16);
        section->raw_offset = load_le32(p + 20);
        if (file_alignment)
            section->raw_offset -= section->raw_offset % file_alignment;
        if (by_sector)
            section->raw_offset &= ~UINT32_C(0x1ff);
        if (image->lowest_rva > section->rva)
            image->lowest_rva = section->rva;
        image->section_usable = i + 1;
    }
}

bool pe_image_open(bytes data, struct pe_image *ret)
{
    if (data.len < DOS_HEADER_SIZE || memcmp(data.at, "MZ", 2) != 0)
        return false;
    uint32_t header = load_le32(data.at + 60);
    if (header > INT32_MAX ||
        !bytes_has(data, header, PE_FILE_HEADER_SIZE + OPTIONAL_SIZE_32) ||
        memcmp(data.at + header, "PE\0", 4) != 0)
        return false;
    bool is_64 = load_le16(data.at + header + PE_FILE_HEADER_SIZE) == OPTIONAL_64;
    if (is_64 && !bytes_has(data, header, PE_FILE_HEADER_SIZE + OPTIONAL_SIZE_64))
        return false;

    ret->data = data;
    ret->header = header;
    ret->is_64 = is_64;
    ret->section_at = header + PE_FILE_HEADER_SIZE + load_le16(data.at + header + 20);
    ret->section_count = load_le16(data.at + header + 6);
    if (ret->section_count > PE_MAX_SECTIONS)
        ret->section_count = PE_MAX_SECTIONS;
    read_sections(ret);
    return true;
}

bool pe_image_directory(const struct pe_image *image, enum pe_directory number,
                        uint32_t *ret_rva, uint32_t *ret_size)
{
    uint64_t at =
        image->header + PE_FILE_HEADER_SIZE + (image->is_64 ? 112U : 96U) + 8 * number;
    if (!bytes_has(image->data, at, 8))
        return false;
    *ret_rva = load_le32(image->data.at + at);
    *ret_size = load_le32(image->data.at + at + 4);
    return true;
}

/* What lies before the first section is mapped as it is. Of sections that overlap, the one with
 * the highest address wins, the later one of equals. The larger of the two sizes says how far a
 * section reaches, but only its raw part has bytes in the file. */
int64_t pe_image_offset(const struct pe_image *image, uint64_t rva)
{
    if (image->section_usable < image->section_count)
        return -1;
    uint64_t start = 0, offset = 0, size = 0;
    if (rva < image->lowest_rva) {
        size = image->data.len & 0xffffffff;
    } else {
        for (uint32_t i = 0; i < image->section_count; i++) {
            const struct pe_section *s = &image->sections[i];
            uint32_t reach = s->virtual_size > s->raw_size ? s->virtual_size : s->raw_size;
            if (rva < s->rva || rva - s->rva >= reach || s->rva < start)
                continue;
            start = s->rva;
            offset = s->raw_offset;
            size = s->raw_size;
        }
    }
    if (rva - start >= size || offset + (rva - start) >= image->data.len)
        return -1;
    return (int64_t)(offset + (rva - start));
}

bytes pe_image_text(const struct pe_image *image, uint64_t offset, size_t max)
{
    if (offset >= image->data.len)
        return (bytes){0};
    bytes text = bytes_slice(image->data, (size_t)offset, max);
    text.len = strnlen((const char *)text.at, text.len);
    return text;
}
