#include "rescue/proof/jpeg_bits.h"

#include <string.h>

enum { FAST = 9 };

size_t jpeg_huffman_read(struct jpeg_huffman *ret, bytes data)
{
    uint32_t code = 0;
    size_t n = 0;
    if (data.len < 16)
        return 0;
    memset(ret, 0, sizeof *ret);
    for (unsigned len = 1; len <= 16; len++) {
        unsigned count = data.at[len - 1];
        if (n + count > 256 || 16 + n + count > data.len || code + count > 1u << len)
            return 0;
        ret->delta[len] = (int32_t)n - (int32_t)code;
        for (unsigned i = 0; i < count; i++, n++, code++) {
            ret->symbol[n] = data.at[16 + n];
            for (uint32_t rest = 0; len <= FAST && rest < 1u << (FAST - len); rest++)
                ret->fast[code << (FAST - len) | rest] = (uint16_t)(len << 8 | ret->symbol[n]);
        }
        ret->most[len] = count ? (int32_t)code - 1 : -1;
        code <<= 1;
    }
    ret->most[17] = INT32_MAX;
    ret->symbols = (uint16_t)n;
    return 16 + n;
}

void jpeg_bits_begin(struct jpeg_bits *ret, struct reader *reader, uint64_t at)
{
    *ret = (struct jpeg_bits){.reader = reader, .at = at};
}

/* The next byte of data, -1 at a marker or the end. */
static int next_byte(struct jpeg_bits *bits)
{
    if (bits->marker)
        return -1;
    /* With two bytes at hand, so that FF and what follows are never apart. */
    if (bits->end - bits->next < 2) {
        bytes view = proof_reader_view(bits->reader, bits->at, 0);
        if (view.len < 2)
            view = proof_reader_view(bits->reader, bits->at, READER_WINDOW);
        bits->next = view.at;
        bits->end = view.len ? view.at + view.len : view.at;
        if (view.len < 2) {
            bits->marker = true;
            return -1;
        }
    }
    uint8_t byte = bits->next[0];
    if (byte != 0xff) {
        bits->next++;
        bits->at++;
        return byte;
    }
    if (bits->next[1]) {
        bits->marker = true;
        return -1;
    }
    bits->next += 2;
    bits->at += 2;
    return byte;
}

static void fill(struct jpeg_bits *bits)
{
    while (bits->have <= 48) {
        int byte = next_byte(bits);
        if (byte < 0) {
            bits->over += 8;
            byte = 0;
        }
        bits->bits |= (uint64_t)byte << (56 - bits->have);
        bits->have += 8;
    }
}

uint32_t jpeg_bits_take(struct jpeg_bits *bits, unsigned n)
{
    if (!n)
        return 0;
    if (bits->have < n)
        fill(bits);
    uint32_t value = (uint32_t)(bits->bits >> (64 - n));
    bits->bits <<= n;
    bits->have -= n;
    return value;
}

int32_t jpeg_bits_value(struct jpeg_bits *bits, unsigned n)
{
    int32_t value = (int32_t)jpeg_bits_take(bits, n);
    return n && value < 1 << (n - 1) ? value - (1 << n) + 1 : value;
}

int jpeg_bits_symbol(struct jpeg_bits *bits, const struct jpeg_huffman *code)
{
    if (bits->have < 16)
        fill(bits);
    uint16_t fast = code->fast[bits->bits >> (64 - FAST)];
    if (fast) {
        bits->bits <<= fast >> 8;
        bits->have -= fast >> 8;
        return fast & 0xff;
    }
    int32_t value = (int32_t)(bits->bits >> (64 - FAST));
    for (unsigned len = FAST + 1; code->symbols && len <= 16; len++) {
        value = (int32_t)(bits->bits >> (64 - len));
        if (value <= code->most[len]) {
            bits->bits <<= len;
            bits->have -= len;
            return code->symbol[(value + code->delta[len]) & 0xff];
        }
    }
    return -1;
}

bool jpeg_bits_over(const struct jpeg_bits *bits)
{
    return bits->over > bits->have;
}

bool jpeg_bits_end(struct jpeg_bits *bits)
{
    /* Bytes that were read ahead count. */
    fill(bits);
    return bits->marker && bits->over <= bits->have && bits->have - bits->over < 8;
}

bool jpeg_bits_restart(struct jpeg_bits *bits, uint8_t marker)
{
    uint8_t pair[2];
    if (!proof_reader_take(bits->reader, bits->at, pair, 2) || pair[0] != 0xff ||
        pair[1] != marker)
        return false;
    jpeg_bits_begin(bits, bits->reader, bits->at + 2);
    return true;
}
