/* gzip (RFC 1952): 1f 8b 8, flags, 6 bytes, [extra], [name], [comment], [CRC-16], a deflate
 * stream, CRC-32 and size of what came out. With the header lost, the stream is entered at the
 * first block behind it. */
#include "rescue/salvage/member.h"

#include <string.h>

enum { HEADER = 10, TRAILER = 8, EXTRA = 4, NAME = 8, COMMENT = 16, CHECK = 2 };

/* Where the stream begins; 0 when the header is not there. */
static uint64_t stream_at(bytes file)
{
    uint16_t extra;
    if (!bytes_has(file, 0, HEADER) || memcmp(file.at, "\x1f\x8b\x08", 3) != 0 ||
        (file.at[3] & 0xe0))
        return 0;
    uint8_t flags = file.at[3];
    uint64_t at = HEADER;
    if (flags & EXTRA)
        at += bytes_le16(file, at, &extra) ? 2u + extra : 0;
    for (int i = 0; i < ((flags & NAME) != 0) + ((flags & COMMENT) != 0); i++) {
        const uint8_t *end =
            at < file.len ? memchr(file.at + at, 0, file.len - (size_t)at) : NULL;
        if (!end)
            return 0;
        at = (uint64_t)(end - file.at) + 1;
    }
    return at + (flags & CHECK ? 2 : 0);
}

int gzip_fits(struct salvage *salvage)
{
    if (salvage_named(salvage, "gz") || salvage_named(salvage, "tgz"))
        return 90;
    return stream_at(salvage->file) && map_is_plain(&salvage->map, 0, HEADER) ? 70 : 0;
}

static void prove(void *to, uint64_t from, uint64_t until, enum member_says says)
{
    struct salvage *salvage = to;
    member_tell(&salvage->map, 0, from, until, says);
}

/* Whether its checksum holds: then nothing of it is encrypted. */
static bool is_whole(struct salvage *salvage, uint64_t at)
{
    uint32_t crc, size, now;
    uint64_t out;
    size_t used;
    bytes in = bytes_slice(salvage->file, (size_t)at, SIZE_MAX);
    return at && member_decodes(salvage, in, &now, &out, &used) && bytes_le32(in, used, &crc) &&
           bytes_le32(in, used + 4, &size) && crc == now && size == (uint32_t)out;
}

void gzip_give(struct salvage *salvage)
{
    uint64_t end = salvage->file.len - salvage->map.trailer, from = 0;
    bytes name = salvage_name(salvage, "gz");
    from = stream_at(salvage->file);
    bool whole = is_whole(salvage, from);
    if (!from)
        map_break(&salvage->map, 0, HEADER, false);
    if (whole)
        map_prove(&salvage->map, 0, salvage->file.len);
    else
        member_prove(salvage, salvage->file, from, prove, salvage);
    if (!salvage_solve(salvage))
        return;
    if (end < from + TRAILER)
        return;
    name = bytes_slice(name, 0, name.len - 3);
    bool text = !salvage_named(salvage, "tar") && !salvage_named(salvage, "tgz");
    if (!salvage_begin(salvage, name, "gzip"))
        return;
    uint64_t size = UINT64_MAX;
    if (map_is_plain(&salvage->map, end - 4, end))
        size = load_le32(salvage->file.at + end - 4);
    struct member_gaps gaps = member_inflate(salvage, from, end - TRAILER, size, text);
    member_end(salvage, whole ? SALVAGE_PROVEN : SALVAGE_PARTIAL, text, &gaps);
}
