/* The archive without encryption: local headers are written anew, with sizes in them; the data
 * of members that do not open stay as they are. */
#include "rescue/zip/archive.h"
#include "shim/stream.h"

#include <errno.h>
#include <string.h>

enum { WINDOW = 256 << 10, DEFLATED = 8 };

#define FOUR_GIB ((uint64_t)UINT32_MAX)

struct opening {
    const struct source *source;
    struct zip_keys keys;
    uint8_t *window, *plain;
    int (*write)(void *context, bytes part);
    void *context;
    uint64_t written;
    struct archive_result *result;
    struct why *why;
};

enum state { AS_IT_IS, OPENED, UNCHECKED };

/* A member's data from byte `from` of them, piece by piece, decrypted when `keys` is given. */
static int each_piece(struct opening *o, const struct archive_member *member,
                      struct zip_keys *keys, bool (*piece)(void *context, bytes part),
                      void *context)
{
    for (uint64_t at = 0; at < member->packed;) {
        uint64_t left = member->packed - at;
        size_t len = left < WINDOW ? (size_t)left : WINDOW, skip = 0;
        int error = source_read(o->source, member->data + at, o->window, len, o->why);
        if (error)
            return error;
        if (keys) {
            zipcrypto_decrypt(keys, o->window, len);
            skip = at ? 0 : ZIPCRYPTO_HEADER;
        }
        if (!piece(context, (bytes){o->window + skip, len - skip}))
            return 0;
        at += len;
    }
    return 0;
}

struct checking {
    struct opening *o;
    struct stream *stream;
    uint32_t crc;
    uint64_t size, most;
    bool ended, bad;
};

static bool check_stored(void *context, bytes part)
{
    struct checking *c = context;
    c->crc = stream_crc32(c->crc, part);
    c->size += part.len;
    return true;
}

static bool check_deflated(void *context, bytes part)
{
    struct checking *c = context;
    while (!c->ended && !c->bad) {
        size_t wrote;
        enum stream_state state = stream_run(c->stream, &part, c->o->plain, WINDOW, &wrote);
        c->crc = stream_crc32(c->crc, (bytes){c->o->plain, wrote});
        c->size += wrote;
        c->ended = state == STREAM_END;
        c->bad = (state != STREAM_END && state != STREAM_MORE) || c->size > c->most;
        if (!wrote && !part.len)
            break;
    }
    return !c->ended && !c->bad;
}

/* Whether the keys open a member: by the check byte, then by its CRC-32. */
static int check_member(struct opening *o, const struct archive_member *member, enum state *ret)
{
    uint8_t header[ZIPCRYPTO_HEADER];
    struct zip_keys keys = o->keys;
    *ret = AS_IT_IS;
    int error = source_read(o->source, member->data, header, sizeof header, o->why);
    if (error)
        return error;
    zipcrypto_decrypt(&keys, header, sizeof header);
    if (header[sizeof header - 1] != archive_check_byte(member)) {
        o->result->left++;
        return 0;
    }
    if (member->method && member->method != DEFLATED) {
        o->result->unknown++;
        *ret = UNCHECKED;
        return 0;
    }
    struct checking c = {.o = o, .most = member->size};
    c.stream = member->method ? stream_new(STREAM_DEFLATE) : NULL;
    if (member->method && !c.stream)
        return fail(o->why, ENOMEM, "no memory to unpack a member");
    keys = o->keys;
    error = each_piece(o, member, &keys, member->method ? check_deflated : check_stored, &c);
    stream_free(c.stream);
    bool good = !error && !c.bad && c.crc == member->crc && c.size == member->size;
    o->result->opened += good;
    o->result->broken += !error && !good;
    *ret = good ? OPENED : AS_IT_IS;
    return error;
}

static int put(struct opening *o, bytes part)
{
    if (!part.len) /* a member may have no name */
        return 0;
    o->written += part.len;
    return o->write(o->context, part);
}

struct putting {
    struct opening *o;
    int error;
};

static bool put_piece(void *context, bytes part)
{
    struct putting *p = context;
    p->error = put(p->o, part);
    return !p->error;
}

static void store16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void store32(uint8_t *at, uint64_t value)
{
    store16(at, (unsigned)(value & 0xffff));
    store16(at + 2, (unsigned)(value >> 16 & 0xffff));
}

static uint64_t packed_size(const struct archive_member *member, enum state state)
{
    return state == AS_IT_IS ? member->packed : member->packed - ZIPCRYPTO_HEADER;
}

/* The 26 bytes that local headers and central entries have in common. Bit 3 goes where the
 * sizes are written down; it stays where it says which check byte the data have. */
static void fill_fields(uint8_t *at, const struct archive_member *member, enum state state)
{
    unsigned flags = member->flags;
    if (state != AS_IT_IS)
        flags &= ~9u;
    store16(at, member->version);
    store16(at + 2, flags);
    store16(at + 4, member->method);
    store16(at + 6, member->time);
    store16(at + 8, member->date);
    store32(at + 10, member->crc);
    store32(at + 14, packed_size(member, state));
    store32(at + 18, member->size);
    store16(at + 22, (unsigned)member->name.len);
    store16(at + 24, 0);
}

static int write_member(struct opening *o, const struct archive_member *member,
                        enum state state)
{
    uint8_t local[30] = "PK\3\4";
    struct zip_keys keys = o->keys;
    struct putting putting = {o, 0};
    fill_fields(local + 4, member, state);
    int error = put(o, (bytes){local, sizeof local});
    if (!error)
        error = put(o, member->name);
    if (!error)
        error = each_piece(o, member, state == AS_IT_IS ? NULL : &keys, put_piece, &putting);
    if (error || putting.error)
        return error ? error : putting.error;
    if (state == AS_IT_IS && member->flags & 8) {
        uint8_t behind[16] = "PK\7\x08";
        store32(behind + 4, member->crc);
        store32(behind + 8, member->packed);
        store32(behind + 12, member->size);
        error = put(o, (bytes){behind, sizeof behind});
    }
    return error;
}

static int write_directory(struct opening *o, const struct archive *archive,
                           const uint8_t *states, const uint32_t *places)
{
    uint64_t begin = o->written;
    for (uint32_t i = 0; i < archive->member.n; i++) {
        const struct archive_member *member = &archive->member.at[i];
        uint8_t entry[46] = "PK\1\2\x14\3";
        fill_fields(entry + 6, member, (enum state)states[i]);
        store32(entry + 38, member->attributes);
        store32(entry + 42, places[i]);
        int error = put(o, (bytes){entry, sizeof entry});
        if (!error)
            error = put(o, member->name);
        if (error)
            return error;
    }
    uint8_t end[22] = "PK\5\6";
    store16(end + 8, archive->member.n);
    store16(end + 10, archive->member.n);
    store32(end + 12, o->written - begin);
    store32(end + 16, begin);
    return put(o, (bytes){end, sizeof end});
}

int archive_open(const struct archive *archive, const struct source *source,
                 struct zip_keys keys, struct arena *arena,
                 int (*write)(void *context, bytes part), void *context,
                 struct archive_result *ret, struct why *why)
{
    *ret = (struct archive_result){0};
    struct opening o = {.source = source,
                        .keys = keys,
                        .write = write,
                        .context = context,
                        .result = ret,
                        .why = why};
    uint8_t *states = arena_push(arena, archive->member.n);
    uint32_t *places = PUSH_ARRAY(arena, uint32_t, archive->member.n);
    o.window = arena_push_raw(arena, WINDOW);
    o.plain = arena_push_raw(arena, WINDOW);
    if (!states || !places || !o.window || !o.plain)
        return fail(why, ENOMEM, "no memory to write the archive");
    if (source->size >= FOUR_GIB || archive->member.n > UINT16_MAX)
        return fail(why, EFBIG,
                    "archives of 4 GiB, or of more than 65535 members, are not "
                    "written");

    for (uint32_t i = 0; i < archive->member.n; i++) {
        const struct archive_member *member = &archive->member.at[i];
        enum state state = AS_IT_IS;
        int error = 0;
        if (member->legacy)
            error = check_member(&o, member, &state);
        else if (member->flags & 1)
            ret->left++;
        else
            ret->plain++;
        if (o.written + member->packed + 65536 >= FOUR_GIB || member->size > FOUR_GIB)
            return fail(why, EFBIG, "the archive would grow over 4 GiB");
        states[i] = (uint8_t)state;
        places[i] = (uint32_t)o.written;
        if (!error)
            error = write_member(&o, member, state);
        if (error)
            return error;
    }
    return write_directory(&o, archive, states, places);
}
