/* place_macho — a thin Mach-O file as ClamAV reads it; a fat one has no places of its own.
 *
 *   0   u32 magic, cpu type, cpu subtype, file type, number of commands, their size, flags
 *       (64 bits: and 4 more)
 *   then commands: u32 command, u32 size, and
 *     LC_SEGMENT (0x1, 64 bits: 0x19): 16 bytes of name; address, size, offset and size in the
 *       file; u32 protections, number of sections, flags; then the sections
 *     LC_THREAD, LC_UNIXTHREAD (0x4, 0x5): u32 flavour, u32 count, the registers
 *
 * Apple's loader.h. ClamAV takes the entry point from the registers of PowerPC alone, and the
 * sizes of segments and threads from their contents, not from the command. */
#include "engine/place.h"

#include <errno.h>

enum {
    MAX_COMMANDS = 1024,
    MAX_SECTIONS = 255, /* of a segment */
    COMMAND = 8,
    SEGMENT_32 = 48,
    SEGMENT_64 = 64,
    SECTION_32 = 68,
    SECTION_64 = 80,
    CPU_X86 = 7,
    CPU_PPC = 18,
    CPU_PPC64 = 18 | 1 << 24,
    STATE_X86 = 64,
    STATE_PPC = 160,
    STATE_PPC64 = 312,
};

/* A section's reach in memory. */
struct reach {
    uint32_t address, size;
};

struct macho {
    bytes data;
    bool wide, big;
    uint32_t cpu;
    uint64_t at; /* what is read next */
    struct arena *arena;
    uint64_t entry;
    VEC(struct place_section) sections;
    VEC(struct reach) reaches;
};

static uint32_t word(const struct macho *macho, uint64_t at)
{
    const uint8_t *p = macho->data.at + at;
    return macho->big ? load_be32(p) : load_le32(p);
}

static uint64_t address(const struct macho *macho, uint64_t at)
{
    const uint8_t *p = macho->data.at + at;
    if (!macho->wide)
        return word(macho, at);
    return macho->big ? load_be64(p) : load_le64(p);
}

static int add_section(struct macho *macho, uint64_t at)
{
    unsigned size = macho->wide ? 8 : 4;
    uint32_t align = word(macho, at + 32 + 2 * size + 4);
    if (align >= 32 && !macho->wide)
        return -EBADMSG;
    struct place_section *section = vec_push(macho->arena, &macho->sections);
    struct reach *reach = vec_push(macho->arena, &macho->reaches);
    if (!section || !reach)
        return -ENOMEM;
    reach->address = (uint32_t)address(macho, at + 32);
    reach->size = (uint32_t)address(macho, at + 32 + size);
    uint32_t to = UINT32_C(1) << (align & 31);
    section->at = word(macho, at + 32 + 2 * size);
    section->size = reach->size + (to - reach->size % to) % to;
    return 0;
}

static int read_segment(struct macho *macho)
{
    uint32_t header = macho->wide ? SEGMENT_64 : SEGMENT_32;
    uint32_t row = macho->wide ? SECTION_64 : SECTION_32;
    if (!bytes_has(macho->data, macho->at, header))
        return -EBADMSG;
    uint32_t count = word(macho, macho->at + header - 8);
    macho->at += header;
    if (count > MAX_SECTIONS || !bytes_has(macho->data, macho->at, (uint64_t)row * count))
        return -EBADMSG;
    int error = 0;
    for (uint32_t i = 0; i < count && !error; i++, macho->at += row)
        error = add_section(macho, macho->at);
    return error;
}

static int read_thread(struct macho *macho)
{
    uint32_t size = macho->cpu == CPU_X86   ? STATE_X86
                    : macho->cpu == CPU_PPC ? STATE_PPC
                                            : STATE_PPC64;
    macho->at += 8;
    if (!bytes_has(macho->data, macho->at, size))
        return -EBADMSG;
    if (macho->cpu == CPU_PPC)
        macho->entry = word(macho, macho->at);
    else if (macho->cpu == CPU_PPC64)
        macho->entry = macho->big ? load_be64(macho->data.at + macho->at)
                                  : load_le64(macho->data.at + macho->at);
    macho->at += size;
    return 0;
}

static int read_command(struct macho *macho)
{
    if (!bytes_has(macho->data, macho->at, COMMAND))
        return -EBADMSG;
    uint32_t command = word(macho, macho->at), size = word(macho, macho->at + 4);
    macho->at += COMMAND;
    if (command == (macho->wide ? 0x19 : 0x1))
        return read_segment(macho);
    bool has_thread = macho->cpu == CPU_X86 || macho->cpu == CPU_PPC || macho->cpu == CPU_PPC64;
    if (has_thread && (command == 0x4 || command == 0x5))
        return read_thread(macho);
    macho->at += size > COMMAND ? size - COMMAND : 0;
    return 0;
}

/* The entry point's address to its offset in the file. */
static int place_entry(const struct macho *macho, struct place *ret)
{
    uint32_t entry = (uint32_t)macho->entry;
    ret->entry = entry;
    if (!entry || !macho->sections.n)
        return 0;
    for (uint32_t i = 0; i < ret->section_count; i++) {
        struct reach reach = macho->reaches.at[i];
        if (reach.address <= entry && reach.address + reach.size > entry) {
            ret->entry = entry - reach.address + macho->sections.at[i].at;
            return 0;
        }
    }
    return -EBADMSG;
}

int place_macho(bytes data, struct arena *arena, struct place *ret)
{
    uint32_t magic;
    struct macho macho = {.data = data, .arena = arena, .at = 28};
    if (!bytes_le32(data, 0, &magic) || data.len < macho.at)
        return -EBADMSG;
    macho.big = (magic & 0xff) == 0xfe;
    magic = word(&macho, 0);
    if (magic != 0xfeedface && magic != 0xfeedfacf)
        return -EBADMSG;
    macho.wide = magic == 0xfeedfacf;
    macho.cpu = word(&macho, 4);
    macho.at += macho.wide ? 4 : 0;
    uint32_t commands = word(&macho, 16);
    if (commands == 0 || commands > MAX_COMMANDS)
        return -EBADMSG;
    int error = 0;
    for (uint32_t i = 0; i < commands && !error; i++)
        error = read_command(&macho);
    ret->section_count = macho.sections.n & 0xffff;
    ret->sections = macho.sections.at;
    return error ? error : place_entry(&macho, ret);
}
