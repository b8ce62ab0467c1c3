/* LZO1X ("LZO stream format as understood by Linux's LZO decompressor",
 * Documentation/staging/lzo.rst of Linux; version 0). Each instruction copies from what was
 * written and then up to three literals; bits are high first:
 *
 *     0000 LLLL            at first, and behind no literals: 3 + L literals
 *     0000 DDSS H          behind 1 to 3 literals: 2 bytes from 1 + D + 4 H back; behind more
 *                          than 3: 3 bytes from 2049 + D + 4 H
 *     0001 HLLL D..S       2 + L bytes from 16384 (H) + D + 16384 back; from there alone: the
 * end 001L LLLL D..S       2 + L bytes from 1 + D 01LD DDSS H          3 + L bytes from 1 + D +
 * 8 H 1LLD DDSS H          5 + L bytes from 1 + D + 8 H
 *
 * S are the literals that follow; D..S is one le16. L of 0 goes on: 255 for each byte 0, and
 * the byte behind them. A first byte of 18 and more: so many literals less 17. */
#include "unpack/lzo.h"

#include <string.h>

enum { MANY = 4 /* literals, as the next instruction sees them */ };

struct lzo {
    bytes in;
    size_t at;
    uint8_t *out;
    size_t room, size;
    bool bad;
};

static unsigned take(struct lzo *lzo)
{
    if (lzo->at < lzo->in.len)
        return lzo->in.at[lzo->at++];
    lzo->bad = true;
    return 0;
}

static unsigned take_le16(struct lzo *lzo)
{
    unsigned low = take(lzo);
    return low | take(lzo) << 8;
}

static size_t take_length(struct lzo *lzo, unsigned opcode, unsigned mask)
{
    size_t length = opcode & mask;
    if (length)
        return length;
    unsigned byte;
    for (length = mask; (byte = take(lzo)) == 0 && !lzo->bad;)
        length += 255;
    return length + byte;
}

static void put_literals(struct lzo *lzo, size_t count)
{
    if (count > lzo->in.len - lzo->at || count > lzo->room - lzo->size) {
        lzo->bad = true;
        return;
    }
    if (count)
        memcpy(lzo->out + lzo->size, lzo->in.at + lzo->at, count);
    lzo->at += count;
    lzo->size += count;
}

static void put_copy(struct lzo *lzo, size_t distance, size_t length)
{
    if (distance > lzo->size || length > lzo->room - lzo->size) {
        lzo->bad = true;
        return;
    }
    uint8_t *to = lzo->out + lzo->size;
    for (size_t i = 0; i < length; i++)
        to[i] = *(to + i - distance);
    lzo->size += length;
}

/* What a copy instruction says; distance 0: the end. *ret_state: literals that follow. */
static void read_copy(struct lzo *lzo, unsigned opcode, unsigned *state, size_t *ret_distance,
                      size_t *ret_length)
{
    unsigned low = opcode & 3;
    if (opcode < 16) {
        *ret_distance = (take(lzo) << 2) + (opcode >> 2) + (*state == MANY ? 2049 : 1);
        *ret_length = *state == MANY ? 3 : 2;
    } else if (opcode < 32) {
        *ret_length = 2 + take_length(lzo, opcode, 7);
        low = take_le16(lzo);
        *ret_distance = (opcode & 8 ? 16384 : 0) + (low >> 2);
        *ret_distance += *ret_distance ? 16384 : 0;
    } else if (opcode < 64) {
        *ret_length = 2 + take_length(lzo, opcode, 31);
        low = take_le16(lzo);
        *ret_distance = (low >> 2) + 1;
    } else {
        *ret_length = opcode < 128 ? 3 + (opcode >> 5 & 1) : 5 + (opcode >> 5 & 3);
        *ret_distance = (take(lzo) << 3) + (opcode >> 2 & 7) + 1;
    }
    *state = low & 3;
}

bool lzo_decode(bytes in, uint8_t *out, size_t room, size_t *ret_len)
{
    struct lzo lzo = {.in = in, .out = out, .room = room};
    unsigned state = 0;
    bool ended = false;
    if (in.len && in.at[0] > 17) {
        unsigned count = take(&lzo) - 17;
        put_literals(&lzo, count);
        state = count < MANY ? count : MANY;
    }
    while (!lzo.bad && !ended) {
        unsigned opcode = take(&lzo);
        size_t distance = 0, length = 0;
        if (opcode < 16 && state == 0) {
            put_literals(&lzo, 3 + take_length(&lzo, opcode, 15));
            state = MANY;
            continue;
        }
        read_copy(&lzo, opcode, &state, &distance, &length);
        ended = distance == 0;
        if (!lzo.bad && !ended)
            put_copy(&lzo, distance, length);
        if (!lzo.bad && !ended)
            put_literals(&lzo, state);
    }
    *ret_len = lzo.size;
    return ended && !lzo.bad;
}
