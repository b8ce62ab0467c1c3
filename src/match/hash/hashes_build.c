/* Collecting hash signatures: records, shapes of names, and heaps of digests. */
#include "match/hash/hashes_build.h"

#include <errno.h>
#include <string.h>

enum { PIECE = 1 << 18, CHUNK_FIRST = 8, CHUNK_LARGEST = 384, SHAPE_LOG_FIRST = 8 };

struct hashes_build *hashes_new(struct arena *arena)
{
    struct hashes_build *build = PUSH(arena, struct hashes_build);
    if (!build)
        return NULL;
    build->arena = arena;
    build->shape_log = SHAPE_LOG_FIRST;
    build->shape_table = PUSH_ARRAY(arena, uint32_t, 1u << SHAPE_LOG_FIRST);
    build->last_shape = UINT32_MAX;
    return build->shape_table ? build : NULL;
}

uint32_t hashes_count(const struct hashes_build *build)
{
    return build->count;
}

/* --- sources --- */

uint32_t hashes_source(struct hashes_build *build, bytes name)
{
    for (uint32_t i = 0; i < build->asked.n; i++)
        if (bytes_is(name, (const char *)build->source_names.at + build->asked.at[i]))
            return i;
    uint32_t at = build->source_names.n;
    uint8_t *text = vec_push_many(build->arena, &build->source_names, name.len + 1);
    uint32_t *asked = text ? vec_push(build->arena, &build->asked) : NULL;
    if (!asked)
        return UINT32_MAX;
    if (name.len)
        memcpy(text, name.at, name.len);
    *asked = at;
    return build->asked.n - 1;
}

/* The written source of a signature; UINT32_MAX when memory is out. */
static uint32_t source_of(struct hashes_build *build, uint32_t asked, bool official)
{
    if (build->source_of[official] && build->asked_of[official] == asked)
        return build->source_of[official] - 1;
    uint32_t name = asked < build->asked.n ? build->asked.at[asked] : 0, found = 0;
    while (found < build->sources.n && (build->sources.at[found].name != name ||
                                        build->sources.at[found].official != official))
        found++;
    if (found == build->sources.n) {
        struct hashes_source *source = vec_push(build->arena, &build->sources);
        if (!source)
            return UINT32_MAX;
        *source = (struct hashes_source){name, official};
    }
    build->source_of[official] = found + 1;
    build->asked_of[official] = asked;
    return found;
}

/* --- shapes of names --- */

/* A name is a text before a number, the number and a text behind it: the shape is the texts. */
struct name {
    bytes front, back;
    uint32_t number;
    bool numbered;
};

static size_t digits_before(bytes name, size_t end)
{
    size_t at = end;
    while (at && (uint8_t)(name.at[at - 1] - '0') < 10)
        at--;
    return end - at;
}

/* `Family-123` and `Family-123-4`: the number counts the family's members, so that names in a
 * row differ by it alone. Numbers that would lose zeros or bits stay text. */
static struct name split(bytes name)
{
    struct name ret = {.front = name};
    size_t end = name.len, n = digits_before(name, end);
    if (n && end - n && name.at[end - n - 1] == '-') {
        size_t before = digits_before(name, end - n - 1);
        if (before && end - n - 1 - before && name.at[end - n - 2 - before] == '-') {
            end = end - n - 1;
            n = before;
        }
    }
    if (!n || n > 9 || (n > 1 && name.at[end - n] == '0'))
        return ret;
    for (size_t i = end - n; i < end; i++)
        ret.number = ret.number * 10 + (uint32_t)(name.at[i] - '0');
    ret.front = (bytes){name.at, end - n};
    ret.back = (bytes){name.at + end, name.len - end};
    ret.numbered = true;
    return ret;
}

static bool shape_is(const struct hashes_build *build, uint32_t shape, const struct name *name)
{
    const struct hashes_shape *known = &build->shapes.at[shape];
    const uint8_t *text = build->shape_texts.at + known->at;
    size_t front = name->front.len;
    if (known->length != front + name->back.len + (name->numbered ? 1 : 0) ||
        memcmp(text, name->front.at, front) != 0)
        return false;
    return !name->numbered ||
           (text[front] == 0 &&
            (!name->back.len || memcmp(text + front + 1, name->back.at, name->back.len) == 0));
}

static uint64_t shape_hash(bytes front, bytes back, bool numbered)
{
    uint64_t hash = hash64(front, numbered);
    return back.len ? hash64(back, hash) : hash;
}

static bool shapes_grow(struct hashes_build *build)
{
    uint32_t log = build->shape_log + 2, mask = (1u << log) - 1;
    uint32_t *table = PUSH_ARRAY(build->arena, uint32_t, (size_t)mask + 1);
    if (!table)
        return false;
    for (uint32_t i = 0; i < build->shapes.n; i++) {
        const struct hashes_shape *shape = &build->shapes.at[i];
        bytes text = {build->shape_texts.at + shape->at, shape->length}, front;
        bytes back = text;
        bytes_cut(&back, 0, &front);
        uint64_t at = shape_hash(front, back, front.len < text.len);
        while (table[at & mask])
            at++;
        table[at & mask] = i + 1;
    }
    build->shape_table = table;
    build->shape_log = log;
    return true;
}

static bool shape_new(struct hashes_build *build, const struct name *name)
{
    uint32_t at = build->shape_texts.n;
    size_t front = name->front.len, length = front + name->back.len + (name->numbered ? 1 : 0);
    uint8_t *text = vec_push_many(build->arena, &build->shape_texts, length);
    struct hashes_shape *shape = text ? vec_push(build->arena, &build->shapes) : NULL;
    if (!shape)
        return false;
    memcpy(text, name->front.at, front);
    if (name->back.len)
        memcpy(text + front + 1, name->back.at, name->back.len);
    *shape = (struct hashes_shape){at, (uint32_t)length};
    return build->shapes.n < (1u << build->shape_log) / 2 || shapes_grow(build);
}

/* The number of a name's shape; UINT32_MAX when memory is out. */
static uint32_t shape_of(struct hashes_build *build, const struct name *name)
{
    if (build->last_shape < build->shapes.n && shape_is(build, build->last_shape, name))
        return build->last_shape;
    uint32_t mask = (1u << build->shape_log) - 1;
    uint64_t at = shape_hash(name->front, name->back, name->numbered);
    for (; build->shape_table[at & mask]; at++)
        if (shape_is(build, build->shape_table[at & mask] - 1, name))
            return build->last_shape = build->shape_table[at & mask] - 1;
    build->shape_table[at & mask] = build->shapes.n + 1;
    if (!shape_new(build, name))
        return UINT32_MAX;
    return build->last_shape = build->shapes.n - 1;
}

/* --- records --- */

bool hashes_writer_close(struct hashes_build *build, struct hashes_writer *writer,
                         enum hashes_thing thing)
{
    uint32_t n = writer->pending, number = writer->directory.n;
    if (!n)
        return true;
    uint32_t sum = hashes_checksum((bytes){writer->block, n}, thing, number);
    memcpy(writer->block + n, &sum, CHECKSUM);
    n += CHECKSUM;
    struct hashes_piece *piece = writer->now;
    if (!piece || piece->room - piece->used < n) {
        piece = arena_push_raw(build->arena, sizeof *piece + PIECE);
        if (!piece)
            return false;
        *piece = (struct hashes_piece){.room = PIECE};
        if (writer->now)
            writer->now->next = piece;
        else
            writer->first = piece;
        writer->now = piece;
    }
    uint32_t *entry = vec_push(build->arena, &writer->directory);
    if (!entry)
        return false;
    *entry = (uint32_t)writer->size;
    memcpy(piece->bytes + piece->used, writer->block, n);
    piece->used += n;
    writer->size += n;
    writer->pending = 0;
    return true;
}

static void put_varint(struct hashes_writer *writer, uint64_t value)
{
    while (value >= 0x80) {
        writer->block[writer->pending++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    writer->block[writer->pending++] = (uint8_t)value;
}

static uint64_t told_size(uint32_t size)
{
    if (size == HASH_ANY_SIZE)
        return 0;
    return size % 512 ? (uint64_t)size * 2 : (uint64_t)size / 512 * 2 + 1;
}

static uint32_t place_of(const struct hashes_recent *recent, uint32_t shape)
{
    for (uint32_t i = 0; i < recent->n; i++)
        if (recent->shapes[i] == shape)
            return i;
    return RECORD_SHAPE;
}

static bool write_record(struct hashes_build *build, const struct hashes_record *record)
{
    struct hashes_writer *writer = &build->records;
    if (build->in_block == RECORDS_IN_BLOCK) {
        if (!hashes_writer_close(build, writer, THING_RECORDS))
            return false;
        build->in_block = 0;
    }
    if (build->in_block == 0) {
        build->last = (struct hashes_record){0};
        build->recent.n = 0;
    }
    build->in_block++;
    struct hashes_record *last = &build->last;
    uint32_t place = place_of(&build->recent, record->shape), step = record->number;
    step -= last->number;
    enum record_number number = !record->numbered ? NUMBER_NONE
                                : step == 1       ? NUMBER_NEXT
                                : step == 0       ? NUMBER_SAME
                                                  : NUMBER_TOLD;
    bool is_here = record->source == last->source && record->line > last->line;
    bool is_next = is_here && record->line == last->line + 1;
    writer->block[writer->pending++] =
        (uint8_t)(number | (is_next ? 0 : RECORD_LINE) | place << 3);
    put_varint(writer, told_size(record->size));
    if (place == RECORD_SHAPE)
        put_varint(writer, record->shape);
    hashes_recent_use(&build->recent, place, record->shape);
    if (number == NUMBER_TOLD)
        put_varint(writer, (step << 1 ^ (uint32_t)((int32_t)step >> 31)));
    if (!is_next)
        put_varint(writer, is_here ? record->line - last->line : 0);
    if (!is_here) {
        put_varint(writer, record->source);
        put_varint(writer, record->line);
    }
    uint32_t kept = record->numbered ? record->number : last->number;
    *last = *record;
    last->number = kept;
    return true;
}

/* --- digests --- */

static bool add_size(struct hashes_build *build, struct hashes_heaps *part, uint32_t size)
{
    if (size == HASH_ANY_SIZE) {
        part->any++;
        return true;
    }
    if (size / GATE_PAGE >= GATE_PAGES) {
        uint32_t *large = vec_push(build->arena, &part->sizes.large);
        if (large)
            *large = size;
        return large != NULL;
    }
    uint64_t **page = &part->sizes.pages[size / GATE_PAGE];
    if (!*page)
        *page = PUSH_ARRAY(build->arena, uint64_t, GATE_PAGE / 64);
    if (!*page)
        return false;
    (*page)[size % GATE_PAGE / 64] |= UINT64_C(1) << size % 64;
    return true;
}

static bool add_digest(struct hashes_build *build, struct hashes_heaps *part,
                       const uint8_t *value, size_t length)
{
    struct hashes_chunk **heap = &part->heap[value[0]], *chunk = *heap;
    if (!chunk || chunk->n == chunk->room) {
        uint32_t room = chunk ? chunk->room * 4 : CHUNK_FIRST;
        if (room > CHUNK_LARGEST)
            room = CHUNK_LARGEST;
        chunk = arena_push_raw(build->arena, sizeof *chunk + room * (length + 4));
        if (!chunk)
            return false;
        *chunk = (struct hashes_chunk){.next = *heap, .room = room};
        *heap = chunk;
    }
    uint8_t *entry = chunk->entries + chunk->n++ * (length + 4);
    memcpy(entry, value, length);
    memcpy(entry + length, &build->count, 4);
    part->in_heap[value[0]]++;
    part->count++;
    return true;
}

bool hashes_add(struct hashes_build *build, const struct hash_signature *signature)
{
    struct hashes_heaps **part =
        &build->parts[signature->scope * HASH_DIGESTS + signature->digest];
    if (!*part)
        *part = PUSH(build->arena, struct hashes_heaps);
    bytes text = bytes_slice(signature->name, 0, SHAPE_MAX - 1);
    if (text.len)
        text.len = strnlen((const char *)text.at, text.len);
    struct name name = split(text);
    struct hashes_record record = {
        .size = signature->size,
        .shape = shape_of(build, &name),
        .number = name.number,
        .numbered = name.numbered,
        .line = signature->line,
        .source = source_of(build, signature->source, signature->official),
    };
    if (!*part || record.shape == UINT32_MAX || record.source == UINT32_MAX ||
        build->count == UINT32_MAX - 1 || !add_size(build, *part, record.size) ||
        !add_digest(build, *part, signature->value, hash_length(signature->digest)) ||
        !write_record(build, &record))
        return false;
    build->count++;
    return true;
}
