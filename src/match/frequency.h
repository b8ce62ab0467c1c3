/* frequency — how often short runs of bytes are met in clean files.
 *
 * A table trained on clean files (tools/train_frequency.c says on which) is part of the
 * program: 65,536 bytes for pairs, indexed by first | second << 8, and 65,536 bytes for runs
 * of four bytes, folded and hashed. A byte is -8 * log2(share of all positions), at most 255.
 *
 * Costs are the same scale turned round: 255 is met at every position, 8 less is half as
 * often, 0 is 2^-32 or never. */
#pragma once
#include "base/base.h"

enum { FREQUENCY_PAIRS = 65536, FREQUENCY_QUADS = 65536, FREQUENCY_QUAD_BITS = 16 };

/* Both cases of a letter become one, and so do a few pairs of other bytes: '[' and '{', NUL
 * and space. Filters look at folded bytes only. */
#define FOLD32 0xDFDFDFDFu
#define FOLD64 0xDFDFDFDFDFDFDFDFu

static inline uint32_t frequency_quad_index(uint32_t quad)
{
    return ((quad & FOLD32) * 0x9E3779B1u) >> (32 - FREQUENCY_QUAD_BITS);
}

/* Cost of two bytes in a row, as written. */
uint32_t frequency_pair(uint8_t first, uint8_t second);

/* Cost of four bytes in a row, folded: of those from at[i] on, for each i below `count`, which
 * is FREQUENCY_ROW at most; `at` has three bytes more. */
enum { FREQUENCY_ROW = 80 };

void frequency_quads(const uint8_t *at, uint32_t count, uint8_t *ret);
/* Cost of one, two or three bytes; with nocase, of all their spellings together. */
uint32_t frequency_short(bytes text, bool nocase);
