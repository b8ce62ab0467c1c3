#include "shim/stream.h"

#include "shim/stream_codec.h"

#include <stdlib.h>

struct stream {
    const struct stream_codec *codec;
    void *state;
};

static const struct stream_codec *const codecs[STREAM_KINDS] = {
    [STREAM_DEFLATE] = &stream_zlib, [STREAM_ZLIB] = &stream_zlib,
    [STREAM_BZIP2] = &stream_bzip2,  [STREAM_XZ] = &stream_lzma,
    [STREAM_LZMA] = &stream_lzma,    [STREAM_LZIP] = &stream_lzma,
    [STREAM_LZMA2] = &stream_lzma,   [STREAM_ZSTD] = &stream_zstd,
    [STREAM_LZ4] = &stream_lz4,
};

struct stream *stream_new(enum stream_kind kind)
{
    struct stream *stream = malloc(sizeof *stream);
    if (!stream)
        return NULL;
    *stream = (struct stream){codecs[kind], codecs[kind]->begin(kind)};
    if (stream->state)
        return stream;
    free(stream);
    return NULL;
}

void stream_free(struct stream *stream)
{
    if (!stream)
        return;
    stream->codec->end(stream->state);
    free(stream);
}

enum stream_state stream_run(struct stream *stream, bytes *in, uint8_t *out, size_t room,
                             size_t *ret_wrote)
{
    *ret_wrote = 0;
    return stream->codec->run(stream->state, in, out, room, ret_wrote);
}
