/* chunked — data that Windows compressed in chunks, each by itself: of Windows images, and of
 * files behind the overlay filter of NTFS. */
#pragma once
#include "unpack/image/lzx.h"
#include "unpack/unpack.h"

struct chunked {
    bytes packed;      /* where each chunk but the first begins, then the chunks */
    uint64_t size;     /* decoded */
    uint32_t chunk;    /* of a chunk, at most 65536 */
    bool is_lzx;       /* else XPRESS */
    struct lzx *state; /* the caller's */
};

/* The n-th chunk, decoded to out[0..size), which is the chunk's own size. False when damaged.
 */
bool chunked_decode(const struct chunked *chunked, uint64_t n, uint8_t *out,
                    size_t size) MUST_USE;
/* Appends all to the child that was begun, up to its end, damage or a limit, which are noted.
 */
void chunked_put(const struct chunked *chunked, struct unpack *unpack);
