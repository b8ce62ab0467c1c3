/* Universal binaries of macOS: one program for each kind of processor.
 *
 *   u32 0xcafebabe (0xcafebabf: 64 bits), u32 number, then for each: u32 processor, u32
 * variant, u32 (u64) offset, u32 (u64) size, u32 alignment (and u32 0); all big endian
 *
 * Classes of Java begin alike: there the number is a version, 45 and more. mach-o/fat.h. */
#include "unpack/program/program.h"

enum { MOST = 40 };

bool macho_fat_probe(bytes data)
{
    uint32_t count;
    return bytes_be32(data, 4, &count) && count >= 1 && count <= MOST;
}

void macho_fat_open(struct unpack *unpack)
{
    bool is_64 = unpack->data.at[3] == 0xbf;
    uint32_t count = load_be32(unpack->data.at + 4), kind;
    struct views views = views_of(unpack);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = 8 + (uint64_t)i * (is_64 ? 32 : 20), offset, size;
        if (!bytes_has(unpack->data, at, is_64 ? 32 : 20)) {
            unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the table is cut short");
            return;
        }
        const uint8_t *p = unpack->data.at + at;
        kind = load_be32(p);
        offset = is_64 ? load_be64(p + 8) : load_be32(p + 8);
        size = is_64 ? load_be64(p + 16) : load_be32(p + 12);
        bytes name = arena_printf(unpack->arena, "slice/%u-%u", i, kind & 0xffffff);
        if (!name.at)
            return;
        if (!bytes_has(unpack->data, offset, size))
            unpack_gap(unpack, name, GAP_DAMAGED, "it reaches past the end of the file");
        if (offset < unpack->data.len && size > SIZE_MAX / 2)
            size = unpack->data.len;
        if (offset < unpack->data.len &&
            !views_hand_out(&views, name,
                            bytes_slice(unpack->data, (size_t)offset, (size_t)size)))
            return;
    }
}
