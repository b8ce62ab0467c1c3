/* LZX as in Windows images ([MS-PATCH] section 2, with a window of 32 KiB and chunks that
 * stand for themselves): blocks of 3 bits kind (1 verbatim, 2 aligned, 3 as it is), their size
 * (a bit: 32768, else 16 bits), the lengths of the codes, the codes. At last, the targets of
 * x86 calls are made relative again. XPRESS ([MS-XCA] section 2.2): 256 bytes with the lengths
 * of 512 codes, then the codes. */
#include "unpack/image/lzx.h"

#include "unpack/image/words.h"

#include <string.h>

enum {
    LITERALS = 256,
    PRETREE = 20,
    ALIGNED = 8,
    VERBATIM_BLOCK = 1,
    ALIGNED_BLOCK = 2,
    PLAIN_BLOCK = 3,
    CALLS_END = 12000000,
    XPRESS_CODES = 512,
};

static bool copy_back(uint8_t *out, size_t *n, size_t size, size_t back, size_t length)
{
    if (back > *n || back == 0 || length > size - *n)
        return false;
    for (; length > 0; length--, ++*n)
        out[*n] = out[*n - back];
    return true;
}

/* Lengths of codes, as differences from those of the block before. */
static bool read_lengths(struct words *words, uint8_t *lengths, size_t count)
{
    struct huffman pretree;
    uint8_t raw[PRETREE];
    for (size_t i = 0; i < PRETREE; i++)
        raw[i] = (uint8_t)words_bits(words, 4);
    if (!huffman_build(&pretree, raw, PRETREE))
        return false;
    for (size_t i = 0; i < count;) {
        int symbol = words_symbol(words, &pretree);
        size_t n = 1;
        if (symbol < 0 || words_over(words))
            return false;
        unsigned value = (lengths[i] + 17u - (unsigned)symbol) % 17;
        if (symbol == 17 || symbol == 18) {
            n = symbol == 17 ? 4 + words_bits(words, 4) : 20 + words_bits(words, 5);
            value = 0;
        } else if (symbol == 19) {
            n = 4 + words_bits(words, 1);
            symbol = words_symbol(words, &pretree);
            if (symbol < 0 || symbol > 16)
                return false;
            value = (lengths[i] + 17u - (unsigned)symbol) % 17;
        }
        for (; n > 0 && i < count; n--)
            lengths[i++] = (uint8_t)value;
    }
    return true;
}

static bool read_codes(struct lzx *lzx, struct words *words, unsigned kind)
{
    uint8_t raw[ALIGNED];
    if (kind == ALIGNED_BLOCK) {
        for (size_t i = 0; i < ALIGNED; i++)
            raw[i] = (uint8_t)words_bits(words, 3);
        if (!huffman_build(&lzx->aligned, raw, ALIGNED))
            return false;
    }
    return read_lengths(words, lzx->main_lengths, LITERALS) &&
           read_lengths(words, lzx->main_lengths + LITERALS, LZX_MAIN - LITERALS) &&
           read_lengths(words, lzx->length_lengths, LZX_LENGTHS) &&
           huffman_build(&lzx->main, lzx->main_lengths, LZX_MAIN) &&
           huffman_build(&lzx->length, lzx->length_lengths, LZX_LENGTHS);
}

/* The distance of a match; 0 when damaged. The last three are kept in recent[]. */
static uint32_t read_distance(struct lzx *lzx, struct words *words, unsigned slot,
                              unsigned kind, uint32_t recent[static 3])
{
    if (slot < 3) {
        uint32_t ret = recent[slot];
        recent[slot] = recent[0];
        recent[0] = ret;
        return ret;
    }
    unsigned extra = slot < 4 ? 0 : slot / 2 - 1;
    uint32_t value = slot < 4 ? slot : (2u + (slot & 1)) << extra;
    if (kind == ALIGNED_BLOCK && extra >= 3) {
        value += words_bits(words, extra - 3) << 3;
        int low = words_symbol(words, &lzx->aligned);
        if (low < 0)
            return 0;
        value += (uint32_t)low;
    } else {
        value += words_bits(words, extra);
    }
    recent[2] = recent[1];
    recent[1] = recent[0];
    recent[0] = value - 2;
    return recent[0];
}

static bool read_block(struct lzx *lzx, struct words *words, unsigned kind, uint8_t *out,
                       size_t *n, size_t end, uint32_t recent[static 3])
{
    while (*n < end) {
        int symbol = words_symbol(words, &lzx->main);
        if (symbol < 0 || words_over(words))
            return false;
        if (symbol < LITERALS) {
            out[(*n)++] = (uint8_t)symbol;
            continue;
        }
        unsigned length = (unsigned)symbol & 7, slot = ((unsigned)symbol - LITERALS) >> 3;
        if (length == 7) {
            int more = words_symbol(words, &lzx->length);
            if (more < 0)
                return false;
            length += (unsigned)more;
        }
        uint32_t back = read_distance(lzx, words, slot, kind, recent);
        if (!copy_back(out, n, end, back, length + 2))
            return false;
    }
    return true;
}

/* Bytes as they are, behind the word that is begun; before them the recent distances. */
static bool read_plain(struct words *words, uint8_t *out, size_t *n, size_t end,
                       uint32_t recent[static 3])
{
    unsigned drop = words->count % 16 ? words->count % 16 : 16;
    size_t at = words->at - (words->count - drop) / 16 * 2, size = end - *n;
    if (!bytes_has(words->in, at, 12 + size))
        return false;
    for (size_t i = 0; i < 3; i++)
        recent[i] = load_le32(words->in.at + at + 4 * i);
    memcpy(out + *n, words->in.at + at + 12, size);
    *n = end;
    at += 12 + size + (size & 1);
    bytes rest =
        at < words->in.len ? bytes_slice(words->in, at, words->in.len) : (bytes){NULL, 0};
    *words = words_open(rest);
    return true;
}

static void calls_back(uint8_t *out, size_t size)
{
    for (size_t i = 0; size > 10 && i < size - 10; i++) {
        if (out[i] != 0xe8)
            continue;
        int32_t target = (int32_t)load_le32(out + i + 1), here = (int32_t)i;
        if (target >= -here && target < CALLS_END) {
            uint32_t value = (uint32_t)(target >= 0 ? target - here : target + CALLS_END);
            for (unsigned k = 0; k < 4; k++)
                out[i + 1 + k] = (uint8_t)(value >> 8 * k);
        }
        i += 4;
    }
}

bool lzx_decode(struct lzx *lzx, bytes in, uint8_t *out, size_t size)
{
    struct words words = words_open(in);
    uint32_t recent[3] = {1, 1, 1};
    size_t n = 0;
    memset(lzx->main_lengths, 0, sizeof lzx->main_lengths);
    memset(lzx->length_lengths, 0, sizeof lzx->length_lengths);
    while (n < size) {
        unsigned kind = words_bits(&words, 3);
        size_t block = words_bits(&words, 1) ? LZX_CHUNK : words_bits(&words, 16);
        if (block == 0 || block > size - n || words_over(&words))
            return false;
        if (kind == PLAIN_BLOCK) {
            if (!read_plain(&words, out, &n, n + block, recent))
                return false;
        } else if ((kind != VERBATIM_BLOCK && kind != ALIGNED_BLOCK) ||
                   !read_codes(lzx, &words, kind) ||
                   !read_block(lzx, &words, kind, out, &n, n + block, recent)) {
            return false;
        }
    }
    calls_back(out, size);
    return true;
}

bool lzx_xpress(struct huffman *huffman, bytes in, uint8_t *out, size_t size)
{
    uint8_t lengths[XPRESS_CODES];
    size_t n = 0;
    if (in.len < XPRESS_CODES / 2)
        return false;
    for (size_t i = 0; i < XPRESS_CODES; i++)
        lengths[i] = i & 1 ? in.at[i / 2] >> 4 : in.at[i / 2] & 15;
    if (!huffman_build(huffman, lengths, XPRESS_CODES))
        return false;
    struct words words = words_open(bytes_slice(in, XPRESS_CODES / 2, in.len));
    while (n < size) {
        int symbol = words_symbol(&words, huffman);
        if (symbol < 0 || words_over(&words))
            return false;
        if (symbol < LITERALS) {
            out[n++] = (uint8_t)symbol;
            continue;
        }
        size_t length = (size_t)symbol & 15;
        unsigned extra = ((unsigned)symbol - LITERALS) >> 4;
        if (length == 15) {
            if (!bytes_has(words.in, words.at, 1))
                return false;
            length = words.in.at[words.at++];
            if (length == 255) {
                if (!bytes_has(words.in, words.at, 2))
                    return false;
                length = load_le16(words.in.at + words.at);
                words.at += 2;
                if (length < 15)
                    return false;
                length -= 15;
            }
            length += 15;
        }
        size_t back = ((size_t)1 << extra) + words_bits(&words, extra);
        if (!copy_back(out, &n, size, back, length + 3))
            return false;
    }
    return true;
}
