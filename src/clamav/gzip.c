#include "clamav/gzip.h"

#include "shim/stream.h"

#include <errno.h>

/* RFC 1952, section 2.3: 1f 8b, method, flags, time, flags, system; then, as the flags say, an
 * extra field, a name, a comment and a checksum; deflate; CRC-32 and size of what was packed.
 */

/* All of ClamAV's are below 500 MB. */
#define UNPACKED_MAX ((uint64_t)2 << 30)

/* The deflated part of a gzip member (RFC 1952, section 2.3) with its trailer. */
static bool skip_gzip(bytes *rest)
{
    enum { HCRC = 2, EXTRA = 4, NAME = 8, COMMENT = 16 };

    bytes body = *rest;
    uint16_t extra = 0;
    if (body.len < 18 || body.at[0] != 0x1f || body.at[1] != 0x8b || body.at[2] != 8)
        return false;
    uint8_t flags = body.at[3];
    size_t at = 10;
    if (flags & EXTRA) {
        if (!bytes_le16(body, at, &extra))
            return false;
        at += 2 + (size_t)extra;
    }
    for (uint32_t text = NAME; text <= COMMENT; text <<= 1) {
        if (!(flags & text))
            continue;
        size_t end = bytes_find(body, (bytes){(const uint8_t *)"", 1}, at);
        if (end == SIZE_MAX)
            return false;
        at = end + 1;
    }
    if (flags & HCRC)
        at += 2;
    *rest = bytes_slice(body, at, body.len);
    return rest->len > 8;
}

int gzip_inflate(bytes file, struct arena *arena, bytes *ret, struct why *why)
{
    size_t used;
    uint32_t size, crc;
    bytes rest = file;
    if (!skip_gzip(&rest) || !bytes_le32(rest, rest.len - 4, &size) ||
        !bytes_le32(rest, rest.len - 8, &crc))
        return fail(why, EBADMSG, "its compressed part is damaged");
    /* Deflate cannot do better; a size that lies costs nothing. */
    if (size > UNPACKED_MAX || size / 1032 > rest.len)
        return fail(why, EBADMSG, "its compressed part says that it is too large");
    uint8_t *room = arena_push_raw(arena, size);
    if (!room)
        return fail(why, ENOMEM, "out of memory");
    if (!stream_inflate(bytes_slice(rest, 0, rest.len - 8), room, size, &used) ||
        used != rest.len - 8 || stream_crc32(0, (bytes){room, size}) != crc)
        return fail(why, EBADMSG, "its compressed part is damaged");
    *ret = (bytes){room, size};
    return 0;
}
