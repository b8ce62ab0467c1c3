/* PE programs packed by UPX.
 *
 *   at the end of the headers, at most 64 bytes before the second section's bytes and 1 KiB
 *   after: "UPX!", u8 version, u8 format, u8 method, u8 level, u32 checksums, two, u32 size
 *   unpacked, u32 size packed, u32 size of the file, u8 filter, u8 cto, u8, u8 checksum;
 *   then the packed data
 *
 * Unpacked, it is the memory of the original from its first section on; its last u32 is the
 * place of: PE header with 16 directories, section table; if there are imports: u32 place of
 * their list, u32 place of names; if there are relocations: u32 place, u8 kinds.
 *   list: u32 name of library (in the packed file's third section), u32 place of addresses,
 *   entries: 1 and a name, ff and u16 ordinal, other and u32 place of an ordinal; 0 ends
 *   relocations: distances: u8 below f0, or f0 + high 4 bits, u16 (0: u32 follows); 0 ends
 *
 * UPX 4.2, src/pefile.cpp (unpack0, rebuildImports, rebuildRelocs), src/packhead.cpp. What it
 * gives is what `upx -d` gives, but for the directory of resources, exports and overlay. */
#include "unpack/program/packer/upx.h"

#include "pe/pe_tree.h"

#include <string.h>

enum {
    PACK_HEADER = 32,
    SEARCH = 1088,
    VERSION_MIN = 10,
    UNPACKED_MAX = 1 << 30,
    RATIO = 1024,
    HEADER_32 = 248,
    HEADER_64 = 264,
    RELOCS_STRIPPED = 1,
    NAME_MAX = 4096,
};

struct pe_upx {
    struct unpack *unpack;
    struct pe_image image;
    size_t at; /* of the pack header */
    unsigned method, filter;
    uint8_t cto;
    uint8_t *memory;            /* unpacked */
    uint32_t size, packed, rva; /* rva: of memory */
    bytes header;               /* the original's */
    uint32_t extra;             /* place of the rest of the data on imports and so on */
};

/* Memory [at, at + size), or NULL. */
static uint8_t *memory_at(const struct pe_upx *upx, uint64_t at, uint64_t size)
{
    return size <= upx->size && at <= upx->size - size ? upx->memory + at : NULL;
}

static uint32_t memory32(const struct pe_upx *upx, uint64_t at)
{
    const uint8_t *p = memory_at(upx, at, 4);
    return p ? load_le32(p) : 0;
}

static void store(uint8_t *p, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

/* The pack header: "UPX!", or, where that was overwritten, the same numbers. */
static bool find_header(bytes data, const struct pe_image *image, size_t *ret)
{
    if (image->section_usable < 2 || image->section_count > 6)
        return false;
    uint64_t start = image->sections[1].raw_offset;
    start = start > 64 ? start - 64 : 0;
    bytes near = bytes_slice(data, (size_t)start, SEARCH);
    for (size_t i = 0; bytes_has(near, i, PACK_HEADER); i++) {
        const uint8_t *p = near.at + i;
        uint32_t packed = load_le32(p + 20), unpacked = load_le32(p + 16);
        if (p[0] != 'U' || memcmp(p, "UPX!", 4) != 0 || p[4] < VERSION_MIN ||
            !upx_method_known(p[6]) || unpacked > UNPACKED_MAX || unpacked < 64 ||
            !bytes_has(data, start + i + PACK_HEADER, packed))
            continue;
        *ret = (size_t)start + i;
        return true;
    }
    return false;
}

bool upx_pe_probe(bytes data)
{
    struct pe_image image;
    size_t at;
    uint32_t header;
    if (!bytes_le32(data, 60, &header) || !bytes_has(data, header, 4) ||
        memcmp(data.at + header, "PE\0", 4) != 0 || !pe_image_open(data, &image))
        return false;
    return find_header(data, &image, &at);
}

static uint32_t header_directory(const struct pe_upx *upx, unsigned number, unsigned half)
{
    unsigned start = upx->image.is_64 ? 136 : 120;
    return load_le32(upx->header.at + start + 8 * number + 4 * half);
}

/* The original's header, which lies in memory. */
static bool read_header(struct pe_upx *upx)
{
    unsigned size = upx->image.is_64 ? HEADER_64 : HEADER_32;
    uint32_t at = memory32(upx, upx->size - 4);
    const uint8_t *p = memory_at(upx, at, size);
    if (!p || memcmp(p, "PE\0", 4) != 0)
        return false;
    unsigned sections = load_le16(p + 6);
    const uint8_t *table = memory_at(upx, (uint64_t)at + size, sections * 40);
    if (!table || sections == 0 || sections > PE_MAX_SECTIONS)
        return false;
    upx->header = (bytes){arena_copy(upx->unpack->arena, (bytes){p, size + sections * 40}).at,
                          size + sections * 40};
    upx->rva = load_le32(table + 12);
    upx->extra = at + size + sections * 40;
    return upx->header.at != NULL;
}

static void unfilter(struct pe_upx *upx)
{
    uint32_t code = load_le32(upx->header.at + 44), size = load_le32(upx->header.at + 28);
    uint8_t *p = code >= upx->rva ? memory_at(upx, code - upx->rva, size) : NULL;
    if (!upx->filter)
        return;
    if (!p || !upx_unfilter(upx->filter, upx->cto, p, size, code - upx->rva))
        unpack_gap(upx->unpack, bytes_of(""), GAP_UNSUPPORTED, "UPX filter 0x%02x",
                   upx->filter);
}

/* --- imports --- */

struct imports {
    struct pe_upx *upx;
    uint64_t list;         /* place in memory: the next of the list */
    uint64_t descriptor;   /* of the library at hand */
    uint64_t names, hints; /* where names of libraries and functions go; 0: they have a place */
    uint64_t hints_start;
    bytes import; /* the packed file's, where the libraries' names are */
};

/* Length of the text at a place in memory; SIZE_MAX for one that is none. */
static size_t text_length(const struct pe_upx *upx, uint64_t at)
{
    const uint8_t *p = memory_at(upx, at, 1);
    size_t most = p ? upx->size - (size_t)at : 0;
    size_t length = p ? strnlen((const char *)p, most < NAME_MAX ? most : NAME_MAX) : 0;
    return p && length < most && length < NAME_MAX ? length : SIZE_MAX;
}

static bytes library_name(const struct imports *in, uint32_t at)
{
    bytes name = bytes_slice(in->import, at, NAME_MAX);
    name.len = name.len ? strnlen((const char *)name.at, name.len) : 0;
    return name;
}

static bool put_memory(struct pe_upx *upx, uint64_t at, bytes data)
{
    uint8_t *p = memory_at(upx, at, data.len + 1);
    if (!p)
        return false;
    memmove(p, data.at, data.len);
    p[data.len] = 0;
    return true;
}

/* One function of the list: its address's slot. */
static bool rebuild_function(struct imports *in, uint64_t slot, unsigned word)
{
    struct pe_upx *upx = in->upx;
    uint8_t *p = memory_at(upx, in->list, 6), *to = memory_at(upx, slot, word);
    if (!p || !to)
        return false;
    if (p[0] == 0xff) {
        store(to, load_le16(p + 1) | UINT64_C(1) << (8 * word - 1), word);
        in->list += 3;
    } else if (p[0] != 1) {
        const bytes ordinal = bytes_slice(in->import, load_le32(p + 1), word);
        if (ordinal.len == word)
            memcpy(to, ordinal.at, word);
        in->list += 5;
    } else {
        size_t length = text_length(upx, in->list + 1);
        if (length == SIZE_MAX)
            return false;
        if (in->names && (in->hints - in->hints_start) & 1)
            in->hints--;
        uint64_t at = in->names ? in->hints : load_le32(to) - (uint64_t)upx->rva;
        if (!put_memory(upx, at + 2, (bytes){p + 1, length}))
            return false;
        if (in->names) {
            store(to, at + upx->rva, word);
            in->hints += 2 + length + 1;
        }
        in->list += length + 2;
    }
    return true;
}

static bool rebuild_library(struct imports *in)
{
    struct pe_upx *upx = in->upx;
    unsigned word = upx->image.is_64 ? 8 : 4;
    uint8_t *to = memory_at(upx, in->descriptor, 20);
    bytes name = library_name(in, memory32(upx, in->list));
    uint64_t slot = memory32(upx, in->list + 4);
    if (!to)
        return false;
    uint64_t at = in->names ? in->names : load_le32(to + 12) - (uint64_t)upx->rva;
    if (!put_memory(upx, at, name))
        return false;
    if (in->names) {
        store(to + 12, at + upx->rva, 4);
        in->names += name.len + 1;
    }
    store(to + 16, slot + upx->rva, 4);
    in->list += 8;
    for (const uint8_t *p; (p = memory_at(upx, in->list, 1)) && *p; slot += word)
        if (!rebuild_function(in, slot, word) || !budget_charge(upx->unpack->budget, 16))
            return false;
    uint8_t *last = memory_at(upx, slot, word);
    if (last)
        memset(last, 0, word);
    in->list++;
    in->descriptor += 20;
    return true;
}

/* Bytes of all libraries' names, as UPX adds them up. */
static uint64_t names_size(const struct imports *in)
{
    uint64_t list = in->list, size = 0;
    const uint8_t *p;
    while (memory32(in->upx, list)) {
        size += library_name(in, memory32(in->upx, list)).len + 1;
        for (list += 8; (p = memory_at(in->upx, list, 1)) && *p;) {
            size_t length = *p == 1 ? text_length(in->upx, list + 1) : 0;
            if (length == SIZE_MAX || !budget_charge(in->upx->unpack->budget, 16))
                return 0;
            list += *p == 1 ? length + 2 : *p == 0xff ? 3u : 5u;
        }
        list++;
    }
    return (size + 1) & ~UINT64_C(1);
}

static bool rebuild_imports(struct pe_upx *upx)
{
    uint32_t rva = header_directory(upx, PE_DIRECTORY_IMPORT, 0), at, size;
    if (rva < upx->rva || header_directory(upx, PE_DIRECTORY_IMPORT, 1) <= 20)
        return true;
    if (!pe_image_directory(&upx->image, PE_DIRECTORY_IMPORT, &at, &size))
        return false;
    struct imports in = {.upx = upx,
                         .list = memory32(upx, upx->extra),
                         .descriptor = rva - upx->rva,
                         .names = memory32(upx, upx->extra + 4)};
    int64_t import = pe_image_offset(&upx->image, at);
    upx->extra += 8;
    if (import < 0)
        return false;
    in.import = bytes_slice(upx->image.data, (size_t)import, upx->image.data.len);
    in.hints = in.hints_start = in.names + names_size(&in);
    while (memory32(upx, in.list))
        if (!rebuild_library(&in))
            return false;
    return true;
}

/* --- relocations: the addresses in code and data, not their table --- */

static bool rebuild_addresses(struct pe_upx *upx)
{
    unsigned word = upx->image.is_64 ? 8 : 4;
    uint64_t base =
        upx->image.is_64 ? load_le64(upx->header.at + 48) : load_le32(upx->header.at + 52);
    if (!header_directory(upx, 5, 0) || header_directory(upx, 5, 1) <= 8 ||
        load_le16(upx->header.at + 22) & RELOCS_STRIPPED)
        return true;
    uint64_t list = memory32(upx, upx->extra), place = UINT64_MAX - 3;
    const uint8_t *p;
    upx->extra += 5;
    while ((p = memory_at(upx, list, 8)) && *p) {
        uint64_t distance = *p;
        list++;
        if (*p >= 0xf0) {
            distance = (uint64_t)(*p & 15) << 16 | load_le16(p + 1);
            list += 2;
            if (distance == 0) {
                distance = load_le32(p + 3);
                list += 4;
            }
        }
        place += distance;
        uint8_t *at = memory_at(upx, place, word);
        if (distance < 4 || !at || !budget_charge(upx->unpack->budget, 4))
            return false;
        uint64_t value = word == 8 ? load_be64(at) : load_be32(at);
        store(at, value + base + upx->rva, word);
    }
    return p != NULL;
}

/* --- resources that were left unpacked: before each is its place in the original --- */

static void rebuild_resources(struct pe_upx *upx)
{
    bytes file = upx->image.data;
    struct pe_tree tree;
    uint32_t place, directory, ignored;
    if (!pe_image_directory(&upx->image, PE_DIRECTORY_RESOURCE, &directory, &ignored) ||
        !pe_tree_open(&upx->image, &tree))
        return;
    while (pe_tree_next(&tree, upx->unpack->budget)) {
        int64_t at = pe_image_offset(&upx->image, tree.rva);
        uint64_t size = ((uint64_t)tree.size + 3) & ~UINT64_C(3);
        if (tree.rva <= directory || at < 4 || !bytes_has(file, (uint64_t)at, size) ||
            !bytes_le32(file, (uint64_t)at - 4, &place) || place < upx->rva)
            continue;
        uint8_t *to = memory_at(upx, place - upx->rva, size);
        if (to && budget_charge(upx->unpack->budget, size / 4))
            memcpy(to, file.at + at, size);
    }
}

/* --- the file --- */

static bool put_file(struct pe_upx *upx)
{
    struct unpack *unpack = upx->unpack;
    unsigned header = upx->image.is_64 ? HEADER_64 : HEADER_32;
    uint32_t alignment = load_le32(upx->header.at + 60);
    if (!unpack_put(unpack, bytes_slice(upx->image.data, 0, upx->image.header)) ||
        !unpack_put(unpack, upx->header))
        return false;
    uint64_t written = upx->image.header + upx->header.len;
    for (size_t i = header; i + 40 <= upx->header.len; i += 40) {
        static const uint8_t zeros[4096];
        const uint8_t *s = upx->header.at + i;
        uint32_t rva = load_le32(s + 12), size = load_le32(s + 16), at = load_le32(s + 20);
        if (at == 0)
            continue;
        while (i == header && written < at && at - written < UNPACKED_MAX) {
            bytes pad = {zeros, sizeof zeros};
            if (at - written < sizeof zeros)
                pad.len = (size_t)(at - written);
            if (!unpack_put(unpack, pad))
                return false;
            written += pad.len;
        }
        if (alignment && alignment <= 0x10000)
            size = (size + alignment - 1) / alignment * alignment;
        bytes part = {upx->memory, upx->size};
        part = rva >= upx->rva ? bytes_slice(part, rva - upx->rva, size) : (bytes){NULL, 0};
        if (!unpack_put(unpack, part))
            return false;
        written += part.len;
    }
    return true;
}

static void open_memory(struct pe_upx *upx)
{
    struct unpack *unpack = upx->unpack;
    bool whole = true;
    if (!read_header(upx)) {
        unpack_gap(unpack, bytes_of("[upx]"), GAP_DAMAGED,
                   "no header of the original: its memory is examined as it is");
        if (!unpack_view(unpack, bytes_of("[upx]"), (bytes){upx->memory, upx->size}))
            return;
        return;
    }
    unfilter(upx);
    whole = rebuild_imports(upx) && rebuild_addresses(upx);
    rebuild_resources(upx);
    if (!unpack_begin(unpack, bytes_of("[upx]")))
        return;
    if (!whole)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its imports could not be put together");
    if (!put_file(upx) && unpack->run->stopped)
        return;
    if (!unpack_end(unpack))
        return;
}

void upx_pe_open(struct unpack *unpack)
{
    struct pe_upx upx = {.unpack = unpack};
    size_t wrote;
    if (!pe_image_open(unpack->data, &upx.image) ||
        !find_header(unpack->data, &upx.image, &upx.at))
        return;
    const uint8_t *p = unpack->data.at + upx.at;
    upx.method = p[6];
    upx.size = load_le32(p + 16);
    upx.packed = load_le32(p + 20);
    upx.filter = p[28];
    upx.cto = p[29];
    if (upx.size / RATIO > upx.packed + 4096 || upx.size > unpack->run->limits.one ||
        !budget_charge(unpack->budget, upx.size)) {
        unpack_gap(unpack, bytes_of("[upx]"), GAP_LIMIT, "unpacks to %u bytes", upx.size);
        return;
    }
    upx.memory = arena_push_raw(unpack->arena, upx.size);
    bytes in = bytes_slice(unpack->data, upx.at + PACK_HEADER, upx.packed);
    if (!upx.memory) {
        unpack_gap(unpack, bytes_of("[upx]"), GAP_LIMIT, "unpacks to %u bytes", upx.size);
        return;
    }
    if (!upx_decode(upx.method, in, upx.memory, upx.size, &wrote)) {
        unpack_gap(unpack, bytes_of("[upx]"), GAP_DAMAGED, "its packed data is damaged");
        if (!unpack_view(unpack, bytes_of("[upx]"), (bytes){upx.memory, wrote}))
            return;
        return;
    }
    open_memory(&upx);
}
