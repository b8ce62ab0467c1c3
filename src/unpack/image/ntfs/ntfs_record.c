/* Boot sector: 3 "NTFS    ", 11 bytes of a sector, 13 sectors of a cluster (over 128: shift),
 *     48 cluster of the master file table, 64 clusters of a record (negative: shift of bytes)
 * Record: 0 "FILE", 4 where its fixups are and 6 how many, 20 first attribute, 22 flags (1 in
 * use, 2 folder), 24 size used, 32 the record it continues The last two bytes of each 512 are
 * in the fixups; in their place is the first of these. Attribute: 0 type, 4 size, 8 not
 * resident, 9 length of its name, 10 where, 12 flags, 14 id resident: 16 size, 20 where else 16
 * first cluster, 32 where its runs are, 34 unit of compression, 48 size, 56 written Runs: a
 * byte (low half: bytes of the count, high half: bytes of the distance from the last run's
 * begin; none: a hole), the count, the distance; 0 ends them. */
#include "unpack/image/ntfs/ntfs_record.h"

#include <string.h>

enum { STRIDE = 512 };

bool ntfs_record_boot(struct source *source, struct ntfs *ret)
{
    uint8_t boot[80];
    if (!source_copy(source, 0, boot, sizeof boot) || memcmp(boot + 3, "NTFS    ", 8) != 0)
        return false;
    uint32_t sector = load_le16(boot + 11), each = boot[13], size = boot[64];
    if (each > 128)
        each = 256 - each > 16 ? 0 : 1u << (256 - each);
    if (sector < 256 || sector > 4096 || (sector & (sector - 1)) || !each ||
        (each & (each - 1)) || sector * each > 2 << 20)
        return false;
    uint32_t cluster = sector * each;
    if (size >= 128)
        size = 256 - size > 12 ? 0 : 1u << (256 - size);
    else
        size = size > NTFS_RECORD_MOST / 256 ? 0 : size * cluster;
    *ret = (struct ntfs){.cluster = cluster, .record_size = size};
    uint64_t first = load_le64(boot + 48);
    if (first > source->size / cluster)
        first = 0;
    ret->table = first * cluster;
    return size >= STRIDE && size <= NTFS_RECORD_MOST && size % STRIDE == 0;
}

static bool put_back(uint8_t *record, uint32_t size)
{
    uint32_t from = load_le16(record + 4), count = load_le16(record + 6);
    if (memcmp(record, "FILE", 4) != 0 || count != size / STRIDE + 1 || from + 2 * count > size)
        return false;
    for (uint32_t i = 1; i < count; i++) {
        uint8_t *end = record + (size_t)i * STRIDE - 2;
        if (memcmp(end, record + from, 2) != 0)
            return false;
        memcpy(end, record + from + 2 * (size_t)i, 2);
    }
    return true;
}

/* Where the byte `at` of the table lies; false when it is in no run. */
static bool table_at(struct ntfs *ntfs, uint64_t at, uint64_t *ret)
{
    if (at < ntfs->run_from)
        ntfs->run = 0, ntfs->run_from = 0;
    while (ntfs->run < ntfs->mft.runs.n) {
        const struct tree_run *run = &ntfs->mft.runs.at[ntfs->run];
        if (at - ntfs->run_from < run->len) {
            *ret = run->at + (at - ntfs->run_from);
            return !run->hole;
        }
        ntfs->run_from += run->len;
        ntfs->run++;
    }
    ntfs->run = 0;
    ntfs->run_from = 0;
    return false;
}

bool ntfs_record_read(struct ntfs *ntfs, uint64_t number, uint8_t ret[static NTFS_RECORD_MOST])
{
    uint64_t from = 0;
    struct source *source = ntfs->tree->source;
    if (number >= ntfs->records || !budget_charge(ntfs->tree->unpack->budget, 32))
        return false;
    for (uint32_t part = 0; part < ntfs->record_size; part += STRIDE)
        if (!table_at(ntfs, number * ntfs->record_size + part, &from) ||
            !source_copy(source, from, ret + part, STRIDE))
            return false;
    return put_back(ret, ntfs->record_size);
}

bool ntfs_record_next(const struct ntfs *ntfs, const uint8_t *record, size_t *at,
                      struct ntfs_attribute *ret)
{
    bytes all = {record, ntfs->record_size};
    if (*at == 0)
        *at = load_le16(record + 20);
    if (!bytes_has(all, *at, 24))
        return false;
    const uint8_t *raw = record + *at;
    uint32_t type = load_le32(raw), size = load_le32(raw + 4);
    if (type == 0xffffffff || size < 24 || !bytes_has(all, *at, size))
        return false;
    bytes attribute = {raw, size};
    *ret = (struct ntfs_attribute){
        .type = type,
        .flags = load_le16(raw + 12),
        .id = load_le16(raw + 14),
        .resident = raw[8] == 0,
        .name = bytes_slice(attribute, load_le16(raw + 10), 2 * (size_t)raw[9])};
    *at += size;
    if (ret->resident) {
        ret->value = bytes_slice(attribute, load_le16(raw + 20), load_le32(raw + 16));
        ret->size = ret->written = load_le32(raw + 16);
    } else if (size >= 64) {
        ret->first = load_le64(raw + 16);
        ret->value = bytes_slice(attribute, load_le16(raw + 32), size);
        ret->unit = load_le16(raw + 34);
        ret->size = load_le64(raw + 48);
        ret->written = load_le64(raw + 56);
    }
    return true;
}

static uint64_t number_read(const uint8_t *raw, size_t size, bool is_signed)
{
    uint64_t ret = is_signed && size && (raw[size - 1] & 0x80) ? UINT64_MAX : 0;
    while (size-- > 0)
        ret = ret << 8 | raw[size];
    return ret;
}

bool ntfs_record_runs(struct ntfs *ntfs, bytes runs, struct tree_file *file)
{
    uint64_t cluster = 0, most = UINT64_MAX / 4 / ntfs->cluster;
    for (size_t at = 0; at < runs.len && runs.at[at];) {
        size_t count_size = runs.at[at] & 15, size = runs.at[at] >> 4;
        if (count_size > 8 || size > 8 || !count_size ||
            !bytes_has(runs, at, 1 + count_size + size))
            return false;
        uint64_t count = number_read(runs.at + at + 1, count_size, false);
        cluster += number_read(runs.at + at + 1 + count_size, size, true);
        at += 1 + count_size + size;
        if (count > most || cluster > most)
            return false;
        if (!tree_run(ntfs->tree, file, size ? cluster * ntfs->cluster : 0,
                      count * ntfs->cluster, size == 0))
            return file->enough;
    }
    return true;
}

/* What of the table other records describe. */
static void table_rest(struct ntfs *ntfs, bytes list)
{
    uint8_t record[NTFS_RECORD_MOST];
    struct ntfs_attribute attribute;
    for (size_t at = 0; bytes_has(list, at, 26) && load_le16(list.at + at + 4) >= 26;
         at += load_le16(list.at + at + 4)) {
        const uint8_t *entry = list.at + at;
        uint64_t number = load_le64(entry + 16) & UINT64_C(0xffffffffffff);
        if (load_le32(entry) != NTFS_DATA || number == 0 ||
            !ntfs_record_read(ntfs, number, record))
            continue;
        for (size_t next = 0; ntfs_record_next(ntfs, record, &next, &attribute);)
            if (attribute.type == NTFS_DATA && attribute.first &&
                attribute.first * ntfs->cluster == ntfs->mft.size &&
                !ntfs_record_runs(ntfs, attribute.value, &ntfs->mft))
                return;
        ntfs->records = ntfs->mft.size / ntfs->record_size;
    }
}

bool ntfs_record_table(struct ntfs *ntfs)
{
    uint8_t record[NTFS_RECORD_MOST];
    struct ntfs_attribute attribute;
    struct source *source = ntfs->tree->source;
    bytes list = {NULL, 0};
    if (!source_copy(source, ntfs->table, record, ntfs->record_size) ||
        !put_back(record, ntfs->record_size))
        return false;
    for (size_t at = 0; ntfs_record_next(ntfs, record, &at, &attribute);) {
        struct tree_file runs = {.size = 0};
        if (attribute.type == NTFS_DATA && !attribute.resident && !attribute.name.len) {
            if (!ntfs_record_runs(ntfs, attribute.value, &ntfs->mft))
                return false;
        } else if (attribute.type == NTFS_ATTRIBUTE_LIST) {
            list = attribute.value;
            if (!attribute.resident && ntfs_record_runs(ntfs, list, &runs))
                list = tree_content(ntfs->tree, &runs, attribute.size, 1 << 20);
        }
    }
    ntfs->records = ntfs->mft.size / ntfs->record_size;
    table_rest(ntfs, list);
    uint64_t most = source->size / ntfs->record_size;
    ntfs->records = ntfs->records < most ? ntfs->records : most;
    return ntfs->records > 0;
}
