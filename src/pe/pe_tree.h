/* pe_tree — the tree of resources of a PE file, leaf by leaf.
 *
 *   directory, 16 bytes: u32 0, u32 time, u16 major, u16 minor, u16 named, u16 numbered
 * entries; then entries of 8 bytes: u32 number, or top bit and offset of a name (u16 length,
 * UTF-16); u32 top bit and offset of a directory, or offset of data: u32 RVA, u32 size, 8 bytes
 * more. Three levels: type, name, language. Offsets count from the first directory.
 *
 * Microsoft PE Format section 6.9. Walks as YARA 4.5 does, oddities included. */
#pragma once
#include "base/budget.h"
#include "pe/pe_image.h"

enum { PE_TREE_LEVELS = 3 };

/* A type's number (the Windows SDK's RT_*). */
enum pe_resource_type {
    PE_RESOURCE_CURSOR = 1,
    PE_RESOURCE_BITMAP = 2,
    PE_RESOURCE_ICON = 3,
    PE_RESOURCE_STRING = 6,
    PE_RESOURCE_RCDATA = 10,
    PE_RESOURCE_ICON_GROUP = 14,
    PE_RESOURCE_VERSION = 16,
    PE_RESOURCE_HTML = 23,
    PE_RESOURCE_MANIFEST = 24,
};

/* Entries of one directory: where the next is, and how many are left. */
struct pe_tree_level {
    uint64_t directory, next;
    uint32_t left;
};

/* A walk; after pe_tree_next, the leaf at which it is. */
struct pe_tree {
    uint64_t start; /* file offset of the first directory */
    uint32_t rva, size;
    int64_t number[PE_TREE_LEVELS]; /* of the entries above, -1 when there was none */
    bytes name[PE_TREE_LEVELS];     /* UTF-16; .at is NULL for an entry that has a number */
    /* Private. */
    const struct pe_image *image;
    struct pe_tree_level levels[PE_TREE_LEVELS];
    int depth;
    uint32_t looks;
};

/* Offset of the first directory, or -1. */
int64_t pe_tree_start(const struct pe_image *image);
/* False when there is no tree. The image must outlive the walk. */
bool pe_tree_open(const struct pe_image *image, struct pe_tree *ret);
/* The next leaf that is not empty; false at the end, or when the budget ran out. */
bool pe_tree_next(struct pe_tree *tree, struct budget *budget) MUST_USE;
