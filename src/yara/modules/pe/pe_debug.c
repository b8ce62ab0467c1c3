/* pe_debug — traces of the tools that built an image: the rich signature and the PDB path.
 *
 * Rich signature (undocumented; written by Microsoft's linker between the DOS stub and "PE"):
 *   "DanS" ^ key, 3 times key, then pairs (u16 version, u16 tool id; u32 uses) ^ key,
 *   "Rich", key
 *
 * Debug directory: entries of 28 bytes; +12 u32 type (2 = CodeView), +20 u32 RVA, +24 u32 file
 * offset of the data. CodeView data:
 *   "RSDS", GUID, age, path   "NB10", offset, stamp, age, path   "MTOC", UUID, path */
#include "yara/modules/pe/pe_fields.h"

#include <errno.h>
#include <string.h>

enum {
    RICH_FIRST = 64, /* it cannot begin before the end of the DOS header */
    RICH_HEAD = 16,
    RICH_PAIR = 8,
    DEBUG_ENTRY = 28,
    DEBUG_CODEVIEW = 2,
    PATH_LIMIT = 4096,
};

/* Position of the last u32 at or before `from` whose value is `wanted`, in steps of 4; false
 * when there is none. */
static bool find_back(const uint8_t *data, uint32_t from, uint32_t wanted, uint32_t *ret)
{
    for (int64_t at = from; at >= RICH_FIRST; at -= 4)
        if (load_le32(data + at) == wanted) {
            *ret = (uint32_t)at;
            return true;
        }
    return false;
}

int pe_fill_rich(struct module_input *in, struct object *self)
{
    struct pe *pe = pe_of(in);
    if (!pe || pe->image.header < RICH_FIRST + 4 ||
        !budget_charge(in->budget, pe->image.header / 4))
        return 0;
    const uint8_t *data = pe->image.data.at;
    uint32_t rich, start;
    if (!find_back(data, pe->image.header - 4, load_le32((const uint8_t *)"Rich"), &rich))
        return 0;
    uint32_t key = load_le32(data + rich + 4);
    if (key == 0 ||
        !find_back(data, rich - 4, load_le32((const uint8_t *)"DanS") ^ key, &start))
        return 0;

    uint32_t len = rich - start, pairs = len < RICH_HEAD ? 0 : (len - RICH_HEAD) / RICH_PAIR;
    uint8_t *clear = arena_push_raw(in->arena, len);
    uint8_t *versions = arena_push_raw(in->arena, pairs * 4);
    if (!clear || !versions)
        return -ENOMEM;
    for (uint32_t i = 0; i < len; i++)
        clear[i] = data[start + i] ^ data[rich + 4 + i % 4];
    for (uint32_t i = 0; i < pairs; i++)
        memcpy(versions + 4 * i, clear + RICH_HEAD + RICH_PAIR * i, 4);
    pe_put_int(self, PE_RICH_offset, (int64_t)(pe->base + start));
    pe_put_int(self, PE_RICH_length, len);
    pe_put_int(self, PE_RICH_key, key);
    pe_put_text(self, PE_RICH_raw_data, (bytes){data + start, len});
    pe_put_text(self, PE_RICH_clear_data, (bytes){clear, len});
    if (len >= RICH_HEAD)
        pe_put_text(self, PE_RICH_version_data, (bytes){versions, (size_t)pairs * 4});
    return 0;
}

/* How often the tools that fit were used; -1 stands for any version or tool. */
static int count_uses(struct module_input *in, int64_t version, int64_t tool, struct value *ret)
{
    struct value data;
    int error =
        object_read(in, pe_object(in->root, PE_ROOT_rich_signature), PE_RICH_clear_data, &data);
    if (error || data.type != TYPE_STRING || data.len < RICH_HEAD)
        return error;
    int64_t uses = 0;
    for (uint32_t at = RICH_HEAD; data.len - at >= RICH_PAIR; at += RICH_PAIR) {
        uint32_t id = load_le32(data.text + at);
        if ((version == -1 || version == (id & 0xffff)) && (tool == -1 || tool == id >> 16))
            uses += load_le32(data.text + at + 4);
    }
    *ret = VALUE_INT(uses);
    return 0;
}

/* No version or tool has a negative number. */
static int64_t number(const struct value *value)
{
    return value->integer < 0 ? INT64_MAX : value->integer;
}

static int version_of(struct module_input *in, const struct value *args, struct value *ret)
{
    return count_uses(in, number(&args[0]), -1, ret);
}

static int version_and_tool(struct module_input *in, const struct value *args,
                            struct value *ret)
{
    return count_uses(in, number(&args[0]), number(&args[1]), ret);
}

static int tool_of(struct module_input *in, const struct value *args, struct value *ret)
{
    return count_uses(in, -1, number(&args[0]), ret);
}

static int tool_and_version(struct module_input *in, const struct value *args,
                            struct value *ret)
{
    return count_uses(in, number(&args[1]), number(&args[0]), ret);
}

const struct overload pe_rich_version_calls[] = {
    {"i", 'i', version_of}, {"ii", 'i', version_and_tool}, {0}};
const struct overload pe_rich_toolid_calls[] = {
    {"i", 'i', tool_of}, {"ii", 'i', tool_and_version}, {0}};

/* Offset of the path inside CodeView data, or 0 for data of another kind or cut short. */
static uint32_t path_offset(bytes data, uint64_t at)
{
    static const struct {
        const char *mark;
        uint32_t path;
    } kinds[] = {{"RSDS", 24}, {"NB10", 16}, {"MTOC", 20}};

    for (size_t i = 0; i < COUNT(kinds); i++)
        if (bytes_has(data, at, kinds[i].path + 1) &&
            memcmp(data.at + at, kinds[i].mark, 4) == 0)
            return kinds[i].path;
    return 0;
}

int pe_fill_debug(struct module_input *in, struct object *self)
{
    struct pe *pe = pe_of(in);
    uint32_t rva, size;
    if (!pe || !pe_image_directory(&pe->image, PE_DIRECTORY_DEBUG, &rva, &size) || rva == 0)
        return 0;
    const struct pe_image *image = &pe->image;
    int64_t entries = pe_image_offset(image, rva);
    for (uint32_t i = 0; entries >= 0 && i < size / DEBUG_ENTRY; i++) {
        uint64_t at = (uint64_t)entries + (uint64_t)i * DEBUG_ENTRY;
        if (!bytes_has(image->data, at, DEBUG_ENTRY) ||
            !budget_charge(in->budget, 8 + 2 * image->section_count))
            break;
        const uint8_t *entry = image->data.at + at;
        if (load_le32(entry + 12) != DEBUG_CODEVIEW)
            continue;
        /* The data is named by RVA and by offset, and files exist where only one is right. */
        int64_t data =
            load_le32(entry + 20) ? pe_image_offset(image, load_le32(entry + 20)) : 0;
        if (data <= 0)
            data = load_le32(entry + 24);
        uint32_t path = data > 0 ? path_offset(image->data, (uint64_t)data) : 0;
        if (path == 0)
            continue;
        bytes text = pe_image_text(image, (uint64_t)data + path, PATH_LIMIT);
        if (text.len < PATH_LIMIT) {
            pe_put_text(self, PE_ROOT_pdb_path, text);
            break;
        }
    }
    return 0;
}
