/* stream_codec — what one library gives to stream.c. */
#pragma once
#include "shim/stream.h"

struct stream_codec {
    /* The library's own state, NULL when it refuses. */
    void *(*begin)(enum stream_kind kind);
    enum stream_state (*run)(void *state, bytes *in, uint8_t *out, size_t room,
                             size_t *ret_wrote);
    void (*end)(void *state);
};

extern const struct stream_codec stream_zlib, stream_bzip2, stream_lzma, stream_zstd,
    stream_lz4;
