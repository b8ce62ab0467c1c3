/* [MS-PST] 2.2.2.8.3: blocks that hold bids.
 *     data: 1 type 1, 1 level (1: bids of data; 2: of such lists), 2 how many,
 * 4 bytes of all, bids subnodes: 1 type 2, 1 level, 2 how many, (Unicode: 4
 * zeros), entries; level 0: nid (a word), bid of its data, bid of its own
 * subnodes; level 1: nid, bid of such a list */
#include "rescue/salvage/mail/tree.h"

#include <string.h>

enum { LIST_DATA = 1, LIST_SUBNODES = 2, HEAD = 8, LEVELS = 2 };

void tree_gives(struct tree *tree, const struct store_block *block)
{
    if (!tree->look)
        salvage_gives(tree->store->salvage, store_at(block), store_at(block) + block->size);
}

/* --- data --- */

/* Leaves as they come: block, or NULL and how many bytes it had. */
typedef bool (*leaf_visit)(void *to, const struct store_block *block, uint64_t size);

struct walk {
    struct tree *tree;
    leaf_visit visit;
    void *to;
};

/* The list of bids that a block is; 0: it is none, or its head is not known. */
static uint32_t list_of(const struct store *store, const struct store_block *block,
                        uint8_t type, uint8_t level, size_t head, size_t entry)
{
    const uint8_t *p = store->salvage->file.at + store_at(block);
    uint32_t n;
    if (block->size < head || !store_knows(store, block, 0, (uint32_t)head) || p[0] != type ||
        p[1] != level)
        return 0;
    n = load_le16(p + 2);
    return n <= (block->size - head) / entry ? n : 0;
}

/* `size`: what it should hold, as far as that is known. */
static bool walk_data(struct walk *walk, uint64_t bid, unsigned level, uint64_t size)
{
    struct store *store = walk->tree->store;
    const struct store_block *block = store_find(store, bid);
    uint32_t word = store->layout->word, most = store->layout->most;
    if (!budget_charge(store->salvage->budget, 64))
        return false;
    if (!block)
        return walk->visit(walk->to, NULL, size);
    if (!(bid & 2))
        return walk->visit(walk->to, block, block->size);
    const uint8_t *p = store->salvage->file.at + store_at(block);
    uint8_t depth = p[1] <= level ? p[1] : 0;
    uint32_t n = depth ? list_of(store, block, LIST_DATA, depth, HEAD, word) : 0;
    if (!n)
        return walk->visit(walk->to, NULL, size);
    tree_gives(walk->tree, block);
    uint64_t left = load_le32(p + 4), full = depth == 1 ? most : (most - HEAD) / word * most;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = HEAD + i * word;
        uint64_t here = i + 1 == n || left < full ? left : full;
        here = here < full ? here : full;
        left -= here;
        if (!(store_knows(store, block, at, at + word)
                  ? walk_data(walk, store_word(store, p + at), depth - 1u, here)
                  : walk->visit(walk->to, NULL, here)))
            return false;
    }
    return true;
}

struct pieces {
    struct tree *tree;
    tree_piece piece;
    void *to;
};

/* What is known of a block that is hurt, and gaps between. */
static bool hurt_pieces(struct pieces *pieces, const struct store_block *block, bytes data)
{
    const struct map *map = &pieces->tree->store->salvage->map;
    uint64_t base = store_at(block), at = base, end = base + data.len;
    bool more = true;
    if (map_is_plain(map, base, base + store_room(pieces->tree->store, block->size)))
        return pieces->piece(pieces->to, (bytes){NULL, 0}, data.len);
    while (more && at < end) {
        uint64_t to = map_plain_end(map, at, end), next = map_plain_next(map, to, end);
        if (to > at) {
            more = pieces->piece(pieces->to,
                                 bytes_slice(data, (size_t)(at - base), (size_t)(to - at)), 0);
            if (!pieces->tree->look)
                salvage_gives(pieces->tree->store->salvage, at, to);
        }
        if (more && next > to)
            more = pieces->piece(pieces->to, (bytes){NULL, 0}, next - to);
        at = next;
    }
    return more;
}

/* Lists may name a block many times, and claim more than there is: not without end. */
static uint64_t afford(struct tree *tree, uint64_t size)
{
    struct store *store = tree->store;
    uint64_t less = size < store->left ? size : store->left;
    store->cut |= less < size;
    store->left -= tree->look ? 0 : less;
    return less;
}

static bool piece_visit(void *to, const struct store_block *block, uint64_t size)
{
    struct pieces *pieces = to;
    uint8_t data[STORE_BLOCK_MOST];
    size = afford(pieces->tree, block ? block->size : size);
    if (block && size < block->size)
        block = NULL;
    if (!block) {
        pieces->tree->lost++;
        return pieces->piece(pieces->to, (bytes){NULL, 0}, size);
    }
    if (!budget_charge(pieces->tree->store->salvage->budget, block->size))
        return false;
    store_read(pieces->tree->store, block, data);
    if (store_knows(pieces->tree->store, block, 0, block->size)) {
        tree_gives(pieces->tree, block);
        return pieces->piece(pieces->to, (bytes){data, block->size}, 0);
    }
    pieces->tree->lost++;
    return hurt_pieces(pieces, block, (bytes){data, block->size});
}

bool tree_data(struct tree *tree, uint64_t bid, tree_piece piece, void *to)
{
    struct pieces pieces = {tree, piece, to};
    struct walk walk = {tree, piece_visit, &pieces};
    return !bid || walk_data(&walk, bid, LEVELS, 0);
}

struct blocks {
    struct arena *arena;
    const struct store_block **at;
    uint32_t n, most;
};

static bool block_visit(void *to, const struct store_block *block, uint64_t size)
{
    struct blocks *blocks = to;
    (void)size;
    if (blocks->n == blocks->most)
        return false;
    blocks->at[blocks->n++] = block;
    return true;
}

bool tree_blocks(struct tree *tree, uint64_t bid, uint32_t most,
                 const struct store_block ***ret, uint32_t *ret_n)
{
    struct arena *arena = tree->store->arena;
    struct blocks blocks = {.most = most};
    struct walk walk = {tree, block_visit, &blocks};
    blocks.at = PUSH_ARRAY(arena, const struct store_block *, most);
    if (!blocks.at || !walk_data(&walk, bid, LEVELS, 0))
        return false;
    *ret = blocks.at;
    *ret_n = blocks.n;
    return true;
}

/* --- subnodes --- */

static bool walk_subnodes(struct tree *tree, uint64_t bid, unsigned level, tree_subnode subnode,
                          void *to)
{
    struct store *store = tree->store;
    const struct store_block *block = store_find(store, bid);
    uint32_t word = store->layout->word, head = 4 + store->layout->pad;
    if (!budget_charge(store->salvage->budget, 64))
        return false;
    if (!block || !(bid & 2)) {
        tree->lost++;
        return true;
    }
    const uint8_t *p = store->salvage->file.at + store_at(block);
    uint8_t depth = p[1] <= level ? p[1] : 0;
    uint32_t size = depth ? 2 * word : 3 * word;
    uint32_t n = list_of(store, block, LIST_SUBNODES, depth, head, size);
    bool more = true;
    tree->lost += !n;
    tree_gives(tree, block);
    for (uint32_t i = 0; i < n && more; i++) {
        uint32_t at = head + i * size;
        const uint8_t *entry = p + at;
        if (!store_knows(store, block, at, at + size))
            tree->lost++;
        else if (depth)
            more = walk_subnodes(tree, store_word(store, entry + word), 0, subnode, to);
        else
            more = subnode(to, load_le32(entry), store_word(store, entry + word),
                           store_word(store, entry + 2 * (size_t)word));
    }
    return more;
}

bool tree_subnodes(struct tree *tree, uint64_t bid, tree_subnode subnode, void *to)
{
    return !bid || walk_subnodes(tree, bid, 1, subnode, to);
}

struct wanted {
    uint32_t nid;
    bool found;
    uint64_t data, sub;
};

static bool want(void *to, uint32_t nid, uint64_t data, uint64_t sub)
{
    struct wanted *wanted = to;
    if (nid == wanted->nid)
        *wanted = (struct wanted){nid, true, data, sub};
    return !wanted->found;
}

bool tree_subnode_find(struct tree *tree, uint64_t bid, uint32_t nid, uint64_t *ret_data,
                       uint64_t *ret_sub)
{
    struct wanted wanted = {.nid = nid};
    uint64_t lost = tree->lost;
    (void)!tree_subnodes(tree, bid, want, &wanted);
    tree->lost = lost;
    *ret_data = wanted.data;
    *ret_sub = wanted.sub;
    return wanted.found;
}
