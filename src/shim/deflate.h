/* deflate — packing with zlib, to find out how a file was packed before it was encrypted. */
#pragma once
#include "base/base.h"

enum { DEFLATE_LEVELS = 9 };

/* `in` as a raw deflate stream of a level (1 to 9) and memory level (8, 9): its size in
 * *ret_len. False: it needs more than `room`, or zlib refuses. */
bool deflate_raw(bytes in, int level, int memory, uint8_t *out, size_t room, size_t *ret_len);
