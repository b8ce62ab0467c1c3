#include "crypt/blake3.h"

#include <string.h>

enum {
    BLOCK = 64,
    CHUNK = 1024,
    CHUNK_START = 1,
    CHUNK_END = 2,
    PARENT = 4,
    ROOT = 8,
    DEPTH = 54, /* of a tree over 2^64 bytes */
};

static const uint32_t begin[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/* What the last compression of a chunk or parent takes: done when it is known whether it is the
 * root. */
struct node {
    uint32_t value[8], words[16];
    uint64_t counter;
    uint32_t len, flags;
};

static uint32_t turned(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void mix(uint32_t v[16], int a, int b, int c, int d, uint32_t x, uint32_t y)
{
    v[a] += v[b] + x;
    v[d] = turned(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = turned(v[b] ^ v[c], 12);
    v[a] += v[b] + y;
    v[d] = turned(v[d] ^ v[a], 8);
    v[c] += v[d];
    v[b] = turned(v[b] ^ v[c], 7);
}

static void compress(const struct node *node, uint32_t flags, uint64_t counter,
                     uint32_t ret[16])
{
    static const uint8_t order[16] = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};
    uint32_t v[16], m[16], next[16];
    memcpy(v, node->value, 32);
    memcpy(v + 8, begin, 16);
    v[12] = (uint32_t)counter;
    v[13] = (uint32_t)(counter >> 32);
    v[14] = node->len;
    v[15] = flags;
    memcpy(m, node->words, sizeof m);
    for (int round = 0; round < 7; round++) {
        for (int i = 0; i < 4; i++)
            mix(v, i, i + 4, i + 8, i + 12, m[2 * i], m[2 * i + 1]);
        for (int i = 0; i < 4; i++)
            mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[8 + 2 * i],
                m[9 + 2 * i]);
        for (int i = 0; i < 16; i++)
            next[i] = m[order[i]];
        memcpy(m, next, sizeof m);
    }
    for (int i = 0; i < 8; i++) {
        ret[i] = v[i] ^ v[i + 8];
        ret[i + 8] = v[i + 8] ^ node->value[i];
    }
}

static void chain(const struct node *node, uint32_t value[8])
{
    uint32_t out[16];
    compress(node, node->flags, node->counter, out);
    memcpy(value, out, 32);
}

static struct node parent(const uint32_t left[8], const uint32_t right[8])
{
    struct node ret = {.len = BLOCK, .flags = PARENT};
    memcpy(ret.value, begin, 32);
    memcpy(ret.words, left, 32);
    memcpy(ret.words + 8, right, 32);
    return ret;
}

/* The bytes of the parts, taken one after the other. */
struct parts {
    const bytes *at;
    size_t left, off;
};

static size_t take(struct parts *parts, uint8_t *ret, size_t size)
{
    size_t got = 0;
    while (got < size && parts->left) {
        size_t there = parts->at->len - parts->off,
               part = there < size - got ? there : size - got;
        if (part)
            memcpy(ret + got, parts->at->at + parts->off, part);
        got += part;
        parts->off += part;
        if (parts->off == parts->at->len) {
            parts->at++;
            parts->left--;
            parts->off = 0;
        }
    }
    return got;
}

/* One chunk of `len` bytes. */
static struct node chunk(const uint8_t *data, size_t len, uint64_t counter)
{
    struct node ret = {.counter = counter, .flags = CHUNK_START};
    memcpy(ret.value, begin, 32);
    for (size_t at = 0;; at += BLOCK) {
        uint8_t block[BLOCK] = {0};
        size_t size = len - at < BLOCK ? len - at : BLOCK;
        memcpy(block, data + at, size);
        for (size_t i = 0; i < 16; i++)
            ret.words[i] = load_le32(block + 4 * i);
        ret.len = (uint32_t)size;
        if (len - at <= BLOCK)
            break;
        chain(&ret, ret.value);
        ret.flags = 0;
    }
    ret.flags |= CHUNK_END;
    return ret;
}

void blake3_parts(const bytes *list, size_t count, uint8_t *ret, size_t size)
{
    struct parts parts = {.at = list, .left = count};
    uint32_t stack[DEPTH][8], value[8], out[16];
    uint8_t data[CHUNK], next[CHUNK];
    size_t depth = 0, len = take(&parts, data, CHUNK), more;
    uint64_t chunks = 0;
    struct node node;
    for (;; chunks++, len = more) {
        node = chunk(data, len, chunks);
        more = len == CHUNK ? take(&parts, next, CHUNK) : 0;
        if (!more)
            break;
        chain(&node, value);
        for (uint64_t total = chunks + 1; !(total & 1); total >>= 1) {
            struct node above = parent(stack[--depth], value);
            chain(&above, value);
        }
        memcpy(stack[depth++], value, 32);
        memcpy(data, next, more);
    }
    while (depth) {
        chain(&node, value);
        node = parent(stack[--depth], value);
    }
    for (size_t at = 0; at < size; at += BLOCK) {
        compress(&node, node.flags | ROOT, at / BLOCK, out);
        for (size_t i = 0; i < BLOCK && at + i < size; i++)
            ret[at + i] = (uint8_t)(out[i / 4] >> 8 * (i % 4));
    }
}
