#include "shim/stream_codec.h"

#include <lzma.h>
#include <stdlib.h>

static lzma_ret begin_kind(lzma_stream *lzma, enum stream_kind kind)
{
    lzma_options_lzma options = {.dict_size = STREAM_MEMORY / 4};
    const lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    switch (kind) {
    case STREAM_XZ:
        return lzma_stream_decoder(lzma, STREAM_MEMORY, LZMA_TELL_UNSUPPORTED_CHECK);
    case STREAM_LZMA:
        return lzma_alone_decoder(lzma, STREAM_MEMORY);
    case STREAM_LZIP:
        return lzma_lzip_decoder(lzma, STREAM_MEMORY, 0);
    case STREAM_LZMA2:
        return lzma_raw_decoder(lzma, filters);
    default:
        return LZMA_PROG_ERROR;
    }
}

static void *begin(enum stream_kind kind)
{
    lzma_stream *lzma = calloc(1, sizeof *lzma);
    if (lzma && begin_kind(lzma, kind) == LZMA_OK)
        return lzma;
    free(lzma);
    return NULL;
}

static void end(void *state)
{
    lzma_end(state);
    free(state);
}

static enum stream_state run(void *state, bytes *in, uint8_t *out, size_t room,
                             size_t *ret_wrote)
{
    lzma_stream *lzma = state;
    lzma->next_in = in->at;
    lzma->avail_in = in->len;
    lzma->next_out = out;
    lzma->avail_out = room;
    lzma_ret status = lzma_code(lzma, LZMA_RUN);
    if (status == LZMA_UNSUPPORTED_CHECK) /* the data can be read all the same */
        status = lzma_code(lzma, LZMA_RUN);
    *in = bytes_slice(*in, in->len - lzma->avail_in, in->len);
    *ret_wrote = room - lzma->avail_out;
    switch (status) {
    case LZMA_STREAM_END:
        return STREAM_END;
    case LZMA_OK:
    case LZMA_BUF_ERROR:
        return STREAM_MORE;
    case LZMA_MEM_ERROR:
    case LZMA_MEMLIMIT_ERROR:
        return STREAM_TOO_LARGE;
    case LZMA_OPTIONS_ERROR:
        return STREAM_UNKNOWN;
    default:
        return STREAM_DAMAGED;
    }
}

const struct stream_codec stream_lzma = {begin, run, end};
