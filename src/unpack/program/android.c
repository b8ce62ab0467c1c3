/* Android's containers of dex files: vdex, as the runtime writes them, and odex of old
 * versions. Both hold dex files as they are, so these are found by their own heads:
 *
 *   "dex\n", u8[3] version, 0, u32 checksum, 20 bytes signature, u32 size, u32 0x70, ...
 *
 * Dalvik executable format, "header_item"; AOSP, art/runtime/vdex_file.h. Compact dex files
 * ("cdex") share data with each other and cannot be taken apart. */
#include "unpack/program/program.h"

#include <string.h>

enum { HEAD = 0x70, SIZE = 0x20, MAX_FILES = 4096 };

void android_open(struct unpack *unpack)
{
    static const bytes magic = {(const uint8_t *)"dex\n0", 5};
    bytes data = unpack->data;
    struct views views = views_of(unpack);
    uint32_t size, head;
    unsigned count = 0;
    if (!budget_charge(unpack->budget, data.len / 8))
        return;
    for (size_t at = 8; (at = bytes_find(data, magic, at)) != SIZE_MAX; at++) {
        if (!bytes_le32(data, at + SIZE, &size) || !bytes_le32(data, at + SIZE + 4, &head) ||
            head != HEAD || size < HEAD || count >= MAX_FILES)
            continue;
        bytes name = arena_printf(unpack->arena, "%u.dex", count++);
        bytes part = bytes_slice(data, at, size);
        if (!name.at)
            return;
        if (part.len < size)
            unpack_gap(unpack, name, GAP_DAMAGED, "%zu of its %u bytes are there", part.len,
                       size);
        if (!views_hand_out(&views, name, part))
            return;
        at += part.len - 1;
    }
    if (bytes_find(data, bytes_of("cdex0"), 8) != SIZE_MAX)
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED, "it holds compact dex files");
}
