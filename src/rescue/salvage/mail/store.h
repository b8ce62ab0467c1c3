/* store — a mail store of Outlook (.pst, .ost) without its head: its blocks and
 * nodes, each found by its own trailer.
 *
 * [MS-PST] 2.2.2: pages of 512 bytes at multiples of 512, blocks at multiples
 * of 64. Both end with a trailer that has their number (bid), a signature made
 * of it and of where they lie, and a CRC-32 of their bytes: nothing else is
 * needed to know them. Leaves of two trees say the rest: BBT  bid -> where it
 * lies, how long it is: of blocks that are hurt, too NBT  node id (nid) -> bid
 * of its data, bid of its own nodes (subnodes), nid of its folder Pages and
 * blocks that are no longer used stay where they were; a page's bid says which
 * is newer.
 *
 * Little of it is kept: 16 bytes for a block, 32 for a node, at most so many.
 */
#pragma once
#include "rescue/salvage/salvage.h"

enum {
    STORE_BLOCKS_MOST = 3 << 20,
    STORE_NODES_MOST = 1 << 19,
    STORE_LEAVES_MOST = 1 << 17,
    STORE_UNIT = 64,         /* blocks lie at multiples of it */
    STORE_BLOCK_MOST = 8192, /* with the trailer */
};

/* How the two versions of the format differ; in bytes. */
struct store_layout {
    uint32_t word;    /* of a bid, of a place */
    uint32_t trailer; /* of a block */
    uint32_t most;    /* data of a block */
    uint32_t sealed;  /* of a page under its CRC */
    uint32_t entries; /* of a page of a tree: where their number is */
    uint32_t pad;     /* behind the four bytes at the head of a list of subnodes */
};

enum store_state {
    STORE_HURT,   /* its CRC is wrong, or its trailer is lost */
    STORE_WHOLE,  /* its CRC holds */
    STORE_LISTED, /* and a leaf of the BBT says it is there */
};

struct store_block {
    uint64_t bid; /* bit 0 is none of it; bit 1: holds bids, not data */
    uint32_t at;  /* in STORE_UNIT */
    uint16_t size;
    uint8_t state;
};

struct store_node {
    uint64_t data, sub; /* bids, 0: none */
    uint64_t page;      /* bid of the page that says so */
    uint32_t nid, parent;
};

/* A leaf of a tree: keys that it has and those between them. */
struct store_leaf {
    uint64_t bid, first, last;
    uint32_t at; /* in pages */
};

struct store_leaves {
    struct store_leaf *at;
    uint32_t n, most;
};

enum store_method {
    STORE_PLAIN,
    STORE_PERMUTE, /* each byte by a table */
    STORE_CYCLIC,  /* by three tables, its place and the block's number */
};

struct store {
    struct arena *arena; /* of what is read at the time; the caller's */
    struct salvage *salvage;
    const struct store_layout *layout;
    enum store_method method;
    struct store_block *blocks; /* by bid when it is open */
    uint32_t block_count, block_most;
    struct store_node *nodes; /* by nid, each once */
    uint32_t node_count, node_most;
    struct store_leaves bbt, nbt; /* by their first key */
    bool cut;                     /* there is more of it than is kept, or may be given */
    uint64_t left;                /* bytes that may still be given */
};

/* How surely a file is one: pages of what is allocated stand where they must.
 * 0: none does. */
const struct store_layout *store_layout(struct salvage *salvage);
/* Reads the whole file once, and tells the map what is proven and what is
 * broken. -ENOMEM, -ECANCELED. */
int store_open(struct store *store, struct salvage *salvage, struct arena *arena) MUST_USE;
/* After the map was solved: how data are encoded. */
void store_guess(struct store *store);

/* NULL: no such block. */
const struct store_block *store_find(const struct store *store, uint64_t bid);
const struct store_node *store_node(const struct store *store, uint32_t nid);
/* Whether leaves of the BBT that survive say that no such block is in use. */
bool store_is_free(const struct store *store, const struct store_block *block);
/* Whether bytes [from, to) of its data are those that were written. */
bool store_knows(const struct store *store, const struct store_block *block, uint32_t from,
                 uint32_t to);
/* Its data, decoded, to `to`, which has room for STORE_BLOCK_MOST; `knows` or
 * not. */
void store_read(const struct store *store, const struct store_block *block, uint8_t *to);

static inline uint64_t store_at(const struct store_block *block)
{
    return (uint64_t)block->at * STORE_UNIT;
}

/* What so many bytes of data need in the file, with the trailer. */
static inline uint64_t store_room(const struct store *store, uint32_t size)
{
    return ((uint64_t)size + store->layout->trailer + STORE_UNIT - 1) / STORE_UNIT * STORE_UNIT;
}

static inline uint64_t store_word(const struct store *store, const uint8_t *at)
{
    return store->layout->word == 8 ? load_le64(at) : load_le32(at);
}
