/* elf — fields of ELF files. System V gABI chapters 4 (object files) and 5 (program loading).
 *
 *   file header   52 or 64 bytes: type, machine, entry, offsets and counts of the two tables
 *   sections      40 or 64 bytes each: name, type, flags, address, offset, size, link ...
 *   segments      32 or 56 bytes each: type, flags, offset, addresses, sizes, alignment
 *   symbols       16 or 24 bytes each: name, value, size, info, other, section
 *   dynamic       8 or 16 bytes each: tag, value; ends with tag 0
 *
 * Class (32, 64) and byte order are in bytes 4 and 5. Tables that do not lie inside the file
 * are not read at all. Everything but the header is read when a condition asks for it. */
#include "yara/modules/elf.h"
#include "yara/modules/table.h"

#include <errno.h>
#include <string.h>

enum { CLASS_32 = 1, CLASS_64 = 2, ORDER_LITTLE = 1, ORDER_BIG = 2 };

enum { TYPE_EXEC = 2 };

enum {
    SECTION_NULL = 0,
    SECTION_SYMTAB = 2,
    SECTION_STRTAB = 3,
    SECTION_NOBITS = 8,
    SECTION_DYNSYM = 11,
    SECTIONS_RESERVED = 0xff00
};

enum { SEGMENT_DYNAMIC = 2, SEGMENTS_EXTENDED = 0xffff };

static const struct elf_layout layout_32 = {
    .word = 4,
    .header = 52,
    .section = 40,
    .segment = 32,
    .symbol = 16,
    .dynamic = 8,
    .h = {.entry = 24,
          .segments = 28,
          .sections = 32,
          .segment_size = 42,
          .segment_count = 44,
          .section_size = 46,
          .section_count = 48,
          .names = 50},
    .s = {.flags = 8, .address = 12, .offset = 16, .size = 20, .link = 24},
    .p = {.flags = 24,
          .offset = 4,
          .address = 8,
          .physical = 12,
          .file_size = 16,
          .memory_size = 20,
          .align = 28},
    .y = {.value = 4, .size = 8, .info = 12, .other = 13, .section = 14},
};

static const struct elf_layout layout_64 = {
    .word = 8,
    .header = 64,
    .section = 64,
    .segment = 56,
    .symbol = 24,
    .dynamic = 16,
    .h = {.entry = 24,
          .segments = 32,
          .sections = 40,
          .segment_size = 54,
          .segment_count = 56,
          .section_size = 58,
          .section_count = 60,
          .names = 62},
    .s = {.flags = 8, .address = 16, .offset = 24, .size = 32, .link = 40},
    .p = {.flags = 4,
          .offset = 8,
          .address = 16,
          .physical = 24,
          .file_size = 32,
          .memory_size = 40,
          .align = 48},
    .y = {.value = 8, .size = 16, .info = 4, .other = 5, .section = 6},
};

uint16_t elf_u16(const struct elf *elf, const uint8_t *at)
{
    return elf->big ? load_be16(at) : load_le16(at);
}

uint32_t elf_u32(const struct elf *elf, const uint8_t *at)
{
    return elf->big ? load_be32(at) : load_le32(at);
}

uint64_t elf_word(const struct elf *elf, const uint8_t *at)
{
    if (elf->layout->word == 4)
        return elf_u32(elf, at);
    return elf->big ? load_be64(at) : load_le64(at);
}

bytes elf_text(struct budget *budget, bytes table, uint32_t index)
{
    if (index > INT32_MAX || index >= table.len || table.at[0] != 0)
        return (bytes){0};
    const uint8_t *at = table.at + index;
    const uint8_t *end = memchr(at, 0, table.len - index);
    if (!end || !budget_charge(budget, 1 + (uint64_t)(end - at) / 16))
        return (bytes){0};
    return (bytes){at, (size_t)(end - at)};
}

/* The string table up to its last NUL, so that a text that is cut off costs nothing to refuse.
 */
static bytes strings_cut(bytes table)
{
    const uint8_t *last = table.len ? memrchr(table.at, 0, table.len) : NULL;
    return last ? (bytes){table.at, (size_t)(last - table.at) + 1} : (bytes){0};
}

/* --- the two tables --- */

static uint64_t header_word(const struct elf *elf, uint8_t field)
{
    return elf_word(elf, elf->data.at + field);
}

static uint16_t header_u16(const struct elf *elf, uint8_t field)
{
    return elf_u16(elf, elf->data.at + field);
}

/* `count` rows of `size` bytes at `offset`, or an empty view when they are not all there. */
static bytes table_view(const struct elf *elf, uint64_t offset, uint16_t count, uint8_t size)
{
    uint64_t len = (uint64_t)count * size;
    if (offset >= elf->data.len || !bytes_has(elf->data, offset, len))
        return (bytes){0};
    return (bytes){elf->data.at + offset, (size_t)len};
}

static bytes section_table(const struct elf *elf)
{
    return table_view(elf, header_word(elf, elf->layout->h.sections),
                      header_u16(elf, elf->layout->h.section_count), elf->layout->section);
}

static bytes segment_table(const struct elf *elf)
{
    return table_view(elf, header_word(elf, elf->layout->h.segments),
                      header_u16(elf, elf->layout->h.segment_count), elf->layout->segment);
}

/* --- fields --- */

enum {
    SECTION_FIELD_TYPE,
    SECTION_FIELD_FLAGS,
    SECTION_FIELD_ADDRESS,
    SECTION_FIELD_NAME,
    SECTION_FIELD_SIZE,
    SECTION_FIELD_OFFSET
};
static const struct field section_fields[] = {
    FIELD_INT("type"),
    FIELD_INT("flags"),
    FIELD_INT("address"),
    FIELD_STRING("name"),
    FIELD_INT("size"),
    FIELD_INT("offset"),
    FIELD_END,
};

static const struct field segment_fields[] = {
    FIELD_INT("type"),
    FIELD_INT("flags"),
    FIELD_INT("offset"),
    FIELD_INT("virtual_address"),
    FIELD_INT("physical_address"),
    FIELD_INT("file_size"),
    FIELD_INT("memory_size"),
    FIELD_INT("alignment"),
    FIELD_END,
};

static const struct field dynamic_fields[] = {FIELD_INT("type"), FIELD_INT("val"), FIELD_END};

enum {
    SYMBOL_FIELD_NAME,
    SYMBOL_FIELD_VALUE,
    SYMBOL_FIELD_SIZE,
    SYMBOL_FIELD_TYPE,
    SYMBOL_FIELD_BIND,
    SYMBOL_FIELD_SECTION
};
static const struct field symbol_fields[] = {
    FIELD_STRING("name"), FIELD_INT("value"), FIELD_INT("size"), FIELD_INT("type"),
    FIELD_INT("bind"),    FIELD_INT("shndx"), FIELD_END,
};

/* Fields of the root that are read late. */
#define LATE_INT(n, f)                                                                         \
    {                                                                                          \
        .name = (n), .type = TYPE_INT, .fill = (f)                                             \
    }
#define LATE_ARRAY(n, m, f)                                                                    \
    {                                                                                          \
        .name = (n), .type = TYPE_ARRAY, .item = TYPE_STRUCT, .members = (m), .fill = (f)      \
    }

/* File offset that a 32-bit address sum wraps to, as wide as the file's class. */
static uint64_t wrapped(const struct elf *elf, uint64_t sum)
{
    return elf->layout->word == 4 ? (uint32_t)sum : sum;
}

/* Offset of an address in an executable, through its segments. */
static bool offset_by_segment(struct module_input *in, const struct elf *elf, uint64_t address,
                              uint64_t *ret)
{
    bytes table = segment_table(elf);
    for (size_t at = 0; at < table.len; at += elf->layout->segment) {
        const uint8_t *row = table.at + at;
        if (!budget_charge(in->budget, 1))
            return false;
        uint64_t start = elf_word(elf, row + elf->layout->p.address);
        uint64_t size = elf_word(elf, row + elf->layout->p.memory_size);
        if (address >= start && address < wrapped(elf, start + size)) {
            *ret = elf_word(elf, row + elf->layout->p.offset) + (address - start);
            return true;
        }
    }
    return false;
}

/* The same in anything else, through the sections that have content. */
static bool offset_by_section(struct module_input *in, const struct elf *elf, uint64_t address,
                              uint64_t *ret)
{
    bytes table = section_table(elf);
    for (size_t at = 0; at < table.len; at += elf->layout->section) {
        const uint8_t *row = table.at + at;
        if (!budget_charge(in->budget, 1))
            return false;
        uint32_t type = elf_u32(elf, row + 4);
        uint64_t start = elf_word(elf, row + elf->layout->s.address);
        uint64_t size = elf_word(elf, row + elf->layout->s.size);
        if (type != SECTION_NULL && type != SECTION_NOBITS && address >= start &&
            address < wrapped(elf, start + size)) {
            *ret = elf_word(elf, row + elf->layout->s.offset) + (address - start);
            return true;
        }
    }
    return false;
}

static int fill_entry_point(struct module_input *in, struct object *self)
{
    const struct elf *elf = in->state;
    uint64_t entry = elf ? header_word(elf, elf->layout->h.entry) : 0, offset;
    if (entry == 0)
        return 0;
    if (in->is_process) {
        object_set_int(self, "entry_point", (int64_t)(elf->base + entry));
        return 0;
    }
    bool exec = elf_u16(elf, elf->data.at + 16) == TYPE_EXEC;
    uint8_t field = exec ? elf->layout->h.segments : elf->layout->h.sections;
    if (header_word(elf, field) == 0)
        return 0;
    if (exec ? offset_by_segment(in, elf, entry, &offset)
             : offset_by_section(in, elf, entry, &offset))
        object_set_int(self, "entry_point", (int64_t)offset);
    return 0;
}

/* --- sections --- */

/* The table of symbols in section `row`, when its string table is one and both are inside. */
static void symbols_find(const struct elf *elf, bytes table, const uint8_t *row,
                         struct elf_symbols *ret)
{
    uint32_t link = elf_u32(elf, row + elf->layout->s.link);
    if (link >= table.len / elf->layout->section)
        return;
    const uint8_t *strings = table.at + (size_t)link * elf->layout->section;
    if (elf_u32(elf, strings + 4) != SECTION_STRTAB)
        return;
    uint64_t at = elf_word(elf, row + elf->layout->s.offset);
    uint64_t len = elf_word(elf, row + elf->layout->s.size);
    uint64_t strings_at = elf_word(elf, strings + elf->layout->s.offset);
    uint64_t strings_len = elf_word(elf, strings + elf->layout->s.size);
    *ret = (struct elf_symbols){0};
    if (!bytes_has(elf->data, at, len) || !bytes_has(elf->data, strings_at, strings_len))
        return;
    ret->table = (bytes){elf->data.at + at, (size_t)len};
    ret->strings = strings_cut((bytes){elf->data.at + strings_at, (size_t)strings_len});
    ret->found = true;
}

/* The sections that may be read: none where the count or the names' index make no sense. */
static bytes sane_sections(const struct elf *elf)
{
    uint16_t count = header_u16(elf, elf->layout->h.section_count);
    uint16_t names = header_u16(elf, elf->layout->h.names);
    return count < SECTIONS_RESERVED && names < count ? section_table(elf) : (bytes){0};
}

struct elf *elf_with_symbols(struct module_input *in)
{
    struct elf *elf = in->state;
    if (!elf || elf->symbols_known)
        return elf;
    elf->symbols_known = true;
    bytes table = sane_sections(elf);
    for (size_t at = 0; at < table.len; at += elf->layout->section) {
        const uint8_t *row = table.at + at;
        if (!budget_charge(in->budget, 1))
            break;
        uint32_t type = elf_u32(elf, row + 4);
        if (type == SECTION_SYMTAB)
            symbols_find(elf, table, row, &elf->symtab);
        else if (type == SECTION_DYNSYM)
            symbols_find(elf, table, row, &elf->dynsym);
    }
    return elf;
}

static int fill_sections(struct module_input *in, struct object *self)
{
    const struct elf *elf = in->state;
    if (!elf)
        return 0;
    struct object *sections = object_member(self, "sections");
    bytes table = sane_sections(elf), names = {0};
    if (table.len == 0)
        return 0;
    size_t names_row = (size_t)header_u16(elf, elf->layout->h.names) * elf->layout->section;
    uint64_t names_at = elf_word(elf, table.at + names_row + elf->layout->s.offset);
    if (names_at > 0 && names_at < elf->data.len)
        names = strings_cut(bytes_slice(elf->data, (size_t)names_at, SIZE_MAX));

    for (size_t at = 0; at < table.len; at += elf->layout->section) {
        const uint8_t *row = table.at + at;
        if (!budget_charge(in->budget, 8))
            return 0;
        struct object *one = array_push(in->arena, sections);
        if (!one)
            return -ENOMEM;
        struct value *slots = one->slots;
        slots[SECTION_FIELD_TYPE] = VALUE_INT(elf_u32(elf, row + 4));
        slots[SECTION_FIELD_FLAGS] = VALUE_INT(elf_word(elf, row + elf->layout->s.flags));
        slots[SECTION_FIELD_ADDRESS] = VALUE_INT(elf_word(elf, row + elf->layout->s.address));
        slots[SECTION_FIELD_SIZE] = VALUE_INT(elf_word(elf, row + elf->layout->s.size));
        slots[SECTION_FIELD_OFFSET] = VALUE_INT(elf_word(elf, row + elf->layout->s.offset));
        bytes name = elf_text(in->budget, names, elf_u32(elf, row));
        if (name.at)
            slots[SECTION_FIELD_NAME] = VALUE_BYTES(name);
    }
    return 0;
}

/* --- symbols --- */

static int symbols_fill(struct module_input *in, struct elf_symbols *from, struct object *list)
{
    const struct elf *elf = in->state;
    const struct elf_layout *layout = elf->layout;
    size_t count = from->table.len / layout->symbol;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *row = from->table.at + i * layout->symbol;
        if (!budget_charge(in->budget, 8))
            return 0;
        struct object *one = array_push(in->arena, list);
        if (!one)
            return -ENOMEM;
        bytes name = elf_text(in->budget, from->strings, elf_u32(elf, row));
        if (name.at)
            one->slots[SYMBOL_FIELD_NAME] = VALUE_BYTES(name);
        one->slots[SYMBOL_FIELD_VALUE] = VALUE_INT(elf_word(elf, row + layout->y.value));
        one->slots[SYMBOL_FIELD_SIZE] = VALUE_INT(elf_word(elf, row + layout->y.size));
        one->slots[SYMBOL_FIELD_TYPE] = VALUE_INT(row[layout->y.info] & 15);
        one->slots[SYMBOL_FIELD_BIND] = VALUE_INT(row[layout->y.info] >> 4);
        one->slots[SYMBOL_FIELD_SECTION] = VALUE_INT(elf_u16(elf, row + layout->y.section));
    }
    return 0;
}

static int fill_symtab(struct module_input *in, struct object *self)
{
    struct elf *elf = elf_with_symbols(in);
    if (!elf || !elf->symtab.found)
        return 0;
    return symbols_fill(in, &elf->symtab, object_member(self, "symtab"));
}

static int fill_dynsym(struct module_input *in, struct object *self)
{
    struct elf *elf = elf_with_symbols(in);
    if (!elf || !elf->dynsym.found)
        return 0;
    return symbols_fill(in, &elf->dynsym, object_member(self, "dynsym"));
}

static int fill_symbol_counts(struct module_input *in, struct object *self)
{
    const struct elf *elf = elf_with_symbols(in);
    if (elf && elf->symtab.found)
        object_set_int(self, "symtab_entries",
                       (int64_t)(elf->symtab.table.len / elf->layout->symbol));
    if (elf && elf->dynsym.found)
        object_set_int(self, "dynsym_entries",
                       (int64_t)(elf->dynsym.table.len / elf->layout->symbol));
    return 0;
}

/* --- segments --- */

/* Entries from `offset` to the one with tag 0 or the end of the file. A second dynamic segment
 * overwrites what the first left, entry by entry. */
static int dynamic_fill(struct module_input *in, struct object *self, uint64_t offset)
{
    const struct elf *elf = in->state;
    uint8_t size = elf->layout->dynamic, word = elf->layout->word;
    struct object *list = object_member(self, "dynamic");
    uint32_t count = 0;
    for (; bytes_has(elf->data, offset, size); offset += size) {
        const uint8_t *row = elf->data.at + offset;
        if (!budget_charge(in->budget, 4))
            return 0;
        struct object *one = array_at(in->arena, list, count++);
        if (!one)
            return -ENOMEM;
        uint64_t tag = elf_word(elf, row);
        one->slots[0] = VALUE_INT(tag);
        one->slots[1] = VALUE_INT(elf_word(elf, row + word));
        if (tag == 0)
            break;
    }
    object_set_int(self, "dynamic_section_entries", count);
    return 0;
}

static int fill_segments(struct module_input *in, struct object *self)
{
    const struct elf *elf = in->state;
    if (!elf)
        return 0;
    const struct elf_layout *layout = elf->layout;
    struct object *segments = object_member(self, "segments");
    bytes table = segment_table(elf);
    if (header_u16(elf, layout->h.segment_count) == SEGMENTS_EXTENDED)
        return 0;
    for (size_t at = 0; at < table.len; at += layout->segment) {
        const uint8_t *row = table.at + at;
        if (!budget_charge(in->budget, 8))
            return 0;
        struct object *one = array_push(in->arena, segments);
        if (!one)
            return -ENOMEM;
        const uint8_t words[] = {layout->p.offset,    layout->p.address,     layout->p.physical,
                                 layout->p.file_size, layout->p.memory_size, layout->p.align};
        one->slots[0] = VALUE_INT(elf_u32(elf, row));
        one->slots[1] = VALUE_INT(elf_u32(elf, row + layout->p.flags));
        for (size_t i = 0; i < COUNT(words); i++)
            one->slots[2 + i] = VALUE_INT(elf_word(elf, row + words[i]));
        if (elf_u32(elf, row) == SEGMENT_DYNAMIC) {
            int error = dynamic_fill(in, self, elf_word(elf, row + layout->p.offset));
            if (error)
                return error;
        }
    }
    return 0;
}

/* --- the module: fields in the order in which `yara -D` knows them --- */

static const struct overload import_md5_calls[] = {{"", 's', elf_import_md5}, {0}};
static const struct overload telfhash_calls[] = {{"", 's', elf_telfhash}, {0}};

static const struct field fields[] = {
    FIELD_CONST("ET_NONE", 0),
    FIELD_CONST("ET_REL", 1),
    FIELD_CONST("ET_EXEC", 2),
    FIELD_CONST("ET_DYN", 3),
    FIELD_CONST("ET_CORE", 4),
    FIELD_CONST("EM_NONE", 0),
    FIELD_CONST("EM_M32", 1),
    FIELD_CONST("EM_SPARC", 2),
    FIELD_CONST("EM_386", 3),
    FIELD_CONST("EM_68K", 4),
    FIELD_CONST("EM_88K", 5),
    FIELD_CONST("EM_860", 7),
    FIELD_CONST("EM_MIPS", 8),
    FIELD_CONST("EM_MIPS_RS3_LE", 10),
    FIELD_CONST("EM_PPC", 20),
    FIELD_CONST("EM_PPC64", 21),
    FIELD_CONST("EM_ARM", 0x28),
    FIELD_CONST("EM_X86_64", 0x3e),
    FIELD_CONST("EM_AARCH64", 0xb7),
    FIELD_CONST("SHT_NULL", 0),
    FIELD_CONST("SHT_PROGBITS", 1),
    FIELD_CONST("SHT_SYMTAB", 2),
    FIELD_CONST("SHT_STRTAB", 3),
    FIELD_CONST("SHT_RELA", 4),
    FIELD_CONST("SHT_HASH", 5),
    FIELD_CONST("SHT_DYNAMIC", 6),
    FIELD_CONST("SHT_NOTE", 7),
    FIELD_CONST("SHT_NOBITS", 8),
    FIELD_CONST("SHT_REL", 9),
    FIELD_CONST("SHT_SHLIB", 10),
    FIELD_CONST("SHT_DYNSYM", 11),
    FIELD_CONST("SHF_WRITE", 1),
    FIELD_CONST("SHF_ALLOC", 2),
    FIELD_CONST("SHF_EXECINSTR", 4),

    FIELD_INT("type"),
    FIELD_INT("machine"),
    LATE_INT("entry_point", fill_entry_point),
    FIELD_INT("number_of_sections"),
    FIELD_INT("sh_offset"),
    FIELD_INT("sh_entry_size"),
    FIELD_INT("number_of_segments"),
    FIELD_INT("ph_offset"),
    FIELD_INT("ph_entry_size"),
    LATE_ARRAY("sections", section_fields, fill_sections),

    FIELD_CONST("PT_NULL", 0),
    FIELD_CONST("PT_LOAD", 1),
    FIELD_CONST("PT_DYNAMIC", 2),
    FIELD_CONST("PT_INTERP", 3),
    FIELD_CONST("PT_NOTE", 4),
    FIELD_CONST("PT_SHLIB", 5),
    FIELD_CONST("PT_PHDR", 6),
    FIELD_CONST("PT_TLS", 7),
    FIELD_CONST("PT_GNU_EH_FRAME", 0x6474e550),
    FIELD_CONST("PT_GNU_STACK", 0x6474e551),
    FIELD_CONST("DT_NULL", 0),
    FIELD_CONST("DT_NEEDED", 1),
    FIELD_CONST("DT_PLTRELSZ", 2),
    FIELD_CONST("DT_PLTGOT", 3),
    FIELD_CONST("DT_HASH", 4),
    FIELD_CONST("DT_STRTAB", 5),
    FIELD_CONST("DT_SYMTAB", 6),
    FIELD_CONST("DT_RELA", 7),
    FIELD_CONST("DT_RELASZ", 8),
    FIELD_CONST("DT_RELAENT", 9),
    FIELD_CONST("DT_STRSZ", 10),
    FIELD_CONST("DT_SYMENT", 11),
    FIELD_CONST("DT_INIT", 12),
    FIELD_CONST("DT_FINI", 13),
    FIELD_CONST("DT_SONAME", 14),
    FIELD_CONST("DT_RPATH", 15),
    FIELD_CONST("DT_SYMBOLIC", 16),
    FIELD_CONST("DT_REL", 17),
    FIELD_CONST("DT_RELSZ", 18),
    FIELD_CONST("DT_RELENT", 19),
    FIELD_CONST("DT_PLTREL", 20),
    FIELD_CONST("DT_DEBUG", 21),
    FIELD_CONST("DT_TEXTREL", 22),
    FIELD_CONST("DT_JMPREL", 23),
    FIELD_CONST("DT_BIND_NOW", 24),
    FIELD_CONST("DT_INIT_ARRAY", 25),
    FIELD_CONST("DT_FINI_ARRAY", 26),
    FIELD_CONST("DT_INIT_ARRAYSZ", 27),
    FIELD_CONST("DT_FINI_ARRAYSZ", 28),
    FIELD_CONST("DT_RUNPATH", 29),
    FIELD_CONST("DT_FLAGS", 30),
    FIELD_CONST("DT_ENCODING", 32),
    FIELD_CONST("STT_NOTYPE", 0),
    FIELD_CONST("STT_OBJECT", 1),
    FIELD_CONST("STT_FUNC", 2),
    FIELD_CONST("STT_SECTION", 3),
    FIELD_CONST("STT_FILE", 4),
    FIELD_CONST("STT_COMMON", 5),
    FIELD_CONST("STT_TLS", 6),
    FIELD_CONST("STB_LOCAL", 0),
    FIELD_CONST("STB_GLOBAL", 1),
    FIELD_CONST("STB_WEAK", 2),
    FIELD_CONST("PF_X", 1),
    FIELD_CONST("PF_W", 2),
    FIELD_CONST("PF_R", 4),

    LATE_ARRAY("segments", segment_fields, fill_segments),
    LATE_INT("dynamic_section_entries", fill_segments),
    LATE_ARRAY("dynamic", dynamic_fields, fill_segments),
    LATE_INT("symtab_entries", fill_symbol_counts),
    LATE_ARRAY("symtab", symbol_fields, fill_symtab),
    LATE_INT("dynsym_entries", fill_symbol_counts),
    LATE_ARRAY("dynsym", symbol_fields, fill_dynsym),
    FIELD_FUNCTION("telfhash", telfhash_calls),
    FIELD_FUNCTION("import_md5", import_md5_calls),
    FIELD_END,
};

/* The layout of a file that begins so, or NULL when it is no ELF file or too short for one. */
static const struct elf_layout *layout_of(bytes data, bool *ret_big)
{
    static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};
    if (data.len < 6 || memcmp(data.at, magic, sizeof magic) != 0)
        return NULL;
    if (data.at[5] != ORDER_LITTLE && data.at[5] != ORDER_BIG)
        return NULL;
    const struct elf_layout *layout = data.at[4] == CLASS_32   ? &layout_32
                                      : data.at[4] == CLASS_64 ? &layout_64
                                                               : NULL;
    *ret_big = data.at[5] == ORDER_BIG;
    return layout && data.len > layout->header ? layout : NULL;
}

static void header_fill(const struct elf *elf, struct object *root)
{
    const struct elf_layout *layout = elf->layout;
    object_set_int(root, "type", elf_u16(elf, elf->data.at + 16));
    object_set_int(root, "machine", elf_u16(elf, elf->data.at + 18));
    object_set_int(root, "sh_offset", (int64_t)header_word(elf, layout->h.sections));
    object_set_int(root, "sh_entry_size", header_u16(elf, layout->h.section_size));
    object_set_int(root, "number_of_sections", header_u16(elf, layout->h.section_count));
    object_set_int(root, "ph_offset", (int64_t)header_word(elf, layout->h.segments));
    object_set_int(root, "ph_entry_size", header_u16(elf, layout->h.segment_size));
    object_set_int(root, "number_of_segments", header_u16(elf, layout->h.segment_count));
}

static int load(struct module_input *in)
{
    in->root = object_new(in->arena, fields);
    if (!in->root)
        return -ENOMEM;
    for (uint32_t i = 0; i < in->block_count; i++) {
        struct elf elf = {.data = in->blocks[i].data, .base = in->blocks[i].base};
        elf.layout = layout_of(elf.data, &elf.big);
        /* Of a process, only the program itself counts, not its libraries. */
        if (!elf.layout || (in->is_process && elf_u16(&elf, elf.data.at + 16) != TYPE_EXEC))
            continue;
        struct elf *kept = PUSH(in->arena, struct elf);
        if (!kept)
            return -ENOMEM;
        *kept = elf;
        in->state = kept;
        header_fill(kept, in->root);
        return 0;
    }
    return 0;
}

const struct module module_elf = {.name = "elf", .fields = fields, .load = load};
