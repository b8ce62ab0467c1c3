#include "unpack/archive/decode.h"

enum { DEFLATE_RATIO = 1032 }; /* no deflate stream grows by more */

static enum decoded decoded_of(enum stream_state state)
{
    switch (state) {
    case STREAM_END:
        return DECODED;
    case STREAM_MORE:
        return DECODED_CUT;
    case STREAM_DAMAGED:
        return DECODED_DAMAGED;
    case STREAM_TOO_LARGE:
        return DECODED_TOO_LARGE;
    case STREAM_UNKNOWN:
        return DECODED_UNKNOWN;
    }
    return DECODED_DAMAGED;
}

static enum decoded run_stream(struct unpack *unpack, struct stream *stream, bytes head,
                               bytes *in)
{
    for (;;) {
        size_t room, wrote;
        uint8_t *at = unpack_room(unpack, &room);
        if (!at)
            return unpack->run->stopped ? DECODED_STOP : DECODED_FULL;
        bytes *from = head.len ? &head : in;
        size_t had = from->len;
        enum stream_state state = stream_run(stream, from, at, room, &wrote);
        if (!unpack_wrote(unpack, wrote) ||
            !budget_charge(unpack->budget, (had - from->len) / 8))
            return DECODED_STOP;
        if (state != STREAM_MORE)
            return decoded_of(state);
        if (wrote == 0 && had == from->len && from == in)
            return in->len ? DECODED_DAMAGED : DECODED_CUT;
        if (wrote == 0 && had == from->len)
            return DECODED_DAMAGED;
    }
}

enum decoded decode_stream_after(struct unpack *unpack, enum stream_kind kind, bytes head,
                                 bytes *in)
{
    struct stream *stream = stream_new(kind);
    if (!stream)
        return DECODED_TOO_LARGE;
    enum decoded how = run_stream(unpack, stream, head, in);
    stream_free(stream);
    return how;
}

/* Whether all of a stream came out at once, as most do. */
static bool inflate_at_once(struct unpack *unpack, enum stream_kind kind, bytes *in,
                            enum decoded *ret)
{
    size_t room, used, wrote;
    uint8_t *at = unpack_room(unpack, &room);
    if (!at || !stream_inflate_all(kind, *in, at, room, &used, &wrote))
        return false;
    *in = bytes_slice(*in, used, in->len);
    *ret = unpack_wrote(unpack, wrote) && budget_charge(unpack->budget, used / 8)
               ? DECODED
               : DECODED_STOP;
    return true;
}

enum decoded decode_stream(struct unpack *unpack, enum stream_kind kind, bytes *in)
{
    enum decoded how;
    if ((kind == STREAM_ZLIB || kind == STREAM_DEFLATE) &&
        inflate_at_once(unpack, kind, in, &how))
        return how;
    return decode_stream_after(unpack, kind, (bytes){NULL, 0}, in);
}

enum decoded decode_deflate(struct unpack *unpack, bytes *in, uint64_t size)
{
    size_t room, used;
    if (size > 0 && size / DEFLATE_RATIO <= in->len) {
        uint8_t *at = unpack_room(unpack, &room);
        if (!at)
            return unpack->run->stopped ? DECODED_STOP : DECODED_FULL;
        if (size <= room && stream_inflate(*in, at, size, &used)) {
            *in = bytes_slice(*in, used, in->len);
            return unpack_wrote(unpack, size) ? DECODED : DECODED_STOP;
        }
        return decode_stream_after(unpack, STREAM_DEFLATE, (bytes){NULL, 0}, in);
    }
    return decode_stream(unpack, STREAM_DEFLATE, in);
}

bool decode_noted(struct unpack *unpack, enum decoded how)
{
    static const struct {
        enum gap gap;
        const char *text;
    } notes[] = {
        [DECODED_CUT] = {GAP_DAMAGED, "its data is cut short"},
        [DECODED_DAMAGED] = {GAP_DAMAGED, "its compressed data is damaged"},
        [DECODED_TOO_LARGE] = {GAP_LIMIT, "its dictionary needs too much memory"},
        [DECODED_UNKNOWN] = {GAP_UNSUPPORTED, "compressed in an unknown way"},
    };

    if (how == DECODED_STOP)
        return false;
    if (how != DECODED && how != DECODED_FULL)
        unpack_gap(unpack, unpack->child_name, notes[how].gap, "%s", notes[how].text);
    return true;
}

bytes decode_name(struct unpack *unpack, const char *short_suffix)
{
    bytes name = unpack->name, suffix = bytes_of(short_suffix);
    size_t base = name.len;
    while (base > 0 && name.at[base - 1] != '/')
        base--;
    name = bytes_slice(name, base, name.len);
    size_t dot = name.len;
    while (dot > 0 && name.at[dot - 1] != '.')
        dot--;
    if (dot < 2)
        return bytes_of("data");
    bytes ret = {name.at, dot - 1};
    if (bytes_equal(bytes_slice(name, dot - 1, name.len), suffix))
        ret = arena_printf(unpack->arena, "%.*s.tar", (int)(ret.len & 0xfff), name.at);
    return ret.at ? ret : bytes_of("data");
}

void outlet_open(struct outlet *outlet, struct unpack *unpack, uint64_t size)
{
    *outlet = (struct outlet){.unpack = unpack, .left = size};
}

bool outlet_more(struct outlet *outlet)
{
    struct unpack *unpack = outlet->unpack;
    size_t fresh = (size_t)(outlet->at - outlet->base), room;
    outlet->told += fresh;
    outlet->base = outlet->end = outlet->at;
    if (fresh && !unpack_wrote(unpack, fresh)) {
        outlet->state = DECODED_STOP;
        return false;
    }
    if (outlet->left == 0) {
        outlet->state = DECODED;
        return false;
    }
    uint8_t *at = unpack_room(unpack, &room);
    if (!at) {
        outlet->state = unpack->run->stopped ? DECODED_STOP : DECODED_FULL;
        return false;
    }
    room = room < outlet->left ? room : outlet->left;
    outlet->left -= room;
    outlet->base = outlet->at = at;
    outlet->end = at + room;
    return true;
}

enum decoded outlet_close(struct outlet *outlet, enum decoded how)
{
    size_t fresh = (size_t)(outlet->at - outlet->base);
    bool whole = outlet_whole(outlet);
    outlet->base = outlet->at;
    if (fresh && !unpack_wrote(outlet->unpack, fresh))
        return DECODED_STOP;
    if (outlet->state != DECODED)
        return outlet->state;
    return whole ? DECODED : how;
}

bool outlet_copy(struct outlet *outlet, size_t distance, size_t length, int fill)
{
    while (length) {
        if (outlet->at == outlet->end && !outlet_more(outlet))
            return false;
        uint64_t written = outlet->told + (uint64_t)(outlet->at - outlet->base);
        size_t room = (size_t)(outlet->end - outlet->at);
        size_t n = length < room ? length : room;
        uint8_t *to = outlet->at;
        if (distance > written && fill < 0) {
            outlet->state = DECODED_DAMAGED;
            return false;
        }
        if (distance > written) {
            n = n < distance - written ? n : (size_t)(distance - written);
            memset(to, fill, n);
        } else {
            for (size_t i = 0; i < n; i++)
                to[i] = *(to + i - distance);
        }
        outlet->at += n;
        length -= n;
    }
    return true;
}
