/* cramfs (Linux, fs/cramfs/README), little endian.
 *     0 28cd3d45, 4 size, 16 "Compressed ROMFS", 64 the root's inode
 *     inode: 0 mode, 4 size (24 bits), 8 length of the name (6 bits, in units of four), then
 * where its data are (26 bits, in units of four), 12 name. A folder's data are inodes. A file
 * has for each 4096 bytes the end of a zlib stream, which begins where the last one ended; an
 * empty one is zeros. */
#include "unpack/image/filesystem.h"

#include "shim/stream.h"

#include <string.h>

enum {
    BLOCK = 4096,
    INODE = 12,
    PACKED_MOST = 2 * BLOCK,
    MODE_FOLDER = 0x4000,
    MODE_FILE = 0x8000,
};

struct inode {
    unsigned mode, name; /* length of the name */
    uint32_t size, at;
};

bool cramfs_fits(struct source *source)
{
    uint8_t super[32];
    return source_copy(source, 0, super, sizeof super) && load_le32(super) == 0x28cd3d45 &&
           memcmp(super + 16, "Compressed ROMFS", 16) == 0;
}

static struct inode inode_read(const uint8_t *raw)
{
    uint32_t last = load_le32(raw + 8);
    return (struct inode){.mode = load_le16(raw) & 0xf000,
                          .size = load_le32(raw + 4) & 0xffffff,
                          .name = (last & 63) * 4,
                          .at = (last >> 6) * 4};
}

static bool put_block(struct tree *tree, uint64_t from, uint64_t end, size_t want)
{
    size_t room, len = 0;
    struct unpack *unpack = tree->unpack;
    uint8_t packed[PACKED_MOST], *out = unpack_room(unpack, &room);
    if (!out)
        return false;
    if (from == end) {
        memset(out, 0, want);
        return unpack_wrote(unpack, want);
    }
    bool fine = from < end && end - from <= sizeof packed &&
                source_copy(tree->source, from, packed, (size_t)(end - from));
    bytes in = {packed, fine ? (size_t)(end - from) : 0};
    struct stream *stream = fine ? stream_new(STREAM_ZLIB) : NULL;
    if (stream)
        fine = stream_run(stream, &in, out, want, &len) != STREAM_DAMAGED && len == want;
    stream_free(stream);
    if (!fine)
        unpack_gap(unpack, unpack->child_name, GAP_DAMAGED, "a block cannot be decompressed");
    return unpack_wrote(unpack, len) && fine;
}

static void show_file(struct tree *tree, bytes name, const struct inode *inode)
{
    uint8_t raw[4];
    struct unpack *unpack = tree->unpack;
    struct arena_mark mark = arena_mark(unpack->arena);
    uint32_t blocks = (inode->size + BLOCK - 1) / BLOCK, left = inode->size;
    uint64_t from = inode->at + 4ull * blocks;
    if (!unpack_begin(unpack, tree_path(tree, name))) {
        tree->stopped = true;
        return;
    }
    for (uint32_t i = 0; i < blocks; i++) {
        size_t want = left < BLOCK ? left : BLOCK;
        if (!source_copy(tree->source, inode->at + 4ull * i, raw, 4)) {
            unpack_gap(unpack, unpack->child_name, GAP_DAMAGED, "its blocks are not there");
            break;
        }
        if (load_le32(raw) >> 30) {
            unpack_gap(unpack, unpack->child_name, GAP_UNSUPPORTED, "blocks of a newer kind");
            break;
        }
        if (!put_block(tree, from, load_le32(raw), want))
            break;
        from = load_le32(raw);
        left -= (uint32_t)want;
    }
    tree->stopped |= !unpack_end(unpack);
    arena_pop(unpack->arena, mark);
}

static void read_folder(struct tree *tree, bytes content)
{
    for (size_t at = 0; bytes_has(content, at, INODE) && !tree->stopped;) {
        struct inode inode = inode_read(content.at + at);
        if (!budget_charge(tree->unpack->budget, 8))
            return;
        bytes name = bytes_slice(content, at + INODE, inode.name);
        while (name.len && name.at[name.len - 1] == 0)
            name.len--;
        if (!name.len)
            tree_gap(tree, bytes_of(""), GAP_DAMAGED, "a folder's entry is damaged");
        else if (inode.mode == MODE_FOLDER && inode.size)
            tree_add(tree, inode.at, inode.size, name);
        else if (inode.mode == MODE_FILE)
            show_file(tree, name, &inode);
        at += INODE + inode.name;
    }
}

void cramfs_walk(struct tree *tree)
{
    uint8_t super[64 + INODE];
    struct tree_folder folder;
    if (!source_copy(tree->source, 0, super, sizeof super))
        return;
    if (load_le32(super + 4) > tree->source->size)
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "goes beyond the end of the image");
    struct inode root = inode_read(super + 64);
    tree_add(tree, root.at, root.size, bytes_of(""));
    while (tree_next(tree, &folder)) {
        bytes content =
            source_bytes(tree->source, folder.id, (size_t)folder.more, tree->unpack->arena);
        if (!content.at && folder.more)
            tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the folder cannot be read");
        read_folder(tree, content);
    }
}
