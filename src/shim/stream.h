/* stream — decoders of compressed streams: zlib, bzip2, liblzma, zstd and lz4 behind one shape.
 *
 * The libraries allocate for themselves; what a stream may ask of them is bounded by
 * STREAM_MEMORY (the dictionary that its header names). */
#pragma once
#include "base/base.h"

enum { STREAM_MEMORY = 256 << 20 };

enum stream_kind {
    STREAM_DEFLATE, /* RFC 1951, raw */
    STREAM_ZLIB,    /* RFC 1950 */
    STREAM_BZIP2,   /* one stream */
    STREAM_XZ,      /* one stream */
    STREAM_LZMA,    /* "alone": properties, size (or all ones), data */
    STREAM_LZIP,    /* one member */
    STREAM_LZMA2,   /* raw, the dictionary as large as allowed */
    STREAM_ZSTD,    /* one frame, or one skippable frame */
    STREAM_LZ4,     /* one frame, or one skippable frame */
    STREAM_KINDS,
};

enum stream_state {
    STREAM_MORE,      /* wants more room, or more input when none is left */
    STREAM_END,       /* *in begins after the stream */
    STREAM_DAMAGED,   /* what was written before is good */
    STREAM_TOO_LARGE, /* needs more than STREAM_MEMORY, or the system refused */
    STREAM_UNKNOWN,   /* a method or version that the library does not know */
};

struct stream;

/* NULL when the library refuses (memory). */
struct stream *stream_new(enum stream_kind kind);
/* NULL is fine. */
void stream_free(struct stream *stream);
/* Decodes from the head of *in, which moves on, to out[0..room); *ret_wrote is set always. */
enum stream_state stream_run(struct stream *stream, bytes *in, uint8_t *out, size_t room,
                             size_t *ret_wrote);

/* A raw deflate stream whose size is known, by libdeflate: twice as fast as zlib. False, with
 * out[] in any state, when it is not exactly `size` bytes. *ret_used: input of the stream. */
bool stream_inflate(bytes in, uint8_t *out, size_t size, size_t *ret_used);
/* The same for a stream of unknown size, STREAM_ZLIB or STREAM_DEFLATE, if it is whole, sound
 * and comes to no more than `room`. Else false. */
bool stream_inflate_all(enum stream_kind kind, bytes in, uint8_t *out, size_t room,
                        size_t *ret_used, size_t *ret_wrote);

/* What makes programs pack better: addresses in calls made absolute; differences of bytes. */
enum stream_filter {
    STREAM_FILTER_X86,
    STREAM_FILTER_PPC,
    STREAM_FILTER_IA64,
    STREAM_FILTER_ARM,
    STREAM_FILTER_ARMT,
    STREAM_FILTER_SPARC,
    STREAM_FILTER_ARM64,
    STREAM_FILTER_DELTA,
};

/* Undoes one, in place. `value`: the first address, or the distance of bytes. False: no memory,
 * or a value that cannot be. */
bool stream_unfilter(enum stream_filter filter, uint32_t value, uint8_t *data, size_t size);
/* One lz4 block; false when damaged or larger than room. */
bool stream_lz4_block(bytes in, uint8_t *out, size_t room, size_t *ret_wrote);
/* CRC-32 of zip, gzip and many others, going on from `before` (0 at first). */
uint32_t stream_crc32(uint32_t before, bytes data);
