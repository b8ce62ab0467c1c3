#include "scan/batch.h"

#include <string.h>

enum { HEAD = 7 };

static void store(uint8_t *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

bool batch_add(struct batch *batch, const struct unpack_child *child)
{
    size_t room = batch->room - batch->used;
    if (child->name.len > UINT16_MAX || child->data.len > UINT32_MAX || room < HEAD ||
        child->name.len > room - HEAD || child->data.len > room - HEAD - child->name.len)
        return false;
    uint8_t *at = batch->at + batch->used;
    store(at, child->data.len, 4);
    store(at + 4, child->name.len, 2);
    at[6] = (uint8_t)(child->partial | child->letter << 1 | child->derived << 2);
    if (child->name.len)
        memcpy(at + HEAD, child->name.at, child->name.len);
    memcpy(at + HEAD + child->name.len, child->data.at, child->data.len);
    batch->used += HEAD + child->name.len + child->data.len;
    batch->count++;
    return true;
}

bool batch_next(bytes *rest, struct unpack_child *ret)
{
    uint32_t size;
    uint16_t name;
    if (!bytes_le32(*rest, 0, &size) || !bytes_le16(*rest, 4, &name) ||
        !bytes_has(*rest, HEAD, (uint64_t)name + size))
        return false;
    *ret = (struct unpack_child){.name = bytes_slice(*rest, HEAD, name),
                                 .data = bytes_slice(*rest, (size_t)HEAD + name, size),
                                 .partial = rest->at[6] & 1,
                                 .letter = rest->at[6] & 2,
                                 .derived = rest->at[6] & 4};
    *rest = bytes_slice(*rest, (size_t)HEAD + name + size, rest->len);
    return true;
}
