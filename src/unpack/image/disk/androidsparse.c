/* Android's sparse images (libsparse, sparse_format.h), little endian.
 *
 *   header  0 3aff26ed, 8 its size, 10 that of a chunk's header, 12 size of a block, 16 blocks,
 *           20 chunks
 *   chunk   0 kind (cac1 data, cac2 four bytes again and again, cac3 nothing, cac4 a sum),
 *           4 blocks, 8 size with its header */
#include "unpack/image/disk/disk.h"

enum { CHUNK_DATA = 0xcac1, CHUNK_FILL = 0xcac2, FILL = 65536, FILL_WORD = 4 };

struct chunk {
    uint64_t from, size; /* on the disk; first, for source_chunk */
    bytes data;          /* .at NULL: zeros, or `fill` again and again */
    uint32_t fill;
};

struct sparse {
    VEC(struct chunk) chunks;
    uint8_t *fill; /* FILL bytes */
    uint32_t filled;
};

static bool map_chunk(struct source *source, uint64_t at, struct source_piece *ret)
{
    struct sparse *sparse = source->state;
    size_t low =
        source_chunk(sparse->chunks.at, sizeof *sparse->chunks.at, sparse->chunks.n, at);
    const struct chunk *chunk = low ? &sparse->chunks.at[low - 1] : NULL;
    uint64_t in = chunk ? at - chunk->from : 0;
    if (!chunk || in >= chunk->size)
        return false;
    *ret = (struct source_piece){NULL, chunk->size - in, true};
    if (chunk->data.at) {
        if (in >= chunk->data.len)
            return false;
        *ret = (struct source_piece){chunk->data.at + in, chunk->data.len - in, true};
    } else if (chunk->fill) {
        if (sparse->filled != chunk->fill)
            for (size_t i = 0; i < FILL; i++)
                sparse->fill[i] = (uint8_t)(chunk->fill >> i % FILL_WORD * 8);
        sparse->filled = chunk->fill;
        size_t skip = in % FILL_WORD;
        uint64_t most = FILL - skip;
        *ret = (struct source_piece){sparse->fill + skip, ret->len < most ? ret->len : most,
                                     false};
    }
    return true;
}

/* Reads the chunks; the size of the disk as far as they are there. */
static uint64_t read_chunks(struct unpack *unpack, struct sparse *sparse)
{
    bytes data = unpack->data;
    const uint8_t *head = data.at;
    uint64_t at = load_le16(head + 8), from = 0, block = load_le32(head + 12);
    uint32_t count = load_le32(head + 20), head_size = load_le16(head + 10);
    for (uint32_t i = 0; i < count; i++) {
        if (!bytes_has(data, at, 12) || !budget_charge(unpack->budget, 4)) {
            unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its chunks are not all there");
            break;
        }
        const uint8_t *raw = data.at + at;
        uint32_t kind = load_le16(raw), size = load_le32(raw + 8);
        struct chunk chunk = {.from = from, .size = load_le32(raw + 4) * block};
        bytes body = bytes_slice(data, (size_t)(at + head_size),
                                 size > head_size ? size - head_size : 0);
        if (kind == CHUNK_DATA)
            chunk.data = body;
        else if (kind == CHUNK_FILL && body.len >= FILL_WORD)
            chunk.fill = load_le32(body.at);
        struct chunk *slot = chunk.size ? vec_push(unpack->arena, &sparse->chunks) : NULL;
        if (slot)
            *slot = chunk;
        from += slot ? chunk.size : 0;
        if (size < 12)
            break;
        at += size;
    }
    return from;
}

void androidsparse_open(struct unpack *unpack)
{
    struct sparse sparse = {.filled = 0};
    if (!bytes_has(unpack->data, 0, 28) || load_le32(unpack->data.at + 12) > 1 << 24) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is damaged");
        return;
    }
    sparse.fill = arena_push(unpack->arena, FILL);
    if (!sparse.fill)
        return;
    uint64_t blocks = load_le32(unpack->data.at + 16), size = read_chunks(unpack, &sparse);
    if (size != blocks * load_le32(unpack->data.at + 12))
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its size is not that of its chunks");
    struct source source = {
        .size = size, .budget = unpack->budget, .map = map_chunk, .state = &sparse};
    disk_open(unpack, &source);
}
