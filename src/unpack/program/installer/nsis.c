/* NSIS, the Nullsoft scriptable install system, versions 2 and 3.
 *
 *   u32 flags | u32 0xdeadbeef | "NullsoftInst" | u32 size of header unpacked | u32 size of all
 *
 * then either one compressed stream of blocks (solid), each u32 size and data, or blocks, each
 * u32 size, its top bit set when compressed, and data. The first block is the header
 * (nsis_header.c). Streams are deflate, bzip2 or LZMA (5 bytes of properties, data), deflate
 * and bzip2 in NSIS's own variants. At the very end a CRC-32 of 4 bytes, if the flags do not
 * say no.
 *
 * Source/exehead/fileform.h and fileform.c of NSIS 3.08. */
#include "unpack/program/installer/nsis.h"

enum {
    FIRST_HEADER = 28,
    NO_CRC = 4,
    HEADER_MAX = 64 << 20,
};

#define COMPRESSED UINT32_C(0x80000000)

enum method { COPY, DEFLATE, BZIP2, LZMA, LZMA_FILTERED };

struct nsis {
    struct unpack *unpack;
    bytes data; /* behind the first header */
    uint32_t header_size;
    enum method method;
    bool solid;
    struct nsis_header header;
};

static bool is_lzma(bytes at)
{
    return at.len > 7 && at.at[0] == 0x5d && at.at[1] == 0 && at.at[2] == 0 && at.at[5] == 0 &&
           (at.at[6] & 0x80) == 0;
}

static enum method method_of(bytes at)
{
    if (is_lzma(at))
        return LZMA;
    if (at.len > 8 && at.at[0] <= 1 && is_lzma(bytes_slice(at, 1, at.len)))
        return LZMA_FILTERED;
    return at.len > 2 && at.at[0] == 0x31 && at.at[1] < 14 ? BZIP2 : DEFLATE;
}

static enum decoded decode(struct unpack *unpack, enum method method, bytes in)
{
    uint8_t head[13] = {0};
    switch (method) {
    case COPY:
        return unpack_put(unpack, in) ? DECODED : DECODED_STOP;
    case DEFLATE:
        return nsis_inflate(unpack, &in);
    case BZIP2:
        return nsis_bunzip(unpack, &in);
    case LZMA:
        if (in.len < 5)
            return DECODED_CUT;
        memcpy(head, in.at, 5);
        memset(head + 5, 0xff, 8);
        in = bytes_slice(in, 5, in.len);
        return decode_stream_after(unpack, STREAM_LZMA, (bytes){head, sizeof head}, &in);
    case LZMA_FILTERED:
        if (in.len && in.at[0] == 0)
            return decode(unpack, LZMA, bytes_slice(in, 1, in.len));
        break;
    }
    return DECODED_UNKNOWN;
}

/* A file by its name in the script, or by its place. */
static bytes name_of(struct nsis *nsis, uint32_t at)
{
    bytes name = nsis_header_name(nsis->unpack, &nsis->header, at);
    return name.at ? name : arena_printf(nsis->unpack->arena, "[%u]", at);
}

/* Block `at` of the data, stored or a stream of its own. False: return. */
static bool hand_out_block(struct nsis *nsis, bytes name, bytes part, bool compressed)
{
    struct unpack *unpack = nsis->unpack;
    if (!compressed)
        return unpack_view(unpack, name, part);
    if (!unpack_begin(unpack, name))
        return false;
    return decode_noted(unpack, decode(unpack, method_of(part), part)) && unpack_end(unpack);
}

/* All blocks after the header's. False: return. */
static bool walk_blocks(struct nsis *nsis, bytes data, bool in_stream)
{
    struct unpack *unpack = nsis->unpack;
    uint64_t at = 0;
    uint32_t word;
    while (at < data.len && bytes_le32(data, at, &word)) {
        struct arena_mark mark = arena_mark(unpack->arena);
        uint32_t size = in_stream ? word : word & ~COMPRESSED;
        bytes name = name_of(nsis, (uint32_t)at),
              part = bytes_slice(data, (size_t)at + 4, size);
        if (!name.at || !budget_charge(unpack->budget, 64))
            return false;
        if (part.len < size)
            unpack_gap(unpack, name, GAP_DAMAGED, "%zu of its %u bytes are there", part.len,
                       size);
        if (!hand_out_block(nsis, name, part, !in_stream && word & COMPRESSED))
            return false;
        arena_pop(unpack->arena, mark);
        at += 4 + (uint64_t)size;
    }
    return true;
}

static bool read_header(struct nsis *nsis, bytes block)
{
    if (!nsis_header_read(nsis->unpack, block, &nsis->header)) {
        unpack_gap(nsis->unpack, bytes_of("[script]"), GAP_UNSUPPORTED,
                   "the script is of an unknown version: files have no names");
        return true;
    }
    return nsis_header_texts(nsis->unpack, &nsis->header);
}

/* The stream is unpacked as if it were one member; its blocks are views of it. */
static void open_solid(struct nsis *nsis)
{
    struct unpack *unpack = nsis->unpack;
    uint32_t size;
    if (!unpack_begin(unpack, bytes_of("[solid]")) ||
        !decode_noted(unpack, decode(unpack, nsis->method, nsis->data)))
        return;
    bytes all = unpack_written(unpack);
    unpack->writing = false;
    if (!bytes_le32(all, 0, &size) || size != nsis->header_size)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header has another size");
    else if (read_header(nsis, bytes_slice(all, 4, size)) &&
             walk_blocks(nsis, bytes_slice(all, 4 + (size_t)size, all.len), true) &&
             all.len < 4 + (size_t)size)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is cut short");
    unpack_drop(unpack);
}

static void open_blocks(struct nsis *nsis)
{
    struct unpack *unpack = nsis->unpack;
    uint32_t word = load_le32(nsis->data.at), size = word & ~COMPRESSED;
    bytes part = bytes_slice(nsis->data, 4, size), header = part;
    if (word & COMPRESSED) {
        if (!unpack_begin(unpack, bytes_of("[script]")) ||
            !decode_noted(unpack, decode(unpack, nsis->method, part)))
            return;
        bytes written = unpack_written(unpack);
        header = arena_copy(unpack->arena, bytes_slice(written, 0, HEADER_MAX));
        unpack_drop(unpack);
    }
    if (!header.at || !read_header(nsis, header) ||
        !walk_blocks(nsis, bytes_slice(nsis->data, 4 + (size_t)size, nsis->data.len), false))
        return;
}

void nsis_open(struct unpack *unpack)
{
    struct nsis nsis = {.unpack = unpack};
    uint32_t flags, size;
    if (!bytes_le32(unpack->data, 0, &flags) ||
        !bytes_le32(unpack->data, 20, &nsis.header_size) ||
        !bytes_le32(unpack->data, 24, &size) || size < FIRST_HEADER) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the first header is cut short");
        return;
    }
    bytes all = bytes_slice(unpack->data, 0, size);
    if (all.len < size)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "%zu of its %u bytes are there", all.len,
                   size);
    else if (!(flags & NO_CRC))
        all.len -= 4;
    nsis.data = bytes_slice(all, FIRST_HEADER, all.len);
    if (nsis.data.len < 8)
        return;
    uint32_t word = load_le32(nsis.data.at);
    if (word == nsis.header_size) {
        nsis.method = COPY;
    } else if (nsis.data.at[3] == 0x80 && !is_lzma(nsis.data)) {
        nsis.method = method_of(bytes_slice(nsis.data, 4, nsis.data.len));
    } else {
        nsis.method = method_of(nsis.data);
        nsis.solid = true;
    }
    if (nsis.solid)
        open_solid(&nsis);
    else
        open_blocks(&nsis);
}
