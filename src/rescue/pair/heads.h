/* heads — how files of a kind begin, whatever is in them: what is known of a file by its name
 * alone. */
#pragma once
#include "base/base.h"

struct head_byte {
    uint64_t at;
    uint8_t plain;
};

enum { HEADS_MOST = 128 };

/* The bytes that a file of that name has: its last extension counts, or, `inner`, one before
 * it ("a.png.locked"). Their number, at most `max`. */
size_t heads_of(bytes name, bool inner, struct head_byte *ret, size_t max);
