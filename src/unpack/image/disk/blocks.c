#include "unpack/image/disk/blocks.h"

static bool map_block(struct source *source, uint64_t at, struct source_piece *ret)
{
    const struct blocks *blocks = source->state;
    uint64_t n = at / blocks->block, in = at % blocks->block, where = 0;
    if (n >= blocks->entries || !blocks->where(blocks, n, &where))
        return false;
    *ret = (struct source_piece){NULL, blocks->block - in, true};
    if (where == 0)
        return true;
    if (where > blocks->file.len || !bytes_has(blocks->file, where + in, 1))
        return false;
    ret->at = blocks->file.at + where + in;
    if (ret->len > blocks->file.len - (where + in))
        ret->len = blocks->file.len - (where + in);
    return true;
}

struct source blocks_source(struct blocks *blocks, uint64_t size, struct budget *budget)
{
    return (struct source){.size = size, .budget = budget, .map = map_block, .state = blocks};
}
