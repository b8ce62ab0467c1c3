/* FAT12, FAT16, FAT32: "Microsoft Extensible Firmware Initiative FAT32 File System
 * Specification" 1.03.
 *     0 jump, 3 maker, 11 bytes of a sector, 13 sectors of a cluster, 14 sectors before the
 * first table, 16 tables, 17 entries of the root, 19 sectors (or 32), 21 medium, 22 sectors of
 * a table (or FAT32: 36), 44 FAT32: first cluster of the root Then the tables, FAT12 and FAT16:
 * the root, then the clusters, from number 2 on. The number of clusters decides which FAT it
 * is. entry of a folder: 0 name, 8 extension, 11 attributes, 12 case, 20 and 26 first cluster,
 *     28 size. With attributes 0f: a part of the long name of the entry that follows, the last
 *     first: 0 number (40: last), 1 five, 14 six, 28 two units of UTF-16, 13 checksum */
#include "unpack/image/filesystem.h"

#include <string.h>

enum {
    ENTRY = 32,
    LONG_PARTS = 20, /* of 13 units */
    FOLDER_MOST = 16 << 20,
    ATTRIBUTE_LABEL = 0x08,
    ATTRIBUTE_FOLDER = 0x10,
    ATTRIBUTE_LONG = 0x0f,
};

struct fat {
    struct tree *tree;
    unsigned bits; /* of an entry in the table */
    uint32_t cluster, clusters, root_cluster;
    uint64_t table, table_size, root, root_size, data;
};

static bool fat_open(struct source *source, struct fat *fat)
{
    uint8_t boot[64];
    if (!source_copy(source, 0, boot, sizeof boot) || (boot[0] != 0xeb && boot[0] != 0xe9))
        return false;
    uint32_t sector = load_le16(boot + 11), each = boot[13], before = load_le16(boot + 14);
    uint32_t tables = boot[16], entries = load_le16(boot + 17);
    uint32_t sectors = load_le16(boot + 19), table = load_le16(boot + 22);
    if (sector < 128 || sector > 4096 || (sector & (sector - 1)) || !each ||
        (each & (each - 1)) || !before || !tables || tables > 8 ||
        (boot[21] < 0xf8 && boot[21] != 0xf0))
        return false;
    sectors = sectors ? sectors : load_le32(boot + 32);
    bool wide = !table;
    table = table ? table : load_le32(boot + 36);
    uint64_t root = before + (uint64_t)tables * table;
    uint64_t data = root + (entries * ENTRY + sector - 1) / sector;
    if (!table || data >= sectors || (!wide && !entries))
        return false;
    uint64_t clusters = (sectors - data) / each;
    *fat = (struct fat){.cluster = sector * each,
                        .clusters = clusters > 0x0ffffff4 ? 0x0ffffff4 : (uint32_t)clusters,
                        .table = (uint64_t)before * sector,
                        .table_size = (uint64_t)table * sector,
                        .root = root * sector,
                        .root_size = (uint64_t)entries * ENTRY,
                        .data = data * sector,
                        .root_cluster = wide ? load_le32(boot + 44) : 0};
    fat->bits = wide ? 32 : clusters < 4085 ? 12 : 16;
    return clusters > 0;
}

bool fat_fits(struct source *source)
{
    struct fat fat;
    return fat_open(source, &fat);
}

/* The cluster after this one; 0 at the end of the chain, 1 when damaged. */
static uint32_t next_cluster(struct fat *fat, uint32_t cluster)
{
    uint8_t raw[4] = {0};
    uint64_t at = (uint64_t)cluster * fat->bits / 8;
    size_t size = fat->bits == 32 ? 4 : 2;
    if (at + size > fat->table_size ||
        !source_copy(fat->tree->source, fat->table + at, raw, size))
        return 1;
    uint32_t next = load_le32(raw);
    if (fat->bits == 12)
        next = (cluster & 1) ? next >> 4 : next & 0xfff;
    else if (fat->bits == 32)
        next &= 0x0fffffff;
    uint32_t most = fat->bits == 32 ? 0x0fffffff : (1u << fat->bits) - 1;
    if (next >= most - 7)
        return 0;
    return next < 2 || next - 2 >= fat->clusters ? 1 : next;
}

/* The runs of a chain, as many as `size` needs. */
static struct tree_file chain_of(struct fat *fat, uint32_t cluster, uint64_t size)
{
    struct tree_file file = {.size = 0};
    for (uint32_t n = 0; n < fat->clusters && cluster >= 2 && cluster - 2 < fat->clusters;
         n++) {
        uint64_t at = fat->data + (uint64_t)(cluster - 2) * fat->cluster;
        if (!tree_run(fat->tree, &file, at, fat->cluster, false) || file.size >= size)
            break;
        cluster = next_cluster(fat, cluster);
    }
    return file;
}

struct long_name {
    uint8_t units[LONG_PARTS * 26];
    unsigned parts; /* in all; 0: none */
    unsigned next;  /* the number that must follow */
    uint8_t sum;
};

static void long_part(struct long_name *name, const uint8_t *entry)
{
    unsigned number = entry[0] & 0x1f;
    if (entry[0] & 0x40) {
        name->parts = number <= LONG_PARTS ? number : 0;
        name->next = number;
        name->sum = entry[13];
    }
    if (number == 0 || number > LONG_PARTS || number != name->next || entry[13] != name->sum) {
        name->parts = 0;
        return;
    }
    uint8_t *to = name->units + (size_t)(number - 1) * 26;
    memcpy(to, entry + 1, 10);
    memcpy(to + 10, entry + 14, 12);
    memcpy(to + 22, entry + 28, 4);
    name->next = number - 1;
}

static bytes short_name(const uint8_t *entry, uint8_t out[static 13])
{
    size_t n = 0;
    for (size_t i = 0; i < 8; i++)
        out[n++] = (entry[12] & 0x08) ? ascii_lower(entry[i]) : entry[i];
    if (out[0] == 0x05)
        out[0] = 0xe5;
    while (n && out[n - 1] == ' ')
        n--;
    if (memcmp(entry + 8, "   ", 3) != 0) {
        out[n++] = '.';
        for (size_t i = 8; i < 11; i++)
            out[n++] = (entry[12] & 0x10) ? ascii_lower(entry[i]) : entry[i];
        while (out[n - 1] == ' ')
            n--;
    }
    return (bytes){out, n};
}

static bytes name_of(struct tree *tree, const uint8_t *entry, struct long_name *name,
                     uint8_t space[static 13])
{
    uint8_t sum = 0;
    for (size_t i = 0; i < 11; i++)
        sum = (uint8_t)((sum >> 1 | sum << 7) + entry[i]);
    if (!name->parts || name->next != 0 || name->sum != sum)
        return short_name(entry, space);
    size_t units = 0;
    while (units < (size_t)name->parts * 13 && load_le16(name->units + 2 * units))
        units++;
    return tree_utf16(tree, (bytes){name->units, units * 2}, false);
}

static bool show_file(struct fat *fat, bytes name, uint32_t cluster, uint32_t size)
{
    struct tree_file file = chain_of(fat, cluster, size);
    return tree_emit(fat->tree, name, &file, size);
}

static void read_folder(struct fat *fat, bytes folder)
{
    struct long_name name = {.parts = 0};
    /* Of what is damaged, entries may be zeros in the middle, too. */
    bool beyond = fat->tree->unpack->run->files_only;
    for (size_t at = 0; at + ENTRY <= folder.len && (folder.at[at] || beyond); at += ENTRY) {
        const uint8_t *entry = folder.at + at;
        uint8_t space[13], attributes = entry[11];
        if (fat->tree->stopped || !budget_charge(fat->tree->unpack->budget, 4))
            return;
        if (!entry[0]) {
            name.parts = 0;
            continue;
        }
        if (entry[0] != 0xe5 && (attributes & 0x3f) == ATTRIBUTE_LONG) {
            long_part(&name, entry);
            continue;
        }
        if (entry[0] != 0xe5 && entry[0] != '.' && !(attributes & ATTRIBUTE_LABEL)) {
            bytes full = name_of(fat->tree, entry, &name, space);
            uint32_t cluster = load_le16(entry + 26);
            if (fat->bits == 32)
                cluster |= (uint32_t)load_le16(entry + 20) << 16;
            if (attributes & ATTRIBUTE_FOLDER)
                tree_add(fat->tree, cluster, 0, full);
            else if (!show_file(fat, full, cluster, load_le32(entry + 28)))
                return;
        }
        name.parts = 0;
    }
}

void fat_walk(struct tree *tree)
{
    struct fat fat;
    struct tree_folder folder;
    if (!fat_open(tree->source, &fat))
        return;
    fat.tree = tree;
    tree_add(tree, fat.root_cluster, 0, bytes_of(""));
    while (tree_next(tree, &folder)) {
        struct tree_file file = {.size = 0};
        if (folder.id == 0 && fat.bits != 32) {
            if (!tree_run(tree, &file, fat.root, fat.root_size, false))
                return;
        } else {
            file = chain_of(&fat, (uint32_t)folder.id, FOLDER_MOST);
        }
        bytes content = tree_content(tree, &file, file.size, FOLDER_MOST);
        if (!content.at)
            tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the folder cannot be read");
        read_folder(&fat, content);
    }
}
