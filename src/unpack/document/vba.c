/* VBA projects, [MS-OVBA], little endian.
 *
 *   2.4.1  compressed container   u8 1, then chunks of u16 header (size - 3 in 12 bits, 3 in 3
 *          bits, 1 when compressed) and data, each of which gives at most 4096 bytes. A byte of
 *          flags, then for each: 0 a literal, 1 a u16 of offset - 1 above length - 3, of which
 *          the offset has as many bits as the position in the chunk needs, at least 4.
 *   2.3.4.2  the stream `dir`, such a container: records of u16 id, u32 size, data
 *          0009 the version, 2 bytes longer than its size says   0019, 0047 a module's name
 *          001a, 0032 that of its stream (code page, UTF-16)     0031 u32: where its source
 *          begins behind its compiled form                       002b its end
 *
 * Damaged projects run all the same, so source is also searched for: it begins with
 * `Attribute`, of which the first 8 bytes are literals. */
#include "unpack/document/vba.h"

#include "unpack/document/text.h"

#include <string.h>

enum { CHUNK = 4096, SOURCES_MAX = 64 /* found in one stream */ };

/* One chunk into out[CHUNK]; SIZE_MAX when a copy reaches before its begin. */
static size_t chunk_decompress(bytes chunk, uint8_t out[static CHUNK], bool *ret_damaged)
{
    size_t n = 0, at = 0;
    while (at < chunk.len && n < CHUNK) {
        unsigned flags = chunk.at[at++];
        for (unsigned i = 0; i < 8 && at < chunk.len && n < CHUNK; i++) {
            if (!(flags >> i & 1)) {
                out[n++] = chunk.at[at++];
                continue;
            }
            if (at + 2 > chunk.len)
                break;
            unsigned token = load_le16(chunk.at + at), bits = 4;
            at += 2;
            while (bits < 12 && (1u << bits) < n)
                bits++;
            size_t length = (token & (0xffffu >> bits)) + 3, back = (token >> (16 - bits)) + 1;
            if (back > n) {
                *ret_damaged = true;
                return n;
            }
            for (; length && n < CHUNK; length--, n++)
                out[n] = out[n - back];
        }
    }
    return n;
}

bool vba_decompress(struct unpack *u, bytes container, size_t *ret_end)
{
    uint8_t out[CHUNK];
    size_t at = 1;
    uint16_t header;
    bool damaged = container.len == 0 || container.at[0] != 1;
    *ret_end = 0;
    while (!damaged && bytes_le16(container, at, &header) && (header >> 12 & 7) == 3) {
        bytes chunk = bytes_slice(container, at + 2, (header & 0xfffu) + 1);
        size_t n = CHUNK;
        damaged = chunk.len < (header & 0xfffu) + 1u;
        if (header & 0x8000)
            n = chunk_decompress(chunk, out, &damaged);
        else
            memcpy(out, chunk.at, chunk.len < CHUNK ? chunk.len : CHUNK);
        if (!(header & 0x8000))
            n = chunk.len < CHUNK ? chunk.len : CHUNK;
        if (!budget_charge(u->budget, CHUNK / 4) || !unpack_put(u, (bytes){out, n}))
            return false;
        at += 2 + chunk.len;
        *ret_end = at;
    }
    return !damaged && *ret_end > 0;
}

/* --- dir --- */

enum record {
    VERSION = 0x09,
    MODULE_NAME = 0x19,
    MODULE_STREAM = 0x1a,
    MODULE_END = 0x2b,
    MODULE_OFFSET = 0x31,
    MODULE_STREAM_WIDE = 0x32,
    MODULE_NAME_WIDE = 0x47,
};

struct module {
    bytes name, stream, stream_wide;
    uint32_t offset;
    bool has_offset;
};

static void module_note(struct ole2 *ole, uint32_t storage, const struct module *module)
{
    bytes wide = text_utf8(ole->unpack->arena, module->stream_wide);
    uint32_t entry = wide.len ? ole2_find(ole, storage, wide) : OLE2_NONE;
    if (entry == OLE2_NONE && module->stream.len)
        entry = ole2_find(ole, storage, module->stream);
    if (entry == OLE2_NONE) {
        unpack_gap(ole->unpack, module->name, GAP_DAMAGED, "the project has no such module");
        return;
    }
    ole->entries[entry].source_at = (uint64_t)module->offset + 1;
    ole->entries[entry].source_name = module->name;
}

/* False when the records end in the middle of one. */
static bool records_read(struct ole2 *ole, uint32_t storage, bytes rest)
{
    struct module module = {0};
    while (rest.len >= 6 && budget_charge(ole->unpack->budget, 16)) {
        unsigned id = load_le16(rest.at);
        uint64_t size = load_le32(rest.at + 2);
        if (id == VERSION)
            size = 6;
        if (!bytes_has(rest, 6, size))
            return false;
        bytes data = bytes_slice(rest, 6, (size_t)size);
        rest = bytes_slice(rest, 6 + (size_t)size, rest.len);
        if (id == MODULE_NAME)
            module = (struct module){.name = data};
        else if (id == MODULE_STREAM)
            module.stream = data;
        else if (id == MODULE_STREAM_WIDE)
            module.stream_wide = data;
        else if (id == MODULE_NAME_WIDE && data.len)
            module.name = text_utf8(ole->unpack->arena, data);
        else if (id == MODULE_OFFSET)
            module.has_offset = bytes_le32(data, 0, &module.offset);
        else if (id == MODULE_END && module.has_offset)
            module_note(ole, storage, &module);
    }
    return true;
}

bool vba_project(struct ole2 *ole, uint32_t dir)
{
    struct unpack *u = ole->unpack;
    size_t mark = unpack_mark(u), end;
    bytes packed = ole2_load(ole, dir);
    if (packed.len == 0 || packed.at[0] != 1) {
        unpack_release(u, mark);
        return !u->run->stopped; /* some other stream of that name */
    }
    if (!unpack_begin(u, bytes_of("dir")))
        return false;
    bool whole = vba_decompress(u, packed, &end);
    bytes plain = unpack_keep(u), kept = arena_copy(u->arena, plain);
    unpack_release(u, mark);
    if (u->run->stopped)
        return false;
    /* The names in the entries are views of this copy. */
    if (!kept.at || !whole || !records_read(ole, ole->entries[dir].parent, kept))
        unpack_gap(u, ole2_path(ole, dir), GAP_DAMAGED, "the list of modules is damaged");
    return !u->run->stopped;
}

/* --- source --- */

/* Where a container begins whose first bytes are "Attribut", at or after `from`. */
static size_t source_find(bytes data, size_t from)
{
    static const bytes start = {(const uint8_t *)"\0Attribut", 9};
    size_t at = from;
    for (at = bytes_find(data, start, at); at != SIZE_MAX; at = bytes_find(data, start, at + 1))
        if (at >= from + 3 && data.at[at - 3] == 1 && (data.at[at - 1] & 0x70) == 0x30)
            return at - 3;
    return SIZE_MAX;
}

/* "A/B/name.bas": the module's name instead of the stream's. */
static bytes source_name(struct ole2 *ole, uint32_t entry, bytes path)
{
    const struct ole2_entry *it = &ole->entries[entry];
    bytes name = it->source_name.len ? it->source_name : it->name;
    size_t folder = path.len >= it->name.len ? path.len - it->name.len : 0;
    return arena_printf(ole->unpack->arena, "%.*s%.*s.bas", (int)folder, (const char *)path.at,
                        (int)name.len, (const char *)name.at);
}

bool vba_stream(struct ole2 *ole, uint32_t entry, bytes path, bytes data)
{
    struct unpack *u = ole->unpack;
    const struct ole2_entry *it = &ole->entries[entry];
    size_t end = 0, from = 0, mark = unpack_mark(u);
    if (it->source_at) {
        from = it->source_at - 1 < data.len ? (size_t)it->source_at - 1 : data.len;
        if (!unpack_begin(u, source_name(ole, entry, path)))
            return false;
        bool whole = vba_decompress(u, bytes_slice(data, from, data.len), &end);
        if (!whole)
            unpack_gap(u, path, GAP_DAMAGED, "the macro's source cannot be read to its end");
        if (!unpack_end(u))
            return false;
    }
    /* Elsewhere, too: a `dir` that lies. What was just read is not read again. */
    size_t done_from = end ? from : SIZE_MAX;
    from = 0;
    for (unsigned i = 0; i < SOURCES_MAX && budget_charge(u->budget, data.len / 16); i++) {
        from = source_find(data, from);
        if (from == SIZE_MAX)
            break;
        if (from != done_from) {
            if (!unpack_begin(u, arena_printf(u->arena, "%.*s.bas", (int)path.len,
                                              (const char *)path.at)))
                return false;
            (void)vba_decompress(u, bytes_slice(data, from, data.len), &end);
            if (!unpack_end(u))
                return false;
        }
        from += 3;
    }
    unpack_release(u, mark);
    return !u->run->stopped;
}
