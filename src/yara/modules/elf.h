/* elf — what the two files of the elf module share: elf.c reads the format and fills the
 * fields, elf_names.c sums up the names of symbols (import_md5, telfhash). */
#pragma once
#include "yara/module.h"

/* Where the fields of a 32- or 64-bit file lie in its structures. */
struct elf_layout {
    uint8_t word; /* bytes of an address, an offset, a size */
    uint8_t header, section, segment, symbol, dynamic; /* sizes of the structures */

    struct {
        uint8_t entry, segments, sections, section_flags, segment_size, segment_count,
            section_size, section_count, names;
    } h;

    struct {
        uint8_t flags, address, offset, size, link;
    } s;

    struct {
        uint8_t flags, offset, address, physical, file_size, memory_size, align;
    } p;

    struct {
        uint8_t value, size, info, other, section;
    } y;
};

/* A table of symbols and the strings that name them; both lie inside the file. */
struct elf_symbols {
    bytes table, strings;
    bool found;
};

struct elf {
    bytes data;
    uint64_t base;
    const struct elf_layout *layout;
    bool big;
    bool symbols_known;
    struct elf_symbols symtab, dynsym;
};

/* Reads inside the file; the caller has checked that the bytes are there. */
uint16_t elf_u16(const struct elf *elf, const uint8_t *at);
uint32_t elf_u32(const struct elf *elf, const uint8_t *at);
uint64_t elf_word(const struct elf *elf, const uint8_t *at);

/* The text at `index` of a string table, without its NUL; .at is NULL where there is none,
 * where it is cut off, or where the table does not begin with a NUL. Charges the budget. */
bytes elf_text(struct budget *budget, bytes table, uint32_t index);

/* The module's state with its tables of symbols found, or NULL when the object is no ELF file.
 */
struct elf *elf_with_symbols(struct module_input *in);

/* The functions of that name. */
int elf_import_md5(struct module_input *in, const struct value *args, struct value *ret);
int elf_telfhash(struct module_input *in, const struct value *args, struct value *ret);
