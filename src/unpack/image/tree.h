/* tree — walking a file system: the folders still to be read, each once, and handing out the
 * files in them by their full path, as views where their bytes lie in a row. */
#pragma once
#include "unpack/image/source.h"

struct tree_folder {
    uint64_t id, more; /* where the file system finds it: inode, cluster, and what it needs */
    bytes path;        /* with '/' at its end, empty for the root */
};

/* A part of a file. */
struct tree_run {
    uint64_t at, len; /* `at` in the source */
    bool hole;        /* zeros, which lie nowhere */
};

struct tree_file {
    VEC(struct tree_run) runs;
    uint64_t size; /* of the runs */
    bool enough;   /* more than will be handed out: the rest need not be found */
};

struct tree {
    struct unpack *unpack;
    struct source *source;
    bytes prefix; /* of all paths */
    bytes path;   /* of the folder being read, '/' at its end */
    /* Private. */
    VEC(struct tree_folder) folders;
    uint32_t next;
    uint64_t *seen; /* a hash table of ids + 1 */
    uint32_t seen_count, seen_room;
    uint64_t shown;
    bool stopped;
};

/* Notes a folder in the one being read; one that is already known is not noted again. */
void tree_add(struct tree *tree, uint64_t id, uint64_t more, bytes name);
/* The next folder to read; its path goes before the names of what is handed out until the
 * next. False when there is none, or everything has to stop. */
bool tree_next(struct tree *tree, struct tree_folder *ret) MUST_USE;
/* Path of a file in the folder being read, in the arena. */
bytes tree_path(struct tree *tree, bytes name);
/* True when `id` was not asked for before. */
bool tree_first(struct tree *tree, uint64_t id) MUST_USE;
/* A name in UTF-16, little or big endian, as UTF-8 in the arena. What is no UTF-16 becomes
 * U+FFFD. */
bytes tree_utf16(struct tree *tree, bytes name, bool big);

/* The file goes on with `len` bytes. False when that is enough or there is no memory. */
bool tree_run(struct tree *tree, struct tree_file *file, uint64_t at, uint64_t len,
              bool hole) MUST_USE;
/* Hands out the runs, cut to `size` bytes; a gap when they are fewer. The runs stay. False:
 * stop. */
bool tree_emit(struct tree *tree, bytes name, const struct tree_file *file, uint64_t size);
/* The same without a path and with no more check than that of the bytes: appends to the child
 * that was begun. */
bool tree_put(struct tree *tree, uint64_t at, uint64_t len, bool hole);
/* A file whose bytes are there. */
bool tree_emit_bytes(struct tree *tree, bytes name, bytes data);
/* The runs as bytes (for folders): a view, or a copy in the arena of no more than `most`. .at
 * NULL when there is none. */
bytes tree_content(struct tree *tree, const struct tree_file *file, uint64_t size, size_t most);
/* A gap of the file `name` in the folder being read; of that folder when it is empty. */
void tree_gap(struct tree *tree, bytes name, enum gap gap, const char *text);
