/* Installers of InstallShield that are one program: files behind it, in one of three ways.
 *
 *   plain: name, 0, path, 0, version, 0, size in decimal, 0, data; texts in ASCII or UTF-16LE
 *   "InstallShield\0" or "ISSetupStream\0", u16 number of files, u32 kind, 26 bytes; then
 * files: InstallShield: name in 260 bytes, u32 flags, u32, u32 size, 8 bytes, u16 packed, 30
 * bytes ISSetupStream: u32 size of name, u32 flags, u16, u32 size, 8 bytes, u16 packed, (kind
 * 4) 24 bytes times, name in UTF-16LE
 *
 * then data. With flag 2 each byte is the inverse of its halves, swapped, xor the name's bytes
 * xor 13 35 86 07 over and over; with flag 4 the name begins again every 1024 bytes. Packed: a
 * zlib stream. github.com/lifenjoiner/ISx, ISx.c. */
#include "unpack/program/installer/installshield.h"

#include "unpack/archive/decode.h"
#include "unpack/program/program.h"

enum {
    HEAD = 46,
    ENTRY_OLD = 312,
    ENTRY_NEW = 24,
    TIMES = 24,
    NAME_OLD = 260,
    TEXT_MAX = 260,
    FLAG_ENCODED = 2,
    FLAG_BLOCKS = 4,
    BLOCK = 1024,
};

struct entry {
    bytes name;
    uint32_t flags;
    bool packed;
    bytes data;
};

/* --- plain --- */

/* A text up to its 0, of printable characters; moves *at behind. */
static bool next_text(bytes data, size_t *at, bool wide, bytes *ret)
{
    size_t from = *at, width = wide ? 2 : 1;
    for (size_t n = 0; n <= TEXT_MAX && bytes_has(data, *at, width); n++, *at += width) {
        uint32_t unit = wide ? load_le16(data.at + *at) : data.at[*at];
        if (unit == 0) {
            *ret = bytes_slice(data, from, *at - from);
            *at += width;
            return true;
        }
        if (unit < 0x20 || unit == 0x7f)
            return false;
    }
    return false;
}

static bool decimal(bytes text, bool wide, uint64_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < text.len; i += wide ? 2 : 1) {
        if (text.at[i] < '0' || text.at[i] > '9' || *ret > UINT32_MAX)
            return false;
        *ret = *ret * 10 + (text.at[i] - '0');
    }
    return text.len > 0;
}

/* The file at *at; moves behind its data, which may be cut short. */
static bool next_plain(bytes data, size_t *at, bool wide, struct entry *ret, uint64_t *ret_size)
{
    bytes name, path, version, size;
    if (!next_text(data, at, wide, &name) || !next_text(data, at, wide, &path) ||
        !next_text(data, at, wide, &version) || !next_text(data, at, wide, &size) ||
        name.len == 0 || path.len < name.len || !decimal(size, wide, ret_size))
        return false;
    *ret = (struct entry){.name = path, .data = bytes_slice(data, *at, (size_t)*ret_size)};
    *at += ret->data.len;
    return true;
}

bool installshield_plain_probe(bytes data)
{
    struct entry entry;
    uint64_t size;
    size_t at = 0;
    if (data.len < 40 || data.at[0] < 0x20 || !memchr(data.at, 0, 40))
        return false;
    bool wide = data.at[1] == 0;
    bytes head = bytes_slice(data, 0, 4 * 2 * TEXT_MAX);
    if (!next_plain(head, &at, wide, &entry, &size) || size > data.len)
        return false;
    /* The path ends with the name. */
    size_t length = wide ? 0 : strlen((const char *)data.at);
    return wide || memcmp(entry.name.at + entry.name.len - length, data.at, length) == 0;
}

static bytes plain_name(struct unpack *unpack, bytes name, bool wide)
{
    uint8_t text[3 * TEXT_MAX];
    if (wide)
        name = (bytes){text, utf16_append(text, 0, sizeof text, name)};
    bytes copy = arena_copy(unpack->arena, name);
    for (size_t i = 0; copy.at && i < copy.len; i++)
        if (copy.at[i] == '\\')
            ((uint8_t *)(uintptr_t)copy.at)[i] = '/';
    return copy;
}

void installshield_plain_open(struct unpack *unpack)
{
    struct views views = views_of(unpack);
    struct entry entry;
    uint64_t size;
    size_t at = 0;
    bool wide = unpack->data.at[1] == 0;
    while (next_plain(unpack->data, &at, wide, &entry, &size)) {
        struct arena_mark mark = arena_mark(unpack->arena);
        bytes name = plain_name(unpack, entry.name, wide);
        if (!name.at || !budget_charge(unpack->budget, 64))
            return;
        if (entry.data.len < size)
            unpack_gap(unpack, name, GAP_DAMAGED, "%zu of its %llu bytes are there",
                       entry.data.len, (unsigned long long)size);
        if (!views_hand_out(&views, name, entry.data))
            return;
        arena_pop(unpack->arena, mark);
    }
    /* A number of launchers append a few bytes of their own. */
    if (at < unpack->data.len && !overlay_hand_out(&views, at, unpack->data.len))
        return;
}

/* --- with a head --- */

static bool read_old(bytes data, uint64_t *at, struct entry *ret, uint32_t *ret_size)
{
    if (!bytes_has(data, *at, ENTRY_OLD))
        return false;
    const uint8_t *p = data.at + *at;
    *ret = (struct entry){.name = {p, strnlen((const char *)p, NAME_OLD)},
                          .flags = load_le32(p + NAME_OLD),
                          .packed = load_le16(p + NAME_OLD + 20) != 0};
    *ret_size = load_le32(p + NAME_OLD + 8);
    *at += ENTRY_OLD;
    return true;
}

static bool read_new(struct unpack *unpack, bool times, uint64_t *at, struct entry *ret,
                     uint32_t *ret_size)
{
    uint8_t name[3 * TEXT_MAX];
    bytes data = unpack->data;
    if (!bytes_has(data, *at, ENTRY_NEW))
        return false;
    const uint8_t *p = data.at + *at;
    uint32_t length = load_le32(p);
    *at += times ? (uint64_t)ENTRY_NEW + TIMES : (uint64_t)ENTRY_NEW;
    if (length > 2 * TEXT_MAX || !bytes_has(data, *at, length))
        return false;
    size_t size = utf16_append(name, 0, sizeof name, bytes_slice(data, (size_t)*at, length));
    *ret = (struct entry){.name = arena_copy(unpack->arena, (bytes){name, size}),
                          .flags = load_le32(p + 4),
                          .packed = load_le16(p + 22) != 0};
    *ret_size = load_le32(p + 10);
    *at += length;
    return ret->name.at != NULL;
}

/* A copy of the data without its code, in the arena. */
static bytes without_code(struct unpack *unpack, const struct entry *entry)
{
    static const uint8_t magic[4] = {0x13, 0x35, 0x86, 0x07};
    bytes copy = arena_copy(unpack->arena, entry->data);
    uint8_t *to = (uint8_t *)(uintptr_t)copy.at;
    if (!copy.at || entry->name.len == 0)
        return copy;
    for (size_t i = 0; i < copy.len; i++) {
        size_t k = (entry->flags & FLAG_BLOCKS ? i % BLOCK : i) % entry->name.len;
        uint8_t key = entry->name.at[k] ^ magic[k % 4];
        to[i] = (uint8_t) ~(key ^ (to[i] << 4 | to[i] >> 4));
    }
    return copy;
}

static bool hand_out(struct views *views, const struct entry *entry)
{
    struct unpack *unpack = views->unpack;
    bytes data = entry->data;
    if (entry->flags & FLAG_ENCODED) {
        data = without_code(unpack, entry);
        if (!data.at || !budget_charge(unpack->budget, data.len)) {
            unpack_gap(unpack, entry->name, GAP_LIMIT, "too large");
            return !unpack->run->stopped;
        }
    }
    if (!entry->packed || data.len < 2 || data.at[0] != 0x78)
        return views_hand_out(views, entry->name, data);
    return unpack_begin(unpack, entry->name) &&
           decode_noted(unpack, decode_stream(unpack, STREAM_ZLIB, &data)) &&
           unpack_end(unpack);
}

void installshield_open(struct unpack *unpack)
{
    struct views views = views_of(unpack);
    uint64_t at = HEAD;
    uint16_t count;
    uint32_t kind;
    bool is_new = unpack->data.len > 2 && unpack->data.at[2] == 'S';
    if (!bytes_le16(unpack->data, 14, &count) || !bytes_le32(unpack->data, 16, &kind))
        count = 1;
    for (unsigned i = 0; i < count; i++) {
        struct arena_mark mark = arena_mark(unpack->arena);
        struct entry entry;
        uint32_t size;
        if (!budget_charge(unpack->budget, 64) ||
            !(is_new ? read_new(unpack, kind == 4, &at, &entry, &size)
                     : read_old(unpack->data, &at, &entry, &size))) {
            unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "%u of its %u files are there", i,
                       count);
            return;
        }
        entry.data = bytes_slice(unpack->data, (size_t)at, size);
        at += entry.data.len;
        if (entry.data.len < size)
            unpack_gap(unpack, entry.name, GAP_DAMAGED, "%zu of its %u bytes are there",
                       entry.data.len, size);
        if (!hand_out(&views, &entry))
            return;
        arena_pop(unpack->arena, mark);
    }
}
