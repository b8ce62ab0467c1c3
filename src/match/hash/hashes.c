/* Reading a table of hash signatures; hashes_layout.h says how it lies. */
#include "match/hash/hashes_layout.h"

#include <errno.h>
#include <stdio.h>

enum { EQUAL_MAX = 256 }; /* signatures of one digest that are looked at */

size_t hash_length(enum hash_digest digest)
{
    static const size_t length[HASH_DIGESTS] = {16, 20, 32};
    return length[digest];
}

/* --- opening --- */

static bool inside(const struct hashes_front *front, uint64_t at, uint64_t size)
{
    return at % 4 == 0 && at >= sizeof *front && size <= front->front_size &&
           at <= front->front_size - size;
}

static bool behind(const struct hashes_front *front, uint64_t at, uint64_t size)
{
    return at >= front->front_size && size <= front->size && at <= front->size - size;
}

static bool blocks_good(const struct hashes_front *front, const struct hashes_blocks *blocks,
                        uint32_t in_block)
{
    return blocks->blocks == (blocks->count + (uint64_t)in_block - 1) / in_block &&
           inside(front, blocks->directory, ((uint64_t)blocks->blocks + 1) * 4) &&
           behind(front, blocks->at, blocks->size);
}

static uint64_t gate_size(const struct hashes_part *part)
{
    return GATE_PAGES * sizeof(uint16_t) + (uint64_t)part->gate_pages * GATE_PAGE / 8 +
           (part->gate_log ? (UINT64_C(1) << part->gate_log) / 8 : 0);
}

static bool part_good(bytes table, const struct hashes_front *front,
                      const struct hashes_part *part)
{
    if (!part->count)
        return true;
    if (part->bits > HASHES_BITS || part->gate_pages > GATE_PAGES ||
        part->gate_log > GATE_LARGE_BITS || (part->gate_log && part->gate_log < 3) ||
        !inside(front, part->gate, gate_size(part)) || part->index % 8 ||
        !inside(front, part->index, hashes_index_pages(part->bits) * (uint64_t)HASHES_PAGE) ||
        !behind(front, part->buckets, part->buckets_size))
        return false;
    for (int i = 0; i < GATE_PAGES; i++)
        if (load_le16(table.at + part->gate + 2 * i) > part->gate_pages)
            return false;
    return true;
}

static bool sources_good(bytes table, const struct hashes_front *front)
{
    if (!inside(front, front->sources, front->source_count * sizeof(struct hashes_source)) ||
        !inside(front, front->source_names, front->source_names_size) ||
        !front->source_names_size ||
        table.at[front->source_names + front->source_names_size - 1] != 0)
        return false;
    const struct hashes_source *sources = (const void *)(table.at + front->sources);
    for (uint32_t i = 0; i < front->source_count; i++)
        if (sources[i].name >= front->source_names_size)
            return false;
    return true;
}

static bool front_good(bytes table, const struct hashes_front *front)
{
    if (front->width < 1 || front->width > 4 || front->records.count != front->count ||
        !blocks_good(front, &front->shapes, SHAPES_IN_BLOCK) ||
        !blocks_good(front, &front->records, RECORDS_IN_BLOCK) || !sources_good(table, front))
        return false;
    uint64_t sum = 0;
    for (int i = 0; i < HASHES_PARTS; i++) {
        if (!part_good(table, front, &front->parts[i]))
            return false;
        sum += front->parts[i].count;
    }
    return sum == front->count;
}

int hashes_trust(bytes table, struct hashes *ret, struct why *why)
{
    if (table.len == 0) {
        *ret = (struct hashes){0};
        return 0;
    }
    const struct hashes_front *front = (const void *)table.at;
    if ((uintptr_t)table.at % 8 || table.len < sizeof *front || front->magic != HASHES_MAGIC)
        return fail(why, EBADMSG, "not a table of hash signatures");
    if (front->version != HASHES_VERSION)
        return fail(why, EBADMSG, "hash signatures of layout %u, not %d", front->version,
                    HASHES_VERSION);
    if (front->size != table.len || front->front_size > table.len ||
        front->front_size < sizeof *front)
        return fail(why, EBADMSG, "the table of hash signatures is cut short");
    *ret = (struct hashes){table, front->count};
    return 0;
}

int hashes_open(bytes table, struct hashes *ret, struct why *why)
{
    struct hashes hashes;
    int error = hashes_trust(table, &hashes, why);
    if (error || !table.len) {
        *ret = (struct hashes){0};
        return error;
    }
    const struct hashes_front *front = (const void *)table.at;
    bytes checked = {table.at + FRONT_CHECKED, front->front_size - FRONT_CHECKED};
    if (hash64(checked, THING_FRONT) != front->checksum)
        return fail(why, EBADMSG, "the table of hash signatures is damaged");
    if (!front_good(table, front))
        return fail(why, EBADMSG, "the table of hash signatures is not well formed");
    *ret = hashes;
    return 0;
}

/* --- blocks --- */

static const struct hashes_front *front_of(const struct hashes *hashes)
{
    return (const void *)hashes->table.at;
}

bytes hashes_front(const struct hashes *hashes)
{
    if (!hashes->table.len)
        return (bytes){0};
    return bytes_slice(hashes->table, 0, front_of(hashes)->front_size);
}

/* A block without its checksum, or nothing when it is damaged. */
static bytes block_at(const struct hashes *hashes, const struct hashes_blocks *blocks,
                      enum hashes_thing thing, uint32_t number)
{
    const uint8_t *entry = hashes->table.at + blocks->directory + 4 * (uint64_t)number;
    uint32_t from = load_le32(entry), to = load_le32(entry + 4);
    if (from > to || to > blocks->size || to - from < CHECKSUM)
        return (bytes){0};
    bytes block = {hashes->table.at + blocks->at + from, to - from - CHECKSUM};
    return hashes_checksum(block, thing, number) == load_le32(block.at + block.len)
               ? block
               : (bytes){0};
}

/* 0 past the end: the caller sees at the end of the record whether it came to that. */
static uint64_t take_varint(bytes *rest)
{
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 64 && rest->len; shift += 7) {
        uint8_t byte = *rest->at++;
        rest->len--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    return value;
}

static uint32_t size_of(uint64_t told)
{
    if (told == 0)
        return HASH_ANY_SIZE;
    return (uint32_t)(told & 1 ? (told >> 1) * 512 : told >> 1);
}

static bool take_record(bytes *rest, struct hashes_recent *recent, struct hashes_record *record)
{
    if (!rest->len)
        return false;
    uint8_t head = *rest->at++;
    rest->len--;
    uint32_t place = head >> 3;
    record->size = size_of(take_varint(rest));
    if (place == RECORD_SHAPE)
        record->shape = (uint32_t)take_varint(rest);
    else if (place < recent->n)
        record->shape = recent->shapes[place];
    else
        return false;
    hashes_recent_use(recent, place, record->shape);
    enum record_number number = head & 3;
    record->numbered = number != NUMBER_NONE;
    if (number == NUMBER_NEXT)
        record->number++;
    if (number == NUMBER_TOLD) {
        uint64_t step = take_varint(rest);
        record->number += (uint32_t)(step >> 1 ^ -(step & 1));
    }
    uint64_t lines = head & RECORD_LINE ? take_varint(rest) : 1;
    record->line += (uint32_t)lines;
    if (!lines) {
        record->source = (uint32_t)take_varint(rest);
        record->line = (uint32_t)take_varint(rest);
    }
    return true;
}

static bool read_record(const struct hashes *hashes, uint32_t number, struct hashes_record *ret)
{
    bytes rest =
        block_at(hashes, &front_of(hashes)->records, THING_RECORDS, number / RECORDS_IN_BLOCK);
    struct hashes_recent recent = {0};
    *ret = (struct hashes_record){0};
    for (uint32_t i = 0; i <= number % RECORDS_IN_BLOCK; i++)
        if (!take_record(&rest, &recent, ret))
            return false;
    return ret->source < front_of(hashes)->source_count;
}

static bytes read_shape(const struct hashes *hashes, uint32_t number)
{
    const struct hashes_blocks *shapes = &front_of(hashes)->shapes;
    if (number >= shapes->count)
        return (bytes){0};
    bytes rest = block_at(hashes, shapes, THING_SHAPES, number / SHAPES_IN_BLOCK);
    for (uint32_t i = number % SHAPES_IN_BLOCK; rest.len; i--) {
        bytes shape = bytes_slice(rest, 1, rest.at[0]);
        if (shape.len != rest.at[0])
            break;
        if (!i)
            return shape;
        rest = bytes_slice(rest, 1 + shape.len, SIZE_MAX);
    }
    return (bytes){0};
}

/* --- looking up --- */

static const struct hashes_part *part_of(const struct hashes *hashes, enum hash_scope scope,
                                         enum hash_digest digest)
{
    return hashes->count ? &front_of(hashes)->parts[scope * HASH_DIGESTS + digest] : NULL;
}

static bool bit(const uint8_t *bitmap, uint32_t number)
{
    return bitmap[number / 8] >> number % 8 & 1;
}

static bool gate_open(const struct hashes *hashes, const struct hashes_part *part,
                      uint32_t size)
{
    const uint8_t *gate = hashes->table.at + part->gate;
    const uint8_t *pages = gate + GATE_PAGES * sizeof(uint16_t);
    if (size / GATE_PAGE < GATE_PAGES) {
        uint32_t page = load_le16(gate + 2 * (size / GATE_PAGE));
        return page && bit(pages + (page - 1) * (size_t)(GATE_PAGE / 8), size % GATE_PAGE);
    }
    return part->gate_log && bit(pages + part->gate_pages * (size_t)(GATE_PAGE / 8),
                                 hashes_gate_bit(size, part->gate_log));
}

bool hashes_has(const struct hashes *hashes, enum hash_scope scope, enum hash_digest digest)
{
    const struct hashes_part *part = part_of(hashes, scope, digest);
    return part && part->count;
}

bool hashes_wants(const struct hashes *hashes, enum hash_scope scope, enum hash_digest digest,
                  uint64_t size)
{
    const struct hashes_part *part = part_of(hashes, scope, digest);
    if (!part || !part->count)
        return false;
    return part->any || (size < HASH_ANY_SIZE && gate_open(hashes, part, (uint32_t)size));
}

struct bucket {
    const uint8_t *tails, *numbers;
    uint32_t n, tail, width;
};

static bool may_have(const struct index_page *page, const uint8_t *value)
{
    const uint64_t *line = page->sieve[hashes_sieve_line(value)];
    uint64_t choice = load_le64(value + 8);
    for (uint32_t i = 0; i < SIEVE_BITS; i++) {
        uint32_t number = hashes_sieve_bit(choice, i);
        if (!(line[number / 64] >> number % 64 & 1))
            return false;
    }
    return true;
}

/* The bucket that begins `start` units behind the first one. */
static bool open_bucket(const struct hashes *hashes, const struct hashes_part *part,
                        size_t length, uint32_t number, uint32_t start, struct bucket *ret)
{
    uint64_t at = (uint64_t)start * BUCKET_UNIT;
    if (at > part->buckets_size || part->buckets_size - at < BUCKET_FRONT + CHECKSUM)
        return false;
    bytes rest = {hashes->table.at + part->buckets + at, part->buckets_size - at};
    ret->n = load_le32(rest.at);
    ret->tail = (uint32_t)length - part->bits / 8;
    ret->width = front_of(hashes)->width;
    uint64_t each = ret->tail + ret->width;
    if (ret->n > (rest.len - BUCKET_FRONT - CHECKSUM) / each)
        return false;
    ret->tails = rest.at + BUCKET_FRONT;
    ret->numbers = ret->tails + (size_t)ret->n * ret->tail;
    bytes bucket = {rest.at, BUCKET_FRONT + ret->n * each};
    uint64_t place = (uint64_t)(part - front_of(hashes)->parts) << 32 | number;
    return hashes_checksum(bucket, THING_BUCKETS, place) == load_le32(bucket.at + bucket.len);
}

/* The first digest of a bucket that is not below `tail`. */
static uint32_t first_from(const struct bucket *bucket, const uint8_t *tail)
{
    uint32_t low = 0, high = bucket->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(bucket->tails + (size_t)middle * bucket->tail, tail, bucket->tail) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t number_at(const struct bucket *bucket, uint32_t i)
{
    const uint8_t *at = bucket->numbers + (size_t)i * bucket->width;
    uint32_t number = 0;
    for (uint32_t k = 0; k < bucket->width; k++)
        number |= (uint32_t)at[k] << 8 * k;
    return number;
}

int hashes_find(const struct hashes *hashes, enum hash_scope scope, enum hash_digest digest,
                uint64_t size, const uint8_t *value, uint32_t *ret, uint32_t room,
                uint32_t *ret_count)
{
    const struct hashes_part *part = part_of(hashes, scope, digest);
    *ret_count = 0;
    if (!part || !part->count)
        return 0;
    uint32_t number = hashes_bucket(value, part->bits);
    const struct index_page *page =
        (const struct index_page *)(const void *)(hashes->table.at + part->index) +
        number / INDEX_BUCKETS;
    if (!may_have(page, value))
        return 0;
    struct bucket bucket;
    if (!open_bucket(hashes, part, hash_length(digest), number,
                     page->start[number % INDEX_BUCKETS], &bucket))
        return -EBADMSG;
    const uint8_t *tail = value + part->bits / 8;
    uint32_t first = first_from(&bucket, tail), found = 0;
    for (uint32_t i = first; i < bucket.n && i - first < EQUAL_MAX && found < room; i++) {
        if (memcmp(bucket.tails + (size_t)i * bucket.tail, tail, bucket.tail) != 0)
            break;
        struct hashes_record record;
        uint32_t signature = number_at(&bucket, i);
        if (signature >= hashes->count || !read_record(hashes, signature, &record))
            return -EBADMSG;
        if (record.size == HASH_ANY_SIZE || record.size == size)
            ret[found++] = signature;
    }
    *ret_count = found;
    return 0;
}

int hashes_label(const struct hashes *hashes, uint32_t number, struct hash_label *ret)
{
    struct hashes_record record;
    bytes shape = {0};
    if (number < hashes->count && read_record(hashes, number, &record))
        shape = read_shape(hashes, record.shape);
    if (!shape.at) {
        *ret = (struct hash_label){.name = "(the name is damaged)", .source = ""};
        return -EBADMSG;
    }
    const struct hashes_front *front = front_of(hashes);
    const struct hashes_source *source =
        (const struct hashes_source *)(const void *)(hashes->table.at + front->sources) +
        record.source;
    const char *end = source->official ? "" : ".UNOFFICIAL";
    const char *text = (const char *)shape.at;
    int head = (int)strnlen(text, shape.len);
    const char *tail = text + head + (record.numbered ? 1 : 0);
    int left = record.numbered && (size_t)head < shape.len ? (int)shape.len - head - 1 : 0;
    if (record.numbered)
        snprintf(ret->name, sizeof ret->name, "%.*s%u%.*s%s", head, text, record.number, left,
                 tail, end);
    else
        snprintf(ret->name, sizeof ret->name, "%.*s%s", head, text, end);
    ret->source = (const char *)hashes->table.at + front->source_names + source->name;
    ret->line = record.line;
    return 0;
}
