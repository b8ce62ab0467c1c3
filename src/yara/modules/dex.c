/* dex — fields of Dalvik executables. Android Open Source Project, "Dalvik executable format".
 *
 *   header      112 bytes: magic "dex\n0NN\0", checksum, SHA-1, sizes and offsets of the tables
 *   string_ids  u32 offset of: uleb128 length, text           type_ids   u32 string
 *   proto_ids   u32 string, u32 type, u32 parameters          field_ids  u16 class, u16 type,
 *   method_ids  u16 class, u16 proto, u32 string                         u32 string
 *   class_defs  8 x u32; the seventh is the offset of the class's data:
 *     uleb128 static fields, instance fields, direct methods, virtual methods; then each of
 * them, field: uleb128 index (minus the one before), flags; method: the same and offset of its
 * code map_list    u32 count; u16 type, u16 unused, u32 size, u32 offset each
 *
 * Tables are read in this order, and none after one that does not lie inside the file. The text
 * of a string is taken to begin one byte after its offset, and its length is that in UTF-16
 * units, as YARA does: longer than 127, it comes out shifted. */
#include "yara/modules/table.h"

#include <errno.h>
#include <string.h>

enum { HEADER = 112, MAGIC = 8, INDEX_MAX = 0x80000, CODE_HEADER = 16 };

enum table { STRING_IDS, TYPE_IDS, PROTO_IDS, FIELD_IDS, METHOD_IDS, CLASS_DEFS, TABLES };

/* Where the header tells of a table, and the size of a row. */
static const struct {
    uint8_t header, row;
} layout[TABLES] = {{56, 4}, {64, 4}, {72, 12}, {80, 8}, {88, 8}, {96, 32}};

struct dex {
    bytes data;
    bytes table[TABLES]; /* inside the file; empty when they may not be read */
    bool map_readable, classes_readable;
};

/* --- fields --- */

/* clang-format off */
static const struct field header_fields[] = {
    FIELD_STRING("magic"), FIELD_INT("checksum"), FIELD_STRING("signature"),
    FIELD_INT("file_size"), FIELD_INT("header_size"), FIELD_INT("endian_tag"),
    FIELD_INT("link_size"), FIELD_INT("link_offset"), FIELD_INT("map_offset"),
    FIELD_INT("string_ids_size"), FIELD_INT("string_ids_offset"),
    FIELD_INT("type_ids_size"), FIELD_INT("type_ids_offset"),
    FIELD_INT("proto_ids_size"), FIELD_INT("proto_ids_offset"),
    FIELD_INT("field_ids_size"), FIELD_INT("field_ids_offset"),
    FIELD_INT("method_ids_size"), FIELD_INT("method_ids_offset"),
    FIELD_INT("class_defs_size"), FIELD_INT("class_defs_offset"),
    FIELD_INT("data_size"), FIELD_INT("data_offset"), FIELD_END,
};
static const struct field string_id_fields[] = {
    FIELD_INT("offset"), FIELD_INT("size"), FIELD_STRING("value"), FIELD_END,
};
static const struct field type_id_fields[] = {FIELD_INT("descriptor_idx"), FIELD_END};
static const struct field proto_id_fields[] = {
    FIELD_INT("shorty_idx"), FIELD_INT("return_type_idx"), FIELD_INT("parameters_offset"),
    FIELD_END,
};
static const struct field field_id_fields[] = {
    FIELD_INT("class_idx"), FIELD_INT("type_idx"), FIELD_INT("name_idx"), FIELD_END,
};
static const struct field method_id_fields[] = {
    FIELD_INT("class_idx"), FIELD_INT("proto_idx"), FIELD_INT("name_idx"), FIELD_END,
};
static const struct field class_def_fields[] = {
    FIELD_INT("class_idx"), FIELD_INT("access_flags"), FIELD_INT("super_class_idx"),
    FIELD_INT("interfaces_offset"), FIELD_INT("source_file_idx"),
    FIELD_INT("annotations_offset"), FIELD_INT("class_data_offset"),
    FIELD_INT("static_values_offset"), FIELD_END,
};
static const struct field class_data_fields[] = {
    FIELD_INT("static_fields_size"), FIELD_INT("instance_fields_size"),
    FIELD_INT("direct_methods_size"), FIELD_INT("virtual_methods_size"), FIELD_END,
};
static const struct field map_item_fields[] = {
    FIELD_INT("type"), FIELD_INT("unused"), FIELD_INT("size"), FIELD_INT("offset"), FIELD_END,
};
static const struct field map_list_fields[] = {
    FIELD_INT("size"), FIELD_ARRAY_OF("map_item", map_item_fields), FIELD_END,
};
enum { CLASS_NAME, NAME, PROTO, FIRST_KIND, SECOND_KIND, INDEX_DIFF, ACCESS_FLAGS,
       CODE_OFF, CODE_ITEM };
static const struct field field_fields[] = {
    FIELD_STRING("class_name"), FIELD_STRING("name"), FIELD_STRING("proto"),
    FIELD_INT("static"), FIELD_INT("instance"), FIELD_INT("field_idx_diff"),
    FIELD_INT("access_flags"), FIELD_END,
};
enum { CODE_INSNS = 6 };
static const struct field code_item_fields[] = {
    FIELD_INT("registers_size"), FIELD_INT("ins_size"), FIELD_INT("outs_size"),
    FIELD_INT("tries_size"), FIELD_INT("debug_info_off"), FIELD_INT("insns_size"),
    FIELD_STRING("insns"), FIELD_END,
};
static const struct field method_fields[] = {
    FIELD_STRING("class_name"), FIELD_STRING("name"), FIELD_STRING("proto"),
    FIELD_INT("direct"), FIELD_INT("virtual"), FIELD_INT("method_idx_diff"),
    FIELD_INT("access_flags"), FIELD_INT("code_off"),
    FIELD_STRUCT("code_item", code_item_fields), FIELD_END,
};

/* clang-format on */

/* --- numbers and rows --- */

/* Little endian in groups of seven bits, five bytes at most; moves *at. Garbage in the high
 * bits of the fifth byte is cut off. */
static bool uleb128_read(bytes data, uint64_t *at, uint32_t *ret)
{
    uint32_t value = 0;
    uint64_t next = *at;
    for (unsigned i = 0; i < 5; i++) {
        if (next >= data.len)
            return false;
        uint8_t byte = data.at[next++];
        value |= (uint32_t)(i < 4 ? byte & 0x7f : byte) << 7 * i;
        if (byte < 0x80)
            break;
    }
    *ret = value;
    *at = next;
    return true;
}

/* Row `index` of a table, or NULL. */
static const uint8_t *row_at(const struct dex *dex, enum table table, uint64_t index)
{
    if (index > INDEX_MAX || index >= dex->table[table].len / layout[table].row)
        return NULL;
    return dex->table[table].at + index * layout[table].row;
}

/* The string that a row of string_ids tells of. */
static bool string_read(const struct dex *dex, const uint8_t *row, uint32_t *ret_size,
                        bytes *ret)
{
    uint32_t offset = load_le32(row), size;
    uint64_t at = offset;
    if (!bytes_has(dex->data, offset, 4) || !uleb128_read(dex->data, &at, &size) ||
        !bytes_has(dex->data, (uint64_t)offset + 1, size))
        return false;
    *ret_size = size;
    *ret = (bytes){dex->data.at + offset + 1, size};
    return true;
}

static struct value string_value(const struct dex *dex, uint64_t index)
{
    const uint8_t *row = row_at(dex, STRING_IDS, index);
    uint32_t size;
    bytes text;
    return row && string_read(dex, row, &size, &text) ? VALUE_BYTES(text) : VALUE_NONE;
}

static struct value type_name(const struct dex *dex, uint64_t index)
{
    const uint8_t *row = row_at(dex, TYPE_IDS, index);
    return row ? string_value(dex, load_le32(row)) : VALUE_NONE;
}

static struct value proto_name(const struct dex *dex, uint64_t index)
{
    const uint8_t *row = row_at(dex, PROTO_IDS, index);
    return row ? string_value(dex, load_le32(row)) : VALUE_NONE;
}

/* --- tables, each when it is first read --- */

static int fill_strings(struct module_input *in, struct object *self)
{
    const struct dex *dex = in->state;
    struct object *list = object_member(self, "string_ids");
    for (size_t i = 0; dex && i < dex->table[STRING_IDS].len / 4; i++) {
        uint32_t size;
        bytes text;
        const uint8_t *row = dex->table[STRING_IDS].at + i * 4;
        if (!budget_charge(in->budget, 4))
            return 0;
        if (!string_read(dex, row, &size, &text))
            continue;
        struct object *one = array_at(in->arena, list, (uint32_t)i);
        if (!one)
            return -ENOMEM;
        one->slots[0] = VALUE_INT(load_le32(row));
        one->slots[1] = VALUE_INT(size);
        one->slots[2] = VALUE_BYTES(text);
    }
    return 0;
}

/* A table whose rows are numbers of the given sizes (2 or 4 bytes), ended by 0. */
static int numbers_fill(struct module_input *in, struct object *self, const char *name,
                        bytes rows, const char *sizes)
{
    struct object *list = object_member(self, name);
    for (size_t at = 0; at < rows.len;) {
        struct object *one = array_push(in->arena, list);
        if (!one)
            return -ENOMEM;
        for (uint32_t i = 0; sizes[i]; i++) {
            bool wide = sizes[i] == '4';
            one->slots[i] = VALUE_INT(wide ? load_le32(rows.at + at) : load_le16(rows.at + at));
            at += wide ? 4 : 2;
        }
        if (!budget_charge(in->budget, 4))
            return 0;
    }
    return 0;
}

static int fill_types(struct module_input *in, struct object *self)
{
    const struct dex *dex = in->state;
    return dex ? numbers_fill(in, self, "type_ids", dex->table[TYPE_IDS], "4") : 0;
}

static int fill_protos(struct module_input *in, struct object *self)
{
    const struct dex *dex = in->state;
    return dex ? numbers_fill(in, self, "proto_ids", dex->table[PROTO_IDS], "444") : 0;
}

static int fill_field_ids(struct module_input *in, struct object *self)
{
    const struct dex *dex = in->state;
    return dex ? numbers_fill(in, self, "field_ids", dex->table[FIELD_IDS], "224") : 0;
}

static int fill_method_ids(struct module_input *in, struct object *self)
{
    const struct dex *dex = in->state;
    return dex ? numbers_fill(in, self, "method_ids", dex->table[METHOD_IDS], "224") : 0;
}

static int fill_map(struct module_input *in, struct object *self)
{
    const struct dex *dex = in->state;
    uint32_t size;
    if (!dex || !dex->map_readable)
        return 0;
    struct object *map = object_member(self, "map_list");
    uint32_t offset = load_le32(dex->data.at + 52);
    if (offset == 0 || !bytes_le32(dex->data, offset, &size))
        return 0;
    object_set_int(map, "size", size);
    bytes rows = bytes_slice(dex->data, (size_t)offset + 4, (size_t)size * 12);
    rows.len -= rows.len % 12;
    if ((uint64_t)size * 12 + 4 > dex->data.len)
        return 0;
    return numbers_fill(in, map, "map_item", rows, "2244");
}

/* --- classes --- */

struct classes {
    struct module_input *in;
    const struct dex *dex;
    struct object *items, *fields, *methods;
    uint32_t item_count, field_count, method_count;
};

/* The names of a field or method: class, own, and proto from its row. */
static bool names_set(const struct dex *dex, enum table table, uint32_t index,
                      struct value *slots)
{
    const uint8_t *row = row_at(dex, table, index);
    if (!row)
        return false;
    uint16_t proto = load_le16(row + 2);
    struct value value[3] = {
        type_name(dex, load_le16(row)), string_value(dex, load_le32(row + 4)),
        table == FIELD_IDS ? type_name(dex, proto) : proto_name(dex, proto)};
    for (uint32_t i = 0; i < COUNT(value); i++)
        if (value[i].type == TYPE_STRING)
            slots[CLASS_NAME + i] = value[i];
    return true;
}

static void code_read(const struct dex *dex, uint32_t offset, struct object *code)
{
    if (offset == 0 || !bytes_has(dex->data, offset, CODE_HEADER))
        return;
    const uint8_t *at = dex->data.at + offset;
    for (uint32_t i = 0; i < 4; i++)
        code->slots[i] = VALUE_INT(load_le16(at + 2 * i));
    uint32_t size = load_le32(at + 12);
    code->slots[4] = VALUE_INT(load_le32(at + 8));
    code->slots[5] = VALUE_INT(size);
    if (bytes_has(dex->data, (uint64_t)offset + CODE_HEADER, (uint64_t)size * 2))
        code->slots[CODE_INSNS] = VALUE_BYTES(((bytes){at + CODE_HEADER, (size_t)size * 2}));
}

/* One field or method at *at. 1 when it was read, 0 when the list ends here, or -ENOMEM. What
 * was set of an item that ends the list stays, and the next item takes its place. */
static int member_read(struct classes *classes, bool method, bool second, uint64_t *at,
                       uint32_t *index)
{
    const struct dex *dex = classes->dex;
    struct module_input *in = classes->in;
    uint32_t diff, flags, code = 0;
    if (!bytes_has(dex->data, *at, method ? 12 : 8) || !budget_charge(in->budget, 12))
        return 0;
    uint64_t next = *at;
    if (!uleb128_read(dex->data, &next, &diff) || !uleb128_read(dex->data, &next, &flags) ||
        (method && !uleb128_read(dex->data, &next, &code)))
        return 0;
    struct object *one = method ? array_at(in->arena, classes->methods, classes->method_count)
                                : array_at(in->arena, classes->fields, classes->field_count);
    if (!one)
        return -ENOMEM;
    one->slots[FIRST_KIND] = VALUE_INT(!second);
    one->slots[SECOND_KIND] = VALUE_INT(second);
    one->slots[INDEX_DIFF] = VALUE_INT(diff);
    one->slots[ACCESS_FLAGS] = VALUE_INT(flags);
    if (method)
        one->slots[CODE_OFF] = VALUE_INT(code);
    *index += diff;
    if (!names_set(dex, method ? METHOD_IDS : FIELD_IDS, *index, one->slots))
        return 0;
    if (method)
        code_read(dex, code, one->slots[CODE_ITEM].object);
    *at = next;
    if (method)
        classes->method_count++;
    else
        classes->field_count++;
    return 1;
}

/* The data of one class. 1 when it was read, 0 when it does not lie inside the file, or
 * -ENOMEM. */
static int class_read(struct classes *classes, uint32_t offset)
{
    const struct dex *dex = classes->dex;
    struct module_input *in = classes->in;
    uint32_t count[4];
    uint64_t at = offset;
    if (!bytes_has(dex->data, offset, 16))
        return 0;
    for (uint32_t i = 0; i < 4; i++)
        if (!uleb128_read(dex->data, &at, &count[i]))
            return 0;
    struct object *one = array_at(in->arena, classes->items, classes->item_count++);
    if (!one)
        return -ENOMEM;
    for (uint32_t i = 0; i < 4; i++)
        one->slots[i] = VALUE_INT(count[i]);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t index = 0;
        int read = 1;
        for (uint32_t k = 0; k < count[i] && read > 0; k++)
            read = member_read(classes, i >= 2, i & 1, &at, &index);
        if (read < 0)
            return read;
    }
    return 1;
}

static int fill_class_defs(struct module_input *in, struct object *self)
{
    const struct dex *dex = in->state;
    if (!dex || !dex->classes_readable)
        return 0;
    /* The table ends early where the data of a class cannot be read. */
    bytes rows = dex->table[CLASS_DEFS];
    for (size_t at = 0; at < rows.len; at += 32) {
        uint32_t offset = load_le32(rows.at + at + 24);
        if (offset && !bytes_has(dex->data, offset, 16))
            rows.len = at + 32;
    }
    return numbers_fill(in, self, "class_defs", rows, "44444444");
}

static int fill_classes(struct module_input *in, struct object *self)
{
    const struct dex *dex = in->state;
    if (!dex || !dex->classes_readable)
        return 0;
    struct classes classes = {.in = in,
                              .dex = dex,
                              .items = object_member(self, "class_data_item"),
                              .fields = object_member(self, "field"),
                              .methods = object_member(self, "method")};
    bytes rows = dex->table[CLASS_DEFS];
    for (size_t at = 0; at < rows.len; at += 32) {
        uint32_t offset = load_le32(rows.at + at + 24);
        int read = offset ? class_read(&classes, offset) : 1;
        if (read <= 0)
            return read;
        if (!budget_charge(in->budget, 8))
            return 0;
    }
    object_set_int(self, "number_of_fields", classes.field_count);
    object_set_int(self, "number_of_methods", classes.method_count);
    return 0;
}

/* --- functions --- */

/* What a name is compared with: a text, a regular expression, or nothing. */
static bool name_fits(struct module_input *in, const struct value *name,
                      const struct value *wanted)
{
    bytes text = bytes_slice((bytes){name->text, name->len}, 0,
                             name->len ? strnlen((const char *)name->text, name->len) : 0);
    if (wanted->type == TYPE_REGEX)
        return in->regex(in, wanted, text) >= 0;
    bytes want = {wanted->text, wanted->len};
    want.len = want.len ? strnlen((const char *)want.at, want.len) : 0;
    return bytes_equal(text, want);
}

/* Whether some method has a class and a name like those; either may be NULL. A method whose
 * class has no name counts as of any class when its name is asked for too. */
static int has(struct module_input *in, const struct value *class, const struct value *name,
               struct value *ret)
{
    struct value count, list;
    int error = object_read(
        in, in->root, (uint32_t)field_index(in->root->members, "number_of_methods"), &count);
    if (error || count.type != TYPE_INT)
        return error;
    list = object_get(in->root, "method");
    *ret = VALUE_INT(0);
    for (uint32_t i = 0; i < count.integer; i++) {
        const struct value *slots = list.object->slots[i].object->slots;
        const struct value *last = &slots[name ? NAME : CLASS_NAME];
        if (!budget_charge(in->budget, 4))
            return 0;
        if (name && class && slots[CLASS_NAME].type == TYPE_STRING &&
            !name_fits(in, &slots[CLASS_NAME], class))
            continue;
        if (last->type == TYPE_STRING && name_fits(in, last, name ? name : class)) {
            *ret = VALUE_INT(1);
            return 0;
        }
    }
    return 0;
}

static int has_method(struct module_input *in, const struct value *args, struct value *ret)
{
    return has(in, NULL, &args[0], ret);
}

static int has_method_of_class(struct module_input *in, const struct value *args,
                               struct value *ret)
{
    return has(in, &args[0], &args[1], ret);
}

static int has_class(struct module_input *in, const struct value *args, struct value *ret)
{
    return has(in, &args[0], NULL, ret);
}

/* --- the module: fields in the order in which `yara -D` knows them --- */

static const struct overload has_method_calls[] = {{"s", 'i', has_method},
                                                   {"ss", 'i', has_method_of_class},
                                                   {"r", 'i', has_method},
                                                   {"rr", 'i', has_method_of_class},
                                                   {0}};
static const struct overload has_class_calls[] = {
    {"s", 'i', has_class}, {"r", 'i', has_class}, {0}};

#define LATE_INT(n, f)                                                                         \
    {                                                                                          \
        .name = (n), .type = TYPE_INT, .fill = (f)                                             \
    }
#define LATE_ARRAY(n, m, f)                                                                    \
    {                                                                                          \
        .name = (n), .type = TYPE_ARRAY, .item = TYPE_STRUCT, .members = (m), .fill = (f)      \
    }

static const struct field fields[] = {
    FIELD_STRING("DEX_FILE_MAGIC_035"),
    FIELD_STRING("DEX_FILE_MAGIC_036"),
    FIELD_STRING("DEX_FILE_MAGIC_037"),
    FIELD_STRING("DEX_FILE_MAGIC_038"),
    FIELD_STRING("DEX_FILE_MAGIC_039"),

    FIELD_CONST("ENDIAN_CONSTANT", 0x12345678),
    FIELD_CONST("REVERSE_ENDIAN_CONSTANT", 0x78563412),
    FIELD_CONST("NO_INDEX", 0xffffffff),
    FIELD_CONST("ACC_PUBLIC", 0x1),
    FIELD_CONST("ACC_PRIVATE", 0x2),
    FIELD_CONST("ACC_PROTECTED", 0x4),
    FIELD_CONST("ACC_STATIC", 0x8),
    FIELD_CONST("ACC_FINAL", 0x10),
    FIELD_CONST("ACC_SYNCHRONIZED", 0x20),
    FIELD_CONST("ACC_VOLATILE", 0x40),
    FIELD_CONST("ACC_BRIDGE", 0x40),
    FIELD_CONST("ACC_TRANSIENT", 0x80),
    FIELD_CONST("ACC_VARARGS", 0x80),
    FIELD_CONST("ACC_NATIVE", 0x100),
    FIELD_CONST("ACC_INTERFACE", 0x200),
    FIELD_CONST("ACC_ABSTRACT", 0x400),
    FIELD_CONST("ACC_STRICT", 0x800),
    FIELD_CONST("ACC_SYNTHETIC", 0x1000),
    FIELD_CONST("ACC_ANNOTATION", 0x2000),
    FIELD_CONST("ACC_ENUM", 0x4000),
    FIELD_CONST("ACC_CONSTRUCTOR", 0x10000),
    FIELD_CONST("ACC_DECLARED_SYNCHRONIZED", 0x20000),
    FIELD_CONST("TYPE_HEADER_ITEM", 0x0000),
    FIELD_CONST("TYPE_STRING_ID_ITEM", 0x0001),
    FIELD_CONST("TYPE_TYPE_ID_ITEM", 0x0002),
    FIELD_CONST("TYPE_PROTO_ID_ITEM", 0x0003),
    FIELD_CONST("TYPE_FIELD_ID_ITEM", 0x0004),
    FIELD_CONST("TYPE_METHOD_ID_ITEM", 0x0005),
    FIELD_CONST("TYPE_CLASS_DEF_ITEM", 0x0006),
    FIELD_CONST("TYPE_CALL_SITE_ID_ITEM", 0x0007),
    FIELD_CONST("TYPE_METHOD_HANDLE_ITEM", 0x0008),
    FIELD_CONST("TYPE_MAP_LIST", 0x1000),
    FIELD_CONST("TYPE_TYPE_LIST", 0x1001),
    FIELD_CONST("TYPE_ANNOTATION_SET_REF_LIST", 0x1002),
    FIELD_CONST("TYPE_ANNOTATION_SET_ITEM", 0x1003),
    FIELD_CONST("TYPE_CLASS_DATA_ITEM", 0x2000),
    FIELD_CONST("TYPE_CODE_ITEM", 0x2001),
    FIELD_CONST("TYPE_STRING_DATA_ITEM", 0x2002),
    FIELD_CONST("TYPE_DEBUG_INFO_ITEM", 0x2003),
    FIELD_CONST("TYPE_ANNOTATION_ITEM", 0x2004),
    FIELD_CONST("TYPE_ENCODED_ARRAY_ITEM", 0x2005),
    FIELD_CONST("TYPE_ANNOTATIONS_DIRECTORY_ITEM", 0x2006),

    FIELD_STRUCT("header", header_fields),
    LATE_ARRAY("string_ids", string_id_fields, fill_strings),
    LATE_ARRAY("type_ids", type_id_fields, fill_types),
    LATE_ARRAY("proto_ids", proto_id_fields, fill_protos),
    LATE_ARRAY("field_ids", field_id_fields, fill_field_ids),
    LATE_ARRAY("method_ids", method_id_fields, fill_method_ids),
    LATE_ARRAY("class_defs", class_def_fields, fill_class_defs),
    LATE_ARRAY("class_data_item", class_data_fields, fill_classes),
    {.name = "map_list", .type = TYPE_STRUCT, .members = map_list_fields, .fill = fill_map},
    LATE_INT("number_of_fields", fill_classes),
    LATE_ARRAY("field", field_fields, fill_classes),
    FIELD_FUNCTION("has_method", has_method_calls),
    FIELD_FUNCTION("has_class", has_class_calls),
    LATE_INT("number_of_methods", fill_classes),
    LATE_ARRAY("method", method_fields, fill_classes),
    FIELD_END,
};

static const uint8_t magics[5][MAGIC] = {"dex\n035", "dex\n036", "dex\n037", "dex\n038",
                                         "dex\n039"};

static bool is_dex(bytes data)
{
    for (size_t i = 0; data.len >= HEADER && i < COUNT(magics); i++)
        if (memcmp(data.at, magics[i], MAGIC) == 0)
            return true;
    return false;
}

static void header_fill(const struct dex *dex, struct object *header)
{
    header->slots[0] = VALUE_BYTES(bytes_slice(dex->data, 0, MAGIC));
    header->slots[1] = VALUE_INT(load_le32(dex->data.at + 8));
    header->slots[2] = VALUE_BYTES(bytes_slice(dex->data, 12, 20));
    for (uint32_t i = 3; i < header->count; i++)
        header->slots[i] = VALUE_INT(load_le32(dex->data.at + 32 + 4 * (i - 3)));
}

/* Finds the tables that may be read: those up to the first that is not inside the file. */
static void tables_find(struct dex *dex)
{
    for (int i = 0; i < TABLES; i++) {
        uint64_t count = load_le32(dex->data.at + layout[i].header);
        uint32_t offset = load_le32(dex->data.at + layout[i].header + 4), size;
        if (i == CLASS_DEFS) {
            uint32_t map = load_le32(dex->data.at + 52);
            dex->map_readable = true;
            if (map && bytes_le32(dex->data, map, &size) &&
                !bytes_has(dex->data, (uint64_t)map + 4, (uint64_t)size * 12))
                return;
        }
        if (!bytes_has(dex->data, offset, count * layout[i].row))
            return;
        dex->table[i] = (bytes){dex->data.at + offset, (size_t)count * layout[i].row};
    }
    dex->classes_readable = true;
}

static int load(struct module_input *in)
{
    in->root = object_new(in->arena, fields);
    if (!in->root)
        return -ENOMEM;
    for (uint32_t i = 0; i < COUNT(magics); i++)
        in->root->slots[i] = VALUE_BYTES(((bytes){magics[i], MAGIC}));
    for (uint32_t i = 0; i < in->block_count; i++) {
        if (!is_dex(in->blocks[i].data))
            continue;
        struct dex *dex = PUSH(in->arena, struct dex);
        if (!dex)
            return -ENOMEM;
        dex->data = in->blocks[i].data;
        in->state = dex;
        header_fill(dex, object_member(in->root, "header"));
        tables_find(dex);
        return 0;
    }
    return 0;
}

const struct module module_dex = {.name = "dex", .fields = fields, .load = load};
