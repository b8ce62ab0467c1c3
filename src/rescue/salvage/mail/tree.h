/* tree — data of a node, that lie in many blocks, and the nodes below it.
 *
 * What is missing is told, not left out: `lost` counts blocks that are not
 * there, or of which bytes are not known. */
#pragma once
#include "rescue/salvage/mail/store.h"

struct tree {
    struct store *store;
    bool look;     /* only to see what is lost: nothing is given to the map of the
                      part */
    uint64_t lost; /* blocks, properties and the like of which something is missing */
};

/* A piece of a node's data, decoded; or, `data` being empty, `gap` bytes that
 * are not known. The view ends with the call. False: stop. */
typedef bool (*tree_piece)(void *to, bytes data, uint64_t gap);
/* A subnode. False: stop. */
typedef bool (*tree_subnode)(void *to, uint32_t nid, uint64_t data, uint64_t sub);

/* All of it, piece by piece. False: stopped. */
bool tree_data(struct tree *tree, uint64_t bid, tree_piece piece, void *to) MUST_USE;
/* The blocks that it lies in, by their order, in the arena; with NULL for those
 * that are lost. At most `most` of them: false when there are more, or no
 * memory. */
bool tree_blocks(struct tree *tree, uint64_t bid, uint32_t most,
                 const struct store_block ***ret, uint32_t *ret_n) MUST_USE;
/* All subnodes. False: stopped. */
bool tree_subnodes(struct tree *tree, uint64_t bid, tree_subnode subnode, void *to) MUST_USE;
/* One of them: its two bids; false when it is not there. */
bool tree_subnode_find(struct tree *tree, uint64_t bid, uint32_t nid, uint64_t *ret_data,
                       uint64_t *ret_sub) MUST_USE;
/* The part that is made holds what is in this block. */
void tree_gives(struct tree *tree, const struct store_block *block);
