/* Programs for Unix: what lies behind the last section.
 *
 *   0x00 "\177ELF", u8 class (1: 32 bits, 2: 64), u8 order (1: little, 2: big) ...
 *   program headers: at u32 0x1c or u64 0x20, u16 size and count at 0x2a or 0x36
 *   section headers: at u32 0x20 or u64 0x28, u16 size and count at 0x2e or 0x3a
 *   program header: offset 4 or 8, size in the file 16 or 32
 *   section header: type 4, offset 16 or 24, size 20 or 32; type 8 (NOBITS) has no bytes
 *
 * System V ABI, 4.1 (2013), chapters 4 and 5. */
#include "unpack/program/program.h"

struct elf {
    bytes data;
    bool is_64, is_big;
};

/* A word of the class's size; 0 where there is none. */
static uint64_t elf_word(const struct elf *elf, uint64_t at)
{
    uint32_t small = 0;
    uint64_t large = 0;
    if (elf->is_64) {
        if (!(elf->is_big ? bytes_be64 : bytes_le64)(elf->data, at, &large))
            return 0;
        return large;
    }
    return (elf->is_big ? bytes_be32 : bytes_le32)(elf->data, at, &small) ? small : 0;
}

static uint16_t elf_half(const struct elf *elf, uint64_t at)
{
    uint16_t half;
    return (elf->is_big ? bytes_be16 : bytes_le16)(elf->data, at, &half) ? half : 0;
}

static bool is_nobits(const struct elf *elf, uint64_t at)
{
    uint32_t type;
    return (elf->is_big ? bytes_be32 : bytes_le32)(elf->data, at + 4, &type) && type == 8;
}

/* Where the last header, segment or section ends; 0 when that makes no sense. */
static uint64_t elf_end(const struct elf *elf)
{
    unsigned word = elf->is_64 ? 8 : 4, counts = elf->is_64 ? 0x36 : 0x2a;
    uint64_t segments = elf_word(elf, 0x18 + word), sections = elf_word(elf, 0x18 + 2 * word);
    uint64_t segment_size = elf_half(elf, counts), segment_count = elf_half(elf, counts + 2);
    uint64_t section_size = elf_half(elf, counts + 4),
             section_count = elf_half(elf, counts + 6);
    uint64_t length = elf->data.len, end = 0;
    if (segments > length || sections > length)
        return 0;
    if (segment_count && segments + segment_count * segment_size > end)
        end = segments + segment_count * segment_size;
    if (section_count && sections + section_count * section_size > end)
        end = sections + section_count * section_size;
    for (uint64_t i = 0; i < segment_count; i++) {
        uint64_t at = segments + i * segment_size;
        uint64_t from = elf_word(elf, at + word), size = elf_word(elf, at + 4 * word);
        if (from <= length && size <= length && from + size > end)
            end = from + size;
    }
    for (uint64_t i = 0; i < section_count; i++) {
        uint64_t at = sections + i * section_size;
        uint64_t from = elf_word(elf, at + 8 + 2 * word);
        uint64_t size = elf_word(elf, at + 8 + 3 * word);
        if (!is_nobits(elf, at) && from <= length && size <= length && from + size > end)
            end = from + size;
    }
    return end;
}

void elf_open(struct unpack *unpack)
{
    if (unpack->data.len < 0x40)
        return;
    struct elf elf = {unpack->data, unpack->data.at[4] == 2, unpack->data.at[5] == 2};
    struct views views = views_of(unpack);
    uint64_t end = elf_end(&elf);
    if (!budget_charge(unpack->budget, 64) || end == 0 ||
        !overlay_hand_out(&views, end, unpack->data.len))
        return;
}
