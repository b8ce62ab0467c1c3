/* Chunks of up to 4096 bytes: a header of 2 bytes (bits 0 to 11: bytes that follow, less one;
 * bit 15: compressed; 0: the end), then flags, a bit for each of eight items: a byte as it is,
 * or two bytes of distance and length, whose border moves with the place in the chunk. */
#include "unpack/image/ntfs/lznt.h"

#include <string.h>

enum { CHUNK = 4096 };

static bool chunk_decode(bytes in, uint8_t *out, size_t room, size_t *ret_len)
{
    size_t at = 0, n = 0;
    room = room < CHUNK ? room : CHUNK;
    *ret_len = 0;
    while (at < in.len && n < room) {
        unsigned flags = in.at[at++];
        for (unsigned i = 0; i < 8 && at < in.len && n < room; i++, flags >>= 1) {
            if (!(flags & 1)) {
                out[n++] = in.at[at++];
                continue;
            }
            if (in.len - at < 2 || n == 0)
                return false;
            unsigned item = load_le16(in.at + at), shift = 12;
            at += 2;
            for (size_t border = n - 1; border >= 16; border >>= 1)
                shift--;
            size_t length = (item & ((1u << shift) - 1)) + 3, back = (item >> shift) + 1;
            if (back > n)
                return false;
            for (length = length < room - n ? length : room - n; length > 0; length--, n++)
                out[n] = out[n - back];
            *ret_len = n;
        }
        *ret_len = n;
    }
    return true;
}

bool lznt_decode(bytes in, uint8_t *out, size_t room, size_t *ret_len)
{
    size_t at = 0, n = 0;
    bool fine = true;
    while (fine && in.len - at >= 2 && n < room && load_le16(in.at + at)) {
        unsigned head = load_le16(in.at + at);
        size_t size = (head & 0xfff) + 1u, wrote = 0;
        at += 2;
        fine = size <= in.len - at;
        bytes chunk = bytes_slice(in, at, size);
        if (head & 0x8000) {
            fine &= chunk_decode(chunk, out + n, room - n, &wrote);
        } else {
            wrote = chunk.len < room - n ? chunk.len : room - n;
            memcpy(out + n, chunk.at, wrote);
        }
        at += chunk.len;
        n += wrote;
        /* A chunk that is short is filled up, when another follows. */
        if (fine && wrote < CHUNK && in.len - at >= 2 && load_le16(in.at + at) && n < room) {
            size_t fill = CHUNK - wrote < room - n ? CHUNK - wrote : room - n;
            memset(out + n, 0, fill);
            n += fill;
        }
    }
    *ret_len = n;
    return fine;
}
