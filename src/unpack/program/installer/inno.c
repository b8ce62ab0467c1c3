/* Inno Setup, data versions 4.2.5 to 6.4.
 *
 *   table, as resource RCDATA 11111 or where u32 at 0x34 says (u32 0x30: "Inno"): 12 bytes that
 *   begin with "rDlPtS", (since 5.1.5) u32 1, u32 size of all, u32 offset of the program, u32
 * its size, u32 its checksum, u32 offset of the header, u32 offset of the data, u32 CRC header:
 * 64 bytes "Inno Setup Setup Data (5.5.7) (u)", then two blocks block: u32 CRC, u32 size, u8
 * compressed, then chunks of u32 CRC and 4096 bytes or fewer; put together: LZMA, 5 bytes of
 * properties first; the first block is the script (inno_names.c), the second the places of the
 * files: place: u32 first slice, u32 last, u32 offset of chunk, u64 offset in it, u64 size, u64
 * size of chunk, MD5 (since 5.3.9 SHA-1, 6.4 SHA-256), u64 time, u64 version, u16 flags, (6.3)
 * u8 chunk, at its offset from the data: "zlb\x1a", then LZMA, LZMA2, zlib, bzip2 or as it is
 *
 * innoextract 1.9, doc and src/loader/offsets.cpp, src/setup/data.cpp, src/stream; Inno Setup
 * 6, Projects/Struct.pas. */
#include "unpack/program/installer/inno.h"

#include "pe/pe_tree.h"
#include "unpack/archive/decode.h"
#include "unpack/program/program.h"

enum {
    TABLE = 11111,
    ID = 64,
    BLOCK_HEAD = 9,
    CHUNK = 4096,
    BLOCK_MAX = 128 << 20,
    CHUNK_MAGIC = 4,
    FLAG_FILTERED = 0x10,
    FLAG_ENCRYPTED = 0x40,
    FLAG_COMPRESSED = 0x80,
};

struct inno {
    struct unpack *unpack;
    uint64_t header, data; /* offsets */
    unsigned version;
    bool wide;
    bytes places;
    uint32_t place_size, count;
    bytes *names;
};

struct inno_place {
    uint32_t first_slice, last_slice;
    uint64_t chunk, chunk_size, at, size;
    unsigned flags;
};

/* --- where everything is --- */

static bool find_resource(bytes data, bytes *ret)
{
    struct pe_image image;
    struct pe_tree tree;
    struct budget budget = {.steps = 1 << 14};
    if (!pe_image_open(data, &image) || !pe_tree_open(&image, &tree))
        return false;
    while (pe_tree_next(&tree, &budget)) {
        if (tree.number[0] != PE_RESOURCE_RCDATA || tree.number[1] != TABLE)
            continue;
        int64_t at = pe_image_offset(&image, tree.rva);
        *ret = at < 0 ? (bytes){0} : bytes_slice(data, (size_t)at, tree.size);
        return true;
    }
    return false;
}

static bool find_table(bytes data, bytes *ret)
{
    uint32_t at, inverse;
    if (bytes_has(data, 0x30, 12) && memcmp(data.at + 0x30, "Inno", 4) == 0 &&
        bytes_le32(data, 0x34, &at) && bytes_le32(data, 0x38, &inverse) && at == ~inverse)
        *ret = bytes_slice(data, at, 64);
    else if (!find_resource(data, ret))
        return false;
    return ret->len >= 40 && memcmp(ret->at, "rDlPtS", 6) == 0;
}

bool inno_probe(bytes data)
{
    bytes table;
    return find_table(data, &table);
}

/* "Inno Setup Setup Data (5.5.7) (u)" to 0x05050700; 0 for another text. */
static unsigned version_of(bytes id, bool *ret_wide)
{
    static const char head[] = "Inno Setup Setup Data (";
    unsigned version = 0, parts = 0, number = 0;
    if (id.len < ID || memcmp(id.at, head, sizeof head - 1) != 0)
        return 0;
    size_t i = sizeof head - 1;
    for (; i < id.len && id.at[i] != ')' && parts < 4; i++) {
        if (id.at[i] >= '0' && id.at[i] <= '9') {
            number = (number * 10 + id.at[i] - '0') & 0xff;
        } else {
            version |= number << (24 - 8 * parts++);
            number = 0;
        }
    }
    if (parts < 4)
        version |= number << (24 - 8 * parts);
    *ret_wide = version >= INNO_6300 || bytes_find(id, bytes_of("(u)"), i) != SIZE_MAX;
    return version;
}

/* --- the header's blocks --- */

/* The block at *at, unpacked into the arena; *at moves behind it. .at is NULL, and a gap noted,
 * when it is damaged. */
static bytes read_block(struct inno *inno, uint64_t *at)
{
    struct unpack *unpack = inno->unpack;
    static const bytes name = {(const uint8_t *)"[setup.0]", 9};
    uint32_t size;
    bytes ret = {NULL, 0};
    if (!bytes_has(unpack->data, *at, BLOCK_HEAD) ||
        !bytes_le32(unpack->data, *at + 4, &size) || size > BLOCK_MAX) {
        unpack_gap(unpack, name, GAP_DAMAGED, "a block of the header is cut short");
        return ret;
    }
    bool compressed = unpack->data.at[*at + 8] != 0;
    bytes in = bytes_slice(unpack->data, (size_t)*at + BLOCK_HEAD, size);
    uint8_t *packed = arena_push_raw(unpack->arena, in.len + 13);
    size_t length = 0;
    *at += BLOCK_HEAD + (uint64_t)size;
    if (!packed || !unpack_begin(unpack, name))
        return ret;
    for (size_t i = 4; i < in.len; i += 4 + CHUNK) {
        bytes part = bytes_slice(in, i, CHUNK);
        memcpy(packed + length, part.at, part.len);
        length += part.len;
    }
    enum decoded how = DECODED_CUT;
    bytes data = {packed, length};
    if (!compressed) {
        how = unpack_put(unpack, data) ? DECODED : DECODED_STOP;
    } else if (length > 5) {
        uint8_t head[13];
        memcpy(head, packed, 5);
        memset(head + 5, 0xff, 8);
        data = bytes_slice(data, 5, length);
        how = decode_stream_after(unpack, STREAM_LZMA, (bytes){head, sizeof head}, &data);
    }
    /* There is no mark of the end. */
    if (how == DECODED_CUT && in.len == size)
        how = DECODED;
    if (decode_noted(unpack, how))
        ret = arena_copy(unpack->arena, unpack_written(unpack));
    unpack_drop(unpack);
    return ret;
}

/* --- the files --- */

static struct inno_place read_place(const struct inno *inno, uint32_t index)
{
    const uint8_t *p = inno->places.at + (size_t)index * inno->place_size;
    unsigned sum = inno->version >= INNO_6400 ? 32 : inno->version >= INNO_5309 ? 20 : 16;
    return (struct inno_place){.first_slice = load_le32(p),
                               .last_slice = load_le32(p + 4),
                               .chunk = load_le32(p + 8),
                               .at = load_le64(p + 12),
                               .size = load_le64(p + 20),
                               .chunk_size = load_le64(p + 28),
                               .flags = load_le16(p + 36 + sum + 16)};
}

static bytes name_of(const struct inno *inno, uint32_t index)
{
    if (inno->names[index].at)
        return inno->names[index];
    return arena_printf(inno->unpack->arena, "file/%u", index);
}

/* A chunk's method is in the script; its first bytes tell as well. */
static enum decoded decode_chunk(struct unpack *unpack, bytes in, bool compressed)
{
    uint8_t head[13];
    if (!compressed || in.len < 6)
        return unpack_put(unpack, in) ? DECODED : DECODED_STOP;
    if (memcmp(in.at, "BZh", 3) == 0)
        return decode_stream(unpack, STREAM_BZIP2, &in);
    if (in.at[0] <= 40 && (in.at[1] == 1 || in.at[1] >= 0xe0)) {
        in = bytes_slice(in, 1, in.len);
        return decode_stream(unpack, STREAM_LZMA2, &in);
    }
    if ((in.at[0] & 15) == 8 && load_be16(in.at) % 31 == 0)
        return decode_stream(unpack, STREAM_ZLIB, &in);
    if (in.at[0] >= 225 || in.at[5] != 0)
        return DECODED_UNKNOWN;
    memcpy(head, in.at, 5);
    memset(head + 5, 0xff, 8);
    in = bytes_slice(in, 5, in.len);
    return decode_stream_after(unpack, STREAM_LZMA, (bytes){head, sizeof head}, &in);
}

/* Files [from, to), which lie in one chunk, now unpacked. False: return. */
static bool hand_out_files(struct inno *inno, bytes chunk, uint32_t from, uint32_t to)
{
    struct unpack *unpack = inno->unpack;
    for (uint32_t i = from; i < to; i++) {
        struct arena_mark mark = arena_mark(unpack->arena);
        struct inno_place place = read_place(inno, i);
        bytes name = name_of(inno, i), part = {NULL, 0};
        if (place.at < chunk.len)
            part = bytes_slice(chunk, (size_t)place.at,
                               place.size < chunk.len ? (size_t)place.size : chunk.len);
        if (part.len < place.size)
            unpack_gap(unpack, name, GAP_DAMAGED, "%zu of its %llu bytes are there", part.len,
                       (unsigned long long)place.size);
        if (place.flags & FLAG_FILTERED && part.len) {
            uint8_t *at = unpack->run->region->at + (part.at - unpack->run->region->at);
            if (!budget_charge(unpack->budget, part.len / 4))
                return false;
            inno_unfilter(at, part.len, inno->version);
        }
        if (!unpack_view(unpack, name, part))
            return false;
        arena_pop(unpack->arena, mark);
    }
    return true;
}

static bool open_chunk(struct inno *inno, uint32_t from, uint32_t to)
{
    struct unpack *unpack = inno->unpack;
    struct inno_place place = read_place(inno, from);
    uint64_t at = inno->data + place.chunk;
    bytes in = {NULL, 0};
    if (at < unpack->data.len)
        in = bytes_slice(unpack->data, (size_t)at, unpack->data.len);
    if (inno->data == 0 || place.first_slice != place.last_slice || place.first_slice > 0) {
        unpack_gap(unpack, name_of(inno, from), GAP_UNSUPPORTED,
                   "its data is in another file, slice %u", place.first_slice + 1);
        return true;
    }
    if (place.flags & FLAG_ENCRYPTED) {
        unpack_gap(unpack, name_of(inno, from), GAP_ENCRYPTED,
                   "encrypted, with %u files in all", to - from);
        return true;
    }
    if (in.len < CHUNK_MAGIC || memcmp(in.at, "zlb\x1a", CHUNK_MAGIC) != 0) {
        unpack_gap(unpack, name_of(inno, from), GAP_DAMAGED, "no chunk is where it should be");
        return true;
    }
    in = bytes_slice(in, CHUNK_MAGIC,
                     place.chunk_size < in.len ? (size_t)place.chunk_size : in.len);
    if (!unpack_begin(unpack, bytes_of("[chunk]")))
        return false;
    enum decoded how = decode_chunk(unpack, in, place.flags & FLAG_COMPRESSED);
    if (how == DECODED_CUT && in.len == place.chunk_size) /* no mark of the end, as above */
        how = DECODED;
    bool more = decode_noted(unpack, how);
    bytes chunk = unpack_written(unpack);
    unpack->writing = false;
    more = more && hand_out_files(inno, chunk, from, to);
    unpack_drop(unpack);
    return more;
}

static void open_files(struct inno *inno)
{
    for (uint32_t from = 0, to; from < inno->count; from = to) {
        struct inno_place first = read_place(inno, from);
        for (to = from + 1; to < inno->count; to++) {
            struct inno_place next = read_place(inno, to);
            if (next.chunk != first.chunk || next.first_slice != first.first_slice)
                break;
        }
        if (!budget_charge(inno->unpack->budget, 64) || !open_chunk(inno, from, to))
            return;
    }
}

static void open_header(struct inno *inno)
{
    struct unpack *unpack = inno->unpack;
    bytes id = bytes_slice(unpack->data, (size_t)inno->header, ID);
    inno->version = version_of(id, &inno->wide);
    if (inno->version < INNO_4205 || inno->version >= INNO_6500) {
        id.len = id.len ? strnlen((const char *)id.at, id.len) : 0;
        unpack_gap(unpack, bytes_of(""), inno->version ? GAP_UNSUPPORTED : GAP_DAMAGED,
                   "its header is '%.*s'", (int)(id.len < 40 ? id.len : 40),
                   id.len ? (const char *)id.at : "");
        return;
    }
    uint64_t at = inno->header + ID;
    bytes script = read_block(inno, &at);
    if (!script.at || !unpack_view(unpack, bytes_of("[setup.0]"), script))
        return;
    inno->places = read_block(inno, &at);
    inno->place_size = inno->version >= INNO_6400   ? 87
                       : inno->version >= INNO_6300 ? 75
                       : inno->version >= INNO_5309 ? 74
                                                    : 70;
    inno->count = (uint32_t)(inno->places.len / inno->place_size);
    if (!inno->places.at)
        return;
    if (inno->places.len % inno->place_size)
        unpack_gap(unpack, bytes_of("[setup.0]"), GAP_UNSUPPORTED,
                   "the places of files have another size than in this version");
    inno->names = inno_names_find(unpack, script, inno->wide, inno->version, inno->count);
    if (inno->names)
        open_files(inno);
}

void inno_open(struct unpack *unpack)
{
    struct inno inno = {.unpack = unpack};
    bytes table;
    if (!find_table(unpack->data, &table))
        return;
    bool has_revision = load_le32(table.at + 12) == 1 && table.len >= 44;
    const uint8_t *p = table.at + (has_revision ? 32 : 28);
    inno.header = load_le32(p);
    inno.data = load_le32(p + 4);
    open_header(&inno);
}

void inno_slice_open(struct unpack *unpack)
{
    /* What lies behind a program was opened with it. */
    if (unpack->up && strcmp(unpack->up->format->name, "pe") == 0)
        return;
    unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED,
               "a part of an installer of Inno Setup, which cannot be opened by itself");
}
