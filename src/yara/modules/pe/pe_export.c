/* pe_export — what an image exports.
 *
 *   export directory, 40 bytes: +4 time, +12 RVA of the library's name, +16 first ordinal, +20
 *   number of addresses, +24 number of names, then RVAs of: +28 addresses (u32 each), +32 names
 *   (u32 RVA each), +36 for each name the index of its address (u16)
 *
 * Microsoft PE Format section 6.3. An address inside the directory is the RVA of a text: the
 * export is forwarded to another library. */
#include "yara/modules/pe/pe_fields.h"

#include <errno.h>

enum {
    EXPORT_DIRECTORY = 40,
    MAX_EXPORTS = 16384,
    MAX_NAME = 512,
};

/* A table of `size` bytes at an RVA that the directory holds at `offset`; NULL when it is not
 * all in the file. */
static const uint8_t *table_at(const struct pe_image *image, const uint8_t *directory,
                               uint32_t offset, uint64_t size)
{
    int64_t at = pe_image_offset(image, load_le32(directory + offset));
    if (at < 0 || !bytes_has(image->data, (uint64_t)at, size))
        return NULL;
    return image->data.at + at;
}

static bool find_tables(const struct pe_image *image, struct pe_exports *exports)
{
    const uint8_t *directory = exports->directory;
    uint32_t addresses = load_le32(directory + 20), names = load_le32(directory + 24);
    exports->count = addresses < MAX_EXPORTS ? addresses : MAX_EXPORTS;
    exports->name_count = names < exports->count ? names : exports->count;
    exports->ordinal_base = load_le32(directory + 16);
    if (names) {
        exports->names = table_at(image, directory, 32, (uint64_t)names * 4);
        if (!exports->names)
            return false;
    }
    exports->indexes = table_at(image, directory, 36, (uint64_t)exports->count * 2);
    exports->addresses = table_at(image, directory, 28, (uint64_t)exports->count * 4);
    return exports->indexes && exports->addresses;
}

/* For each address 1 + the number of the first name that points at it, or 0. False when memory
 * ran out. */
static bool map_names(struct module_input *in, struct pe_exports *exports)
{
    uint16_t *map = PUSH_ARRAY(in->arena, uint16_t, exports->count);
    if (!map)
        budget_hit(in->budget, LIMIT_MEMORY);
    for (uint32_t i = exports->name_count; map && exports->names && i-- > 0;) {
        uint32_t index = load_le16(exports->indexes + (size_t)i * 2);
        if (index < exports->count)
            map[index] = (uint16_t)(i + 1);
    }
    exports->name_of = map;
    return map;
}

/* The name of an address, .at NULL when it has none. */
static bytes export_name(const struct pe_image *image, const struct pe_exports *exports,
                         uint32_t number)
{
    uint32_t name = exports->name_of[number];
    int64_t at = name ? pe_image_offset(image, load_le32(exports->names + (name - 1) * 4)) : 0;
    return at > 0 ? pe_image_text(image, (uint64_t)at, MAX_NAME) : (bytes){0};
}

/* Finds the tables once, and sets what costs nothing more. NULL when the object is no PE file.
 */
static const struct pe_exports *open_exports(struct module_input *in)
{
    struct pe *pe = pe_of(in);
    uint32_t rva, size;
    if (!pe || pe->exports.found)
        return pe ? &pe->exports : NULL;
    struct pe_exports *exports = &pe->exports;
    exports->found = true;
    if (!pe_image_directory(&pe->image, PE_DIRECTORY_EXPORT, &rva, &size) || rva == 0)
        return exports;
    int64_t at = pe_image_offset(&pe->image, rva);
    if (at < 0 || !bytes_has(pe->image.data, (uint64_t)at, EXPORT_DIRECTORY))
        return exports;
    const uint8_t *directory = pe->image.data.at + at;
    exports->start = (uint64_t)at;
    exports->end = (uint64_t)at + size;
    exports->directory = directory;
    int64_t name = pe_image_offset(&pe->image, load_le32(directory + 12));
    if (name > 0)
        exports->library = pe_image_text(&pe->image, (uint64_t)name, SIZE_MAX);
    /* YARA looks here whether the addresses could follow the name: files that lie are many. */
    if (!find_tables(&pe->image, exports) ||
        (uint64_t)exports->count * 4 > pe->image.data.len - (uint64_t)name ||
        !budget_charge(in->budget, exports->count) || !map_names(in, exports))
        exports->count = 0;
    return exports;
}

int pe_fill_export_counts(struct module_input *in, struct object *self)
{
    const struct pe_exports *exports = open_exports(in);
    if (!exports)
        return 0;
    pe_put_int(self, PE_ROOT_number_of_exports, exports->count);
    if (exports->directory)
        pe_put_int(self, PE_ROOT_export_timestamp, load_le32(exports->directory + 4));
    if (exports->library.at)
        pe_put_text(self, PE_ROOT_dll_name, exports->library);
    return 0;
}

static void set_export(struct object *item, const struct pe_image *image,
                       const struct pe_exports *exports, uint32_t number)
{
    uint32_t rva = load_le32(exports->addresses + (size_t)number * 4);
    pe_put_int(item, PE_EXPORT_ordinal, (uint32_t)(exports->ordinal_base + number));
    pe_put_int(item, PE_EXPORT_rva, rva);
    int64_t at = pe_image_offset(image, rva);
    if (at >= 0 && (uint64_t)at > exports->start && (uint64_t)at < exports->end)
        pe_put_text(item, PE_EXPORT_forward_name, pe_image_text(image, (uint64_t)at, MAX_NAME));
    else if (at >= 0)
        pe_put_int(item, PE_EXPORT_offset, at);
    bytes name = export_name(image, exports, number);
    if (name.at)
        pe_put_text(item, PE_EXPORT_name, name);
}

int pe_fill_exports(struct module_input *in, struct object *self)
{
    const struct pe_exports *exports = open_exports(in);
    struct object *array = pe_object(self, PE_ROOT_export_details);
    for (uint32_t i = 0; exports && i < exports->count; i++) {
        if (!budget_charge(in->budget, 32))
            return 0;
        struct object *item = array_push(in->arena, array);
        if (!item)
            return -ENOMEM;
        set_export(item, &pe_of(in)->image, exports, i);
    }
    return 0;
}

/* --- exports(), exports_index() --- */

static bool fits(struct module_input *in, const struct value *wanted, bytes name)
{
    if (!name.at)
        return false;
    return wanted->type == TYPE_REGEX ? in->regex && in->regex(in, wanted, name) != -1
                                      : bytes_same(name, (bytes){wanted->text, wanted->len});
}

/* Index of the first export that has the name or ordinal, or -1. An ordinal greater than the
 * number of exports is refused, as in YARA. */
static int64_t find_export(struct module_input *in, const struct pe_exports *exports,
                           const struct value *wanted)
{
    int64_t ordinal = wanted->type == TYPE_INT ? wanted->integer : 0;
    if (wanted->type == TYPE_INT && (ordinal == 0 || ordinal > exports->count))
        return -1;
    if (!budget_charge(in->budget, (uint64_t)exports->count * 4))
        return -1;
    for (uint32_t i = 0; i < exports->count; i++)
        if (wanted->type == TYPE_INT
                ? (uint32_t)(exports->ordinal_base + i) == ordinal
                : fits(in, wanted, export_name(&pe_of(in)->image, exports, i)))
            return i;
    return -1;
}

static int has_export(struct module_input *in, const struct value *args, struct value *ret)
{
    const struct pe_exports *exports = open_exports(in);
    if (exports)
        *ret = VALUE_INT(find_export(in, exports, &args[0]) >= 0);
    return 0;
}

static int index_export(struct module_input *in, const struct value *args, struct value *ret)
{
    const struct pe_exports *exports = open_exports(in);
    int64_t found = exports ? find_export(in, exports, &args[0]) : -1;
    if (found >= 0)
        *ret = VALUE_INT(found);
    return 0;
}

const struct overload pe_exports_calls[] = {
    {"s", 'i', has_export}, {"r", 'i', has_export}, {"i", 'i', has_export}, {0}};
const struct overload pe_exports_index_calls[] = {
    {"s", 'i', index_export}, {"i", 'i', index_export}, {"r", 'i', index_export}, {0}};
