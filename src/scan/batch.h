/* batch — small objects out of one container, as bytes on their way to another worker.
 *
 *     u32 size, u16 length of the name, u8 partial | letter << 1 | derived << 2, name, data
 *
 * little-endian, one after the other */
#pragma once
#include "unpack/unpack.h"

struct batch {
    uint8_t *at; /* borrowed; NULL: there is none, and all else is 0 */
    size_t room, used;
    uint32_t count;
};

/* False: there is no room for it. */
bool batch_add(struct batch *batch, const struct unpack_child *child);
/* Takes the next object; views into the batch. False at the end, or where it makes no sense. */
bool batch_next(bytes *rest, struct unpack_child *ret);
