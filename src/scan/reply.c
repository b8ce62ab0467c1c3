#include "scan/reply.h"

#include <string.h>

/* Kept free for the records that close a reply; gaps leave at least half of it to findings. */
enum { RESERVE = 1024, GAP_MAX = REPLY_MAX / 2 };

/* Bytes of an OBJECT or PART at most. */
enum { OBJECT_MAX = 21 + UINT8_MAX + REPLY_NAME };

enum { OBJECT = 1, FINDING, PATTERN, MATCH, GAP, PART, END, DIGEST, BATCH, KIND, ALERT };

static void put8(struct text *out, uint8_t value)
{
    text_add(out, &value, 1);
}

static void put16(struct text *out, uint16_t value)
{
    const uint8_t at[] = {(uint8_t)value, (uint8_t)(value >> 8)};
    text_add(out, at, sizeof at);
}

static void put32(struct text *out, uint32_t value)
{
    put16(out, (uint16_t)value);
    put16(out, (uint16_t)(value >> 16));
}

static void put64(struct text *out, uint64_t value)
{
    put32(out, (uint32_t)value);
    put32(out, (uint32_t)(value >> 32));
}

/* Whether `size` more bytes fit; what does not is left out and counted alone. */
static bool fits(struct reply *reply, size_t size)
{
    bool room = reply->out->len - reply->from + size <= REPLY_MAX - RESERVE;
    reply->cut = reply->cut || !room;
    return room;
}

void reply_begin(struct reply *reply, struct text *out)
{
    *reply = (struct reply){.out = out, .from = out->len};
}

static bool is_announced(const struct reply_object *object)
{
    return !object->up || object->announced;
}

/* The part that OBJECT and PART share; there is room for it. */
static void announce(struct reply *reply, struct reply_object *object)
{
    const char *kind = object->unread ? NULL : unpack_kind(object->data);
    bytes name = bytes_slice(object->name, 0, REPLY_NAME);
    size_t kind_len = kind ? strnlen(kind, UINT8_MAX) : 0;
    object->announced = true;
    object->number = ++reply->announced;
    put32(reply->out, object->up->number);
    put64(reply->out, object->data.len);
    put8(reply->out, object->partial);
    put8(reply->out, (uint8_t)kind_len);
    text_add(reply->out, kind ? kind : "", kind_len);
    put16(reply->out, (uint16_t)name.len);
    text_add(reply->out, name.at, name.len);
}

/* What the file itself is: an OBJECT says it of others. */
static void say_kind(struct reply *reply, const struct reply_object *object)
{
    const char *kind =
        object->up || object->unread || reply->kind_said ? NULL : unpack_kind(object->data);
    size_t len = kind ? strnlen(kind, UINT8_MAX) : 0;
    reply->kind_said |= !object->up;
    if (!len || !fits(reply, 2 + len))
        return;
    put8(reply->out, KIND);
    put8(reply->out, (uint8_t)len);
    text_add(reply->out, kind, len);
}

void reply_object(struct reply *reply, struct reply_object *object)
{
    if (!object->up || object->announced)
        return;
    reply_object(reply, object->up);
    say_kind(reply, object->up);
    if (fits(reply, OBJECT_MAX)) {
        put8(reply->out, OBJECT);
        announce(reply, object);
    }
}

bool reply_has_room(const struct reply *reply)
{
    return !reply->cut && reply->out->len - reply->from < GAP_MAX;
}

bool reply_part(struct reply *reply, struct reply_object *object, uint32_t part)
{
    reply_object(reply, object->up);
    if (!is_announced(object->up) || !fits(reply, OBJECT_MAX))
        return false;
    put8(reply->out, PART);
    put32(reply->out, part);
    announce(reply, object);
    return true;
}

bool reply_batch(struct reply *reply, struct reply_object *object, uint32_t part)
{
    reply_object(reply, object);
    if (!is_announced(object) || !fits(reply, 9))
        return false;
    put8(reply->out, BATCH);
    put32(reply->out, object->number);
    put32(reply->out, part);
    reply->batched = true;
    return true;
}

void reply_finding(struct reply *reply, struct reply_object *object, uint32_t set,
                   uint32_t rule)
{
    reply->findings++;
    reply_object(reply, object);
    if (!is_announced(object) || !fits(reply, 10))
        return;
    put8(reply->out, FINDING);
    put32(reply->out, object->number);
    put8(reply->out, (uint8_t)set);
    put32(reply->out, rule);
}

/* A record of a finding that was left out must not become one of the finding before: once
 * something was cut, there are only findings without details. */
void reply_pattern(struct reply *reply, uint32_t pattern, uint32_t count)
{
    if (reply->cut || !fits(reply, 9))
        return;
    put8(reply->out, PATTERN);
    put32(reply->out, pattern);
    put32(reply->out, count);
}

void reply_match(struct reply *reply, uint64_t offset, uint32_t length, uint8_t xor_key,
                 bytes data)
{
    data = bytes_slice(data, 0, REPLY_MATCH);
    if (reply->cut || !fits(reply, 16 + data.len))
        return;
    put8(reply->out, MATCH);
    put64(reply->out, offset);
    put32(reply->out, length);
    put8(reply->out, xor_key);
    put16(reply->out, (uint16_t)data.len);
    text_add(reply->out, data.at, data.len);
}

void reply_gap(struct reply *reply, struct reply_object *object, enum gap kind, bytes member,
               const char *text)
{
    size_t text_len = strnlen(text, REPLY_TEXT), before = reply->out->len;
    reply->gaps[kind]++;
    member = bytes_slice(member, 0, REPLY_NAME);
    if (reply->gap_bytes > GAP_MAX) {
        reply->cut = true;
        return;
    }
    reply_object(reply, object);
    say_kind(reply, object);
    if (!is_announced(object) || !fits(reply, 9 + text_len + member.len))
        return;
    put8(reply->out, GAP);
    put32(reply->out, object->number);
    put8(reply->out, (uint8_t)kind);
    put8(reply->out, (uint8_t)text_len);
    text_add(reply->out, text, text_len);
    put16(reply->out, (uint16_t)member.len);
    text_add(reply->out, member.at, member.len);
    reply->gap_bytes += reply->out->len - before;
}

void reply_alert(struct reply *reply, struct reply_object *object, uint8_t alert)
{
    reply_object(reply, object);
    say_kind(reply, object);
    if (!is_announced(object) || !fits(reply, 6))
        return;
    put8(reply->out, ALERT);
    put32(reply->out, object->number);
    put8(reply->out, alert);
}

void reply_digest(struct reply *reply, const struct reply_object *object,
                  const uint8_t sha256[REPLY_SHA256])
{
    if (!is_announced(object) || !fits(reply, 5 + REPLY_SHA256))
        return;
    put8(reply->out, DIGEST);
    put32(reply->out, object->number);
    text_add(reply->out, sha256, REPLY_SHA256);
}

void reply_end(struct reply *reply, int error)
{
    put8(reply->out, END);
    put32(reply->out, (uint32_t)error);
    put8(reply->out, reply->cut);
    put64(reply->out, reply->size);
    put64(reply->out, reply->examined);
    put64(reply->out, reply->objects);
    put64(reply->out, reply->unpacked);
    put64(reply->out, reply->members);
    put64(reply->out, reply->written);
    put64(reply->out, reply->findings);
    for (size_t i = 0; i < GAPS; i++)
        put64(reply->out, reply->gaps[i]);
}
