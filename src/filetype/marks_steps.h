/* marks_steps — where marks may begin, by vectors. Private to this folder. */
#pragma once
#include "base/base.h"

#if defined(__x86_64__)
/* A mark may begin with a byte of `first` before one of `second`, where both are of a group
 * that counts; those of `any` may be before any byte. Groups are the lower nine bits. */
struct marks_groups {
    const uint16_t *first, *second; /* of each of 256 */
    unsigned any;
};

/* Bit k of masks[i]: so at at[64 * i + k]. Reads the byte behind the last block, too. */
void marks_avx512(const struct marks_groups *tables, unsigned groups, const uint8_t *at,
                  size_t blocks, uint64_t *masks);
#endif
