/* ELF programs packed by UPX.
 *
 *   ELF header, program headers of the packed program, then
 *   l_info: u32 checksum, "UPX!", u16 size of loader, u8 version, u8 format
 *   p_info: u32 program, u32 size of the file unpacked, u32 most in a block
 *   blocks: u32 size unpacked, u32 size packed (equal: stored), u8 method, u8 filter, u8 cto,
 * u8
 *
 * in the file's byte order. The first block is the ELF and program headers of the original;
 * with those that follow they are its segments, one after the other. Behind the loader come
 * blocks for what lies between and after the segments; a block of 0 bytes and "UPX!" ends.
 * Packed malware has "UPX!" and p_info overwritten, so neither is needed: the first block must
 * give an ELF header.
 *
 * UPX 4.2, src/p_unix.h, src/p_lx_elf.cpp (unpack). */
#include "unpack/program/packer/upx.h"

#include <string.h>

enum {
    INFO = 24, /* l_info and p_info */
    BLOCK = 12,
    HEADERS_MAX = 4096,
    SEARCH = 64, /* bytes behind the program headers: some versions put a blank l_info first */
    SEGMENTS = 64,
    BLOCK_MAX = 64 << 20,
    RATIO = 256, /* no program shrinks more */
};

struct elf_upx {
    struct unpack *unpack;
    bytes data;
    bool is_64, is_big;
    size_t at; /* of the next block */
    uint64_t size;
    uint8_t method;
    bool damaged;
};

struct block {
    uint32_t unpacked, packed;
    uint8_t method, filter, cto, unused;
};

struct segment {
    uint64_t offset, size;
};

static uint32_t word32(const struct elf_upx *upx, bytes data, uint64_t at)
{
    uint32_t ret = 0;
    return (upx->is_big ? bytes_be32 : bytes_le32)(data, at, &ret) ? ret : 0;
}

static uint64_t word(const struct elf_upx *upx, bytes data, uint64_t at)
{
    uint64_t ret = 0;
    if (!upx->is_64)
        return word32(upx, data, at);
    return (upx->is_big ? bytes_be64 : bytes_le64)(data, at, &ret) ? ret : 0;
}

static uint16_t half(const struct elf_upx *upx, bytes data, uint64_t at)
{
    uint16_t ret = 0;
    return (upx->is_big ? bytes_be16 : bytes_le16)(data, at, &ret) ? ret : 0;
}

static bool read_block(const struct elf_upx *upx, size_t at, struct block *ret)
{
    if (!bytes_has(upx->data, at, BLOCK))
        return false;
    const uint8_t *p = upx->data.at + at;
    *ret = (struct block){
        word32(upx, upx->data, at), word32(upx, upx->data, at + 4), p[8], p[9], p[10], p[11]};
    return ret->unpacked > 0 && ret->unpacked <= BLOCK_MAX && ret->packed > 0 &&
           ret->packed <= ret->unpacked && bytes_has(upx->data, at + BLOCK, ret->packed) &&
           (ret->packed == ret->unpacked || upx_method_known(ret->method));
}

static struct elf_upx upx_of(bytes data)
{
    return (struct elf_upx){.data = data, .is_64 = data.at[4] == 2, .is_big = data.at[5] == 2};
}

/* Finds the first block: where the original's headers are. */
static bool find_first(struct elf_upx *upx)
{
    bytes data = upx->data;
    unsigned header = upx->is_64 ? 64 : 52, entry = upx->is_64 ? 56 : 32;
    uint32_t count = half(upx, data, upx->is_64 ? 56 : 44);
    if (word(upx, data, upx->is_64 ? 32 : 28) != header || count == 0 || count > 8)
        return false;
    size_t from = header + count * entry;
    for (size_t at = from + INFO; at <= from + INFO + SEARCH; at += 4) {
        struct block block;
        if (read_block(upx, at, &block) && block.unpacked >= header + entry &&
            block.unpacked <= HEADERS_MAX && (block.unpacked - header) % entry == 0 &&
            block.filter == 0 && block.unused == 0 &&
            (block.packed < block.unpacked ||
             memcmp(data.at + at + BLOCK, "\177ELF", 4) == 0)) {
            upx->at = at;
            upx->method = block.method;
            return true;
        }
    }
    return false;
}

bool upx_elf_probe(bytes data)
{
    if (data.len < 256)
        return false;
    struct elf_upx upx = upx_of(data);
    return find_first(&upx);
}

/* --- the file as it was --- */

/* Makes the child reach to `end` with zeros. False: a limit. */
static bool reach(struct elf_upx *upx, uint64_t end)
{
    while (unpack_written(upx->unpack).len < end) {
        size_t room, length = unpack_written(upx->unpack).len;
        uint8_t *at = unpack_room(upx->unpack, &room);
        if (!at)
            return false;
        if (room > end - length)
            room = (size_t)(end - length);
        memset(at, 0, room);
        if (!unpack_wrote(upx->unpack, room))
            return false;
    }
    return true;
}

/* Where byte `offset` of the child is. */
static uint8_t *place(struct elf_upx *upx, uint64_t offset)
{
    return upx->unpack->run->region->at + upx->unpack->child_from + offset;
}

/* Unpacks the block at upx->at to `offset` of the child and goes on to the next. False: no
 * block, or no room. */
static bool unpack_block(struct elf_upx *upx, uint64_t offset, uint32_t *ret_size)
{
    struct block block;
    size_t wrote = 0;
    if (!read_block(upx, upx->at, &block) || !reach(upx, offset + block.unpacked))
        return false;
    uint8_t *to = place(upx, offset);
    bytes in = bytes_slice(upx->data, upx->at + BLOCK, block.packed);
    if (block.packed == block.unpacked)
        memcpy(to, in.at, in.len);
    else if (!upx_decode(block.method, in, to, block.unpacked, &wrote))
        upx->damaged = true;
    else if (!upx_unfilter(block.filter, block.cto, to, block.unpacked, 0))
        unpack_gap(upx->unpack, bytes_of(""), GAP_UNSUPPORTED, "UPX filter 0x%02x",
                   block.filter);
    upx->at += BLOCK + block.packed;
    *ret_size = block.unpacked;
    return budget_charge(upx->unpack->budget, block.unpacked);
}

/* Blocks up to `size` bytes at `offset`. */
static bool unpack_extent(struct elf_upx *upx, uint64_t offset, uint64_t size)
{
    uint32_t done;
    for (uint64_t n = 0; n < size; n += done)
        if (!unpack_block(upx, offset + n, &done) || done > size - n)
            return false;
    return true;
}

/* The original's segments, out of its headers at the child's beginning. */
static unsigned read_segments(struct elf_upx *upx, bytes head, struct segment *ret)
{
    unsigned header = upx->is_64 ? 64 : 52, entry = upx->is_64 ? 56 : 32, n = 0;
    unsigned wide = upx->is_64 ? 8 : 4;
    uint16_t count = half(upx, head, upx->is_64 ? 56 : 44);
    for (unsigned i = 0; i < count && n < SEGMENTS; i++) {
        uint64_t at = header + (uint64_t)i * entry;
        if (bytes_has(head, at, entry) && word32(upx, head, at) == 1)
            ret[n++] =
                (struct segment){word(upx, head, at + wide), word(upx, head, at + 4 * wide)};
    }
    return n;
}

/* How much lies behind segment k before the next, or the end of the file. */
static uint64_t gap_behind(const struct elf_upx *upx, const struct segment *segments,
                           unsigned count, unsigned k)
{
    uint64_t end = segments[k].offset + segments[k].size, next = upx->size;
    for (unsigned i = 0; i < count; i++)
        if (i != k && segments[i].offset >= end && segments[i].offset < next)
            next = segments[i].offset;
    return next > end ? next - end : 0;
}

/* Goes on to the first block that can begin a gap of `size` bytes: behind the loader. */
static bool find_gap(struct elf_upx *upx, uint64_t size, uint32_t block_max)
{
    const uint64_t first = size < block_max ? size : block_max;
    for (size_t at = upx->at; bytes_has(upx->data, at, BLOCK); at++) {
        struct block block;
        if (word32(upx, upx->data, at) == first && read_block(upx, at, &block) &&
            block.filter == 0 && block.cto == 0 &&
            (block.packed == block.unpacked ? block.method == 0
                                            : block.method == upx->method)) {
            upx->at = at;
            return true;
        }
    }
    return false;
}

static bool unpack_gaps(struct elf_upx *upx, const struct segment *segments, unsigned count,
                        uint32_t block_max)
{
    for (unsigned k = 0; k < count; k++) {
        uint64_t size = gap_behind(upx, segments, count, k);
        if (size == 0)
            continue;
        if (!budget_charge(upx->unpack->budget, upx->data.len - upx->at) ||
            !find_gap(upx, size, block_max) ||
            !unpack_extent(upx, segments[k].offset + segments[k].size, size))
            return false;
    }
    return true;
}

/* False when the first block is not an ELF header: a shared library keeps its own. */
static bool unpack_file(struct elf_upx *upx)
{
    struct segment segments[SEGMENTS];
    const size_t start = upx->at;
    uint32_t size, block_max = word32(upx, upx->data, start - 4);
    if (!unpack_block(upx, 0, &size) || memcmp(place(upx, 0), "\177ELF", 4) != 0)
        return false;
    uint8_t copy[HEADERS_MAX];
    memcpy(copy, place(upx, 0), size);
    unsigned count = read_segments(upx, (bytes){copy, size}, segments);
    upx->at = start;
    if (block_max == 0 || block_max > BLOCK_MAX)
        block_max = BLOCK_MAX;
    for (unsigned i = 0; i < count; i++) {
        if (segments[i].offset > upx->size || segments[i].size > upx->size ||
            !unpack_extent(upx, segments[i].offset, segments[i].size)) {
            upx->damaged = true;
            return true;
        }
    }
    if (!unpack_gaps(upx, segments, count, block_max))
        upx->damaged = true;
    return true;
}

/* One block after the other, whatever they are. */
static void unpack_sequence(struct elf_upx *upx, size_t start)
{
    uint32_t size;
    upx->at = start;
    for (uint64_t offset = 0; offset < upx->size && unpack_block(upx, offset, &size);)
        offset += size;
}

void upx_elf_open(struct unpack *unpack)
{
    struct elf_upx upx = upx_of(unpack->data);
    upx.unpack = unpack;
    if (!find_first(&upx))
        return;
    const size_t start = upx.at;
    const uint64_t most = RATIO * (uint64_t)unpack->data.len;
    upx.size = word32(&upx, unpack->data, start - 8);
    if (upx.size < unpack->data.len / 2 || upx.size > most) /* overwritten: the trailer's */
        upx.size = word32(&upx, unpack->data, unpack->data.len - 12);
    if (upx.size < unpack->data.len / 2 || upx.size > most)
        upx.size = most;
    if (!unpack_begin(unpack, bytes_of("[upx]")))
        return;
    if (!unpack_file(&upx) && !unpack->run->stopped) {
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED,
                   "a shared library packed by UPX: its parts are not put together");
        unpack_sequence(&upx, start);
    }
    if (upx.damaged && !unpack->run->stopped)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "not all of it could be unpacked");
    if (!unpack->run->stopped && !unpack_end(unpack))
        return;
}
