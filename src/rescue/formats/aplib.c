#include "rescue/formats/aplib.h"

/* Bits come from tag bytes, highest first, each read when the last one is used up:
 *
 *     0          a byte as it is
 *     10 gamma   2, behind a literal: the last distance again, gamma length; else the
 * distance's upper part + 2 (+ 3 behind a literal), a byte, gamma length (longer when far, or
 * near) 110 byte   distance in its upper 7 bits, length 2 or 3; distance 0 is the end 111 4
 * bits a byte of 1 to 15 back, or 0
 *
 * Gamma: bits of a number, each followed by whether there are more. */

struct state {
    bytes in;
    size_t at;
    uint8_t tag;
    unsigned bits;
    bool bad;
    uint8_t *out;
    size_t len, size;
};

static uint8_t next_byte(struct state *s)
{
    if (s->at < s->in.len)
        return s->in.at[s->at++];
    s->bad = true;
    return 0;
}

static unsigned next_bit(struct state *s)
{
    if (!s->bits) {
        s->tag = next_byte(s);
        s->bits = 8;
    }
    return s->tag >> --s->bits & 1;
}

static uint32_t next_gamma(struct state *s)
{
    uint32_t ret = 1;
    do {
        ret = ret << 1 | next_bit(s);
        if (ret >> 24)
            s->bad = true;
    } while (!s->bad && next_bit(s));
    return ret;
}

static void put(struct state *s, uint8_t byte)
{
    if (s->len < s->size)
        s->out[s->len++] = byte;
    else
        s->bad = true;
}

static void repeat(struct state *s, uint32_t distance, uint32_t count)
{
    if (!distance || distance > s->len)
        s->bad = true;
    while (!s->bad && count--)
        put(s, s->out[s->len - distance]);
}

/* Behind 10. */
static void far(struct state *s, uint32_t *last, bool literal)
{
    uint32_t upper = next_gamma(s);
    if (literal && upper == 2) {
        repeat(s, *last, next_gamma(s));
        return;
    }
    uint32_t distance = (upper - (literal ? 3 : 2)) << 8;
    distance |= next_byte(s);
    uint32_t count = next_gamma(s) + (distance >= 32000) + (distance >= 1280);
    repeat(s, distance, count + (distance < 128 ? 2 : 0));
    *last = distance;
}

size_t aplib_unpack(bytes packed, uint8_t *ret, size_t size)
{
    struct state s = {.in = packed, .out = ret, .size = size};
    uint32_t last = 0;
    bool literal = true;
    put(&s, next_byte(&s));
    while (!s.bad) {
        if (!next_bit(&s)) {
            put(&s, next_byte(&s));
            literal = true;
        } else if (!next_bit(&s)) {
            far(&s, &last, literal);
            literal = false;
        } else if (!next_bit(&s)) {
            uint8_t byte = next_byte(&s);
            if (!s.bad && byte < 2)
                return s.len;
            repeat(&s, byte >> 1, 2U + (byte & 1));
            last = byte >> 1;
            literal = false;
        } else {
            uint32_t distance = 0;
            for (unsigned i = 0; i < 4; i++)
                distance = distance << 1 | next_bit(&s);
            if (distance)
                repeat(&s, distance, 1);
            else
                put(&s, 0);
            literal = true;
        }
    }
    return 0;
}
