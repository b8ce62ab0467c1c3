/* dotnet — fields of .NET files (ECMA-335, 6th edition, partition II; in a PE file):
 *
 *   CLI header   72 bytes, at directory 14: size, version, metadata (RVA, size), flags, entry
 *                point, resources (RVA, size) ...   (II.25.3.3)
 *   metadata     u32 0x424a5342, u16 major, minor, u32 reserved, u32 length, version[length],
 *                u16 flags, u16 streams; streams: u32 offset, u32 size, name padded to 4
 * (II.24.2) streams      #~ or #- tables, #Strings, #Blob, #GUID, #US user strings
 *
 * The header and the list of streams are read at first; the tables, the user strings and the
 * classes each when a condition asks for them. */
#include "yara/modules/dotnet.h"

#include "yara/modules/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define METADATA_MAGIC 0x424a5342u

enum { CLI_HEADER = 72, METADATA_HEADER = 16, STREAM_HEADER = 8, STREAM_NAME = 32 };

enum { GUID_SIZE = 16, GUIDS_MAX = 16, CONSTANT_STRING = 0x0e, IMAGE_DLL = 0x2000 };

enum { PARENT_ASSEMBLY = 0x0e, TYPE_MEMBER_REF = 3, CLASS_TYPE_REF = 1 };

/* --- helpers for values --- */

static void text_set(struct object *self, const char *name, bytes text)
{
    if (text.at)
        object_set_text(self, name, text);
}

static struct dotnet *state_of(struct module_input *in)
{
    return in->state;
}

/* --- guids, user strings --- */

static int fill_guids(struct module_input *in, struct object *self)
{
    const struct dotnet *dotnet = state_of(in);
    if (!dotnet || !dotnet->guid.present)
        return 0;
    struct object *list = object_member(self, "guids");
    uint32_t count = dotnet->guid.size / GUID_SIZE;
    for (uint32_t i = 0; i < (count < GUIDS_MAX ? count : GUIDS_MAX); i++) {
        uint64_t at = dotnet->guid.at + (uint64_t)i * GUID_SIZE;
        if (!bytes_has(dotnet->data, at, GUID_SIZE))
            break;
        const uint8_t *p = dotnet->data.at + at;
        bytes text = arena_printf(in->arena, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                                  load_le32(p), load_le16(p + 4), load_le16(p + 6), p[8], p[9],
                                  p[10], p[11], p[12], p[13], p[14], p[15]);
        if (!text.at || !array_push_value(in->arena, list, VALUE_BYTES(text)))
            return -ENOMEM;
    }
    object_set_int(self, "number_of_guids", list->count);
    return 0;
}

/* Entries end with a byte that tells of the characters before it; it is taken for the head of
 * the next entry, which is harmless: it is 0, or 1 before a 0. */
static int fill_user_strings(struct module_input *in, struct object *self)
{
    const struct dotnet *dotnet = state_of(in);
    if (!dotnet || !dotnet->us.present)
        return 0;
    uint64_t at = dotnet->us.at, end = at + dotnet->us.size;
    if (dotnet->us.size == 0 || !bytes_has(dotnet->data, at, dotnet->us.size) ||
        dotnet->data.at[at] != 0)
        return 0;
    struct object *list = object_member(self, "user_strings");
    at++;
    while (at < end && budget_charge(in->budget, 8)) {
        bytes text;
        uint32_t head;
        if (!dotnet_blob_at(dotnet, at, &text, &head))
            break;
        at += head;
        if (text.len <= 1)
            continue;
        text.len--;
        if (!array_push_value(in->arena, list, VALUE_BYTES(text)))
            return -ENOMEM;
        at += text.len;
    }
    object_set_int(self, "number_of_user_strings", list->count);
    return 0;
}

/* --- tables --- */

static const struct field version_fields[] = {
    FIELD_INT("major"),           FIELD_INT("minor"), FIELD_INT("build_number"),
    FIELD_INT("revision_number"), FIELD_END,
};

enum { RESOURCE_OFFSET, RESOURCE_LENGTH, RESOURCE_NAME };
static const struct field resource_fields[] = {FIELD_INT("offset"), FIELD_INT("length"),
                                               FIELD_STRING("name"), FIELD_END};

enum { REF_VERSION, REF_KEY, REF_NAME };
static const struct field assembly_ref_fields[] = {FIELD_STRUCT("version", version_fields),
                                                   FIELD_STRING("public_key_or_token"),
                                                   FIELD_STRING("name"), FIELD_END};
static const struct field assembly_fields[] = {FIELD_STRUCT("version", version_fields),
                                               FIELD_STRING("name"), FIELD_STRING("culture"),
                                               FIELD_END};

static uint32_t cell(const struct dotnet *dotnet, enum dotnet_number number, const uint8_t *row,
                     unsigned column)
{
    return dotnet_cell(dotnet, number, row, column);
}

/* Row `index` of a table, or NULL at its end or that of the budget. */
static const uint8_t *next_row(const struct dotnet *dotnet, enum dotnet_number number,
                               uint32_t index)
{
    return budget_charge(dotnet->in->budget, 16) ? dotnet_row(dotnet, number, index) : NULL;
}

/* Rows before the first that is not inside the file. */
static uint32_t rows_inside(const struct dotnet *dotnet, enum dotnet_number number)
{
    const struct dotnet_table *table = &dotnet->table[number];
    if (table->rows == 0 || table->at > dotnet->data.len)
        return 0;
    uint64_t room = (dotnet->data.len - table->at) / table->size;
    return table->rows < room ? table->rows : (uint32_t)room;
}

static void module_name_set(const struct dotnet *dotnet, struct object *root)
{
    const struct dotnet_table *table = &dotnet->table[DOTNET_MODULE];
    /* Read even where the table has no rows, as YARA. */
    if (table->present)
        text_set(
            root, "module_name",
            dotnet_string(dotnet, cell(dotnet, DOTNET_MODULE, dotnet->data.at + table->at, 1)));
}

static int constants_fill(const struct dotnet *dotnet, struct object *root)
{
    struct object *list = object_member(root, "constants");
    const uint8_t *row;
    for (uint32_t i = 1; (row = next_row(dotnet, DOTNET_CONSTANT, i)); i++) {
        bytes text;
        if (load_le16(row) != CONSTANT_STRING ||
            !dotnet_blob(dotnet, cell(dotnet, DOTNET_CONSTANT, row, 2), &text) ||
            text.at + text.len >= dotnet->data.at + dotnet->data.len)
            continue;
        if (!array_push_value(dotnet->in->arena, list, VALUE_BYTES(text)))
            return -ENOMEM;
    }
    if (dotnet->table[DOTNET_CONSTANT].present)
        object_set_int(root, "number_of_constants", list->count);
    return 0;
}

/* Whether a custom attribute of the assembly is, through MemberRef and TypeRef, a
 * GuidAttribute. False in *go_on where YARA looks no further. */
static bool is_guid_attribute(const struct dotnet *dotnet, const uint8_t *row, bool *go_on)
{
    uint32_t parent = cell(dotnet, DOTNET_CUSTOM_ATTRIBUTE, row, 0);
    uint32_t type = cell(dotnet, DOTNET_CUSTOM_ATTRIBUTE, row, 1);
    const struct dotnet_table *members = &dotnet->table[DOTNET_MEMBER_REF];
    const struct dotnet_table *types = &dotnet->table[DOTNET_TYPE_REF];
    if ((parent & 31) != PARENT_ASSEMBLY || (type & 7) != TYPE_MEMBER_REF)
        return false;
    uint64_t index = type >> 3 ? (type >> 3) - 1 : 0, at = members->at + members->size * index;
    if (!(*go_on = bytes_has(dotnet->data, at, members->size)))
        return false;
    /* YARA takes this column for two bytes wide. */
    uint16_t class = load_le16(dotnet->data.at + at);
    if ((class & 7) != CLASS_TYPE_REF)
        return false;
    index = class >> 3 ? (class >> 3) - 1 : 0;
    at = types->at + types->size * index;
    if (!(*go_on = bytes_has(dotnet->data, at, types->size)))
        return false;
    bytes name = dotnet_string(dotnet, cell(dotnet, DOTNET_TYPE_REF, dotnet->data.at + at, 1));
    return !name.at || (name.len >= 13 && memcmp(name.at, "GuidAttribute", 13) == 0);
}

/* The text of a custom attribute: 0x0001, u8 length, text (II.23.3). */
static void typelib_set(const struct dotnet *dotnet, uint32_t blob, struct object *root)
{
    bytes value;
    const uint8_t *end = dotnet->data.at + dotnet->data.len;
    if (blob == 0 || !dotnet_blob(dotnet, blob, &value) || value.len < 3 ||
        value.at + value.len >= end || load_le16(value.at) != 1)
        return;
    size_t len = value.at[2];
    const uint8_t *text = value.at + 3;
    if (len > (size_t)(end - text))
        return;
    bool empty = *text == 0xff || *text == 0;
    object_set_text(root, "typelib",
                    (bytes){text, empty ? 0 : strnlen((const char *)text, len)});
}

static void attributes_read(const struct dotnet *dotnet, struct object *root)
{
    const uint8_t *row;
    bool go_on =
        dotnet->table[DOTNET_TYPE_REF].present && dotnet->table[DOTNET_MEMBER_REF].present;
    for (uint32_t i = 1; go_on && (row = next_row(dotnet, DOTNET_CUSTOM_ATTRIBUTE, i)); i++)
        if (is_guid_attribute(dotnet, row, &go_on))
            typelib_set(dotnet, cell(dotnet, DOTNET_CUSTOM_ATTRIBUTE, row, 2), root);
}

static int modulerefs_fill(const struct dotnet *dotnet, struct object *root)
{
    const struct dotnet_table *table = &dotnet->table[DOTNET_MODULE_REF];
    struct object *list = object_member(root, "modulerefs");
    for (uint32_t i = 0; i < table->rows; i++) {
        /* YARA wants four bytes, however wide the column is. */
        uint64_t at = table->at + (uint64_t)table->size * i;
        if (!bytes_has(dotnet->data, at, 4) || !budget_charge(dotnet->in->budget, 16))
            break;
        const uint8_t *row = dotnet->data.at + at;
        bytes name = dotnet_string(dotnet, cell(dotnet, DOTNET_MODULE_REF, row, 0));
        if (name.at && !array_push_value(dotnet->in->arena, list, VALUE_BYTES(name)))
            return -ENOMEM;
    }
    if (table->present)
        object_set_int(root, "number_of_modulerefs", list->count);
    return 0;
}

static int field_offsets_fill(const struct dotnet *dotnet, struct object *root)
{
    const struct dotnet_table *table = &dotnet->table[DOTNET_FIELD_RVA];
    struct object *list = object_member(root, "field_offsets");
    for (uint32_t i = 0; i < table->rows; i++) {
        /* YARA wants eight bytes, however wide the second column is. */
        uint64_t at = table->at + (uint64_t)table->size * i;
        if (!bytes_has(dotnet->data, at, 8) || !budget_charge(dotnet->in->budget, 16))
            break;
        int64_t offset = pe_image_offset(&dotnet->pe, load_le32(dotnet->data.at + at));
        if (offset >= 0 && !array_push_value(dotnet->in->arena, list, VALUE_INT(offset)))
            return -ENOMEM;
    }
    if (table->present)
        object_set_int(root, "number_of_field_offsets", list->count);
    return 0;
}

static void version_set(struct object *version, const uint8_t *at)
{
    for (uint32_t i = 0; i < 4; i++)
        version->slots[i] = VALUE_INT(load_le16(at + 2 * i));
}

static void assembly_set(const struct dotnet *dotnet, struct object *root)
{
    const struct dotnet_table *table = &dotnet->table[DOTNET_ASSEMBLY];
    if (!table->present)
        return;
    const uint8_t *row = dotnet->data.at + table->at;
    struct object *assembly = object_member(root, "assembly");
    version_set(object_member(assembly, "version"), row + 4);
    text_set(assembly, "name", dotnet_string(dotnet, cell(dotnet, DOTNET_ASSEMBLY, row, 7)));
    bytes culture = dotnet_string(dotnet, cell(dotnet, DOTNET_ASSEMBLY, row, 8));
    if (culture.len)
        object_set_text(assembly, "culture", culture);
}

static int assembly_refs_fill(const struct dotnet *dotnet, struct object *root)
{
    struct object *list = object_member(root, "assembly_refs");
    const uint8_t *row;
    for (uint32_t i = 1; (row = next_row(dotnet, DOTNET_ASSEMBLY_REF, i)); i++) {
        struct object *one = array_push(dotnet->in->arena, list);
        if (!one)
            return -ENOMEM;
        bytes key;
        version_set(one->slots[REF_VERSION].object, row);
        if (!dotnet_blob(dotnet, cell(dotnet, DOTNET_ASSEMBLY_REF, row, 5), &key))
            continue;
        if (key.len)
            one->slots[REF_KEY] = VALUE_BYTES(key);
        text_set(one, "name", dotnet_string(dotnet, cell(dotnet, DOTNET_ASSEMBLY_REF, row, 6)));
    }
    if (dotnet->table[DOTNET_ASSEMBLY_REF].present)
        object_set_int(root, "number_of_assembly_refs", list->count);
    return 0;
}

/* One resource: its name, and its place when it is in this file. Nothing at all leaves a hole.
 */
static int resource_fill(const struct dotnet *dotnet, const uint8_t *row, int64_t base,
                         uint32_t index, struct object *list)
{
    bytes name = dotnet_string(dotnet, cell(dotnet, DOTNET_MANIFEST_RESOURCE, row, 2));
    bool here = cell(dotnet, DOTNET_MANIFEST_RESOURCE, row, 3) == 0;
    int64_t at = base + load_le32(row);
    here = here && at >= 0 && bytes_has(dotnet->data, (uint64_t)at, 4);
    if (!here && !name.at)
        return 0;
    struct object *one = array_at(dotnet->in->arena, list, index);
    if (!one)
        return -ENOMEM;
    if (name.at)
        one->slots[RESOURCE_NAME] = VALUE_BYTES(name);
    if (here) {
        one->slots[RESOURCE_OFFSET] = VALUE_INT(at + 4);
        one->slots[RESOURCE_LENGTH] = VALUE_INT(load_le32(dotnet->data.at + at));
    }
    return 0;
}

static int resources_fill(const struct dotnet *dotnet, struct object *root)
{
    struct object *list = object_member(root, "resources");
    int64_t base = pe_image_offset(&dotnet->pe, dotnet->resources_rva);
    const uint8_t *row;
    for (uint32_t i = 1; (row = next_row(dotnet, DOTNET_MANIFEST_RESOURCE, i)); i++) {
        int error = resource_fill(dotnet, row, base, i - 1, list);
        if (error)
            return error;
    }
    if (dotnet->table[DOTNET_MANIFEST_RESOURCE].present)
        object_set_int(root, "number_of_resources",
                       rows_inside(dotnet, DOTNET_MANIFEST_RESOURCE));
    return 0;
}

static int fill_tables(struct module_input *in, struct object *self)
{
    static int (*const steps[])(const struct dotnet *, struct object *) = {
        constants_fill, modulerefs_fill, field_offsets_fill, assembly_refs_fill, resources_fill,
    };
    struct dotnet *dotnet = state_of(in);
    if (!dotnet || !dotnet_tables(dotnet))
        return 0;
    module_name_set(dotnet, self);
    attributes_read(dotnet, self);
    assembly_set(dotnet, self);
    int error = 0;
    for (size_t i = 0; i < COUNT(steps) && !error; i++)
        error = steps[i](dotnet, self);
    return error;
}

static int fill_classes(struct module_input *in, struct object *self)
{
    struct dotnet *dotnet = state_of(in);
    if (!dotnet || !dotnet_tables(dotnet) || !dotnet->complete)
        return 0;
    return dotnet_classes_fill(dotnet, self);
}

/* --- the module: fields in the order in which `yara -D` knows them --- */

#define LATE_INT(n, f)                                                                         \
    {                                                                                          \
        .name = (n), .type = TYPE_INT, .fill = (f)                                             \
    }
#define LATE_TEXT(n, f)                                                                        \
    {                                                                                          \
        .name = (n), .type = TYPE_STRING, .fill = (f)                                          \
    }
#define LATE_ARRAY(n, t, f)                                                                    \
    {                                                                                          \
        .name = (n), .type = TYPE_ARRAY, .item = (t), .fill = (f)                              \
    }
#define LATE_STRUCTS(n, m, f)                                                                  \
    {                                                                                          \
        .name = (n), .type = TYPE_ARRAY, .item = TYPE_STRUCT, .members = (m), .fill = (f)      \
    }

static const struct field stream_fields[] = {FIELD_STRING("name"), FIELD_INT("offset"),
                                             FIELD_INT("size"), FIELD_END};

static const struct field fields[] = {
    {.name = "is_dotnet", .type = TYPE_INT, .everywhere = true},
    FIELD_STRING("version"),
    LATE_TEXT("module_name", fill_tables),
    FIELD_ARRAY_OF("streams", stream_fields),
    FIELD_INT("number_of_streams"),
    LATE_ARRAY("guids", TYPE_STRING, fill_guids),
    LATE_INT("number_of_guids", fill_guids),
    LATE_STRUCTS("resources", resource_fields, fill_tables),
    LATE_INT("number_of_resources", fill_tables),
    LATE_STRUCTS("classes", dotnet_class_fields, fill_classes),
    LATE_INT("number_of_classes", fill_classes),
    LATE_STRUCTS("assembly_refs", assembly_ref_fields, fill_tables),
    LATE_INT("number_of_assembly_refs", fill_tables),
    {.name = "assembly", .type = TYPE_STRUCT, .members = assembly_fields, .fill = fill_tables},
    LATE_ARRAY("modulerefs", TYPE_STRING, fill_tables),
    LATE_INT("number_of_modulerefs", fill_tables),
    LATE_ARRAY("user_strings", TYPE_STRING, fill_user_strings),
    LATE_INT("number_of_user_strings", fill_user_strings),
    LATE_TEXT("typelib", fill_tables),
    LATE_ARRAY("constants", TYPE_STRING, fill_tables),
    LATE_INT("number_of_constants", fill_tables),
    LATE_ARRAY("field_offsets", TYPE_INT, fill_tables),
    LATE_INT("number_of_field_offsets", fill_tables),
    FIELD_END,
};

/* Where the stream's name says that it should be remembered; NULL for others. */
static struct dotnet_stream *stream_slot(struct dotnet *dotnet, bytes name)
{
    const struct {
        const char *head;
        struct dotnet_stream *stream;
        bool last; /* a later stream of that name takes its place */
    } known[] = {{"#~", &dotnet->tilde, false},   {"#-", &dotnet->tilde, false},
                 {"#GUID", &dotnet->guid, true},  {"#Strings", &dotnet->strings, false},
                 {"#Blob", &dotnet->blob, false}, {"#US", &dotnet->us, false}};

    for (size_t i = 0; i < COUNT(known); i++) {
        size_t len = strlen(known[i].head);
        if (name.len >= len && memcmp(name.at, known[i].head, len) == 0 &&
            (known[i].last || !known[i].stream->present))
            return known[i].stream;
    }
    return NULL;
}

static int streams_read(struct dotnet *dotnet, uint64_t at, uint32_t count, struct object *root)
{
    struct object *list = object_member(root, "streams");
    for (uint32_t i = 0; i < count; i++) {
        if (!bytes_has(dotnet->data, at, STREAM_HEADER + STREAM_NAME))
            break;
        const uint8_t *row = dotnet->data.at + at;
        bytes name = {row + STREAM_HEADER,
                      strnlen((const char *)row + STREAM_HEADER, STREAM_NAME)};
        if (name.len == STREAM_NAME)
            break;
        struct object *one = array_push(dotnet->in->arena, list);
        if (!one)
            return -ENOMEM;
        struct dotnet_stream stream = {dotnet->root + load_le32(row), load_le32(row + 4), true};
        one->slots[0] = VALUE_BYTES(name);
        one->slots[1] = VALUE_INT(stream.at);
        one->slots[2] = VALUE_INT(stream.size);
        struct dotnet_stream *slot = stream_slot(dotnet, name);
        if (slot)
            *slot = stream;
        at += STREAM_HEADER + name.len + 4 - name.len % 4;
    }
    object_set_int(root, "number_of_streams", list->count);
    return 0;
}

/* Finds the metadata. False when the file is none of .NET. */
static bool metadata_find(struct dotnet *dotnet, uint32_t *ret_version)
{
    uint32_t rva, size;
    const struct pe_image *pe = &dotnet->pe;
    if (!pe_image_directory(pe, PE_DIRECTORY_COM_DESCRIPTOR, &rva, &size))
        return false;
    int64_t cli = pe_image_offset(pe, rva);
    if (cli < 0 || !bytes_has(dotnet->data, (uint64_t)cli, CLI_HEADER) ||
        load_le32(dotnet->data.at + cli) != CLI_HEADER)
        return false;
    int64_t root = pe_image_offset(pe, load_le32(dotnet->data.at + cli + 8));
    if (root < 0 || !bytes_has(dotnet->data, (uint64_t)root, METADATA_HEADER))
        return false;
    const uint8_t *head = dotnet->data.at + root;
    uint32_t len = load_le32(head + 12);
    if (load_le32(head) != METADATA_MAGIC || len == 0 || len > 255 || len % 4 != 0 ||
        !bytes_has(dotnet->data, (uint64_t)root + METADATA_HEADER, len))
        return false;
    /* NumberOfRvaAndSizes counts for PE32+ only. */
    if (pe->is_64 &&
        load_le32(dotnet->data.at + pe->header + 24 + 108) < PE_DIRECTORY_COM_DESCRIPTOR)
        return false;
    dotnet->root = (uint64_t)root;
    dotnet->resources_rva = load_le32(dotnet->data.at + cli + 24);
    *ret_version = len;
    return true;
}

static int metadata_read(struct dotnet *dotnet, uint32_t version, struct object *root)
{
    uint64_t at = dotnet->root + METADATA_HEADER;
    const char *text = (const char *)dotnet->data.at + at;
    size_t len = strnlen(text, version);
    if (len < version)
        object_set_text(root, "version", (bytes){(const uint8_t *)text, len});
    at += version + 2;
    if (!bytes_has(dotnet->data, at, 2))
        return 0;
    /* YARA reads one of the two bytes. */
    return streams_read(dotnet, at + 2, dotnet->data.at[at], root);
}

static int load(struct module_input *in)
{
    in->root = object_new(in->arena, fields);
    struct dotnet *dotnet = NULL;
    if (!in->root)
        return -ENOMEM;
    for (uint32_t i = 0; i < in->block_count; i++) {
        struct pe_image pe;
        uint32_t version;
        if (!pe_image_open(in->blocks[i].data, &pe))
            continue;
        /* Of a process, only the program itself counts, not its libraries. */
        if (in->is_process && load_le16(pe.data.at + pe.header + 22) & IMAGE_DLL)
            continue;
        dotnet = PUSH(in->arena, struct dotnet);
        if (!dotnet)
            return -ENOMEM;
        *dotnet = (struct dotnet){.in = in, .pe = pe, .data = pe.data};
        bool found = metadata_find(dotnet, &version);
        object_set_int(in->root, "is_dotnet", found);
        if (!found)
            return 0;
        in->state = dotnet;
        return metadata_read(dotnet, version, in->root);
    }
    return 0;
}

const struct module module_dotnet = {.name = "dotnet", .fields = fields, .load = load};
