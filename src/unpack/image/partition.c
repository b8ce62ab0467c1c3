/* MBR, a sector:
 *     440 disk id    446 four entries of 16    510 55 aa
 *     entry: 0 status (00 or 80), 4 type, 8 first sector, 12 sectors
 * An entry of type 05, 0f or 85 begins a chain of such sectors: in each the first entry is a
 * partition, counted from that sector, and the second the next link, from the chain's begin.
 *
 * GPT ("UEFI Specification" 2.10, section 5.3), in sector 1, a copy in the last sector:
 *     0 "EFI PART"    72 sector of the entries, 80 how many, 84 bytes of each
 *     entry: 0 type, 16 id, 32 first sector, 40 last sector, 48 flags, 56 name (UTF-16)
 *
 * Apple partition map ("Inside Macintosh: Devices", chapter 3), big endian:
 *     0 "ER", 2 bytes of a block; from block 1 on, one for each partition:
 *     0 "PM", 4 blocks in the map, 8 first block, 12 blocks, 16 name[32], 48 type[32] */
#include "unpack/image/partition.h"

#include <stdio.h>
#include <string.h>

enum {
    SECTOR = 512,
    LOGICAL_MOST = 256,
    GPT_MOST = 1024,
    APPLE_MOST = 256,
    NESTED_MOST = 2, /* tables in partitions */
};

static const struct {
    uint8_t type;
    const char *name;
} mbr_types[] = {
    {0x01, "FAT12"},          {0x04, "FAT16"},        {0x06, "FAT16"},
    {0x07, "NTFS or exFAT"},  {0x0b, "FAT32"},        {0x0c, "FAT32"},
    {0x0e, "FAT16"},          {0x11, "hidden FAT12"}, {0x14, "hidden FAT16"},
    {0x16, "hidden FAT16"},   {0x17, "hidden NTFS"},  {0x1b, "hidden FAT32"},
    {0x1c, "hidden FAT32"},   {0x1e, "hidden FAT16"}, {0x27, "Windows recovery"},
    {0x42, "dynamic disk"},   {0x82, "Linux swap"},   {0x83, "Linux"},
    {0x8e, "Linux LVM"},      {0xa5, "FreeBSD"},      {0xa6, "OpenBSD"},
    {0xa8, "Apple UFS"},      {0xa9, "NetBSD"},       {0xaf, "Apple HFS"},
    {0xee, "GPT protective"}, {0xef, "EFI system"},   {0xfb, "VMFS"},
    {0xfd, "Linux RAID"},
};

/* The first fields of a type's GUID tell them apart. */
static const struct {
    uint32_t first;
    uint16_t second;
    const char *name;
} gpt_types[] = {
    {0xc12a7328, 0xf81f, "EFI system"},         {0x21686148, 0x6449, "BIOS boot"},
    {0xe3c9e316, 0x0b5c, "Microsoft reserved"}, {0xebd0a0a2, 0xb9e5, "Microsoft basic data"},
    {0xde94bba4, 0x06d1, "Windows recovery"},   {0x0fc63daf, 0x8483, "Linux"},
    {0x0657fd6d, 0xa4ab, "Linux swap"},         {0xe6d6d379, 0xf507, "Linux LVM"},
    {0xa19d880f, 0x05fc, "Linux RAID"},         {0x933ac7e1, 0x2eb4, "Linux home"},
    {0x4f68bce3, 0xe8cd, "Linux root"},         {0xbc13c2ff, 0x59e6, "Linux boot"},
    {0x48465300, 0x0000, "Apple HFS+"},         {0x7c3457ef, 0x0000, "Apple APFS"},
    {0x516e7cb6, 0x6ecf, "FreeBSD UFS"},        {0xca7d7ccb, 0x63ed, "Linux LUKS"},
};

static bool sector_read(struct source *disk, uint64_t at, uint8_t to[static SECTOR])
{
    return source_copy(disk, at, to, SECTOR);
}

static bool is_chain(uint8_t type)
{
    return type == 0x05 || type == 0x0f || type == 0x85;
}

/* A boot sector of a file system also ends with 55 aa, and has text or code where the entries
 * would be. */
static bool is_mbr(const uint8_t *sector, uint64_t size)
{
    unsigned used = 0;
    if (load_le16(sector + 510) != 0xaa55)
        return false;
    for (const uint8_t *entry = sector + 446; entry < sector + 510; entry += 16) {
        uint64_t from = load_le32(entry + 8), count = load_le32(entry + 12);
        if (entry[0] & 0x7f)
            return false;
        if (!entry[4] && !count)
            continue;
        if (!entry[4] || !count || from * SECTOR >= size)
            return false;
        used++;
    }
    return used > 0;
}

static bool is_boot_sector(const uint8_t *sector)
{
    if (memcmp(sector + 3, "NTFS    ", 8) == 0 || memcmp(sector + 3, "EXFAT   ", 8) == 0 ||
        memcmp(sector + 3, "-FVE-FS-", 8) == 0)
        return true;
    return (sector[0] == 0xeb || sector[0] == 0xe9) &&
           (memcmp(sector + 54, "FAT", 3) == 0 || memcmp(sector + 82, "FAT32", 5) == 0);
}

/* Where a GPT header is, and the size of a sector; 0 for none. */
static uint64_t gpt_header(struct source *disk, uint32_t *ret_sector)
{
    static const uint32_t sizes[] = {512, 4096};
    uint8_t magic[8];
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (int end = 0; end < 2; end++) {
            uint64_t at = sizes[i];
            if (end)
                at = disk->size < 3 * at ? 0 : disk->size / SECTOR * SECTOR - at;
            if (at && source_copy(disk, at, magic, 8) && memcmp(magic, "EFI PART", 8) == 0) {
                *ret_sector = sizes[i];
                return at;
            }
        }
    return 0;
}

enum partition_scheme partition_scheme(struct source *disk)
{
    uint8_t sector[SECTOR], magic[2];
    uint32_t size;
    if (!sector_read(disk, 0, sector))
        return PARTITION_NONE;
    bool mbr = is_mbr(sector, disk->size);
    if (mbr || memcmp(sector, "\0\0\0\0", 4) == 0)
        if (gpt_header(disk, &size))
            return PARTITION_GPT;
    if (mbr && !is_boot_sector(sector))
        return PARTITION_MBR;
    if (memcmp(sector, "ER", 2) == 0)
        for (uint64_t at = 512; at <= 2048; at *= 2)
            if (source_copy(disk, at, magic, 2) && memcmp(magic, "PM", 2) == 0)
                return PARTITION_APPLE;
    return PARTITION_NONE;
}

static void part_add(struct partition_table *table, struct arena *arena, uint32_t number,
                     uint64_t from, uint64_t size, const char *type)
{
    if (from == 0 || size == 0)
        return;
    struct partition *part = vec_push(arena, &table->parts);
    if (!part) {
        table->damaged = true;
        return;
    }
    part->from = from;
    part->size = size;
    snprintf(part->name, sizeof part->name, "partition %u (%s)", number, type);
}

static void mbr_add(struct partition_table *table, struct arena *arena, uint32_t number,
                    uint64_t base, const uint8_t *entry)
{
    char text[16];
    const char *name = text;
    snprintf(text, sizeof text, "type %02x", entry[4]);
    for (size_t i = 0; i < COUNT(mbr_types); i++)
        if (mbr_types[i].type == entry[4])
            name = mbr_types[i].name;
    part_add(table, arena, number, (base + load_le32(entry + 8)) * SECTOR,
             (uint64_t)load_le32(entry + 12) * SECTOR, name);
}

static void chain_list(struct source *disk, struct partition_table *table, struct arena *arena,
                       uint64_t base, uint32_t *number)
{
    uint8_t sector[SECTOR];
    uint64_t link = base;
    for (uint32_t n = 0; n < LOGICAL_MOST; n++) {
        if (!sector_read(disk, link * SECTOR, sector) || load_le16(sector + 510) != 0xaa55) {
            table->damaged = true;
            return;
        }
        if (sector[446 + 4] && !is_chain(sector[446 + 4]))
            mbr_add(table, arena, (*number)++, link, sector + 446);
        const uint8_t *next = sector + 446 + 16;
        if (!is_chain(next[4]))
            return;
        link = base + load_le32(next + 8);
    }
    table->damaged = true;
}

static void mbr_list(struct source *disk, struct partition_table *table, struct arena *arena)
{
    uint8_t sector[SECTOR];
    uint32_t logical = 5;
    if (!sector_read(disk, 0, sector))
        return;
    for (uint32_t i = 0; i < 4; i++) {
        const uint8_t *entry = sector + 446 + 16 * (size_t)i;
        if (is_chain(entry[4]))
            chain_list(disk, table, arena, load_le32(entry + 8), &logical);
        else if (entry[4])
            mbr_add(table, arena, i + 1, 0, entry);
    }
}

static void gpt_add(struct partition_table *table, struct arena *arena, uint32_t number,
                    uint32_t sector, const uint8_t *entry)
{
    char text[40];
    const char *name = text;
    uint64_t first = load_le64(entry + 32), last = load_le64(entry + 40);
    if (last < first || last > UINT64_MAX / 4096 - 1) {
        table->damaged = true;
        return;
    }
    snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%04x%08x", load_le32(entry),
             load_le16(entry + 4), load_le16(entry + 6), load_be16(entry + 8),
             load_be16(entry + 10), load_be32(entry + 12));
    for (size_t i = 0; i < COUNT(gpt_types); i++)
        if (gpt_types[i].first == load_le32(entry) &&
            gpt_types[i].second == load_le16(entry + 4))
            name = gpt_types[i].name;
    part_add(table, arena, number, first * sector, (last - first + 1) * sector, name);
}

static void gpt_list(struct source *disk, struct partition_table *table, struct arena *arena)
{
    uint32_t sector = 512, zero[4] = {0};
    uint8_t header[92], entry[128];
    uint64_t at = gpt_header(disk, &sector);
    if (!source_copy(disk, at, header, sizeof header)) {
        table->damaged = true;
        return;
    }
    uint64_t from = load_le64(header + 72);
    uint32_t count = load_le32(header + 80), size = load_le32(header + 84);
    if (from > disk->size / sector || size < sizeof entry || size > 4096 || count > GPT_MOST) {
        table->damaged = true;
        count = count > GPT_MOST ? GPT_MOST : count;
    }
    if (from > disk->size / sector || size < sizeof entry || size > 4096)
        return;
    for (uint32_t i = 0; i < count; i++) {
        if (!source_copy(disk, from * sector + (uint64_t)i * size, entry, sizeof entry)) {
            table->damaged = true;
            return;
        }
        if (memcmp(entry, zero, 16) != 0)
            gpt_add(table, arena, i + 1, sector, entry);
    }
}

static void apple_list(struct source *disk, struct partition_table *table, struct arena *arena)
{
    uint8_t entry[80];
    uint64_t block = 512;
    while (block < 2048 && !(source_copy(disk, block, entry, 2) && memcmp(entry, "PM", 2) == 0))
        block *= 2;
    uint32_t count = 1;
    for (uint32_t i = 0; i < count && i < APPLE_MOST; i++) {
        char type[33] = {0};
        if (!source_copy(disk, (i + 1) * block, entry, sizeof entry) ||
            memcmp(entry, "PM", 2) != 0) {
            table->damaged = true;
            return;
        }
        if (i == 0)
            count = load_be32(entry + 4);
        for (size_t k = 0; k < 32 && entry[48 + k] >= ' ' && entry[48 + k] < 0x7f; k++)
            type[k] = (char)entry[48 + k];
        if (strcmp(type, "Apple_partition_map") != 0 && strcmp(type, "Apple_Free") != 0)
            part_add(table, arena, i + 1, load_be32(entry + 8) * block,
                     load_be32(entry + 12) * block, type);
    }
    table->damaged |= count > APPLE_MOST;
}

struct partition_table partition_list(struct source *disk, enum partition_scheme scheme,
                                      struct arena *arena)
{
    struct partition_table table = {.damaged = false};
    if (scheme == PARTITION_MBR)
        mbr_list(disk, &table, arena);
    else if (scheme == PARTITION_GPT)
        gpt_list(disk, &table, arena);
    else if (scheme == PARTITION_APPLE)
        apple_list(disk, &table, arena);
    return table;
}

/* Tables in partitions, in partitions ...: a few are real, more are made to be slow. */
static bool nested_deep(struct unpack *unpack)
{
    unsigned tables = 0;
    for (const struct unpack *up = unpack->up; up; up = up->up)
        tables += up->format->open == partition_mbr_open ||
                  up->format->open == partition_gpt_open ||
                  up->format->open == partition_apple_open;
    if (tables <= NESTED_MOST)
        return false;
    unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "partition tables in partitions");
    return true;
}

static void open_as(struct unpack *unpack, enum partition_scheme scheme)
{
    struct source disk = source_flat(unpack->data, unpack->budget);
    struct partition_table table = partition_list(&disk, scheme, unpack->arena);
    uint64_t shown = 0;
    if (nested_deep(unpack))
        return;
    if (table.damaged)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the partition table is damaged");
    for (uint32_t i = 0; i < table.parts.n; i++) {
        const struct partition *part = &table.parts.at[i];
        bytes name = bytes_of(part->name);
        if (!bytes_has(unpack->data, part->from, part->size))
            unpack_gap(unpack, name, GAP_DAMAGED, "goes beyond the end of the disk");
        bytes data = bytes_slice(unpack->data, part->from, part->size);
        shown += data.len;
        if (shown / 2 > unpack->data.len) {
            unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "its partitions overlap each other");
            return;
        }
        if (!unpack_view(unpack, name, data))
            return;
    }
}

static bool probe_as(bytes data, enum partition_scheme scheme)
{
    struct budget budget = {.steps = 1 << 16};
    struct source disk = source_flat(data, &budget);
    return partition_scheme(&disk) == scheme;
}

bool partition_mbr_probe(bytes data)
{
    return probe_as(data, PARTITION_MBR);
}

bool partition_gpt_probe(bytes data)
{
    return probe_as(data, PARTITION_GPT);
}

bool partition_apple_probe(bytes data)
{
    return probe_as(data, PARTITION_APPLE);
}

void partition_mbr_open(struct unpack *unpack)
{
    open_as(unpack, PARTITION_MBR);
}

void partition_gpt_open(struct unpack *unpack)
{
    open_as(unpack, PARTITION_GPT);
}

void partition_apple_open(struct unpack *unpack)
{
    open_as(unpack, PARTITION_APPLE);
}
