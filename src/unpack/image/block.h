/* block — one compressed block, decoded at once. */
#pragma once
#include "shim/stream.h"

/* Decodes into out[0..room); how much that gave. *ret_end: the stream ended there. */
size_t block_decode(enum stream_kind kind, bytes in, uint8_t *out, size_t room, bool *ret_end);
