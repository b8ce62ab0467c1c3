/* ARJ archives ("technical information" of ARJ 2.x and 3.x, TECHNOTE.TXT). All little endian:
 *
 *     60 ea, size of the header (0: the end), header, its CRC-32, extended headers; data
 *     header: its own size, versions, host, 4: flags, 5: method, 6: type, 7: password modifier,
 *             8: time, 12: packed size, 16: size, 20: CRC-32, ...; name, 0, comment, 0
 *
 * The first header is the archive's own. Methods 1 to 3 are LZ77 with Huffman codes in blocks,
 * as LHA's -lh6- with a window of 26,624 bytes; 4 is LZ77 with fixed codes. Bits come high ones
 * first. */
#include "unpack/archive/decode.h"
#include "unpack/archive/formats.h"
#include "unpack/archive/huffman.h"

enum {
    HEADER_MAX = 2600,
    HEADER_MIN = 30,
    GARBLED = 1, /* flags */
    VOLUME = 4,
    FOLDER = 3, /* types */
    LABEL = 4,
    CODES = 510, /* 256 bytes, then lengths from 3 on */
    LENGTHS = 19,
    DISTANCES = 17,
    BLOCK_STEPS = 1000,
};

struct arj_header {
    bytes name;
    uint8_t flags, method, type, modifier;
    uint32_t packed, size, crc;
};

/* One tree; `only` is its single symbol where it has no codes, else -1. */
struct tree {
    int only;
    struct huffman huffman;
};

struct arj {
    struct bits bits;
    struct outlet out;
    struct tree lengths, codes, distances;
};

/* --- methods --- */

static int tree_next(const struct tree *tree, struct bits *bits)
{
    return tree->only >= 0 ? tree->only : huffman_high(&tree->huffman, bits);
}

/* Lengths of codes: 3 bits each, 7 and more go on in ones; after the `gap`th, 2 bits say how
 * many are 0. */
static bool read_short_tree(struct bits *bits, struct tree *ret, size_t most, size_t gap)
{
    uint8_t lengths[LENGTHS + 4] = {0};
    size_t count = bits_high(bits, 5), i = 0;
    ret->only = -1;
    if (count == 0)
        ret->only = (int)bits_high(bits, 5);
    if (count == 0)
        return (size_t)ret->only < most;
    if (count > most)
        return false;
    while (i < count) {
        unsigned length = bits_high(bits, 3);
        if (length == 7)
            while (length <= HUFFMAN_MAX && bits_high(bits, 1))
                length++;
        lengths[i++] = (uint8_t)length;
        if (i == gap)
            i += bits_high(bits, 2);
    }
    return huffman_build(&ret->huffman, lengths, most);
}

static bool read_codes(struct arj *arj)
{
    struct bits *bits = &arj->bits;
    uint8_t lengths[CODES] = {0};
    size_t count = bits_high(bits, 9), i = 0;
    arj->codes.only = -1;
    if (count == 0)
        arj->codes.only = (int)bits_high(bits, 9);
    if (count == 0)
        return arj->codes.only < CODES;
    if (count > CODES)
        return false;
    while (i < count) {
        int symbol = tree_next(&arj->lengths, bits);
        if (symbol < 0 || bits_over(bits))
            return false;
        if (symbol > 2)
            lengths[i++] = (uint8_t)(symbol - 2);
        else if (symbol == 0)
            i++;
        else
            i += symbol == 1 ? bits_high(bits, 4) + 3 : bits_high(bits, 9) + 20;
    }
    return huffman_build(&arj->codes.huffman, lengths, CODES);
}

static bool read_trees(struct arj *arj)
{
    return read_short_tree(&arj->bits, &arj->lengths, LENGTHS, 3) && read_codes(arj) &&
           read_short_tree(&arj->bits, &arj->distances, DISTANCES, SIZE_MAX);
}

static enum decoded decode_block(struct arj *arj, size_t count)
{
    struct bits *bits = &arj->bits;
    while (count-- && !outlet_whole(&arj->out)) {
        int code = tree_next(&arj->codes, bits);
        if (bits_over(bits))
            return DECODED_CUT;
        if (code < 0)
            return DECODED_DAMAGED;
        if (code < 256) {
            if (!outlet_byte(&arj->out, (uint8_t)code))
                return arj->out.state;
            continue;
        }
        int width = tree_next(&arj->distances, bits);
        if (width < 0)
            return DECODED_DAMAGED;
        size_t distance = 1;
        if (width > 0)
            distance += (1u << (width - 1)) + bits_high(bits, (unsigned)width - 1);
        if (!outlet_copy(&arj->out, distance, (size_t)code - 253, -1))
            return arj->out.state;
    }
    return DECODED;
}

static enum decoded decode_blocks(struct arj *arj)
{
    enum decoded how = DECODED;
    while (how == DECODED && !outlet_whole(&arj->out)) {
        size_t count = bits_high(&arj->bits, 16);
        if (!budget_charge(arj->out.unpack->budget, BLOCK_STEPS))
            return DECODED_STOP;
        if (!read_trees(arj) || bits_over(&arj->bits))
            return bits_over(&arj->bits) ? DECODED_CUT : DECODED_DAMAGED;
        how = decode_block(arj, count ? count : 1u << 16);
    }
    return how;
}

/* A number of `first` bits or more: ones say how many more, at most up to `last`. */
static uint32_t read_growing(struct bits *bits, unsigned first, unsigned last)
{
    unsigned width = first;
    uint32_t base = 0;
    while (width < last && bits_high(bits, 1))
        base += 1u << width++;
    return base + bits_high(bits, width);
}

static enum decoded decode_fastest(struct arj *arj)
{
    struct bits *bits = &arj->bits;
    while (!outlet_whole(&arj->out)) {
        uint32_t length = read_growing(bits, 0, 7);
        bool good;
        if (length == 0)
            good = outlet_byte(&arj->out, (uint8_t)bits_high(bits, 8));
        else
            good = outlet_copy(&arj->out, read_growing(bits, 9, 13) + 1, length + 2, -1);
        if (!good)
            return arj->out.state;
        if (bits_over(bits))
            return DECODED_CUT;
    }
    return DECODED;
}

static enum decoded decode(struct unpack *unpack, const struct arj_header *header, bytes in)
{
    struct arj *arj = PUSH(unpack->arena, struct arj);
    if (!arj)
        return DECODED_TOO_LARGE;
    arj->bits.in = in;
    outlet_open(&arj->out, unpack, header->size);
    if (header->method == 4)
        return outlet_close(&arj->out, decode_fastest(arj));
    return outlet_close(&arj->out, decode_blocks(arj));
}

/* --- headers --- */

/* The header at *at, which moves past it; false for none. The end has an empty one. */
static bool read_header(bytes data, uint64_t *at, struct arj_header *ret, bool *ret_end)
{
    uint16_t magic, size, extended;
    uint32_t crc;
    if (!bytes_le16(data, *at, &magic) || !bytes_le16(data, *at + 2, &size) || magic != 0xea60)
        return false;
    *ret_end = size == 0;
    if (size == 0)
        return true;
    bytes header = bytes_slice(data, *at + 4, size);
    if (size < HEADER_MIN || size > HEADER_MAX || !bytes_le32(data, *at + 4 + size, &crc) ||
        crc != stream_crc32(0, header) || header.at[0] > size)
        return false;
    *ret = (struct arj_header){.flags = header.at[4],
                               .method = header.at[5],
                               .type = header.at[6],
                               .modifier = header.at[7],
                               .packed = load_le32(header.at + 12),
                               .size = load_le32(header.at + 16),
                               .crc = load_le32(header.at + 20)};
    bytes names = bytes_slice(header, header.at[0], size);
    bytes_cut(&names, 0, &ret->name);
    *at += 8 + (uint64_t)size;
    while (bytes_le16(data, *at, &extended) && extended)
        *at += 6 + (uint64_t)extended;
    *at += 2;
    return true;
}

bool arj_probe(bytes data)
{
    struct arj_header header;
    uint64_t at = 0;
    bool end;
    return read_header(data, &at, &header, &end) && !end;
}

static bool check_sum(struct unpack *unpack, const struct arj_header *header, bytes out)
{
    bool good = out.len == header->size && stream_crc32(0, out) == header->crc;
    if (!good)
        unpack_gap(unpack, header->name, GAP_DAMAGED, "its checksum is wrong");
    return good;
}

/* False: return. */
static bool open_member(struct unpack *unpack, const struct arj_header *header, bytes in)
{
    if (header->type != FOLDER && header->type != LABEL)
        unpack_member(unpack, header->name, header->packed, header->size,
                      header->flags & GARBLED);
    if (header->type == FOLDER || header->type == LABEL || header->size == 0)
        return true;
    if (header->flags & GARBLED) {
        unpack_gap(unpack, header->name, GAP_ENCRYPTED, "encrypted");
        return true;
    }
    if (header->method > 4) {
        unpack_gap(unpack, header->name, GAP_UNSUPPORTED, "method %u", header->method);
        return true;
    }
    if (header->flags & VOLUME)
        unpack_gap(unpack, header->name, GAP_UNSUPPORTED, "goes on in another volume");
    if (in.len < header->packed)
        unpack_gap(unpack, header->name, GAP_DAMAGED, "its data is cut short");
    if (header->method == 0) {
        check_sum(unpack, header, in);
        return unpack_view(unpack, header->name, in);
    }
    if (!unpack_begin(unpack, header->name))
        return false;
    enum decoded how = decode(unpack, header, in);
    if (!decode_noted(unpack, how))
        return false;
    if (how == DECODED)
        check_sum(unpack, header, unpack_written(unpack));
    return unpack_end(unpack);
}

void arj_open(struct unpack *unpack)
{
    bytes data = unpack->data;
    struct arj_header header;
    uint64_t at = 0;
    bool end, good = read_header(data, &at, &header, &end);
    while (good && (good = read_header(data, &at, &header, &end)) && !end) {
        bytes in = bytes_slice(data, at, header.packed);
        struct arena_mark mark = arena_mark(unpack->arena);
        bool more =
            budget_charge(unpack->budget, HEADER_MAX / 4) && open_member(unpack, &header, in);
        arena_pop(unpack->arena, mark);
        if (!more)
            return;
        at += header.packed;
    }
    if (!good)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "cut short, or a header is damaged");
}
