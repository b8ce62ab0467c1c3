#include "rescue/proof/packed.h"

enum { ROOM = 64 << 10 };

void packed_run(struct reader *reader, uint64_t at, uint64_t len, enum stream_kind kind,
                uint64_t max, struct packed *ret)
{
    struct arena_mark mark = arena_mark(reader->window->arena);
    uint8_t *out = arena_push_raw(reader->window->arena, ROOM);
    struct stream *stream = out ? stream_new(kind) : NULL;
    *ret = (struct packed){.state = stream ? STREAM_MORE : STREAM_TOO_LARGE};
    while (ret->state == STREAM_MORE) {
        bytes view = proof_reader_view(reader, at + ret->used, 0), in = view;
        if (in.len > len - ret->used)
            in.len = view.len = (size_t)(len - ret->used);
        size_t wrote;
        ret->state = stream_run(stream, &in, out, ROOM, &wrote);
        ret->used += view.len - in.len;
        ret->size += wrote;
        ret->crc = stream_crc32(ret->crc, (bytes){out, wrote});
        bool stuck = !wrote && in.len == view.len;
        if (ret->size > max || (ret->state == STREAM_MORE && stuck) ||
            !proof_reader_charge(reader, wrote / 8 + 1))
            break;
    }
    stream_free(stream);
    arena_pop(reader->window->arena, mark);
}
