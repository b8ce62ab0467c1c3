/* Records, [MS-PPT] 2.3.1: u16 version in 4 bits, instance in 12; u16 type; u32 size. Those of
 * version 15 hold records. 2.10.34 and on: type 1011, an object or the VBA project as a
 * compound file: instance 0 as it stands, instance 1 behind a u32 of its size as zlib. */
#include "unpack/document/slides.h"

#include "unpack/document/packed.h"

enum { OBJECT = 0x1011, HOLDS_RECORDS = 15 };

bool slides_open(struct unpack *u, bytes path, bytes data)
{
    unsigned number = 0;
    size_t at = 0;
    while (bytes_has(data, at, 8) && budget_charge(u->budget, 8)) {
        unsigned head = load_le16(data.at + at), type = load_le16(data.at + at + 2);
        uint32_t size = load_le32(data.at + at + 4);
        at += 8;
        if (type == OBJECT) {
            bytes part = bytes_slice(data, at, size);
            bytes name = arena_printf(u->arena, "%.*s/object %u", (int)path.len,
                                      (const char *)path.at, ++number);
            bool more = head >> 4 == 1
                            ? packed_child(u, name, STREAM_ZLIB, bytes_slice(part, 4, part.len))
                            : unpack_view(u, name, part);
            if (!more)
                return false;
            if (part.len < size)
                unpack_gap(u, name, GAP_DAMAGED, "cut short: %zu of %u bytes", part.len, size);
        }
        if ((head & 15) == HOLDS_RECORDS && type != OBJECT)
            continue;
        if (size > data.len - at) {
            unpack_gap(u, path, GAP_DAMAGED, "its records are damaged");
            break;
        }
        at += size;
    }
    return !u->run->stopped;
}
