#include "rescue/salvage/kinds/jpeg_layers.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHAIN_MOST = 1 << 16,
    SEGMENTS_MOST = 64,
    DC_BITS = 11,
    VALUE_MOST = 1 << 14,
    START_BITS = 4096, /* in which codes fall into step */
    RETRIES = 8,
    UNSURE = 32,       /* places behind a gap until codes are surely in step */
    PLACES_LEAST = 64, /* that must follow */
    DC_START_BITS = 192,
    PLAIN_LEAST = 64, /* bytes */
};

/* How far a layer was read. */
struct run {
    struct jpeg_stretch stretch;
    uint32_t left;  /* EOBRUN */
    uint64_t rough; /* of the DC: the sum of their steps */
};

/* --- heads --- */

uint64_t jpeg_chain(bytes file, uint64_t at)
{
    struct jpeg_head tables;
    uint64_t begin = at;
    uint16_t len;
    for (unsigned n = 0; n < SEGMENTS_MOST && at - begin < CHAIN_MOST; n++, at += 2u + len) {
        if (!bytes_be16(file, at + 2, &len) || file.at[at] != 0xff || len < 2)
            return 0;
        bytes body = bytes_slice(file, (size_t)at + 4, len - 2u);
        uint8_t kind = file.at[at + 1];
        if (body.len < len - 2u || (kind != 0xc4 && kind != 0xda && kind != 0xdd) ||
            (kind == 0xc4 && (!body.len || !jpeg_tables(&tables, body))) ||
            (kind == 0xdd && body.len != 2))
            return 0;
        if (kind != 0xda)
            continue;
        unsigned count = body.len ? body.at[0] : 0;
        if (!count || count > JPEG_COMPONENTS || body.len != 4 + 2u * count)
            return 0;
        const uint8_t *band = body.at + 1 + 2u * count;
        bool fits = band[0] <= band[1] && band[1] < 64 && (band[2] & 15) < 14 &&
                    (band[2] >> 4 == 0 || band[2] >> 4 == (band[2] & 15) + 1);
        return fits ? at + 2 + len : 0;
    }
    return 0;
}

static bool read_frame(struct jpeg_picture *picture, bytes body)
{
    struct jpeg_head *head = &picture->head;
    if (body.len < 6 || body.at[0] != 8 || !body.at[5] || body.at[5] > JPEG_COMPONENTS ||
        body.len < 6 + 3u * body.at[5])
        return false;
    head->height = load_be16(body.at + 1);
    head->width = load_be16(body.at + 3);
    head->components = body.at[5];
    for (unsigned c = 0; c < head->components; c++) {
        picture->id[c] = body.at[6 + 3 * c];
        head->across[c] = body.at[7 + 3 * c] >> 4;
        head->down[c] = body.at[7 + 3 * c] & 15;
        picture->table[c] = body.at[8 + 3 * c];
        head->dc_of[c] = head->ac_of[c] = c > 0;
    }
    jpeg_common(head);
    return jpeg_lay_out(head);
}

/* The head of a scan whose segments begin at `at` and end at `end`. */
static bool read_layer(struct jpeg_picture *picture, uint64_t at, uint64_t end)
{
    struct jpeg_head *tables = &picture->tables;
    bytes file = picture->salvage->file;
    struct jpeg_layer layer = {.head = at, .from = end};
    while (file.at[at + 1] != 0xda) {
        uint64_t len = load_be16(file.at + at + 2);
        bytes body = bytes_slice(file, (size_t)at + 4, (size_t)len - 2);
        if (file.at[at + 1] == 0xc4 && !jpeg_tables(tables, body))
            return false;
        if (file.at[at + 1] == 0xdd)
            tables->restart = load_be16(body.at);
        at += 2 + len;
    }
    const uint8_t *body = file.at + at + 4, *band = body + 1 + 2u * body[0];
    layer.count = body[0];
    layer.first = band[0];
    layer.last = band[1];
    layer.high = band[2] >> 4;
    layer.low = band[2] & 15;
    layer.restart = tables->restart;
    for (unsigned i = 0; i < layer.count; i++) {
        unsigned which = layer.first ? body[2 + 2 * i] & 15 : body[2 + 2 * i] >> 4, c = 0;
        while (c < picture->head.components && picture->id[c] != body[1 + 2 * i])
            c++;
        if (c == picture->head.components || which >= JPEG_TABLES)
            return false;
        const struct jpeg_code *from = layer.first ? &tables->ac[which] : &tables->dc[which];
        struct jpeg_code *code = PUSH(picture->salvage->arena, struct jpeg_code);
        if (!code || (!from->count && !(layer.first == 0 && layer.high)))
            return false;
        *code = *from;
        layer.code[i] = code;
        layer.of[i] = (uint8_t)c;
    }
    if (layer.first ? layer.count > 1 : layer.last > 0)
        return false;
    if (picture->layer_count == JPEG_LAYERS)
        return false;
    picture->layers[picture->layer_count++] = layer;
    return true;
}

bool jpeg_picture_head(struct jpeg_picture *picture, struct salvage *salvage)
{
    bytes file = salvage->file;
    struct jpeg_head *tables = &picture->tables;
    uint16_t len;
    bool framed = false;
    picture->salvage = salvage;
    for (uint64_t at = 2; bytes_be16(file, at + 2, &len) && file.at[at] == 0xff && len >= 2;
         at += 2u + len) {
        uint8_t kind = file.at[at + 1];
        bytes body = bytes_slice(file, (size_t)at + 4, len - 2u);
        uint64_t end = framed ? jpeg_chain(file, at) : 0;
        if (end)
            return read_layer(picture, at, end);
        if (body.len < len - 2u || kind == 0xda)
            return false;
        if (kind == 0xc2 && !(framed = read_frame(picture, body)))
            return false;
        if (kind == 0xc4 && !jpeg_tables(tables, body))
            return false;
        if (kind == 0xc2)
            picture->frame = at;
        if (kind == 0xdd && body.len == 2)
            tables->restart = load_be16(body.at);
    }
    return false;
}

/* Finds where the data of each scan end, and the next one's head. */
static void find_layers(struct jpeg_picture *picture)
{
    struct salvage *salvage = picture->salvage;
    bytes file = salvage->file;
    uint64_t size = file.len - salvage->map.trailer, at = picture->layers[0].from;
    struct jpeg_layer *layer = &picture->layers[0];
    while (at + 1 < size) {
        const uint8_t *mark = memchr(file.at + at, 0xff, (size_t)(size - at - 1));
        uint64_t here = mark ? (uint64_t)(mark - file.at) : size;
        if (!budget_charge(salvage->budget, (here - at) / 16 + 1))
            break;
        at = here + 1;
        if (!mark || mark[1] == 0 || mark[1] == 0xff || (mark[1] & 0xf8) == 0xd0 ||
            !map_is_plain(&salvage->map, here, here + 2))
            continue;
        uint64_t end = jpeg_chain(file, here);
        bool whole = end && map_is_plain(&salvage->map, here, end);
        if (!layer->to) {
            layer->to = here;
            layer->ends = true;
        }
        if (mark[1] == 0xd9)
            return;
        if (!whole)
            continue;
        if (!read_layer(picture, here, end))
            return;
        layer = &picture->layers[picture->layer_count - 1];
        at = end;
    }
    if (!layer->to)
        layer->to = size;
}

/* --- codes --- */

static uint32_t take(struct run *run, unsigned n)
{
    uint32_t value = n ? jpeg_peek(&run->stretch, run->stretch.bit) >> (32 - n) : 0;
    run->stretch.bit += n;
    return value;
}

static int take_symbol(struct run *run, const struct jpeg_code *code)
{
    unsigned length = 0;
    int symbol = jpeg_symbol(code, jpeg_peek(&run->stretch, run->stretch.bit), &length);
    run->stretch.bit += length;
    return symbol;
}

static int32_t take_value(struct run *run, unsigned size)
{
    int32_t value = (int32_t)take(run, size);
    return size && value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
}

static int16_t kept(int64_t value)
{
    return (int16_t)(value > VALUE_MOST    ? VALUE_MOST
                     : value < -VALUE_MOST ? -VALUE_MOST
                                           : value);
}

static bool unit_dc(const struct jpeg_layer *layer, struct run *run, unsigned i, int16_t *block)
{
    if (layer->high) {
        block[0] = (int16_t)(block[0] | (int)take(run, 1) << layer->low);
        return true;
    }
    int size = take_symbol(run, layer->code[i]);
    if (size < 0 || size > DC_BITS)
        return false;
    int32_t step = take_value(run, (unsigned)size);
    run->rough += (uint64_t)(step < 0 ? -step : step);
    run->stretch.dc[i] += step;
    block[0] = kept((int64_t)run->stretch.dc[i] * (1 << layer->low));
    return true;
}

static bool unit_first(const struct jpeg_layer *layer, struct run *run, int16_t *block)
{
    if (run->left) {
        run->left--;
        return true;
    }
    for (unsigned k = layer->first; k <= layer->last; k++) {
        int symbol = take_symbol(run, layer->code[0]);
        unsigned zeros = (unsigned)symbol >> 4, size = (unsigned)symbol & 15;
        if (symbol < 0)
            return false;
        if (!size && zeros != 15) {
            run->left = (1u << zeros) - 1 + take(run, zeros);
            return true;
        }
        k += zeros;
        if (k > layer->last)
            return false;
        if (size)
            block[k] = kept((int64_t)take_value(run, size) * (1 << layer->low));
    }
    return true;
}

/* One bit for each coefficient from `k` on that is not zero, up to the one after `zeros` that
 * are; where that is. */
static unsigned correct(const struct jpeg_layer *layer, struct run *run, int16_t *block,
                        unsigned k, unsigned zeros)
{
    int one = 1 << layer->low;
    for (; k <= layer->last; k++) {
        if (!block[k]) {
            if (!zeros--)
                break;
        } else if (take(run, 1) && !(block[k] & one)) {
            block[k] = kept(block[k] + (block[k] < 0 ? -one : one));
        }
    }
    return k;
}

static bool unit_refine(const struct jpeg_layer *layer, struct run *run, int16_t *block)
{
    unsigned k = layer->first;
    while (!run->left && k <= layer->last) {
        int symbol = take_symbol(run, layer->code[0]);
        unsigned zeros = (unsigned)symbol >> 4, size = (unsigned)symbol & 15;
        if (symbol < 0 || size > 1)
            return false;
        if (!size && zeros != 15) {
            run->left = (1u << zeros) + take(run, zeros);
            break;
        }
        int value = size ? take(run, 1) ? 1 << layer->low : -(1 << layer->low) : 0;
        k = correct(layer, run, block, k, zeros);
        if (k > layer->last)
            return false;
        if (size)
            block[k] = kept(value);
        k++;
    }
    if (run->left) {
        correct(layer, run, block, k, JPEG_COEFFICIENTS);
        run->left--;
    }
    return true;
}

/* A block of the layer's i-th component. It is as it was when that fails. */
static bool read_unit(const struct jpeg_layer *layer, struct run *run, unsigned i,
                      int16_t *block)
{
    const struct jpeg_stretch *stretch = &run->stretch;
    uint64_t most = (uint64_t)stretch->len * 8;
    int16_t before[JPEG_COEFFICIENTS];
    if (stretch->next < stretch->restart_count)
        most = (uint64_t)stretch->restarts[stretch->next].at * 8;
    memcpy(before, block, sizeof before);
    bool fine = !layer->first ? unit_dc(layer, run, i, block)
                : layer->high ? unit_refine(layer, run, block)
                              : unit_first(layer, run, block);
    if (fine && stretch->bit <= most)
        return true;
    memcpy(block, before, sizeof before);
    return false;
}

/* --- places: MCUs, or the blocks of a scan of one component --- */

static uint64_t places_of(const struct jpeg_picture *picture, const struct jpeg_layer *layer)
{
    const struct jpeg_part *part = &picture->parts[layer->of[0]];
    return layer->count == 1 ? (uint64_t)part->wide * part->high
                             : (uint64_t)picture->head.columns * picture->head.rows;
}

/* Which block of its component is the n-th of a place. False: it has no more. */
static bool block_of(const struct jpeg_picture *picture, const struct jpeg_layer *layer,
                     uint64_t place, unsigned n, unsigned *ret_i, size_t *ret_block)
{
    const struct jpeg_head *head = &picture->head;
    for (unsigned i = 0; i < layer->count; i++) {
        unsigned c = layer->of[i], across = layer->count == 1 ? 1 : head->across[c],
                 units = layer->count == 1 ? 1 : across * head->down[c];
        const struct jpeg_part *part = &picture->parts[c];
        uint64_t row, column, width = layer->count == 1 ? part->wide : head->columns;
        if (n >= units) {
            n -= units;
            continue;
        }
        row = place / width * (layer->count == 1 ? 1 : head->down[c]) + n / across;
        column = place % width * across + n % across;
        *ret_i = i;
        *ret_block = (size_t)(row * part->stride + column);
        return true;
    }
    return false;
}

/* Reads a place; `keep`: to where it belongs, if its blocks have all of `need`. */
static bool read_place(struct jpeg_picture *picture, const struct jpeg_layer *layer,
                       struct run *run, uint64_t place, bool keep, uint32_t need)
{
    uint32_t mark = 1u << (layer - picture->layers);
    unsigned i;
    size_t block;
    for (unsigned n = 0; block_of(picture, layer, keep ? place : 0, n, &i, &block); n++) {
        struct jpeg_part *part = &picture->parts[layer->of[i]];
        int16_t none[JPEG_COEFFICIENTS] = {0};
        if (keep && (part->seen[block] & need) != need)
            return false;
        if (!read_unit(layer, run, i, keep ? part->blocks[block] : none))
            return false;
        if (keep)
            part->seen[block] |= mark;
    }
    return true;
}

/* The layers that a block must have for this one to be read. False: one of them is not there.
 */
static bool needs(const struct jpeg_picture *picture, const struct jpeg_layer *layer,
                  uint32_t *ret)
{
    uint64_t ready = 0, band = (~0ull >> (63 - layer->last)) & (~0ull << layer->first);
    *ret = 0;
    if (!layer->high)
        return true;
    for (const struct jpeg_layer *one = picture->layers; one < layer; one++) {
        uint64_t other = (~0ull >> (63 - one->last)) & (~0ull << one->first);
        bool same = false;
        for (unsigned i = 0; i < one->count; i++)
            same |= one->of[i] == layer->of[0];
        if (!same || !(other & band))
            continue;
        *ret |= 1u << (one - picture->layers);
        ready |= one->low == layer->high ? other : 0;
    }
    return (ready & band) == band;
}

/* Only what fills the last byte is left. */
static bool at_end(const struct jpeg_stretch *stretch)
{
    return stretch->bit + 8 > (uint64_t)stretch->len * 8 &&
           jpeg_peek(stretch, stretch->bit) >> 24 == 0xff;
}

/* --- layers --- */

static bool open_run(struct jpeg_picture *picture, uint64_t from, uint64_t to, struct run *ret)
{
    size_t used;
    *ret = (struct run){0};
    return jpeg_unstuff(bytes_slice(picture->salvage->file, (size_t)from, (size_t)(to - from)),
                        picture->salvage->arena, &ret->stretch, &used) == 0;
}

/* From a place on, to the end or where it does not go on; the place that was not read. */
static uint64_t read_on(struct jpeg_picture *picture, const struct jpeg_layer *layer,
                        struct run *run, uint64_t place, uint32_t need)
{
    uint64_t total = places_of(picture, layer), begin = place;
    for (; place < total && budget_charge(picture->salvage->budget, 16); place++) {
        if (layer->restart && place > begin && place % layer->restart == 0) {
            if (!jpeg_at_restart(&run->stretch) || run->left)
                break;
            (void)jpeg_to_restart(&run->stretch);
        }
        if (!read_place(picture, layer, run, place, true, need))
            break;
    }
    return place;
}

/* How many places there are from here to the scan's end; 0: it does not end there. */
static uint64_t count_on(struct jpeg_picture *picture, const struct jpeg_layer *layer,
                         struct run *run, uint64_t most)
{
    uint64_t n = 0;
    while (n <= most && budget_charge(picture->salvage->budget, 16)) {
        n += run->left;
        run->left = 0;
        if (at_end(&run->stretch))
            return n <= most ? n : 0;
        if (jpeg_at_restart(&run->stretch) && jpeg_to_restart(&run->stretch) >= 0)
            continue;
        if (!read_place(picture, layer, run, 0, false, 0))
            return 0;
        n++;
    }
    return 0;
}

/* Codes of DC tell little when they are out of step: of all that end with the scan those are
 * right with which the picture is least rough. */
static uint64_t smoothest(struct jpeg_picture *picture, const struct jpeg_layer *layer,
                          struct run *run, uint64_t most)
{
    uint64_t least = UINT64_MAX, begin = run->stretch.bit, found = 0;
    for (uint64_t bit = begin; bit < begin + DC_START_BITS; bit++) {
        struct run now = *run;
        now.stretch.bit = bit;
        uint64_t n = count_on(picture, layer, &now, most);
        if (n >= PLACES_LEAST && now.rough * 16 / n < least) {
            least = now.rough * 16 / n;
            found = n;
            run->stretch.bit = bit;
        }
    }
    return found;
}

/* Goes to where codes are in step up to the scan's end. How many places there are then, 0: it
 * is not found. */
static uint64_t step_in(struct jpeg_picture *picture, const struct jpeg_layer *layer,
                        struct run *run, uint64_t most)
{
    uint64_t first = run->stretch.bit;
    bool fixed = run->stretch.restart_count > 0;
    if (fixed)
        (void)jpeg_to_restart(&run->stretch);
    else if (!layer->first)
        return smoothest(picture, layer, run, most);
    for (unsigned tries = 0; tries < RETRIES;) {
        struct run now = *run;
        uint64_t n = count_on(picture, layer, &now, most);
        if (n >= PLACES_LEAST)
            return n;
        if (fixed || picture->salvage->budget->steps == 0)
            return 0;
        if (now.stretch.bit > run->stretch.bit + START_BITS) {
            run->stretch.bit = first = now.stretch.bit;
            tries++;
        } else if (++run->stretch.bit > first + START_BITS) {
            return 0;
        }
    }
    return 0;
}

/* Whether so many places can have been lost in so many bytes, by what others took. */
static bool likely(uint64_t lost, uint64_t lost_bytes, uint64_t read, uint64_t read_bytes,
                   unsigned times)
{
    return (lost * read_bytes <= (read + 1) * (lost_bytes + 1) * times &&
            read * lost_bytes <= (lost + PLACES_LEAST) * (read_bytes + 1) * times);
}

static int by_value(const void *a, const void *b)
{
    return *(const int16_t *)a - *(const int16_t *)b;
}

/* The DC from `place` on are known but for what all of them lack: they go on, by columns, from
 * the last rows above the gap. */
static void join_dc(struct jpeg_picture *picture, const struct jpeg_layer *layer, unsigned c,
                    uint64_t place)
{
    struct jpeg_part *part = &picture->parts[c];
    const struct jpeg_head *head = &picture->head;
    struct arena_mark mark = arena_mark(picture->salvage->arena);
    int16_t *steps = PUSH_ARRAY(picture->salvage->arena, int16_t, part->stride);
    uint32_t down = layer->count == 1 ? 1 : head->down[c], n = 0;
    uint32_t across = layer->count == 1 ? 1 : head->across[c];
    uint32_t width = layer->count == 1 ? part->wide : head->columns;
    uint32_t bit = 1u << (layer - picture->layers), begin = (uint32_t)(place / width) * down;
    for (uint32_t x = 0; steps && x < width * across; x++) {
        uint32_t y = x / across < place % width ? begin + down : begin, above = begin;
        while (above && !(part->seen[(above - 1) * part->stride + x] & bit))
            above--;
        if (above && y < part->rows)
            steps[n++] = kept(part->blocks[(above - 1) * part->stride + x][0] -
                              part->blocks[y * part->stride + x][0]);
    }
    if (n) {
        qsort(steps, n, sizeof *steps, by_value);
        for (size_t i = (size_t)begin * part->stride; i < (size_t)part->stride * part->rows;
             i++) {
            uint64_t of = i / part->stride / down * width + i % part->stride / across;
            if (of >= place && (part->seen[i] & bit))
                part->blocks[i][0] = kept(part->blocks[i][0] + steps[n / 2]);
        }
    }
    arena_pop(picture->salvage->arena, mark);
}

/* What is behind the last gap, from `begin` on. */
static void read_tail(struct jpeg_picture *picture, struct jpeg_layer *layer, struct run *run,
                      uint64_t done, uint64_t read_bytes, uint64_t begin)
{
    uint64_t total = places_of(picture, layer), n, size = layer->to - begin;
    uint64_t lost = begin - layer->from - read_bytes;
    n = step_in(picture, layer, run, total - done);
    if (!n || !likely(total - done - n, lost, n, size, layer->first ? 16 : 3))
        return;
    /* Before codes are in step, they are others. */
    uint64_t place = total - n;
    for (unsigned i = 0; !layer->restart && i < UNSURE; i++, place++)
        if (!read_place(picture, layer, run, 0, false, 0))
            return;
    if (layer->restart && place % layer->restart)
        return;
    (void)read_on(picture, layer, run, place, 0);
    for (unsigned i = 0; !layer->first && !layer->restart && i < layer->count; i++)
        join_dc(picture, layer, layer->of[i], place);
    layer->tail = begin;
}

/* A scan of one bit for each block: where a bit belongs is told by how many follow it. */
static void read_bits(struct jpeg_picture *picture, struct jpeg_layer *layer, struct run *run,
                      uint64_t begin)
{
    uint64_t total = places_of(picture, layer), each = 0;
    unsigned i;
    size_t block;
    while (block_of(picture, layer, 0, (unsigned)each, &i, &block))
        each++;
    uint64_t pad = (8 - total * each % 8) % 8, have = (uint64_t)run->stretch.len * 8;
    if (layer->restart || have < pad || have - pad > total * each)
        return;
    uint64_t first = total * each - (have - pad), place = (first + each - 1) / each;
    run->stretch.bit = place * each - first;
    (void)read_on(picture, layer, run, place, 0);
    layer->tail = begin;
}

/* Where the last stretch of plain bytes of a scan begins. */
static uint64_t last_stretch(const struct jpeg_picture *picture, const struct jpeg_layer *layer,
                             uint64_t from)
{
    const struct map *map = &picture->salvage->map;
    uint64_t begin = from;
    for (uint64_t at = from; at < layer->to;) {
        begin = at;
        uint64_t end = map_plain_end(map, at, layer->to);
        if (end >= layer->to || !budget_charge(picture->salvage->budget, 16))
            break;
        at = map_plain_next(map, end > at ? end : at + 1, layer->to);
    }
    return begin;
}

static void read_one(struct jpeg_picture *picture, struct jpeg_layer *layer)
{
    const struct map *map = &picture->salvage->map;
    uint64_t end = map_plain_end(map, layer->from, layer->to),
             total = places_of(picture, layer);
    uint64_t done = 0, used = 0;
    struct run run;
    uint32_t need;
    layer->read = layer->from;
    layer->tail = layer->to;
    if (!needs(picture, layer, &need))
        return;
    if (end > layer->from && open_run(picture, layer->from, end, &run)) {
        done = read_on(picture, layer, &run, 0, need);
        used = run.stretch.bit / 8;
        used = used < end - layer->from ? used : end - layer->from;
        layer->read = done == total ? layer->to : layer->from + used;
    }
    if (done == total || !layer->ends || (layer->high && layer->first))
        return;
    uint64_t begin = last_stretch(picture, layer, end < layer->to ? end : layer->from + used);
    if (layer->to - begin < PLAIN_LEAST || !open_run(picture, begin, layer->to, &run))
        return;
    if (layer->high)
        read_bits(picture, layer, &run, begin);
    else
        read_tail(picture, layer, &run, done, used, begin);
}

bool jpeg_picture_read(struct jpeg_picture *picture)
{
    const struct jpeg_head *head = &picture->head;
    uint32_t most_across = 1, most_down = 1;
    for (unsigned c = 0; c < head->components; c++) {
        most_across = head->across[c] > most_across ? head->across[c] : most_across;
        most_down = head->down[c] > most_down ? head->down[c] : most_down;
    }
    for (unsigned c = 0; c < head->components; c++) {
        struct jpeg_part *part = &picture->parts[c];
        uint32_t width = (head->width * head->across[c] + most_across - 1) / most_across;
        uint32_t height = (head->height * head->down[c] + most_down - 1) / most_down;
        part->wide = (width + 7) / 8;
        part->high = (height + 7) / 8;
        part->stride = head->columns * head->across[c];
        part->rows = head->rows * head->down[c];
        size_t blocks = (size_t)part->stride * part->rows;
        part->blocks = arena_push_array(picture->salvage->arena, blocks, sizeof *part->blocks);
        part->seen = PUSH_ARRAY(picture->salvage->arena, uint32_t, blocks);
        if (!part->blocks || !part->seen)
            return false;
    }
    find_layers(picture);
    for (uint32_t i = 0; i < picture->layer_count; i++) {
        struct arena_mark mark = arena_mark(picture->salvage->arena);
        read_one(picture, &picture->layers[i]);
        arena_pop(picture->salvage->arena, mark);
    }
    return true;
}

/* --- the picture --- */

struct count {
    uint64_t all, whole, coarse;
};

/* Of the blocks of brightness: those of which every scan was read, and some. */
static struct count count_blocks(const struct jpeg_picture *picture)
{
    const struct jpeg_part *part = &picture->parts[0];
    struct count count = {.all = (uint64_t)part->wide * part->high};
    uint64_t sharp = 0;
    uint32_t every = 0;
    for (uint32_t i = 0; i < picture->layer_count; i++) {
        const struct jpeg_layer *layer = &picture->layers[i];
        for (unsigned k = 0; k < layer->count; k++)
            if (layer->of[k] == 0) {
                every |= 1u << i;
                sharp |=
                    layer->low ? 0 : (~0ull >> (63 - layer->last)) & (~0ull << layer->first);
            }
    }
    for (uint64_t i = 0; i < count.all; i++) {
        uint32_t seen = part->seen[i / part->wide * part->stride + i % part->wide];
        bool whole = sharp == UINT64_MAX && seen == every;
        count.whole += whole;
        count.coarse += seen && !whole;
    }
    return count;
}

/* The head as it was, but for what tells of scans. */
static void put_head(const struct jpeg_picture *picture)
{
    struct salvage *salvage = picture->salvage;
    const struct jpeg_head *head = &picture->head;
    bytes file = salvage->file, common = jpeg_common_segment();
    const uint8_t sof[2] = {0xff, 0xc0}, dht[4] = {0xff, 0xc4, (uint8_t)((common.len + 2) >> 8),
                                                   (uint8_t)(common.len + 2)};
    uint8_t scan[8 + 2 * JPEG_COMPONENTS] = {0xff, 0xda, 0, (uint8_t)(6 + 2 * head->components),
                                             head->components};
    uint64_t len;
    (void)!salvage_put(salvage, bytes_slice(file, 0, 2));
    for (uint64_t at = 2; at < picture->layers[0].from; at += 2 + len) {
        len = load_be16(file.at + at + 2);
        uint8_t kind = file.at[at + 1];
        if (at == picture->frame)
            (void)(salvage_put(salvage, (bytes){sof, 2}) &&
                   salvage_put(salvage, bytes_slice(file, (size_t)at + 2, (size_t)len)));
        else if (kind != 0xc4 && kind != 0xdd && kind != 0xda)
            (void)!salvage_put(salvage, bytes_slice(file, (size_t)at, (size_t)len + 2));
    }
    for (unsigned c = 0; c < head->components; c++) {
        scan[5 + 2 * c] = picture->id[c];
        scan[6 + 2 * c] = (uint8_t)(head->dc_of[c] << 4 | head->ac_of[c]);
    }
    scan[6 + 2 * head->components] = 63;
    (void)(salvage_put(salvage, (bytes){dht, 4}) && salvage_put(salvage, common) &&
           salvage_put(salvage, (bytes){scan, 8 + 2u * head->components}));
}

static bool put_out(void *to, bytes data)
{
    return salvage_put(to, data);
}

void jpeg_picture_give(struct jpeg_picture *picture)
{
    struct salvage *salvage = picture->salvage;
    const struct jpeg_head *head = &picture->head;
    struct count count = count_blocks(picture);
    struct jpeg_writer *writer = PUSH(salvage->arena, struct jpeg_writer);
    if (!writer)
        return;
    writer->put = put_out;
    writer->to = salvage;
    put_head(picture);
    for (uint64_t place = 0; place < (uint64_t)head->columns * head->rows && !salvage->stopped;
         place++) {
        uint64_t row = place / head->columns, column = place % head->columns;
        for (unsigned c = 0; c < head->components; c++) {
            const struct jpeg_part *part = &picture->parts[c];
            for (uint32_t n = 0; n < (uint32_t)head->across[c] * head->down[c]; n++) {
                uint64_t y = row * head->down[c] + n / head->across[c],
                         x = column * head->across[c] + n % head->across[c];
                jpeg_write_block(writer, head, c, part->blocks[y * part->stride + x]);
            }
        }
    }
    jpeg_flush(writer);
    salvage_gives(salvage, 0, picture->layers[0].head);
    for (uint32_t i = 0; i < picture->layer_count; i++) {
        salvage_gives(salvage, picture->layers[i].head, picture->layers[i].read);
        salvage_gives(salvage, picture->layers[i].tail, picture->layers[i].to);
    }
    salvage_counts(salvage, count.whole + count.coarse);
    if (salvage_put(salvage, bytes_of("\xff\xd9")))
        (void)salvage_end(
            salvage, SALVAGE_PARTIAL,
            "progressive: of %llu blocks the brightness of %llu is as it was, %llu are "
            "coarse or dim",
            (unsigned long long)count.all, (unsigned long long)count.whole,
            (unsigned long long)count.coarse);
}
