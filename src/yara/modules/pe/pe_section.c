/* pe_section — data directories, section table and overlay of the pe module. */
#include "yara/modules/pe/pe_fields.h"

#include <errno.h>
#include <string.h>

enum {
    SYMBOL_SIZE = 18, /* of a record of the COFF symbol table */
    NAME_SIZE = 8,
};

int pe_fill_directories(struct module_input *in, struct object *self)
{
    struct pe *pe = pe_of(in);
    if (!pe)
        return 0;
    struct object *array = pe_object(self, PE_ROOT_data_directories);
    int64_t count = self->slots[PE_ROOT_number_of_rva_and_sizes].integer;
    for (int64_t i = 0; i < count && i < PE_DIRECTORY_COUNT; i++) {
        uint32_t rva, size;
        if (!pe_image_directory(&pe->image, (enum pe_directory)i, &rva, &size))
            break;
        struct object *item = array_push(in->arena, array);
        if (!item)
            return -ENOMEM;
        pe_put_int(item, PE_DIRECTORY_virtual_address, rva);
        pe_put_int(item, PE_DIRECTORY_size, size);
    }
    return 0;
}

/* The section's 8-byte name without the zeros at its end. */
static bytes short_name(const struct pe_image *image, uint32_t number)
{
    bytes name = {image->data.at + image->section_at + number * PE_SECTION_SIZE, NAME_SIZE};
    while (name.len && name.at[name.len - 1] == 0)
        name.len--;
    return name;
}

/* A name "/123" stands for the text at that offset of the string table, which follows the
 * symbol table. Undefined where that is not printable text. */
static struct value full_name(struct module_input *in, const struct pe_image *image, bytes name)
{
    const uint8_t *header = image->data.at + image->header;
    uint64_t symbols = load_le32(header + 12), symbol_count = load_le32(header + 16), index = 0;
    if (symbols == 0 || name.len == 0 || name.at[0] != '/')
        return VALUE_BYTES(name);
    for (size_t i = 1; i < name.len && name.at[i] >= '0' && name.at[i] <= '9'; i++)
        index = index * 10 + (uint64_t)(name.at[i] - '0');
    uint64_t at = symbols + symbol_count * SYMBOL_SIZE + index;
    bytes text = pe_image_text(image, at, SIZE_MAX);
    if (!bytes_has(image->data, at + text.len, 1) || !budget_charge(in->budget, text.len))
        return VALUE_NONE;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || text.at[i] > '~')
            return VALUE_NONE;
    return text.at ? VALUE_BYTES(text) : VALUE_NONE;
}

int pe_fill_sections(struct module_input *in, struct object *self)
{
    static const struct {
        uint8_t field, offset, size;
    } numbers[] = {
        {PE_SECTION_virtual_size, 8, 4},
        {PE_SECTION_virtual_address, 12, 4},
        {PE_SECTION_raw_data_size, 16, 4},
        {PE_SECTION_raw_data_offset, 20, 4},
        {PE_SECTION_pointer_to_relocations, 24, 4},
        {PE_SECTION_pointer_to_line_numbers, 28, 4},
        {PE_SECTION_number_of_relocations, 32, 2},
        {PE_SECTION_number_of_line_numbers, 34, 2},
        {PE_SECTION_characteristics, 36, 4},
    };
    struct pe *pe = pe_of(in);
    for (uint32_t i = 0; pe && i < pe->image.section_usable; i++) {
        struct object *item = array_push(in->arena, pe_object(self, PE_ROOT_sections));
        if (!item)
            return -ENOMEM;
        bytes name = short_name(&pe->image, i);
        pe_put_text(item, PE_SECTION_name, name);
        item->slots[PE_SECTION_full_name] = full_name(in, &pe->image, name);
        const uint8_t *p = pe->image.data.at + pe->image.section_at + i * PE_SECTION_SIZE;
        for (size_t k = 0; k < COUNT(numbers); k++)
            pe_put_int(item, numbers[k].field,
                       numbers[k].size == 2 ? load_le16(p + numbers[k].offset)
                                            : load_le32(p + numbers[k].offset));
    }
    return 0;
}

/* What follows the section that reaches furthest into the file. The comparison is made in 32
 * bits, as YARA makes it; 0 and 0 when nothing follows. */
int pe_fill_overlay(struct module_input *in, struct object *self)
{
    struct pe *pe = pe_of(in);
    if (!pe)
        return 0;
    uint64_t end = 0;
    for (uint32_t i = 0; i < pe->image.section_usable; i++) {
        const uint8_t *p = pe->image.data.at + pe->image.section_at + i * PE_SECTION_SIZE;
        uint32_t offset = load_le32(p + 20), size = load_le32(p + 16);
        if ((uint32_t)(offset + size) > end)
            end = (uint64_t)offset + size;
    }
    bool has = end && pe->image.data.len > end;
    pe_put_int(self, PE_OVERLAY_offset, has ? (int64_t)end : 0);
    pe_put_int(self, PE_OVERLAY_size, has ? (int64_t)(pe->image.data.len - end) : 0);
    return 0;
}

static int section_index_name(struct module_input *in, const struct value *args,
                              struct value *ret)
{
    struct pe *pe = pe_of(in);
    bytes wanted = pe_argument(&args[0]);
    for (uint32_t i = 0; pe && i < pe->image.section_usable; i++) {
        bytes name = short_name(&pe->image, i);
        if (name.len)
            name.len = strnlen((const char *)name.at, name.len);
        if (bytes_equal(name, wanted)) {
            *ret = VALUE_INT(i);
            return 0;
        }
    }
    return 0;
}

/* By file offset, or by RVA in the memory of a process. */
static int section_index_address(struct module_input *in, const struct value *args,
                                 struct value *ret)
{
    struct pe *pe = pe_of(in);
    for (uint32_t i = 0; pe && i < pe->image.section_usable; i++) {
        const uint8_t *p = pe->image.data.at + pe->image.section_at + i * PE_SECTION_SIZE;
        int64_t start = load_le32(p + (in->is_process ? 12 : 20));
        int64_t size = load_le32(p + (in->is_process ? 8 : 16));
        if (args[0].integer >= start && args[0].integer < start + size) {
            *ret = VALUE_INT(i);
            return 0;
        }
    }
    return 0;
}

const struct overload pe_section_index_calls[] = {
    {"s", 'i', section_index_name}, {"i", 'i', section_index_address}, {0}};
