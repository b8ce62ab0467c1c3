#include "shim/stream_codec.h"

#include <bzlib.h>
#include <limits.h>
#include <stdlib.h>

static void *begin(enum stream_kind kind)
{
    (void)kind;
    bz_stream *bz = calloc(1, sizeof *bz);
    if (bz && BZ2_bzDecompressInit(bz, 0, 0) == BZ_OK)
        return bz;
    free(bz);
    return NULL;
}

static void end(void *state)
{
    BZ2_bzDecompressEnd(state);
    free(state);
}

static enum stream_state run(void *state, bytes *in, uint8_t *out, size_t room,
                             size_t *ret_wrote)
{
    bz_stream *bz = state;
    unsigned had = in->len > INT_MAX ? INT_MAX : (unsigned)in->len;
    unsigned want = room > INT_MAX ? INT_MAX : (unsigned)room;
    bz->next_in = (char *)(uintptr_t)in->at; /* only read from */
    bz->avail_in = had;
    bz->next_out = (char *)out;
    bz->avail_out = want;
    int status = BZ2_bzDecompress(bz);
    *in = bytes_slice(*in, had - bz->avail_in, in->len);
    *ret_wrote = want - bz->avail_out;
    switch (status) {
    case BZ_STREAM_END:
        return STREAM_END;
    case BZ_OK:
        return STREAM_MORE;
    case BZ_MEM_ERROR:
        return STREAM_TOO_LARGE;
    default:
        return STREAM_DAMAGED;
    }
}

const struct stream_codec stream_bzip2 = {begin, run, end};
