/* VHD ("Virtual Hard Disk Image Format Specification", Microsoft, 2006), big endian.
 *     footer, the last 512 bytes, and of a dynamic disk also the first: 0 "conectix", 16
 * header, 48 size, 60 kind (2 fixed, 3 dynamic, 4 differs from another) header: 0 "cxsparse",
 * 16 table, 28 entries, 32 size of a block The table has the sector of each block, ffffffff for
 * none: a map of its sectors, then the data. VDI (VirtualBox), little endian: 64 be da 10 7f,
 * 76 kind (1 dynamic, 2 fixed, 4 differs), 340 table, 344 data, 368 size, 376 size of a block,
 * 384 blocks. The table has the number of each block, ffffffff for none, fffffffe for zeros. */
#include "unpack/image/disk/blocks.h"
#include "unpack/image/disk/disk.h"

#include <string.h>

enum { SECTOR = 512, KIND_FIXED = 2, KIND_DYNAMIC = 3, KIND_DIFFERS = 4 };

static bool vhd_where(const struct blocks *blocks, uint64_t n, uint64_t *ret)
{
    uint32_t sector;
    if (!bytes_be32(blocks->file, blocks->table + 4 * n, &sector))
        return false;
    uint64_t map = (blocks->block / SECTOR / 8 + SECTOR - 1) / SECTOR * SECTOR;
    *ret = sector == 0xffffffff ? 0 : (uint64_t)sector * SECTOR + map;
    return true;
}

void vhd_open(struct unpack *unpack)
{
    bytes file = unpack->data;
    uint64_t header = 0, size = 0;
    uint32_t kind = 0, entries = 0, block = 0;
    struct blocks blocks = {.file = file, .where = vhd_where};
    if (!bytes_be64(file, 16, &header) || !bytes_be64(file, 48, &size) ||
        !bytes_be32(file, 60, &kind) || !bytes_has(file, header, 1024) ||
        memcmp(file.at + header, "cxsparse", 8) != 0 ||
        !bytes_be64(file, header + 16, &blocks.table) ||
        !bytes_be32(file, header + 28, &entries) || !bytes_be32(file, header + 32, &block) ||
        block < SECTOR || block % SECTOR) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is damaged");
        return;
    }
    if (kind == KIND_DIFFERS)
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED,
                   "builds on another file: only what differs was examined");
    blocks.block = block;
    blocks.entries = entries;
    struct source source = blocks_source(&blocks, size, unpack->budget);
    disk_open(unpack, &source);
}

/* `entries` of these tables are blocks, and the data begin where the first block does. */
struct vdi {
    struct blocks blocks;
    uint64_t data;
};

static bool vdi_where(const struct blocks *blocks, uint64_t n, uint64_t *ret)
{
    const struct vdi *vdi = (const struct vdi *)(const void *)blocks;
    uint32_t block;
    if (!bytes_le32(blocks->file, blocks->table + 4 * n, &block))
        return false;
    *ret = block >= 0xfffffffe ? 0 : vdi->data + block * blocks->block;
    return true;
}

void vdi_open(struct unpack *unpack)
{
    bytes file = unpack->data;
    if (!bytes_has(file, 0, 512)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is cut short");
        return;
    }
    const uint8_t *header = file.at;
    struct vdi vdi = {.blocks = {.file = file,
                                 .where = vdi_where,
                                 .block = load_le32(header + 376),
                                 .table = load_le32(header + 340),
                                 .entries = load_le32(header + 384)},
                      .data = load_le32(header + 344)};
    if (load_le32(header + 76) == KIND_DIFFERS)
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED,
                   "builds on another file: only what differs was examined");
    if (vdi.blocks.block < SECTOR || vdi.blocks.block % SECTOR || !vdi.data) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is damaged");
        return;
    }
    struct source source = blocks_source(&vdi.blocks, load_le64(header + 368), unpack->budget);
    disk_open(unpack, &source);
}
