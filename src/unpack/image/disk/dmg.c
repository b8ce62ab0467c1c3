/* Apple disk images (UDIF; described by Jonathan Levin, "Demystifying the DMG File Format"),
 * big endian.
 *
 *   trailer  the last 512 bytes: 0 "koly", 24 where the data are, 216 property list, 224 its
 *            size, 492 sectors of the disk
 *   list     XML; under the key "blkx" a table in base64 for each partition
 *   table    0 "mish", 8 first sector, 16 sectors, 24 where its data are, 200 chunks; chunks
 * from 204 on, 40 bytes each chunk    0 kind, 8 first sector in the partition, 16 sectors, 24
 * where, 32 size ADC      the oldest compression: a byte with bit 7 is before as many bytes as
 * they are (and one); with bit 6 a long, else a short reference back */
#include "unpack/base64.h"
#include "unpack/image/block.h"
#include "unpack/image/disk/cache.h"
#include "unpack/image/disk/disk.h"

#include <string.h>

enum {
    TRAILER = 512,
    SECTOR = 512,
    TABLE_HEAD = 204,
    CHUNK = 40,
    CHUNK_MOST = 32 << 20, /* decoded */
    LIST_MOST = 64 << 20,
    KIND_ZEROS = 0,
    KIND_RAW = 1,
    KIND_IGNORED = 2,
};

#define KIND_ADC   UINT32_C(0x80000004)
#define KIND_ZLIB  UINT32_C(0x80000005)
#define KIND_BZIP2 UINT32_C(0x80000006)
#define KIND_LZFSE UINT32_C(0x80000007)
#define KIND_XZ    UINT32_C(0x80000008)

struct chunk {
    uint64_t from, size; /* on the disk; first, for source_chunk */
    uint32_t kind;
    uint64_t at, packed; /* in the file */
};

struct dmg {
    struct unpack *unpack;
    VEC(struct chunk) chunks;
    uint64_t data;
    size_t room;        /* of the largest chunk that is compressed */
    struct cache cache; /* by where a chunk is on the disk, + 1 */
    bool lzfse, unordered;
};

bool dmg_probe(bytes data)
{
    return bytes_has(data, 0, TRAILER) &&
           memcmp(data.at + data.len - TRAILER, "koly\0\0\0\4", 8) == 0;
}

static void read_table(struct dmg *dmg, bytes table)
{
    if (table.len < TABLE_HEAD || memcmp(table.at, "mish", 4) != 0) {
        unpack_gap(dmg->unpack, bytes_of(""), GAP_DAMAGED, "a table of chunks is damaged");
        return;
    }
    uint64_t first = load_be64(table.at + 8), data = load_be64(table.at + 24);
    uint32_t count = load_be32(table.at + 200);
    for (uint64_t i = 0; i < count && bytes_has(table, TABLE_HEAD + i * CHUNK, CHUNK); i++) {
        const uint8_t *raw = table.at + TABLE_HEAD + i * CHUNK;
        struct chunk chunk = {.kind = load_be32(raw),
                              .from = (first + load_be64(raw + 8)) * SECTOR,
                              .size = load_be64(raw + 16) * SECTOR,
                              .at = dmg->data + data + load_be64(raw + 24),
                              .packed = load_be64(raw + 32)};
        if (chunk.size == 0 || chunk.size > UINT64_MAX / 4 || chunk.from > UINT64_MAX / 4)
            continue;
        const struct chunk *last = dmg->chunks.n ? &dmg->chunks.at[dmg->chunks.n - 1] : NULL;
        dmg->unordered |= last && chunk.from < last->from + last->size;
        dmg->lzfse |= chunk.kind == KIND_LZFSE;
        struct chunk *slot = dmg->unordered ? NULL : vec_push(dmg->unpack->arena, &dmg->chunks);
        if (!slot || !budget_charge(dmg->unpack->budget, 8))
            return;
        *slot = chunk;
        if (chunk.size > dmg->room && chunk.kind > KIND_IGNORED)
            dmg->room = chunk.size < CHUNK_MOST ? (size_t)chunk.size : CHUNK_MOST;
    }
}

static bool read_list(struct dmg *dmg, bytes list)
{
    size_t at = bytes_find(list, bytes_of("<key>blkx</key>"), 0);
    size_t end = bytes_find(list, bytes_of("</array>"), at == SIZE_MAX ? 0 : at);
    if (at == SIZE_MAX)
        return false;
    list = bytes_slice(list, at, end == SIZE_MAX ? list.len : end - at);
    uint8_t *decoded = arena_push_raw(dmg->unpack->arena, list.len);
    if (!decoded || !budget_charge(dmg->unpack->budget, list.len))
        return false;
    for (at = 0; (at = bytes_find(list, bytes_of("<data>"), at)) != SIZE_MAX; at = end) {
        end = bytes_find(list, bytes_of("</data>"), at);
        end = end == SIZE_MAX ? list.len : end;
        bytes text = bytes_slice(list, at + 6, end - at - 6);
        size_t size = base64_letters(&(struct base64_held){0}, &text, decoded, list.len);
        read_table(dmg, (bytes){decoded, size});
    }
    return dmg->chunks.n > 0;
}

static size_t adc_decode(bytes in, uint8_t *out, size_t room)
{
    size_t at = 0, n = 0;
    while (at < in.len && n < room) {
        uint8_t head = in.at[at++];
        size_t length, back;
        if (head & 0x80) {
            bytes part = bytes_slice(in, at, (head & 0x7fu) + 1);
            length = part.len < room - n ? part.len : room - n;
            memcpy(out + n, part.at, length);
            n += length;
            at += part.len;
            continue;
        }
        if (in.len - at < ((head & 0x40) ? 2u : 1u))
            return n;
        if (head & 0x40) {
            length = (head & 0x3fu) + 4;
            back = load_be16(in.at + at) + 1u;
            at += 2;
        } else {
            length = (head >> 2) + 3u;
            back = ((head & 3u) << 8 | in.at[at++]) + 1u;
        }
        if (back > n)
            return n;
        for (; length && n < room; length--, n++)
            out[n] = out[n - back];
    }
    return n;
}

/* NULL when damaged. */
static struct cache_slot *decode(struct dmg *dmg, const struct chunk *chunk,
                                 struct budget *budget)
{
    bytes in = bytes_slice(dmg->unpack->data, chunk->at, chunk->packed);
    bool hit, end;
    struct cache_slot *slot = cache_find(&dmg->cache, chunk->from + 1, &hit);
    size_t room = (size_t)chunk->size;
    if (hit)
        return slot;
    if (chunk->size > dmg->room || !budget_charge(budget, chunk->size / 4))
        return NULL;
    if (chunk->kind == KIND_ADC)
        slot->len = adc_decode(in, slot->at, room);
    else if (chunk->kind == KIND_ZLIB)
        slot->len = block_decode(STREAM_ZLIB, in, slot->at, room, &end);
    else if (chunk->kind == KIND_BZIP2)
        slot->len = block_decode(STREAM_BZIP2, in, slot->at, room, &end);
    else if (chunk->kind == KIND_XZ)
        slot->len = block_decode(STREAM_XZ, in, slot->at, room, &end);
    else
        return NULL;
    slot->key = chunk->from + 1;
    return slot;
}

static bool map_chunk(struct source *source, uint64_t at, struct source_piece *ret)
{
    struct dmg *dmg = source->state;
    size_t low = source_chunk(dmg->chunks.at, sizeof *dmg->chunks.at, dmg->chunks.n, at);
    const struct chunk *chunk = low ? &dmg->chunks.at[low - 1] : NULL;
    uint64_t next = low < dmg->chunks.n ? dmg->chunks.at[low].from : source->size;
    uint64_t in = chunk ? at - chunk->from : 0;
    if (!chunk || in >= chunk->size) {
        *ret = (struct source_piece){NULL, next - at, true};
        return true;
    }
    *ret = (struct source_piece){NULL, chunk->size - in, true};
    if (chunk->kind == KIND_ZEROS || chunk->kind == KIND_IGNORED)
        return true;
    if (chunk->kind == KIND_RAW) {
        bytes view = bytes_slice(dmg->unpack->data, chunk->at, chunk->packed);
        if (in >= view.len)
            return false;
        *ret = (struct source_piece){view.at + in, view.len - in, true};
        return true;
    }
    const struct cache_slot *slot = decode(dmg, chunk, source->budget);
    if (!slot || in >= slot->len)
        return false;
    *ret = (struct source_piece){slot->at + in, slot->len - in, false};
    return true;
}

void dmg_open(struct unpack *unpack)
{
    bytes file = unpack->data;
    const uint8_t *trailer = file.at + file.len - TRAILER;
    uint64_t at = load_be64(trailer + 216), size = load_be64(trailer + 224);
    struct dmg dmg = {.unpack = unpack, .data = load_be64(trailer + 24)};
    /* The end of an image that begins as something else, and is opened as both. */
    if (!bytes_has(file, at, size) && unpack->up && bytes_has(unpack->up->data, at, size) &&
        unpack->up->data.at + unpack->up->data.len == file.at + file.len)
        return;
    if (size > LIST_MOST || !bytes_has(file, at, size) ||
        !read_list(&dmg, bytes_slice(file, at, (size_t)size))) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its list of chunks cannot be read");
        return;
    }
    if (dmg.unordered)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its chunks overlap each other");
    if (dmg.lzfse)
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED, "compressed with LZFSE");
    if (!cache_open(&dmg.cache, dmg.room, unpack->arena)) {
        unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "no memory for its chunks");
        return;
    }
    const struct chunk *last = &dmg.chunks.at[dmg.chunks.n - 1];
    struct source source = {.size = last->from + last->size,
                            .budget = unpack->budget,
                            .map = map_chunk,
                            .state = &dmg};
    disk_open(unpack, &source);
}
