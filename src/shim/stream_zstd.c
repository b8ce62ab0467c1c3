#include "shim/stream_codec.h"

#include <zstd.h>
#include <zstd_errors.h>

enum { WINDOW_LOG = 28 }; /* 256 MiB: STREAM_MEMORY */

static void *begin(enum stream_kind kind)
{
    (void)kind;
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    if (zstd)
        ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, WINDOW_LOG);
    return zstd;
}

static void end(void *state)
{
    ZSTD_freeDCtx(state);
}

static enum stream_state run(void *state, bytes *in, uint8_t *out, size_t room,
                             size_t *ret_wrote)
{
    ZSTD_inBuffer from = {in->at, in->len, 0};
    ZSTD_outBuffer to = {out, room, 0};
    size_t status = ZSTD_decompressStream(state, &to, &from);
    *in = bytes_slice(*in, from.pos, in->len);
    *ret_wrote = to.pos;
    switch (ZSTD_getErrorCode(status)) {
    case ZSTD_error_no_error:
        return status == 0 ? STREAM_END : STREAM_MORE;
    case ZSTD_error_frameParameter_windowTooLarge:
    case ZSTD_error_memory_allocation:
        return STREAM_TOO_LARGE;
    case ZSTD_error_version_unsupported:
    case ZSTD_error_frameParameter_unsupported:
    case ZSTD_error_dictionary_wrong:
        return STREAM_UNKNOWN;
    default:
        return STREAM_DAMAGED;
    }
}

const struct stream_codec stream_zstd = {begin, run, end};
