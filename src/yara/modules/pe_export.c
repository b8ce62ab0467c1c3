/* pe_export — what an image exports.
 *
 *   export directory, 40 bytes: +4 time, +12 RVA of the library's name, +16 first ordinal, +20
 *   number of addresses, +24 number of names, then RVAs of: +28 addresses (u32 each), +32 names
 *   (u32 RVA each), +36 for each name the index of its address (u16)
 *
 * Microsoft PE Format section 6.3. An address inside the directory is the RVA of a text: the
 * export is forwarded to another library. */
#include "yara/modules/pe_fields.h"

#include <errno.h>

enum {
    EXPORT_DIRECTORY = 40,
    MAX_EXPORTS = 16384,
    MAX_NAME = 512,
};

struct exports {
    const struct pe_image *image;
    uint64_t start, end; /* file offsets of the directory */
    uint32_t ordinal_base;
    uint32_t count;           /* of addresses */
    uint32_t name_count;      /* at most count */
    const uint8_t *addresses; /* count * 4 bytes */
    const uint8_t *names;     /* name_count * 4 bytes, NULL when there are none */
    const uint8_t *indexes;   /* count * 2 bytes: YARA asks for so many */
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

static bool find_tables(struct exports *exports, const uint8_t *directory)
{
    uint32_t addresses = load_le32(directory + 20), names = load_le32(directory + 24);
    exports->count = addresses < MAX_EXPORTS ? addresses : MAX_EXPORTS;
    exports->name_count = names < exports->count ? names : exports->count;
    exports->ordinal_base = load_le32(directory + 16);
    if (names) {
        exports->names = table_at(exports->image, directory, 32, (uint64_t)names * 4);
        if (!exports->names)
            return false;
    }
    exports->indexes = table_at(exports->image, directory, 36, (uint64_t)exports->count * 2);
    exports->addresses = table_at(exports->image, directory, 28, (uint64_t)exports->count * 4);
    return exports->indexes && exports->addresses;
}

/* For each address 1 + the number of the first name that points at it, or 0; NULL when memory
 * ran out. */
static uint16_t *name_map(struct arena *arena, const struct exports *exports)
{
    uint16_t *map = PUSH_ARRAY(arena, uint16_t, exports->count);
    for (uint32_t i = exports->name_count; map && exports->names && i-- > 0;) {
        uint32_t index = load_le16(exports->indexes + (size_t)i * 2);
        if (index < exports->count)
            map[index] = (uint16_t)(i + 1);
    }
    return map;
}

static void set_export(struct object *item, const struct exports *exports, uint32_t number,
                       uint32_t name)
{
    uint32_t rva = load_le32(exports->addresses + (size_t)number * 4);
    pe_put_int(item, PE_EXPORT_ordinal, (uint32_t)(exports->ordinal_base + number));
    pe_put_int(item, PE_EXPORT_rva, rva);
    int64_t at = pe_image_offset(exports->image, rva);
    if (at >= 0 && (uint64_t)at > exports->start && (uint64_t)at < exports->end)
        pe_put_text(item, PE_EXPORT_forward_name,
                    pe_image_text(exports->image, (uint64_t)at, MAX_NAME));
    else if (at >= 0)
        pe_put_int(item, PE_EXPORT_offset, at);
    if (name == 0)
        return;
    at = pe_image_offset(exports->image, load_le32(exports->names + (size_t)(name - 1) * 4));
    if (at > 0)
        pe_put_text(item, PE_EXPORT_name,
                    pe_image_text(exports->image, (uint64_t)at, MAX_NAME));
}

static int set_exports(struct module_input *in, struct object *self,
                       const struct exports *exports)
{
    uint16_t *map = name_map(in->arena, exports);
    struct object *array = pe_object(self, PE_ROOT_export_details);
    for (uint32_t i = 0; map && i < exports->count; i++) {
        struct object *item = array_push(in->arena, array);
        if (!item)
            return -ENOMEM;
        if (!budget_charge(in->budget, 32))
            return 0;
        set_export(item, exports, i, map[i]);
    }
    pe_put_int(self, PE_ROOT_number_of_exports, exports->count);
    return map ? 0 : -ENOMEM;
}

int pe_fill_exports(struct module_input *in, struct object *self)
{
    struct pe *pe = pe_of(in);
    uint32_t rva, size;
    if (!pe)
        return 0;
    pe_put_int(self, PE_ROOT_number_of_exports, 0);
    if (!pe_image_directory(&pe->image, PE_DIRECTORY_EXPORT, &rva, &size) || rva == 0)
        return 0;
    int64_t at = pe_image_offset(&pe->image, rva);
    if (at < 0 || !bytes_has(pe->image.data, (uint64_t)at, EXPORT_DIRECTORY))
        return 0;
    const uint8_t *directory = pe->image.data.at + at;
    struct exports exports = {
        .image = &pe->image, .start = (uint64_t)at, .end = (uint64_t)at + size};
    pe_put_int(self, PE_ROOT_export_timestamp, load_le32(directory + 4));
    int64_t name = pe_image_offset(&pe->image, load_le32(directory + 12));
    if (name > 0)
        pe_put_text(self, PE_ROOT_dll_name,
                    pe_image_text(&pe->image, (uint64_t)name, SIZE_MAX));
    /* YARA looks here whether the addresses could follow the name: files that lie are many. */
    bool fits = find_tables(&exports, directory) &&
                (uint64_t)exports.count * 4 <= pe->image.data.len - (uint64_t)name;
    return fits ? set_exports(in, self, &exports) : 0;
}

/* --- exports(), exports_index() --- */

/* Index of the first export whose name fits, or -1. A number fits the export's ordinal, but one
 * greater than the number of exports is refused, as in YARA. */
static int64_t find_export(struct module_input *in, const struct value *wanted)
{
    struct object *array = pe_object(in->root, PE_ROOT_export_details);
    if (wanted->type == TYPE_INT && (wanted->integer == 0 || wanted->integer > array->count))
        return -1;
    if (!budget_charge(in->budget, array->count))
        return -1;
    for (uint32_t i = 0; i < array->count; i++) {
        const struct object *item = array->slots[i].object;
        const struct value *name = &item->slots[PE_EXPORT_name];
        bytes text = {name->text, name->len};
        if (wanted->type == TYPE_INT) {
            if (item->slots[PE_EXPORT_ordinal].integer == wanted->integer)
                return i;
        } else if (name->type != TYPE_STRING) {
            continue;
        } else if (wanted->type == TYPE_REGEX) {
            if (in->regex && in->regex(in, wanted, text) != -1)
                return i;
        } else if (pe_same_name(text, (bytes){wanted->text, wanted->len})) {
            return i;
        }
    }
    return -1;
}

/* False when the object is no PE file. */
static bool read_exports(struct module_input *in, int *ret_error)
{
    struct value ignored;
    *ret_error = 0;
    if (!pe_of(in))
        return false;
    *ret_error = object_read(in, in->root, PE_ROOT_export_details, &ignored);
    return *ret_error == 0;
}

static int has_export(struct module_input *in, const struct value *args, struct value *ret)
{
    int error;
    if (read_exports(in, &error))
        *ret = VALUE_INT(find_export(in, &args[0]) >= 0);
    return error;
}

static int index_export(struct module_input *in, const struct value *args, struct value *ret)
{
    int error;
    int64_t found = read_exports(in, &error) ? find_export(in, &args[0]) : -1;
    if (found >= 0)
        *ret = VALUE_INT(found);
    return error;
}

const struct overload pe_exports_calls[] = {
    {"s", 'i', has_export}, {"r", 'i', has_export}, {"i", 'i', has_export}, {0}};
const struct overload pe_exports_index_calls[] = {
    {"s", 'i', index_export}, {"i", 'i', index_export}, {"r", 'i', index_export}, {0}};
