#include "unpack/image/block.h"

size_t block_decode(enum stream_kind kind, bytes in, uint8_t *out, size_t room, bool *ret_end)
{
    size_t len = 0, n = 0;
    struct stream *stream = stream_new(kind);
    enum stream_state state = STREAM_MORE;
    while (stream && state == STREAM_MORE && len < room) {
        size_t left = in.len;
        state = stream_run(stream, &in, out + len, room - len, &n);
        len += n;
        if (n == 0 && in.len == left)
            break;
    }
    stream_free(stream);
    *ret_end = state == STREAM_END;
    return len;
}
