#include "shim/stream_codec.h"

#include <limits.h>
#include <lz4.h>
#include <lz4frame.h>

static void *begin(enum stream_kind kind)
{
    LZ4F_dctx *lz4 = NULL;
    (void)kind;
    return LZ4F_isError(LZ4F_createDecompressionContext(&lz4, LZ4F_VERSION)) ? NULL : lz4;
}

static void end(void *state)
{
    LZ4F_freeDecompressionContext(state);
}

static enum stream_state run(void *state, bytes *in, uint8_t *out, size_t room,
                             size_t *ret_wrote)
{
    while (in->len && *ret_wrote < room) {
        size_t wrote = room - *ret_wrote, used = in->len;
        size_t status = LZ4F_decompress(state, out + *ret_wrote, &wrote, in->at, &used, NULL);
        if (LZ4F_isError(status))
            return STREAM_DAMAGED;
        *ret_wrote += wrote;
        *in = bytes_slice(*in, used, in->len);
        if (status == 0)
            return STREAM_END;
        if (wrote == 0 && used == 0)
            break;
    }
    return STREAM_MORE;
}

const struct stream_codec stream_lz4 = {begin, run, end};

bool stream_lz4_block(bytes in, uint8_t *out, size_t room, size_t *ret_wrote)
{
    if (in.len > INT_MAX || room > INT_MAX)
        return false;
    int wrote = LZ4_decompress_safe((const char *)in.at, (char *)out, (int)in.len, (int)room);
    if (wrote < 0)
        return false;
    *ret_wrote = (size_t)wrote;
    return true;
}
