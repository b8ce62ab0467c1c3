/* The list has 4 bytes for each chunk but the first (8 when the whole is larger than 4 GiB),
 * counted from the list's end ([MS-WIM]). A chunk that would not shrink is as it was. */
#include "unpack/image/chunked.h"

#include <string.h>

/* .at NULL when it is not there. */
static bytes chunk_at(const struct chunked *chunked, uint64_t n)
{
    bytes none = {NULL, 0}, all = chunked->packed;
    uint64_t count = (chunked->size + chunked->chunk - 1) / chunked->chunk, begin = 0;
    unsigned each = chunked->size > UINT32_MAX ? 8 : 4;
    if (n >= count || count > all.len / each + 1)
        return none;
    uint64_t list = (count - 1) * each, end = all.len - list;
    for (unsigned k = 0; k < 2; k++) {
        uint64_t slot = (n + k - 1) * each, value = 0;
        uint32_t small = 0;
        if (n + k == 0 || n + k == count)
            continue;
        if (!(each == 8 ? bytes_le64(all, slot, &value) : bytes_le32(all, slot, &small)))
            return none;
        *(k ? &end : &begin) = each == 8 ? value : small;
    }
    if (list > all.len || end > all.len - list || begin > end)
        return none;
    return bytes_slice(all, (size_t)(list + begin), (size_t)(end - begin));
}

bool chunked_decode(const struct chunked *chunked, uint64_t n, uint8_t *out, size_t size)
{
    bytes in = chunk_at(chunked, n);
    if (!in.at)
        return false;
    if (in.len >= size) {
        memcpy(out, in.at, size);
        return in.len == size;
    }
    if (chunked->is_lzx)
        return size <= LZX_CHUNK && lzx_decode(chunked->state, in, out, size);
    return lzx_xpress(&chunked->state->main, in, out, size);
}

void chunked_put(const struct chunked *chunked, struct unpack *unpack)
{
    uint64_t left = chunked->size;
    for (uint64_t n = 0; left; n++) {
        size_t room, want = left < chunked->chunk ? (size_t)left : chunked->chunk;
        uint8_t *out = unpack_room(unpack, &room);
        if (!out)
            return;
        if (!chunked_decode(chunked, n, out, want)) {
            unpack_gap(unpack, unpack->child_name, GAP_DAMAGED,
                       "a chunk cannot be decompressed");
            return;
        }
        if (!unpack_wrote(unpack, want))
            return;
        left -= want;
    }
}
