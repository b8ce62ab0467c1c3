#include "rescue/salvage/packed/inflate.h"

#include <string.h>

enum {
    CODE_MAX = 15,
    FAST = 9,
    LITERALS = 288,
    DISTANCES = 32,
    END_OF_BLOCK = 256,
    FAILED = -1,
    STARTS = 40,  /* bits after a hole that are tried */
    TRACE = 2048, /* bits of which it is remembered where codes began */
    AGREE = 3,    /* starts that must agree */
    LEAST = 24,   /* symbols of a block that is believed without a next one */
    CHAIN = 3,    /* stored blocks that are believed by themselves */
    CHECKSUM = 4, /* bytes that may follow the last block */
    STORED_LEAST = 64,
};

static const uint16_t length_base[29] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                         15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                         67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                         2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t distance_base[30] = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
static const uint8_t distance_extra[30] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                           6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};

/* Bits from `bit` on, at least 25 where they are there; zeros behind the end. */
static inline uint32_t peek(bytes in, uint64_t bit)
{
    size_t at = (size_t)(bit >> 3);
    uint64_t word = 0;
    if (at + 8 <= in.len)
        word = load_le64(in.at + at);
    else
        for (size_t i = 0; i < 8 && at + i < in.len; i++)
            word |= (uint64_t)in.at[at + i] << 8 * i;
    return (uint32_t)(word >> (bit & 7));
}

static inline uint32_t take(struct inflate *inflate, unsigned n)
{
    uint32_t ret = peek(inflate->in, inflate->bit) & ((1u << n) - 1);
    inflate->bit += n;
    return ret;
}

static inline bool is_over(const struct inflate *inflate)
{
    return inflate->bit > (uint64_t)inflate->in.len * 8;
}

static uint32_t mirrored(uint32_t code, unsigned length)
{
    uint32_t ret = 0;
    for (unsigned i = 0; i < length; i++)
        ret |= (code >> i & 1) << (length - 1 - i);
    return ret;
}

/* False when the lengths are no complete code (one single code of one bit is one, too). */
static bool code_build(struct inflate_code *code, const uint8_t *lengths, unsigned n)
{
    uint16_t next[CODE_MAX + 2] = {0}, value[CODE_MAX + 2] = {0};
    memset(code->count, 0, sizeof code->count);
    memset(code->fast, 0, sizeof code->fast);
    for (unsigned i = 0; i < n; i++)
        code->count[lengths[i]]++;
    int left = 1;
    for (unsigned len = 1; len <= CODE_MAX; len++) {
        left = left * 2 - code->count[len];
        if (left < 0)
            return false;
    }
    unsigned used = n - code->count[0];
    if (left > 0 && !(used == 1 && code->count[1] == 1) && used != 0)
        return false;
    for (unsigned len = 1; len <= CODE_MAX; len++) {
        next[len + 1] = (uint16_t)(next[len] + code->count[len]);
        value[len + 1] = (uint16_t)((value[len] + code->count[len]) << 1);
    }
    for (unsigned i = 0; i < n; i++) {
        unsigned len = lengths[i];
        if (!len)
            continue;
        code->symbol[next[len]++] = (uint16_t)i;
        uint32_t bits = mirrored(value[len]++, len);
        for (; len <= FAST && bits < 1u << FAST; bits += 1u << len)
            code->fast[bits] = (uint16_t)(i << 4 | len);
    }
    code->count[0] = 0;
    return true;
}

static inline int symbol_next(struct inflate *inflate, const struct inflate_code *code)
{
    uint32_t bits = peek(inflate->in, inflate->bit);
    uint16_t fast = code->fast[bits & ((1u << FAST) - 1)];
    if (fast) {
        inflate->bit += fast & 15;
        return fast >> 4;
    }
    int value = 0, first = 0, index = 0;
    for (unsigned len = 1; len <= CODE_MAX; len++, bits >>= 1) {
        value |= (int)(bits & 1);
        int count = code->count[len];
        if (value - count < first) {
            inflate->bit += len;
            return code->symbol[index + value - first];
        }
        index += count;
        first = (first + count) << 1;
        value <<= 1;
    }
    return FAILED;
}

static bool fixed_codes(struct inflate *inflate)
{
    uint8_t lengths[LITERALS + DISTANCES];
    for (int i = 0; i < LITERALS; i++)
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    memset(lengths + LITERALS, 5, DISTANCES);
    return code_build(&inflate->literals, lengths, LITERALS) &&
           code_build(&inflate->distances, lengths + LITERALS, DISTANCES);
}

/* The code lengths of both alphabets, run-length coded themselves. */
static bool read_lengths(struct inflate *inflate, uint8_t *lengths, unsigned n)
{
    const struct inflate_code *code = &inflate->distances;
    for (unsigned i = 0; i < n;) {
        int symbol = symbol_next(inflate, code);
        unsigned times = 1;
        uint8_t value = (uint8_t)symbol;
        if (symbol < 0 || is_over(inflate))
            return false;
        if (symbol == 16) {
            if (i == 0)
                return false;
            value = lengths[i - 1];
            times = 3 + take(inflate, 2);
        } else if (symbol > 16) {
            value = 0;
            times = symbol == 17 ? 3 + take(inflate, 3) : 11 + take(inflate, 7);
        }
        if (times > n - i)
            return false;
        memset(lengths + i, value, times);
        i += times;
    }
    return true;
}

static bool dynamic_codes(struct inflate *inflate)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[LITERALS + DISTANCES] = {0}, small[19] = {0};
    unsigned literals = take(inflate, 5) + 257, distances = take(inflate, 5) + 1;
    unsigned n = take(inflate, 4) + 4;
    if (literals > 286 || distances > 30)
        return false;
    for (unsigned i = 0; i < n; i++)
        small[order[i]] = (uint8_t)take(inflate, 3);
    /* The code of the lengths has the room of that of the distances for a while. */
    if (is_over(inflate) || !code_build(&inflate->distances, small, 19) ||
        !read_lengths(inflate, lengths, literals + distances) || !lengths[END_OF_BLOCK])
        return false;
    return code_build(&inflate->literals, lengths, literals) &&
           code_build(&inflate->distances, lengths + literals, distances);
}

static bool flush(struct inflate *inflate, bool all)
{
    bool more = true;
    if (inflate->put && inflate->used > inflate->given)
        more = inflate->put(inflate->to, inflate->window + inflate->given,
                            inflate->used - inflate->given);
    inflate->given = inflate->used;
    if (!all) {
        size_t keep = INFLATE_WINDOW;
        memmove(inflate->window, inflate->window + inflate->used - keep, keep * 2);
        inflate->used = inflate->given = keep;
    }
    return more;
}

static bool make_room(struct inflate *inflate, size_t n)
{
    return inflate->used + n <= INFLATE_ROOM || flush(inflate, false);
}

static bool copy_back(struct inflate *inflate, unsigned length, unsigned distance)
{
    if (!make_room(inflate, length))
        return false;
    uint16_t *to = inflate->window + inflate->used;
    /* The window is never shorter than the longest distance. */
    for (unsigned i = 0; i < length; i++)
        to[i] = to[(ptrdiff_t)i - (ptrdiff_t)distance];
    inflate->used += length;
    inflate->out += length;
    return true;
}

/* What is left of a stored block's bytes. */
static enum inflate_end run_bytes(struct inflate *inflate)
{
    bytes data = bytes_slice(inflate->in, (size_t)(inflate->bit / 8), inflate->stored);
    for (size_t i = 0; i < data.len; i++) {
        if (!make_room(inflate, 1))
            return INFLATE_STOPPED;
        inflate->window[inflate->used++] = data.at[i];
    }
    inflate->out += data.len;
    inflate->bit += (uint64_t)data.len * 8;
    inflate->stored -= (uint32_t)data.len;
    return inflate->stored ? INFLATE_CUT : INFLATE_FINAL;
}

/* A stored block: how many bytes, that number's complement, the bytes. */
static enum inflate_end run_stored(struct inflate *inflate)
{
    inflate->bit = (inflate->bit + 7) & ~(uint64_t)7;
    uint64_t at = inflate->bit / 8;
    uint16_t size, other;
    if (!bytes_le16(inflate->in, at, &size) || !bytes_le16(inflate->in, at + 2, &other))
        return INFLATE_CUT;
    if ((size ^ other) != 0xffff)
        return INFLATE_DAMAGED;
    inflate->bit += 4 * 8;
    inflate->stored = size;
    return run_bytes(inflate);
}

/* The codes of a block to its end, which is INFLATE_FINAL. */
static enum inflate_end run_codes(struct inflate *inflate)
{
    uint64_t charged = inflate->out;
    for (;;) {
        uint64_t before = inflate->bit;
        int symbol = symbol_next(inflate, &inflate->literals);
        if (symbol < 0 || is_over(inflate)) {
            bool over = symbol >= 0 || before + CODE_MAX > (uint64_t)inflate->in.len * 8;
            inflate->bit = before;
            return over ? INFLATE_CUT : INFLATE_DAMAGED;
        }
        if (symbol == END_OF_BLOCK)
            return INFLATE_FINAL;
        if (symbol < 256) {
            if (!make_room(inflate, 1))
                return INFLATE_STOPPED;
            inflate->window[inflate->used++] = (uint16_t)symbol;
            inflate->out++;
        } else {
            if (symbol > 285)
                return INFLATE_DAMAGED;
            unsigned length = length_base[symbol - 257];
            length += take(inflate, length_extra[symbol - 257]);
            int far = symbol_next(inflate, &inflate->distances);
            if (far < 0 || far > 29 || is_over(inflate)) {
                bool over = inflate->bit + 32 > (uint64_t)inflate->in.len * 8;
                inflate->bit = before;
                return over ? INFLATE_CUT : INFLATE_DAMAGED;
            }
            unsigned distance = distance_base[far] + take(inflate, distance_extra[far]);
            if (is_over(inflate)) {
                inflate->bit = before;
                return INFLATE_CUT;
            }
            if (!copy_back(inflate, length, distance))
                return INFLATE_STOPPED;
        }
        if (inflate->out - charged > 65536) {
            if (!budget_charge(inflate->budget, inflate->out - charged))
                return INFLATE_STOPPED;
            charged = inflate->out;
        }
    }
}

/* Header and codes of the next block. */
static enum inflate_end run_block(struct inflate *inflate)
{
    inflate->block = inflate->bit;
    inflate->known = false;
    inflate->final = take(inflate, 1);
    unsigned type = take(inflate, 2);
    if (is_over(inflate))
        return INFLATE_CUT;
    if (type == 3)
        return INFLATE_DAMAGED;
    if (type == 0)
        return run_stored(inflate);
    if (type == 1 ? !fixed_codes(inflate) : !dynamic_codes(inflate))
        return is_over(inflate) ? INFLATE_CUT : INFLATE_DAMAGED;
    inflate->known = true;
    if (type == 2)
        inflate->solid = inflate->block;
    return run_codes(inflate);
}

void inflate_open(struct inflate *inflate, bytes in, uint64_t bit, struct budget *budget)
{
    inflate->in = in;
    inflate->bit = bit;
    inflate->budget = budget;
    inflate->block = inflate->solid = UINT64_MAX;
    inflate->known = inflate->final = false;
    inflate->stored = 0;
    inflate->loose = false;
    inflate->out = 0;
    inflate->put = NULL;
    inflate->used = inflate->given = INFLATE_WINDOW;
    for (size_t i = 0; i < INFLATE_WINDOW; i++)
        inflate->window[i] = (uint16_t)(INFLATE_UNKNOWN + i);
}

enum inflate_end inflate_run(struct inflate *inflate)
{
    enum inflate_end end = INFLATE_FINAL;
    /* In the middle of a block (inflate_step_in, inflate_pass): to its end first. */
    if (inflate->stored)
        end = run_bytes(inflate);
    else if (inflate->known && !inflate->out && inflate->block != UINT64_MAX)
        end = run_codes(inflate);
    while (end == INFLATE_FINAL && !inflate->final) {
        end = run_block(inflate);
        if (!budget_charge(inflate->budget, 64))
            end = INFLATE_STOPPED;
    }
    if (!flush(inflate, true))
        return INFLATE_STOPPED;
    return end;
}

/* What may follow a block: whether the header at `bit` follows the rules. */
static bool header_fits(struct inflate *inflate, uint64_t bit)
{
    inflate->bit = bit;
    (void)take(inflate, 1);
    unsigned type = take(inflate, 2);
    if (is_over(inflate))
        return true; /* the input ends here: nothing speaks against it */
    if (type == 2)
        return dynamic_codes(inflate) || is_over(inflate);
    if (type == 1)
        return true;
    uint64_t at = (inflate->bit + 7) / 8;
    uint16_t size, other;
    return type == 0 && bytes_le16(inflate->in, at, &size) &&
           bytes_le16(inflate->in, at + 2, &other) && (size ^ other) == 0xffff;
}

static bool block_holds(struct inflate *inflate, bytes in, uint64_t bit, struct budget *budget)
{
    inflate_open(inflate, in, bit, budget);
    enum inflate_end end = run_block(inflate);
    if (end == INFLATE_CUT)
        return inflate->out >= LEAST;
    if (end != INFLATE_FINAL)
        return false;
    uint64_t after = inflate->bit;
    if (inflate->final)
        return after + 64 * 8 >= (uint64_t)in.len * 8 || inflate->out >= LEAST;
    return header_fits(inflate, after);
}

/* Cheap: the first rules of a header of a block with codes of its own. */
static bool may_begin(bytes in, uint64_t bit)
{
    uint32_t bits = peek(in, bit);
    return (bits >> 1 & 3) == 2 && (bits >> 3 & 31) <= 29 && (bits >> 8 & 31) <= 29;
}

static bool lengths_fit(bytes in, uint64_t bit)
{
    unsigned n = (peek(in, bit) >> 13 & 15) + 4, left = 128;
    for (unsigned i = 0; i < n; i++) {
        unsigned length = peek(in, bit + 17 + 3ull * i) & 7;
        unsigned part = length ? 128u >> length : 0;
        if (part > left)
            return false;
        left -= part;
    }
    return left == 0;
}

/* Whether a stored block's length stands at the whole byte `at`, and behind the block something
 * that chance does not write: a block with codes of its own, or another length. */
static bool stored_holds(struct inflate *inflate, bytes in, uint64_t at)
{
    for (int n = 0; n < CHAIN; n++) {
        uint16_t size, other;
        if (at > in.len || in.at[at - 1] >> (n ? 1 : 5) || !bytes_le16(in, at, &size) ||
            !bytes_le16(in, at + 2, &other) || (size ^ other) != 0xffff || size < STORED_LEAST)
            return false;
        uint64_t after = at + 4 + size;
        if (after + STORED_LEAST > in.len)
            return n > 0 && after <= in.len;
        if (may_begin(in, after * 8) && lengths_fit(in, after * 8)) {
            inflate->in = in;
            return header_fits(inflate, after * 8);
        }
        at = after + 1;
    }
    return true;
}

bool inflate_find(struct inflate *inflate, bytes in, uint64_t from, uint64_t to,
                  struct budget *budget, uint64_t *ret_bit)
{
    if (to > (uint64_t)in.len * 8)
        to = (uint64_t)in.len * 8;
    for (uint64_t bit = from; bit < to; bit++) {
        if (bit % 4096 == 0 && !budget_charge(budget, 4096))
            return false;
        if (bit % 8 == 5 && stored_holds(inflate, in, bit / 8 + 1)) {
            *ret_bit = bit;
            return true;
        }
        if (!may_begin(in, bit) || !lengths_fit(in, bit))
            continue;
        if (!budget_charge(budget, 1024))
            return false;
        inflate->in = in;
        inflate->bit = bit + 3;
        if (!dynamic_codes(inflate) || !block_holds(inflate, in, bit, budget))
            continue;
        *ret_bit = bit;
        return true;
    }
    return false;
}

/* Where codes begin in the first TRACE bits from `start` on, as a set of bits; false when they
 * do not go on to a place where another block begins. */
static bool trace(struct inflate *inflate, uint64_t from, uint64_t start, uint64_t *set)
{
    inflate->bit = start;
    for (uint64_t n = 0;; n++) {
        if (inflate->bit - from < TRACE)
            set[(inflate->bit - from) / 64] |= (uint64_t)1 << (inflate->bit - from) % 64;
        int symbol = symbol_next(inflate, &inflate->literals);
        if (is_over(inflate)) {
            inflate->loose = true;
            return n > 256;
        }
        if (symbol < 0 || symbol > 285)
            return false;
        if (symbol == END_OF_BLOCK)
            break;
        if (symbol > 256) {
            inflate->bit += length_extra[symbol - 257];
            int far = symbol_next(inflate, &inflate->distances);
            if (far < 0 || far > 29) {
                inflate->loose = true;
                return is_over(inflate) && n > 256;
            }
            inflate->bit += distance_extra[far];
        }
        if (n % 4096 == 0 && !budget_charge(inflate->budget, 4096))
            return false;
    }
    if (inflate->final)
        return inflate->bit + 8 + CHECKSUM * 8 > (uint64_t)inflate->in.len * 8;
    struct inflate_code literals = inflate->literals, distances = inflate->distances;
    bool fits =
        (peek(inflate->in, inflate->bit) >> 1 & 3) != 1 && header_fits(inflate, inflate->bit);
    inflate->literals = literals;
    inflate->distances = distances;
    return fits;
}

bool inflate_pass(struct inflate *inflate, bytes in, uint64_t from)
{
    uint64_t here = inflate->bit / 8;
    if (!inflate->stored || from < here || from - here > inflate->stored)
        return false;
    uint32_t left = inflate->stored - (uint32_t)(from - here);
    bool final = inflate->final;
    if (!left && final)
        return false;
    inflate_open(inflate, in, from * 8, inflate->budget);
    inflate->stored = left;
    inflate->final = final;
    return true;
}

bool inflate_step_in(struct inflate *inflate, bytes in, uint64_t from)
{
    uint64_t common[TRACE / 64];
    unsigned good = 0;
    if (!inflate->known)
        return false;
    inflate->in = in;
    inflate->loose = false;
    memset(common, 0xff, sizeof common);
    for (uint64_t start = from; start < from + STARTS; start++) {
        uint64_t set[TRACE / 64] = {0};
        bool loose = inflate->loose;
        if (!trace(inflate, from, start, set)) {
            inflate->loose = loose;
            continue;
        }
        good++;
        for (size_t i = 0; i < TRACE / 64; i++)
            common[i] &= set[i];
    }
    for (uint64_t i = 0; good >= AGREE && i < TRACE; i++) {
        if (!(common[i / 64] >> i % 64 & 1))
            continue;
        bool final = inflate->final, loose = inflate->loose;
        uint64_t block = inflate->block;
        inflate_open(inflate, in, from + i, inflate->budget);
        inflate->known = true;
        inflate->loose = loose;
        inflate->final = final;
        inflate->block = block;
        return true;
    }
    return false;
}
