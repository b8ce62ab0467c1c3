/* HFS+ and HFSX (Apple Technical Note TN1150), big endian.
 *     header at 1024: 0 "H+" or "HX", 40 size of a block, 192 extents, 272 catalog
 *     fork: 0 size, 16 eight extents: 0 first block, 4 how many; the others are in the tree of
 * extents tree: nodes; 0 next, 8 kind (-1 leaf), 10 records, whose places are at the node's
 * end; the first holds 16 root, 24 first leaf, 32 size of a node catalog: key: 0 size, 2
 * parent, 6 length of the name, 8 name (UTF-16); data: 0 kind; 1 folder: 8 its number; 2 file:
 * 8 number, 41 flags (20: compressed), 88 data, 168 resources extents: key: 0 size, 2 fork (ff:
 * resources), 4 number, 8 block of the fork; data: eight An HFS+ volume may lie in one of HFS:
 * 0 "BD", 20 size of a block, 28 where blocks begin, 124 "H+", 126 its first block. */
#include "unpack/image/filesystem.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEADER = 1024,
    FORK = 80,
    EXTENTS = 8,
    DEPTH_MOST = 128,
    PATH_MOST = 4096,
    ROOT = 2,
    COMPRESSED = 0x20,
    KIND_FOLDER = 1,
    KIND_FILE = 2,
    FORK_RESOURCES = 0xff,
};

struct extents {
    uint64_t key; /* fork and number of the file */
    uint32_t block;
    uint8_t raw[EXTENTS * 8];
};

struct folder {
    uint32_t number, parent;
    bytes name; /* UTF-16 */
};

struct hfs {
    struct tree *tree;
    struct source *source;
    uint32_t block;
    VEC(struct extents) extents;
    VEC(struct folder) folders;
};

/* A tree of records, read leaf by leaf. */
struct leaves {
    struct tree_file file;
    uint32_t node_size, next;
    uint64_t left; /* nodes that may still be read */
    uint8_t *node;
    unsigned record;
};

static bool header_read(struct source *source, uint8_t ret[static 512])
{
    return source_copy(source, HEADER, ret, 512) &&
           (memcmp(ret, "H+\0\4", 4) == 0 || memcmp(ret, "HX\0\5", 4) == 0);
}

/* Where the volume begins; false when there is none. */
static bool volume_find(struct source *source, struct source *ret, uint8_t header[static 512])
{
    *ret = *source;
    if (header_read(source, header))
        return true;
    if (memcmp(header, "BD", 2) != 0 || memcmp(header + 124, "H+", 2) != 0)
        return false;
    uint64_t from = (uint64_t)load_be16(header + 28) * 512 +
                    (uint64_t)load_be16(header + 126) * load_be32(header + 20);
    *ret = source_part(source, from, UINT64_MAX / 2);
    return header_read(ret, header);
}

bool hfs_fits(struct source *source)
{
    struct source volume;
    uint8_t header[512] = {0};
    return volume_find(source, &volume, header);
}

static bool add_extents(struct hfs *hfs, const uint8_t *raw, struct tree_file *file)
{
    for (size_t i = 0; i < EXTENTS; i++, raw += 8)
        if (!tree_run(hfs->tree, file, (uint64_t)load_be32(raw) * hfs->block,
                      (uint64_t)load_be32(raw + 4) * hfs->block, false))
            return false;
    return true;
}

/* The fork of a file, or of the catalog; `file` 0: no more than its eight extents. */
static struct tree_file fork_read(struct hfs *hfs, const uint8_t *raw, uint32_t file,
                                  uint8_t fork)
{
    struct tree_file ret = {.size = 0};
    uint64_t key = (uint64_t)fork << 32 | file, size = load_be64(raw);
    bool more = add_extents(hfs, raw + 16, &ret);
    size_t low = 0, high = file ? hfs->extents.n : 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (hfs->extents.at[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    for (; more && file && ret.size < size && low < hfs->extents.n; low++) {
        const struct extents *extents = &hfs->extents.at[low];
        if (extents->key != key || (uint64_t)extents->block * hfs->block != ret.size)
            break;
        more = add_extents(hfs, extents->raw, &ret);
    }
    return ret;
}

/* Reads part of a file that lies in runs. */
static bool file_read(struct hfs *hfs, const struct tree_file *file, uint64_t at, uint8_t *to,
                      size_t size)
{
    for (uint32_t i = 0; i < file->runs.n && size; i++) {
        const struct tree_run *run = &file->runs.at[i];
        if (at >= run->len) {
            at -= run->len;
            continue;
        }
        size_t n = run->len - at < size ? (size_t)(run->len - at) : size;
        if (!source_copy(hfs->source, run->at + at, to, n))
            return false;
        to += n;
        size -= n;
        at = 0;
    }
    return size == 0;
}

static bool node_read(struct hfs *hfs, struct leaves *leaves)
{
    leaves->record = 0;
    return leaves->next && leaves->left-- > 0 &&
           budget_charge(hfs->tree->unpack->budget, leaves->node_size / 16) &&
           file_read(hfs, &leaves->file, (uint64_t)leaves->next * leaves->node_size,
                     leaves->node, leaves->node_size) &&
           leaves->node[8] == 0xff;
}

/* False when the tree cannot be read; one without leaves is fine. */
static bool leaves_open(struct hfs *hfs, const uint8_t *fork, uint32_t number,
                        struct leaves *ret)
{
    uint8_t head[64];
    *ret = (struct leaves){.file = fork_read(hfs, fork, number, 0)};
    if (!file_read(hfs, &ret->file, 0, head, sizeof head))
        return false;
    ret->node_size = load_be16(head + 32);
    ret->next = load_be32(head + 24);
    if (ret->node_size < 512 || (ret->node_size & (ret->node_size - 1)))
        return false;
    ret->left = ret->file.size / ret->node_size;
    ret->node = arena_push(hfs->tree->unpack->arena, ret->node_size);
    return ret->node && (ret->next == 0 || node_read(hfs, ret));
}

/* The next record: key with its size, and data. False at the end; *ret_damaged then says
 * whether it is too early. */
static bool leaves_next(struct hfs *hfs, struct leaves *leaves, bytes *ret_key, bytes *ret_data,
                        bool *ret_damaged)
{
    *ret_damaged = false;
    if (leaves->next == 0)
        return false;
    while (leaves->record >= load_be16(leaves->node + 10)) {
        leaves->next = load_be32(leaves->node);
        if (leaves->next == 0)
            return false;
        if (!node_read(hfs, leaves)) {
            *ret_damaged = true;
            return false;
        }
    }
    bytes node = {leaves->node, leaves->node_size};
    size_t slot = 2 * (size_t)++leaves->record;
    *ret_damaged = true;
    if (slot + 2 > node.len)
        return false;
    uint32_t from = load_be16(node.at + node.len - slot);
    if (!bytes_has(node, from, 2))
        return false;
    size_t key = 2 + (size_t)load_be16(node.at + from);
    if (!bytes_has(node, from, key))
        return false;
    *ret_key = bytes_slice(node, from, key);
    *ret_data = bytes_slice(node, from + (key + 1) / 2 * 2, node.len);
    *ret_damaged = false;
    return true;
}

static bool read_extents(struct hfs *hfs, const uint8_t *fork)
{
    struct leaves leaves;
    bytes key, data;
    bool damaged = true;
    if (load_be64(fork) == 0)
        return true;
    if (!leaves_open(hfs, fork, 0, &leaves))
        return false;
    while (leaves_next(hfs, &leaves, &key, &data, &damaged)) {
        if (key.len < 12 || data.len < EXTENTS * 8)
            return false;
        struct extents *slot = vec_push(hfs->tree->unpack->arena, &hfs->extents);
        if (!slot)
            return false;
        slot->key = (uint64_t)key.at[2] << 32 | load_be32(key.at + 4);
        slot->block = load_be32(key.at + 8);
        memcpy(slot->raw, data.at, EXTENTS * 8);
        if (hfs->extents.n > 1 && slot->key < slot[-1].key)
            return false;
    }
    return !damaged;
}

static bytes key_name(bytes key)
{
    return key.len < 8 ? (bytes){NULL, 0}
                       : bytes_slice(key, 8, 2 * (size_t)load_be16(key.at + 6));
}

static int folder_order(const void *a, const void *b)
{
    const struct folder *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static bool read_folders(struct hfs *hfs, const uint8_t *fork)
{
    struct leaves leaves;
    bytes key, data;
    bool damaged = true;
    struct arena *arena = hfs->tree->unpack->arena;
    if (!leaves_open(hfs, fork, 4, &leaves))
        return false;
    while (leaves_next(hfs, &leaves, &key, &data, &damaged)) {
        if (key.len < 8 || data.len < 12 || load_be16(data.at) != KIND_FOLDER)
            continue;
        struct folder *folder = vec_push(arena, &hfs->folders);
        bytes name = arena_copy(arena, key_name(key));
        if (!folder || !name.at)
            return false;
        *folder = (struct folder){load_be32(data.at + 8), load_be32(key.at + 2), name};
    }
    if (hfs->folders.n)
        qsort(hfs->folders.at, hfs->folders.n, sizeof *hfs->folders.at, folder_order);
    return !damaged;
}

/* The path of a folder, in the arena. */
static bytes path_of(struct hfs *hfs, uint32_t number)
{
    uint8_t path[PATH_MOST];
    size_t at = sizeof path;
    struct tree *tree = hfs->tree;
    for (unsigned depth = 0; number != ROOT && depth < DEPTH_MOST; depth++) {
        struct folder wanted = {.number = number}, *folder = NULL;
        if (hfs->folders.n)
            folder =
                bsearch(&wanted, hfs->folders.at, hfs->folders.n, sizeof wanted, folder_order);
        bytes name = folder ? tree_utf16(tree, folder->name, true) : bytes_of("?");
        if (at < name.len + 1 || !budget_charge(tree->unpack->budget, 8))
            break;
        path[--at] = '/';
        at -= name.len;
        if (name.len)
            memcpy(path + at, name.at, name.len);
        if (!folder)
            break;
        number = folder->parent;
    }
    bytes ret = arena_copy(tree->unpack->arena, (bytes){path + at, sizeof path - at});
    return ret.at ? ret : bytes_of("");
}

static void show_file(struct hfs *hfs, bytes key, const uint8_t *raw)
{
    struct tree *tree = hfs->tree;
    struct arena *arena = tree->unpack->arena;
    struct arena_mark mark = arena_mark(arena);
    uint32_t number = load_be32(raw + 8);
    uint64_t size = load_be64(raw + 88), resources = load_be64(raw + 168);
    bytes name = tree_utf16(tree, key_name(key), true);
    tree->path = path_of(hfs, load_be32(key.at + 2));
    if ((raw[41] & COMPRESSED) && size == 0)
        tree_gap(tree, name, GAP_UNSUPPORTED, "compressed by the file system");
    struct tree_file file = fork_read(hfs, raw + 88, number, 0);
    tree_emit(tree, name, &file, size);
    if (resources) {
        name =
            arena_printf(arena, "%.*s/..namedfork/rsrc", (int)name.len, (const char *)name.at);
        file = fork_read(hfs, raw + 168, number, FORK_RESOURCES);
        tree_emit(tree, name, &file, resources);
    }
    tree->path = bytes_of("");
    arena_pop(arena, mark);
}

void hfs_walk(struct tree *tree)
{
    struct source volume, *whole = tree->source;
    uint8_t header[512] = {0};
    struct leaves leaves;
    bytes key, data;
    bool damaged = true;
    if (!volume_find(whole, &volume, header))
        return;
    struct hfs hfs = {.tree = tree, .source = &volume, .block = load_be32(header + 40)};
    tree->source = &volume;
    bool fine = hfs.block >= 512 && !(hfs.block & (hfs.block - 1)) &&
                read_extents(&hfs, header + 192) && read_folders(&hfs, header + 272) &&
                leaves_open(&hfs, header + 272, 4, &leaves);
    while (fine && !tree->stopped && !tree->unpack->run->stopped &&
           leaves_next(&hfs, &leaves, &key, &data, &damaged))
        if (key.len >= 8 && data.len >= 248 && load_be16(data.at) == KIND_FILE)
            show_file(&hfs, key, data.at);
    if ((!fine || damaged) && !tree->stopped)
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the catalog of the volume is damaged");
    tree->source = whole;
}
