/* VMDK ("Virtual Disk Format 5.0", VMware), sparse extents; sizes are in sectors.
 *     0 "KDMV", 8 flags (10000: compressed), 12 size, 20 size of a grain, 28 descriptor and 36
 * its size, 44 entries of a grain table, 56 grain directory (all ones: see the footer, the last
 *     sector but one)
 * The directory has the sector of each grain table, these of each grain: 0 for none, 1 for
 * zeros. A compressed grain: 0 its sector on the disk, 8 bytes, 12 a zlib stream. COWD (ESX):
 * 12 size, 16 size of a grain, 20 directory; tables of 4096. */
#include "unpack/image/block.h"
#include "unpack/image/disk/cache.h"
#include "unpack/image/disk/disk.h"

#include <string.h>

enum { SECTOR = 512, FLAG_COMPRESSED = 0x10000, GRAIN_MOST = 4096, COWD_ENTRIES = 4096 };

struct vmdk {
    bytes file;
    uint64_t size, grain, directory; /* bytes */
    uint32_t entries;
    bool compressed;
    struct cache cache; /* by place in the file */
};

/* NULL when damaged. */
static const uint8_t *decode(struct vmdk *vmdk, uint64_t at, struct budget *budget)
{
    uint32_t size;
    bool hit, end;
    struct cache_slot *slot = cache_find(&vmdk->cache, at, &hit);
    if (hit)
        return slot->at;
    if (!bytes_le32(vmdk->file, at + 8, &size) || !budget_charge(budget, vmdk->grain / 4))
        return NULL;
    bytes in = bytes_slice(vmdk->file, (size_t)at + 12, size);
    size_t len = block_decode(STREAM_ZLIB, in, slot->at, (size_t)vmdk->grain, &end);
    if (len < vmdk->grain && !end)
        return NULL;
    /* The last grain of a disk may be short. */
    memset(slot->at + len, 0, (size_t)vmdk->grain - len);
    slot->key = at;
    return slot->at;
}

static bool map_grain(struct source *source, uint64_t at, struct source_piece *ret)
{
    struct vmdk *vmdk = source->state;
    uint64_t n = at / vmdk->grain, in = at % vmdk->grain;
    uint32_t table, sector;
    *ret = (struct source_piece){NULL, vmdk->grain - in, true};
    if (!bytes_le32(vmdk->file, vmdk->directory + 4 * (n / vmdk->entries), &table))
        return false;
    if (table == 0) {
        ret->len = (n / vmdk->entries + 1) * vmdk->entries * vmdk->grain - at;
        return true;
    }
    uint64_t slot = (uint64_t)table * SECTOR + 4 * (n % vmdk->entries);
    if (!bytes_le32(vmdk->file, slot, &sector))
        return false;
    uint64_t where = (uint64_t)sector * SECTOR;
    if (sector <= 1)
        return true;
    if (vmdk->compressed) {
        const uint8_t *decoded = decode(vmdk, where, source->budget);
        if (decoded)
            *ret = (struct source_piece){decoded + in, vmdk->grain - in, false};
        return decoded != NULL;
    }
    if (!bytes_has(vmdk->file, where + in, 1))
        return false;
    ret->at = vmdk->file.at + where + in;
    if (ret->len > vmdk->file.len - (where + in))
        ret->len = vmdk->file.len - (where + in);
    return true;
}

static void open_sparse(struct unpack *unpack, struct vmdk *vmdk)
{
    if (vmdk->grain < SECTOR || vmdk->grain > GRAIN_MOST * SECTOR || !vmdk->entries ||
        vmdk->size > UINT64_MAX / 4) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is damaged");
        return;
    }
    if (!cache_open(&vmdk->cache, (size_t)vmdk->grain, unpack->arena)) {
        unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "no memory for its grains");
        return;
    }
    struct source source = {
        .size = vmdk->size, .budget = unpack->budget, .map = map_grain, .state = vmdk};
    disk_open(unpack, &source);
}

static uint64_t in_bytes(uint64_t sectors)
{
    return sectors > UINT64_MAX / SECTOR ? UINT64_MAX : sectors * SECTOR;
}

/* A disk that differs from another names it in its descriptor. */
static void note_parent(struct unpack *unpack, const uint8_t *header)
{
    bytes text = {NULL, 0};
    uint64_t at = in_bytes(load_le64(header + 28)), size = in_bytes(load_le64(header + 36));
    if (bytes_has(unpack->data, at, size) && size <= 1 << 20)
        text = bytes_slice(unpack->data, at, (size_t)size);
    size_t parent = bytes_find(text, bytes_of("parentCID="), 0);
    if (parent != SIZE_MAX && !bytes_is(bytes_slice(text, parent + 10, 8), "ffffffff") &&
        !bytes_is(bytes_slice(text, parent + 10, 8), "FFFFFFFF"))
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED,
                   "builds on another file: only what differs was examined");
}

void vmdk_open(struct unpack *unpack)
{
    bytes file = unpack->data;
    if (!bytes_has(file, 0, SECTOR)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is cut short");
        return;
    }
    const uint8_t *header = file.at, *first = header;
    if (load_le64(header + 56) == UINT64_MAX && file.len >= 3 * SECTOR) {
        header = file.at + file.len - 2 * SECTOR;
        if (memcmp(header, "KDMV", 4) != 0) {
            unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the footer is not there");
            return;
        }
    }
    struct vmdk vmdk = {.file = file,
                        .size = in_bytes(load_le64(header + 12)),
                        .grain = in_bytes(load_le64(header + 20)),
                        .directory = in_bytes(load_le64(header + 56)),
                        .entries = load_le32(header + 44),
                        .compressed = load_le32(header + 8) & FLAG_COMPRESSED};
    note_parent(unpack, first);
    open_sparse(unpack, &vmdk);
}

void vmdk_cowd_open(struct unpack *unpack)
{
    bytes file = unpack->data;
    struct vmdk vmdk = {.file = file, .entries = COWD_ENTRIES};
    if (bytes_has(file, 0, SECTOR)) {
        vmdk.size = (uint64_t)load_le32(file.at + 12) * SECTOR;
        vmdk.grain = (uint64_t)load_le32(file.at + 16) * SECTOR;
        vmdk.directory = (uint64_t)load_le32(file.at + 20) * SECTOR;
    }
    open_sparse(unpack, &vmdk);
}
