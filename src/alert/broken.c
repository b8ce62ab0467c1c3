/* PE: headers as in pe/pe_layout.h. ELF: System V ABI, chapters 4 and 5. Mach-O:
 * "mach-o/loader.h" and "mach-o/fat.h". What counts as broken was found out from clamscan 1.4.
 */
#include "alert/broken.h"

enum {
    PE_HEADER = 24,
    PE_FIXED_32 = 96,
    PE_FIXED_64 = 112,
    PE_MAGIC_64 = 0x20b,
    PE_SECTION = 40,
    PE_DIRECTORIES = 16,
    PE_NATIVE = 1,
    PE_PAGE = 0x1000,
    PE_SECTOR = 0x200,
};

struct sizes {
    uint32_t section, file; /* SectionAlignment and FileAlignment */
};

/* A section as it is after rounding, and cut to what is in the file. */
struct section {
    uint32_t rva, offset, size, at_rva, virtual_size;
};

static uint32_t round_down(uint32_t value, uint32_t to)
{
    return to ? value - value % to : value;
}

static uint32_t round_up(uint32_t value, uint32_t to)
{
    return to ? (value / to + (value % to != 0)) * to : value;
}

static uint32_t cut(uint64_t file_size, uint32_t offset, uint32_t size)
{
    return size > file_size - offset ? (uint32_t)(file_size - offset) : size;
}

static uint32_t file_alignment(const uint8_t *headers, uint32_t count, uint32_t written)
{
    for (uint32_t i = 0; i < count && written && written != PE_SECTOR; i++) {
        const uint8_t *p = headers + (size_t)i * PE_SECTION;
        uint32_t offset = load_le32(p + 20);
        if (load_le32(p + 16) && offset % written && offset % PE_SECTOR == 0)
            return PE_SECTOR;
    }
    return written;
}

/* False when it makes the file a broken one; *ret_missing: it is not in the file at all. */
static bool read_section(const uint8_t *p, uint64_t file_size, struct sizes sizes,
                         struct section *ret, bool *ret_missing)
{
    uint32_t virtual_size = load_le32(p + 8), rva = load_le32(p + 12);
    uint32_t raw_size = load_le32(p + 16), raw = load_le32(p + 20);
    struct section section = {.rva = rva,
                              .offset = round_down(raw, sizes.file),
                              .size = round_up(raw_size, sizes.file),
                              .at_rva = round_down(rva, sizes.section),
                              .virtual_size = round_up(virtual_size, sizes.section)};
    *ret_missing = section.size && (section.offset >= file_size || raw >= file_size);
    if (*ret_missing)
        return true;
    if (section.size) {
        section.size = cut(file_size, section.offset, section.size);
        raw_size = cut(file_size, raw, raw_size);
    }
    if (!section.virtual_size && section.size)
        section.virtual_size = round_up(raw_size, sizes.section);
    *ret = section;
    return sizes.section && rva % sizes.section == 0 &&
           !(rva >> 31 || virtual_size >> 31 || (section.size && raw >> 31) || raw_size >> 31);
}

/* Sections follow the headers and each other without holes, and `entry` lies in one. */
static bool sections_fit(bytes data, const uint8_t *headers, uint32_t count, uint32_t entry,
                         uint32_t header_size, struct sizes sizes)
{
    struct section section, before = {0};
    uint32_t left = count, seen = 0;
    bool found = false, missing;
    sizes.file = file_alignment(headers, count, sizes.file);
    for (uint32_t i = 0; i < count; i++) {
        if (!read_section(headers + (size_t)i * PE_SECTION, data.len, sizes, &section,
                          &missing))
            return false;
        if (missing && left-- == 1)
            return false;
        if (missing)
            continue;
        uint32_t expected = seen++ ? before.rva + before.virtual_size : header_size;
        if (section.rva != expected)
            return false;
        found |= section.at_rva <= entry && section.size > entry - section.at_rva;
        before = section;
    }
    return entry < header_size ? entry < data.len : found;
}

bool broken_pe(bytes data)
{
    uint16_t mark;
    uint32_t header, signature;
    if (!bytes_le16(data, 0, &mark) || (mark != 0x5a4d && mark != 0x4d5a))
        return false;
    if (!bytes_le32(data, 60, &header))
        return true;
    if (!header || !bytes_has(data, header, PE_HEADER) ||
        !bytes_le32(data, header, &signature) || signature != 0x4550)
        return false;
    const uint8_t *p = data.at + header;
    uint32_t count = load_le16(p + 6), size = load_le16(p + 20);
    uint64_t optional = (uint64_t)header + PE_HEADER;
    if (!count || size < PE_FIXED_32 || !bytes_has(data, optional, PE_FIXED_32))
        return true;
    p += PE_HEADER;
    uint32_t fixed = load_le16(p) == PE_MAGIC_64 ? PE_FIXED_64 : PE_FIXED_32;
    if (size < fixed || !bytes_has(data, optional, fixed))
        return true;
    struct sizes sizes = {load_le32(p + 32), load_le32(p + 36)};
    if (load_le16(p + 68) != PE_NATIVE &&
        (!sizes.section || sizes.section % PE_PAGE || !sizes.file || sizes.file % PE_SECTOR))
        return true;
    uint32_t directories = load_le32(p + fixed - 4);
    directories = directories < PE_DIRECTORIES ? directories : PE_DIRECTORIES;
    if (size < fixed + 8 * directories)
        return true;
    if (!bytes_has(data, optional + fixed, 8 * directories))
        return false;
    if (!bytes_has(data, optional + size, (uint64_t)count * PE_SECTION))
        return true;
    return !sections_fit(data, data.at + optional + size, count, load_le32(p + 16),
                         round_up(load_le32(p + 60), sizes.section), sizes);
}

enum { ELF_SEGMENTS = 128, ELF_SECTIONS = 2048 };

/* Where the fields of one class lie, and how large its tables' rows are. */
static const struct elf_class {
    uint8_t header, entry, phoff, shoff, phentsize, word;
    uint8_t segment, section;  /* bytes of a row */
    uint8_t address, mem_size; /* in a segment's row */
} classes[] = {{52, 24, 28, 32, 42, 4, 32, 40, 8, 20}, {64, 24, 32, 40, 54, 8, 56, 64, 16, 40}};

struct elf {
    bytes data;
    const struct elf_class *class;
    bool big;
};

static uint32_t elf_half(const struct elf *elf, uint64_t at)
{
    const uint8_t *p = elf->data.at + at;
    return elf->big ? load_be16(p) : load_le16(p);
}

static uint64_t elf_word(const struct elf *elf, uint64_t at)
{
    const uint8_t *p = elf->data.at + at;
    if (elf->class->word == 8)
        return elf->big ? load_be64(p) : load_le64(p);
    return elf->big ? load_be32(p) : load_le32(p);
}

/* What an address is worth after it was added to another. */
static uint64_t elf_wrap(const struct elf *elf, uint64_t value)
{
    return elf->class->word == 8 ? value : (uint32_t)value;
}

static bool segments_fit(const struct elf *elf)
{
    const struct elf_class *class = elf->class;
    uint64_t entry = elf_word(elf, class->entry), at = elf_word(elf, class->phoff);
    uint32_t count = elf_half(elf, class->phentsize + 2u);
    bool found = false;
    if (count > ELF_SEGMENTS)
        return false;
    if (!count || !entry)
        return true;
    if (elf_half(elf, class->phentsize) != class->segment)
        return false;
    for (uint32_t i = 0; i < count; i++, at = elf_wrap(elf, at + class->segment)) {
        if (!bytes_has(elf->data, at, class->segment))
            return false;
        uint64_t address = elf_word(elf, at + class->address);
        uint64_t end = elf_wrap(elf, address + elf_word(elf, at + class->mem_size));
        found |= address <= entry && end > entry;
    }
    return found;
}

static bool sections_there(const struct elf *elf)
{
    const struct elf_class *class = elf->class;
    uint32_t count = elf_half(elf, class->phentsize + 6u);
    uint64_t at = elf_word(elf, class->shoff);
    if (count > ELF_SECTIONS)
        return true;
    if (elf_half(elf, class->phentsize + 4u) != class->section)
        return false;
    for (uint32_t i = 0; i < count; i++, at = elf_wrap(elf, at + class->section))
        if (!bytes_has(elf->data, at, class->section))
            return false;
    return true;
}

bool broken_elf(bytes data)
{
    if (!bytes_has(data, 0, classes[0].header) || load_be32(data.at) != 0x7f454c46)
        return false;
    if (data.at[4] != 1 && data.at[4] != 2)
        return true;
    const struct elf elf = {data, &classes[data.at[4] - 1], data.at[5] != 1};
    return bytes_has(data, 0, elf.class->header) &&
           !(segments_fit(&elf) && sections_there(&elf));
}

enum {
    MACHO_COMMANDS = 1024,
    MACHO_SECTIONS = 255,
    MACHO_ALIGN = 32,
    UNIBIN_JAVA = 39,
    UNIBIN_MOST = 32,
    UNIBIN_ROW = 20,
};

struct macho {
    bytes data;
    bool big, is_64;
    uint64_t at;
    uint32_t thread; /* bytes of a thread's state; 0: not looked at */
};

static uint32_t macho_word(const struct macho *macho, uint64_t at)
{
    const uint8_t *p = macho->data.at + at;
    return macho->big ? load_be32(p) : load_le32(p);
}

/* A section's size, rounded up, has 32 bits; it is at 36 or 40 of the row, the alignment eight
 * bytes behind. */
static bool section_fits(const struct macho *macho, uint64_t row)
{
    uint32_t align = macho_word(macho, row + (macho->is_64 ? 52 : 44));
    uint64_t size = macho_word(macho, row + (macho->is_64 ? 40 : 36));
    if (macho->is_64 && macho_word(macho, row + (macho->big ? 40 : 44)))
        return false;
    if (macho->is_64 && macho->big)
        size = macho_word(macho, row + 44);
    if (align >= MACHO_ALIGN)
        return false;
    uint64_t unit = UINT64_C(1) << align;
    return (size + unit - 1) / unit * unit <= UINT32_MAX;
}

/* Behind the command's own eight bytes: what it is, and the sections. */
static bool read_segment(struct macho *macho, struct budget *budget)
{
    uint32_t size = macho->is_64 ? 64 : 48, row = macho->is_64 ? 80 : 68;
    if (!bytes_has(macho->data, macho->at, size))
        return false;
    uint32_t count = macho_word(macho, macho->at + size - 8);
    macho->at += size;
    if (count > MACHO_SECTIONS)
        return false;
    for (uint32_t i = 0; i < count; i++, macho->at += row)
        if (!budget_charge(budget, row) || !bytes_has(macho->data, macho->at, row) ||
            !section_fits(macho, macho->at))
            return false;
    return true;
}

static bool read_command(struct macho *macho, struct budget *budget)
{
    if (!bytes_has(macho->data, macho->at, 8))
        return false;
    uint32_t command = macho_word(macho, macho->at), size = macho_word(macho, macho->at + 4);
    macho->at += 8;
    if (command == (macho->is_64 ? 0x19 : 1))
        return read_segment(macho, budget);
    if (macho->thread && (command == 4 || command == 5)) {
        bool there = bytes_has(macho->data, macho->at + 8, macho->thread);
        macho->at += 8 + macho->thread;
        return there;
    }
    macho->at += size > 8 ? size - 8 : 0;
    return true;
}

/* States as ClamAV reads them: i386, PowerPC and PowerPC 64 have one. */
static uint32_t thread_size(uint32_t cpu)
{
    return cpu == 7 ? 64 : cpu == 18 ? 160 : cpu == (18 | 0x1000000) ? 312 : 0;
}

bool broken_macho(bytes data, struct budget *budget)
{
    uint32_t mark;
    if (!bytes_le32(data, 0, &mark) || !bytes_has(data, 0, 28))
        return false;
    struct macho macho = {.data = data,
                          .big = mark == 0xcefaedfe || mark == 0xcffaedfe,
                          .is_64 = mark == 0xfeedfacf || mark == 0xcffaedfe};
    if (!macho.big && mark != 0xfeedface && mark != 0xfeedfacf)
        return false;
    uint32_t count = macho_word(&macho, 16);
    macho.at = macho.is_64 ? 32 : 28;
    macho.thread = thread_size(macho_word(&macho, 4));
    if (!count || count > MACHO_COMMANDS)
        return true;
    for (uint32_t i = 0; i < count; i++)
        if (!read_command(&macho, budget))
            return budget->hit == LIMIT_NONE;
    return false;
}

bool broken_unibin(bytes data)
{
    uint32_t mark, count;
    if (!bytes_be32(data, 0, &mark) || !bytes_be32(data, 4, &count))
        return false;
    if (mark == 0xbebafeca)
        bytes_le32(data, 4, &count);
    else if (mark != 0xcafebabe)
        return false;
    if ((count & 0xffff) >= UNIBIN_JAVA || count > UNIBIN_MOST)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t row = 8 + (uint64_t)i * UNIBIN_ROW;
        if (!bytes_has(data, row, UNIBIN_ROW))
            return true;
        const uint8_t *offset = data.at + row + 8;
        if ((mark == 0xcafebabe ? load_be32(offset) : load_le32(offset)) < row + UNIBIN_ROW)
            return true;
    }
    return false;
}
