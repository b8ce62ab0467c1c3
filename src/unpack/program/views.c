#include "unpack/program/program.h"

#include "base/unicode.h"

#include <string.h>

struct views views_of(struct unpack *unpack)
{
    return (struct views){.unpack = unpack, .left = 2 * (uint64_t)unpack->data.len + 4096};
}

bool views_hand_out(struct views *views, bytes name, bytes part)
{
    if (part.len > views->left) {
        if (!views->full)
            unpack_gap(views->unpack, name, GAP_LIMIT,
                       "members overlap: more than twice the size of the container");
        views->full = true;
        return !views->unpack->run->stopped;
    }
    views->left -= part.len;
    if (views->start_count < COUNT(views->starts))
        views->starts[views->start_count++] = (size_t)(part.at - views->unpack->data.at);
    return unpack_view(views->unpack, name, part);
}

size_t utf16_append(uint8_t *to, size_t length, size_t room, bytes units)
{
    uint16_t unit, next;
    for (size_t i = 0; bytes_le16(units, i, &unit) && unit && length < room; i += 2) {
        uint8_t character[4];
        uint32_t both = bytes_le16(units, i + 2, &next) ? utf16_pair(unit, next) : 0;
        bool is_half = !both && (unit & 0xf800) == 0xd800;
        size_t size = utf8_put(character, both ? both : is_half ? '?' : unit);
        i += both ? 2 : 0;
        if (room - length < size)
            return room;
        memcpy(to + length, character, size);
        length += size;
    }
    return length;
}
