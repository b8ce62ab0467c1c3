/* Deflate: zlib for streams, libdeflate where the size is known. */
#include "shim/stream_codec.h"

#include <libdeflate.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

static void *begin(enum stream_kind kind)
{
    z_stream *z = calloc(1, sizeof *z);
    if (z && inflateInit2(z, kind == STREAM_DEFLATE ? -MAX_WBITS : MAX_WBITS) == Z_OK)
        return z;
    free(z);
    return NULL;
}

static void end(void *state)
{
    inflateEnd(state);
    free(state);
}

static enum stream_state run(void *state, bytes *in, uint8_t *out, size_t room,
                             size_t *ret_wrote)
{
    z_stream *z = state;
    uInt had = in->len > INT_MAX ? INT_MAX : (uInt)in->len;
    uInt want = room > INT_MAX ? INT_MAX : (uInt)room;
    z->next_in = (Bytef *)(uintptr_t)in->at; /* only read from */
    z->avail_in = had;
    z->next_out = out;
    z->avail_out = want;
    int status = inflate(z, Z_NO_FLUSH);
    *in = bytes_slice(*in, had - z->avail_in, in->len);
    *ret_wrote = want - z->avail_out;
    switch (status) {
    case Z_STREAM_END:
        return STREAM_END;
    case Z_OK:
    case Z_BUF_ERROR:
        return STREAM_MORE;
    case Z_MEM_ERROR:
        return STREAM_TOO_LARGE;
    case Z_NEED_DICT:
        return STREAM_UNKNOWN;
    default:
        return STREAM_DAMAGED;
    }
}

const struct stream_codec stream_zlib = {begin, run, end};

bool stream_inflate(bytes in, uint8_t *out, size_t size, size_t *ret_used)
{
    struct libdeflate_decompressor *decoder = libdeflate_alloc_decompressor();
    bool good =
        decoder && libdeflate_deflate_decompress_ex(decoder, in.at, in.len, out, size, ret_used,
                                                    NULL) == LIBDEFLATE_SUCCESS;
    libdeflate_free_decompressor(decoder);
    return good;
}

bool stream_inflate_all(enum stream_kind kind, bytes in, uint8_t *out, size_t room,
                        size_t *ret_used, size_t *ret_wrote)
{
    struct libdeflate_decompressor *decoder = libdeflate_alloc_decompressor();
    enum libdeflate_result (*decompress)(struct libdeflate_decompressor *, const void *, size_t,
                                         void *, size_t, size_t *, size_t *) =
        kind == STREAM_ZLIB ? libdeflate_zlib_decompress_ex : libdeflate_deflate_decompress_ex;
    bool good = decoder && decompress(decoder, in.at, in.len, out, room, ret_used, ret_wrote) ==
                               LIBDEFLATE_SUCCESS;
    libdeflate_free_decompressor(decoder);
    return good;
}

uint32_t stream_crc32(uint32_t before, bytes data)
{
    return libdeflate_crc32(before, data.at, data.len);
}
