/* Master boot record: four entries of 16 bytes from 446 on, type at 4, first sector at 8,
 * number at 12; an extended partition begins with such a record of its own, whose second entry
 * leads to the next. GPT: UEFI 2.10, section 5.3. APM (Inside Macintosh: Devices, chapter 3): a
 * block with "ER", then one for each partition. What is compared was found out from
 * clamscan 1.4. */
#include "alert/partition.h"

#include "shim/stream.h"

#include <string.h>

enum {
    SECTOR = 512,
    ENTRIES = 446,
    ENTRY = 16,
    EXTENDED = 5,
    GPT_HEADER = 92,
    GPT_ENTRY = 128,
    APM_MARK = 0x504d,
    APM_ENTRY = 136,
    DRIVER_BLOCK = 2048,
};

struct span {
    uint64_t from, count;
};

struct spans {
    struct span at[PARTITION_MOST];
    uint32_t n;
    bool meet; /* some two do */
};

static bool spans_overlap(struct span a, struct span b)
{
    return a.from == b.from || (a.from > b.from && b.from + b.count > a.from) ||
           (a.from < b.from && a.from + a.count > b.from);
}

static void add(struct spans *spans, uint64_t from, uint64_t count)
{
    struct span span = {from, count};
    for (uint32_t i = 0; i < spans->n && !spans->meet; i++)
        spans->meet = spans_overlap(span, spans->at[i]);
    if (spans->n < PARTITION_MOST)
        spans->at[spans->n++] = span;
}

static uint32_t at_most(uint32_t count, uint32_t most)
{
    most = most < PARTITION_MOST ? most : PARTITION_MOST;
    return count < most ? count : most;
}

/* Of the records of one extended partition. False when one of them is not there. */
static bool check_extended(bytes disk, uint64_t extended, uint32_t most, uint32_t *count,
                           bool *meet)
{
    struct spans spans = {.n = 0};
    uint64_t next = 0;
    do {
        uint64_t at = (extended + next) * SECTOR;
        if (!bytes_has(disk, at, SECTOR))
            return false;
        const uint8_t *entries = disk.at + at + ENTRIES;
        ++*count;
        add(&spans, next, load_le32(entries + 12));
        *meet |= spans.meet;
        if (entries[ENTRY + 4] != EXTENDED)
            break;
        next = load_le32(entries + ENTRY + 8);
    } while (next && *count < most);
    return true;
}

bool partition_mbr(bytes disk, uint32_t most)
{
    struct spans spans = {.n = 0};
    uint32_t count = 0;
    if (disk.len < SECTOR || disk.len % SECTOR)
        return false;
    most = at_most(UINT32_MAX, most);
    for (uint32_t i = 0; i < 4 && count < most; i++) {
        const uint8_t *entry = disk.at + ENTRIES + (size_t)i * ENTRY;
        uint32_t first = load_le32(entry + 8);
        if (!entry[4]) {
            count++;
            continue;
        }
        add(&spans, first, load_le32(entry + 12));
        if (entry[4] != EXTENDED)
            count++;
        else if (!check_extended(disk, first, most, &count, &spans.meet))
            break;
    }
    return spans.meet;
}

static size_t gpt_sector(bytes disk)
{
    static const size_t sizes[] = {512, 1024, 2048, 4096};
    for (size_t i = 0; i < COUNT(sizes) && bytes_has(disk, sizes[i], 8); i++)
        if (memcmp(disk.at + sizes[i], "EFI PART", 8) == 0)
            return sizes[i];
    return 0;
}

static bool header_sum_fits(const uint8_t *header)
{
    uint8_t copy[GPT_HEADER];
    memcpy(copy, header, sizeof copy);
    memset(copy + 16, 0, 4);
    return stream_crc32(0, (bytes){copy, sizeof copy}) == load_le32(header + 16);
}

/* Where a header and its table may lie, and what they say of each other. */
static bool header_fits(bytes disk, const uint8_t *header, size_t sector)
{
    uint64_t last = disk.len / sector - 1, self = load_le64(header + 24);
    uint64_t other = load_le64(header + 32), from = load_le64(header + 40);
    uint64_t to = load_le64(header + 48), table = load_le64(header + 72);
    uint32_t size = load_le32(header + 80) * load_le32(header + 84);
    uint64_t table_last = table + size / sector - 1, start = table * sector;
    return header_sum_fits(header) && memcmp(header, "EFI PART", 8) == 0 &&
           load_le32(header + 12) == GPT_HEADER && load_le32(header + 20) == 0 &&
           ((self == 1 && other == last) || (self == last && other == 1)) && from <= to &&
           from > 1 && to < last && !(table <= from && table_last >= from) &&
           !(table >= from && table <= to) && table > 1 && table_last < last &&
           load_le32(header + 84) == GPT_ENTRY && bytes_has(disk, start, size) &&
           stream_crc32(0, bytes_slice(disk, start, size)) == load_le32(header + 88);
}

/* False when an entry is not in the file. */
static bool check_table(bytes disk, const uint8_t *header, size_t sector, uint32_t most,
                        bool *meet)
{
    struct spans spans = {.n = 0};
    uint64_t from = load_le64(header + 40), to = load_le64(header + 48);
    uint64_t at = load_le64(header + 72) * sector;
    uint32_t count = at_most(load_le32(header + 80), most);
    for (uint32_t i = 0; i < count; i++, at += load_le32(header + 84)) {
        if (!bytes_has(disk, at, GPT_ENTRY))
            return false;
        uint64_t first = load_le64(disk.at + at + 32), last = load_le64(disk.at + at + 40);
        if (first && first <= last && first >= from && last <= to &&
            (last + 1) * sector <= disk.len)
            add(&spans, first, last - first + 1);
        *meet |= spans.meet;
    }
    return true;
}

bool partition_gpt(bytes disk, uint32_t most)
{
    size_t sector = gpt_sector(disk);
    bool meet = false;
    if (!sector || disk.len % sector || disk.len < 3 * sector)
        return false;
    const uint8_t *first = disk.at + sector, *second = disk.at + disk.len - sector;
    if (!header_fits(disk, first, sector) && !header_fits(disk, second, sector))
        return false;
    if (check_table(disk, first, sector, most, &meet))
        check_table(disk, second, sector, most, &meet);
    return meet;
}

static bool is_named(const uint8_t *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp((const char *)name, names[i], 32) == 0)
            return true;
    return false;
}

bool partition_apm(bytes disk, uint32_t most)
{
    static const char *const maps[] = {"Apple_Partition_Map", "Apple_partition_map",
                                       "Apple_patition_map"};
    static const char *const drivers[] = {"Apple_Driver",       "Apple_Driver43",
                                          "Apple_Driver43_CD",  "Apple_Driver_ATA",
                                          "Apple_Driver_ATAPI", "Apple_Patches"};
    struct spans spans = {.n = 0};
    if (!bytes_has(disk, 0, 82) || load_be16(disk.at) != 0x4552)
        return false;
    uint32_t block = load_be16(disk.at + 2);
    if (block * load_be32(disk.at + 4) != disk.len)
        return false;
    bool old = block == DRIVER_BLOCK && bytes_has(disk, SECTOR, APM_ENTRY) &&
               load_be16(disk.at + SECTOR) == APM_MARK;
    block = old ? SECTOR : block;
    if (!bytes_has(disk, block, APM_ENTRY) || load_be16(disk.at + block) != APM_MARK ||
        !is_named(disk.at + block + 48, maps, COUNT(maps)))
        return false;
    uint32_t count = at_most(load_be32(disk.at + block + 4), most);
    for (uint32_t i = 1; i <= count; i++) {
        uint64_t at = (uint64_t)i * block;
        if (!bytes_has(disk, at, APM_ENTRY))
            break;
        uint32_t blocks = load_be32(disk.at + at + 12);
        if (old && i % 4 == 0 && is_named(disk.at + at + 48, drivers, COUNT(drivers)))
            blocks *= DRIVER_BLOCK / SECTOR;
        add(&spans, load_be32(disk.at + at + 8), blocks);
    }
    return spans.meet;
}
