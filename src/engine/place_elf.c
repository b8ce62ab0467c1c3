/* place_elf — an ELF file as ClamAV reads it.
 *
 *   0   "\177ELF", class (1: 32 bits, 2: 64), byte order (1: little)
 *   24  word e_entry, word e_phoff, word e_shoff, u32 flags, u16 size of this header,
 *       u16 e_phentsize, u16 e_phnum, u16 e_shentsize, u16 e_shnum, u16 e_shstrndx
 *
 * System V ABI, "ELF Header", "Program Header", "Sections". An entry point that no segment
 * holds, or rows of tables that are not of the usual size, and nothing is known of the file;
 * so with more than 128 segments or 256 sections. Offsets are cut to 32 bits. */
#include "engine/place.h"

#include <errno.h>
#include <string.h>

enum { MAX_SEGMENTS = 128, MAX_SECTIONS = 256, HEADER_32 = 52, HEADER_64 = 64 };

struct elf {
    bytes data;
    bool wide, big;
};

/* Numbers of the header and of rows: the caller has checked that they are there. */
static uint16_t half(const struct elf *elf, uint64_t at)
{
    const uint8_t *p = elf->data.at + at;
    return elf->big ? load_be16(p) : load_le16(p);
}

static uint64_t word(const struct elf *elf, uint64_t at)
{
    const uint8_t *p = elf->data.at + at;
    if (elf->wide)
        return elf->big ? load_be64(p) : load_le64(p);
    return elf->big ? load_be32(p) : load_le32(p);
}

/* A segment's end as a number of the file's width: it may wrap around. */
static bool segment_holds(const struct elf *elf, uint64_t address, uint64_t size,
                          uint64_t entry)
{
    uint64_t end = address + size;
    return address <= entry && (elf->wide ? end : (uint32_t)end) > entry;
}

static int find_entry(const struct elf *elf, struct place *ret)
{
    uint64_t entry = word(elf, 24), table = word(elf, elf->wide ? 32 : 28);
    uint32_t row = elf->wide ? 56 : 32, count = half(elf, elf->wide ? 56 : 44);
    if (count > MAX_SEGMENTS)
        return -EBADMSG;
    if (!count || !entry)
        return 0;
    if (half(elf, elf->wide ? 54 : 42) != row ||
        !bytes_has(elf->data, table, (uint64_t)row * count))
        return -EBADMSG;
    for (uint32_t i = 0; i < count; i++, table += row) {
        uint64_t offset = word(elf, table + (elf->wide ? 8 : 4));
        uint64_t address = word(elf, table + (elf->wide ? 16 : 8));
        uint64_t size = word(elf, table + (elf->wide ? 40 : 20));
        if (segment_holds(elf, address, size, entry)) {
            ret->entry = (uint32_t)(entry - address + offset);
            return 0;
        }
    }
    return -EBADMSG;
}

static int find_sections(const struct elf *elf, struct arena *arena, struct place *ret)
{
    uint64_t table = word(elf, elf->wide ? 40 : 32);
    uint32_t row = elf->wide ? 64 : 40, count = half(elf, elf->wide ? 60 : 48);
    if (count > MAX_SECTIONS || half(elf, elf->wide ? 58 : 46) != row ||
        (count && !bytes_has(elf->data, table, (uint64_t)row * count)))
        return -EBADMSG;
    struct place_section *sections = PUSH_ARRAY(arena, struct place_section, count);
    if (!sections)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++, table += row)
        sections[i] =
            (struct place_section){(uint32_t)word(elf, table + (elf->wide ? 24 : 16)),
                                   (uint32_t)word(elf, table + (elf->wide ? 32 : 20))};
    ret->section_count = count;
    ret->sections = sections;
    return 0;
}

int place_elf(bytes data, struct arena *arena, struct place *ret)
{
    if (data.len < HEADER_32 || memcmp(data.at, "\177ELF", 4) != 0 || data.at[4] < 1 ||
        data.at[4] > 2)
        return -EBADMSG;
    struct elf elf = {data, data.at[4] == 2, data.at[5] != 1};
    if (elf.wide && data.len < HEADER_64)
        return -EBADMSG;
    int error = find_entry(&elf, ret);
    return error ? error : find_sections(&elf, arena, ret);
}
