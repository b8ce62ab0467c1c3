#include "rescue/proof/proof_reader.h"

#include "shim/stream.h"

#include <errno.h>
#include <string.h>

struct reader proof_reader_part(const struct reader *reader, uint64_t at, uint64_t len)
{
    if (at > reader->size)
        at = reader->size;
    if (len > reader->size - at)
        len = reader->size - at;
    return (struct reader){reader->window, reader->base + at, len};
}

/* Fills the window from `at` of the source on. */
static void fill(struct reader_window *window, uint64_t at)
{
    uint64_t left = window->source->size - at;
    size_t len = left < READER_WINDOW ? (size_t)left : READER_WINDOW;
    window->len = 0;
    window->at = at;
    window->error = source_read(window->source, at, window->bytes, len, &window->why);
    if (!window->error)
        window->len = len;
}

bytes proof_reader_view(struct reader *reader, uint64_t at, size_t want)
{
    struct reader_window *window = reader->window;
    if (at >= reader->size || window->error)
        return (bytes){0};

    size_t ask = want && want < READER_WINDOW ? want : READER_WINDOW;
    uint64_t left = reader->size - at, place = reader->base + at;
    if (ask > left)
        ask = (size_t)left;
    bool inside = place >= window->at && place - window->at < window->len;
    size_t have = inside ? window->len - (size_t)(place - window->at) : 0;
    if (have < (want ? ask : 1)) {
        fill(window, place);
        have = window->len;
    }
    /* Without a wish: what the window has. */
    if (have > left)
        have = (size_t)left;
    if (want && have > ask)
        have = ask;
    if (!have || !budget_charge(window->budget, have / 8 + 1))
        return (bytes){0};
    return (bytes){window->bytes + (place - window->at), have};
}

int proof_reader_byte(struct reader *reader, uint64_t at)
{
    const struct reader_window *window = reader->window;
    uint64_t place = reader->base + at;
    if (at < reader->size && place >= window->at && place - window->at < window->len)
        return window->bytes[place - window->at];
    bytes view = proof_reader_view(reader, at, 0);
    return view.len ? view.at[0] : -1;
}

bool proof_reader_take(struct reader *reader, uint64_t at, void *ret, size_t len)
{
    bytes view = proof_reader_view(reader, at, len);
    if (!len || view.len != len)
        return false;
    memcpy(ret, view.at, len);
    return true;
}

bool reader_le32(struct reader *reader, uint64_t at, uint32_t *ret)
{
    return bytes_le32(proof_reader_view(reader, at, 4), 0, ret);
}

bool reader_be32(struct reader *reader, uint64_t at, uint32_t *ret)
{
    return bytes_be32(proof_reader_view(reader, at, 4), 0, ret);
}

bool reader_crc32(struct reader *reader, uint64_t at, uint64_t len, uint32_t *ret)
{
    uint32_t crc = 0;
    while (len) {
        bytes view = proof_reader_view(reader, at, 0);
        if (!view.len)
            return false;
        if (view.len > len)
            view.len = (size_t)len;
        crc = stream_crc32(crc, view);
        at += view.len;
        len -= view.len;
    }
    *ret = crc;
    return true;
}

uint64_t proof_reader_find(struct reader *reader, bytes needle, uint64_t at, uint64_t to)
{
    if (to > reader->size)
        to = reader->size;
    while (at < to && to - at >= needle.len) {
        /* A window that is nearly read gives little more than the needle: filled anew then. */
        bytes view = proof_reader_view(reader, at, 0);
        if (view.len < 4096)
            view = proof_reader_view(reader, at, READER_WINDOW);
        if (view.len > to - at)
            view.len = (size_t)(to - at);
        if (view.len < needle.len)
            return UINT64_MAX;
        size_t found = bytes_find(view, needle, 0);
        if (found != SIZE_MAX)
            return at + found;
        at += view.len - needle.len + 1;
    }
    return UINT64_MAX;
}

bool reader_is_all(struct reader *reader, uint64_t at, uint64_t to, uint8_t byte)
{
    while (at < to) {
        bytes view = proof_reader_view(reader, at, 0);
        if (view.len > to - at)
            view.len = (size_t)(to - at);
        if (!view.len)
            return false;
        for (size_t i = 0; i < view.len; i++)
            if (view.at[i] != byte)
                return false;
        at += view.len;
    }
    return true;
}

bool proof_reader_charge(struct reader *reader, uint64_t steps)
{
    return budget_charge(reader->window->budget, steps);
}
