/* Squashfs 4.0: "Squashfs Binary Format" (dr-emann.github.io/squashfs).
 *     0 "hsqs", 12 size of a block, 16 fragments, 20 compressor, 28 version, 32 root inode,
 *     40 size, 64 inodes, 72 folders, 80 fragments
 * Inodes and folders lie in blocks of up to 8192 bytes, each after its size in 2 bytes (8000:
 * not compressed); an inode is named by where its block is and where it is in that. The blocks
 * of a file lie in a row, their sizes (1000000: not compressed; 0: zeros) behind its inode; its
 * last bytes may be in a fragment, a block that files share. */
#include "unpack/image/block.h"
#include "unpack/image/filesystem.h"
#include "unpack/lzo.h"

#include <string.h>

enum {
    META = 8192,
    CACHE = 64, /* blocks of inodes and folders */
    BLOCK_MOST = 1 << 20,
    STORED = 1 << 24,
    FOLDER_ENTRIES = 256,
};

#define NO_FRAGMENT UINT32_C(0xffffffff)

enum compressor { GZIP = 1, LZMA, LZO, XZ, LZ4, ZSTD };

struct meta_block {
    uint64_t at, next; /* 0: nothing yet */
    uint32_t len;
    uint8_t data[META];
};

/* A place in the inodes or the folders. */
struct cursor {
    uint64_t block;
    uint32_t offset;
};

struct squashfs {
    struct tree *tree;
    unsigned compressor;
    uint32_t block, fragments;
    uint64_t size, root, inodes, folders, fragment_table;
    struct meta_block *cache;
    uint8_t *packed, *fragment;
    uint64_t fragment_at;
    uint32_t fragment_len;
};

struct inode {
    unsigned type; /* 1 folder, 2 file, 0 others */
    uint64_t start, size;
    uint32_t offset, fragment;
    struct cursor sizes;
};

static bool super_read(struct source *source, struct squashfs *ret)
{
    uint8_t super[96];
    if (!source_copy(source, 0, super, sizeof super) || memcmp(super, "hsqs", 4) != 0)
        return false;
    *ret = (struct squashfs){.compressor = load_le16(super + 20),
                             .block = load_le32(super + 12),
                             .fragments = load_le32(super + 16),
                             .size = load_le64(super + 40),
                             .root = load_le64(super + 32),
                             .inodes = load_le64(super + 64),
                             .folders = load_le64(super + 72),
                             .fragment_table = load_le64(super + 80)};
    return load_le16(super + 28) == 4;
}

bool squashfs_fits(struct source *source)
{
    struct squashfs squashfs;
    return super_read(source, &squashfs);
}

/* One block; the size is not known before. */
static bool decode(struct squashfs *sq, bytes in, uint8_t *out, size_t room, size_t *ret_len)
{
    static const enum stream_kind kinds[] = {
        [GZIP] = STREAM_ZLIB, [LZMA] = STREAM_LZMA, [XZ] = STREAM_XZ, [ZSTD] = STREAM_ZSTD};

    size_t used, n = 0;
    *ret_len = 0;
    if (!budget_charge(sq->tree->unpack->budget, room / 4 + 256))
        return false;
    if (sq->compressor == LZ4) {
        bool fine = stream_lz4_block(in, out, room, &n);
        *ret_len = fine ? n : 0;
        return fine;
    }
    if (sq->compressor == LZO)
        return lzo_decode(in, out, room, ret_len);
    if (sq->compressor == GZIP && room == sq->block && in.len > 6 &&
        stream_inflate(bytes_slice(in, 2, in.len - 6), out, room, &used)) {
        *ret_len = room;
        return true;
    }
    bool end;
    *ret_len = block_decode(kinds[sq->compressor], in, out, room, &end);
    return end || *ret_len == room;
}

static struct meta_block *meta_load(struct squashfs *sq, uint64_t at)
{
    uint8_t head[2];
    struct meta_block *block =
        &sq->cache[at * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (CACHE - 1)];
    if (block->at == at + 1)
        return block;
    block->at = 0;
    if (!source_copy(sq->tree->source, at, head, 2))
        return NULL;
    size_t size = load_le16(head) & 0x7fff, len = size;
    if (size > META || !source_copy(sq->tree->source, at + 2, sq->packed, size))
        return NULL;
    if (load_le16(head) & 0x8000)
        memcpy(block->data, sq->packed, size);
    else if (!decode(sq, (bytes){sq->packed, size}, block->data, META, &len))
        return NULL;
    block->at = at + 1;
    block->next = at + 2 + size;
    block->len = (uint32_t)len;
    return block;
}

static bool meta_read(struct squashfs *sq, struct cursor *cursor, void *to, size_t len)
{
    uint8_t *out = to;
    while (len) {
        struct meta_block *block = meta_load(sq, cursor->block);
        if (!block || cursor->offset > block->len ||
            !budget_charge(sq->tree->unpack->budget, 1))
            return false;
        size_t n = block->len - cursor->offset;
        n = n < len ? n : len;
        memcpy(out, block->data + cursor->offset, n);
        out += n;
        len -= n;
        cursor->offset += (uint32_t)n;
        if (cursor->offset == block->len) {
            *cursor = (struct cursor){block->next, 0};
            if (block->len == 0)
                return false;
        }
    }
    return true;
}

static bool inode_read(struct squashfs *sq, uint64_t reference, struct inode *ret)
{
    uint8_t head[16], raw[40];
    struct cursor at = {sq->inodes + (reference >> 16), (uint32_t)(reference & 0xffff)};
    if (reference >> 48 || !meta_read(sq, &at, head, sizeof head))
        return false;
    unsigned type = load_le16(head);
    static const uint8_t sizes[] = {[1] = 16, [2] = 16, [8] = 24, [9] = 40};
    *ret = (struct inode){.type = 0};
    if (type >= COUNT(sizes) || !sizes[type])
        return true;
    if (!meta_read(sq, &at, raw, sizes[type]))
        return false;
    if (type == 1)
        *ret =
            (struct inode){1, load_le32(raw), load_le16(raw + 8), load_le16(raw + 10), 0, at};
    else if (type == 8)
        *ret = (struct inode){1, load_le32(raw + 8), load_le32(raw + 4), load_le16(raw + 18), 0,
                              at};
    else if (type == 2)
        *ret = (struct inode){
            2, load_le32(raw), load_le32(raw + 12), load_le32(raw + 8), load_le32(raw + 4), at};
    else
        *ret = (struct inode){
            2, load_le64(raw), load_le64(raw + 8), load_le32(raw + 32), load_le32(raw + 28),
            at};
    return true;
}

/* A block of data, decoded to out[0..room). */
static bool block_read(struct squashfs *sq, uint64_t at, uint32_t size, uint8_t *out,
                       size_t room, size_t *ret_len)
{
    struct source *source = sq->tree->source;
    bool stored = size & STORED;
    size &= STORED - 1;
    *ret_len = 0;
    if (size > BLOCK_MOST + META)
        return false;
    if (stored) {
        if (size > room || !source_copy(source, at, out, size))
            return false;
        *ret_len = size;
        return true;
    }
    bytes in = source_view(source, at, size);
    if (!in.at && source_copy(source, at, sq->packed, size))
        in = (bytes){sq->packed, size};
    return in.at && decode(sq, in, out, room, ret_len);
}

/* Appends `want` bytes of a block to the child. False: end the child. */
static bool put_block(struct squashfs *sq, uint64_t at, uint32_t size, size_t want)
{
    size_t room, len = 0;
    struct unpack *unpack = sq->tree->unpack;
    uint8_t *out = unpack_room(unpack, &room);
    if (!out)
        return false;
    bool direct = room >= want;
    bool fine = block_read(sq, at, size, direct ? out : sq->fragment, want, &len);
    if (!direct)
        sq->fragment_at = 0;
    if (!fine || len < want)
        unpack_gap(unpack, unpack->child_name, GAP_DAMAGED, "a block cannot be decompressed");
    if (direct ? !unpack_wrote(unpack, len) : !unpack_put(unpack, (bytes){sq->fragment, len}))
        return false;
    return fine && len == want && !unpack->full;
}

static bool put_tail(struct squashfs *sq, const struct inode *inode, size_t want)
{
    uint8_t pointer[8], entry[16];
    struct unpack *unpack = sq->tree->unpack;
    uint64_t at = sq->fragment_table + (uint64_t)(inode->fragment / 512) * 8;
    bool fine =
        inode->fragment < sq->fragments && source_copy(sq->tree->source, at, pointer, 8);
    struct cursor cursor = {fine ? load_le64(pointer) : 0, inode->fragment % 512 * 16};
    fine = fine && meta_read(sq, &cursor, entry, sizeof entry);
    uint64_t start = load_le64(entry);
    if (fine && sq->fragment_at != start + 1) {
        size_t len = 0;
        fine = block_read(sq, start, load_le32(entry + 8), sq->fragment, sq->block, &len);
        sq->fragment_len = (uint32_t)len;
        sq->fragment_at = fine ? start + 1 : 0;
    }
    bytes part = {NULL, 0};
    if (fine)
        part = bytes_slice((bytes){sq->fragment, sq->fragment_len}, inode->offset, want);
    if (part.len < want)
        unpack_gap(unpack, unpack->child_name, GAP_DAMAGED, "its last bytes are not there");
    return unpack_put(unpack, part);
}

static void put_file(struct squashfs *sq, struct inode *inode)
{
    uint64_t at = inode->start, left = inode->size;
    struct unpack *unpack = sq->tree->unpack;
    while (left >= sq->block || (left && inode->fragment == NO_FRAGMENT)) {
        uint8_t raw[4];
        size_t want = left < sq->block ? (size_t)left : sq->block;
        if (!meta_read(sq, &inode->sizes, raw, 4)) {
            unpack_gap(unpack, unpack->child_name, GAP_DAMAGED,
                       "its list of blocks is damaged");
            return;
        }
        uint32_t size = load_le32(raw);
        bool fine = size ? put_block(sq, at, size, want) : tree_put(sq->tree, 0, want, true);
        if (!fine)
            return;
        at += size & (STORED - 1);
        left -= want;
    }
    if (left && !put_tail(sq, inode, (size_t)left))
        return;
}

static void show_file(struct squashfs *sq, bytes name, struct inode *inode)
{
    struct tree *tree = sq->tree;
    struct arena_mark mark = arena_mark(tree->unpack->arena);
    if (!unpack_begin(tree->unpack, tree_path(tree, name))) {
        tree->stopped = true;
        return;
    }
    put_file(sq, inode);
    tree->stopped |= !unpack_end(tree->unpack);
    arena_pop(tree->unpack->arena, mark);
}

static void show_entry(struct squashfs *sq, bytes name, uint64_t reference)
{
    struct inode inode;
    if (!inode_read(sq, reference, &inode))
        tree_gap(sq->tree, name, GAP_DAMAGED, "its inode cannot be read");
    else if (inode.type == 1)
        tree_add(sq->tree, reference, 0, name);
    else if (inode.type == 2)
        show_file(sq, name, &inode);
}

/* Entries come in groups; those of a group have their inodes in one block. */
static bool read_group(struct squashfs *sq, struct cursor *at, uint64_t *left)
{
    uint8_t head[12], entry[8], name[256];
    if (!meta_read(sq, at, head, sizeof head) || load_le32(head) >= FOLDER_ENTRIES)
        return false;
    *left = *left > 12 ? *left - 12 : 0;
    for (uint32_t n = load_le32(head) + 1; n > 0 && !sq->tree->stopped; n--) {
        if (!meta_read(sq, at, entry, sizeof entry))
            return false;
        size_t len = (size_t)load_le16(entry + 6) + 1;
        if (len > sizeof name || !meta_read(sq, at, name, len) || *left < 8 + len)
            return false;
        *left -= 8 + len;
        show_entry(sq, (bytes){name, len},
                   (uint64_t)load_le32(head + 4) << 16 | load_le16(entry));
    }
    return true;
}

static void read_folder(struct squashfs *sq, uint64_t reference)
{
    struct inode inode;
    if (!inode_read(sq, reference, &inode) || inode.type != 1) {
        tree_gap(sq->tree, bytes_of(""), GAP_DAMAGED, "the folder's inode cannot be read");
        return;
    }
    struct cursor at = {sq->folders + inode.start, inode.offset};
    uint64_t left = inode.size > 3 ? inode.size - 3 : 0;
    while (left && !sq->tree->stopped)
        if (!read_group(sq, &at, &left)) {
            tree_gap(sq->tree, bytes_of(""), GAP_DAMAGED, "the folder cannot be read");
            return;
        }
}

static bool can_open(struct squashfs *sq, struct tree *tree)
{
    struct arena *arena = tree->unpack->arena;
    if (sq->compressor < GZIP || sq->compressor > ZSTD) {
        tree_gap(tree, bytes_of(""), GAP_UNSUPPORTED, "an unknown compression");
        return false;
    }
    if (sq->block < 4096 || sq->block > BLOCK_MOST || (sq->block & (sq->block - 1))) {
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "its size of blocks is wrong");
        return false;
    }
    if (sq->size > tree->source->size)
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "goes beyond the end of the image");
    sq->cache = PUSH_ARRAY(arena, struct meta_block, CACHE);
    sq->packed = arena_push_raw(arena, BLOCK_MOST + META);
    sq->fragment = arena_push_raw(arena, BLOCK_MOST);
    if (!sq->cache || !sq->packed || !sq->fragment)
        tree_gap(tree, bytes_of(""), GAP_LIMIT, "no memory for its blocks");
    return sq->cache && sq->packed && sq->fragment;
}

void squashfs_walk(struct tree *tree)
{
    struct squashfs sq;
    struct tree_folder folder;
    if (!super_read(tree->source, &sq) || !can_open(&sq, tree))
        return;
    sq.tree = tree;
    tree_add(tree, sq.root, 0, bytes_of(""));
    while (tree_next(tree, &folder))
        read_folder(&sq, folder.id);
}
