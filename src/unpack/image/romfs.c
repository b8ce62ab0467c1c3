/* romfs (Linux, filesystems/romfs.rst), big endian; all begins at multiples of 16.
 *     0 "-rom1fs-", 8 size, 16 name of the volume, then the first entry of the root
 *     entry: 0 where the next one is (low 4 bits: kind; 1 folder, 2 file), 4 a folder's first
 * entry, 8 size, 16 name, then the data */
#include "unpack/image/filesystem.h"

#include <string.h>

enum { NAME_MOST = 256, KIND_FOLDER = 1, KIND_FILE = 2 };

bool romfs_fits(struct source *source)
{
    uint8_t magic[8];
    return source_copy(source, 0, magic, sizeof magic) && memcmp(magic, "-rom1fs-", 8) == 0;
}

/* The name at `at`; *ret_end is what follows it. */
static size_t name_read(struct source *source, uint64_t at, uint8_t to[static NAME_MOST],
                        uint64_t *ret_end)
{
    size_t len = 0;
    while (len < NAME_MOST && source_copy(source, at + len, to + len, 16)) {
        size_t part = strnlen((const char *)to + len, 16);
        len += part;
        if (part < 16)
            break;
    }
    *ret_end = at + (len + 16) / 16 * 16;
    return len < NAME_MOST ? len : NAME_MOST;
}

static void show_entry(struct tree *tree, uint64_t at, const uint8_t *head)
{
    uint8_t name[NAME_MOST + 16];
    uint64_t data = 0;
    struct tree_file file = {.size = 0};
    struct arena_mark mark = arena_mark(tree->unpack->arena);
    bytes text = {name, name_read(tree->source, at + 16, name, &data)};
    uint32_t kind = load_be32(head) & 7, size = load_be32(head + 8);
    if (bytes_is(text, ".") || bytes_is(text, ".."))
        return;
    if (kind == KIND_FOLDER) {
        tree_add(tree, load_be32(head + 4) & ~15u, 0, text);
    } else if (kind == KIND_FILE) {
        if (size == 0 || tree_run(tree, &file, data, size, false) || file.enough)
            tree_emit(tree, text, &file, size);
        arena_pop(tree->unpack->arena, mark);
    }
}

void romfs_walk(struct tree *tree)
{
    uint8_t head[16], name[NAME_MOST + 16];
    uint64_t first;
    struct tree_folder folder;
    if (!source_copy(tree->source, 0, head, sizeof head))
        return;
    if (load_be32(head + 8) > tree->source->size)
        tree_gap(tree, bytes_of(""), GAP_DAMAGED, "goes beyond the end of the image");
    (void)name_read(tree->source, 16, name, &first);
    tree_add(tree, first, 0, bytes_of(""));
    while (tree_next(tree, &folder)) {
        for (uint64_t at = folder.id, next = 0; at; at = next) {
            if (!source_copy(tree->source, at, head, sizeof head)) {
                tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the folder cannot be read");
                break;
            }
            if (tree->stopped || !budget_charge(tree->unpack->budget, 16))
                return;
            show_entry(tree, at, head);
            next = load_be32(head) & ~15u;
            if (next && next <= at) {
                tree_gap(tree, bytes_of(""), GAP_DAMAGED, "the folder goes in a circle");
                break;
            }
        }
    }
}
