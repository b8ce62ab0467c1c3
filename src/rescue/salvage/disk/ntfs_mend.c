/* Records of 1,024 bytes ("FILE": 32 the record it continues, 44 its number). Record 0 tells
 * where $MFT lies, record 1 where $MFTMirr: by clusters from the volume's begin. With each size
 * of a cluster that gives another begin; the right one is where the indexes of folders ("INDX")
 * are found where their records tell. Attributes and runs: src/unpack/image/ntfs/ntfs_record.c.
 */
#include "rescue/salvage/disk/ntfs_mend.h"

#include "unpack/image/ntfs/ntfs_record.h"

#include <string.h>

enum {
    SECTOR = 512,
    RECORD = 1024,
    TABLES_MOST = 64,
    FOLDERS_MOST = 256,
    CLUSTER_LEAST = 512,
    CLUSTER_MOST = 65536,
    INDEX_ALLOCATION = 0xa0,
};

/* The attribute's first cluster; 0: it has none here. */
static uint64_t cluster_of(struct salvage *salvage, uint64_t at, uint32_t type)
{
    uint8_t record[NTFS_RECORD_MOST] = {0};
    struct ntfs ntfs = {.record_size = RECORD, .cluster = 1};
    struct ntfs_attribute attribute;
    memcpy(record, salvage->file.at + at, RECORD);
    uint32_t fixups = load_le16(record + 4);
    if (load_le16(record + 6) != RECORD / SECTOR + 1 || fixups + 6 > RECORD)
        return 0;
    for (uint32_t i = 1; i <= RECORD / SECTOR; i++)
        memcpy(record + (size_t)i * SECTOR - 2, record + fixups + 2 * (size_t)i, 2);
    for (size_t next = 0; ntfs_record_next(&ntfs, record, &next, &attribute);) {
        if (attribute.type != type || attribute.resident || attribute.first ||
            (type == NTFS_DATA && attribute.name.len) || !attribute.value.len)
            continue;
        size_t count = attribute.value.at[0] & 15, size = attribute.value.at[0] >> 4;
        uint64_t cluster = 0;
        if (!count || !size || size > 8 || attribute.value.len < 1 + count + size)
            return 0;
        for (size_t i = size; i-- > 0;)
            cluster = cluster << 8 | attribute.value.at[1 + count + i];
        return cluster < UINT32_MAX ? cluster : 0;
    }
    return 0;
}

static bool is_record(const struct salvage *salvage, uint64_t at)
{
    const uint8_t *p = salvage->file.at + at;
    return bytes_has(salvage->file, at, RECORD) && memcmp(p, "FILE", 4) == 0 &&
           load_le32(p + 28) == RECORD && (load_le16(p + 22) & 1) && !load_le64(p + 32) &&
           map_is_plain(&salvage->map, at, at + RECORD);
}

void ntfs_look_at(struct ntfs_look *look, uint64_t here)
{
    struct salvage *salvage = look->salvage;
    if (!is_record(salvage, here))
        return;
    const uint8_t *p = salvage->file.at + here;
    bool table = load_le32(p + 44) == 0 && load_le16(p + 4) >= 48;
    uint64_t cluster = table                    ? cluster_of(salvage, here, NTFS_DATA)
                       : load_le16(p + 22) == 3 ? cluster_of(salvage, here, INDEX_ALLOCATION)
                                                : 0;
    struct ntfs_place *place = NULL;
    if (cluster && table && look->tables.n < TABLES_MOST)
        place = vec_push(salvage->arena, &look->tables);
    else if (cluster && !table && look->folders.n < FOLDERS_MOST)
        place = vec_push(salvage->arena, &look->folders);
    if (!place)
        return;
    *place = (struct ntfs_place){.at = here, .cluster = cluster};
    if (table && is_record(salvage, here + RECORD) && load_le32(p + RECORD + 44) == 1)
        place->mirror = cluster_of(salvage, here + RECORD, NTFS_DATA);
}

/* How many folders' indexes lie where they must. */
static uint32_t count_folders(const struct mend *mend, const struct ntfs_look *look,
                              uint64_t from, uint64_t cluster)
{
    uint32_t n = 0;
    const struct salvage *salvage = mend->salvage;
    for (uint32_t i = 0; i < look->folders.n; i++) {
        uint64_t at = from + look->folders.at[i].cluster * cluster;
        n += bytes_has(salvage->file, at, 4) && memcmp(salvage->file.at + at, "INDX", 4) == 0 &&
             map_is_plain(&salvage->map, at, at + 4);
    }
    return n;
}

static void put_le(uint8_t *to, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static void put_volume(struct mend *mend, const struct ntfs_place *table, uint64_t from,
                       uint32_t cluster)
{
    uint8_t boot[SECTOR] = "\xeb\x52\x90NTFS    ";
    uint64_t size = mend->salvage->file.len - from;
    struct mend_volume *volume = mend_volume_add(mend, from, size, "ntfs");
    if (!volume)
        return;
    put_le(boot + 11, SECTOR, 2);
    /* Above 128 sectors the size would be a shift. */
    boot[13] = (uint8_t)(cluster / SECTOR);
    put_le(boot + 40, size / SECTOR, 8);
    put_le(boot + 48, table->cluster, 8);
    put_le(boot + 56, table->mirror, 8);
    boot[64] = 0xf6; /* 1 << 10 */
    (void)mend_put(mend, from, boot, sizeof boot);
    if (table->mirror)
        mend_records(mend, from, boot);
}

void ntfs_mend(struct mend *mend, const struct ntfs_look *look)
{
    /* How large one is that is added here is not known: others may follow in it. */
    bool known[TABLES_MOST];
    for (uint32_t i = 0; i < look->tables.n; i++)
        known[i] = mend_is_known(mend, look->tables.at[i].at);
    for (uint32_t i = 0; i < look->tables.n; i++) {
        const struct ntfs_place *table = &look->tables.at[i];
        uint32_t best = 0, size = 0;
        uint64_t begin = 0;
        if (known[i])
            continue;
        for (uint32_t cluster = CLUSTER_LEAST; cluster <= CLUSTER_MOST; cluster *= 2) {
            /* It is the table's own record, or the mirror's. */
            const uint64_t before[] = {table->cluster * cluster, table->mirror * cluster};
            for (size_t k = 0; k < COUNT(before); k++) {
                uint32_t n = before[k] && before[k] <= table->at
                                 ? count_folders(mend, look, table->at - before[k], cluster)
                                 : 0;
                if (n > best) {
                    best = n;
                    size = cluster;
                    begin = table->at - before[k];
                }
            }
        }
        if (best)
            put_volume(mend, table, begin, size);
    }
}
