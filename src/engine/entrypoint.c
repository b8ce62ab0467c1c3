/* entrypoint — PE: the section that holds AddressOfEntryPoint (PE/COFF, "Optional Header",
 * "Section Table"). ELF: the segment of an executable, or the section of another file, that
 * holds e_entry (gABI, "ELF Header"). In a process: the base of the block plus
 * AddressOfEntryPoint, unless it is a DLL; or e_entry of an executable that is not
 * position-independent. */
#include "engine/scanner_state.h"

#include <string.h>

enum { PE_SECTION = 40, MAX_SECTIONS = 96, ELF_TYPE_EXEC = 2, PE_DLL = 0x2000 };

static bool pe_header(bytes file, uint64_t *ret_pe)
{
    uint32_t pe, signature;
    uint16_t magic;
    if (!bytes_le16(file, 0, &magic) || magic != 0x5A4D || !bytes_le32(file, 0x3C, &pe) ||
        !bytes_le32(file, pe, &signature) || signature != 0x4550)
        return false;
    *ret_pe = pe;
    return true;
}

/* Offset in the file of an address relative to the image's base. */
static bool pe_offset(bytes file, uint64_t pe, uint32_t address, uint64_t *ret)
{
    uint16_t sections, optional;
    if (!bytes_le16(file, pe + 6, &sections) || !bytes_le16(file, pe + 20, &optional))
        return false;
    uint32_t best_address = 0, best_raw = 0;
    uint64_t row = pe + 24 + optional;
    for (int i = 0; i < sections && i < MAX_SECTIONS; i++, row += PE_SECTION) {
        uint32_t at, raw;
        if (!bytes_le32(file, row + 12, &at) || !bytes_le32(file, row + 20, &raw))
            return false;
        if (address >= at && best_address <= at) {
            best_address = at;
            best_raw = raw;
        }
    }
    *ret = (uint64_t)best_raw + (address - best_address);
    return true;
}

struct elf_shape {
    bool wide, big;
};

static bool elf_number(bytes file, struct elf_shape shape, uint64_t at, unsigned size,
                       uint64_t *ret)
{
    uint16_t half;
    uint32_t word;
    if (size == 2) {
        if (!(shape.big ? bytes_be16 : bytes_le16)(file, at, &half))
            return false;
        *ret = half;
        return true;
    }
    if (size == 4) {
        if (!(shape.big ? bytes_be32 : bytes_le32)(file, at, &word))
            return false;
        *ret = word;
        return true;
    }
    return (shape.big ? bytes_be64 : bytes_le64)(file, at, ret);
}

struct elf_table {
    uint64_t at, count, row;
    unsigned address, size, offset; /* where a row holds them */
};

static bool elf_offset(bytes file, struct elf_shape shape, struct elf_table table,
                       uint64_t entry, uint64_t *ret)
{
    unsigned word = shape.wide ? 8 : 4;
    for (uint64_t i = 0; i < table.count; i++) {
        uint64_t row, address, size, offset;
        if (__builtin_add_overflow(table.at, i * table.row, &row) ||
            !elf_number(file, shape, row + table.address, word, &address) ||
            !elf_number(file, shape, row + table.size, word, &size) ||
            !elf_number(file, shape, row + table.offset, word, &offset))
            return false;
        if (entry >= address && entry - address < size) {
            *ret = offset + (entry - address);
            return true;
        }
    }
    return false;
}

static bool elf_entry(bytes file, bool is_process, uint64_t *ret)
{
    if (file.len < 52 || memcmp(file.at, "\177ELF", 4) != 0)
        return false;
    struct elf_shape shape = {file.at[4] == 2, file.at[5] == 2};
    bool wide = shape.wide;
    unsigned word = wide ? 8 : 4;
    uint64_t type, entry;
    struct elf_table segments = {.row = wide ? 56 : 32,
                                 .address = wide ? 16 : 8,
                                 .size = wide ? 40 : 20,
                                 .offset = wide ? 8 : 4};
    struct elf_table sections = {.row = wide ? 64 : 40,
                                 .address = wide ? 16 : 12,
                                 .size = wide ? 32 : 20,
                                 .offset = wide ? 24 : 16};
    if (!elf_number(file, shape, 16, 2, &type) || !elf_number(file, shape, 24, word, &entry) ||
        !elf_number(file, shape, 24 + word, word, &segments.at) ||
        !elf_number(file, shape, 24 + 2 * word, word, &sections.at) ||
        !elf_number(file, shape, wide ? 56 : 44, 2, &segments.count) ||
        !elf_number(file, shape, wide ? 60 : 48, 2, &sections.count))
        return false;
    if (is_process) {
        *ret = entry;
        return type == ELF_TYPE_EXEC;
    }
    return elf_offset(file, shape, type == ELF_TYPE_EXEC ? segments : sections, entry, ret);
}

bool entrypoint_find(const struct object_input *object, uint64_t *ret)
{
    for (uint32_t i = 0; i < object->block_count; i++) {
        bytes data = object->blocks[i].data;
        uint64_t pe;
        uint32_t address;
        if (pe_header(data, &pe) && bytes_le32(data, pe + 40, &address)) {
            uint16_t traits = 0;
            if (!object->is_process)
                return pe_offset(data, pe, address, ret);
            *ret = object->blocks[i].base + address;
            if (bytes_le16(data, pe + 22, &traits) && !(traits & PE_DLL))
                return true;
            continue;
        }
        if (elf_entry(data, object->is_process, ret))
            return true;
    }
    return false;
}
