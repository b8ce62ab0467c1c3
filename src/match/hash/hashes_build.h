/* hashes_build — hash signatures while they are collected; private to this folder.
 *
 * What belongs to numbers (size, name, line) is written as records at once. Digests wait in
 * chunks, 256 heaps for each part by their first byte, so that sealing sorts what fits into
 * the caches. */
#pragma once
#include "match/hash/hashes_layout.h"

enum { HEAPS = 256 };

struct hashes_chunk {
    struct hashes_chunk *next; /* the one filled before */
    uint32_t n, room;          /* entries */
    uint8_t entries[];         /* the digest, then its number in 4 bytes */
};

/* The sizes of a part: pages of bits, made when needed. */
struct hashes_sizes {
    uint64_t *pages[GATE_PAGES];
    VEC(uint32_t) large;
};

struct hashes_heaps {
    struct hashes_chunk *heap[HEAPS];
    uint32_t in_heap[HEAPS];
    struct hashes_sizes sizes;
    uint32_t count, any;
};

/* Bytes in the order they come, in pieces that do not move. */
struct hashes_piece {
    struct hashes_piece *next; /* the one filled after */
    uint32_t used, room;
    uint8_t bytes[];
};

/* Blocks as they are written. */
struct hashes_writer {
    struct hashes_piece *first, *now;
    uint64_t size;    /* of closed blocks */
    uint32_t pending; /* bytes of the open block */
    VEC(uint32_t) directory;
    uint8_t block[RECORDS_IN_BLOCK * 32 + SHAPES_IN_BLOCK * (SHAPE_MAX + 1)];
};

struct hashes_shape {
    uint32_t at, length; /* in texts */
};

struct hashes_build {
    struct arena *arena;
    struct hashes_heaps *parts[HASHES_PARTS];
    uint32_t count;
    struct hashes_writer records;
    struct hashes_record last;
    struct hashes_recent recent;
    uint32_t in_block;
    /* Shapes, and a table with their numbers + 1 by the hash of their texts. */
    VEC(struct hashes_shape) shapes;
    VEC(uint8_t) shape_texts;
    uint32_t *shape_table;
    uint32_t shape_log;
    uint32_t last_shape;
    /* Sources as they were asked for, and as they are written: one for each officialness. */
    VEC(uint32_t) asked; /* where their names begin */
    VEC(struct hashes_source) sources;
    VEC(uint8_t) source_names;
    uint32_t source_of[2]; /* the source that `asked_of` became, by officialness, + 1 */
    uint32_t asked_of[2];
};

/* Ends the open block, with its checksum. False when memory is out. */
bool hashes_writer_close(struct hashes_build *build, struct hashes_writer *writer,
                         enum hashes_thing thing);
