#include "unpack/image/source.h"

#include <string.h>

size_t source_chunk(const void *chunks, size_t size, size_t count, uint64_t at)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint64_t from;
        memcpy(&from, (const uint8_t *)chunks + middle * size, sizeof from);
        if (from <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct source source_flat(bytes data, struct budget *budget)
{
    return (struct source){.size = data.len, .flat = data, .budget = budget};
}

static bool map_part(struct source *source, uint64_t at, struct source_piece *ret)
{
    return source_at(source->under, source->from + at, ret);
}

struct source source_part(struct source *under, uint64_t from, uint64_t size)
{
    if (from > under->size)
        from = under->size;
    if (size > under->size - from)
        size = under->size - from;
    if (!under->map)
        return source_flat(bytes_slice(under->flat, from, size), under->budget);
    return (struct source){
        .size = size, .budget = under->budget, .map = map_part, .under = under, .from = from};
}

bool source_at(struct source *source, uint64_t at, struct source_piece *ret)
{
    if (at >= source->size || !budget_charge(source->budget, 1))
        return false;
    if (!source->map)
        *ret = (struct source_piece){source->flat.at + at, source->size - at, true};
    else if (!source->map(source, at, ret))
        return false;
    if (ret->len > source->size - at)
        ret->len = source->size - at;
    return ret->len > 0;
}

bytes source_view(struct source *source, uint64_t at, uint64_t len)
{
    struct source_piece piece;
    if (len == 0 || len > SIZE_MAX || !source_at(source, at, &piece) || !piece.at ||
        !piece.stable || piece.len < len)
        return (bytes){NULL, 0};
    return (bytes){piece.at, (size_t)len};
}

bool source_copy(struct source *source, uint64_t at, void *to, size_t len)
{
    uint8_t *out = to;
    struct source_piece piece;
    while (len) {
        if (!source_at(source, at, &piece))
            return false;
        size_t n = piece.len < len ? (size_t)piece.len : len;
        if (!budget_charge(source->budget, n / 16))
            return false;
        if (piece.at)
            memcpy(out, piece.at, n);
        else
            memset(out, 0, n);
        out += n;
        at += n;
        len -= n;
    }
    return true;
}

bytes source_bytes(struct source *source, uint64_t at, size_t len, struct arena *arena)
{
    bytes none = {NULL, 0}, view = source_view(source, at, len);
    if (view.at || at > source->size || len > source->size - at)
        return view;
    uint8_t *copy = arena_push_raw(arena, len);
    if (!copy || !source_copy(source, at, copy, len))
        return none;
    return (bytes){copy, len};
}
