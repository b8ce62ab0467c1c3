/* macho — fields of Mach-O files. Apple, "OS X ABI Mach-O File Format Reference";
 * mach-o/loader.h and mach-o/fat.h.
 *
 *   header      28 or 32 bytes: magic, cputype, cpusubtype, filetype, ncmds, sizeofcmds, flags
 *   commands    ncmds of them: u32 cmd, u32 cmdsize, content
 *     SEGMENT      name[16], address, size, offset, size in the file, 4 x u32, its sections
 *     UNIXTHREAD   flavor, count, registers: the program counter is the entry point
 *     MAIN         u64 offset of the entry point, u64 size of the stack
 *   fat header  u32 magic, u32 count, then 20 or 32 bytes for each file inside; big endian
 *
 * The field `magic` is the number that the bytes make from left to right: 0xcefaedfe and
 * 0xcffaedfe are the common, little-endian files. */
#include "yara/modules/table.h"

#include <errno.h>
#include <string.h>

#define MAGIC_BIG_32    0xfeedfaceu
#define MAGIC_LITTLE_32 0xcefaedfeu
#define MAGIC_BIG_64    0xfeedfacfu
#define MAGIC_LITTLE_64 0xcffaedfeu
#define FAT_BIG_32      0xcafebabeu
#define FAT_LITTLE_32   0xbebafecau
#define FAT_BIG_64      0xcafebabfu
#define FAT_LITTLE_64   0xbfbafecau

#define COMMAND_SEGMENT    0x1u
#define COMMAND_UNIXTHREAD 0x5u
#define COMMAND_SEGMENT_64 0x19u
#define COMMAND_MAIN       0x80000028u

enum {
    HEADER_32 = 28,
    HEADER_64 = 32,
    COMMAND = 8,
    FAT_HEADER = 8,
    FAT_ARCH_32 = 20,
    FAT_ARCH_64 = 32,
    THREAD_HEADER = 16,
    NAME = 16
};

/* One Mach-O file, alone or inside a fat one. */
struct macho {
    bytes data;
    uint64_t base;
    struct object *object; /* root, or an item of root's `file` */
    bool big;
    uint32_t cputype;
    uint64_t segment_count;
};

static uint32_t macho_u32(const struct macho *macho, const uint8_t *at)
{
    return macho->big ? load_be32(at) : load_le32(at);
}

static uint64_t macho_u64(const struct macho *macho, const uint8_t *at)
{
    return macho->big ? load_be64(at) : load_le64(at);
}

/* Names fill 16 bytes, and end earlier with a NUL. */
static struct value name_value(const uint8_t *at)
{
    return VALUE_BYTES(((bytes){at, strnlen((const char *)at, NAME)}));
}

/* --- fields --- */

enum { SECTION_SECTNAME, SECTION_SEGNAME, SECTION_ADDR, SECTION_SIZE, SECTION_OFFSET };
static const struct field section_fields[] = {
    FIELD_STRING("sectname"),
    FIELD_STRING("segname"),
    FIELD_INT("addr"),
    FIELD_INT("size"),
    FIELD_INT("offset"),
    FIELD_INT("align"),
    FIELD_INT("reloff"),
    FIELD_INT("nreloc"),
    FIELD_INT("flags"),
    FIELD_INT("reserved1"),
    FIELD_INT("reserved2"),
    FIELD_INT("reserved3"),
    FIELD_END,
};

enum {
    SEGMENT_SEGNAME,
    SEGMENT_VMADDR,
    SEGMENT_VMSIZE,
    SEGMENT_FILEOFF,
    SEGMENT_FSIZE,
    SEGMENT_MAXPROT,
    SEGMENT_INITPROT,
    SEGMENT_NSECTS,
    SEGMENT_FLAGS,
    SEGMENT_SECTIONS
};
static const struct field segment_fields[] = {
    FIELD_STRING("segname"),
    FIELD_INT("vmaddr"),
    FIELD_INT("vmsize"),
    FIELD_INT("fileoff"),
    FIELD_INT("fsize"),
    FIELD_INT("maxprot"),
    FIELD_INT("initprot"),
    FIELD_INT("nsects"),
    FIELD_INT("flags"),
    FIELD_ARRAY_OF("sections", section_fields),
    FIELD_END,
};

/* clang-format off */
#define FILE_FIELDS                                                                            \
    FIELD_INT("magic"), FIELD_INT("cputype"), FIELD_INT("cpusubtype"), FIELD_INT("filetype"),  \
    FIELD_INT("ncmds"), FIELD_INT("sizeofcmds"), FIELD_INT("flags"), FIELD_INT("reserved"),    \
    FIELD_INT("number_of_segments"), FIELD_ARRAY_OF("segments", segment_fields),               \
    FIELD_INT("entry_point"), FIELD_INT("stack_size")
/* clang-format on */

static const struct field file_fields[] = {FILE_FIELDS, FIELD_END};

static const struct field fat_arch_fields[] = {
    FIELD_INT("cputype"), FIELD_INT("cpusubtype"), FIELD_INT("offset"),
    FIELD_INT("size"),    FIELD_INT("align"),      FIELD_END,
};

/* --- segments --- */

static int sections_fill(struct module_input *in, const struct macho *macho, bytes rows,
                         uint32_t count, bool wide, struct object *list)
{
    size_t size = wide ? 80 : 68;
    for (uint32_t i = 0; i < count && (i + 1) * size <= rows.len; i++) {
        const uint8_t *row = rows.at + i * size, *numbers = row + (wide ? 48 : 40);
        if (!budget_charge(in->budget, 12))
            return 0;
        struct object *one = array_push(in->arena, list);
        if (!one)
            return -ENOMEM;
        struct value *slots = one->slots;
        slots[SECTION_SECTNAME] = name_value(row);
        slots[SECTION_SEGNAME] = name_value(row + NAME);
        slots[SECTION_ADDR] =
            VALUE_INT(wide ? macho_u64(macho, row + 32) : macho_u32(macho, row + 32));
        slots[SECTION_SIZE] =
            VALUE_INT(wide ? macho_u64(macho, row + 40) : macho_u32(macho, row + 36));
        for (uint32_t k = 0; k < (wide ? 8 : 7); k++)
            slots[SECTION_OFFSET + k] = VALUE_INT(macho_u32(macho, numbers + 4 * k));
    }
    return 0;
}

/* `rest` is the file from the command on; the command itself lies inside it. */
static int segment_fill(struct module_input *in, struct macho *macho, bytes rest, bool wide)
{
    size_t size = wide ? 72 : 56, word = wide ? 8 : 4;
    uint64_t index = macho->segment_count++;
    if (rest.len < size || index > UINT32_MAX)
        return 0;
    struct object *list = object_member(macho->object, "segments");
    struct object *one = array_at(in->arena, list, (uint32_t)index);
    if (!one)
        return -ENOMEM;
    const uint8_t *addresses = rest.at + COMMAND + NAME, *numbers = addresses + 4 * word;
    one->slots[SEGMENT_SEGNAME] = name_value(rest.at + COMMAND);
    for (uint32_t i = 0; i < 4; i++)
        one->slots[SEGMENT_VMADDR + i] =
            VALUE_INT(wide ? macho_u64(macho, addresses + i * word)
                           : macho_u32(macho, addresses + i * word));
    for (uint32_t i = 0; i < 4; i++)
        one->slots[SEGMENT_MAXPROT + i] = VALUE_INT(macho_u32(macho, numbers + 4 * i));

    uint32_t command_size = macho_u32(macho, rest.at + 4);
    if (command_size < size)
        return 0;
    return sections_fill(in, macho, bytes_slice(rest, size, command_size - size),
                         macho_u32(macho, numbers + 8), wide,
                         one->slots[SEGMENT_SECTIONS].object);
}

/* --- entry point --- */

/* Where `value` lies in another numbering: from the field `from` (with its size) to `to`. */
static bool segment_translate(const struct macho *macho, uint64_t value, int from, int size,
                              int to, uint64_t *ret)
{
    struct object *list = object_member(macho->object, "segments");
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->slots[i].type != TYPE_STRUCT)
            continue;
        const struct value *slots = list->slots[i].object->slots;
        uint64_t start = (uint64_t)slots[from].integer;
        if (value >= start && value < start + (uint64_t)slots[size].integer) {
            *ret = (uint64_t)slots[to].integer + (value - start);
            return true;
        }
    }
    return false;
}

/* Where the program counter lies in the registers of a processor. */
static const struct registers {
    uint32_t cputype;
    uint16_t size, counter;
    bool wide;
} registers[] = {
    {0x06, 72, 68, false},        /* MC680x0: pc */
    {0x07, 64, 40, false},        /* x86: eip */
    {0x0c, 68, 60, false},        /* ARM: pc */
    {0x0d, 136, 124, false},      /* MC88000: xip */
    {0x0e, 76, 4, false},         /* SPARC: pc */
    {0x12, 160, 0, false},        /* PowerPC: srr0 */
    {0x01000007, 168, 128, true}, /* x86-64: rip */
    {0x0100000c, 268, 256, true}, /* ARM64: pc */
    {0x01000012, 304, 0, true},   /* PowerPC 64: srr0 */
};

static void unixthread_read(struct module_input *in, struct macho *macho, bytes rest)
{
    if (rest.len < THREAD_HEADER)
        return;
    /* As YARA: this one size is read as little endian in every file. */
    size_t size = load_le32(rest.at + 4);
    bytes command = bytes_slice(rest, 0, size);
    if (command.len < THREAD_HEADER)
        return;
    bytes state = bytes_slice(command, THREAD_HEADER, SIZE_MAX);
    for (size_t i = 0; i < COUNT(registers); i++) {
        const struct registers *row = &registers[i];
        if (row->cputype != macho->cputype)
            continue;
        if (state.len < row->size)
            return;
        const uint8_t *at = state.at + row->counter;
        uint64_t address = row->wide ? macho_u64(macho, at) : macho_u32(macho, at), offset;
        if (in->is_process)
            object_set_int(macho->object, "entry_point", (int64_t)(macho->base + address));
        else if (segment_translate(macho, address, SEGMENT_VMADDR, SEGMENT_VMSIZE,
                                   SEGMENT_FILEOFF, &offset))
            object_set_int(macho->object, "entry_point", (int64_t)offset);
    }
}

static void main_read(struct module_input *in, struct macho *macho, bytes rest)
{
    if (rest.len < 24)
        return;
    uint64_t offset = macho_u64(macho, rest.at + 8), address;
    if (!in->is_process)
        object_set_int(macho->object, "entry_point", (int64_t)offset);
    else if (segment_translate(macho, offset, SEGMENT_FILEOFF, SEGMENT_FSIZE, SEGMENT_VMADDR,
                               &address))
        object_set_int(macho->object, "entry_point", (int64_t)address);
    object_set_int(macho->object, "stack_size", (int64_t)macho_u64(macho, rest.at + 16));
}

/* --- one file --- */

static int command_read(struct module_input *in, struct macho *macho, uint32_t command,
                        bytes rest, bool segments)
{
    if (segments && (command == COMMAND_SEGMENT || command == COMMAND_SEGMENT_64))
        return segment_fill(in, macho, rest, command == COMMAND_SEGMENT_64);
    if (!segments && command == COMMAND_UNIXTHREAD)
        unixthread_read(in, macho, rest);
    else if (!segments && command == COMMAND_MAIN)
        main_read(in, macho, rest);
    return 0;
}

/* The commands in order, as far as they lie inside the file: first the segments, then those
 * that need them. */
static int commands_read(struct module_input *in, struct macho *macho, size_t from,
                         uint32_t count, bool segments)
{
    bytes rest = bytes_slice(macho->data, from, SIZE_MAX);
    for (uint32_t i = 0; i < count && rest.len >= COMMAND; i++) {
        uint32_t size = macho_u32(macho, rest.at + 4);
        if (size < COMMAND || size > rest.len || !budget_charge(in->budget, 4))
            return 0;
        int error = command_read(in, macho, macho_u32(macho, rest.at), rest, segments);
        if (error)
            return error;
        rest = bytes_slice(rest, size, SIZE_MAX);
    }
    return 0;
}

static int file_fill(struct module_input *in, bytes data, uint64_t base, struct object *object)
{
    static const char *const names[] = {"cputype", "cpusubtype", "filetype",
                                        "ncmds",   "sizeofcmds", "flags"};
    if (data.len < HEADER_64)
        return 0;
    uint32_t magic = load_be32(data.at);
    bool wide = magic != MAGIC_BIG_32 && magic != MAGIC_LITTLE_32;
    struct macho macho = {.data = data, .base = base, .object = object};
    macho.big = magic == MAGIC_BIG_32 || magic == MAGIC_BIG_64 || magic == FAT_BIG_32 ||
                magic == FAT_BIG_64;
    macho.cputype = macho_u32(&macho, data.at + 4);

    object_set_int(object, "magic", magic);
    for (uint32_t i = 0; i < COUNT(names); i++)
        object_set_int(object, names[i], macho_u32(&macho, data.at + 4 + 4 * i));
    if (wide)
        object_set_int(object, "reserved", macho_u32(&macho, data.at + 28));

    size_t from = wide ? HEADER_64 : HEADER_32;
    uint32_t count = macho_u32(&macho, data.at + 16);
    int error = commands_read(in, &macho, from, count, true);
    object_set_int(object, "number_of_segments", (int64_t)macho.segment_count);
    return error ? error : commands_read(in, &macho, from, count, false);
}

/* --- fat files --- */

static int fat_item_fill(struct module_input *in, bytes data, uint64_t base, const uint8_t *row,
                         bool wide, uint32_t index)
{
    struct object *arch = array_push(in->arena, object_member(in->root, "fat_arch"));
    if (!arch)
        return -ENOMEM;
    uint64_t offset = wide ? load_be64(row + 8) : load_be32(row + 8);
    uint64_t size = wide ? load_be64(row + 16) : load_be32(row + 12);
    uint32_t align = wide ? load_be32(row + 24) : load_be32(row + 16);
    object_set_int(arch, "cputype", load_be32(row));
    object_set_int(arch, "cpusubtype", load_be32(row + 4));
    object_set_int(arch, "offset", (int64_t)offset);
    object_set_int(arch, "size", (int64_t)size);
    object_set_int(arch, "align", align);
    if (!bytes_has(data, offset, size))
        return 0;
    struct object *file = array_at(in->arena, object_member(in->root, "file"), index);
    if (!file)
        return -ENOMEM;
    return file_fill(in, (bytes){data.at + offset, (size_t)size}, base, file);
}

static int fat_fill(struct module_input *in, bytes data, uint64_t base)
{
    if (data.len < FAT_HEADER)
        return 0;
    uint32_t magic = load_be32(data.at), count = load_be32(data.at + 4);
    bool wide = magic != FAT_BIG_32;
    size_t size = wide ? FAT_ARCH_64 : FAT_ARCH_32;
    object_set_int(in->root, "fat_magic", magic);
    object_set_int(in->root, "nfat_arch", count);
    if (count > (data.len - FAT_HEADER) / size)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!budget_charge(in->budget, 32))
            return 0;
        int error = fat_item_fill(in, data, base, data.at + FAT_HEADER + i * size, wide, i);
        if (error)
            return error;
    }
    return 0;
}

/* Index in `list` of the first item of that processor; -1 when there is none. */
static int64_t find_arch(struct module_input *in, const char *list, const struct value *type,
                         const struct value *subtype)
{
    struct object *items = object_member(in->root, list);
    for (uint32_t i = 0; i < items->count; i++) {
        if (items->slots[i].type != TYPE_STRUCT)
            continue;
        struct value a = object_get(items->slots[i].object, "cputype");
        struct value b = object_get(items->slots[i].object, "cpusubtype");
        if (a.type == TYPE_INT && a.integer == type->integer &&
            (!subtype || (b.type == TYPE_INT && b.integer == subtype->integer)))
            return i;
    }
    return -1;
}

static int file_index(struct module_input *in, const struct value *type,
                      const struct value *subtype, struct value *ret)
{
    int64_t index = find_arch(in, "file", type, subtype);
    if (index >= 0)
        *ret = VALUE_INT(index);
    return 0;
}

static int file_index_1(struct module_input *in, const struct value *args, struct value *ret)
{
    return file_index(in, &args[0], NULL, ret);
}

static int file_index_2(struct module_input *in, const struct value *args, struct value *ret)
{
    return file_index(in, &args[0], &args[1], ret);
}

static int entry_point(struct module_input *in, const struct value *type,
                       const struct value *subtype, struct value *ret)
{
    int64_t index = find_arch(in, "fat_arch", type, subtype);
    struct object *files = object_member(in->root, "file");
    if (index < 0 || index >= files->count || files->slots[index].type != TYPE_STRUCT)
        return 0;
    struct object *arch = object_member(in->root, "fat_arch")->slots[index].object;
    struct value entry = object_get(files->slots[index].object, "entry_point");
    uint64_t offset = (uint64_t)object_get(arch, "offset").integer;
    if (entry.type == TYPE_INT)
        *ret = VALUE_INT(offset + (uint64_t)entry.integer);
    return 0;
}

static int entry_point_1(struct module_input *in, const struct value *args, struct value *ret)
{
    return entry_point(in, &args[0], NULL, ret);
}

static int entry_point_2(struct module_input *in, const struct value *args, struct value *ret)
{
    return entry_point(in, &args[0], &args[1], ret);
}

/* --- the module: fields in the order in which `yara -D` knows them --- */

static const struct overload file_index_calls[] = {
    {"i", 'i', file_index_1}, {"ii", 'i', file_index_2}, {0}};
static const struct overload entry_point_calls[] = {
    {"i", 'i', entry_point_1}, {"ii", 'i', entry_point_2}, {0}};

static const struct field fields[] = {
    FIELD_CONST("MH_MAGIC", 0xfeedface),
    FIELD_CONST("MH_CIGAM", 0xcefaedfe),
    FIELD_CONST("MH_MAGIC_64", 0xfeedfacf),
    FIELD_CONST("MH_CIGAM_64", 0xcffaedfe),
    FIELD_CONST("FAT_MAGIC", 0xcafebabe),
    FIELD_CONST("FAT_CIGAM", 0xbebafeca),
    FIELD_CONST("FAT_MAGIC_64", 0xcafebabf),
    FIELD_CONST("FAT_CIGAM_64", 0xbfbafeca),
    FIELD_CONST("CPU_ARCH_ABI64", 0x01000000),
    FIELD_CONST("CPU_SUBTYPE_LIB64", 0x80000000),
    FIELD_CONST("CPU_TYPE_MC680X0", 0x00000006),
    FIELD_CONST("CPU_TYPE_X86", 0x00000007),
    FIELD_CONST("CPU_TYPE_I386", 0x00000007),
    FIELD_CONST("CPU_TYPE_X86_64", 0x01000007),
    FIELD_CONST("CPU_TYPE_MIPS", 0x00000008),
    FIELD_CONST("CPU_TYPE_MC98000", 0x0000000a),
    FIELD_CONST("CPU_TYPE_ARM", 0x0000000c),
    FIELD_CONST("CPU_TYPE_ARM64", 0x0100000c),
    FIELD_CONST("CPU_TYPE_MC88000", 0x0000000d),
    FIELD_CONST("CPU_TYPE_SPARC", 0x0000000e),
    FIELD_CONST("CPU_TYPE_POWERPC", 0x00000012),
    FIELD_CONST("CPU_TYPE_POWERPC64", 0x01000012),
    FIELD_CONST("CPU_SUBTYPE_INTEL_MODEL_ALL", 0x00),
    FIELD_CONST("CPU_SUBTYPE_386", 0x03),
    FIELD_CONST("CPU_SUBTYPE_I386_ALL", 0x03),
    FIELD_CONST("CPU_SUBTYPE_X86_64_ALL", 0x03),
    FIELD_CONST("CPU_SUBTYPE_486", 0x04),
    FIELD_CONST("CPU_SUBTYPE_486SX", 0x84),
    FIELD_CONST("CPU_SUBTYPE_586", 0x05),
    FIELD_CONST("CPU_SUBTYPE_PENT", 0x05),
    FIELD_CONST("CPU_SUBTYPE_PENTPRO", 0x16),
    FIELD_CONST("CPU_SUBTYPE_PENTII_M3", 0x36),
    FIELD_CONST("CPU_SUBTYPE_PENTII_M5", 0x56),
    FIELD_CONST("CPU_SUBTYPE_CELERON", 0x67),
    FIELD_CONST("CPU_SUBTYPE_CELERON_MOBILE", 0x77),
    FIELD_CONST("CPU_SUBTYPE_PENTIUM_3", 0x08),
    FIELD_CONST("CPU_SUBTYPE_PENTIUM_3_M", 0x18),
    FIELD_CONST("CPU_SUBTYPE_PENTIUM_3_XEON", 0x28),
    FIELD_CONST("CPU_SUBTYPE_PENTIUM_M", 0x09),
    FIELD_CONST("CPU_SUBTYPE_PENTIUM_4", 0x0a),
    FIELD_CONST("CPU_SUBTYPE_PENTIUM_4_M", 0x1a),
    FIELD_CONST("CPU_SUBTYPE_ITANIUM", 0x0b),
    FIELD_CONST("CPU_SUBTYPE_ITANIUM_2", 0x1b),
    FIELD_CONST("CPU_SUBTYPE_XEON", 0x0c),
    FIELD_CONST("CPU_SUBTYPE_XEON_MP", 0x1c),
    FIELD_CONST("CPU_SUBTYPE_ARM_ALL", 0x00),
    FIELD_CONST("CPU_SUBTYPE_ARM_V4T", 0x05),
    FIELD_CONST("CPU_SUBTYPE_ARM_V6", 0x06),
    FIELD_CONST("CPU_SUBTYPE_ARM_V5", 0x07),
    FIELD_CONST("CPU_SUBTYPE_ARM_V5TEJ", 0x07),
    FIELD_CONST("CPU_SUBTYPE_ARM_XSCALE", 0x08),
    FIELD_CONST("CPU_SUBTYPE_ARM_V7", 0x09),
    FIELD_CONST("CPU_SUBTYPE_ARM_V7F", 0x0a),
    FIELD_CONST("CPU_SUBTYPE_ARM_V7S", 0x0b),
    FIELD_CONST("CPU_SUBTYPE_ARM_V7K", 0x0c),
    FIELD_CONST("CPU_SUBTYPE_ARM_V6M", 0x0e),
    FIELD_CONST("CPU_SUBTYPE_ARM_V7M", 0x0f),
    FIELD_CONST("CPU_SUBTYPE_ARM_V7EM", 0x10),
    FIELD_CONST("CPU_SUBTYPE_ARM64_ALL", 0x00),
    FIELD_CONST("CPU_SUBTYPE_SPARC_ALL", 0x00),
    FIELD_CONST("CPU_SUBTYPE_POWERPC_ALL", 0x00),
    FIELD_CONST("CPU_SUBTYPE_MC980000_ALL", 0x00),
    FIELD_CONST("CPU_SUBTYPE_POWERPC_601", 0x01),
    FIELD_CONST("CPU_SUBTYPE_MC98601", 0x01),
    FIELD_CONST("CPU_SUBTYPE_POWERPC_602", 0x02),
    FIELD_CONST("CPU_SUBTYPE_POWERPC_603", 0x03),
    FIELD_CONST("CPU_SUBTYPE_POWERPC_603e", 0x04),
    FIELD_CONST("CPU_SUBTYPE_POWERPC_603ev", 0x05),
    FIELD_CONST("CPU_SUBTYPE_POWERPC_604", 0x06),
    FIELD_CONST("CPU_SUBTYPE_POWERPC_604e", 0x07),
    FIELD_CONST("CPU_SUBTYPE_POWERPC_620", 0x08),
    FIELD_CONST("CPU_SUBTYPE_POWERPC_750", 0x09),
    FIELD_CONST("CPU_SUBTYPE_POWERPC_7400", 0x0a),
    FIELD_CONST("CPU_SUBTYPE_POWERPC_7450", 0x0b),
    FIELD_CONST("CPU_SUBTYPE_POWERPC_970", 0x64),
    FIELD_CONST("MH_OBJECT", 0x01),
    FIELD_CONST("MH_EXECUTE", 0x02),
    FIELD_CONST("MH_FVMLIB", 0x03),
    FIELD_CONST("MH_CORE", 0x04),
    FIELD_CONST("MH_PRELOAD", 0x05),
    FIELD_CONST("MH_DYLIB", 0x06),
    FIELD_CONST("MH_DYLINKER", 0x07),
    FIELD_CONST("MH_BUNDLE", 0x08),
    FIELD_CONST("MH_DYLIB_STUB", 0x09),
    FIELD_CONST("MH_DSYM", 0x0a),
    FIELD_CONST("MH_KEXT_BUNDLE", 0x0b),
    FIELD_CONST("MH_NOUNDEFS", 0x00000001),
    FIELD_CONST("MH_INCRLINK", 0x00000002),
    FIELD_CONST("MH_DYLDLINK", 0x00000004),
    FIELD_CONST("MH_BINDATLOAD", 0x00000008),
    FIELD_CONST("MH_PREBOUND", 0x00000010),
    FIELD_CONST("MH_SPLIT_SEGS", 0x00000020),
    FIELD_CONST("MH_LAZY_INIT", 0x00000040),
    FIELD_CONST("MH_TWOLEVEL", 0x00000080),
    FIELD_CONST("MH_FORCE_FLAT", 0x00000100),
    FIELD_CONST("MH_NOMULTIDEFS", 0x00000200),
    FIELD_CONST("MH_NOFIXPREBINDING", 0x00000400),
    FIELD_CONST("MH_PREBINDABLE", 0x00000800),
    FIELD_CONST("MH_ALLMODSBOUND", 0x00001000),
    FIELD_CONST("MH_SUBSECTIONS_VIA_SYMBOLS", 0x00002000),
    FIELD_CONST("MH_CANONICAL", 0x00004000),
    FIELD_CONST("MH_WEAK_DEFINES", 0x00008000),
    FIELD_CONST("MH_BINDS_TO_WEAK", 0x00010000),
    FIELD_CONST("MH_ALLOW_STACK_EXECUTION", 0x00020000),
    FIELD_CONST("MH_ROOT_SAFE", 0x00040000),
    FIELD_CONST("MH_SETUID_SAFE", 0x00080000),
    FIELD_CONST("MH_NO_REEXPORTED_DYLIBS", 0x00100000),
    FIELD_CONST("MH_PIE", 0x00200000),
    FIELD_CONST("MH_DEAD_STRIPPABLE_DYLIB", 0x00400000),
    FIELD_CONST("MH_HAS_TLV_DESCRIPTORS", 0x00800000),
    FIELD_CONST("MH_NO_HEAP_EXECUTION", 0x01000000),
    FIELD_CONST("MH_APP_EXTENSION_SAFE", 0x02000000),
    FIELD_CONST("SG_HIGHVM", 0x00000001),
    FIELD_CONST("SG_FVMLIB", 0x00000002),
    FIELD_CONST("SG_NORELOC", 0x00000004),
    FIELD_CONST("SG_PROTECTED_VERSION_1", 0x00000008),
    FIELD_CONST("SECTION_TYPE", 0x000000ff),
    FIELD_CONST("SECTION_ATTRIBUTES", 0xffffff00),
    FIELD_CONST("S_REGULAR", 0x00),
    FIELD_CONST("S_ZEROFILL", 0x01),
    FIELD_CONST("S_CSTRING_LITERALS", 0x02),
    FIELD_CONST("S_4BYTE_LITERALS", 0x03),
    FIELD_CONST("S_8BYTE_LITERALS", 0x04),
    FIELD_CONST("S_LITERAL_POINTERS", 0x05),
    FIELD_CONST("S_NON_LAZY_SYMBOL_POINTERS", 0x06),
    FIELD_CONST("S_LAZY_SYMBOL_POINTERS", 0x07),
    FIELD_CONST("S_SYMBOL_STUBS", 0x08),
    FIELD_CONST("S_MOD_INIT_FUNC_POINTERS", 0x09),
    FIELD_CONST("S_MOD_TERM_FUNC_POINTERS", 0x0a),
    FIELD_CONST("S_COALESCED", 0x0b),
    FIELD_CONST("S_GB_ZEROFILL", 0x0c),
    FIELD_CONST("S_INTERPOSING", 0x0d),
    FIELD_CONST("S_16BYTE_LITERALS", 0x0e),
    FIELD_CONST("S_DTRACE_DOF", 0x0f),
    FIELD_CONST("S_LAZY_DYLIB_SYMBOL_POINTERS", 0x10),
    FIELD_CONST("S_THREAD_LOCAL_REGULAR", 0x11),
    FIELD_CONST("S_THREAD_LOCAL_ZEROFILL", 0x12),
    FIELD_CONST("S_THREAD_LOCAL_VARIABLES", 0x13),
    FIELD_CONST("S_THREAD_LOCAL_VARIABLE_POINTERS", 0x14),
    FIELD_CONST("S_THREAD_LOCAL_INIT_FUNCTION_POINTERS", 0x15),
    FIELD_CONST("S_ATTR_PURE_INSTRUCTIONS", 0x80000000),
    FIELD_CONST("S_ATTR_NO_TOC", 0x40000000),
    FIELD_CONST("S_ATTR_STRIP_STATIC_SYMS", 0x20000000),
    FIELD_CONST("S_ATTR_NO_DEAD_STRIP", 0x10000000),
    FIELD_CONST("S_ATTR_LIVE_SUPPORT", 0x08000000),
    FIELD_CONST("S_ATTR_SELF_MODIFYING_CODE", 0x04000000),
    FIELD_CONST("S_ATTR_DEBUG", 0x02000000),
    FIELD_CONST("S_ATTR_SOME_INSTRUCTIONS", 0x00000400),
    FIELD_CONST("S_ATTR_EXT_RELOC", 0x00000200),
    FIELD_CONST("S_ATTR_LOC_RELOC", 0x00000100),

    FILE_FIELDS,
    FIELD_INT("fat_magic"),
    FIELD_INT("nfat_arch"),
    FIELD_ARRAY_OF("fat_arch", fat_arch_fields),
    FIELD_ARRAY_OF("file", file_fields),
    FIELD_FUNCTION("file_index_for_arch", file_index_calls),
    FIELD_FUNCTION("entry_point_for_arch", entry_point_calls),
    FIELD_END,
};

static int load(struct module_input *in)
{
    in->root = object_new(in->arena, fields);
    if (!in->root)
        return -ENOMEM;
    for (uint32_t i = 0; i < in->block_count; i++) {
        bytes data = in->blocks[i].data;
        if (data.len < 4)
            continue;
        uint32_t magic = load_be32(data.at);
        if (magic == MAGIC_BIG_32 || magic == MAGIC_LITTLE_32 || magic == MAGIC_BIG_64 ||
            magic == MAGIC_LITTLE_64)
            return file_fill(in, data, in->blocks[i].base, in->root);
        if (magic == FAT_BIG_32 || magic == FAT_LITTLE_32 || magic == FAT_BIG_64 ||
            magic == FAT_LITTLE_64)
            return fat_fill(in, data, in->blocks[i].base);
    }
    return 0;
}

const struct module module_macho = {.name = "macho", .fields = fields, .load = load};
