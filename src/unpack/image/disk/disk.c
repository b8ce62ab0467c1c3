#include "unpack/image/disk/disk.h"

#include "unpack/image/filesystem.h"
#include "unpack/image/known.h"
#include "unpack/image/partition.h"

#include <string.h>

enum {
    WHOLE_MOST = 32 << 20, /* larger disks are not handed out in one piece */
    BOOT_MOST = 1 << 20,
    CODE_SIZE = 440,
    PIECES_MOST = 1 << 20, /* that are looked at to see whether a part is empty */
    TABLES_END = 34 * 512,
};

static bool emit_part(struct tree *tree, bytes name, uint64_t from, uint64_t size)
{
    struct tree_file file = {.size = 0};
    if (!tree_run(tree, &file, from, size, false) && !file.enough)
        return false;
    return tree_emit(tree, name, &file, size);
}

static bool is_empty(struct source *part)
{
    struct source_piece piece;
    uint64_t at = 0;
    for (unsigned n = 0; at < part->size && n < PIECES_MOST; n++, at += piece.len)
        if (!source_at(part, at, &piece) || piece.at)
            return false;
    return at >= part->size;
}

/* The files of a part of the disk, or the part itself where it has none that are known. */
static bool show_part(struct tree *tree, bytes name, uint64_t from, uint64_t size)
{
    struct unpack *unpack = tree->unpack;
    struct source part = source_part(tree->source, from, size);
    const struct filesystem *filesystem = filesystem_of(&part);
    const struct known *known = filesystem ? NULL : known_of(&part);
    if (part.size < size)
        unpack_gap(unpack, name, GAP_DAMAGED, "goes beyond the end of the disk");
    if (filesystem) {
        bytes prefix = arena_printf(unpack->arena, "%.*s%s", (int)name.len,
                                    (const char *)name.at, name.len ? "/" : "");
        return filesystem_walk(unpack, &part, filesystem, prefix);
    }
    if (known) {
        unpack_gap(unpack, name, known->gap, "%s", known->text);
        return true;
    }
    if (is_empty(&part))
        return true;
    if (part.size <= WHOLE_MOST)
        return emit_part(tree, name.len ? name : bytes_of("disk"), from, part.size);
    unpack_gap(unpack, name, GAP_UNSUPPORTED, "no known file system");
    return true;
}

/* What is run before any partition: the code in the first sector, without the table, and what
 * lies between the tables and the first partition. */
static bool show_boot(struct tree *tree, uint64_t end)
{
    struct source code = source_part(tree->source, 0, CODE_SIZE);
    struct source area =
        source_part(tree->source, TABLES_END, end > TABLES_END ? end - TABLES_END : 0);
    if (!is_empty(&code) && !emit_part(tree, bytes_of("[boot code]"), 0, CODE_SIZE))
        return false;
    return end <= TABLES_END || is_empty(&area) ||
           emit_part(tree, bytes_of("[boot area]"), TABLES_END, end - TABLES_END);
}

static void show_parts(struct tree *tree)
{
    struct unpack *unpack = tree->unpack;
    struct source *disk = tree->source;
    enum partition_scheme scheme = partition_scheme(disk);
    struct partition_table table = partition_list(disk, scheme, unpack->arena);
    uint64_t shown = 0, boot = disk->size < BOOT_MOST ? disk->size : BOOT_MOST;
    if (table.damaged)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the partition table is damaged");
    if (!table.parts.n) {
        if (show_part(tree, bytes_of(""), 0, disk->size))
            return;
    }
    for (uint32_t i = 0; i < table.parts.n; i++)
        if (table.parts.at[i].from < boot)
            boot = table.parts.at[i].from;
    if (table.parts.n && !show_boot(tree, boot))
        return;
    for (uint32_t i = 0; i < table.parts.n; i++) {
        const struct partition *part = &table.parts.at[i];
        shown += part->size < disk->size ? part->size : disk->size;
        if (shown / 2 > disk->size) {
            unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "its partitions overlap each other");
            return;
        }
        if (!show_part(tree, bytes_of(part->name), part->from, part->size))
            return;
    }
}

void disk_open(struct unpack *unpack, struct source *disk)
{
    struct tree tree = {.unpack = unpack, .source = disk};
    bytes view = source_view(disk, 0, disk->size);
    if (view.at && !unpack->run->files_only)
        tree_emit_bytes(&tree, bytes_of("disk"), view);
    else if (!unpack->run->files_only && disk->size <= WHOLE_MOST &&
             disk->size <= unpack->run->limits.one)
        emit_part(&tree, bytes_of("disk"), 0, disk->size);
    else
        show_parts(&tree);
}
