#include "quarantine/entry.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

enum {
    TAG_FACTS = 1,
    TAG_PATH,
    TAG_OWNER,
    TAG_GROUP,
    TAG_VERSION,
    TAG_ATTRIBUTE,
    TAG_EXTENT,
    TAG_FINDING
};

enum { FACTS_SIZE = 8 + 3 * 4 + 3 * 8 + 4 * 12 + ENTRY_SHA256 + 8, TAG_HEAD = 6 };

enum { ATTRIBUTE_NAME = 255, ATTRIBUTE_VALUE = 65536, FINDING_TEXT = 1024 };

/* --- write --- */

struct writer {
    struct arena *arena;
    VEC(uint8_t) out;
    bool failed;
};

static void put(struct writer *writer, const void *at, size_t len)
{
    uint8_t *to = writer->failed || writer->out.n + len > ENTRY_HEADER_MAX
                      ? NULL
                      : vec_push_many(writer->arena, &writer->out, len);
    if (!to)
        writer->failed = true;
    else if (len)
        memcpy(to, at, len);
}

/* The lowest `size` bytes of a number. */
static void put_number(struct writer *writer, uint64_t number, size_t size)
{
    uint8_t raw[8];
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)(number >> (8 * i));
    put(writer, raw, size);
}

static void put_head(struct writer *writer, unsigned tag, size_t len)
{
    put_number(writer, tag, 2);
    put_number(writer, len, 4);
}

static void put_time(struct writer *writer, struct timespec time)
{
    put_number(writer, (uint64_t)time.tv_sec, 8);
    put_number(writer, (uint64_t)time.tv_nsec, 4);
}

static void put_text(struct writer *writer, unsigned tag, bytes text)
{
    if (!text.len)
        return;
    put_head(writer, tag, text.len);
    put(writer, text.at, text.len);
}

static void put_facts(struct writer *writer, const struct entry_facts *entry)
{
    put_head(writer, TAG_FACTS, FACTS_SIZE);
    put_number(writer, entry->size, 8);
    put_number(writer, entry->mode, 4);
    put_number(writer, entry->uid, 4);
    put_number(writer, entry->gid, 4);
    put_number(writer, entry->device, 8);
    put_number(writer, entry->inode, 8);
    put_number(writer, entry->links, 8);
    put_time(writer, entry->accessed);
    put_time(writer, entry->modified);
    put_time(writer, entry->changed);
    put_time(writer, entry->taken);
    put(writer, entry->sha256, ENTRY_SHA256);
    put_number(writer, entry->findings, 8);
}

static void put_finding(struct writer *writer, const struct entry_finding *finding)
{
    const bytes texts[] = {finding->rule, finding->name_space, finding->source,
                           finding->object};
    size_t len = 0;
    for (size_t i = 0; i < COUNT(texts); i++)
        len += 2 + bytes_slice(texts[i], 0, FINDING_TEXT).len;
    put_head(writer, TAG_FINDING, len);
    for (size_t i = 0; i < COUNT(texts); i++) {
        bytes text = bytes_slice(texts[i], 0, FINDING_TEXT);
        put_number(writer, text.len, 2);
        put(writer, text.at, text.len);
    }
}

int entry_encode(const struct entry_facts *entry, struct arena *arena, bytes *ret,
                 struct why *why)
{
    struct writer writer = {.arena = arena};
    put_facts(&writer, entry);
    put_text(&writer, TAG_PATH, entry->path);
    put_text(&writer, TAG_OWNER, entry->owner);
    put_text(&writer, TAG_GROUP, entry->group);
    put_text(&writer, TAG_VERSION, entry->version);
    for (uint32_t i = 0; i < entry->attribute.n; i++) {
        const struct entry_attribute *one = &entry->attribute.at[i];
        put_head(&writer, TAG_ATTRIBUTE, 2 + one->name.len + one->value.len);
        put_number(&writer, one->name.len, 2);
        put(&writer, one->name.at, one->name.len);
        put(&writer, one->value.at, one->value.len);
    }
    for (uint32_t i = 0; i < entry->extent.n; i++) {
        put_head(&writer, TAG_EXTENT, 16);
        put_number(&writer, entry->extent.at[i].at, 8);
        put_number(&writer, entry->extent.at[i].len, 8);
    }
    for (uint32_t i = 0; i < entry->finding.n && i < ENTRY_FINDINGS; i++)
        put_finding(&writer, &entry->finding.at[i]);
    if (writer.failed)
        return fail(why, E2BIG, "its extended attributes are more than an entry can hold");
    *ret = (bytes){writer.out.at, writer.out.n};
    return 0;
}

/* --- read --- */

struct reader {
    struct arena *arena;
    struct entry_facts *entry;
    bool seen[TAG_FINDING + 1];
};

static bool take_time(bytes value, size_t *at, struct timespec *ret)
{
    uint64_t seconds = load_le64(value.at + *at);
    uint32_t nanoseconds = load_le32(value.at + *at + 8);
    *at += 12;
    *ret = (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)nanoseconds};
    return nanoseconds < 1000000000;
}

static bool read_facts(struct entry_facts *entry, bytes value)
{
    size_t at = 44;
    if (value.len != FACTS_SIZE)
        return false;
    entry->size = load_le64(value.at);
    entry->mode = load_le32(value.at + 8);
    entry->uid = load_le32(value.at + 12);
    entry->gid = load_le32(value.at + 16);
    entry->device = load_le64(value.at + 20);
    entry->inode = load_le64(value.at + 28);
    entry->links = load_le64(value.at + 36);
    bool good = take_time(value, &at, &entry->accessed) &&
                take_time(value, &at, &entry->modified) &&
                take_time(value, &at, &entry->changed) && take_time(value, &at, &entry->taken);
    memcpy(entry->sha256, value.at + at, ENTRY_SHA256);
    entry->findings = load_le64(value.at + at + ENTRY_SHA256);
    return good && entry->mode <= 07777 && entry->size <= INT64_MAX;
}

/* Absolute, each part a name. */
static bool path_sound(bytes path)
{
    bytes rest = path, part;
    if (path.len < 2 || path.len > ENTRY_PATH || path.at[0] != '/' ||
        memchr(path.at, 0, path.len))
        return false;
    rest = bytes_slice(path, 1, path.len);
    while (bytes_cut(&rest, '/', &part))
        if (!part.len || part.len > NAME_MAX || bytes_is(part, ".") || bytes_is(part, ".."))
            return false;
    return path.at[path.len - 1] != '/';
}

static bool read_attribute(struct reader *reader, bytes value)
{
    struct entry_facts *entry = reader->entry;
    uint16_t len;
    if (!bytes_le16(value, 0, &len) || !bytes_has(value, 2, len) || !len ||
        len > ATTRIBUTE_NAME || value.len - 2 - len > ATTRIBUTE_VALUE)
        return false;
    struct entry_attribute one = {.name = bytes_slice(value, 2, len),
                                  .value = bytes_slice(value, 2 + (size_t)len, value.len)};
    if (memchr(one.name.at, 0, len) ||
        (entry->attribute.n &&
         bytes_compare(entry->attribute.at[entry->attribute.n - 1].name, one.name) >= 0))
        return false;
    struct entry_attribute *to = vec_push(reader->arena, &entry->attribute);
    if (to)
        *to = one;
    return to != NULL;
}

static bool read_extent(struct reader *reader, bytes value)
{
    struct entry_facts *entry = reader->entry;
    if (value.len != 16 || entry->extent.n >= ENTRY_EXTENTS)
        return false;
    struct entry_extent one = {load_le64(value.at), load_le64(value.at + 8)};
    const struct entry_extent *last =
        entry->extent.n ? &entry->extent.at[entry->extent.n - 1] : NULL;
    if (!one.len || one.at > INT64_MAX || one.len > INT64_MAX - one.at ||
        (last && one.at < last->at + last->len))
        return false;
    struct entry_extent *to = vec_push(reader->arena, &entry->extent);
    if (to)
        *to = one;
    return to != NULL;
}

static bool read_finding(struct reader *reader, bytes value)
{
    bytes texts[4];
    size_t at = 0;
    for (size_t i = 0; i < COUNT(texts); i++) {
        uint16_t len;
        if (!bytes_le16(value, at, &len) || !bytes_has(value, at + 2, len))
            return false;
        texts[i] = bytes_slice(value, at + 2, len);
        at += 2 + (size_t)len;
    }
    struct entry_finding *to = at == value.len && reader->entry->finding.n < ENTRY_FINDINGS
                                   ? vec_push(reader->arena, &reader->entry->finding)
                                   : NULL;
    if (to)
        *to = (struct entry_finding){texts[0], texts[1], texts[2], texts[3]};
    return to != NULL;
}

static bool read_record(struct reader *reader, unsigned tag, bytes value)
{
    struct entry_facts *entry = reader->entry;
    if (tag < TAG_FACTS || tag > TAG_FINDING || (tag < TAG_ATTRIBUTE && reader->seen[tag]))
        return false;
    reader->seen[tag] = true;
    switch (tag) {
    case TAG_FACTS:
        return read_facts(entry, value);
    case TAG_PATH:
        entry->path = value;
        return path_sound(value);
    case TAG_OWNER:
        entry->owner = value;
        return true;
    case TAG_GROUP:
        entry->group = value;
        return true;
    case TAG_VERSION:
        entry->version = value;
        return true;
    case TAG_ATTRIBUTE:
        return read_attribute(reader, value);
    case TAG_EXTENT:
        return read_extent(reader, value);
    default:
        return read_finding(reader, value);
    }
}

int entry_decode(bytes header, struct arena *arena, struct entry_facts *ret, struct why *why)
{
    struct reader reader = {.arena = arena, .entry = ret};
    size_t at = 0;
    *ret = (struct entry_facts){0};
    while (at < header.len) {
        uint16_t tag;
        uint32_t len;
        if (!bytes_le16(header, at, &tag) || !bytes_le32(header, at + 2, &len) ||
            !bytes_has(header, at + TAG_HEAD, len))
            return fail(why, EBADMSG, "its header is cut short");
        if (!read_record(&reader, tag, bytes_slice(header, at + TAG_HEAD, len)))
            return fail(why, EBADMSG, "its header has a record of kind %u that makes no sense",
                        tag);
        at += TAG_HEAD + (size_t)len;
    }
    const struct entry_extent *last = ret->extent.n ? &ret->extent.at[ret->extent.n - 1] : NULL;
    if (!reader.seen[TAG_FACTS] || !reader.seen[TAG_PATH])
        return fail(why, EBADMSG, "its header lacks what is needed");
    if (last && last->at + last->len > ret->size)
        return fail(why, EBADMSG, "its header speaks of data behind its end");
    return ret->findings < ret->finding.n
               ? fail(why, EBADMSG, "its header counts fewer findings than it has")
               : 0;
}
