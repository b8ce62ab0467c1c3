/* heap — properties of a node of a mail store, and tables of them
 * ([MS-PST] 2.3).
 *
 * A heap is the data of a node as items with ids; small values are in it,
 * larger ones are subnodes. All of it is in the arena until the caller takes
 * its mark back. */
#pragma once
#include "rescue/salvage/mail/tree.h"

enum heap_kind { HEAP_PROPERTIES = 0xbc, HEAP_TABLE = 0x7c };

enum heap_type {
    TYPE_SHORT = 0x02,
    TYPE_LONG = 0x03,
    TYPE_BOOL = 0x0b,
    TYPE_OBJECT = 0x0d,
    TYPE_TEXT8 = 0x1e, /* in a code page */
    TYPE_TEXT = 0x1f,  /* UTF-16, little endian */
    TYPE_TIME = 0x40,  /* 100 ns since 1601 */
    TYPE_BINARY = 0x102,
};

struct heap_value {
    uint16_t id, type;
    uint32_t value; /* of at most four bytes: itself; else the id of an item or a
                       subnode, 0: none */
};

struct heap {
    struct tree *tree;
    uint64_t sub; /* subnodes of the node */
    const struct store_block **blocks;
    bytes *data; /* of each, decoded */
    uint32_t count, root;
    struct heap_value *values; /* HEAP_PROPERTIES: all, by id */
    uint32_t value_count;
};

/* Reads the properties of a node. False: its first block is lost, or it is of
 * another kind. */
bool heap_open(struct heap *heap, struct tree *tree, uint64_t data, uint64_t sub,
               enum heap_kind kind) MUST_USE;
/* NULL: it has none of this id. */
const struct heap_value *heap_find(const struct heap *heap, uint16_t id);
/* A number of at most 4 bytes; `none` where it is not there. */
uint32_t heap_number(const struct heap *heap, uint16_t id, uint32_t none);
/* A number of 8 bytes; false where it is not there. */
bool heap_time(const struct heap *heap, uint16_t id, uint64_t *ret) MUST_USE;
/* All bytes of a value, in pieces. False: stopped. */
bool heap_pieces(const struct heap *heap, const struct heap_value *value, tree_piece piece,
                 void *to) MUST_USE;
/* The same in one piece in the arena, up to `most`; empty when it is not there
 * or not whole. */
bytes heap_bytes(const struct heap *heap, const struct heap_value *value, uint32_t most);
/* Rows of a table, each as the values that it has. False: stopped. */
typedef bool (*heap_row)(void *to, const struct heap *row);
bool heap_rows(struct heap *heap, heap_row row, void *to) MUST_USE;
