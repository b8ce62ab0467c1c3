#include "rescue/salvage/kinds/jpeg_scan.h"

#include <errno.h>
#include <string.h>

enum {
    FAST = 9,
    CODE_MOST = 16,
    BLOCK = 64,
    DC_MOST = 11,
    AC_MOST = 1023,
    START_BITS = 4096, /* bits in which an MCU must begin */
    TRIED = 24,        /* MCUs that must follow */
    ENOUGH = 8,        /* where the stretch ends before */
};

/* ITU T.81, annex K.3: the tables that most cameras use, as they stand in a file (B.2.4.2). */
static const uint8_t common_tables[] = {
    0x00, 0x00, 0x01, 0x05, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x10,
    0x00, 0x02, 0x01, 0x03, 0x03, 0x02, 0x04, 0x03, 0x05, 0x05, 0x04, 0x04, 0x00, 0x00, 0x01,
    0x7d, 0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51,
    0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15,
    0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a,
    0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44,
    0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63,
    0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
    0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98,
    0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5,
    0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2,
    0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7,
    0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0x01, 0x00,
    0x03, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x11, 0x00, 0x02,
    0x01, 0x02, 0x04, 0x04, 0x03, 0x04, 0x07, 0x05, 0x04, 0x04, 0x00, 0x01, 0x02, 0x77, 0x00,
    0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
    0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52,
    0xf0, 0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19,
    0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45,
    0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64,
    0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82,
    0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98,
    0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5,
    0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2,
    0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8,
    0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
};

/* Codes of each length follow one another (T.81, annex C). False: more than there can be. */
static bool code_build(struct jpeg_code *code, const uint8_t *bits, const uint8_t *symbols,
                       unsigned n)
{
    unsigned value = 0, k = 0;
    *code = (struct jpeg_code){.count = (uint8_t)n};
    for (unsigned len = 1; len <= CODE_MOST; len++, value <<= 1) {
        code->bits[len] = bits[len - 1];
        for (unsigned i = 0; i < bits[len - 1]; i++, k++, value++) {
            if (value >= 1u << len || k >= n)
                return false;
            uint8_t symbol = code->symbols[k] = symbols[k];
            code->length[symbol] = (uint8_t)len;
            code->value[symbol] = (uint16_t)value;
            for (unsigned f = 0; len <= FAST && f < 1u << (FAST - len); f++)
                code->fast[(value << (FAST - len)) + f] =
                    (uint16_t)((unsigned)symbol << 4 | len);
        }
    }
    return k == n;
}

bool jpeg_tables(struct jpeg_head *head, bytes segment)
{
    while (segment.len > CODE_MOST) {
        unsigned n = 0, which = segment.at[0];
        for (int i = 1; i <= CODE_MOST; i++)
            n += segment.at[i];
        if (n > 255 || (which & 0xec) || segment.len < 1 + CODE_MOST + n)
            return false;
        struct jpeg_code *code = which >> 4 ? &head->ac[which & 3] : &head->dc[which & 3];
        if (!code_build(code, segment.at + 1, segment.at + 1 + CODE_MOST, n))
            return false;
        segment = bytes_slice(segment, 1 + CODE_MOST + n, SIZE_MAX);
    }
    return segment.len == 0;
}

void jpeg_common(struct jpeg_head *head)
{
    (void)!jpeg_tables(head, (bytes){common_tables, sizeof common_tables});
}

bytes jpeg_common_segment(void)
{
    return (bytes){common_tables, sizeof common_tables};
}

bool jpeg_lay_out(struct jpeg_head *head)
{
    unsigned most_across = 1, most_down = 1;
    head->blocks = 0;
    if (!head->components || head->components > JPEG_COMPONENTS || !head->width ||
        !head->height)
        return false;
    for (unsigned c = 0; c < head->components; c++) {
        unsigned across = head->across[c], down = head->down[c];
        if (!across || !down || across > 4 || down > 4 || head->dc_of[c] >= JPEG_TABLES ||
            head->ac_of[c] >= JPEG_TABLES)
            return false;
        if (head->components == 1) /* T.81, A.2.2: an MCU is one block */
            head->across[c] = head->down[c] = 1, across = down = 1;
        most_across = across > most_across ? across : most_across;
        most_down = down > most_down ? down : most_down;
        if (head->blocks + across * down > JPEG_BLOCKS || !head->dc[head->dc_of[c]].count ||
            !head->ac[head->ac_of[c]].count)
            return false;
        for (unsigned i = 0; i < across * down && head->blocks < JPEG_BLOCKS; i++)
            head->owner[head->blocks++] = (uint8_t)c;
    }
    head->columns = (head->width + 8 * most_across - 1) / (8 * most_across);
    head->rows = (head->height + 8 * most_down - 1) / (8 * most_down);
    return true;
}

int jpeg_unstuff(bytes in, struct arena *arena, struct jpeg_stretch *ret, size_t *ret_to)
{
    VEC(struct jpeg_restart) restarts = {0};
    *ret = (struct jpeg_stretch){.at = arena_push_raw(arena, in.len + 8)};
    size_t i = 0;
    if (!ret->at)
        return -ENOMEM;
    while (i < in.len) {
        const uint8_t *mark = memchr(in.at + i, 0xff, in.len - i);
        size_t n = mark ? (size_t)(mark - in.at) - i : in.len - i;
        memcpy(ret->at + ret->len, in.at + i, n);
        ret->len += n;
        i += n;
        if (i + 1 >= in.len)
            break;
        uint8_t next = in.at[i + 1];
        if (next == 0) {
            ret->at[ret->len++] = 0xff;
        } else if (next >= 0xd0 && next <= 0xd7) {
            struct jpeg_restart *restart = vec_push(arena, &restarts);
            if (!restart)
                return -ENOMEM;
            *restart = (struct jpeg_restart){ret->len, next & 7};
        } else {
            break;
        }
        i += 2;
    }
    memset(ret->at + ret->len, 0xff, 8);
    ret->restarts = restarts.at;
    ret->restart_count = restarts.n;
    *ret_to = i;
    return 0;
}

uint32_t jpeg_peek(const struct jpeg_stretch *stretch, uint64_t bit)
{
    size_t at = (size_t)(bit >> 3);
    if (at > stretch->len)
        return UINT32_MAX;
    uint64_t word = load_be64(stretch->at + at);
    if (at + 8 > stretch->len)
        word |= at + 8 - stretch->len >= 8 ? UINT64_MAX
                                           : ((uint64_t)1 << 8 * (at + 8 - stretch->len)) - 1;
    return (uint32_t)(word << (bit & 7) >> 32);
}

int jpeg_symbol(const struct jpeg_code *code, uint32_t bits, unsigned *ret_length)
{
    uint16_t fast = code->fast[bits >> (32 - FAST)];
    if (fast) {
        *ret_length = fast & 15;
        return fast >> 4;
    }
    unsigned value = 0, first = 0, index = 0;
    for (unsigned len = 1; len <= CODE_MOST; len++) {
        value = bits >> (32 - len);
        if (value - first < code->bits[len]) {
            *ret_length = len;
            return code->symbols[index + value - first];
        }
        index += code->bits[len];
        first = (first + code->bits[len]) << 1;
    }
    return -1;
}

static bool read_block(const struct jpeg_head *head, struct jpeg_stretch *stretch,
                       unsigned owner, struct jpeg_block *ret)
{
    unsigned length;
    int size =
        jpeg_symbol(&head->dc[head->dc_of[owner]], jpeg_peek(stretch, stretch->bit), &length);
    if (size < 0 || size > DC_MOST)
        return false;
    stretch->bit += length;
    if (size) {
        int32_t value = (int32_t)(jpeg_peek(stretch, stretch->bit) >> (32 - size));
        stretch->bit += (unsigned)size;
        stretch->dc[owner] += value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
    }
    ret->ac = stretch->bit;
    ret->dc = stretch->dc[owner];
    const struct jpeg_code *code = &head->ac[head->ac_of[owner]];
    for (unsigned k = 1; k < BLOCK; k++) {
        int symbol = jpeg_symbol(code, jpeg_peek(stretch, stretch->bit), &length);
        if (symbol < 0)
            return false;
        stretch->bit += length + ((unsigned)symbol & 15);
        if (symbol == 0)
            break;
        k += (unsigned)symbol >> 4;
        if (k >= BLOCK || (!((unsigned)symbol & 15) && symbol != 0xf0))
            return false;
    }
    ret->end = stretch->bit;
    return true;
}

bool jpeg_mcu(const struct jpeg_head *head, struct jpeg_stretch *stretch,
              struct jpeg_block *blocks)
{
    uint64_t before = stretch->bit, most = (uint64_t)stretch->len * 8;
    int32_t dc[JPEG_COMPONENTS];
    memcpy(dc, stretch->dc, sizeof dc);
    if (stretch->next < stretch->restart_count)
        most = (uint64_t)stretch->restarts[stretch->next].at * 8;
    bool fine = true;
    for (unsigned i = 0; fine && i < head->blocks; i++)
        fine = read_block(head, stretch, head->owner[i], &blocks[i]) && stretch->bit <= most;
    if (!fine) {
        stretch->bit = before;
        memcpy(stretch->dc, dc, sizeof dc);
    }
    return fine;
}

bool jpeg_at_restart(const struct jpeg_stretch *stretch)
{
    return stretch->next < stretch->restart_count &&
           stretch->bit + 8 > (uint64_t)stretch->restarts[stretch->next].at * 8;
}

int jpeg_to_restart(struct jpeg_stretch *stretch)
{
    if (stretch->next >= stretch->restart_count)
        return -1;
    const struct jpeg_restart *restart = &stretch->restarts[stretch->next++];
    stretch->bit = (uint64_t)restart->at * 8;
    memset(stretch->dc, 0, sizeof stretch->dc);
    return restart->number;
}

/* How rough the brightness is in the MCUs from `bit` on; UINT64_MAX: they do not go on. */
static uint64_t roughness(const struct jpeg_head *head, struct jpeg_stretch stretch,
                          struct budget *budget)
{
    struct jpeg_block blocks[JPEG_BLOCKS];
    uint64_t sum = 0;
    int32_t last = 0;
    for (unsigned n = 0; n < TRIED; n++) {
        if (!budget_charge(budget, 16))
            return UINT64_MAX;
        if (!jpeg_mcu(head, &stretch, blocks))
            return n >= ENOUGH && (jpeg_at_restart(&stretch) ||
                                   stretch.bit + 4096 > (uint64_t)stretch.len * 8)
                       ? sum * TRIED / n
                       : UINT64_MAX;
        for (unsigned i = 0; i < head->blocks; i++) {
            int32_t step = blocks[i].dc - last;
            if (head->owner[i] == 0 && (n || i))
                sum += (uint64_t)(step < 0 ? -step : step);
            if (head->owner[i] == 0)
                last = blocks[i].dc;
        }
    }
    return sum;
}

bool jpeg_step_in(const struct jpeg_head *head, struct jpeg_stretch *stretch,
                  struct budget *budget)
{
    uint64_t best = UINT64_MAX, from = stretch->bit, found = 0;
    for (uint64_t bit = from; bit < from + START_BITS; bit++) {
        if (budget->steps == 0)
            return false;
        stretch->bit = bit;
        memset(stretch->dc, 0, sizeof stretch->dc);
        uint64_t rough = roughness(head, *stretch, budget);
        if (rough < best) {
            best = rough;
            found = bit;
        }
    }
    stretch->bit = best == UINT64_MAX ? from : found;
    memset(stretch->dc, 0, sizeof stretch->dc);
    return best != UINT64_MAX;
}

/* --- writing --- */

static void put_byte(struct jpeg_writer *writer, uint8_t byte)
{
    if (writer->used + 2 > sizeof writer->out) {
        writer->stopped |= !writer->put(writer->to, (bytes){writer->out, writer->used});
        writer->used = 0;
    }
    writer->out[writer->used++] = byte;
    if (byte == 0xff)
        writer->out[writer->used++] = 0;
}

static void put_bits(struct jpeg_writer *writer, uint32_t value, unsigned n)
{
    while (n) {
        unsigned now = 8 - writer->count < n ? 8 - writer->count : n;
        n -= now;
        writer->pending = writer->pending << now | (value >> n & ((1u << now) - 1));
        writer->count += now;
        if (writer->count == 8) {
            put_byte(writer, (uint8_t)writer->pending);
            writer->pending = writer->count = 0;
        }
    }
}

/* A DC that now follows another one. Steps that the table has no code for are made smaller. */
static void put_dc(struct jpeg_writer *writer, const struct jpeg_head *head, unsigned owner,
                   int32_t dc)
{
    const struct jpeg_code *code = &head->dc[head->dc_of[owner]];
    int32_t step = dc - writer->dc[owner];
    int size = 0;
    for (uint32_t left = (uint32_t)(step < 0 ? -step : step); left; left >>= 1)
        size++;
    while (size && (size > DC_MOST || !code->length[size])) {
        size--;
        step = step < 0 ? -(1 << size) + 1 : (1 << size) - 1;
    }
    writer->dc[owner] += step;
    put_bits(writer, code->value[size], code->length[size]);
    if (size)
        put_bits(writer,
                 (uint32_t)(step < 0 ? step + (1 << size) - 1 : step) & ((1u << size) - 1),
                 (unsigned)size);
}

void jpeg_write(struct jpeg_writer *writer, const struct jpeg_head *head,
                const struct jpeg_stretch *stretch, const struct jpeg_block *blocks,
                const int32_t *base)
{
    for (unsigned i = 0; i < head->blocks; i++) {
        put_dc(writer, head, head->owner[i], blocks[i].dc + base[head->owner[i]]);
        for (uint64_t bit = blocks[i].ac; bit < blocks[i].end;) {
            unsigned n = blocks[i].end - bit < 24 ? (unsigned)(blocks[i].end - bit) : 24;
            put_bits(writer, jpeg_peek(stretch, bit) >> (32 - n), n);
            bit += n;
        }
    }
}

static unsigned bits_of(int32_t value)
{
    unsigned size = 0;
    for (uint32_t left = (uint32_t)(value < 0 ? -value : value); left; left >>= 1)
        size++;
    return size;
}

void jpeg_write_block(struct jpeg_writer *writer, const struct jpeg_head *head, unsigned owner,
                      const int16_t *values)
{
    const struct jpeg_code *code = &head->ac[head->ac_of[owner]];
    unsigned run = 0;
    put_dc(writer, head, owner, values[0]);
    for (unsigned k = 1; k < BLOCK; k++) {
        int32_t value = values[k] > AC_MOST    ? AC_MOST
                        : values[k] < -AC_MOST ? -AC_MOST
                                               : values[k];
        unsigned size = bits_of(value);
        if (!size) {
            run++;
            continue;
        }
        for (; run > 15; run -= 16)
            put_bits(writer, code->value[0xf0], code->length[0xf0]);
        put_bits(writer, code->value[run << 4 | size], code->length[run << 4 | size]);
        put_bits(writer, (uint32_t)(value < 0 ? value + (1 << size) - 1 : value), size);
        run = 0;
    }
    if (run)
        put_bits(writer, code->value[0], code->length[0]);
}

void jpeg_write_flat(struct jpeg_writer *writer, const struct jpeg_head *head)
{
    for (unsigned i = 0; i < head->blocks; i++) {
        unsigned owner = head->owner[i];
        const struct jpeg_code *ac = &head->ac[head->ac_of[owner]];
        put_dc(writer, head, owner, writer->dc[owner]);
        put_bits(writer, ac->value[0], ac->length[0]);
    }
}

void jpeg_flush(struct jpeg_writer *writer)
{
    while (writer->count)
        put_bits(writer, 1, 1);
    if (writer->used)
        writer->stopped |= !writer->put(writer->to, (bytes){writer->out, writer->used});
    writer->used = 0;
}
