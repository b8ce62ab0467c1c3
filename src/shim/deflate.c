#include "shim/deflate.h"

#include <limits.h>
#include <zlib.h>

bool deflate_raw(bytes in, int level, int memory, uint8_t *out, size_t room, size_t *ret_len)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.at, /* only read from */
                  .avail_in = (uInt)in.len,
                  .next_out = out,
                  .avail_out = (uInt)room};
    if (in.len > INT_MAX || room > INT_MAX ||
        deflateInit2(&z, level, Z_DEFLATED, -MAX_WBITS, memory, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    bool done = deflate(&z, Z_FINISH) == Z_STREAM_END;
    *ret_len = room - z.avail_out;
    deflateEnd(&z);
    return done;
}
