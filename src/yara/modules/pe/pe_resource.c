/* pe_resource — the tree of resources, and the version texts in one of them.
 *
 *   directory, 16 bytes: u32 0, u32 time, u16 major, u16 minor, u16 named, u16 numbered
 * entries; then entries of 8 bytes: u32 number, or top bit and offset of a name (u16 length,
 * UTF-16); u32 top bit and offset of a directory, or offset of data: u32 RVA, u32 size, 8 bytes
 * more Three levels: type, name, language. Offsets count from the first directory.
 *
 *   version block: u16 length, u16 length of value, u16 type, key in UTF-16 with its 0, then
 *   padded to 4 bytes value or blocks. VS_VERSION_INFO holds StringFileInfo, which holds a
 * table for each language, which holds the texts.
 *
 * Microsoft PE Format section 6.9; VS_VERSIONINFO in the Windows SDK. */
#include "yara/modules/pe/pe_fields.h"

#include <errno.h>

enum {
    DIRECTORY = 16,
    ENTRY = 8,
    DATA_ENTRY = 16,
    LEVELS = 3,
    MAX_RESOURCES = 65536,
    MAX_TEXTS = 65536,   /* in all version blocks: resources may share them */
    MAX_LOOKS = 1 << 20, /* at entries of the tree: directories may be shared */
    MAX_ENTRIES = 32768, /* named or numbered in one directory */
    MAX_NAME = 1000,     /* UTF-16 units */
    MAX_DATA = 0x3fffffff,
    RESOURCE_VERSION = 16,
    BLOCK = 6, /* of a version block before its key */
    MAX_KEY = 63,
    MAX_VALUE = 255,
};

static const uint32_t TOP_BIT = UINT32_C(1) << 31;

struct resources {
    struct module_input *in;
    const struct pe_image *image;
    struct object *root;
    uint64_t start; /* file offset of the first directory */
    uint32_t count;
    uint32_t looks; /* at entries so far */
    int error;
    int64_t number[LEVELS]; /* of the entries above the data, -1 when there was none */
    bytes name[LEVELS];     /* .at is NULL for an entry that has a number */
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

static int add_resource(struct resources *res, uint32_t rva, uint32_t size)
{
    static const struct {
        int number, name;
    } fields[LEVELS] = {{PE_RESOURCE_type, PE_RESOURCE_type_string},
                        {PE_RESOURCE_id, PE_RESOURCE_name_string},
                        {PE_RESOURCE_language, PE_RESOURCE_language_string}};
    struct object *item = array_push(res->in->arena, pe_object(res->root, PE_ROOT_resources));
    if (!item)
        return -ENOMEM;
    int64_t offset = pe_image_offset(res->image, rva);
    pe_put_int(item, PE_RESOURCE_rva, rva);
    pe_put_int(item, PE_RESOURCE_length, size);
    if (offset >= 0)
        pe_put_int(item, PE_RESOURCE_offset, offset);
    for (int i = 0; i < LEVELS; i++) {
        if (res->name[i].at)
            pe_put_text(item, fields[i].name, res->name[i]);
        else if (res->number[i] != -1)
            pe_put_int(item, fields[i].number, res->number[i]);
    }
    res->count++;
    return 0;
}

/* The UTF-16 name of an entry; .at is NULL when it has a number, or a name that is too long or
 * not in the file. */
static bytes entry_name(const struct resources *res, uint32_t word)
{
    uint64_t at = res->start + (word & ~TOP_BIT);
    uint16_t length;
    if (!(word & TOP_BIT) || !bytes_le16(res->image->data, at, &length) || length > MAX_NAME ||
        !bytes_has(res->image->data, at + 2, (uint64_t)length * 2))
        return (bytes){0};
    return (bytes){res->image->data.at + at + 2, (size_t)length * 2};
}

/* False when the walk must end. */
static bool read_data(struct resources *res, uint64_t at)
{
    if (!bytes_has(res->image->data, at, DATA_ENTRY))
        return true;
    uint32_t rva = load_le32(res->image->data.at + at);
    uint32_t size = load_le32(res->image->data.at + at + 4);
    if (size == 0 || size > MAX_DATA)
        return true;
    if (res->count >= MAX_RESOURCES)
        return false;
    res->error = add_resource(res, rva, size);
    if (!res->error && res->number[0] == RESOURCE_VERSION)
        read_version(res, rva);
    return !res->error;
}

/* Entries of one directory: where the next is, and how many are left. */
struct level {
    uint64_t directory, next;
    uint32_t left;
};

/* False for a directory that cannot be. */
static bool open_directory(const struct resources *res, uint64_t at, struct level *ret)
{
    if (!bytes_has(res->image->data, at, DIRECTORY))
        return false;
    const uint8_t *p = res->image->data.at + at;
    uint32_t named = load_le16(p + 12), numbered = load_le16(p + 14);
    if (load_le32(p) != 0 || named > MAX_ENTRIES || numbered > MAX_ENTRIES ||
        !bytes_has(res->image->data, at + DIRECTORY, (uint64_t)(named + numbered) * ENTRY))
        return false;
    *ret = (struct level){at, at + DIRECTORY, named + numbered};
    return true;
}

/* Numbers and names of a level stay when the walk leaves it, numbers even for data that lies on
 * a higher level later: so YARA reports them. */
static void walk_tree(struct resources *res)
{
    struct level levels[LEVELS];
    int depth = 0;
    if (!open_directory(res, res->start, &levels[0]))
        return;
    while (depth >= 0 && budget_charge(res->in->budget, 16)) {
        if (res->looks++ >= MAX_LOOKS) {
            budget_hit(res->in->budget, LIMIT_STEPS);
            return;
        }
        struct level *level = &levels[depth];
        const uint8_t *entry = res->image->data.at + level->next;
        /* An entry without data ends its directory. */
        if (level->left == 0 || load_le32(entry + 4) == 0) {
            res->name[depth] = (bytes){0};
            depth--;
            continue;
        }
        level->left--;
        level->next += ENTRY;
        uint32_t word = load_le32(entry), target = load_le32(entry + 4);
        res->number[depth] = (int32_t)word;
        res->name[depth] = entry_name(res, word);
        uint64_t at = res->start + (target & ~TOP_BIT);
        if (target & TOP_BIT && depth + 1 < LEVELS) {
            if (at != level->directory && open_directory(res, at, &levels[depth + 1]))
                depth++;
        } else if (!read_data(res, at)) {
            return;
        }
    }
}

/* --- fields --- */

/* Offset of the first directory, or -1. */
static int64_t find_tree(const struct pe *pe)
{
    uint32_t rva, size;
    if (!pe_image_directory(&pe->image, PE_DIRECTORY_RESOURCE, &rva, &size) || rva == 0)
        return -1;
    int64_t at = pe_image_offset(&pe->image, rva);
    return at >= 0 && bytes_has(pe->image.data, (uint64_t)at, DIRECTORY) ? at : -1;
}

int pe_fill_resources(struct module_input *in, struct object *self)
{
    struct pe *pe = pe_of(in);
    if (!pe)
        return 0;
    struct resources res = {
        .in = in, .image = &pe->image, .root = self, .number = {-1, -1, -1}};
    int64_t start = find_tree(pe);
    if (start >= 0) {
        res.start = (uint64_t)start;
        pe_put_int(self, PE_ROOT_resource_timestamp, load_le32(pe->image.data.at + start + 4));
        walk_tree(&res);
    }
    pe_put_int(self, PE_ROOT_number_of_resources, res.count);
    pe_put_int(self, PE_ROOT_number_of_version_infos,
               pe_object(self, PE_ROOT_version_info_list)->count);
    return res.error;
}

int pe_fill_resource_version(struct module_input *in, struct object *self)
{
    struct pe *pe = pe_of(in);
    int64_t start = pe ? find_tree(pe) : -1;
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
