/* XFS, versions 4 and 5: "XFS Algorithms & Data Structures" (kernel.org). Numbers are big
 * endian. superblock at 0 of the volume and of each group: 0 XFSB, 4 size of a block, 8 blocks,
 * 56 number of the root, 84 blocks of a group, 88 groups, 100 version (lower four bits), 104
 * size of an inode, 106 inodes of a block, and logarithms: 120 size of a block, 122 of an
 * inode, 123 inodes of a block, 124 blocks of a group; 192 of the blocks of a folder's block;
 * 200 and 216 features number of a block: its group above the logarithm, its place there below;
 * of an inode: the number of its block, and its place there inode: 0 IN, 2 mode, 4 version, 5
 * how its data are kept (1 here, 2 extents, 3 tree), 16 links, 24 or 76 number of extents, 56
 * size, 82 where attributes begin (in eights), 90 and 120 flags, 152 its own number (version
 * 3); from 100 on, or 176 in version 3, data extent of 16: bit 0 not written, 54 block of the
 * file, 52 where, 21 how many tree: in the inode 0 level, 2 entries, keys and from the half on
 * blocks below; a block of it: 0 BMAP or BMA3, 4 level, 6 entries, from 24 or 72 on extents, or
 * keys and blocks folder in the inode: 0 entries, 1 whether numbers have eight bytes, its
 * parent; entry: 0 length of the name, 3 name, kind, number block of a folder: 0 XD2B, XDB3
 * (with its index at the end, whose length is in the last eight bytes), XD2D or XDD3; from 16
 * or 64 on entries: ffff and a length, or 0 number, 8 length of the name, 9 name, kind, its own
 * place (two bytes); all of eight bytes' multiples. */
#include "unpack/image/filesystem.h"

#include <string.h>

enum {
    SUPER_SIZE = 264,
    FOLDER_MOST = 64 << 20,
    INODE_MOST = 2048,
    LEVELS_MOST = 9,
    MODE_FOLDER = 0x4000,
    MODE_FILE = 0x8000,
    FLAG_REALTIME = 1,
    FLAG_MANY_EXTENTS = 16, /* of the second flags: counters of 64 bits */
    FEATURE_KIND = 0x200,   /* entries of folders have a kind: version 4 */
    INCOMPATIBLE_KIND = 1,  /* the same: version 5 */
    LINKS_MOST = 1 << 20,   /* of what is taken for an inode by its looks */
};

#define NUMBER_MASK ((UINT64_C(1) << 56) - 1)

enum form { FORM_LOCAL = 1, FORM_EXTENTS = 2, FORM_TREE = 3 };

struct xfs {
    struct tree *tree;
    uint64_t blocks, root;
    uint32_t block, group_blocks, groups, inode_size, folder_block;
    uint32_t group_bits, inode_bits; /* of a block's place in its group; of an inode's there */
    bool five, has_kind;
};

struct inode {
    uint64_t number, size;
    const uint8_t *data; /* in `raw` */
    size_t data_size;
    uint64_t extents;
    enum form form;
    unsigned mode;
    uint32_t links;
    bool realtime;
    uint8_t raw[INODE_MOST];
};

static bool in_range(uint32_t bits, uint32_t least, uint32_t most)
{
    return bits >= least && bits <= most;
}

static bool xfs_read(struct source *source, struct xfs *ret)
{
    uint8_t super[SUPER_SIZE];
    if (!source_copy(source, 0, super, sizeof super) || memcmp(super, "XFSB", 4) != 0)
        return false;
    uint32_t version = load_be16(super + 100) & 15u, log = super[120];
    struct xfs xfs = {.blocks = load_be64(super + 8),
                      .root = load_be64(super + 56),
                      .block = load_be32(super + 4),
                      .group_blocks = load_be32(super + 84),
                      .groups = load_be32(super + 88),
                      .inode_size = load_be16(super + 104),
                      .group_bits = super[124],
                      .inode_bits = super[123],
                      .five = version == 5};
    if (version < 4 || version > 5 || !in_range(log, 9, 16) || xfs.block != 1u << log ||
        !in_range(super[122], 8, 11) || xfs.inode_size != 1u << super[122] ||
        xfs.inode_bits != log - super[122] || super[122] > log || super[192] > 16u - log ||
        !in_range(xfs.group_bits, 1, 31) || xfs.group_blocks == 0 || xfs.groups == 0 ||
        xfs.group_blocks > 1u << xfs.group_bits || xfs.blocks > UINT64_MAX >> 17)
        return false;
    xfs.folder_block = xfs.block << super[192];
    xfs.has_kind = xfs.five ? load_be32(super + 216) & INCOMPATIBLE_KIND
                            : load_be32(super + 200) & FEATURE_KIND;
    *ret = xfs;
    return true;
}

bool xfs_fits(struct source *source)
{
    struct xfs xfs;
    return xfs_read(source, &xfs);
}

/* Where a block is: UINT64_MAX when there is none of that number. */
static uint64_t block_at(const struct xfs *xfs, uint64_t number)
{
    uint64_t group = number >> xfs->group_bits;
    uint64_t place = number & ((UINT64_C(1) << xfs->group_bits) - 1);
    if (group >= xfs->groups || place >= xfs->group_blocks)
        return UINT64_MAX;
    return (group * xfs->group_blocks + place) * xfs->block;
}

static bool inode_at(struct xfs *xfs, uint64_t number, uint64_t at, struct inode *ret)
{
    uint8_t *raw = ret->raw;
    if (!source_copy(xfs->tree->source, at, raw, xfs->inode_size) || raw[0] != 'I' ||
        raw[1] != 'N' || raw[4] > 3 || (xfs->five && load_be64(raw + 152) != number))
        return false;
    size_t from = raw[4] == 3 ? 176 : 100, room = xfs->inode_size - from;
    size_t fork = raw[82] * (size_t)8;
    bool many = raw[4] == 3 && load_be64(raw + 120) & FLAG_MANY_EXTENTS;
    ret->number = number;
    ret->mode = load_be16(raw + 2) & 0xf000u;
    ret->form = (enum form)raw[5];
    ret->links = raw[4] == 1 ? load_be16(raw + 6) : load_be32(raw + 16);
    ret->size = load_be64(raw + 56);
    ret->extents = many ? load_be64(raw + 24) : load_be32(raw + 76);
    ret->realtime = load_be16(raw + 90) & FLAG_REALTIME;
    ret->data = raw + from;
    ret->data_size = fork && fork < room ? fork : room;
    return ret->size <= INT64_MAX;
}

static bool inode_read(struct xfs *xfs, uint64_t number, struct inode *ret)
{
    uint64_t at = block_at(xfs, number >> xfs->inode_bits);
    uint64_t place = number & ((UINT64_C(1) << xfs->inode_bits) - 1);
    return at != UINT64_MAX && inode_at(xfs, number, at + place * xfs->inode_size, ret);
}

/* The file whose extents are being gathered: they come in order. */
struct gather {
    struct xfs *xfs;
    struct tree_file file;
    uint64_t least, count; /* the block that comes next, and how many there are */
};

static bool gather_extent(struct gather *gather, const uint8_t *record)
{
    struct xfs *xfs = gather->xfs;
    uint64_t high = load_be64(record), low = load_be64(record + 8);
    uint64_t first = (high & INT64_MAX) >> 9, count = low & 0x1fffff;
    uint64_t where = block_at(xfs, (high & 0x1ff) << 43 | low >> 21);
    bool hole = high >> 63;
    if (first >= gather->count) /* beyond its end: kept in stock, or a folder's index */
        return true;
    if (first < gather->least || where == UINT64_MAX)
        return false;
    if (first > gather->least &&
        !tree_run(xfs->tree, &gather->file, 0, (first - gather->least) * xfs->block, true))
        return false;
    if (count > gather->count - first)
        count = gather->count - first;
    gather->least = first + count;
    return tree_run(xfs->tree, &gather->file, where, count * xfs->block, hole);
}

static bool gather_extents(struct gather *gather, const uint8_t *records, uint64_t n,
                           size_t room)
{
    if (n > room / 16 || !budget_charge(gather->xfs->tree->unpack->budget, n))
        return false;
    for (uint64_t i = 0; i < n; i++)
        if (!gather_extent(gather, records + 16 * i))
            return false;
    return true;
}

static bool gather_below(struct gather *gather, uint64_t number, unsigned level);

/* The blocks below a node: `room` is that of its keys and of its blocks together. A node is a
 * level below the one that names it, and what comes is in order: none is read twice with
 * profit, and the budget pays for the rest. */
static bool gather_node(struct gather *gather, const uint8_t *keys, size_t room, unsigned n,
                        unsigned level)
{
    size_t most = room / 16;
    if (n > most || level == 0 || level > LEVELS_MOST)
        return false;
    for (unsigned i = 0; i < n; i++) {
        if (load_be64(keys + 8 * (size_t)i) >= gather->count)
            return true;
        if (!gather_below(gather, load_be64(keys + 8 * (most + i)), level - 1))
            return false;
    }
    return true;
}

static bool gather_below(struct gather *gather, uint64_t number, unsigned level)
{
    struct xfs *xfs = gather->xfs;
    struct arena *arena = xfs->tree->unpack->arena;
    size_t head = xfs->five ? 72 : 24;
    uint64_t at = block_at(xfs, number);
    bytes block = {NULL, 0};
    if (at != UINT64_MAX && budget_charge(xfs->tree->unpack->budget, 8))
        block = source_bytes(xfs->tree->source, at, xfs->block, arena);
    if (!block.at || memcmp(block.at, xfs->five ? "BMA3" : "BMAP", 4) != 0 ||
        load_be16(block.at + 4) != level)
        return false;
    unsigned n = load_be16(block.at + 6);
    return level == 0 ? gather_extents(gather, block.at + head, n, block.len - head)
                      : gather_node(gather, block.at + head, block.len - head, n, level);
}

/* False when not all of it was found. */
static bool gather_inode(struct xfs *xfs, const struct inode *inode, struct gather *ret)
{
    struct gather gather = {
        .xfs = xfs, .count = inode->size / xfs->block + (inode->size % xfs->block != 0)};
    bool fine = false;
    if (inode->form == FORM_EXTENTS)
        fine = gather_extents(&gather, inode->data, inode->extents, inode->data_size);
    else if (inode->form == FORM_TREE && inode->data_size >= 4)
        fine = gather_node(&gather, inode->data + 4, inode->data_size - 4,
                           load_be16(inode->data + 2), load_be16(inode->data));
    if (fine && gather.least < gather.count)
        fine = tree_run(xfs->tree, &gather.file, 0, (gather.count - gather.least) * xfs->block,
                        true);
    *ret = gather;
    return fine || gather.file.enough;
}

static void show_file(struct xfs *xfs, bytes name, const struct inode *inode)
{
    struct gather gather;
    if (inode->realtime) {
        tree_gap(xfs->tree, name, GAP_UNSUPPORTED, "on the real-time device of XFS");
        return;
    }
    bool fine = gather_inode(xfs, inode, &gather);
    if (!fine && gather.file.size >= inode->size)
        tree_gap(xfs->tree, name, GAP_DAMAGED, "its list of extents is damaged");
    tree_emit(xfs->tree, name, &gather.file, inode->size);
}

static void show_entry(struct xfs *xfs, bytes name, uint64_t number)
{
    struct inode inode;
    struct arena *arena = xfs->tree->unpack->arena;
    if (bytes_is(name, ".") || bytes_is(name, "..") || !name.len)
        return;
    if (!inode_read(xfs, number, &inode)) {
        tree_gap(xfs->tree, name, GAP_DAMAGED, "its inode cannot be read");
    } else if (inode.mode == MODE_FOLDER) {
        tree_add(xfs->tree, number, 0, name);
    } else if (inode.mode == MODE_FILE) {
        /* What has a name is no orphan. */
        bool noted = xfs->tree->unpack->run->files_only && tree_first(xfs->tree, number);
        struct arena_mark mark = arena_mark(arena);
        (void)noted;
        show_file(xfs, name, &inode);
        arena_pop(arena, mark);
    }
}

static void folder_damaged(struct xfs *xfs)
{
    tree_gap(xfs->tree, bytes_of(""), GAP_DAMAGED, "a folder's entry is damaged");
}

/* A small folder, in its inode. */
static void read_short(struct xfs *xfs, const struct inode *inode)
{
    bytes all = {inode->data, inode->data_size};
    if (all.len < 2)
        return;
    size_t wide = all.at[1] ? 8 : 4, at = 2 + wide, kind = xfs->has_kind;
    for (unsigned n = all.at[0]; n > 0 && !xfs->tree->stopped; n--) {
        size_t len = bytes_has(all, at, 3) ? all.at[at] : 0;
        if (!len || !bytes_has(all, at, 3 + len + kind + wide) ||
            !budget_charge(xfs->tree->unpack->budget, 4)) {
            folder_damaged(xfs);
            return;
        }
        const uint8_t *number = all.at + at + 3 + len + kind;
        show_entry(xfs, bytes_slice(all, at + 3, len),
                   wide == 8 ? load_be64(number) & NUMBER_MASK : load_be32(number));
        at += 3 + len + kind + wide;
    }
}

/* Where entries begin in a block of a folder, and where they end; false: it is none. */
static bool block_bounds(const struct xfs *xfs, bytes block, size_t *from, size_t *to)
{
    if (block.len < 64)
        return false;
    bool alone = memcmp(block.at, xfs->five ? "XDB3" : "XD2B", 4) == 0;
    *from = xfs->five ? 64 : 16;
    *to = block.len;
    if (!alone)
        return memcmp(block.at, xfs->five ? "XDD3" : "XD2D", 4) == 0;
    uint64_t index = load_be32(block.at + block.len - 8) * UINT64_C(8) + 8;
    *to -= index < block.len - *from ? (size_t)index : 0;
    return true;
}

static void read_block(struct xfs *xfs, bytes block)
{
    size_t at, end, kind = xfs->has_kind;
    struct tree *tree = xfs->tree;
    if (!block_bounds(xfs, block, &at, &end)) {
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "a block of the folder is damaged");
        return;
    }
    block.len = end;
    while (bytes_has(block, at, 16) && !tree->stopped) {
        const uint8_t *entry = block.at + at;
        if (!budget_charge(tree->unpack->budget, 4))
            return;
        if (load_be16(entry) == 0xffff) {
            size_t unused = load_be16(entry + 2);
            if (unused < 8 || unused % 8) {
                folder_damaged(xfs);
                return;
            }
            at += unused;
            continue;
        }
        size_t len = entry[8], size = (9 + len + kind + 2 + 7) & ~(size_t)7;
        if (!len || !bytes_has(block, at, size)) {
            folder_damaged(xfs);
            return;
        }
        show_entry(xfs, bytes_slice(block, at + 9, len), load_be64(entry) & NUMBER_MASK);
        at += size;
    }
}

static void read_folder(struct xfs *xfs, uint64_t number)
{
    struct inode inode;
    struct gather gather;
    struct tree *tree = xfs->tree;
    if (!inode_read(xfs, number, &inode) || inode.mode != MODE_FOLDER) {
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the folder's inode cannot be read");
    } else if (inode.form == FORM_LOCAL) {
        read_short(xfs, &inode);
    } else {
        bool fine = gather_inode(xfs, &inode, &gather);
        bytes content = tree_content(tree, &gather.file, inode.size, FOLDER_MOST);
        if (!fine || content.len < inode.size)
            tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the folder cannot be read");
        for (size_t at = 0; at < content.len && !tree->stopped; at += xfs->folder_block)
            read_block(xfs, bytes_slice(content, at, xfs->folder_block));
    }
}

/* An inode at `at` to which no folder led: those of version 5 say which one they are. */
static bool orphan_read(struct xfs *xfs, uint64_t number, uint64_t at, struct inode *ret)
{
    uint8_t magic[2];
    return source_copy(xfs->tree->source, at, magic, sizeof magic) && magic[0] == 'I' &&
           magic[1] == 'N' && budget_charge(xfs->tree->unpack->budget, 16) &&
           inode_at(xfs, number, at, ret) && ret->links && ret->links <= LINKS_MOST &&
           ret->form >= FORM_LOCAL && ret->form <= FORM_TREE;
}

static void show_orphan(struct xfs *xfs, const struct inode *inode, bool folders)
{
    struct tree *tree = xfs->tree;
    struct arena *arena = tree->unpack->arena;
    struct arena_mark mark = arena_mark(arena);
    struct tree_folder folder;
    bytes name = arena_printf(arena, folders ? "folder-%llu" : "file-%llu",
                              (unsigned long long)inode->number);
    tree->path = bytes_of("orphans/");
    if (folders && inode->mode == MODE_FOLDER) {
        tree_add(tree, inode->number, 0, name);
        while (tree_next(tree, &folder))
            read_folder(xfs, folder.id);
    } else if (!folders && inode->mode == MODE_FILE && inode->size &&
               inode->size <= tree->source->size && tree_first(tree, inode->number)) {
        show_file(xfs, name, inode);
        arena_pop(arena, mark);
    }
}

/* Files and folders to which no folder leads that could be read: inodes lie anywhere. */
static void show_orphans(struct xfs *xfs, bool folders)
{
    struct tree *tree = xfs->tree;
    uint32_t each = 1u << xfs->inode_bits;
    uint64_t blocks = tree->source->size / xfs->block;
    struct inode inode;
    for (uint64_t block = 0; block < blocks && !tree->stopped; block++) {
        uint64_t group = block / xfs->group_blocks, place = block % xfs->group_blocks;
        uint64_t number = (group << xfs->group_bits | place) << xfs->inode_bits;
        if (group >= xfs->groups || !budget_charge(tree->unpack->budget, 1))
            return;
        for (uint32_t i = 0; i < each && !tree->stopped; i++)
            if (orphan_read(xfs, number + i, block * xfs->block + i * xfs->inode_size, &inode))
                show_orphan(xfs, &inode, folders);
    }
}

void xfs_walk(struct tree *tree)
{
    struct xfs xfs;
    struct tree_folder folder;
    if (!xfs_read(tree->source, &xfs))
        return;
    xfs.tree = tree;
    tree_add(tree, xfs.root, 0, bytes_of(""));
    while (tree_next(tree, &folder))
        read_folder(&xfs, folder.id);
    if (tree->unpack->run->files_only) {
        show_orphans(&xfs, true);
        show_orphans(&xfs, false);
    }
}
