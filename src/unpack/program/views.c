#include "unpack/program/program.h"

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

static size_t append_utf8(uint8_t *to, size_t length, size_t room, uint32_t point)
{
    size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    if (room - length < size)
        return room;
    for (size_t i = size; i-- > 1; point >>= 6)
        to[length + i] = (uint8_t)(0x80 | (point & 0x3f));
    to[length] = (uint8_t)(lead[size] | point);
    return length + size;
}

size_t utf16_append(uint8_t *to, size_t length, size_t room, bytes units)
{
    uint16_t unit, next;
    for (size_t i = 0; bytes_le16(units, i, &unit) && unit && length < room; i += 2) {
        uint32_t point = unit;
        if ((unit & 0xfc00) == 0xd800 && bytes_le16(units, i + 2, &next) &&
            (next & 0xfc00) == 0xdc00) {
            point = 0x10000 + ((uint32_t)(unit & 0x3ff) << 10 | (next & 0x3ff));
            i += 2;
        } else if ((unit & 0xf800) == 0xd800) {
            point = '?';
        }
        length = append_utf8(to, length, room, point);
    }
    return length;
}
