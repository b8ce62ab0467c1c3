/* Mail stores of Outlook ([MS-PST] 2.2.2, "Unicode", version 23, and "ANSI",
 * version 14 and 15): page: 512 bytes. Unicode: 496 under the CRC, then type,
 * type again, 2 signature, 4 CRC-32, 8 bid. ANSI: 500, then type, type, 2
 * signature, 4 bid, 4 CRC-32 a tree's page (type 80 BBT, 81 NBT): entries; at
 * 488 (ANSI 496) their number, most, the size of one, level: 0 a leaf BBT leaf:
 * bid, place, 2 size, 2 references; NBT leaf: nid (a word), bid of the data,
 * bid of the subnodes, 4 parent block: data, zeros, trailer: 2 size of the
 * data, 2 signature, 4 CRC-32, 8 bid (ANSI: 4 bid, 4 CRC-32); filled up to 64
 * signature (5.5): place ^ bid, its upper half ^ its lower half. CRC-32 (5.3):
 * that of zip without the complements before and after pages of type 84 say
 * what is allocated; they stand at 0x4400 and every 253952 bytes, and have
 * their place for a bid. */
#include "rescue/salvage/mail/store.h"

#include "shim/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE = 512,
    AMAP_FIRST = 0x4400,
    AMAP_EVERY = 496 * 8 * 64,
    TYPE_BBT = 0x80,
    TYPE_NBT = 0x81,
    TYPE_AMAP = 0x84,
    PROOFS_MOST = 1 << 19,
    BREAKS_MOST = 1 << 16,
    GIVEN_MOST = 8,   /* times what the file has */
    STALE_MOST = 256, /* older versions of a leaf that are looked through */
};

static const struct store_layout unicode = {8, 16, 8176, 496, 488, 4};
static const struct store_layout ansi = {4, 12, 8180, 500, 496, 0};

static uint16_t signature_of(uint64_t at, uint64_t bid)
{
    uint32_t both = (uint32_t)(at ^ bid);
    return (uint16_t)(both >> 16 ^ both);
}

static uint32_t crc_of(bytes data)
{
    return ~stream_crc32(UINT32_MAX, data);
}

/* --- pages --- */

struct page {
    uint64_t bid;
    uint8_t type;
    bool whole;
};

/* Whether there is the trailer of a page behind `at`, and if so what it says.
 */
static bool page_read(const struct salvage *salvage, const struct store_layout *layout,
                      uint64_t at, struct page *ret)
{
    if (!bytes_has(salvage->file, at, PAGE))
        return false;
    const uint8_t *p = salvage->file.at + at, *end = p + layout->sealed;
    bool wide = layout->word == 8;
    uint64_t bid = wide ? load_le64(end + 8) : load_le32(end + 4);
    uint8_t type = end[0];
    if (type != end[1] || type < TYPE_BBT || type > 0x86 || !bid)
        return false;
    bool fixed = type >= 0x82 && type <= 0x85; /* their bid is their place */
    if (fixed ? bid != at || load_le16(end + 2) : load_le16(end + 2) != signature_of(at, bid))
        return false;
    uint32_t crc = load_le32(end + (wide ? 4 : 8));
    *ret = (struct page){bid, type, crc == crc_of((bytes){p, layout->sealed})};
    return true;
}

const struct store_layout *store_layout(struct salvage *salvage)
{
    static const struct store_layout *const layouts[] = {&unicode, &ansi};
    struct page page;
    for (size_t i = 0; i < COUNT(layouts); i++)
        for (uint64_t at = AMAP_FIRST; at + PAGE <= salvage->file.len; at += AMAP_EVERY)
            if (page_read(salvage, layouts[i], at, &page) && page.type == TYPE_AMAP)
                return layouts[i];
    return NULL;
}

/* Entries of a tree's page: their number, 0: none that could be. */
static uint32_t entry_count(const struct store *store, uint64_t at, uint32_t size)
{
    const uint8_t *p = store->salvage->file.at + at + store->layout->entries;
    return p[2] == size && p[0] <= store->layout->entries / size ? p[0] : 0;
}

static uint32_t entry_size(const struct store *store, uint8_t type)
{
    uint32_t word = store->layout->word;
    return type == TYPE_BBT ? 2 * word + (word == 8 ? 8 : 4) : 4 * word;
}

static void leaf_add(struct store *store, uint64_t at, const struct page *page)
{
    struct store_leaves *leaves = page->type == TYPE_BBT ? &store->bbt : &store->nbt;
    const uint8_t *p = store->salvage->file.at + at;
    uint32_t size = entry_size(store, page->type), n = entry_count(store, at, size);
    if (p[store->layout->entries + 3] || !n)
        return;
    if (leaves->n == leaves->most) {
        store->cut = true;
        return;
    }
    leaves->at[leaves->n++] = (struct store_leaf){page->bid, store_word(store, p),
                                                  store_word(store, p + (size_t)(n - 1) * size),
                                                  (uint32_t)(at / PAGE)};
}

/* --- the scan --- */

struct scan {
    struct store *store;
    uint64_t from, to; /* proven, and not said yet */
    uint32_t proofs;
};

static void prove(struct scan *scan, uint64_t from, uint64_t to)
{
    if (from == scan->to) {
        scan->to = to;
        return;
    }
    if (scan->to && scan->proofs++ < PROOFS_MOST)
        map_prove(&scan->store->salvage->map, scan->from, scan->to);
    scan->from = from;
    scan->to = to;
}

/* A block whose trailer ends at `end`. */
static void scan_block(struct scan *scan, uint64_t end)
{
    struct store *store = scan->store;
    const struct store_layout *layout = store->layout;
    const uint8_t *t = store->salvage->file.at + end - layout->trailer;
    bool wide = layout->word == 8;
    uint32_t size = load_le16(t);
    uint64_t bid = wide ? load_le64(t + 8) : load_le32(t + 4);
    uint64_t room = (size + layout->trailer + STORE_UNIT - 1) / STORE_UNIT * STORE_UNIT;
    if (!size || size > layout->most || !bid || bid >> 48 || room > end ||
        load_le16(t + 2) != signature_of(end - room, bid))
        return;
    if (store->block_count == store->block_most) {
        store->cut = true;
        return;
    }
    uint64_t at = end - room;
    bytes data = bytes_slice(store->salvage->file, (size_t)at, size);
    bool whole = crc_of(data) == load_le32(t + (wide ? 4 : 8));
    if (whole) {
        prove(scan, at, at + size);
        prove(scan, end - layout->trailer, end);
    }
    store->blocks[store->block_count++] =
        (struct store_block){bid & ~1ull, (uint32_t)(at / STORE_UNIT), (uint16_t)size,
                             whole ? STORE_WHOLE : STORE_HURT};
}

static void scan_page(struct scan *scan, uint64_t end)
{
    struct salvage *salvage = scan->store->salvage;
    struct page page;
    uint64_t at = end - PAGE;
    if (page_read(salvage, scan->store->layout, at, &page) && page.whole) {
        prove(scan, at, end);
        if (page.type == TYPE_BBT || page.type == TYPE_NBT)
            leaf_add(scan->store, at, &page);
    } else if (at >= AMAP_FIRST && (at - AMAP_FIRST) % AMAP_EVERY == 0) {
        map_break(&salvage->map, at, end, false);
    }
}

static int scan_run(struct store *store)
{
    struct salvage *salvage = store->salvage;
    struct scan scan = {.store = store};
    uint64_t most = (uint64_t)UINT32_MAX * STORE_UNIT;
    store->cut |= salvage->file.len > most;
    most = salvage->file.len < most ? salvage->file.len : most;
    for (uint64_t end = AMAP_FIRST + STORE_UNIT; end <= most; end += STORE_UNIT) {
        if (end % PAGE == 0 && !budget_charge(salvage->budget, PAGE / 4))
            return -ECANCELED;
        if (end % PAGE == 0)
            scan_page(&scan, end);
        scan_block(&scan, end);
    }
    prove(&scan, UINT64_MAX, UINT64_MAX);
    return 0;
}

/* --- what the trees say --- */

static int by_place(const void *a, const void *b)
{
    const struct store_block *x = a, *y = b;
    return x->at != y->at ? (x->at < y->at ? -1 : 1) : x->bid < y->bid ? -1 : x->bid > y->bid;
}

/* The better one of the same number comes first. */
static int by_bid(const void *a, const void *b)
{
    const struct store_block *x = a, *y = b;
    if (x->bid != y->bid)
        return x->bid < y->bid ? -1 : 1;
    return x->state != y->state ? (x->state > y->state ? -1 : 1) : by_place(a, b);
}

static int by_nid(const void *a, const void *b)
{
    const struct store_node *x = a, *y = b;
    if (x->nid != y->nid)
        return x->nid < y->nid ? -1 : 1;
    return x->page > y->page ? -1 : x->page < y->page;
}

static int by_first(const void *a, const void *b)
{
    const struct store_leaf *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x->bid > y->bid ? -1 : x->bid < y->bid;
}

/* Of those sorted by place, the number of those that begin before `at` (in
 * units). */
static uint32_t before(const struct store *store, uint32_t count, uint64_t at)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (store->blocks[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whether a block that is whole lies in [from, to). What is said to lie there
 * does no more. */
static bool is_taken(const struct store *store, uint32_t count, uint64_t from, uint64_t to)
{
    for (uint32_t i = before(store, count, to / STORE_UNIT); i-- > 0;) {
        const struct store_block *block = &store->blocks[i];
        if (store_at(block) + STORE_BLOCK_MOST <= from)
            return false;
        if (block->state != STORE_HURT && store_at(block) + block->size > from)
            return true;
    }
    return false;
}

/* One entry of the BBT: the block it is of is listed; one without a good
 * trailer is new. */
static void list_block(struct store *store, uint32_t count, const uint8_t *entry)
{
    uint32_t word = store->layout->word;
    uint64_t bid = store_word(store, entry) & ~1ull, at = store_word(store, entry + word);
    uint32_t size = load_le16(entry + 2 * (size_t)word);
    uint64_t end = at + store_room(store, size);
    if (!bid || !size || size > store->layout->most || at % STORE_UNIT ||
        at >= (uint64_t)UINT32_MAX * STORE_UNIT || end > store->salvage->file.len)
        return;
    for (uint32_t i = before(store, count, at / STORE_UNIT);
         i < count && store_at(&store->blocks[i]) == at; i++)
        if (store->blocks[i].bid == bid && store->blocks[i].size == size) {
            if (store->blocks[i].state != STORE_HURT)
                store->blocks[i].state = STORE_LISTED;
            return;
        }
    if (is_taken(store, count, at, end))
        return;
    if (store->block_count == store->block_most) {
        store->cut = true;
        return;
    }
    store->blocks[store->block_count++] =
        (struct store_block){bid, (uint32_t)(at / STORE_UNIT), (uint16_t)size, STORE_HURT};
}

static int list_blocks(struct store *store)
{
    uint32_t size = entry_size(store, TYPE_BBT), count = store->block_count;
    if (count > 1)
        qsort(store->blocks, count, sizeof *store->blocks, by_place);
    for (uint32_t i = 0; i < store->bbt.n; i++) {
        uint64_t at = (uint64_t)store->bbt.at[i].at * PAGE;
        uint32_t n = entry_count(store, at, size);
        if (!budget_charge(store->salvage->budget, (uint64_t)n * 256))
            return -ECANCELED;
        for (uint32_t k = 0; k < n; k++)
            list_block(store, count, store->salvage->file.at + at + (size_t)k * size);
    }
    return 0;
}

/* Blocks that are hurt, where no other lies by now: some of their bytes are
 * ciphertext. */
static void break_blocks(struct store *store)
{
    uint32_t kept = 0, broken = 0, count = store->block_count;
    struct store_block last = {0};
    if (count > 1)
        qsort(store->blocks, count, sizeof *store->blocks, by_place);
    for (uint32_t i = 0; i < count; i++) {
        struct store_block block = store->blocks[i];
        uint64_t at = store_at(&block), end = at + store_room(store, block.size);
        bool again = block.at == last.at && block.bid == last.bid;
        last = block;
        if (block.state != STORE_HURT)
            continue;
        if (again || is_taken(store, count, at, end))
            store->blocks[i].size = 0;
        else if (broken++ < BREAKS_MOST)
            map_break(&store->salvage->map, at, at + block.size, false);
    }
    for (uint32_t i = 0; i < count; i++)
        if (store->blocks[i].size)
            store->blocks[kept++] = store->blocks[i];
    store->block_count = kept;
    if (kept > 1)
        qsort(store->blocks, kept, sizeof *store->blocks, by_bid);
}

/* --- nodes --- */

static int list_nodes(struct store *store)
{
    uint32_t size = entry_size(store, TYPE_NBT), word = store->layout->word;
    for (uint32_t i = 0; i < store->nbt.n; i++) {
        uint64_t at = (uint64_t)store->nbt.at[i].at * PAGE;
        uint32_t n = entry_count(store, at, size);
        if (!budget_charge(store->salvage->budget, (uint64_t)n * 64))
            return -ECANCELED;
        for (uint32_t k = 0; k < n; k++) {
            const uint8_t *p = store->salvage->file.at + at + (size_t)k * size;
            if (store->node_count == store->node_most) {
                store->cut = true;
                return 0;
            }
            store->nodes[store->node_count++] = (struct store_node){
                store_word(store, p + word), store_word(store, p + 2 * (size_t)word),
                store->nbt.at[i].bid, load_le32(p), load_le32(p + 3 * (size_t)word)};
        }
    }
    return 0;
}

/* Whether a leaf that is newer than `page` has keys on both sides of this one.
 */
static bool is_stale(const struct store_leaves *leaves, uint64_t key, uint64_t page)
{
    uint32_t low = 0, high = leaves->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (leaves->at[middle].first <= key)
            low = middle + 1;
        else
            high = middle;
    }
    for (uint32_t i = 0; i < STALE_MOST && low-- > 0; i++)
        if (leaves->at[low].bid > page && leaves->at[low].last >= key)
            return true;
    return false;
}

/* The newest of each; those that a newer leaf leaves out were deleted. */
static int tidy_nodes(struct store *store)
{
    uint32_t kept = 0, last = 0;
    if (store->node_count > 1)
        qsort(store->nodes, store->node_count, sizeof *store->nodes, by_nid);
    for (uint32_t i = 0; i < store->node_count; i++) {
        struct store_node node = store->nodes[i];
        bool again = node.nid == last;
        last = node.nid;
        if (!budget_charge(store->salvage->budget, STALE_MOST))
            return -ECANCELED;
        if (!again && !is_stale(&store->nbt, node.nid, node.page))
            store->nodes[kept++] = node;
    }
    store->node_count = kept;
    return 0;
}

/* --- the door --- */

static bool leaves_open(struct store_leaves *leaves, struct arena *arena, uint64_t size)
{
    leaves->most =
        size / PAGE < STORE_LEAVES_MOST ? (uint32_t)(size / PAGE) : STORE_LEAVES_MOST;
    leaves->at = arena_push_raw(arena, leaves->most * sizeof *leaves->at);
    return leaves->at != NULL;
}

static void leaves_sort(struct store_leaves *leaves)
{
    if (leaves->n > 1)
        qsort(leaves->at, leaves->n, sizeof *leaves->at, by_first);
}

int store_open(struct store *store, struct salvage *salvage, struct arena *arena)
{
    uint64_t size = salvage->file.len;
    *store =
        (struct store){.arena = arena, .salvage = salvage, .layout = store_layout(salvage)};
    store->left = size < UINT64_MAX / GIVEN_MOST ? size * GIVEN_MOST : UINT64_MAX;
    if (!store->layout)
        store->layout = &unicode;
    store->block_most = size / STORE_UNIT < STORE_BLOCKS_MOST ? (uint32_t)(size / STORE_UNIT)
                                                              : STORE_BLOCKS_MOST;
    store->node_most = size / 16 < STORE_NODES_MOST ? (uint32_t)(size / 16) : STORE_NODES_MOST;
    store->blocks = arena_push_raw(salvage->arena, store->block_most * sizeof *store->blocks);
    store->nodes = arena_push_raw(salvage->arena, store->node_most * sizeof *store->nodes);
    if (!store->blocks || !store->nodes || !leaves_open(&store->bbt, salvage->arena, size) ||
        !leaves_open(&store->nbt, salvage->arena, size))
        return -ENOMEM;
    int error = scan_run(store);
    if (!error)
        error = list_blocks(store);
    if (error)
        return error;
    break_blocks(store);
    leaves_sort(&store->bbt);
    leaves_sort(&store->nbt);
    error = list_nodes(store);
    return error ? error : tidy_nodes(store);
}

bool store_is_free(const struct store *store, const struct store_block *block)
{
    return block->state != STORE_LISTED && is_stale(&store->bbt, block->bid, 0);
}
