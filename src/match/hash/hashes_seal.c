/* Laying a table of hash signatures out: sorts the digests heap by heap and writes each part's
 * buckets where they will lie. */
#include "match/hash/hashes_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RUN_MAX = 24 }; /* equal keys in a row that are sorted by insertion */

struct key {
    uint64_t key; /* eight bytes of the digest, from the second on */
    uint32_t entry;
};

/* Room to sort one heap, or all of them where they are few. */
struct sorting {
    uint8_t *entries;
    struct key *keys, *other;
    size_t length;
};

static uint32_t bits_for(uint32_t count)
{
    uint32_t bits = 0;
    while (bits < HASHES_BITS && count >> bits >= 2 * HASHES_BUCKET)
        bits++;
    return bits;
}

static uint32_t width_for(uint32_t count)
{
    uint32_t width = 1;
    while (width < 4 && (uint64_t)count > UINT64_C(1) << 8 * width)
        width++;
    return width;
}

/* --- sorting --- */

static int by_entry(const struct sorting *sorting, const struct key *a, const struct key *b)
{
    const uint8_t *x = sorting->entries + a->entry * (sorting->length + 4);
    const uint8_t *y = sorting->entries + b->entry * (sorting->length + 4);
    int order = memcmp(x, y, sorting->length);
    uint32_t m, n;
    memcpy(&m, x + sorting->length, 4);
    memcpy(&n, y + sorting->length, 4);
    return order ? order : (m > n) - (m < n);
}

static void sort_few(const struct sorting *sorting, struct key *keys, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        struct key key = keys[i];
        uint32_t k = i;
        for (; k && by_entry(sorting, &key, &keys[k - 1]) < 0; k--)
            keys[k] = keys[k - 1];
        keys[k] = key;
    }
}

/* Merging, since a run of equal bytes may be as long as someone likes. */
static void sort_many(const struct sorting *sorting, struct key *keys, struct key *room,
                      uint32_t n)
{
    for (uint32_t from = 0; from < n; from += RUN_MAX)
        sort_few(sorting, keys + from, n - from < RUN_MAX ? n - from : RUN_MAX);
    for (uint64_t width = RUN_MAX; width < n; width *= 2) {
        for (uint64_t from = 0; from < n; from += 2 * width) {
            uint64_t middle = from + width < n ? from + width : n;
            uint64_t end = from + 2 * width < n ? from + 2 * width : n;
            uint64_t a = from, b = middle;
            for (uint64_t to = from; to < end; to++)
                room[to] = b == end || (a < middle && by_entry(sorting, &keys[a], &keys[b]) < 0)
                               ? keys[a++]
                               : keys[b++];
        }
        memcpy(keys, room, n * sizeof *keys);
    }
}

static void sort_byte(const struct key *from, struct key *to, uint32_t n, uint32_t shift)
{
    uint32_t start[256] = {0}, sum = 0;
    for (uint32_t i = 0; i < n; i++)
        start[from[i].key >> shift & 0xff]++;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t count = start[i];
        start[i] = sum;
        sum += count;
    }
    for (uint32_t i = 0; i < n; i++)
        to[start[from[i].key >> shift & 0xff]++] = from[i];
}

/* Of entries whose first bytes ascend already: by three bytes more, then what those leave
 * equal. Digests are random, so hardly anything is left. */
static void sort_keys(struct sorting *sorting, struct key *keys, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        keys[i].key = load_be64(sorting->entries + keys[i].entry * (sorting->length + 4) + 1);
    sort_byte(keys, sorting->other, n, 40);
    sort_byte(sorting->other, keys, n, 48);
    sort_byte(keys, sorting->other, n, 56);
    memcpy(keys, sorting->other, n * sizeof *keys);
    for (uint32_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && keys[to].key >> 40 == keys[from].key >> 40;)
            to++;
        sort_many(sorting, keys + from, sorting->other, to - from);
    }
}

/* --- buckets --- */

struct laying {
    uint8_t *table;
    const struct hashes_front *front;
    const struct hashes_part *part;
    struct index_page *index;
    const uint32_t *starts; /* of all its buckets */
    uint32_t number;        /* of the part */
    uint32_t bucket;        /* the next to write */
    size_t length;
};

static void add_to_sieve(struct index_page *page, const uint8_t *value)
{
    uint64_t *line = page->sieve[hashes_sieve_line(value)], choice = load_le64(value + 8);
    for (uint32_t i = 0; i < SIEVE_BITS; i++) {
        uint32_t number = hashes_sieve_bit(choice, i);
        line[number / 64] |= UINT64_C(1) << number % 64;
    }
}

static void lay_bucket(struct laying *laying, const struct sorting *sorting,
                       const struct key *keys, uint32_t n)
{
    const struct hashes_part *part = laying->part;
    size_t strip = part->bits / 8, tail = laying->length - strip, width = laying->front->width;
    struct index_page *page = &laying->index[laying->bucket / INDEX_BUCKETS];
    uint32_t start = laying->starts[laying->bucket];
    uint8_t *bucket = laying->table + part->buckets + (uint64_t)start * BUCKET_UNIT;
    uint8_t *tails = bucket + BUCKET_FRONT, *numbers = tails + n * tail;
    memcpy(bucket, &n, BUCKET_FRONT);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *entry = sorting->entries + keys[i].entry * (laying->length + 4);
        memcpy(tails + i * tail, entry + strip, tail);
        memcpy(numbers + i * width, entry + laying->length, width);
        add_to_sieve(page, entry);
    }
    uint64_t place = (uint64_t)laying->number << 32 | laying->bucket;
    bytes summed = {bucket, BUCKET_FRONT + n * (tail + width)};
    uint32_t sum = hashes_checksum(summed, THING_BUCKETS, place);
    memcpy(bucket + summed.len, &sum, CHECKSUM);
    page->start[laying->bucket++ % INDEX_BUCKETS] = start;
}

/* Heaps [from, to), the buckets of which are no other heap's. */
static void lay_heaps(struct laying *laying, struct sorting *sorting,
                      const struct hashes_heaps *heaps, uint32_t from, uint32_t to)
{
    uint32_t n = 0, bits = laying->part->bits;
    size_t stride = laying->length + 4;
    for (uint32_t i = from; i < to; i++) {
        uint32_t first = n;
        for (const struct hashes_chunk *chunk = heaps->heap[i]; chunk; chunk = chunk->next) {
            memcpy(sorting->entries + n * stride, chunk->entries, chunk->n * stride);
            for (uint32_t k = 0; k < chunk->n; k++, n++)
                sorting->keys[n].entry = n;
        }
        sort_keys(sorting, sorting->keys + first, n - first);
    }
    uint32_t at = 0, end = (uint32_t)(((uint64_t)to << bits) / HEAPS);
    while (laying->bucket < end) {
        uint32_t first = at;
        while (at < n && hashes_bucket(sorting->entries + sorting->keys[at].entry * stride,
                                       bits) == laying->bucket)
            at++;
        lay_bucket(laying, sorting, sorting->keys + first, at - first);
    }
}

static bool lay_part(struct laying *laying, const struct hashes_heaps *heaps,
                     struct arena *arena)
{
    uint32_t step = laying->part->bits >= 8 ? 1 : HEAPS, most = 0;
    for (uint32_t i = 0; i < HEAPS; i++)
        if (heaps->in_heap[i] > most)
            most = heaps->in_heap[i];
    if (step > 1)
        most = heaps->count;
    struct arena_mark mark = arena_mark(arena);
    struct sorting sorting = {.length = laying->length};
    sorting.entries = arena_push_raw(arena, most * (laying->length + 4));
    sorting.keys = PUSH_ARRAY(arena, struct key, most);
    sorting.other = PUSH_ARRAY(arena, struct key, most);
    bool is_room = sorting.entries && sorting.keys && sorting.other;
    for (uint32_t i = 0; is_room && i < HEAPS; i += step)
        lay_heaps(laying, &sorting, heaps, i, i + step);
    arena_pop(arena, mark);
    return is_room;
}

/* --- gates --- */

static void lay_gate(uint8_t *table, const struct hashes_part *part,
                     const struct hashes_sizes *sizes)
{
    uint8_t *gate = table + part->gate, *page = gate + GATE_PAGES * sizeof(uint16_t);
    uint16_t pages = 0;
    for (int i = 0; i < GATE_PAGES; i++) {
        if (!sizes->pages[i])
            continue;
        uint16_t number = ++pages;
        memcpy(gate + 2 * i, &number, sizeof number);
        memcpy(page, sizes->pages[i], GATE_PAGE / 8);
        page += GATE_PAGE / 8;
    }
    for (uint32_t i = 0; i < sizes->large.n; i++) {
        uint32_t bit = hashes_gate_bit(sizes->large.at[i], part->gate_log);
        page[bit / 8] |= (uint8_t)(1 << bit % 8);
    }
}

/* --- the whole --- */

static uint64_t grow(uint64_t *size, uint64_t by)
{
    uint64_t at = *size;
    *size = (at + by + HASHES_ALIGN - 1) & ~(uint64_t)(HASHES_ALIGN - 1);
    return at;
}

/* Where each bucket begins, in units, from how many digests it has. False when that is too
 * far. */
static bool place_buckets(uint32_t *starts, uint32_t count, uint64_t each, uint64_t *ret_size)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t size = BUCKET_FRONT + starts[i] * each + CHECKSUM, in_page = at % HASHES_PAGE;
        if (size <= HASHES_PAGE && in_page + size > HASHES_PAGE)
            at += HASHES_PAGE - in_page;
        if (at / BUCKET_UNIT > UINT32_MAX)
            return false;
        starts[i] = (uint32_t)(at / BUCKET_UNIT);
        at = (at + size + BUCKET_UNIT - 1) & ~(uint64_t)(BUCKET_UNIT - 1);
    }
    *ret_size = at;
    return true;
}

/* The starts of a part's buckets; NULL when memory is out. */
static uint32_t *plan_buckets(const struct hashes_heaps *heaps, struct hashes_part *part,
                              size_t length, uint32_t width, struct arena *arena)
{
    uint32_t *starts = PUSH_ARRAY(arena, uint32_t, UINT64_C(1) << part->bits);
    if (!starts)
        return NULL;
    for (uint32_t i = 0; i < HEAPS; i++)
        for (const struct hashes_chunk *chunk = heaps->heap[i]; chunk; chunk = chunk->next)
            for (uint32_t k = 0; k < chunk->n; k++)
                starts[hashes_bucket(chunk->entries + k * (length + 4), part->bits)]++;
    bool fits = place_buckets(starts, UINT32_C(1) << part->bits,
                              length - part->bits / 8 + width, &part->buckets_size);
    return fits ? starts : NULL;
}

static void plan_part(const struct hashes_heaps *heaps, struct hashes_part *part,
                      uint64_t *front)
{
    if (!heaps)
        return;
    part->count = heaps->count;
    part->any = heaps->any;
    part->bits = bits_for(heaps->count);
    for (int i = 0; i < GATE_PAGES; i++)
        part->gate_pages += heaps->sizes.pages[i] != NULL;
    if (heaps->sizes.large.n) {
        part->gate_log = 10;
        while (part->gate_log < GATE_LARGE_BITS &&
               heaps->sizes.large.n > 1u << (part->gate_log - 5))
            part->gate_log++;
    }
    uint64_t hashed = part->gate_log ? (UINT64_C(1) << part->gate_log) / 8 : 0;
    part->gate = grow(front, GATE_PAGES * sizeof(uint16_t) +
                                 (uint64_t)part->gate_pages * (GATE_PAGE / 8) + hashed);
    *front = (*front + HASHES_PAGE - 1) & ~(uint64_t)(HASHES_PAGE - 1);
    part->index = grow(front, hashes_index_pages(part->bits) * (uint64_t)HASHES_PAGE);
}

static void plan_blocks(const struct hashes_writer *writer, uint32_t count,
                        struct hashes_blocks *blocks, uint64_t *front)
{
    blocks->count = count;
    blocks->blocks = writer->directory.n;
    blocks->size = writer->size;
    blocks->directory = grow(front, ((uint64_t)blocks->blocks + 1) * 4);
}

/* False when memory is out. starts[] gets those of the parts' buckets. */
static bool plan(const struct hashes_build *build, const struct hashes_writer *shapes,
                 struct arena *arena, struct hashes_front *front,
                 uint32_t *starts[HASHES_PARTS])
{
    uint64_t size = 0;
    grow(&size, sizeof *front);
    *front = (struct hashes_front){
        .magic = HASHES_MAGIC,
        .version = HASHES_VERSION,
        .count = build->count,
        .width = width_for(build->count),
        .source_count = build->sources.n,
        .source_names_size = build->source_names.n,
    };
    front->sources = grow(&size, build->sources.n * sizeof *build->sources.at);
    front->source_names = grow(&size, build->source_names.n);
    plan_blocks(shapes, build->shapes.n, &front->shapes, &size);
    plan_blocks(&build->records, build->count, &front->records, &size);
    for (int i = 0; i < HASHES_PARTS; i++)
        plan_part(build->parts[i], &front->parts[i], &size);
    front->front_size = size;
    for (int i = 0; i < HASHES_PARTS; i++) {
        struct hashes_part *part = &front->parts[i];
        if (!part->count)
            continue;
        size_t length = hash_length((enum hash_digest)(i % HASH_DIGESTS));
        starts[i] = plan_buckets(build->parts[i], part, length, front->width, arena);
        if (!starts[i])
            return false;
        size = (size + HASHES_PAGE - 1) & ~(uint64_t)(HASHES_PAGE - 1);
        part->buckets = grow(&size, part->buckets_size);
    }
    front->shapes.at = grow(&size, front->shapes.size);
    front->records.at = grow(&size, front->records.size);
    front->size = size;
    return true;
}

static bool write_shapes(struct hashes_build *build, struct hashes_writer *writer)
{
    for (uint32_t i = 0; i < build->shapes.n; i++) {
        const struct hashes_shape *shape = &build->shapes.at[i];
        writer->block[writer->pending++] = (uint8_t)shape->length;
        memcpy(writer->block + writer->pending, build->shape_texts.at + shape->at,
               shape->length);
        writer->pending += shape->length;
        if ((i + 1) % SHAPES_IN_BLOCK == 0 && !hashes_writer_close(build, writer, THING_SHAPES))
            return false;
    }
    return hashes_writer_close(build, writer, THING_SHAPES);
}

static void lay_blocks(uint8_t *table, const struct hashes_blocks *blocks,
                       const struct hashes_writer *writer)
{
    uint8_t *directory = table + blocks->directory, *to = table + blocks->at;
    uint32_t end = (uint32_t)blocks->size;
    if (blocks->blocks)
        memcpy(directory, writer->directory.at, (size_t)blocks->blocks * 4);
    memcpy(directory + (size_t)blocks->blocks * 4, &end, 4);
    for (const struct hashes_piece *piece = writer->first; piece; piece = piece->next) {
        memcpy(to, piece->bytes, piece->used);
        to += piece->used;
    }
}

static bool lay_parts(const struct hashes_build *build, const struct hashes_front *front,
                      uint32_t *const starts[HASHES_PARTS], uint8_t *table, struct arena *arena)
{
    for (uint32_t i = 0; i < HASHES_PARTS; i++) {
        if (!front->parts[i].count)
            continue;
        struct laying laying = {.table = table,
                                .front = front,
                                .part = &front->parts[i],
                                .index = (void *)(table + front->parts[i].index),
                                .starts = starts[i],
                                .number = i,
                                .length = hash_length((enum hash_digest)(i % HASH_DIGESTS))};
        lay_gate(table, laying.part, &build->parts[i]->sizes);
        if (!lay_part(&laying, build->parts[i], arena))
            return false;
    }
    return true;
}

/* Gaps between what is laid out are zero, so that the same signatures give the same bytes. */
static uint8_t *push_table(const struct hashes_front *front, struct arena *arena)
{
    uint8_t *raw = arena_push(arena, front->size + HASHES_ALIGN);
    return raw ? raw + (-(uintptr_t)raw & (HASHES_ALIGN - 1)) : NULL;
}

int hashes_seal(struct hashes_build *build, struct arena *arena, bytes *ret, struct why *why)
{
    struct hashes_writer *shapes = PUSH(arena, struct hashes_writer);
    if (!shapes || !hashes_writer_close(build, &build->records, THING_RECORDS) ||
        !write_shapes(build, shapes))
        return fail(why, ENOMEM, "no memory for the names of hash signatures");
    build->in_block = 0;
    if (!build->count) {
        *ret = (bytes){0};
        return 0;
    }
    if (shapes->size > UINT32_MAX || build->records.size > UINT32_MAX)
        return fail(why, E2BIG, "the names of hash signatures take more than 4 GiB");
    struct hashes_front front;
    uint32_t *starts[HASHES_PARTS] = {0};
    bool is_room = plan(build, shapes, arena, &front, starts);
    uint8_t *table = is_room ? push_table(&front, arena) : NULL;
    if (!table || !lay_parts(build, &front, starts, table, arena))
        return fail(why, ENOMEM, "no memory for %u hash signatures", build->count);
    memcpy(table + front.sources, build->sources.at,
           build->sources.n * sizeof *build->sources.at);
    memcpy(table + front.source_names, build->source_names.at, build->source_names.n);
    lay_blocks(table, &front.shapes, shapes);
    lay_blocks(table, &front.records, &build->records);
    memcpy(table, &front, sizeof front);
    bytes checked = {table + FRONT_CHECKED, front.front_size - FRONT_CHECKED};
    front.checksum = hash64(checked, THING_FRONT);
    memcpy(table, &front, sizeof front);
    *ret = (bytes){table, front.size};
    return 0;
}
