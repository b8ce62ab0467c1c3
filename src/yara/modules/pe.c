/* pe — the module: what of a PE file's headers costs nothing, and the small functions. */
#include "yara/modules/pe/pe_fields.h"
#include "yara/modules/table.h"

#include <errno.h>
#include <string.h>

enum { CHARACTERISTIC_DLL = 0x2000 };

bytes pe_argument(const struct value *value)
{
    return (bytes){value->text,
                   value->len ? strnlen((const char *)value->text, value->len) : 0};
}

/* --- headers --- */

static void set_pair(struct object *root, int field, uint32_t major, uint32_t minor)
{
    struct object *pair = pe_object(root, field);
    pe_put_int(pair, PE_PAIR_major, major);
    pe_put_int(pair, PE_PAIR_minor, minor);
}

static void set_file_header(struct object *root, const struct pe_image *image)
{
    const uint8_t *p = image->data.at + image->header;
    pe_put_int(root, PE_ROOT_machine, load_le16(p + 4));
    pe_put_int(root, PE_ROOT_number_of_sections, load_le16(p + 6));
    pe_put_int(root, PE_ROOT_timestamp, load_le32(p + 8));
    pe_put_int(root, PE_ROOT_pointer_to_symbol_table, load_le32(p + 12));
    pe_put_int(root, PE_ROOT_number_of_symbols, load_le32(p + 16));
    pe_put_int(root, PE_ROOT_size_of_optional_header, load_le16(p + 20));
    pe_put_int(root, PE_ROOT_characteristics, load_le16(p + 22));
}

/* The part of the optional header that PE32 and PE32+ have alike. */
static void set_common_header(struct object *root, const struct pe_image *image)
{
    static const struct {
        uint16_t field;
        uint8_t offset, size;
    } numbers[] = {
        {PE_ROOT_opthdr_magic, 0, 2},
        {PE_ROOT_size_of_code, 4, 4},
        {PE_ROOT_size_of_initialized_data, 8, 4},
        {PE_ROOT_size_of_uninitialized_data, 12, 4},
        {PE_ROOT_entry_point_raw, 16, 4},
        {PE_ROOT_base_of_code, 20, 4},
        {PE_ROOT_section_alignment, 32, 4},
        {PE_ROOT_file_alignment, 36, 4},
        {PE_ROOT_win32_version_value, 52, 4},
        {PE_ROOT_size_of_image, 56, 4},
        {PE_ROOT_size_of_headers, 60, 4},
        {PE_ROOT_checksum, 64, 4},
        {PE_ROOT_subsystem, 68, 2},
        {PE_ROOT_dll_characteristics, 70, 2},
    };

    const uint8_t *p = image->data.at + image->header + PE_FILE_HEADER_SIZE;
    for (size_t i = 0; i < COUNT(numbers); i++)
        pe_put_int(root, numbers[i].field,
                   numbers[i].size == 2 ? load_le16(p + numbers[i].offset)
                                        : load_le32(p + numbers[i].offset));
    set_pair(root, PE_ROOT_linker_version, p[2], p[3]);
    set_pair(root, PE_ROOT_os_version, load_le16(p + 40), load_le16(p + 42));
    set_pair(root, PE_ROOT_image_version, load_le16(p + 44), load_le16(p + 46));
    set_pair(root, PE_ROOT_subsystem_version, load_le16(p + 48), load_le16(p + 50));
}

static void set_sized_header(struct object *root, const struct pe_image *image)
{
    const uint8_t *p = image->data.at + image->header + PE_FILE_HEADER_SIZE;
    static const int reserves[] = {PE_ROOT_size_of_stack_reserve, PE_ROOT_size_of_stack_commit,
                                   PE_ROOT_size_of_heap_reserve, PE_ROOT_size_of_heap_commit};
    for (size_t i = 0; i < COUNT(reserves); i++)
        pe_put_int(root, reserves[i],
                   image->is_64 ? (int64_t)load_le64(p + 72 + 8 * i)
                                : load_le32(p + 72 + 4 * i));
    p += image->is_64 ? 104 : 88;
    pe_put_int(root, PE_ROOT_loader_flags, load_le32(p));
    pe_put_int(root, PE_ROOT_number_of_rva_and_sizes, load_le32(p + 4));
    pe_put_int(root, PE_ROOT_image_base, (int64_t)pe_image_base(image));
    if (!image->is_64)
        pe_put_int(root, PE_ROOT_base_of_data, pe_image_optional32(image, 24));
}

/* The first block that holds a PE file; in a process, libraries are passed over. */
static struct pe *find_image(struct module_input *in)
{
    struct arena_mark mark = arena_mark(in->arena);
    struct pe *pe = PUSH(in->arena, struct pe);
    for (uint32_t i = 0; pe && i < in->block_count; i++) {
        if (!pe_image_open(in->blocks[i].data, &pe->image))
            continue;
        const uint8_t *p = pe->image.data.at + pe->image.header;
        if (in->is_process && load_le16(p + 22) & CHARACTERISTIC_DLL)
            continue;
        pe->base = in->blocks[i].base;
        pe->checksum = -1;
        return pe;
    }
    arena_pop(in->arena, mark);
    return NULL;
}

static int load(struct module_input *in)
{
    struct object *root = in->root = object_new(in->arena, pe_root_fields);
    if (!root)
        return -ENOMEM;
    pe_put_int(root, PE_ROOT_is_pe, 0);
    struct pe *pe = find_image(in);
    in->state = pe;
    if (!pe)
        return 0;
    pe_put_int(root, PE_ROOT_is_pe, 1);
    set_file_header(root, &pe->image);
    set_common_header(root, &pe->image);
    set_sized_header(root, &pe->image);
    int64_t entry = root->slots[PE_ROOT_entry_point_raw].integer;
    pe_put_int(root, PE_ROOT_entry_point,
               in->is_process ? (int64_t)pe->base + entry
                              : pe_image_offset(&pe->image, (uint64_t)entry));
    return 0;
}

const struct module module_pe = {.name = "pe", .fields = pe_root_fields, .load = load};

/* --- functions --- */

static int is_dll(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)args;
    if (pe_of(in))
        *ret = VALUE_INT(in->root->slots[PE_ROOT_characteristics].integer & CHARACTERISTIC_DLL);
    return 0;
}

static int is_32bit(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)args;
    if (pe_of(in))
        *ret = VALUE_INT(!pe_of(in)->image.is_64);
    return 0;
}

static int is_64bit(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)args;
    if (pe_of(in))
        *ret = VALUE_INT(pe_of(in)->image.is_64);
    return 0;
}

static int rva_to_offset(struct module_input *in, const struct value *args, struct value *ret)
{
    int64_t offset =
        pe_of(in) ? pe_image_offset(&pe_of(in)->image, (uint64_t)args[0].integer) : -1;
    if (offset >= 0)
        *ret = VALUE_INT(offset);
    return 0;
}

/* The sum of the file's words with carry, the checksum's own word left out where it is aligned,
 * plus the file's length: CheckSumMappedFile of imagehlp.dll. A sum with the carry folded in at
 * the end equals one folded at each step. */
static int64_t compute_checksum(const struct pe_image *image)
{
    bytes data = image->data;
    size_t skip = (size_t)image->header + PE_FILE_HEADER_SIZE + 64, i = 0;
    uint64_t sum = 0;
    for (; i + 4 <= data.len; i += 4)
        sum += load_le32(data.at + i);
    if (skip % 4 == 0)
        sum -= load_le32(data.at + skip);
    for (uint32_t shift = 0; i < data.len; i++, shift += 8)
        sum += (uint64_t)data.at[i] << shift;
    while (sum > 0xffffffff)
        sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum += sum >> 16;
    return (int64_t)((sum & 0xffff) + data.len);
}

static int calculate_checksum(struct module_input *in, const struct value *args,
                              struct value *ret)
{
    (void)args;
    struct pe *pe = pe_of(in);
    if (!pe)
        return 0;
    if (pe->checksum < 0) {
        if (!budget_charge(in->budget, pe->image.data.len / 8))
            return 0;
        pe->checksum = compute_checksum(&pe->image);
    }
    *ret = VALUE_INT(pe->checksum);
    return 0;
}

static int valid_on(struct module_input *in, const struct value *args, struct value *ret)
{
    if (!in->self)
        return 0;
    const struct value *before = &in->self->slots[PE_SIGNATURE_not_before];
    const struct value *after = &in->self->slots[PE_SIGNATURE_not_after];
    if (before->type == TYPE_INT && after->type == TYPE_INT)
        *ret =
            VALUE_INT(args[0].integer >= before->integer && args[0].integer <= after->integer);
    return 0;
}

const struct overload pe_is_dll_calls[] = {{"", 'i', is_dll}, {0}};
const struct overload pe_is_32bit_calls[] = {{"", 'i', is_32bit}, {0}};
const struct overload pe_is_64bit_calls[] = {{"", 'i', is_64bit}, {0}};
const struct overload pe_rva_to_offset_calls[] = {{"i", 'i', rva_to_offset}, {0}};
const struct overload pe_checksum_calls[] = {{"", 'i', calculate_checksum}, {0}};
const struct overload pe_valid_on_calls[] = {{"i", 'i', valid_on}, {0}};
