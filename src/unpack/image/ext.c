/* ext2, ext3, ext4: "ext4 Data Structures and Algorithms" (kernel.org).
 *     superblock at 1024: 20 first block, 24 size of a block (shift from 1024), 40 inodes of a
 *     group, 56 magic, 88 size of an inode, 96 incompatible features, 254 size of a group's
 *     entry, 260 first group of the meta kind
 *     group: 8 and 40 block of its inodes
 *     inode: 0 mode, 4 and 108 size, 20 deleted, 26 links, 32 flags, 40 sixty bytes: blocks
 * (twelve, then indirect, double, triple), or the root of a tree of extents, or the first bytes
 * of a small file extents: 0 magic f30a, 2 entries, 6 depth; then of 12: 0 block of the file, 4
 * how many (over 32768: not written), 6 and 8 where; or above the leaves: 4 and 8 block of the
 * next folder entry: 0 inode, 4 its size, 6 length of the name, 8 name */
#include "unpack/image/filesystem.h"

#include <string.h>

enum {
    FOLDER_MOST = 64 << 20,
    INODE_READ = 160, /* of an inode: what is used of it but attributes */
    ROOT = 2,
    FIRST_USER = 11,
    DEPTH_MOST = 5,
    MODE_FOLDER = 0x4000,
    MODE_FILE = 0x8000,
    FLAG_ENCRYPTED = 0x800,
    FLAG_EXTENTS = 0x80000,
    FLAG_INLINE = 0x10000000,
    FEATURE_JOURNAL_DEVICE = 0x8,
    FEATURE_META_GROUPS = 0x10,
    FEATURE_64BIT = 0x80,
    SPARSE_SUPER = 0x1,
};

struct ext {
    struct tree *tree;
    uint32_t block, first, per_group, inode_size, group_size, features, first_meta, inodes;
    uint32_t blocks_per_group, readonly_features;
    uint8_t *shown; /* a bit for each inode whose file was handed out; NULL: nobody asks */
};

struct inode {
    uint32_t number, flags;
    uint64_t size, at;
    unsigned mode;
    bool linked; /* by some folder, and not deleted */
    uint8_t blocks[60];
};

static bool ext_read(struct source *source, struct ext *ext)
{
    uint8_t super[264];
    if (!source_copy(source, 1024, super, sizeof super) || load_le16(super + 56) != 0xef53)
        return false;
    uint32_t shift = load_le32(super + 24), version = load_le32(super + 76);
    *ext = (struct ext){.block = shift > 6 ? 0 : 1024u << shift,
                        .first = load_le32(super + 20),
                        .inodes = load_le32(super),
                        .blocks_per_group = load_le32(super + 32),
                        .per_group = load_le32(super + 40),
                        .inode_size = version ? load_le16(super + 88) : 128,
                        .features = load_le32(super + 96),
                        .readonly_features = load_le32(super + 100),
                        .first_meta = load_le32(super + 260),
                        .group_size = 32};
    if (ext->features & FEATURE_64BIT)
        ext->group_size = load_le16(super + 254);
    return ext->block && ext->per_group && ext->inode_size >= 128 &&
           ext->inode_size <= ext->block && ext->first <= 1 && ext->group_size >= 32 &&
           ext->group_size <= ext->block && ext->blocks_per_group;
}

bool ext_fits(struct source *source)
{
    struct ext ext;
    return ext_read(source, &ext);
}

static bool power_of(uint64_t n, uint64_t base)
{
    while (n > 1 && n % base == 0)
        n /= base;
    return n == 1;
}

/* Whether a group begins with a copy of the superblock. */
static bool has_super(const struct ext *ext, uint64_t group)
{
    return !(ext->readonly_features & SPARSE_SUPER) || group == 0 || power_of(group, 3) ||
           power_of(group, 5) || power_of(group, 7);
}

/* Where the entry of a group is. */
static uint64_t group_at(const struct ext *ext, uint64_t group)
{
    uint64_t each = ext->block / ext->group_size, meta = group / each;
    uint64_t block = ext->first + 1 + meta;
    if ((ext->features & FEATURE_META_GROUPS) && meta >= ext->first_meta) {
        uint64_t head = meta * each;
        block = ext->first + head * ext->blocks_per_group + has_super(ext, head);
    }
    return block * ext->block + group % each * ext->group_size;
}

static bool inode_read(struct ext *ext, uint32_t number, struct inode *ret)
{
    uint8_t group[64] = {0}, raw[INODE_READ];
    struct source *source = ext->tree->source;
    size_t size = ext->group_size < 64 ? 32 : 64;
    if (number == 0 || number > ext->inodes ||
        !source_copy(source, group_at(ext, (number - 1) / ext->per_group), group, size))
        return false;
    uint64_t table = load_le32(group + 8) | (uint64_t)load_le32(group + 40) << 32;
    if (table > source->size / ext->block)
        return false;
    uint64_t at =
        table * ext->block + (uint64_t)((number - 1) % ext->per_group) * ext->inode_size;
    size = ext->inode_size < INODE_READ ? 128 : INODE_READ;
    if (!source_copy(source, at, raw, size))
        return false;
    *ret = (struct inode){.number = number,
                          .at = at,
                          .mode = load_le16(raw) & 0xf000,
                          .linked = load_le16(raw + 26) && !load_le32(raw + 20),
                          .flags = load_le32(raw + 32),
                          .size = load_le32(raw + 4) | (uint64_t)load_le32(raw + 108) << 32};
    if (ret->mode == MODE_FOLDER) /* in older versions the other half is something else */
        ret->size = load_le32(raw + 4);
    memcpy(ret->blocks, raw + 40, sizeof ret->blocks);
    return true;
}

/* The file of blocks that is being gathered. */
struct gather {
    struct ext *ext;
    struct tree_file file;
    uint64_t least; /* the block that comes next */
    uint64_t count; /* blocks in all */
};

static bool gather_blocks(struct gather *gather, uint64_t block, uint64_t count, uint64_t where,
                          bool hole)
{
    struct tree *tree = gather->ext->tree;
    uint64_t size = gather->ext->block;
    if (block < gather->least)
        return false;
    if (block >= gather->count)
        return true;
    if (block > gather->least &&
        !tree_run(tree, &gather->file, 0, (block - gather->least) * size, true))
        return false;
    if (count > gather->count - block)
        count = gather->count - block;
    gather->least = block + count;
    return tree_run(tree, &gather->file, where * size, count * size, hole);
}

/* Entries of a node are in order, and a node is one level below the one that names it: so none
 * is read twice. */
static bool gather_extents(struct gather *gather, const uint8_t *node, size_t size,
                           unsigned depth)
{
    struct ext *ext = gather->ext;
    uint32_t n = load_le16(node + 2);
    if (load_le16(node) != 0xf30a || load_le16(node + 6) != depth || n > (size - 12) / 12 ||
        !budget_charge(ext->tree->unpack->budget, n))
        return false;
    for (const uint8_t *entry = node + 12; n > 0; n--, entry += 12) {
        uint64_t block = load_le32(entry);
        if (depth == 0) {
            uint32_t count = load_le16(entry + 4);
            uint64_t where = load_le32(entry + 8) | (uint64_t)load_le16(entry + 6) << 32;
            bool hole = count > 32768;
            if (!gather_blocks(gather, block, hole ? count - 32768 : count, where, hole))
                return false;
            continue;
        }
        uint64_t where = load_le32(entry + 4) | (uint64_t)load_le16(entry + 8) << 32;
        struct arena *arena = ext->tree->unpack->arena;
        bytes next = source_bytes(ext->tree->source, where * ext->block, ext->block, arena);
        if (block < gather->least || !next.at ||
            !gather_extents(gather, next.at, next.len, depth - 1))
            return false;
    }
    return true;
}

static bool gather_indirect(struct gather *gather, uint32_t where, unsigned depth)
{
    struct ext *ext = gather->ext;
    uint64_t covers = 1, each = ext->block / 4;
    for (unsigned i = 0; i < depth; i++)
        covers *= each;
    if (gather->least >= gather->count)
        return true;
    if (depth == 0 || where == 0)
        return gather_blocks(gather, gather->least, covers, where, where == 0);
    bytes block = source_bytes(ext->tree->source, (uint64_t)where * ext->block, ext->block,
                               ext->tree->unpack->arena);
    if (!block.at)
        return false;
    for (size_t i = 0; i < each && gather->least < gather->count; i++)
        if (!gather_indirect(gather, load_le32(block.at + 4 * i), depth - 1))
            return false;
    return true;
}

/* False when not all of it was found. */
static bool gather_inode(struct ext *ext, const struct inode *inode, struct gather *ret)
{
    bool fine = true;
    struct gather gather = {
        .ext = ext, .count = inode->size / ext->block + (inode->size % ext->block != 0)};
    if (inode->flags & FLAG_EXTENTS) {
        unsigned depth = load_le16(inode->blocks + 6);
        fine = depth <= DEPTH_MOST &&
               gather_extents(&gather, inode->blocks, sizeof inode->blocks, depth);
    } else {
        for (unsigned i = 0; fine && i < 15; i++)
            fine = gather_indirect(&gather, load_le32(inode->blocks + 4 * (size_t)i),
                                   i < 12 ? 0 : i - 11);
    }
    if (fine && gather.least < gather.count)
        fine = gather_blocks(&gather, gather.count - 1, 1, 0, true);
    *ret = gather;
    return fine || gather.file.enough;
}

/* What of an inline file is in its attribute "system.data". */
static bytes inline_rest(struct ext *ext, const struct inode *inode)
{
    uint8_t extra[2];
    bytes none = {NULL, 0};
    struct source *source = ext->tree->source;
    if (ext->inode_size < 160 || !source_copy(source, inode->at + 128, extra, 2))
        return none;
    uint32_t from = 128u + load_le16(extra);
    if (from >= ext->inode_size)
        return none;
    bytes area = source_bytes(source, inode->at + from, ext->inode_size - from,
                              ext->tree->unpack->arena);
    if (area.len < 4 || load_le32(area.at) != 0xea020000)
        return none;
    area = bytes_slice(area, 4, area.len);
    for (size_t at = 0; bytes_has(area, at, 16) && load_le32(area.at + at);) {
        const uint8_t *entry = area.at + at;
        if (entry[0] == 4 && entry[1] == 7 && bytes_has(area, at, 20) &&
            memcmp(entry + 16, "data", 4) == 0 && load_le32(entry + 4) == 0)
            return bytes_slice(area, load_le16(entry + 2), load_le32(entry + 8));
        at += (16u + entry[0] + 3) & ~3u;
    }
    return none;
}

static void show_inline(struct ext *ext, bytes name, const struct inode *inode)
{
    struct tree *tree = ext->tree;
    size_t head = inode->size < 60 ? (size_t)inode->size : 60;
    bytes rest = inode->size > 60 ? inline_rest(ext, inode) : (bytes){NULL, 0};
    if (!unpack_begin(tree->unpack, tree_path(tree, name)))
        return;
    if (!unpack_put(tree->unpack, (bytes){inode->blocks, head}) ||
        !unpack_put(tree->unpack, bytes_slice(rest, 0, (size_t)inode->size - head)))
        return;
    /* As Linux reads it, the rest is zeros. */
    uint64_t got = head + bytes_slice(rest, 0, (size_t)inode->size - head).len;
    if (got < inode->size && !tree_put(tree, 0, inode->size - got, true) &&
        tree->unpack->run->stopped)
        return;
    tree->stopped |= !unpack_end(tree->unpack);
}

static void show_file(struct ext *ext, bytes name, const struct inode *inode)
{
    struct gather gather;
    if (inode->flags & FLAG_ENCRYPTED) {
        tree_gap(ext->tree, name, GAP_ENCRYPTED, "encrypted by the file system");
    } else if (inode->flags & FLAG_INLINE) {
        show_inline(ext, name, inode);
    } else {
        bool fine = gather_inode(ext, inode, &gather);
        if (!fine && gather.file.size >= inode->size)
            tree_gap(ext->tree, name, GAP_DAMAGED, "its list of blocks is damaged");
        tree_emit(ext->tree, name, &gather.file, inode->size);
    }
}

static void show_entry(struct ext *ext, bytes name, uint32_t number)
{
    struct inode inode;
    struct arena *arena = ext->tree->unpack->arena;
    if (bytes_is(name, ".") || bytes_is(name, "..") || !name.len)
        return;
    if (!inode_read(ext, number, &inode)) {
        tree_gap(ext->tree, name, GAP_DAMAGED, "its inode cannot be read");
    } else if (inode.mode == MODE_FOLDER) {
        tree_add(ext->tree, number, 0, name);
    } else if (inode.mode == MODE_FILE) {
        struct arena_mark mark = arena_mark(arena);
        if (ext->shown)
            ext->shown[number / 8] |= (uint8_t)(1u << number % 8);
        show_file(ext, name, &inode);
        arena_pop(arena, mark);
    }
}

/* Entries do not cross blocks. */
static void read_entries(struct ext *ext, bytes block)
{
    struct tree *tree = ext->tree;
    for (size_t at = 0; bytes_has(block, at, 8) && !tree->stopped;) {
        const uint8_t *entry = block.at + at;
        uint32_t number = load_le32(entry), size = load_le16(entry + 4);
        size = size == 0 || size == 0xffff ? 65536 : size;
        if (size < 8 || !bytes_has(block, at, 8 + (size_t)entry[6])) {
            tree_gap(tree, bytes_of(""), GAP_DAMAGED, "a folder's entry is damaged");
            return;
        }
        if (!budget_charge(tree->unpack->budget, 4))
            return;
        if (number)
            show_entry(ext, bytes_slice(block, at + 8, entry[6]), number);
        at += size;
    }
}

static void read_folder(struct ext *ext, uint32_t number)
{
    struct inode inode;
    struct gather gather;
    struct tree *tree = ext->tree;
    if (!inode_read(ext, number, &inode) || inode.mode != MODE_FOLDER) {
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the folder's inode cannot be read");
    } else if (inode.flags & FLAG_ENCRYPTED) {
        tree_gap(tree, bytes_of(""), GAP_ENCRYPTED, "encrypted by the file system");
    } else if (inode.flags & FLAG_INLINE) {
        bytes head = arena_copy(tree->unpack->arena, (bytes){inode.blocks, 60});
        if (head.at)
            read_entries(ext, bytes_slice(head, 4, 56));
        read_entries(ext, inline_rest(ext, &inode));
    } else {
        bool fine = gather_inode(ext, &inode, &gather);
        bytes content = tree_content(tree, &gather.file, inode.size, FOLDER_MOST);
        if (!fine || content.len < inode.size)
            tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the folder cannot be read");
        for (size_t at = 0; at < content.len && !tree->stopped; at += ext->block)
            read_entries(ext, bytes_slice(content, at, ext->block));
    }
}

/* Files and folders to which no folder leads that could be read. */
static void show_orphans(struct ext *ext, bool folders)
{
    struct tree *tree = ext->tree;
    struct arena *arena = tree->unpack->arena;
    struct tree_folder folder;
    for (uint32_t number = FIRST_USER; number <= ext->inodes && !tree->stopped; number++) {
        struct inode inode;
        if (!budget_charge(tree->unpack->budget, 16))
            return;
        if (!inode_read(ext, number, &inode) || !inode.linked)
            continue;
        struct arena_mark mark = arena_mark(arena);
        bytes name = arena_printf(arena, folders ? "folder-%u" : "file-%u", number);
        tree->path = bytes_of("orphans/");
        if (folders && inode.mode == MODE_FOLDER) {
            tree_add(tree, number, 0, name);
            while (tree_next(tree, &folder))
                read_folder(ext, (uint32_t)folder.id);
        } else if (!folders && inode.mode == MODE_FILE && inode.size &&
                   inode.size <= tree->source->size &&
                   !(ext->shown[number / 8] >> number % 8 & 1)) {
            show_file(ext, name, &inode);
            arena_pop(arena, mark);
        }
    }
}

void ext_walk(struct tree *tree)
{
    struct ext ext;
    struct tree_folder folder;
    if (!ext_read(tree->source, &ext))
        return;
    ext.tree = tree;
    if (ext.features & FEATURE_JOURNAL_DEVICE) {
        tree_gap(tree, bytes_of(""), GAP_UNSUPPORTED, "the journal of an ext file system");
        return;
    }
    if (tree->unpack->run->files_only && ext.inodes < UINT32_MAX / 8)
        ext.shown = arena_push(tree->unpack->arena, ext.inodes / 8 + 1);
    tree_add(tree, ROOT, 0, bytes_of(""));
    while (tree_next(tree, &folder))
        read_folder(&ext, (uint32_t)folder.id);
    if (ext.shown) {
        show_orphans(&ext, true);
        show_orphans(&ext, false);
    }
}
