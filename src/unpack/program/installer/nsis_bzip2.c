/* bzip2 as NSIS writes it: no file header; a block begins with the byte 0x31 (0x17 ends the
 * stream) and goes on with its u24 origin: no checksum, no mark of randomisation. The rest is
 * bzip2's: symbols used (16 + 16 * 16 bits), 3 bits tables, 15 bits selectors, the selectors
 * (move to front, unary), the code lengths (differences), symbols in groups of 50: runs of the
 * front symbol, positions in the move-to-front list, end of block; of which the inverse of
 * Burrows and Wheeler's transform gives a text with runs: four equal bytes, then a count.
 *
 * Source/bzip2/decompress.c of NSIS 3.08; bits have the highest first. */
#include "unpack/archive/bits.h"
#include "unpack/program/installer/nsis.h"

enum {
    BLOCK_MAX = 900000,
    SYMBOLS = 258,
    TABLES = 6,
    SELECTORS = 18002,
    GROUP = 50,
    LENGTH_MAX = 20,
    BLOCK = 0x31,
    LAST = 0x17,
};

struct table {
    uint32_t limit[LENGTH_MAX + 2]; /* first code, on LENGTH_MAX bits, that is longer */
    uint32_t first[LENGTH_MAX + 1]; /* index of the first symbol of that length */
    uint16_t symbols[SYMBOLS];
};

struct bunzip {
    struct bits bits;
    struct outlet out;
    struct table tables[TABLES];
    uint8_t selectors[SELECTORS];
    uint8_t used[256];
    uint32_t symbol_count, table_count, selector_count, size;
    uint32_t *text; /* the low byte; above it, after the sort, where the text goes on */
    uint32_t counts[257];
};

static bool table_build(struct table *table, const uint8_t *lengths, uint32_t count)
{
    uint32_t code = 0, n = 0;
    for (unsigned length = 1; length <= LENGTH_MAX; length++) {
        table->first[length] = n - (code >> (LENGTH_MAX - length));
        for (uint32_t i = 0; i < count; i++)
            if (lengths[i] == length) {
                table->symbols[n++] = (uint16_t)i;
                code += 1u << (LENGTH_MAX - length);
            }
        if (code > 1u << LENGTH_MAX)
            return false;
        table->limit[length] = code;
    }
    return true;
}

/* -1 for a code that is none. */
static int table_symbol(const struct table *table, struct bits *bits)
{
    uint32_t head = bits_peek_high(bits, LENGTH_MAX);
    for (unsigned length = 1; length <= LENGTH_MAX; length++)
        if (head < table->limit[length]) {
            bits_skip_high(bits, length);
            uint32_t at = table->first[length] + (head >> (LENGTH_MAX - length));
            return at < SYMBOLS ? table->symbols[at] : -1;
        }
    return -1;
}

static bool read_used(struct bunzip *z)
{
    uint32_t groups = bits_high(&z->bits, 16), n = 0;
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t mask = groups & 0x8000 >> i ? bits_high(&z->bits, 16) : 0;
        for (uint32_t k = 0; k < 16; k++)
            if (mask & 0x8000 >> k)
                z->used[n++] = (uint8_t)(16 * i + k);
    }
    z->symbol_count = n + 2;
    return n > 0;
}

static bool read_selectors(struct bunzip *z)
{
    uint8_t front[TABLES] = {0, 1, 2, 3, 4, 5};
    z->table_count = bits_high(&z->bits, 3);
    z->selector_count = bits_high(&z->bits, 15);
    if (z->table_count < 2 || z->table_count > TABLES || z->selector_count == 0 ||
        z->selector_count > SELECTORS)
        return false;
    for (uint32_t i = 0; i < z->selector_count; i++) {
        uint32_t at = 0;
        while (bits_high(&z->bits, 1))
            if (++at >= z->table_count)
                return false;
        uint8_t table = front[at];
        memmove(front + 1, front, at);
        front[0] = z->selectors[i] = table;
    }
    return true;
}

static bool read_tables(struct bunzip *z)
{
    for (uint32_t t = 0; t < z->table_count; t++) {
        uint8_t lengths[SYMBOLS];
        uint32_t length = bits_high(&z->bits, 5);
        for (uint32_t i = 0; i < z->symbol_count; i++) {
            while (length >= 1 && length <= LENGTH_MAX && bits_high(&z->bits, 1))
                length += bits_high(&z->bits, 1) ? UINT32_MAX : 1;
            if (length < 1 || length > LENGTH_MAX)
                return false;
            lengths[i] = (uint8_t)length;
        }
        if (!table_build(&z->tables[t], lengths, z->symbol_count))
            return false;
    }
    return true;
}

static bool put_run(struct bunzip *z, uint8_t symbol, uint32_t times)
{
    if (times > BLOCK_MAX - z->size)
        return false;
    z->counts[symbol + 1] += times;
    for (; times; times--)
        z->text[z->size++] = symbol;
    return true;
}

/* The block's symbols into text, still sorted. */
static bool read_symbols(struct bunzip *z)
{
    uint8_t front[256];
    uint32_t run = 0, weight = 1;
    memcpy(front, z->used, sizeof front);
    memset(z->counts, 0, sizeof z->counts);
    z->size = 0;
    for (uint32_t n = 0;; n++) {
        if (n / GROUP >= z->selector_count || z->selectors[n / GROUP] >= z->table_count)
            return false;
        int symbol = table_symbol(&z->tables[z->selectors[n / GROUP]], &z->bits);
        if (symbol < 0 || bits_over(&z->bits))
            return false;
        if (symbol <= 1 && weight <= BLOCK_MAX) {
            run += weight << symbol;
            weight <<= 1;
            continue;
        }
        if (run && !put_run(z, front[0], run))
            return false;
        run = 0;
        weight = 1;
        if ((uint32_t)symbol == z->symbol_count - 1)
            return true;
        if (symbol <= 1 || (uint32_t)symbol >= z->symbol_count)
            return false;
        uint8_t byte = front[symbol - 1];
        memmove(front + 1, front, (size_t)symbol - 1);
        front[0] = byte;
        if (!put_run(z, byte, 1))
            return false;
    }
}

/* Undoes the sort and the runs. */
static bool put_text(struct bunzip *z, uint32_t origin)
{
    for (unsigned i = 1; i <= 256; i++)
        z->counts[i] += z->counts[i - 1];
    for (uint32_t i = 0; i < z->size; i++)
        z->text[z->counts[z->text[i] & 0xff]++] |= i << 8;
    uint32_t at = z->text[origin] >> 8, equal = 0;
    int before = -1;
    for (uint32_t i = 0; i < z->size; i++) {
        uint8_t byte = (uint8_t)z->text[at];
        at = z->text[at] >> 8;
        if (equal == 4) {
            equal = 0;
            for (uint32_t k = 0; k < byte; k++)
                if (!outlet_byte(&z->out, (uint8_t)before))
                    return false;
            before = -1;
            continue;
        }
        equal = byte == before ? equal + 1 : 1;
        before = byte;
        if (!outlet_byte(&z->out, byte))
            return false;
    }
    return true;
}

static enum decoded blocks(struct bunzip *z)
{
    for (;;) {
        uint32_t mark = bits_high(&z->bits, 8), origin;
        if (bits_over(&z->bits))
            return DECODED_CUT;
        if (mark == LAST)
            return DECODED;
        if (mark != BLOCK)
            return DECODED_DAMAGED;
        origin = bits_high(&z->bits, 24);
        if (!read_used(z) || !read_selectors(z) || !read_tables(z) || !read_symbols(z) ||
            origin >= z->size)
            return bits_over(&z->bits) ? DECODED_CUT : DECODED_DAMAGED;
        if (!budget_charge(z->out.unpack->budget, z->size + 1000))
            return DECODED_STOP;
        if (!put_text(z, origin))
            return z->out.state;
    }
}

enum decoded nsis_bunzip(struct unpack *unpack, bytes *in)
{
    struct arena_mark mark = arena_mark(unpack->arena);
    struct bunzip *z = PUSH(unpack->arena, struct bunzip);
    uint32_t *text = arena_push_raw(unpack->arena, BLOCK_MAX * sizeof *text);
    if (!z || !text)
        return DECODED_TOO_LARGE;
    z->text = text;
    z->bits.in = *in;
    outlet_open(&z->out, unpack, UINT64_MAX);
    enum decoded how = outlet_close(&z->out, blocks(z));
    *in = bits_rest(&z->bits);
    arena_pop(unpack->arena, mark);
    return how;
}
