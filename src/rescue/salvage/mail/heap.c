/* [MS-PST] 2.3.1 heap on a node: each block: 2 where its map is; the first one
 * then EC, 1 kind, 4 id of the root; map: 2 items, 2 freed, then 2 for where
 * each begins, and where the last ends id: 5 bits 0 (others: a subnode), 11
 * bits number from 1, 16 bits block 2.3.2 tree on a heap: B5, 1 size of a key,
 * 1 of an entry, 1 level, 4 id of its items 2.3.3 properties: keys of 2,
 * entries: 2 type, 4 value or id 2.3.4 table: 7C, 1 columns, 4 times 2 where
 * values of 4, 2, 1 bytes and the bits end in a row, 4 id of the tree of rows,
 * 4 rows, 4 (none), then columns: 2 type, 2 property, 2 where in a row, 1 size,
 * 1 number of its bit, which says that the row has it */
#include "rescue/salvage/mail/heap.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCKS_MOST = 1024,
    VALUES_MOST = 4096,
    ROWS_MOST = 65536,
    TREE_LEVELS = 4,
    MARK = 0xec,
    TREE = 0xb5,
};

/* --- items --- */

static bool knows(const struct heap *heap, uint32_t block, uint32_t from, uint32_t to)
{
    return store_knows(heap->tree->store, heap->blocks[block], from, to);
}

/* False: it is lost. An id of 0 is an empty item. */
static bool item(const struct heap *heap, uint32_t id, bytes *ret)
{
    uint32_t block = id >> 16, number = id >> 5 & 0x7ff;
    uint16_t map, count, from, to;
    *ret = (bytes){NULL, 0};
    if (!id)
        return true;
    if (id & 31 || !number || block >= heap->count || !heap->data[block].at)
        return false;
    bytes data = heap->data[block];
    uint32_t at;
    if (!bytes_le16(data, 0, &map) || !knows(heap, block, 0, 2) ||
        !bytes_le16(data, map, &count) || number > count)
        return false;
    at = map + 2u + 2 * number;
    if (!bytes_le16(data, at, &from) || !bytes_le16(data, at + 2, &to) ||
        !knows(heap, block, map, map + 2u) || !knows(heap, block, at, at + 4) || from > to ||
        to > data.len || !knows(heap, block, from, to))
        return false;
    *ret = bytes_slice(data, from, (size_t)(to - from));
    return true;
}

/* --- trees on it --- */

typedef bool (*entry_visit)(struct heap *heap, const uint8_t *entry);

static bool walk_items(struct heap *heap, uint32_t id, unsigned level, size_t key, size_t size,
                       entry_visit visit)
{
    bytes items;
    size_t each = level ? key + 4 : key + size;
    if (!item(heap, id, &items)) {
        heap->tree->lost++;
        return true;
    }
    for (size_t at = 0; at + each <= items.len; at += each) {
        if (!budget_charge(heap->tree->store->salvage->budget, 16))
            return false;
        if (!(level ? walk_items(heap, load_le32(items.at + at + key), level - 1, key, size,
                                 visit)
                    : visit(heap, items.at + at)))
            return false;
    }
    return true;
}

static bool walk_tree(struct heap *heap, uint32_t id, size_t key, size_t size,
                      entry_visit visit)
{
    bytes head;
    if (!item(heap, id, &head) || head.len < 8 || head.at[0] != TREE || head.at[1] != key ||
        head.at[2] != size || head.at[3] > TREE_LEVELS)
        return false;
    return walk_items(heap, load_le32(head.at + 4), head.at[3], key, size, visit);
}

static bool value_visit(struct heap *heap, const uint8_t *entry)
{
    if (heap->value_count == VALUES_MOST)
        return false;
    heap->values[heap->value_count++] =
        (struct heap_value){load_le16(entry), load_le16(entry + 2), load_le32(entry + 4)};
    return true;
}

/* --- opening --- */

/* Its blocks, decoded. */
static bool load(struct heap *heap, uint64_t data)
{
    struct store *store = heap->tree->store;
    struct arena *arena = store->arena;
    if (!data || !tree_blocks(heap->tree, data, BLOCKS_MOST, &heap->blocks, &heap->count) ||
        !heap->count)
        return false;
    heap->data = PUSH_ARRAY(arena, bytes, heap->count);
    for (uint32_t i = 0; heap->data && i < heap->count; i++) {
        const struct store_block *block = heap->blocks[i];
        uint8_t *to = block ? arena_push_raw(arena, STORE_BLOCK_MOST) : NULL;
        if (!to || !budget_charge(store->salvage->budget, block->size)) {
            heap->tree->lost++;
            continue;
        }
        store_read(store, block, to);
        heap->data[i] = (bytes){to, block->size};
        heap->tree->lost += !store_knows(store, block, 0, block->size);
        tree_gives(heap->tree, block);
    }
    return heap->data && heap->data[0].at;
}

bool heap_open(struct heap *heap, struct tree *tree, uint64_t data, uint64_t sub,
               enum heap_kind kind)
{
    *heap = (struct heap){.tree = tree, .sub = sub};
    if (!load(heap, data))
        return false;
    bytes head = heap->data[0];
    if (head.len < 12 || !knows(heap, 0, 0, 12) || head.at[2] != MARK || head.at[3] != kind)
        return false;
    heap->root = load_le32(head.at + 4);
    if (kind == HEAP_TABLE)
        return true;
    heap->values = PUSH_ARRAY(tree->store->arena, struct heap_value, VALUES_MOST);
    return heap->values && walk_tree(heap, heap->root, 2, 6, value_visit);
}

/* --- values --- */

const struct heap_value *heap_find(const struct heap *heap, uint16_t id)
{
    for (uint32_t i = 0; i < heap->value_count; i++)
        if (heap->values[i].id == id)
            return &heap->values[i];
    return NULL;
}

uint32_t heap_number(const struct heap *heap, uint16_t id, uint32_t none)
{
    const struct heap_value *value = heap_find(heap, id);
    return value && (value->type == TYPE_LONG || value->type == TYPE_SHORT ||
                     value->type == TYPE_BOOL)
               ? value->value
               : none;
}

bool heap_time(const struct heap *heap, uint16_t id, uint64_t *ret)
{
    const struct heap_value *value = heap_find(heap, id);
    bytes data;
    return value && value->type == TYPE_TIME && item(heap, value->value, &data) &&
           bytes_le64(data, 0, ret);
}

bool heap_pieces(const struct heap *heap, const struct heap_value *value, tree_piece piece,
                 void *to)
{
    uint64_t data, sub;
    bytes all;
    if (!(value->value & 31)) {
        if (item(heap, value->value, &all))
            return !all.len || piece(to, all, 0);
        heap->tree->lost++;
        return piece(to, (bytes){NULL, 0}, 0);
    }
    if (tree_subnode_find(heap->tree, heap->sub, value->value, &data, &sub))
        return tree_data(heap->tree, data, piece, to);
    heap->tree->lost++;
    return piece(to, (bytes){NULL, 0}, 0);
}

struct gather {
    uint8_t *at;
    size_t n, most;
    bool broken;
};

static bool gather_piece(void *to, bytes data, uint64_t gap)
{
    struct gather *gather = to;
    (void)gap;
    if (!data.len || data.len > gather->most - gather->n) {
        gather->broken = true;
        return false;
    }
    memcpy(gather->at + gather->n, data.at, data.len);
    gather->n += data.len;
    return true;
}

bytes heap_bytes(const struct heap *heap, const struct heap_value *value, uint32_t most)
{
    struct gather gather = {.most = most};
    bytes all, none = {NULL, 0};
    if (!value)
        return none;
    if (!(value->value & 31)) {
        if (item(heap, value->value, &all))
            return bytes_slice(all, 0, most);
        heap->tree->lost++;
        return none;
    }
    gather.at = arena_push_raw(heap->tree->store->arena, most);
    if (!gather.at || !heap_pieces(heap, value, gather_piece, &gather) || gather.broken)
        return none;
    return (bytes){gather.at, gather.n};
}

/* --- tables --- */

struct table {
    struct heap *heap;
    bytes columns;
    uint32_t width, bits; /* of a row; where its bits are */
    heap_row visit;
    void *to;
    struct heap row;
    uint32_t rows;
    bool torn; /* where rows begin behind a gap is not known */
};

/* The values that a row has. */
static bool table_row(struct table *table, const uint8_t *row)
{
    struct heap *out = &table->row;
    out->value_count = 0;
    for (size_t at = 0; at + 8 <= table->columns.len && out->value_count < VALUES_MOST;
         at += 8) {
        const uint8_t *column = table->columns.at + at;
        uint32_t place = load_le16(column + 4), size = column[6], bit = column[7];
        if (place + size > table->bits || table->bits + bit / 8 >= table->width ||
            !(row[table->bits + bit / 8] & 0x80 >> bit % 8) ||
            (size != 4 && size != 2 && size != 1))
            continue;
        uint32_t value = size == 4   ? load_le32(row + place)
                         : size == 2 ? load_le16(row + place)
                                     : row[place];
        out->values[out->value_count++] =
            (struct heap_value){load_le16(column + 2), load_le16(column), value};
    }
    return table->rows++ < ROWS_MOST && table->visit(table->to, out);
}

static bool table_piece(void *to, bytes data, uint64_t gap)
{
    struct table *table = to;
    table->torn |= gap || !data.len;
    /* Rows do not go over the end of a block. */
    for (size_t at = 0; !table->torn && at + table->width <= data.len; at += table->width) {
        if (!budget_charge(table->heap->tree->store->salvage->budget, table->width))
            return false;
        if (!table_row(table, data.at + at))
            return false;
    }
    return true;
}

bool heap_rows(struct heap *heap, heap_row row, void *to)
{
    bytes head;
    struct table table = {.heap = heap, .visit = row, .to = to, .row = *heap};
    if (!item(heap, heap->root, &head) || head.len < 22 || head.at[0] != HEAP_TABLE ||
        head.len < 22 + 8 * (size_t)head.at[1]) {
        heap->tree->lost++;
        return true;
    }
    table.columns = bytes_slice(head, 22, 8 * (size_t)head.at[1]);
    table.bits = load_le16(head.at + 6);
    table.width = load_le16(head.at + 8);
    table.row.values = PUSH_ARRAY(heap->tree->store->arena, struct heap_value, VALUES_MOST);
    if (!table.row.values || table.width <= table.bits)
        return true;
    struct heap_value rows = {.value = load_le32(head.at + 14)};
    return !rows.value || heap_pieces(heap, &rows, table_piece, &table);
}
