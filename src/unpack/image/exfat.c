/* exFAT: "exFAT file system specification" (Microsoft, 2019).
 *     3 "EXFAT   ", 80 first sector of the table, 84 sectors of it, 88 first sector of the
 *     clusters, 92 clusters, 96 first cluster of the root, 108 bytes of a sector (shift), 109
 *     sectors of a cluster (shift)
 * A folder is a chain of clusters with entries of 32 bytes. A file is a set of them:
 *     85 1 how many follow, 4 attributes
 *     c0 1 flags (2: no chain, its clusters lie in a row), 3 units in the name, 8 bytes that
 *        were written, 20 first cluster, 24 size
 *     c1 2 fifteen units of its name in UTF-16 */
#include "unpack/image/filesystem.h"

#include <string.h>

enum {
    ENTRY = 32,
    NAME_UNITS = 255,
    FOLDER_MOST = 16 << 20,
    ATTRIBUTE_FOLDER = 0x10,
    IN_A_ROW = 0x02,
};

struct exfat {
    struct tree *tree;
    uint32_t cluster, clusters, root;
    uint64_t table, table_size, data;
};

static bool exfat_open(struct source *source, struct exfat *exfat)
{
    uint8_t boot[120];
    if (!source_copy(source, 0, boot, sizeof boot) || memcmp(boot + 3, "EXFAT   ", 8) != 0 ||
        boot[108] < 9 || boot[108] > 12 || boot[109] > 25 - boot[108])
        return false;
    unsigned sector = boot[108];
    *exfat = (struct exfat){.cluster = 1u << (sector + boot[109]),
                            .clusters = load_le32(boot + 92),
                            .root = load_le32(boot + 96),
                            .table = (uint64_t)load_le32(boot + 80) << sector,
                            .table_size = (uint64_t)load_le32(boot + 84) << sector,
                            .data = (uint64_t)load_le32(boot + 88) << sector};
    return true;
}

bool exfat_fits(struct source *source)
{
    struct exfat exfat;
    return exfat_open(source, &exfat);
}

static bool in_heap(const struct exfat *exfat, uint32_t cluster)
{
    return cluster >= 2 && cluster - 2 < exfat->clusters;
}

static struct tree_file chain_of(struct exfat *exfat, uint32_t cluster, uint64_t size,
                                 bool in_a_row)
{
    struct tree_file file = {.size = 0};
    for (uint32_t n = 0; n < exfat->clusters && in_heap(exfat, cluster); n++) {
        uint64_t at = exfat->data + (uint64_t)(cluster - 2) * exfat->cluster;
        uint64_t len = exfat->cluster;
        if (in_a_row) {
            uint64_t most = (uint64_t)(exfat->clusters - (cluster - 2)) * exfat->cluster;
            len = size < most ? size : most;
        }
        if (!tree_run(exfat->tree, &file, at, len, false) || file.size >= size || in_a_row)
            break;
        uint8_t raw[4];
        uint64_t slot = (uint64_t)cluster * 4;
        if (slot + 4 > exfat->table_size ||
            !source_copy(exfat->tree->source, exfat->table + slot, raw, 4))
            break;
        cluster = load_le32(raw);
    }
    return file;
}

/* What lies between the bytes that were written and the size reads as zeros. */
static struct tree_file written_part(struct tree *tree, const struct tree_file *all,
                                     uint64_t written, uint64_t size)
{
    struct tree_file file = {.size = 0};
    for (uint32_t i = 0; i < all->runs.n && file.size < written; i++) {
        uint64_t left = written - file.size, len = all->runs.at[i].len;
        if (!tree_run(tree, &file, all->runs.at[i].at, len < left ? len : left, false))
            return file;
    }
    if (file.size < written || size < written)
        return file;
    bool more = tree_run(tree, &file, 0, size - written, true);
    (void)more; /* enough: the limit is met when it is handed out */
    return file;
}

/* The set of entries at `set`; how many there are. */
static size_t read_set(struct exfat *exfat, bytes set)
{
    struct tree *tree = exfat->tree;
    size_t count = 1 + (size_t)set.at[1], units = 0;
    uint8_t name[(NAME_UNITS + 15) * 2];
    const uint8_t *stream = set.at + ENTRY;
    if (set.len < count * ENTRY || count < 3 || stream[0] != 0xc0) {
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "a folder's entry is damaged");
        return 1;
    }
    for (size_t i = 2; i < count && units <= NAME_UNITS; i++)
        if (set.at[i * ENTRY] == 0xc1) {
            memcpy(name + 2 * units, set.at + i * ENTRY + 2, 30);
            units += 15;
        }
    units = units < stream[3] ? units : stream[3];
    bytes text = tree_utf16(tree, (bytes){name, units * 2}, false);
    uint64_t size = load_le64(stream + 24), written = load_le64(stream + 8);
    uint32_t cluster = load_le32(stream + 20);
    bool in_a_row = stream[1] & IN_A_ROW;
    if (load_le16(set.at + 4) & ATTRIBUTE_FOLDER) {
        tree_add(tree, cluster | (uint64_t)in_a_row << 32, size, text);
        return count;
    }
    struct tree_file file = chain_of(exfat, cluster, size, in_a_row);
    if (written < size)
        file = written_part(tree, &file, written, size);
    tree_emit(tree, text, &file, size);
    return count;
}

static void read_folder(struct exfat *exfat, bytes folder)
{
    for (size_t at = 0; at + ENTRY <= folder.len && folder.at[at];) {
        size_t count = 1;
        if (exfat->tree->stopped || !budget_charge(exfat->tree->unpack->budget, 4))
            return;
        if (folder.at[at] == 0x85)
            count = read_set(exfat, bytes_slice(folder, at, folder.len));
        at += count * ENTRY;
    }
}

void exfat_walk(struct tree *tree)
{
    struct exfat exfat;
    struct tree_folder folder;
    if (!exfat_open(tree->source, &exfat))
        return;
    exfat.tree = tree;
    tree_add(tree, exfat.root, FOLDER_MOST, bytes_of(""));
    while (tree_next(tree, &folder)) {
        struct tree_file file =
            chain_of(&exfat, (uint32_t)folder.id, folder.more, folder.id >> 32 != 0);
        bytes content = tree_content(tree, &file, file.size, FOLDER_MOST);
        if (!content.at && folder.more)
            tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the folder cannot be read");
        read_folder(&exfat, content);
    }
}
