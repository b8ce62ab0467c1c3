#include "yara/modules/range.h"

struct range range_open(const struct module_input *in, int64_t offset, int64_t length)
{
    struct range range = {.in = in, .at = (uint64_t)offset};
    range.end = range.at + (uint64_t)length;
    range.broken =
        offset < 0 || length < 0 || in->block_count == 0 || range.at < in->blocks[0].base;
    return range;
}

bool range_next(struct range *range, bytes *ret)
{
    while (!range->broken && range->block < range->in->block_count) {
        const struct block *block = &range->in->blocks[range->block++];
        uint64_t skip = range->at - block->base, left = range->end - range->at;
        bool inside = range->at >= block->base && skip < block->data.len;
        if (block->base + block->data.len >= range->end)
            range->block = range->in->block_count;
        if (!inside) {
            range->broken = range->begun;
            continue;
        }
        range->begun = true;
        *ret = bytes_slice(block->data, skip, left);
        range->at += ret->len;
        range->broken = !budget_charge(range->in->budget, ret->len + 1);
        return !range->broken;
    }
    return false;
}

bool range_defined(const struct range *range)
{
    return range->begun && !range->broken;
}
