/* Records, [MS-PPT] 2.3.1: u16 version in 4 bits, instance in 12; u16 type; u32 size. 2.10.34
 * and on: type 1011, an object or the VBA project as a compound file: instance 0 as it stands,
 * instance 1 behind a u32 of its size as zlib.
 *
 * What is saved again and again has gaps between its records, so those of this type are
 * searched for: by their head and by what they begin with. */
#include "unpack/document/slides.h"

#include "unpack/document/packed.h"

#include <string.h>

static bool is_object(bytes data, size_t at, bool *ret_packed)
{
    static const uint8_t compound[4] = {0xd0, 0xcf, 0x11, 0xe0};
    if (!bytes_has(data, at, 14))
        return false;
    unsigned head = load_le16(data.at + at), zlib = load_be16(data.at + at + 12);
    *ret_packed = head == 0x10;
    if (*ret_packed)
        return (zlib >> 8 & 15) == 8 && zlib % 31 == 0;
    return head == 0 && memcmp(data.at + at + 8, compound, sizeof compound) == 0;
}

bool slides_open(struct unpack *u, bytes path, bytes data)
{
    static const bytes type = {(const uint8_t *)"\x11\x10", 2};
    unsigned number = 0;
    bool packed;
    for (size_t at = bytes_find(data, type, 2); at != SIZE_MAX;
         at = bytes_find(data, type, at)) {
        if (!is_object(data, at - 2, &packed)) {
            at++;
            continue;
        }
        uint32_t size = load_le32(data.at + at + 2);
        bytes part = bytes_slice(data, at + 6, size);
        bytes name = arena_printf(u->arena, "%.*s/object %u", (int)path.len,
                                  (const char *)path.at, ++number);
        at += 2;
        if (part.len < size)
            unpack_gap(u, name, GAP_DAMAGED, "cut short: %zu of %u bytes", part.len, size);
        if (packed ? !packed_child(u, name, STREAM_ZLIB, bytes_slice(part, 4, part.len))
                   : !unpack_view(u, name, part))
            return false;
    }
    return true;
}
