/* NTFS: "NTFS Documentation" (linux-ntfs project), [MS-FSCC] for names and tags.
 * ntfs_record.c reads the master file table. Every record in use is a file or a folder; its
 * paths follow from its names (attribute 30: 0 the parent's record, 64 length, 65 kind (2: for
 * DOS only), 66 the name), its contents are its streams (80), of which those with a name come
 * out as `file:stream`. A file with many attributes has a list of them (20): 0 type, 4 size,
 * 16 record, 24 id. */
#include "unpack/image/chunked.h"
#include "unpack/image/filesystem.h"
#include "unpack/image/ntfs/lznt.h"
#include "unpack/image/ntfs/ntfs_record.h"

#include <string.h>

enum {
    ROOT = 5,
    EXTEND = 11,
    FIRST_USER = 16, /* the records before describe the volume itself */
    FOLDERS = 1024,  /* remembered */
    NAME_MOST = 255 * 3,
    PATH_MOST = 4096,
    LIST_MOST = 1 << 20,
    UNIT_MOST = 64 << 10,
    OVERLAY_MOST = 256 << 20,
    NAMES_MOST = 64,
};

#define NUMBER_MASK UINT64_C(0xffffffffffff)
/* The overlay filter: the contents are in another stream, in chunks; 20 bytes after the tag is
 * how they are compressed. */
#define REPARSE_WOF UINT32_C(0x80000017)

struct folder {
    uint64_t number, parent; /* number + 1; 0: none */
    size_t len;
    uint8_t name[NAME_MOST];
};

struct name {
    uint64_t parent;
    bytes text; /* UTF-8 */
};

struct stream {
    bytes name; /* UTF-16 */
    uint16_t flags;
    unsigned unit;
    uint64_t size, written;
    bytes resident; /* .at NULL when its bytes are in runs */
    struct tree_file file;
    bool damaged;
};

/* One record and those that continue it. */
struct entry {
    VEC(struct stream) streams;
    VEC(struct name) names;
    bool overlay;
    uint32_t method; /* of the overlay filter */
};

struct walk {
    struct ntfs ntfs;
    struct folder *folders;
};

bool ntfs_fits(struct source *source)
{
    struct ntfs ntfs;
    return ntfs_record_boot(source, &ntfs);
}

static struct arena *arena_of(struct walk *walk)
{
    return walk->ntfs.tree->unpack->arena;
}

/* A name for people and Windows; false for one for DOS alone. */
static bool name_of(struct walk *walk, bytes value, struct name *ret)
{
    if (value.len < 66 || value.at[65] == 2)
        return false;
    ret->parent = load_le64(value.at) & NUMBER_MASK;
    ret->text =
        tree_utf16(walk->ntfs.tree, bytes_slice(value, 66, 2 * (size_t)value.at[64]), false);
    return ret->text.at != NULL;
}

static const struct folder *folder_of(struct walk *walk, uint64_t number)
{
    uint8_t record[NTFS_RECORD_MOST];
    struct ntfs_attribute attribute;
    struct name name;
    struct folder *slot = &walk->folders[number % FOLDERS];
    if (slot->number == number + 1)
        return slot;
    if (!ntfs_record_read(&walk->ntfs, number, record))
        return NULL;
    for (size_t at = 0; ntfs_record_next(&walk->ntfs, record, &at, &attribute);)
        if (attribute.type == NTFS_FILE_NAME && name_of(walk, attribute.value, &name)) {
            slot->number = number + 1;
            slot->parent = name.parent;
            slot->len = name.text.len;
            memcpy(slot->name, name.text.at, name.text.len);
            return slot;
        }
    return NULL;
}

static bool prepend(uint8_t *path, size_t *at, bytes name)
{
    if (*at < name.len + 1)
        return false;
    path[--*at] = '/';
    *at -= name.len;
    memcpy(path + *at, name.at, name.len);
    return true;
}

/* The path of a folder, '/' at its end. *ret_system: it is one of the volume's own. */
static bytes path_of(struct walk *walk, uint64_t number, bytes name, bool *ret_system)
{
    uint8_t path[PATH_MOST];
    size_t at = sizeof path;
    bool dollar = name.len && name.at[0] == '$', more = true;
    *ret_system = false;
    while (number != ROOT && more) {
        *ret_system |= number == EXTEND && dollar;
        const struct folder *folder = folder_of(walk, number);
        bytes part = folder ? (bytes){folder->name, folder->len} : bytes_of("?");
        more = prepend(path, &at, part) && folder;
        dollar = part.len && part.at[0] == '$';
        number = folder ? folder->parent : ROOT;
    }
    bytes ret = arena_copy(arena_of(walk), (bytes){path + at, sizeof path - at});
    return ret.at ? ret : bytes_of("");
}

static struct stream *stream_of(struct walk *walk, struct entry *entry, bytes name)
{
    for (uint32_t i = 0; i < entry->streams.n; i++)
        if (bytes_equal(entry->streams.at[i].name, name))
            return &entry->streams.at[i];
    struct stream *stream = vec_push(arena_of(walk), &entry->streams);
    if (stream)
        stream->name = arena_copy(arena_of(walk), name);
    return stream;
}

static void add_data(struct walk *walk, struct entry *entry, const struct ntfs_attribute *from)
{
    struct stream *stream = stream_of(walk, entry, from->name);
    if (!stream)
        return;
    if (from->resident) {
        stream->resident = arena_copy(arena_of(walk), from->value);
        stream->size = from->size;
        stream->damaged |= from->value.len < from->size;
        return;
    }
    if (from->first == 0) {
        stream->size = from->size;
        stream->written = from->written;
        stream->unit = from->unit;
        stream->flags = from->flags;
    }
    if (from->first * walk->ntfs.cluster != stream->file.size) {
        stream->damaged |= !stream->file.enough;
        return;
    }
    stream->damaged |= !ntfs_record_runs(&walk->ntfs, from->value, &stream->file);
}

static void add_attribute(struct walk *walk, struct entry *entry,
                          const struct ntfs_attribute *attribute)
{
    if (attribute->type == NTFS_DATA) {
        add_data(walk, entry, attribute);
    } else if (attribute->type == NTFS_REPARSE && attribute->value.len >= 4) {
        entry->overlay |= attribute->resident && load_le32(attribute->value.at) == REPARSE_WOF;
        entry->method = attribute->value.len >= 24 ? load_le32(attribute->value.at + 20) : 99;
    } else if (attribute->type == NTFS_FILE_NAME && entry->names.n < NAMES_MOST) {
        struct name name, *slot;
        if (name_of(walk, attribute->value, &name) &&
            (slot = vec_push(arena_of(walk), &entry->names)))
            *slot = name;
    }
}

/* Attributes that are in other records. */
static void add_listed(struct walk *walk, struct entry *entry, uint64_t base, bytes list)
{
    uint8_t record[NTFS_RECORD_MOST];
    struct ntfs_attribute attribute;
    uint64_t loaded = base;
    for (size_t at = 0; bytes_has(list, at, 26) && load_le16(list.at + at + 4) >= 26;
         at += load_le16(list.at + at + 4)) {
        const uint8_t *item = list.at + at;
        uint64_t number = load_le64(item + 16) & NUMBER_MASK;
        if (number == base || !budget_charge(walk->ntfs.tree->unpack->budget, 8))
            continue;
        if (number != loaded && (!ntfs_record_read(&walk->ntfs, number, record) ||
                                 (load_le64(record + 32) & NUMBER_MASK) != base)) {
            walk->ntfs.damaged++;
            loaded = base;
            continue;
        }
        loaded = number;
        for (size_t next = 0; ntfs_record_next(&walk->ntfs, record, &next, &attribute);)
            if (attribute.id == load_le16(item + 24) && attribute.type == load_le32(item))
                add_attribute(walk, entry, &attribute);
    }
}

static void entry_read(struct walk *walk, uint64_t number, const uint8_t *record,
                       struct entry *entry)
{
    struct ntfs_attribute attribute;
    bytes list = {NULL, 0};
    for (size_t at = 0; ntfs_record_next(&walk->ntfs, record, &at, &attribute);) {
        if (attribute.type != NTFS_ATTRIBUTE_LIST) {
            add_attribute(walk, entry, &attribute);
            continue;
        }
        struct tree_file runs = {.size = 0};
        list = attribute.value;
        if (!attribute.resident) {
            bool fine = ntfs_record_runs(&walk->ntfs, list, &runs);
            list = tree_content(walk->ntfs.tree, &runs, attribute.size, LIST_MOST);
            walk->ntfs.damaged += !fine || list.len < attribute.size;
        }
    }
    add_listed(walk, entry, number, list);
}

/* The runs of a compressed stream, unit by unit. */
struct units {
    const struct tree_file *file;
    struct tree_run rest;
    uint32_t next;
};

/* What of the next unit lies somewhere, copied; *ret_hole: not all of it does. False when it is
 * damaged, or there is none. */
static bool unit_read(struct walk *walk, struct units *units, uint8_t *to, size_t unit,
                      size_t *ret_len, bool *ret_hole)
{
    size_t got = 0;
    *ret_len = 0;
    *ret_hole = false;
    while (got < unit) {
        if (units->rest.len == 0) {
            if (units->next >= units->file->runs.n)
                break;
            units->rest = units->file->runs.at[units->next++];
        }
        struct tree_run *run = &units->rest;
        size_t n = run->len < unit - got ? (size_t)run->len : unit - got;
        *ret_hole |= run->hole;
        if (!run->hole) {
            if (!source_copy(walk->ntfs.tree->source, run->at, to + *ret_len, n))
                return false;
            *ret_len += n;
        }
        run->at += n;
        run->len -= n;
        got += n;
    }
    return got > 0;
}

/* A unit without a hole is as it stands, with nothing else it is zeros, with both compressed.
 */
static void put_compressed(struct walk *walk, struct stream *stream)
{
    struct tree *tree = walk->ntfs.tree;
    struct unpack *unpack = tree->unpack;
    struct units units = {.file = &stream->file};
    uint8_t packed[UNIT_MOST];
    size_t unit = (size_t)walk->ntfs.cluster << stream->unit, len, room, wrote = 0;
    bool hole, fine = true;
    for (uint64_t left = stream->size; left && fine;) {
        size_t want = left < unit ? (size_t)left : unit;
        fine = unit_read(walk, &units, packed, unit, &len, &hole);
        left -= want;
        if (fine && len == 0) {
            if (!tree_put(tree, 0, want, true))
                return;
        } else if (fine && !hole) {
            if (!unpack_put(unpack, bytes_slice((bytes){packed, len}, 0, want)) || unpack->full)
                return;
        } else if (fine) {
            uint8_t *out = unpack_room(unpack, &room);
            if (!out)
                return;
            fine = lznt_decode((bytes){packed, len}, out, want, &wrote);
            memset(out + wrote, 0, fine ? want - wrote : 0);
            if (!unpack_wrote(unpack, fine ? want : wrote))
                return;
        }
    }
    if (!fine && !unpack->run->stopped)
        unpack_gap(unpack, unpack->child_name, GAP_DAMAGED,
                   "a unit of it cannot be decompressed");
}

/* Bytes after what was written read as zeros. */
static struct tree_file written_part(struct tree *tree, const struct stream *stream)
{
    struct tree_file file = {.size = 0};
    const struct tree_file *all = &stream->file;
    bool more = true;
    for (uint32_t i = 0; more && i < all->runs.n && file.size < stream->written; i++) {
        const struct tree_run *run = &all->runs.at[i];
        uint64_t left = stream->written - file.size;
        more = tree_run(tree, &file, run->at, run->len < left ? run->len : left, run->hole);
    }
    if (more && file.size == stream->written && stream->size > file.size)
        more = tree_run(tree, &file, 0, stream->size - file.size, true);
    return file;
}

static void show_stream(struct walk *walk, bytes name, struct stream *stream)
{
    struct tree *tree = walk->ntfs.tree;
    size_t unit = (size_t)walk->ntfs.cluster << (stream->unit < 16 ? stream->unit : 16);
    if (stream->damaged)
        tree_gap(tree, name, GAP_DAMAGED, "its list of clusters is damaged");
    if (stream->flags & NTFS_ENCRYPTED) {
        tree_gap(tree, name, GAP_ENCRYPTED, "encrypted by the file system");
    } else if (stream->resident.at) {
        if (stream->resident.len)
            tree_emit_bytes(tree, name, stream->resident);
    } else if (!(stream->flags & NTFS_COMPRESSED) || !stream->unit) {
        if (stream->written < stream->size) {
            struct tree_file file = written_part(tree, stream);
            tree_emit(tree, name, &file, stream->size);
        } else {
            tree_emit(tree, name, &stream->file, stream->size);
        }
    } else if ((stream->flags & NTFS_COMPRESSED) != 1 || unit > UNIT_MOST) {
        tree_gap(tree, name, GAP_UNSUPPORTED, "an unknown compression of the file system");
    } else if (!unpack_begin(tree->unpack, tree_path(tree, name))) {
        tree->stopped = true;
    } else {
        put_compressed(walk, stream);
        tree->stopped |= !unpack_end(tree->unpack);
    }
}

static bool is_overlay_data(bytes name)
{
    static const char text[] = "WofCompressedData";
    bool same = name.len == 2 * (sizeof text - 1);
    for (size_t i = 0; same && i < sizeof text - 1; i++)
        same = load_le16(name.at + 2 * i) == (uint8_t)text[i];
    return same;
}

/* What lies beneath the filter is holes, unless someone hides something there. */
static bool has_bytes(const struct stream *stream)
{
    bool ret = stream->resident.len > 0;
    for (uint32_t i = 0; i < stream->file.runs.n; i++)
        ret |= !stream->file.runs.at[i].hole;
    return ret;
}

/* A file whose contents the overlay filter keeps in another stream. */
static void show_overlay(struct walk *walk, struct entry *entry, bytes name, uint64_t size)
{
    static const uint32_t chunks[] = {4096, LZX_CHUNK, 8192, 16384};
    struct tree *tree = walk->ntfs.tree;
    struct chunked chunked = {.size = size, .is_lzx = entry->method == 1};
    for (uint32_t i = 0; i < entry->streams.n; i++) {
        struct stream *stream = &entry->streams.at[i];
        if (is_overlay_data(stream->name) && !(stream->flags & NTFS_COMPRESSED))
            chunked.packed = stream->resident.at ? stream->resident
                                                 : tree_content(tree, &stream->file,
                                                                stream->size, OVERLAY_MOST);
    }
    chunked.state = PUSH(arena_of(walk), struct lzx);
    if (entry->method >= COUNT(chunks) || !chunked.packed.at || !chunked.state) {
        tree_gap(tree, name, GAP_UNSUPPORTED, "compressed by the Windows overlay filter");
        return;
    }
    chunked.chunk = chunks[entry->method];
    if (!unpack_begin(tree->unpack, tree_path(tree, name))) {
        tree->stopped = true;
        return;
    }
    chunked_put(&chunked, tree->unpack);
    tree->stopped |= !unpack_end(tree->unpack);
}

static void show_entry(struct walk *walk, struct entry *entry, const struct name *name)
{
    struct tree *tree = walk->ntfs.tree;
    for (uint32_t i = 0; i < entry->streams.n && !tree->stopped; i++) {
        struct stream *stream = &entry->streams.at[i];
        bytes full = name->text;
        if (entry->overlay && is_overlay_data(stream->name))
            continue;
        if (stream->name.len) {
            bytes text = tree_utf16(tree, stream->name, false);
            full =
                arena_printf(arena_of(walk), "%.*s:%.*s", (int)name->text.len,
                             (const char *)name->text.at, (int)text.len, (const char *)text.at);
        } else if (entry->overlay && stream->size) {
            show_overlay(walk, entry, full, stream->size);
            if (!has_bytes(stream))
                continue;
        }
        show_stream(walk, full, stream);
    }
}

static void show_record(struct walk *walk, uint64_t number)
{
    uint8_t record[NTFS_RECORD_MOST];
    struct entry entry = {.overlay = false};
    struct tree *tree = walk->ntfs.tree;
    record[0] = 0;
    if (!ntfs_record_read(&walk->ntfs, number, record)) {
        walk->ntfs.damaged += memcmp(record, "FILE", 4) == 0 || memcmp(record, "BAAD", 4) == 0;
        return;
    }
    if (!(load_le16(record + 22) & 1) || load_le64(record + 32) & NUMBER_MASK)
        return;
    entry_read(walk, number, record, &entry);
    if (number == ROOT)
        entry.names.n = 0;
    struct name nameless = {ROOT, bytes_of("")};
    for (uint32_t i = 0; i < entry.names.n || i == 0; i++) {
        const struct name *name = entry.names.n ? &entry.names.at[i] : &nameless;
        bool system;
        tree->path = path_of(walk, name->parent, name->text, &system);
        if (!system && !tree->stopped)
            show_entry(walk, &entry, name);
    }
    tree->path = bytes_of("");
}

void ntfs_walk(struct tree *tree)
{
    struct walk walk = {.ntfs = {.records = 0}};
    if (!ntfs_record_boot(tree->source, &walk.ntfs))
        return;
    walk.ntfs.tree = tree;
    walk.folders = PUSH_ARRAY(arena_of(&walk), struct folder, FOLDERS);
    if (!walk.folders || !ntfs_record_table(&walk.ntfs)) {
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the master file table cannot be read");
        return;
    }
    if (walk.ntfs.records * walk.ntfs.record_size < walk.ntfs.mft.size / 2)
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "goes beyond the end of the image");
    for (uint64_t i = ROOT; i < walk.ntfs.records && !tree->stopped; i++) {
        if (i != ROOT && i < FIRST_USER)
            continue;
        if (tree->unpack->run->stopped || !budget_charge(tree->unpack->budget, 16))
            return;
        struct arena_mark mark = arena_mark(arena_of(&walk));
        show_record(&walk, i);
        arena_pop(arena_of(&walk), mark);
    }
    if (walk.ntfs.damaged)
        unpack_gap(tree->unpack, tree->prefix, GAP_DAMAGED,
                   "%llu records of the master file table are damaged",
                   (unsigned long long)walk.ntfs.damaged);
}
