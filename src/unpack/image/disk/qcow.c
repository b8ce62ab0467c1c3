/* QCOW2 ("The QCOW2 image format", qemu's docs/interop/qcow2.txt), big endian.
 *     0 "QFI\xfb", 4 version, 8 name of the backing file, 20 size of a cluster (shift), 24
 * size, 32 encryption, 36 entries of table 1, 40 where it is, 60 snapshots, 72 features (4:
 * data in another file, 8: another compression, 16: entries of 16 bytes), 104 compression (1:
 * zstd) Table 1 says where the tables 2 are, these where the clusters (bits 9 to 55; bit 0:
 * zeros). Bit 62: compressed; the upper bits of the rest are the number of further sectors. */
#include "unpack/image/block.h"
#include "unpack/image/disk/cache.h"
#include "unpack/image/disk/disk.h"

enum {
    HEADER = 112,
    FEATURE_EXTERNAL = 4,
    FEATURE_COMPRESSION = 8,
    FEATURE_WIDE = 16,
    NOTHING = 0,
};

#define OFFSET_MASK UINT64_C(0x00fffffffffffe00)
#define COMPRESSED  (UINT64_C(1) << 62)

struct qcow {
    bytes file;
    unsigned shift;
    bool wide, zstd;
    uint64_t table, entries, size;
    struct cache cache; /* by entry of table 2 */
};

/* NULL when damaged. */
static const uint8_t *decode(struct qcow *qcow, uint64_t entry, struct budget *budget)
{
    unsigned bits = 62 - (qcow->shift - 8);
    uint64_t at = entry & ((UINT64_C(1) << bits) - 1);
    uint64_t sectors = ((entry & (COMPRESSED - 1)) >> bits) + 1;
    size_t room = (size_t)1 << qcow->shift;
    bool hit, end;
    struct cache_slot *slot = cache_find(&qcow->cache, entry, &hit);
    if (hit)
        return slot->at;
    if (!bytes_has(qcow->file, at, 1) || !budget_charge(budget, room / 4))
        return NULL;
    bytes in = bytes_slice(qcow->file, at, (size_t)(sectors * 512 - (at & 511)));
    if (block_decode(qcow->zstd ? STREAM_ZSTD : STREAM_DEFLATE, in, slot->at, room, &end) <
        room)
        return NULL;
    slot->key = entry;
    return slot->at;
}

/* Where subclusters are marked one by one, the piece is one of these. */
static bool piece_wide(struct qcow *qcow, uint64_t slot, uint64_t in, uint64_t host,
                       struct source_piece *ret)
{
    uint64_t marks, size = (UINT64_C(1) << qcow->shift) / 32, n = in / size;
    if (!bytes_be64(qcow->file, slot + 8, &marks))
        return false;
    *ret = (struct source_piece){NULL, size - in % size, true};
    if (marks >> n & 1) {
        if (!bytes_has(qcow->file, host + in, ret->len))
            return false;
        ret->at = qcow->file.at + host + in;
    }
    return true;
}

static bool map_cluster(struct source *source, uint64_t at, struct source_piece *ret)
{
    struct qcow *qcow = source->state;
    unsigned entry_shift = qcow->wide ? 4 : 3, l2_bits = qcow->shift - entry_shift;
    uint64_t cluster = at >> qcow->shift, size = UINT64_C(1) << qcow->shift;
    uint64_t l1 = cluster >> l2_bits, in = at & (size - 1), table = 0, entry = 0;
    *ret = (struct source_piece){NULL, size - in, true};
    if (l1 >= qcow->entries || !bytes_be64(qcow->file, qcow->table + 8 * l1, &table))
        return false;
    table &= OFFSET_MASK;
    if (table == NOTHING) {
        ret->len = (((l1 + 1) << l2_bits) << qcow->shift) - at;
        return true;
    }
    uint64_t slot = table + ((cluster & ((UINT64_C(1) << l2_bits) - 1)) << entry_shift);
    if (!bytes_be64(qcow->file, slot, &entry))
        return false;
    if (entry & COMPRESSED) {
        const uint8_t *decoded = decode(qcow, entry, source->budget);
        if (decoded)
            *ret = (struct source_piece){decoded + in, size - in, false};
        return decoded != NULL;
    }
    uint64_t host = entry & OFFSET_MASK;
    if (qcow->wide)
        return piece_wide(qcow, slot, in, host, ret);
    if (host == NOTHING || (entry & 1))
        return true;
    /* The last cluster of a file may be cut short. */
    uint64_t left = bytes_has(qcow->file, host + in, 1) ? qcow->file.len - (host + in) : 0;
    ret->at = qcow->file.at + (left ? host + in : 0);
    ret->len = left < ret->len ? left : ret->len;
    return left > 0;
}

static bool header_read(struct unpack *unpack, struct qcow *qcow)
{
    bytes file = unpack->data;
    uint8_t header[HEADER] = {0};
    for (size_t i = 0; i < sizeof header && i < file.len; i++)
        header[i] = file.at[i];
    uint32_t version = load_be32(header + 4), shift = load_be32(header + 20);
    uint64_t features = version >= 3 ? load_be64(header + 72) : 0;
    if (version != 2 && version != 3) {
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED, "version %u of QCOW", version);
        return false;
    }
    if (load_be32(header + 32)) {
        unpack_gap(unpack, bytes_of(""), GAP_ENCRYPTED, "encrypted disk");
        return false;
    }
    if (features & FEATURE_EXTERNAL) {
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED, "its data are in another file");
        return false;
    }
    if (shift < 9 || shift > 21 || file.len < 72) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is damaged");
        return false;
    }
    *qcow = (struct qcow){.file = file,
                          .shift = shift,
                          .wide = features & FEATURE_WIDE,
                          .zstd = (features & FEATURE_COMPRESSION) && header[104] == 1,
                          .entries = load_be32(header + 36),
                          .table = load_be64(header + 40) & OFFSET_MASK,
                          .size = load_be64(header + 24)};
    if (load_be64(header + 8))
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED,
                   "builds on another file: only what differs was examined");
    if (load_be32(header + 60))
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED, "%u snapshots",
                   load_be32(header + 60));
    return true;
}

void qcow_open(struct unpack *unpack)
{
    struct qcow qcow;
    if (!header_read(unpack, &qcow))
        return;
    if (!cache_open(&qcow.cache, (size_t)1 << qcow.shift, unpack->arena)) {
        unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "no memory for its clusters");
        return;
    }
    struct source source = {
        .size = qcow.size, .budget = unpack->budget, .map = map_cluster, .state = &qcow};
    disk_open(unpack, &source);
}
