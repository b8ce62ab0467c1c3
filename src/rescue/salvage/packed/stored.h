/* stored — zlib streams (RFC 1950) of blocks that are only stored (RFC 1951, 3.2.4): head,
 * blocks, and an Adler-32 of all their bytes, big endian. */
#pragma once
#include "base/base.h"

enum { STORED_MOST = 65535, STORED_HEAD = 5 };

/* What stands before `n` bytes, STORED_MOST at most; the last block may be empty. */
void stored_head(uint8_t head[STORED_HEAD], size_t n, bool last);
/* The checksum of what was before and `data`; 1 of nothing. */
uint32_t stored_sum(uint32_t before, bytes data);
