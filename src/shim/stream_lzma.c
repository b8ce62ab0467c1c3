#include "shim/stream_codec.h"

#include <lzma.h>
#include <stdlib.h>

enum { CHUNK = 1 << 16 /* of LZMA2, when it is not packed */ };

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

/* The library undoes a filter only behind a decoder: LZMA2, whose chunks may hold data as it
 * is. What comes out never overtakes what went in. */
static bool unfilter_chunks(lzma_stream *lzma, uint8_t *data, size_t size)
{
    lzma_ret status = LZMA_OK;
    lzma->next_out = data;
    lzma->avail_out = size;
    for (size_t at = 0; at <= size && status == LZMA_OK;) {
        size_t part = size - at < CHUNK ? size - at : CHUNK;
        const uint8_t head[] = {(uint8_t)(part ? at ? 2 : 1 : 0), (uint8_t)((part - 1) >> 8),
                                (uint8_t)(part - 1)};
        lzma->next_in = head;
        lzma->avail_in = part ? sizeof head : 1;
        status = lzma_code(lzma, LZMA_RUN);
        if (part == 0)
            break;
        lzma->next_in = data + at;
        lzma->avail_in = part;
        if (status == LZMA_OK)
            status = lzma_code(lzma, LZMA_RUN);
        if (lzma->avail_in)
            return false;
        at += part;
    }
    return status == LZMA_STREAM_END && lzma->avail_out == 0;
}

bool stream_unfilter(enum stream_filter filter, uint32_t value, uint8_t *data, size_t size)
{
    static const lzma_vli ids[] = {
        [STREAM_FILTER_X86] = LZMA_FILTER_X86,       [STREAM_FILTER_PPC] = LZMA_FILTER_POWERPC,
        [STREAM_FILTER_IA64] = LZMA_FILTER_IA64,     [STREAM_FILTER_ARM] = LZMA_FILTER_ARM,
        [STREAM_FILTER_ARMT] = LZMA_FILTER_ARMTHUMB, [STREAM_FILTER_SPARC] = LZMA_FILTER_SPARC,
        [STREAM_FILTER_ARM64] = LZMA_FILTER_ARM64,   [STREAM_FILTER_DELTA] = LZMA_FILTER_DELTA,
    };
    lzma_options_lzma lzma2 = {.dict_size = LZMA_DICT_SIZE_MIN};
    lzma_options_delta delta = {.type = LZMA_DELTA_TYPE_BYTE, .dist = value};
    lzma_options_bcj bcj = {.start_offset = value};
    void *options = filter == STREAM_FILTER_DELTA ? (void *)&delta : (void *)&bcj;
    const lzma_filter filters[] = {
        {ids[filter], options}, {LZMA_FILTER_LZMA2, &lzma2}, {LZMA_VLI_UNKNOWN, NULL}};
    lzma_stream lzma = LZMA_STREAM_INIT;
    bool good = size == 0 || (lzma_raw_decoder(&lzma, filters) == LZMA_OK &&
                              unfilter_chunks(&lzma, data, size));
    lzma_end(&lzma);
    return good;
}

const struct stream_codec stream_lzma = {begin, run, end};
