#include "unpack/archive/huffman.h"

#include <string.h>

bool huffman_build(struct huffman *huffman, const uint8_t *lengths, size_t count)
{
    uint32_t counts[HUFFMAN_MAX + 1] = {0}, code = 0;
    uint16_t next[HUFFMAN_MAX + 1], index = 0;
    if (count > HUFFMAN_SYMBOLS)
        return false;
    huffman->limit[0] = 0;
    memset(huffman->fast, 0, sizeof huffman->fast);
    for (size_t i = 0; i < count; i++) {
        if (lengths[i] > HUFFMAN_MAX)
            return false;
        counts[lengths[i]]++;
    }
    for (unsigned length = 1; length <= HUFFMAN_MAX; length++) {
        unsigned shift = HUFFMAN_MAX - length;
        huffman->first[length] = next[length] = index;
        index = (uint16_t)(index + counts[length]);
        code += counts[length] << shift;
        huffman->limit[length] = code;
        if (code > 1u << HUFFMAN_MAX)
            return false;
    }
    huffman->limit[HUFFMAN_MAX + 1] = UINT32_MAX;
    for (size_t i = 0; i < count; i++)
        if (lengths[i])
            huffman->symbols[next[lengths[i]]++] = (uint16_t)i;
    code = 0;
    for (unsigned length = 1; length <= HUFFMAN_FAST; length++)
        for (uint32_t i = 0; i < counts[length]; i++) {
            uint16_t symbol = huffman->symbols[huffman->first[length] + i];
            for (uint32_t n = 1u << (HUFFMAN_FAST - length); n--;)
                huffman->fast[code++] = (uint16_t)((unsigned)symbol << 5 | length);
        }
    return true;
}

int huffman_find(const struct huffman *huffman, uint32_t head, unsigned *ret_length)
{
    uint16_t fast = huffman->fast[head >> (HUFFMAN_MAX - HUFFMAN_FAST)];
    if (fast) {
        *ret_length = fast & 31;
        return fast >> 5;
    }
    unsigned length = 1;
    while (length <= HUFFMAN_MAX && head >= huffman->limit[length])
        length++;
    if (length > HUFFMAN_MAX)
        return -1;
    uint32_t before = huffman->limit[length - 1];
    *ret_length = length;
    return huffman
        ->symbols[huffman->first[length] + ((head - before) >> (HUFFMAN_MAX - length))];
}
