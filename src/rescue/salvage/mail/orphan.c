#include "rescue/salvage/mail/orphan.h"

#include "rescue/salvage/mail/box.h"

#include <errno.h>
#include <string.h>

enum {
    NEAR = 64, /* blocks between properties and the list of their subnodes */
    NAMES_MOST = 64 << 10,
    NAMED_MOST = 256, /* subnodes that properties name */
    LIST_DATA = 1,
    LIST_SUBNODES = 2,
    RECIPIENTS = 0x692,
    NID_TYPE = 31,
    NID_ATTACHMENT = 5,
};

enum property {
    CLASS = 0x001a,
    SUBJECT = 0x0037,
    SHOWN_BCC = 0x0e02,
    SHOWN_TO = 0x0e04,
    DELIVERED = 0x0e06,
    HAS_FILES = 0x0e1b,
    MESSAGE_ID = 0x1035,
    NAME = 0x3001,
    SEARCH_KEY = 0x300b,
    FILE_DATA = 0x3701,
};

struct search {
    struct tree *tree;
    struct store *store;
    uint8_t *named;  /* a bit for each block: something says what it belongs to */
    uint8_t *shared; /* and so does something else */
    struct orphans *orphans;
};

static bool is_named(const struct search *search, uint32_t i)
{
    return search->named[i / 8] >> i % 8 & 1;
}

static void name(struct search *search, uint64_t bid)
{
    const struct store_block *block = bid ? store_find(search->store, bid) : NULL;
    size_t i = block ? (size_t)(block - search->store->blocks) : 0;
    if (!block)
        return;
    uint8_t bit = (uint8_t)(1 << i % 8);
    search->shared[i / 8] |= (uint8_t)(search->named[i / 8] & bit);
    search->named[i / 8] |= bit;
}

/* --- what is named --- */

static bool name_subnode(void *to, uint32_t nid, uint64_t data, uint64_t sub)
{
    (void)nid;
    name(to, data);
    name(to, sub);
    return true;
}

static const uint8_t *list_of(const struct search *search, const struct store_block *block,
                              uint8_t type)
{
    const uint8_t *p = search->store->salvage->file.at + store_at(block);
    return block->bid & 2 && block->state != STORE_HURT && block->size >= 8 && p[0] == type
               ? p
               : NULL;
}

/* What the bids in one block name. */
static void name_list(struct search *search, const struct store_block *block)
{
    const uint32_t word = search->store->layout->word;
    const uint8_t *p = list_of(search, block, LIST_DATA);
    const uint8_t *subnodes = list_of(search, block, LIST_SUBNODES);
    for (uint32_t i = 0; p && i < load_le16(p + 2) && 8 + (i + 1) * word <= block->size; i++)
        name(search, store_word(search->store, p + 8 + (size_t)i * word));
    uint32_t head = 4 + search->store->layout->pad;
    for (uint32_t i = 0; subnodes && subnodes[1] && i < load_le16(subnodes + 2) &&
                         head + (i + 1) * 2 * word <= block->size;
         i++)
        name(search, store_word(search->store, subnodes + head + (size_t)(2 * i + 1) * word));
    if (subnodes && !subnodes[1])
        (void)!tree_subnodes(search->tree, block->bid, name_subnode, search);
}

static int name_all(struct search *search)
{
    struct store *store = search->store;
    for (uint32_t i = 0; i < store->node_count; i++) {
        name(search, store->nodes[i].data);
        name(search, store->nodes[i].sub);
        if (!budget_charge(store->salvage->budget, 64))
            return -ECANCELED;
    }
    for (uint32_t i = 0; i < store->block_count; i++) {
        const struct store_block *block = &store->blocks[i];
        if (!budget_charge(store->salvage->budget, 64 + block->size / 4))
            return -ECANCELED;
        if (block->bid & 2 && block->state != STORE_HURT)
            name_list(search, block);
    }
    return 0;
}

/* --- lists of subnodes --- */

struct fit {
    const struct heap *heap;
    uint32_t nids[NAMED_MOST], count, found; /* that the properties name */
    uint64_t recipients, recipients_sub;
    bool has_recipients, files, wrong, file;
    bytes names; /* of those it was sent to, as they are shown */
};

static bool fit_subnode(void *to, uint32_t nid, uint64_t data, uint64_t sub)
{
    struct fit *fit = to;
    for (uint32_t i = 0; i < fit->count; i++)
        fit->found += fit->nids[i] == nid;
    fit->files |= (nid & NID_TYPE) == NID_ATTACHMENT;
    if (nid == RECIPIENTS) {
        fit->has_recipients = true;
        fit->recipients = data;
        fit->recipients_sub = sub;
    }
    return true;
}

static bool fit_recipient(void *to, const struct heap *row)
{
    struct fit *fit = to;
    const struct heap_value *value = heap_find(row, NAME);
    bytes text = heap_bytes(row, value, NAMES_MOST);
    if (value && value->type == TYPE_TEXT)
        text = box_utf8(row->tree->store->arena, text);
    fit->wrong |= bytes_find(fit->names, text, 0) == SIZE_MAX;
    return !fit->wrong;
}

/* Whether this list can be that of the letter's subnodes. */
static bool fits(struct search *search, struct fit *fit, uint64_t sub)
{
    struct arena *arena = search->store->arena;
    struct arena_mark mark = arena_mark(arena);
    struct heap table;
    fit->found = 0;
    fit->has_recipients = fit->files = fit->wrong = false;
    if (!tree_subnodes(search->tree, sub, fit_subnode, fit) || fit->found < fit->count ||
        fit->has_recipients == fit->file)
        return false;
    if (fit->file)
        return fit->count > 0;
    if (fit->files != (heap_number(fit->heap, HAS_FILES, fit->files) != 0))
        return false;
    if (heap_open(&table, search->tree, fit->recipients, fit->recipients_sub, HEAP_TABLE))
        fit->wrong |= !heap_rows(&table, fit_recipient, fit);
    else
        fit->wrong = !fit->count;
    arena_pop(arena, mark);
    return !fit->wrong;
}

static void fit_open(struct fit *fit, const struct heap *heap)
{
    struct arena *arena = heap->tree->store->arena;
    fit->heap = heap;
    fit->names = (bytes){NULL, 0};
    for (unsigned id = SHOWN_BCC; id <= SHOWN_TO; id++) {
        const struct heap_value *value = heap_find(heap, (uint16_t)id);
        bytes text = heap_bytes(heap, value, NAMES_MOST);
        if (value && value->type == TYPE_TEXT)
            text = box_utf8(arena, text);
        fit->names = arena_printf(arena, "%.*s;%.*s", (int)fit->names.len, fit->names.at,
                                  (int)text.len, text.at);
    }
    for (uint32_t i = 0; i < heap->value_count && fit->count < NAMED_MOST; i++) {
        struct heap_value value = heap->values[i];
        if ((value.type == TYPE_TEXT || value.type == TYPE_TEXT8 ||
             value.type == TYPE_BINARY) &&
            value.value & NID_TYPE)
            fit->nids[fit->count++] = value.value;
    }
}

/* The nearest list that fits; 0: none. */
static uint64_t sub_of(struct search *search, const struct heap *heap, uint32_t at, bool file)
{
    struct store *store = search->store;
    struct fit fit = {.file = file};
    fit_open(&fit, heap);
    for (uint32_t far = 1; far <= NEAR; far++)
        for (int side = 0; side < 2; side++) {
            uint32_t i = side ? at - far : at + far;
            if (side ? far > at : i >= store->block_count)
                continue;
            const struct store_block *block = &store->blocks[i];
            if (list_of(search, block, LIST_SUBNODES) && !is_named(search, i) &&
                !store_is_free(store, block) && fits(search, &fit, block->bid)) {
                name(search, block->bid);
                return block->bid;
            }
        }
    return 0;
}

/* --- letters --- */

uint64_t orphan_key(const struct heap *heap)
{
    static const uint16_t ids[] = {SEARCH_KEY, MESSAGE_ID};
    bytes key = {NULL, 0};
    for (size_t i = 0; i < COUNT(ids) && !key.len; i++)
        key = heap_bytes(heap, heap_find(heap, ids[i]), NAMES_MOST);
    if (key.len)
        return hash64(key, 0);
    uint64_t time = 0;
    if (!heap_time(heap, DELIVERED, &time))
        time = 0;
    return hash64(heap_bytes(heap, heap_find(heap, SUBJECT), NAMES_MOST), time);
}

/* Its first block's head is that of properties; `bid` may be a list. */
static bool may_be_letter(struct search *search, const struct store_block *block)
{
    uint8_t data[STORE_BLOCK_MOST];
    const uint8_t *list = list_of(search, block, LIST_DATA);
    if (list && list[1] == 1)
        block = store_find(search->store, store_word(search->store, list + 8));
    if (!block || block->bid & 2 || block->state == STORE_HURT || block->size < 24)
        return false;
    store_read(search->store, block, data);
    return data[2] == 0xec && data[3] == HEAP_PROPERTIES;
}

static bool is_message(const struct heap *heap)
{
    const struct heap_value *value = heap_find(heap, CLASS);
    bytes class = heap_bytes(heap, value, 64);
    if (value && value->type == TYPE_TEXT)
        class = box_utf8(heap->tree->store->arena, class);
    return class.len >= 4 && bytes_same(bytes_slice(class, 0, 4), bytes_of("IPM."));
}

static int add(struct search *search, struct orphan found)
{
    struct orphan *orphan = vec_push(search->store->salvage->arena, &search->orphans->at);
    if (orphan)
        *orphan = found;
    return orphan ? 0 : -ENOMEM;
}

static int look_at(struct search *search, uint32_t i)
{
    struct store *store = search->store;
    const struct store_block *block = &store->blocks[i];
    struct arena_mark mark = arena_mark(store->arena);
    struct heap heap;
    struct orphan found = {.data = block->bid};
    bool is_one = heap_open(&heap, search->tree, block->bid, 0, HEAP_PROPERTIES);
    if (is_one && is_message(&heap)) {
        found.key = orphan_key(&heap);
        found.sub = sub_of(search, &heap, i, false);
    } else if (is_one && heap_find(&heap, FILE_DATA)) {
        found.key = hash64((bytes){(const uint8_t *)&found.data, sizeof found.data}, 0);
        found.file = true;
        found.sub = sub_of(search, &heap, i, true);
    } else {
        is_one = false;
    }
    arena_pop(store->arena, mark);
    return is_one ? add(search, found) : 0;
}

struct rest {
    struct search *search;
    bool recipients, shared;
};

static bool rest_subnode(void *to, uint32_t nid, uint64_t data, uint64_t sub)
{
    struct rest *rest = to;
    const struct store_block *block = store_find(rest->search->store, data);
    size_t i = block ? (size_t)(block - rest->search->store->blocks) : 0;
    (void)sub;
    rest->recipients |= nid == RECIPIENTS;
    rest->shared |= block && rest->search->shared[i / 8] >> i % 8 & 1;
    return true;
}

/* A list of a letter's subnodes that no properties had; not an older one of a list that is
 * there. */
static int look_at_list(struct search *search, uint32_t i)
{
    uint64_t bid = search->store->blocks[i].bid;
    struct rest rest = {.search = search};
    struct orphan found = {.sub = bid,
                           .key = hash64((bytes){(const uint8_t *)&bid, sizeof bid}, 1)};
    return tree_subnodes(search->tree, bid, rest_subnode, &rest) && rest.recipients &&
                   !rest.shared
               ? add(search, found)
               : 0;
}

int orphans_find(struct orphans *orphans, struct tree *tree)
{
    struct store *store = tree->store;
    struct search search = {.tree = tree, .store = store, .orphans = orphans};
    search.named = arena_push(store->salvage->arena, store->block_count / 8 + 1);
    search.shared = arena_push(store->salvage->arena, store->block_count / 8 + 1);
    if (!search.named || !search.shared)
        return -ENOMEM;
    tree->look = true;
    int error = name_all(&search);
    for (uint32_t i = 0; !error && i < store->block_count; i++) {
        const struct store_block *block = &store->blocks[i];
        if (!budget_charge(store->salvage->budget, block->size))
            return -ECANCELED;
        if (!is_named(&search, i) && may_be_letter(&search, block) &&
            !store_is_free(store, block))
            error = look_at(&search, i);
    }
    for (uint32_t i = 0; !error && i < store->block_count; i++)
        if (!is_named(&search, i) && list_of(&search, &store->blocks[i], LIST_SUBNODES) &&
            !store_is_free(store, &store->blocks[i]))
            error = look_at_list(&search, i);
    return error;
}
