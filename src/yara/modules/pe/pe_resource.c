/* pe_resource — the resources (pe/pe_tree.h), and the version texts in some of them.
 *
 *   version block: u16 length, u16 length of value, u16 type, key in UTF-16 with its 0, then
 *   padded to 4 bytes value or blocks. VS_VERSION_INFO holds StringFileInfo, which holds a
 * table for each language, which holds the texts.
 *
 * VS_VERSIONINFO in the Windows SDK. */
#include "pe/pe_tree.h"
#include "yara/modules/pe/pe_fields.h"

#include <errno.h>

enum {
    MAX_RESOURCES = 65536,
    MAX_TEXTS = 65536, /* in all version blocks: resources may share them */
    BLOCK = 6,         /* of a version block before its key */
    MAX_KEY = 63,
    MAX_VALUE = 255,
};

struct resources {
    struct module_input *in;
    const struct pe_image *image;
    struct object *root;
    uint32_t count;
    int error;
};

/* --- version texts --- */

/* Units before the 0 that ends a UTF-16 text; false when no 0 follows in the file. */
static bool wide_length(const struct resources *res, uint64_t at, uint32_t *ret)
{
    uint16_t unit;
    for (uint32_t n = 0; bytes_le16(res->image->data, at + 2 * (uint64_t)n, &unit); n++)
        if (unit == 0) {
            *ret = n;
            return budget_charge(res->in->budget, n / 4);
        }
    return false;
}

/* True when the block at `at` lies in the file, has a length and the key. */
static bool block_has_key(const struct pe_image *image, uint64_t at, const char *key)
{
    bytes ascii = bytes_of(key);
    uint16_t length, unit;
    if (!bytes_has(image->data, at + BLOCK, 2 * ascii.len + 2) ||
        !bytes_le16(image->data, at, &length) || length == 0)
        return false;
    for (size_t i = 0; i <= ascii.len; i++) {
        if (!bytes_le16(image->data, at + BLOCK + 2 * i, &unit) ||
            unit != (i < ascii.len ? ascii.at[i] : 0))
            return false;
    }
    return true;
}

static uint64_t aligned(uint64_t offset)
{
    return (offset + 3) & ~UINT64_C(3);
}

/* The low bytes of UTF-16 units, at most `max`, up to one that is 0. */
static bytes narrow_text(struct arena *arena, const struct pe_image *image, uint64_t at,
                         uint32_t max)
{
    uint8_t *text = arena_push_raw(arena, max + 1);
    uint32_t n = 0;
    while (text && n < max && bytes_has(image->data, at + 2 * (uint64_t)n, 2) &&
           image->data.at[at + 2 * (uint64_t)n]) {
        text[n] = image->data.at[at + 2 * (uint64_t)n];
        n++;
    }
    return (bytes){text, n};
}

static int add_text(struct resources *res, bytes key, bytes value)
{
    struct arena *arena = res->in->arena;
    struct object *list = pe_object(res->root, PE_ROOT_version_info_list);
    struct object *item = array_push(arena, list);
    if (!item || !key.at || !value.at ||
        !dict_set(arena, pe_object(res->root, PE_ROOT_version_info), key, VALUE_BYTES(value)))
        return -ENOMEM;
    pe_put_text(item, PE_VERSION_key, key);
    pe_put_text(item, PE_VERSION_value, value);
    return 0;
}

/* Length field, and length of key, of a block in a list that ends at `end`; false at its end.
 */
static bool next_block(struct resources *res, uint64_t at, uint64_t end, uint16_t *ret_length,
                       uint32_t *ret_key)
{
    if (pe_object(res->root, PE_ROOT_version_info_list)->count >= MAX_TEXTS) {
        budget_hit(res->in->budget, LIMIT_STEPS);
        return false;
    }
    return at < end && bytes_has(res->image->data, at, BLOCK) &&
           budget_charge(res->in->budget, 16) && wide_length(res, at + BLOCK, ret_key) &&
           bytes_le16(res->image->data, at, ret_length) && *ret_length != 0;
}

/* The texts of one language. */
static void read_strings(struct resources *res, uint64_t at, uint64_t end)
{
    uint16_t length, value_length;
    uint32_t key, ignored;
    while (!res->error && next_block(res, at, end, &length, &key)) {
        uint64_t value = at + aligned(BLOCK + 2 * ((uint64_t)key + 1));
        if (wide_length(res, value, &ignored) &&
            bytes_le16(res->image->data, at + 2, &value_length)) {
            struct arena *arena = res->in->arena;
            bytes name = narrow_text(arena, res->image, at + BLOCK, MAX_KEY);
            bytes text = narrow_text(arena, res->image, value, value_length ? MAX_VALUE : 0);
            res->error = add_text(res, name, text);
        }
        at += aligned(length);
    }
}

static void read_version(struct resources *res, uint32_t rva)
{
    static const uint32_t fixed_part = 92, table_part = 36;
    const struct pe_image *image = res->image;
    int64_t start = pe_image_offset(image, rva);
    /* The length of the outermost block is not looked at. */
    static const uint8_t wanted[32] = "V\0S\0_\0V\0E\0R\0S\0I\0O\0N\0_\0I\0N\0F\0O\0";
    if (start < 0 ||
        !bytes_equal(bytes_slice(image->data, (size_t)start + BLOCK, 32), (bytes){wanted, 32}))
        return;
    uint64_t at = (uint64_t)start + fixed_part;
    uint16_t length;
    uint32_t key;
    while (block_has_key(image, at, "VarFileInfo") && bytes_le16(image->data, at, &length) &&
           budget_charge(res->in->budget, 16))
        at += aligned(length);
    while (!res->error && block_has_key(image, at, "StringFileInfo") &&
           bytes_le16(image->data, at, &length)) {
        uint64_t table = at + table_part, end = at + aligned(length);
        at = end;
        while (!res->error && next_block(res, table, end, &length, &key)) {
            uint64_t strings = table + aligned(BLOCK + 2 * ((uint64_t)key + 1));
            table += aligned(length);
            read_strings(res, strings, table);
        }
    }
}

/* --- the tree --- */

static int add_resource(struct resources *res, const struct pe_tree *leaf)
{
    static const struct {
        int number, name;
    } fields[PE_TREE_LEVELS] = {{PE_RESOURCE_type, PE_RESOURCE_type_string},
                                {PE_RESOURCE_id, PE_RESOURCE_name_string},
                                {PE_RESOURCE_language, PE_RESOURCE_language_string}};
    struct object *item = array_push(res->in->arena, pe_object(res->root, PE_ROOT_resources));
    if (!item)
        return -ENOMEM;
    int64_t offset = pe_image_offset(res->image, leaf->rva);
    pe_put_int(item, PE_RESOURCE_rva, leaf->rva);
    pe_put_int(item, PE_RESOURCE_length, leaf->size);
    if (offset >= 0)
        pe_put_int(item, PE_RESOURCE_offset, offset);
    for (int i = 0; i < PE_TREE_LEVELS; i++) {
        if (leaf->name[i].at)
            pe_put_text(item, fields[i].name, leaf->name[i]);
        else if (leaf->number[i] != -1)
            pe_put_int(item, fields[i].number, leaf->number[i]);
    }
    res->count++;
    return 0;
}

static void read_leaves(struct resources *res, struct pe_tree *tree)
{
    while (!res->error && pe_tree_next(tree, res->in->budget) && res->count < MAX_RESOURCES) {
        res->error = add_resource(res, tree);
        if (!res->error && tree->number[0] == PE_RESOURCE_VERSION)
            read_version(res, tree->rva);
    }
}

/* --- fields --- */

int pe_fill_resources(struct module_input *in, struct object *self)
{
    struct pe *pe = pe_of(in);
    struct pe_tree tree;
    if (!pe)
        return 0;
    struct resources res = {.in = in, .image = &pe->image, .root = self};
    if (pe_tree_open(&pe->image, &tree)) {
        pe_put_int(self, PE_ROOT_resource_timestamp,
                   load_le32(pe->image.data.at + tree.start + 4));
        read_leaves(&res, &tree);
    }
    pe_put_int(self, PE_ROOT_number_of_resources, res.count);
    pe_put_int(self, PE_ROOT_number_of_version_infos,
               pe_object(self, PE_ROOT_version_info_list)->count);
    return res.error;
}

int pe_fill_resource_version(struct module_input *in, struct object *self)
{
    struct pe *pe = pe_of(in);
    int64_t start = pe ? pe_tree_start(&pe->image) : -1;
    if (start >= 0) {
        pe_put_int(self, PE_RESOURCE_VERSION_major, load_le16(pe->image.data.at + start + 8));
        pe_put_int(self, PE_RESOURCE_VERSION_minor, load_le16(pe->image.data.at + start + 10));
    }
    return 0;
}

/* --- locale(), language() --- */

static int has_language(struct module_input *in, int64_t mask, int64_t wanted,
                        struct value *ret)
{
    struct value list;
    if (!pe_of(in))
        return 0;
    int error = object_read(in, in->root, PE_ROOT_resources, &list);
    if (error)
        return error;
    bool found = false;
    for (uint32_t i = 0; i < list.object->count && !found; i++) {
        const struct object *item = list.object->slots[i].object;
        const struct value *language = &item->slots[PE_RESOURCE_language];
        found = language->type == TYPE_INT && (language->integer & mask) == wanted;
    }
    *ret = VALUE_INT(found);
    return 0;
}

static int locale(struct module_input *in, const struct value *args, struct value *ret)
{
    return has_language(in, 0xffff, args[0].integer, ret);
}

static int language(struct module_input *in, const struct value *args, struct value *ret)
{
    return has_language(in, 0xff, args[0].integer, ret);
}

const struct overload pe_locale_calls[] = {{"i", 'i', locale}, {0}};
const struct overload pe_language_calls[] = {{"i", 'i', language}, {0}};
