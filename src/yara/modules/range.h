/* range — the bytes [offset, offset + length) of an object that may lie in several blocks.
 *
 * YARA's rule for functions over ranges: the range begins inside a block, goes on through the
 * blocks that follow without a gap, and is cut at the end of the last. A range that begins in
 * no block, or runs into a gap, has no answer. */
#pragma once
#include "yara/module.h"

struct range {
    const struct module_input *in;
    uint64_t at, end;
    uint32_t block; /* the next to look at */
    bool begun, broken;
};

/* A range for the arguments of a function; negative ones make a range without an answer. */
struct range range_open(const struct module_input *in, int64_t offset, int64_t length);
/* The next part; false after the last one. Charges the budget a step for each byte, and breaks
 * the range when it is used up. */
bool range_next(struct range *range, bytes *ret);
/* After the last part: whether there is an answer. */
bool range_defined(const struct range *range);
