/* lzx — the compressions of Windows images: one chunk, decoded by itself. */
#pragma once
#include "unpack/archive/huffman.h"

enum { LZX_LENGTHS = 249, LZX_MAIN = 496, LZX_CHUNK = 32768 };

struct lzx {
    struct huffman main, length, aligned;
    uint8_t main_lengths[LZX_MAIN], length_lengths[LZX_LENGTHS];
    bool has_length;
};

/* LZX of a chunk of at most LZX_CHUNK bytes: exactly out[0..size). False when damaged. */
bool lzx_decode(struct lzx *lzx, bytes in, uint8_t *out, size_t size) MUST_USE;
/* The same of XPRESS with Huffman codes, for chunks of at most 64 KiB. */
bool lzx_xpress(struct huffman *huffman, bytes in, uint8_t *out, size_t size) MUST_USE;
