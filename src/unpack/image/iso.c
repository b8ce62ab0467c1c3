/* ISO 9660 (ECMA-119), Joliet, Rock Ridge (IEEE P1282), El Torito 1.0.
 *     from sector 16 of 2048 bytes on, a descriptor each: 0 kind (0 boot, 1 primary, 2 Joliet,
 * 255 the last), 1 "CD001", 71 boot: sector of the catalog, 88 Joliet: "%/@", "%/C" or "%/E",
 *     128 size of a block, 156 the root's record
 *     record: 0 size, 1 size of its attributes, 2 block, 10 bytes, 25 flags (2 folder, 80 goes
 * on in the next record), 32 length of its name, 33 name, then Rock Ridge: 0 signature, 2 size,
 *     data: NM name, CE goes on elsewhere, CL and RE a folder moved, SL a link, ZF compressed
 * Each tree may name files that the others do not, and so may earlier sessions, whose
 * descriptors lie elsewhere: all are read, and what was shown already is left out. */
#include "unpack/image/iso.h"

#include "unpack/image/filesystem.h"

#include <string.h>

enum {
    SECTOR = 2048,
    DESCRIPTORS = 64,
    TREES = 16,
    FOLDER_MOST = 64 << 20,
    CONTINUATIONS = 32,
    NAME_MOST = 1024,
    FLAG_FOLDER = 0x02,
    FLAG_ASSOCIATED = 0x04,
    FLAG_MORE = 0x80,
    CATALOG_ENTRIES = 64,
};

#define IS_FILE   (UINT64_C(1) << 63)
#define IS_EXTENT (UINT64_C(1) << 62)

struct iso_tree {
    uint64_t root, size;
    uint32_t block;
    bool joliet;
};

struct iso {
    struct tree *tree;
    struct iso_tree trees[TREES];
    unsigned count, now;   /* trees, and the one being read */
    uint64_t catalog;      /* 0: none */
    uint32_t skip;         /* bytes before Rock Ridge in a record */
    struct tree_file file; /* whose parts are being gathered */
};

struct rock {
    uint8_t name[NAME_MOST];
    size_t len;
    bool link, moved, packed;
    uint64_t child; /* block of a folder that was moved here; 0: none */
};

bool iso_fits(struct source *source)
{
    uint8_t head[6];
    return source_copy(source, 16 * SECTOR, head, sizeof head) &&
           memcmp(head + 1, "CD001", 5) == 0;
}

bool iso_first(struct tree *tree, uint64_t at, uint64_t size)
{
    bool first = tree_first(tree, (at << 20 ^ size) | IS_FILE);
    first |= size == 0;
    return tree_first(tree, (at & (IS_EXTENT - 1)) | IS_EXTENT) || first;
}

/* Notes a tree of folders, if its root names itself. */
static void add_tree(struct iso *iso, const uint8_t *descriptor, bool joliet)
{
    uint8_t self[10];
    uint32_t block = load_le16(descriptor + 128);
    uint64_t root = (uint64_t)load_le32(descriptor + 156 + 2) + descriptor[156 + 1];
    block = block >= 512 && block <= 4096 && !(block & (block - 1)) ? block : SECTOR;
    if (iso->count == TREES ||
        !source_copy(iso->tree->source, root * block, self, sizeof self) ||
        load_le32(self + 2) + (uint64_t)self[1] != root)
        return;
    for (unsigned i = 0; i < iso->count; i++)
        if (iso->trees[i].root == root * block && iso->trees[i].joliet == joliet)
            return;
    iso->trees[iso->count++] =
        (struct iso_tree){root * block, load_le32(descriptor + 156 + 10), block, joliet};
}

/* The descriptors from `sector` on. */
static void read_descriptors(struct iso *iso, uint64_t sector)
{
    uint8_t raw[200];
    for (unsigned i = 0; i < DESCRIPTORS; i++) {
        if (!source_copy(iso->tree->source, (sector + i) * SECTOR, raw, sizeof raw) ||
            memcmp(raw + 1, "CD001", 5) != 0 || raw[0] == 255)
            return;
        if (raw[0] == 0 && memcmp(raw + 7, "EL TORITO", 9) == 0)
            iso->catalog = (uint64_t)load_le32(raw + 71) * SECTOR;
        else if (raw[0] == 1)
            add_tree(iso, raw, false);
        else if (raw[0] == 2 && memcmp(raw + 88, "%/", 2) == 0)
            add_tree(iso, raw, true);
    }
}

/* Sessions after the first, in an image that lies in one piece. */
static void find_sessions(struct iso *iso)
{
    bytes all = iso->tree->source->flat;
    for (uint64_t sector = 32; bytes_has(all, sector * SECTOR, SECTOR); sector++) {
        if (memcmp(all.at + sector * SECTOR, "\1CD001", 6) == 0)
            read_descriptors(iso, sector);
        if ((sector & 63) == 0 && !budget_charge(iso->tree->unpack->budget, 8))
            return;
    }
}

static void rock_name(struct rock *rock, const uint8_t *entry)
{
    size_t len = entry[2] - 5u;
    if (entry[2] < 5 || len > NAME_MOST - rock->len || (entry[4] & 6))
        return;
    memcpy(rock->name + rock->len, entry + 5, len);
    rock->len += len;
}

static void rock_read(struct iso *iso, bytes area, struct rock *rock)
{
    for (unsigned jumps = 0; jumps < CONTINUATIONS; jumps++) {
        uint64_t next = 0;
        uint32_t next_size = 0;
        for (size_t at = 0; bytes_has(area, at, 4) && area.at[at + 2] >= 4 &&
                            bytes_has(area, at, area.at[at + 2]);
             at += area.at[at + 2]) {
            const uint8_t *entry = area.at + at;
            if (memcmp(entry, "NM", 2) == 0) {
                rock_name(rock, entry);
            } else if (memcmp(entry, "CE", 2) == 0 && entry[2] >= 28) {
                next = (uint64_t)load_le32(entry + 4) * iso->trees[iso->now].block +
                       load_le32(entry + 12);
                next_size = load_le32(entry + 20);
            } else if (memcmp(entry, "CL", 2) == 0 && entry[2] >= 12) {
                rock->child = load_le32(entry + 4);
            }
            rock->moved |= memcmp(entry, "RE", 2) == 0;
            rock->link |= memcmp(entry, "SL", 2) == 0;
            rock->packed |= memcmp(entry, "ZF", 2) == 0;
        }
        if (!next || next_size > 65536)
            return;
        area = source_bytes(iso->tree->source, next, next_size, iso->tree->unpack->arena);
    }
}

/* "NAME.EXT;1" without its version, and without a dot that nothing follows. */
static bytes plain_name(bytes name)
{
    size_t len = name.len;
    while (len && name.at[len - 1] >= '0' && name.at[len - 1] <= '9')
        len--;
    if (len > 1 && len < name.len && name.at[len - 1] == ';')
        name.len = len - 1;
    if (name.len > 1 && name.at[name.len - 1] == '.')
        name.len--;
    return name;
}

static bytes record_name(struct iso *iso, const uint8_t *record, struct rock *rock)
{
    bytes name = {record + 33, record[32]};
    if (iso->trees[iso->now].joliet)
        return plain_name(tree_utf16(iso->tree, name, true));
    if (rock->len)
        return (bytes){rock->name, rock->len};
    return plain_name(name);
}

/* What the first record of the root says of Rock Ridge. */
static uint32_t rock_skip(bytes folder)
{
    bytes record = bytes_slice(folder, 0, folder.len ? folder.at[0] : 0);
    bytes area = bytes_slice(record, 34, record.len);
    return area.len >= 7 && memcmp(area.at, "SP\7\1\xbe\xef", 6) == 0 ? area.at[6] : 0;
}

static void show_file(struct iso *iso, const uint8_t *record, bytes name, bool packed)
{
    struct tree *tree = iso->tree;
    uint32_t block = iso->trees[iso->now].block;
    uint64_t at = ((uint64_t)load_le32(record + 2) + record[1]) * block;
    uint64_t first = iso->file.runs.n ? iso->file.runs.at[0].at : at;
    bool more = tree_run(tree, &iso->file, at, load_le32(record + 10), false);
    if (more && (record[25] & FLAG_MORE))
        return;
    bool fresh = iso_first(tree, first, iso->file.size);
    if (iso->now == 0 || fresh) {
        if (record[26] || record[27])
            tree_gap(tree, name, GAP_UNSUPPORTED, "an interleaved file");
        else if (packed)
            tree_gap(tree, name, GAP_UNSUPPORTED, "compressed by zisofs");
        tree_emit(tree, name, &iso->file, iso->file.size);
    }
    iso->file = (struct tree_file){.size = 0};
}

static void read_record(struct iso *iso, bytes record)
{
    struct tree *tree = iso->tree;
    struct rock rock = {.len = 0};
    uint8_t flags = record.at[25];
    size_t used = 33 + (size_t)record.at[32] + !(record.at[32] & 1);
    if (record.at[32] <= 1 && record.len > 33 && record.at[33] <= 1 && record.at[32])
        return;
    if (!iso->trees[iso->now].joliet)
        rock_read(iso, bytes_slice(record, used + iso->skip, record.len), &rock);
    bytes name = record_name(iso, record.at, &rock);
    uint64_t block = (uint64_t)load_le32(record.at + 2) + record.at[1];
    if (rock.link || rock.moved)
        return;
    if (rock.child)
        tree_add(tree, rock.child | (uint64_t)iso->now << 40, 0, name);
    else if (flags & FLAG_FOLDER)
        tree_add(tree, block | (uint64_t)iso->now << 40, load_le32(record.at + 10), name);
    else
        show_file(iso, record.at, name, rock.packed);
}

/* Records do not cross sectors. */
static void read_folder(struct iso *iso, bytes folder)
{
    size_t at = 0;
    while (bytes_has(folder, at, 34) && !iso->tree->stopped) {
        size_t size = folder.at[at];
        if (!budget_charge(iso->tree->unpack->budget, 4))
            return;
        if (size == 0) {
            at = (at / SECTOR + 1) * SECTOR;
            continue;
        }
        bytes record = bytes_slice(folder, at, size);
        if (size < 34 || record.len < size || 33 + (size_t)record.at[32] > size) {
            tree_gap(iso->tree, bytes_of(""), GAP_DAMAGED, "a folder's record is damaged");
            at = (at / SECTOR + 1) * SECTOR;
            continue;
        }
        read_record(iso, record);
        at += size;
    }
}

/* The size of a folder that was moved is in its own first record. */
static uint64_t folder_size(struct iso *iso, uint64_t at)
{
    uint8_t record[14];
    return source_copy(iso->tree->source, at, record, sizeof record) ? load_le32(record + 10)
                                                                     : 0;
}

static void read_tree(struct iso *iso)
{
    struct tree_folder folder;
    struct tree *tree = iso->tree;
    const struct iso_tree *now = &iso->trees[iso->now];
    tree->path = bytes_of("");
    tree_add(tree, now->root / now->block | (uint64_t)iso->now << 40, now->size, bytes_of(""));
    while (tree_next(tree, &folder)) {
        uint64_t at = (folder.id & 0xffffffffff) * now->block, size = folder.more;
        if (size == 0)
            size = folder_size(iso, at);
        size_t len = size < FOLDER_MOST ? (size_t)size : FOLDER_MOST;
        if (at < tree->source->size && len > tree->source->size - at)
            len = (size_t)(tree->source->size - at);
        bytes content = source_bytes(tree->source, at, len, tree->unpack->arena);
        if (!content.at || len < size)
            tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the folder cannot be read");
        if (folder.path.len == 0 && content.at)
            iso->skip = rock_skip(content);
        read_folder(iso, content);
    }
}

/* An image that is booted from: its size by what it emulates, else by what it says it is. */
static uint64_t boot_size(struct iso *iso, const uint8_t *entry, uint64_t at)
{
    static const uint32_t floppies[] = {0, 1228800, 1474560, 2949120};
    struct source part = source_part(iso->tree->source, at, UINT64_MAX / 2);
    uint8_t boot[36];
    if ((entry[1] & 15) >= 1 && (entry[1] & 15) <= 3)
        return floppies[entry[1] & 15];
    if (fat_fits(&part) && source_copy(&part, 0, boot, sizeof boot)) {
        uint64_t sectors = load_le16(boot + 19);
        return (sectors ? sectors : load_le32(boot + 32)) * load_le16(boot + 11);
    }
    uint64_t size = (uint64_t)load_le16(entry + 6) * 512;
    return (entry[1] & 15) == 4 || size <= 512 ? part.size : size;
}

static void show_boot(struct iso *iso)
{
    uint8_t entry[32];
    unsigned shown = 0;
    struct tree *tree = iso->tree;
    tree->path = bytes_of("");
    for (unsigned i = 1; i < CATALOG_ENTRIES && iso->catalog && !tree->stopped; i++) {
        if (!source_copy(tree->source, iso->catalog + 32ull * i, entry, sizeof entry))
            return;
        if (entry[0] != 0x88 && entry[0] != 0x90 && entry[0] != 0x91 && entry[0] != 0x44 &&
            i > 1)
            return;
        uint64_t at = (uint64_t)load_le32(entry + 8) * SECTOR;
        if ((entry[0] != 0x88 && i > 1) || at == 0 || at >= tree->source->size)
            continue;
        struct tree_file file = {.size = 0};
        uint64_t size = boot_size(iso, entry, at);
        bytes name = arena_printf(tree->unpack->arena, "[boot image %u]", ++shown);
        if (tree_first(tree, (at & (IS_EXTENT - 1)) | IS_EXTENT) &&
            tree_run(tree, &file, at, size, false))
            tree_emit(tree, name, &file, size);
    }
}

void iso_walk(struct tree *tree)
{
    struct iso iso = {.tree = tree};
    uint8_t magic[5];
    read_descriptors(&iso, 16);
    find_sessions(&iso);
    if (!iso.count)
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the root folder cannot be read");
    /* Joliet's names are better than those of ISO 9660, Rock Ridge's are best. */
    uint8_t root[64];
    if (iso.count > 1 && iso.trees[1].joliet &&
        source_copy(tree->source, iso.trees[0].root, root, sizeof root) &&
        memcmp(root + 34, "SP\7", 3) != 0) {
        struct iso_tree first = iso.trees[0];
        iso.trees[0] = iso.trees[1];
        iso.trees[1] = first;
    }
    for (iso.now = 0; iso.now < iso.count && !tree->stopped; iso.now++)
        read_tree(&iso);
    show_boot(&iso);
    for (uint64_t sector = 17; sector < 32; sector++)
        if (source_copy(tree->source, sector * SECTOR + 1, magic, 5) &&
            memcmp(magic, "NSR0", 4) == 0 && udf_fits(tree->source)) {
            udf_walk(tree);
            return;
        }
}
