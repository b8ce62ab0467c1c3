/* Windows images ([MS-WIM]; wimlib's source documents what it leaves out), little endian.
 *     0 "MSWIM\0\0\0", 16 flags (20000 XPRESS, 40000 LZX, 80000 LZMS), 20 size of a chunk, 44
 *     images, 48 table of streams
 *     resource: 0 size (7 bytes), 7 flags (2 metadata, 4 compressed, 10 solid), 8 where, 16
 * size decoded stream: resource, 26 references, 30 SHA-1; in all 50 bytes compressed: where
 * each chunk but the first begins, counted from the end of this list An image's folders are a
 * stream of their own, after its security data (0 size): entries up to one of size 0: 0 size, 8
 * attributes (10 folder), 16 folder's entries, 64 SHA-1, 96 further streams, 100 size of the
 * name, 102 name (UTF-16); further streams follow: 0 size, 16 SHA-1, 36 size of the name, 38
 * name */
#include "unpack/image/wim.h"

#include "unpack/image/chunked.h"
#include "unpack/image/tree.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEADER = 208,
    STREAM = 50,
    SHA1 = 20,
    ENTRY = 102,
    EXTRA = 38,
    STREAMS_MOST = 1 << 24,
    METADATA_MOST = 256 << 20,
    FLAG_XPRESS = 0x20000,
    FLAG_LZX = 0x40000,
    RESOURCE_METADATA = 2,
    RESOURCE_COMPRESSED = 4,
    RESOURCE_SOLID = 16,
    ATTRIBUTE_FOLDER = 0x10,
    ATTRIBUTE_REPARSE = 0x400,
};

struct stream_entry {
    uint8_t sum[SHA1];
    uint64_t size, at, decoded;
    unsigned flags, image; /* that it was shown in; 0: none */
};

struct wim {
    struct tree tree;
    struct unpack *unpack;
    bytes file;
    uint32_t flags, chunk, count;
    struct stream_entry *streams; /* by sum */
    struct lzx *lzx;
    unsigned image;
};

static struct stream_entry resource_read(const uint8_t *raw)
{
    return (struct stream_entry){.size = load_le64(raw) & UINT64_C(0xffffffffffffff),
                                 .flags = raw[7],
                                 .at = load_le64(raw + 8),
                                 .decoded = load_le64(raw + 16)};
}

static struct chunked chunked_of(struct wim *wim, const struct stream_entry *from)
{
    bytes packed = {NULL, 0};
    if (bytes_has(wim->file, from->at, from->size))
        packed = bytes_slice(wim->file, (size_t)from->at, (size_t)from->size);
    return (struct chunked){.packed = packed,
                            .size = from->decoded,
                            .chunk = wim->chunk,
                            .is_lzx = wim->flags & FLAG_LZX,
                            .state = wim->lzx};
}

static bool can_decode(struct wim *wim, const struct stream_entry *from, bytes name)
{
    if (from->flags & RESOURCE_SOLID)
        unpack_gap(wim->unpack, name, GAP_UNSUPPORTED, "a solid resource of a Windows image");
    else if ((from->flags & RESOURCE_COMPRESSED) && !(wim->flags & (FLAG_XPRESS | FLAG_LZX)))
        unpack_gap(wim->unpack, name, GAP_UNSUPPORTED, "compressed with LZMS");
    else
        return true;
    return false;
}

static bool show_stream(struct wim *wim, bytes name, struct stream_entry *from)
{
    struct unpack *unpack = wim->unpack;
    bytes path = tree_path(&wim->tree, name);
    if (from->image && from->image != wim->image)
        return true;
    from->image = wim->image;
    if (!can_decode(wim, from, path))
        return true;
    if (!(from->flags & RESOURCE_COMPRESSED)) {
        if (!bytes_has(wim->file, from->at, from->decoded))
            unpack_gap(unpack, path, GAP_DAMAGED, "goes beyond the end of the image");
        bytes part = from->at < wim->file.len
                         ? bytes_slice(wim->file, (size_t)from->at, (size_t)from->decoded)
                         : (bytes){NULL, 0};
        return tree_emit_bytes(&wim->tree, name, part);
    }
    if (!unpack_begin(unpack, path))
        return false;
    struct chunked chunked = chunked_of(wim, from);
    chunked_put(&chunked, unpack);
    return unpack_end(unpack);
}

static int stream_order(const void *a, const void *b)
{
    return memcmp(a, b, SHA1);
}

/* `link`: what it holds is where a link leads. */
static void show_sum(struct wim *wim, bytes name, const uint8_t *sum, bool link)
{
    static const uint8_t none[SHA1];
    struct arena_mark mark = arena_mark(wim->unpack->arena);
    if (memcmp(sum, none, SHA1) == 0)
        return;
    struct stream_entry wanted = {.size = 0}, *found;
    memcpy(wanted.sum, sum, SHA1);
    found = bsearch(&wanted, wim->streams, wim->count, sizeof wanted, stream_order);
    if (found && link)
        found->image = found->image ? found->image : wim->image;
    else if (!found)
        tree_gap(&wim->tree, name, GAP_DAMAGED, "its contents are not in this file");
    else if (!show_stream(wim, name, found))
        wim->tree.stopped = true;
    arena_pop(wim->unpack->arena, mark);
}

/* One entry with its further streams; its size in all, 0 at the end or when damaged. */
static size_t show_entry(struct wim *wim, bytes data, size_t at)
{
    struct tree *tree = &wim->tree;
    uint64_t size = 0;
    if (!bytes_le64(data, at, &size) || size < ENTRY || !bytes_has(data, at, size))
        return 0;
    const uint8_t *entry = data.at + at;
    bytes raw = bytes_slice(bytes_slice(data, at, (size_t)size), ENTRY, load_le16(entry + 100));
    bytes name = tree_utf16(tree, raw, false);
    uint64_t folder = load_le64(entry + 16);
    bool link = load_le32(entry + 8) & ATTRIBUTE_REPARSE;
    size_t end = ((size_t)size + 7) & ~(size_t)7;
    if (load_le32(entry + 8) & ATTRIBUTE_FOLDER) {
        if (folder)
            tree_add(tree, folder, 0, name);
    } else {
        show_sum(wim, name, entry + 64, link);
    }
    for (unsigned n = load_le16(entry + 96); n > 0 && !tree->stopped; n--) {
        uint64_t extra = 0;
        if (!bytes_le64(data, at + end, &extra) || extra < EXTRA ||
            !bytes_has(data, at + end, extra))
            return 0;
        const uint8_t *stream = data.at + at + end;
        raw = bytes_slice(bytes_slice(data, at + end, (size_t)extra), EXTRA,
                          load_le16(stream + 36));
        bytes text = tree_utf16(tree, raw, false);
        text =
            arena_printf(wim->unpack->arena, "%.*s%s%.*s", (int)name.len, (const char *)name.at,
                         text.len ? ":" : "", (int)text.len, (const char *)text.at);
        show_sum(wim, text, stream + 16, link && !load_le16(stream + 36));
        end += ((size_t)extra + 7) & ~(size_t)7;
    }
    return end;
}

static void show_image(struct wim *wim, bytes data)
{
    uint32_t security;
    struct tree_folder folder;
    struct tree *tree = &wim->tree;
    uint64_t root;
    if (!bytes_le32(data, 0, &security))
        return;
    security = security < 8 ? 8 : (security + 7) & ~7u;
    if (!bytes_le64(data, (uint64_t)security + 16, &root)) {
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the root folder cannot be read");
        return;
    }
    tree->path = bytes_of("");
    tree_add(tree, root, 0, bytes_of(""));
    while (tree_next(tree, &folder)) {
        size_t at = (size_t)folder.id, size;
        while (!tree->stopped && budget_charge(wim->unpack->budget, 16) &&
               (size = show_entry(wim, data, at)) != 0)
            at += size;
        uint64_t last = 1;
        if (!tree->stopped && (!bytes_le64(data, at, &last) || last > 8))
            tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the folder is damaged");
    }
}

/* A stream of metadata, decoded in the arena. */
static bytes metadata_read(struct wim *wim, const struct stream_entry *from)
{
    bytes none = {NULL, 0};
    if (!(from->flags & RESOURCE_COMPRESSED))
        return bytes_has(wim->file, from->at, from->decoded)
                   ? bytes_slice(wim->file, (size_t)from->at, (size_t)from->decoded)
                   : none;
    uint8_t *out = from->decoded <= METADATA_MOST
                       ? arena_push_raw(wim->unpack->arena, (size_t)from->decoded + 1)
                       : NULL;
    struct chunked chunked = chunked_of(wim, from);
    for (uint64_t at = 0, n = 0; out && at < from->decoded; at += wim->chunk, n++) {
        uint64_t left = from->decoded - at;
        if (!budget_charge(wim->unpack->budget, wim->chunk / 4) ||
            !chunked_decode(&chunked, n, out + at,
                            left < wim->chunk ? (size_t)left : wim->chunk))
            return none;
    }
    return out ? (bytes){out, (size_t)from->decoded} : none;
}

/* Streams that hold files go to the table, those of metadata to the front of it, in order. */
static bool read_streams(struct wim *wim, struct stream_entry **ret_images, uint32_t *ret_count)
{
    struct stream_entry table = resource_read(wim->file.at + 48);
    uint64_t count = table.decoded / STREAM;
    *ret_count = 0;
    if ((table.flags & RESOURCE_COMPRESSED) || count > STREAMS_MOST ||
        !bytes_has(wim->file, table.at, table.decoded))
        return false;
    wim->streams = PUSH_ARRAY(wim->unpack->arena, struct stream_entry, (size_t)count + 1);
    *ret_images = PUSH_ARRAY(wim->unpack->arena, struct stream_entry, (size_t)count + 1);
    if (!wim->streams || !*ret_images || !budget_charge(wim->unpack->budget, count * 16))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *raw = wim->file.at + table.at + i * STREAM;
        struct stream_entry entry = resource_read(raw);
        memcpy(entry.sum, raw + 30, SHA1);
        if (entry.flags & RESOURCE_METADATA)
            (*ret_images)[(*ret_count)++] = entry;
        else
            wim->streams[wim->count++] = entry;
    }
    qsort(wim->streams, wim->count, sizeof *wim->streams, stream_order);
    return true;
}

void wim_open(struct unpack *unpack)
{
    struct source source = source_flat(unpack->data, unpack->budget);
    struct wim wim = {
        .unpack = unpack, .file = unpack->data, .tree = {.unpack = unpack, .source = &source}};
    struct stream_entry *images;
    uint32_t count;
    bool fine = bytes_has(wim.file, 0, HEADER);
    if (fine) {
        wim.flags = load_le32(wim.file.at + 16);
        wim.chunk = load_le32(wim.file.at + 20);
        wim.chunk = wim.chunk ? wim.chunk : LZX_CHUNK;
    }
    wim.lzx = PUSH(unpack->arena, struct lzx);
    if (!fine || !wim.lzx || wim.chunk > 65536 || wim.chunk < 512 ||
        !read_streams(&wim, &images, &count)) {
        bool known = fine && wim.chunk > 65536 && !(wim.flags & (FLAG_XPRESS | FLAG_LZX));
        unpack_gap(unpack, bytes_of(""), known ? GAP_UNSUPPORTED : GAP_DAMAGED,
                   known ? "compressed with LZMS" : "the table of streams cannot be read");
        return;
    }
    for (uint32_t i = 0; i < count && !wim.tree.stopped; i++) {
        bytes prefix = arena_printf(unpack->arena, "image %u/", i + 1);
        wim.image = i + 1;
        wim.tree = (struct tree){.unpack = unpack,
                                 .source = &source,
                                 .prefix = count > 1 ? prefix : bytes_of(""),
                                 .shown = wim.tree.shown};
        bytes data = can_decode(&wim, &images[i], prefix) ? metadata_read(&wim, &images[i])
                                                          : (bytes){NULL, 0};
        if (data.at)
            show_image(&wim, data);
        else
            tree_gap(&wim.tree, bytes_of(""), GAP_DAMAGED, "the folders cannot be read");
    }
    /* What no folder names. */
    wim.tree.prefix = wim.tree.path = bytes_of("");
    for (uint32_t i = 0; i < wim.count && !wim.tree.stopped && !unpack->run->stopped; i++)
        if (!wim.streams[i].image &&
            !show_stream(&wim, arena_printf(unpack->arena, "[stream %u]", i + 1),
                         &wim.streams[i]))
            return;
}
