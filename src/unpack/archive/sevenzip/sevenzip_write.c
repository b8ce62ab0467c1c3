/* An archive for libarchive: packed streams as they are now, and a plain header about them (see
 * sevenzip_read.c for the layout). */
#include "unpack/archive/sevenzip/sevenzip.h"

#include "shim/stream.h"

bool sevenzip_make(struct sevenzip_made *made, struct unpack *unpack, size_t size)
{
    *made = (struct sevenzip_made){.unpack = unpack, .room = size};
    made->at = arena_push(unpack->arena, size);
    return made->at != NULL;
}

void sevenzip_put(struct sevenzip_made *made, bytes data)
{
    if (data.len > made->room - made->size) {
        made->full = true;
        return;
    }
    if (data.len)
        memcpy(made->at + made->size, data.at, data.len);
    made->size += data.len;
}

static void put_byte(struct sevenzip_made *made, unsigned byte)
{
    const uint8_t one = (uint8_t)byte;
    sevenzip_put(made, (bytes){&one, 1});
}

static void put_le32(struct sevenzip_made *made, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        put_byte(made, value >> 8 * i & 0xff);
}

void sevenzip_put_id(struct sevenzip_made *made, enum sevenzip_id id)
{
    put_byte(made, id);
}

/* In as few bytes as it needs. */
void sevenzip_put_number(struct sevenzip_made *made, uint64_t value)
{
    unsigned more = 0;
    while (more < 8 && value >> 7 * (more + 1))
        more++;
    unsigned ones = 0xff00u >> more & 0xff;
    put_byte(made, more == 8 ? 0xff : ones | (unsigned)(value >> 8 * more));
    for (unsigned i = 0; i < more; i++)
        put_byte(made, value >> 8 * i & 0xff);
}

void sevenzip_put_packs(struct sevenzip_made *made, const uint64_t *sizes, size_t count)
{
    put_byte(made, SEVENZIP_PACK_INFO);
    sevenzip_put_number(made, 0);
    sevenzip_put_number(made, count);
    put_byte(made, SEVENZIP_SIZE);
    for (size_t i = 0; i < count; i++)
        sevenzip_put_number(made, sizes[i]);
    put_byte(made, SEVENZIP_END);
}

static void put_coder(struct sevenzip_made *made, const struct sevenzip_coder *coder)
{
    bool simple = coder->ins == 1 && coder->outs == 1, has = coder->properties.at;
    put_byte(made, (unsigned)coder->id.len | (simple ? 0 : 0x10u) | (has ? 0x20u : 0));
    sevenzip_put(made, coder->id);
    if (!simple) {
        sevenzip_put_number(made, coder->ins);
        sevenzip_put_number(made, coder->outs);
    }
    if (has) {
        sevenzip_put_number(made, coder->properties.len);
        sevenzip_put(made, coder->properties);
    }
}

void sevenzip_put_folder(struct sevenzip_made *made, const struct sevenzip_folder *folder)
{
    sevenzip_put_number(made, folder->coder_count);
    for (uint32_t i = 0; i < folder->coder_count; i++)
        put_coder(made, &folder->coders[i]);
    for (uint32_t i = 0; i < folder->bind_count; i++) {
        sevenzip_put_number(made, folder->binds[i].in);
        sevenzip_put_number(made, folder->binds[i].out);
    }
    for (uint32_t i = 0; folder->pack_count > 1 && i < folder->pack_count; i++)
        sevenzip_put_number(made, folder->packs[i]);
}

void sevenzip_put_sizes(struct sevenzip_made *made, const struct sevenzip_folder *folder)
{
    for (uint32_t i = 0; i < folder->outs; i++)
        sevenzip_put_number(made, folder->sizes[i]);
}

static void put_digests(struct sevenzip_made *made, const struct sevenzip_file *files,
                        size_t count)
{
    uint8_t bits = 0;
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any = any || files[i].has_crc;
    if (!any)
        return;
    put_byte(made, SEVENZIP_CRC);
    put_byte(made, 0);
    for (size_t i = 0; i < count; i++) {
        bits |= (uint8_t)(files[i].has_crc ? 0x80 >> i % 8 : 0);
        if (i % 8 == 7 || i + 1 == count) {
            put_byte(made, bits);
            bits = 0;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (files[i].has_crc)
            put_le32(made, files[i].crc);
}

/* libarchive wants this part, even when there is unnamed to say. */
static void put_substreams(struct sevenzip_made *made, const struct sevenzip_file *files,
                           size_t count)
{
    put_byte(made, SEVENZIP_SUBSTREAMS);
    if (count > 1) {
        put_byte(made, SEVENZIP_COUNTS);
        sevenzip_put_number(made, count);
        put_byte(made, SEVENZIP_SIZE);
        for (size_t i = 0; i + 1 < count; i++)
            sevenzip_put_number(made, files[i].size);
    }
    put_digests(made, files, count);
    put_byte(made, SEVENZIP_END);
}

void sevenzip_put_files(struct sevenzip_made *made, const struct sevenzip_file *files,
                        size_t count)
{
    static const uint8_t unnamed[] = {'x', 0, 0, 0}; /* libarchive wants one letter */
    uint64_t size = 1;
    put_substreams(made, files, count);
    put_byte(made, SEVENZIP_END);
    put_byte(made, SEVENZIP_FILES);
    sevenzip_put_number(made, count);
    for (size_t i = 0; i < count; i++)
        size += files[i].name.len > 2 ? files[i].name.len : sizeof unnamed;
    put_byte(made, SEVENZIP_NAMES);
    sevenzip_put_number(made, size);
    put_byte(made, 0); /* not elsewhere */
    for (size_t i = 0; i < count; i++)
        sevenzip_put(made,
                     files[i].name.len > 2 ? files[i].name : (bytes){unnamed, sizeof unnamed});
    put_byte(made, SEVENZIP_END);
    put_byte(made, SEVENZIP_END);
}

static void store_le32(uint8_t *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

bool sevenzip_finish(struct sevenzip_made *made)
{
    static const uint8_t head[8] = {'7', 'z', 0xbc, 0xaf, 0x27, 0x1c, 0, 4};
    uint64_t streams = unpack_written(made->unpack).len;
    const bytes header = {made->at, made->size};
    if (!unpack_put(made->unpack, header))
        return false;
    memcpy(made->start, head, sizeof head);
    store_le32(made->start + 12, (uint32_t)streams);
    store_le32(made->start + 16, (uint32_t)(streams >> 32));
    store_le32(made->start + 20, (uint32_t)made->size);
    store_le32(made->start + 24, 0);
    store_le32(made->start + 28, stream_crc32(0, header));
    store_le32(made->start + 8, stream_crc32(0, (bytes){made->start + 12, 20}));
    return true;
}
