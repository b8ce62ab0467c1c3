/* orphan — letters whose nodes are lost: their blocks are there, and nothing
 * that is left says where they belong.
 *
 * Properties with the class of a message that no node, no list of subnodes and
 * no list of blocks names are a letter. Its own subnodes (recipients,
 * attachments, long texts) are a list that nothing names either, near by its
 * number, that has all subnodes that the properties name, and whose recipients
 * are those that the properties name, too. Blocks that the tree of blocks does
 * not list, where it is there, are older versions: they are none. */
#pragma once
#include "rescue/salvage/mail/heap.h"

struct orphan {
    uint64_t data, sub; /* bids; sub 0: no list is found; data 0: the properties are lost */
    uint64_t key;       /* what a letter and its copies have in common, hashed */
    bool file;          /* it is an attachment */
};

struct orphans {
    VEC(struct orphan) at;
};

/* All of them, in the salvage's arena. -ENOMEM, -ECANCELED. */
int orphans_find(struct orphans *orphans, struct tree *tree) MUST_USE;
/* The key of a letter whose properties these are. */
uint64_t orphan_key(const struct heap *heap);
