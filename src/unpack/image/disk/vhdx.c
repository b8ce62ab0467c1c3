/* VHDX ([MS-VHDX]).
 *     0 "vhdxfile"; headers at 64 KiB and 128 KiB: 0 "head", 8 sequence, 48 id of the log;
 * region tables at 192 KiB and 256 KiB: 0 "regi", 8 entries; from 16 on, of 32: id, 16 where
 *     metadata: 0 "metadata", 10 entries; from 32 on, of 32: id, 16 where in this region
 *     the table of blocks: 8 bytes for each, low 3 bits state (6: there, 7: a part of it), from
 * bit 20 on where; after as many as share one map of sectors, an entry for that map */
#include "unpack/image/disk/blocks.h"
#include "unpack/image/disk/disk.h"

#include <string.h>

enum {
    REGION = 64 << 10,
    ENTRIES = 2047,
    ENTRY = 32,
    HAS_PARENT = 2,
    BLOCK_MOST = 256 << 20,
};

/* The first four bytes of the ids of the standard. */
#define REGION_BLOCKS   UINT32_C(0x2dc27766)
#define REGION_METADATA UINT32_C(0x8b7ca206)
#define ITEM_PARAMETERS UINT32_C(0xcaa16737)
#define ITEM_SIZE       UINT32_C(0x2fa54224)
#define ITEM_SECTOR     UINT32_C(0x8141bf1d)

static bool vhdx_where(const struct blocks *blocks, uint64_t n, uint64_t *ret)
{
    uint64_t entry, shared = blocks->share;
    if (!bytes_le64(blocks->file, blocks->table + 8 * (n + n / shared), &entry))
        return false;
    *ret = (entry & 7) >= 6 ? entry & ~UINT64_C(0xfffff) : 0;
    return true;
}

/* The entry with an id in a table of `count` at `at`; its bytes from 16 on, or NULL. */
static const uint8_t *find_entry(bytes file, uint64_t at, uint32_t count, uint32_t id)
{
    for (uint32_t i = 0; i < count && i < ENTRIES && bytes_has(file, at, ENTRY);
         i++, at += ENTRY)
        if (load_le32(file.at + at) == id)
            return file.at + at + 16;
    return NULL;
}

static const uint8_t *find_region(bytes file, uint32_t id)
{
    for (uint64_t at = 3 * REGION; at <= 4 * REGION; at += REGION) {
        const uint8_t *entry = NULL;
        if (bytes_has(file, at, 16) && memcmp(file.at + at, "regi", 4) == 0)
            entry = find_entry(file, at + 16, load_le32(file.at + at + 8), id);
        if (entry)
            return entry;
    }
    return NULL;
}

/* Where an item of `size` bytes of the metadata is; NULL for none. */
static const uint8_t *find_item(bytes file, uint32_t id, size_t size)
{
    const uint8_t *region = find_region(file, REGION_METADATA);
    uint64_t at = region ? load_le64(region) : UINT64_MAX;
    if (!bytes_has(file, at, 32) || memcmp(file.at + at, "metadata", 8) != 0)
        return NULL;
    const uint8_t *entry = find_entry(file, at + 32, load_le16(file.at + at + 10), id);
    if (!entry || !bytes_has(file, at + load_le32(entry), size))
        return NULL;
    return file.at + at + load_le32(entry);
}

/* Whether the header in force names a log: what is in it was not written back. */
static bool has_log(bytes file)
{
    uint64_t best = 0;
    bool log = false;
    static const uint8_t none[16];
    for (uint64_t at = REGION; at <= 2 * REGION; at += REGION)
        if (bytes_has(file, at, 80) && memcmp(file.at + at, "head", 4) == 0 &&
            load_le64(file.at + at + 8) >= best) {
            best = load_le64(file.at + at + 8);
            log = memcmp(file.at + at + 48, none, sizeof none) != 0;
        }
    return log;
}

void vhdx_open(struct unpack *unpack)
{
    bytes file = unpack->data;
    const uint8_t *table = find_region(file, REGION_BLOCKS);
    const uint8_t *parameters = find_item(file, ITEM_PARAMETERS, 8);
    const uint8_t *size = find_item(file, ITEM_SIZE, 8);
    const uint8_t *sector = find_item(file, ITEM_SECTOR, 4);
    uint32_t block = parameters ? load_le32(parameters) : 0;
    uint64_t each = sector ? load_le32(sector) : 0;
    if (!table || !size || block < (1 << 20) || block > BLOCK_MOST || (block & (block - 1)) ||
        (each != 512 && each != 4096)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the metadata are damaged");
        return;
    }
    if (load_le32(parameters + 4) & HAS_PARENT)
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED,
                   "builds on another file: only what differs was examined");
    if (has_log(file))
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED,
                   "was not closed: what its log holds was not examined");
    struct blocks blocks = {.file = file,
                            .where = vhdx_where,
                            .block = block,
                            .table = load_le64(table),
                            .entries = UINT64_MAX / 16,
                            .share = (each << 23) / block};
    struct source source = blocks_source(&blocks, load_le64(size), unpack->budget);
    disk_open(unpack, &source);
}
