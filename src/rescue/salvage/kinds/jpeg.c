/* JPEG, baseline (ITU T.81): SOI ff d8, then segments "ff KIND length16 ...": DQT db, SOF0 c0
 * (8, height16, width16, n, n times: id, across << 4 | down, table), DHT c4, DRI dd
 * (interval16), SOS da, behind which the entropy coded data stand to the end: there ff is
 * followed by 00, or is a restart marker d0 to d7. So ciphertext gives itself away: every 260
 * bytes of it break that rule.
 *
 * What is decoded is written anew as one scan, with flat MCUs for what is lost: as many as the
 * lost bytes would have held, or as restart markers say. With the head lost the tables are
 * those of annex K, which most cameras use; the sampling is the one that can be read, the width
 * that at which rows are alike. Progressive pictures: jpeg_layers. */
#include "rescue/salvage/kinds/jpeg_layers.h"

#include <string.h>

enum {
    HEAD_MOST = 1 << 17,   /* bytes in which segments are looked for */
    QUIET = 8192,          /* so many bytes without a break of the rule are plain */
    LAG = 4096,            /* from where ciphertext begins to where it breaks the rule */
    SEGMENT_LEAST = 1024,  /* plain bytes that are worth a search */
    STARTS_MOST = 1 << 16, /* searches */
    SAMPLES = 1 << 14,     /* brightness of MCUs, for the width */
    COLUMNS_MOST = 2048,
    RETRIES = 4,
    TOTAL_MOST = 1 << 24, /* MCUs */
    HEAD_LIKELY = 1024,
    SCAN_LEAST = 2048, /* plain bytes, and that may hold one break of the rule */
};

/* ITU T.81, annex K.1 and K.2, halved: a guess, as the DQT segments of a file. */
static const uint8_t common_quantization[] = {
    255, 219, 0,  67, 0,  8,  6,  6,  7,  6,   5,   8,  7,  7,  7,  9,  9,  8,  10, 12,
    20,  13,  12, 11, 11, 12, 25, 18, 19, 15,  20,  29, 26, 31, 30, 29, 26, 28, 28, 32,
    36,  46,  39, 32, 34, 44, 35, 28, 28, 40,  55,  41, 44, 48, 49, 52, 52, 52, 31, 39,
    57,  61,  56, 50, 60, 46, 51, 52, 50, 255, 219, 0,  67, 1,  9,  9,  9,  12, 11, 12,
    24,  13,  13, 24, 50, 33, 28, 33, 50, 50,  50,  50, 50, 50, 50, 50, 50, 50, 50, 50,
    50,  50,  50, 50, 50, 50, 50, 50, 50, 50,  50,  50, 50, 50, 50, 50, 50, 50, 50, 50,
    50,  50,  50, 50, 50, 50, 50, 50, 50, 50,  50,  50, 50, 50, 50, 50, 50, 50,
};

struct jpeg {
    struct salvage *salvage;
    struct jpeg_head head;
    bool whole_head, sized, tables; /* all of it; its SOF; its DHT */
    bool refused;                   /* progressive and the like */
    struct jpeg_picture *layers;    /* of a progressive one whose head is whole, or NULL */
    uint64_t scan, interval_at;     /* where the data begin; where DRI's value is, 0: none */
    bytes quantization[4];          /* DQT segments */
    unsigned quantizations;
    uint64_t *starts;            /* bits at which searches ended, in order */
    uint32_t start, start_count; /* the next of them, when they are known */
    uint64_t decoded, decoded_bits;
    uint32_t index, total, gaps; /* MCUs placed; that there are, 0: not known */
    uint32_t since;              /* MCUs since the last restart marker, UINT32_MAX: not known */
    int16_t *samples;
    uint32_t sample_count;
    struct jpeg_writer *writer; /* NULL: only looks */
};

static bool put_out(void *to, bytes data)
{
    return salvage_put(to, data);
}

/* A segment's contents. False: it is refused. */
static bool take_segment(struct jpeg *jpeg, uint8_t kind, bytes body, uint64_t at)
{
    struct jpeg_head *head = &jpeg->head;
    if (kind == 0xdb && jpeg->quantizations < COUNT(jpeg->quantization)) {
        jpeg->quantization[jpeg->quantizations++] =
            bytes_slice(jpeg->salvage->file, (size_t)at, body.len + 4);
    } else if (kind == 0xc0 || kind == 0xc1) {
        if (body.len < 6 || body.at[0] != 8 || body.len < 6 + 3u * body.at[5] ||
            body.at[5] > JPEG_COMPONENTS)
            return false;
        head->height = load_be16(body.at + 1);
        head->width = load_be16(body.at + 3);
        head->components = body.at[5];
        for (unsigned c = 0; c < head->components; c++) {
            head->across[c] = body.at[7 + 3 * c] >> 4;
            head->down[c] = body.at[7 + 3 * c] & 15;
        }
        jpeg->sized = true;
    } else if (kind == 0xc2 || (kind > 0xc4 && kind < 0xd0 && kind != 0xc8 && kind != 0xcc)) {
        jpeg->refused = true;
        return false;
    } else if (kind == 0xc4) {
        jpeg->tables = jpeg_tables(head, body);
        return jpeg->tables;
    } else if (kind == 0xdd && body.len == 2) {
        head->restart = load_be16(body.at);
        jpeg->interval_at = at + 4;
    } else if (kind == 0xda) {
        if (!body.len || body.len < 1 + 2u * body.at[0] || body.at[0] != head->components)
            return false;
        for (unsigned c = 0; c < head->components; c++) {
            head->dc_of[c] = body.at[2 + 2 * c] >> 4;
            head->ac_of[c] = body.at[2 + 2 * c] & 15;
        }
    }
    return true;
}

/* The head, one segment after the other. */
static bool read_head(struct jpeg *jpeg)
{
    bytes file = jpeg->salvage->file;
    uint16_t len;
    for (uint64_t at = 2; bytes_be16(file, at + 2, &len) && file.at[at] == 0xff && len >= 2;) {
        uint8_t kind = file.at[at + 1];
        bytes body = bytes_slice(file, (size_t)at + 4, len - 2u);
        if (body.len < len - 2u || !take_segment(jpeg, kind, body, at))
            return false;
        at += 2u + len;
        jpeg->scan = at;
        if (kind == 0xda)
            return jpeg->sized && jpeg->tables && jpeg->quantizations;
    }
    return false;
}

/* What is left of a head: its segments wherever they are plain. */
static void find_segments(struct jpeg *jpeg)
{
    bytes file = jpeg->salvage->file;
    uint64_t end = file.len < HEAD_MOST ? file.len : HEAD_MOST;
    jpeg->head = (struct jpeg_head){0};
    jpeg->quantizations = 0;
    jpeg->sized = jpeg->tables = false;
    jpeg->scan = 0;
    for (uint64_t at = 0; at + 4 < end; at++) {
        uint8_t kind = file.at[at + 1];
        if (file.at[at] != 0xff ||
            (kind != 0xdb && kind != 0xc0 && kind != 0xc4 && kind != 0xda))
            continue;
        uint64_t len = load_be16(file.at + at + 2);
        bytes body = bytes_slice(file, (size_t)at + 4, len < 2 ? 0 : (size_t)len - 2);
        if (len < 8 || len > 512 || body.len < len - 2 ||
            !map_is_plain(&jpeg->salvage->map, at, at + 2 + len) ||
            !take_segment(jpeg, kind, body, at))
            continue;
        jpeg->scan = at + 2 + len;
        if (kind == 0xda)
            return;
        at += 1 + len;
    }
}

/* Where the rule of the scan is broken, ciphertext is near; where it is not for long, there is
 * no long run of it. */
static void prove(struct jpeg *jpeg)
{
    bytes file = jpeg->salvage->file;
    struct map *map = &jpeg->salvage->map;
    uint64_t last = jpeg->scan, at = jpeg->scan > 1024 ? jpeg->scan : 1024;
    uint64_t slack = jpeg->layers ? 0 : LAG / 2;
    if (jpeg->whole_head || jpeg->layers)
        map_prove(map, 0, jpeg->scan);
    else
        map_break(map, 0, 2, false);
    while (at + 1 < file.len) {
        const uint8_t *mark = memchr(file.at + at, 0xff, file.len - (size_t)at - 1);
        uint64_t here = mark ? (uint64_t)(mark - file.at) : file.len;
        if (!budget_charge(jpeg->salvage->budget, (here - at) / 16 + 1))
            return;
        at = here + 1;
        uint64_t chain = mark && mark[1] ? jpeg_chain(file, here) : 0;
        if (chain) { /* the next scan's head */
            if (!slack || here - last > LAG)
                map_decode(map, last + slack, here);
            map_prove(map, here, chain);
            last = at = chain;
            slack = 0;
            continue;
        }
        if (jpeg->layers && mark && mark[1] == 0xd9 && here - last > slack &&
            (file.len - here < LAG || (!slack && memcmp(mark + 2, "\xff\xd8", 2) == 0))) {
            map_decode(map, last + slack, here);
            return;
        }
        if (mark && (mark[1] == 0 || (mark[1] >= 0xd0 && mark[1] <= 0xd7) ||
                     (mark[1] == 0xd9 && here + 2 >= file.len)))
            continue;
        if (here - last > QUIET || (!slack && here - last > LAG))
            map_decode(map, last + slack, here - LAG);
        slack = LAG / 2;
        if (mark)
            map_break(map, here, here + 2, false);
        last = here;
    }
}

/* Optimised codes look as random as ciphertext. Where no pattern explains the file, what keeps
 * the rule of the scan for long is plain, and what lies between and breaks it is not. */
static void solve_again(struct salvage *salvage)
{
    struct map *map = &salvage->map;
    VEC(struct map_range) ranges = {0};
    uint64_t behind = 0;
    if (map->given || map->regular || !map->broken.n)
        return;
    for (uint32_t i = 0; i < map->decoded.n; i++)
        map_prove(map, map->decoded.at[i].from, map->decoded.at[i].to);
    map_solve(map);
    for (uint32_t i = 0, b = 0; !map->regular && i <= map->plain.n; i++) {
        uint64_t end = i < map->plain.n ? map->plain.at[i].from : map->file.len;
        while (b < map->broken.n && map->broken.at[b].from < behind)
            b++;
        if (b < map->broken.n && map->broken.at[b].from < end) {
            struct map_range *range = vec_push(map->arena, &ranges);
            if (range)
                *range = (struct map_range){behind, end};
        }
        behind = i < map->plain.n ? map->plain.at[i].to : end;
    }
    if (ranges.n)
        (void)!map_given(map, map->file, ranges.at, ranges.n, map->arena, map->budget);
}

static void guess_sampling(struct jpeg *jpeg, unsigned which)
{
    static const uint8_t across[] = {2, 1, 2, 1}, down[] = {2, 1, 1, 1};
    struct jpeg_head *head = &jpeg->head;
    head->components = which < 3 ? 3 : 1;
    head->width = head->height = 8;
    for (unsigned c = 0; c < 3; c++) {
        head->across[c] = c ? 1 : across[which];
        head->down[c] = c ? 1 : down[which];
        head->dc_of[c] = head->ac_of[c] = c > 0;
    }
}

/* Flat MCUs up to this one. */
static void fill(struct jpeg *jpeg, uint64_t to)
{
    if (jpeg->total && to > jpeg->total)
        to = jpeg->total;
    if (to > TOTAL_MOST)
        to = TOTAL_MOST;
    for (; jpeg->index < to; jpeg->index++)
        if (jpeg->writer)
            jpeg_write_flat(jpeg->writer, &jpeg->head);
}

/* How many MCUs so many lost bytes may have held. */
static uint64_t estimate(const struct jpeg *jpeg, uint64_t lost)
{
    return jpeg->decoded_bits ? lost * 8 * jpeg->decoded / jpeg->decoded_bits : 0;
}

/* The place of the MCU behind restart marker `number` that is nearest to `likely`. */
static uint64_t restart_place(const struct jpeg *jpeg, uint64_t likely, int number)
{
    uint64_t each = jpeg->head.restart;
    if (!each)
        return likely;
    uint64_t turn = likely / each, want = ((uint64_t)number + 1) & 7;
    uint64_t place = (turn & ~(uint64_t)7) + want;
    if (place > turn + 4 && place >= 8)
        place -= 8;
    else if (place + 4 < turn)
        place += 8;
    /* What was estimated before can be too much: then the rest stays too low by that. */
    return place * each < jpeg->index ? jpeg->index : place * each;
}

/* Goes to where MCUs begin again. `known`: they begin at once. */
static bool find_start(struct jpeg *jpeg, struct jpeg_stretch *stretch, uint64_t likely)
{
    if (stretch->next < stretch->restart_count &&
        stretch->restarts[stretch->next].at < (stretch->bit / 8) + LAG) {
        int number = jpeg_to_restart(stretch);
        fill(jpeg, restart_place(jpeg, likely, number));
        jpeg->since = 0;
        return true;
    }
    jpeg->since = UINT32_MAX;
    if (jpeg->start == jpeg->start_count) {
        if (jpeg->start == STARTS_MOST)
            return false;
        bool found = jpeg_step_in(&jpeg->head, stretch, jpeg->salvage->budget);
        jpeg->starts[jpeg->start_count++] = found ? stretch->bit : UINT64_MAX;
    }
    stretch->bit = jpeg->starts[jpeg->start++];
    memset(stretch->dc, 0, sizeof stretch->dc);
    if (stretch->bit == UINT64_MAX)
        return false;
    fill(jpeg, likely);
    return true;
}

static void take_mcu(struct jpeg *jpeg, struct jpeg_stretch *stretch,
                     const struct jpeg_block *blocks, const int32_t *base, uint64_t bits)
{
    jpeg->index++;
    jpeg->since += jpeg->since != UINT32_MAX;
    if (jpeg->writer) {
        jpeg_write(jpeg->writer, &jpeg->head, stretch, blocks, base);
        return;
    }
    jpeg->decoded++;
    jpeg->decoded_bits += bits;
    if (jpeg->samples && jpeg->sample_count < SAMPLES)
        jpeg->samples[jpeg->sample_count++] = (int16_t)blocks[0].dc;
}

/* All MCUs of a stretch, from where it stands. */
static void take_stretch(struct jpeg *jpeg, struct jpeg_stretch *stretch)
{
    struct jpeg_block blocks[JPEG_BLOCKS];
    int32_t base[JPEG_COMPONENTS] = {0};
    int tries = 0;
    if (jpeg->writer && jpeg->since == UINT32_MAX)
        memcpy(base, jpeg->writer->dc, sizeof base);
    while (!jpeg->salvage->stopped && (!jpeg->total || jpeg->index < jpeg->total)) {
        uint64_t before = stretch->bit;
        if (!budget_charge(jpeg->salvage->budget, 16))
            return;
        if (jpeg_at_restart(stretch)) {
            if (!jpeg->head.restart && jpeg->since != UINT32_MAX)
                jpeg->head.restart = jpeg->since;
            int number = jpeg_to_restart(stretch);
            fill(jpeg, restart_place(jpeg, jpeg->index, number));
            jpeg->since = 0;
            memset(base, 0, sizeof base);
        } else if (jpeg_mcu(&jpeg->head, stretch, blocks)) {
            take_mcu(jpeg, stretch, blocks, base, stretch->bit - before);
        } else if (stretch->bit + 8 * SEGMENT_LEAST > (uint64_t)stretch->len * 8 ||
                   ++tries > RETRIES || !find_start(jpeg, stretch, jpeg->index)) {
            return;
        } else {
            memset(base, 0, sizeof base);
            if (jpeg->writer && jpeg->since == UINT32_MAX)
                memcpy(base, jpeg->writer->dc, sizeof base);
        }
    }
}

/* Through all that is plain of the scan. */
static void walk(struct jpeg *jpeg)
{
    struct salvage *salvage = jpeg->salvage;
    uint64_t size = salvage->file.len - salvage->map.trailer, lost = jpeg->scan;
    jpeg->index = jpeg->start = jpeg->gaps = 0;
    for (uint64_t at = jpeg->scan; at < size && !salvage->stopped;) {
        uint64_t end = map_plain_end(&salvage->map, at, size);
        bool first = at == jpeg->scan && jpeg->whole_head;
        if (end > at && (first || end - at >= SEGMENT_LEAST)) {
            struct arena_mark mark = arena_mark(salvage->arena);
            struct jpeg_stretch stretch;
            size_t used;
            if (jpeg_unstuff(bytes_slice(salvage->file, (size_t)at, (size_t)(end - at)),
                             salvage->arena, &stretch, &used) < 0)
                return;
            jpeg->since = first ? 0 : UINT32_MAX;
            jpeg->gaps += !first;
            if (first || find_start(jpeg, &stretch, jpeg->index + estimate(jpeg, at - lost))) {
                take_stretch(jpeg, &stretch);
                lost = at + used;
            }
            arena_pop(salvage->arena, mark); /* before spans are kept in the same arena */
            if (jpeg->writer && lost > at)
                salvage_gives(salvage, at, lost);
        }
        at = map_plain_next(&salvage->map, end > at ? end : at + 1, size);
    }
}

/* At which distance brightness repeats best, in MCUs. */
static uint32_t guess_columns(const struct jpeg *jpeg)
{
    uint64_t least = UINT64_MAX;
    uint32_t best = 64;
    for (uint32_t columns = 8; columns < COLUMNS_MOST && columns * 3 < jpeg->sample_count;
         columns++) {
        uint64_t sum = 0, n = jpeg->sample_count - columns;
        for (uint32_t i = 0; i < n; i++) {
            int32_t step = jpeg->samples[i + columns] - jpeg->samples[i];
            sum += (uint64_t)(step < 0 ? -step : step);
        }
        if (!budget_charge(jpeg->salvage->budget, n / 8))
            break;
        if (sum * 1024 / n < least) {
            least = sum * 1024 / n;
            best = columns;
        }
    }
    return best;
}

/* The head being lost: what can be read with the common tables tells how it was sampled. */
static bool guess_head(struct jpeg *jpeg)
{
    struct jpeg best = *jpeg;
    if (!jpeg->tables)
        jpeg_common(&jpeg->head);
    for (unsigned which = 0; !jpeg->sized && which < 4; which++) {
        struct jpeg now = *jpeg;
        guess_sampling(&now, which);
        now.samples = PUSH_ARRAY(jpeg->salvage->arena, int16_t, SAMPLES);
        if (!now.samples || !jpeg_lay_out(&now.head))
            continue;
        walk(&now);
        now.start_count = 0; /* of another sampling, perhaps */
        if (now.decoded_bits > best.decoded_bits)
            best = now;
        if (best.decoded_bits > jpeg->salvage->file.len * 4)
            break;
    }
    if (!jpeg->sized)
        *jpeg = best;
    return jpeg->sized || jpeg->decoded;
}

static void put_table(struct jpeg *jpeg, unsigned which, const struct jpeg_code *code)
{
    uint8_t segment[21] = {0xff, 0xc4, 0, (uint8_t)(19 + code->count), (uint8_t)which};
    segment[2] = (uint8_t)((19u + code->count) >> 8);
    for (int i = 0; i < 16; i++)
        segment[5 + i] = code->bits[1 + i];
    if (code->count && salvage_put(jpeg->salvage, (bytes){segment, sizeof segment}))
        (void)!salvage_put(jpeg->salvage, (bytes){code->symbols, code->count});
}

/* The head as it was, without restart markers; or a new one. */
static void put_head(struct jpeg *jpeg)
{
    struct salvage *salvage = jpeg->salvage;
    const struct jpeg_head *head = &jpeg->head;
    static const uint8_t none[2] = {0, 0};
    if (jpeg->whole_head) {
        uint64_t cut = jpeg->interval_at ? jpeg->interval_at : jpeg->scan;
        (void)(salvage_put(salvage, bytes_slice(salvage->file, 0, (size_t)cut)) &&
               (!jpeg->interval_at ||
                (salvage_put(salvage, (bytes){none, 2}) &&
                 salvage_put(salvage, bytes_slice(salvage->file, (size_t)cut + 2,
                                                  (size_t)(jpeg->scan - cut - 2))))));
        salvage_gives(salvage, 0, jpeg->scan);
        return;
    }
    uint8_t frame[10 + 3 * JPEG_COMPONENTS] = {0xff,
                                               0xc0,
                                               0,
                                               (uint8_t)(8 + 3 * head->components),
                                               8,
                                               (uint8_t)(head->height >> 8),
                                               (uint8_t)head->height,
                                               (uint8_t)(head->width >> 8),
                                               (uint8_t)head->width,
                                               head->components};
    uint8_t scan[5 + 2 * JPEG_COMPONENTS + 3] = {
        0xff, 0xda, 0, (uint8_t)(6 + 2 * head->components), head->components};
    for (unsigned c = 0; c < head->components; c++) {
        const uint8_t part[3] = {(uint8_t)(c + 1),
                                 (uint8_t)(head->across[c] << 4 | head->down[c]), c > 0};
        memcpy(frame + 10 + 3 * c, part, 3);
        scan[5 + 2 * c] = (uint8_t)(c + 1);
        scan[6 + 2 * c] = (uint8_t)(head->dc_of[c] << 4 | head->ac_of[c]);
    }
    scan[5 + 2 * head->components + 1] = 63;
    (void)!salvage_put(salvage, bytes_of("\xff\xd8"));
    (void)!salvage_put(salvage, (bytes){common_quantization, sizeof common_quantization});
    for (unsigned i = 0; i < jpeg->quantizations; i++)
        (void)!salvage_put(salvage, jpeg->quantization[i]);
    (void)!salvage_put(salvage, (bytes){frame, 10 + 3u * head->components});
    for (unsigned i = 0; i < JPEG_TABLES; i++) {
        put_table(jpeg, i, &head->dc[i]);
        put_table(jpeg, 16 + i, &head->ac[i]);
    }
    (void)!salvage_put(salvage, (bytes){scan, 8 + 2u * head->components});
}

static void write_picture(struct jpeg *jpeg)
{
    struct salvage *salvage = jpeg->salvage;
    struct jpeg_writer *writer = PUSH(salvage->arena, struct jpeg_writer);
    if (!writer || !salvage_begin(salvage, salvage_name(salvage, "jpg"), "JPEG"))
        return;
    writer->put = put_out;
    writer->to = salvage;
    put_head(jpeg);
    jpeg->writer = writer;
    walk(jpeg);
    fill(jpeg, jpeg->total);
    jpeg_flush(writer);
    salvage_counts(salvage, jpeg->decoded);
    if (salvage_put(salvage, bytes_of("\xff\xd9")))
        (void)salvage_end(salvage, SALVAGE_PARTIAL, "%llu of %u blocks%s",
                          (unsigned long long)jpeg->decoded, jpeg->total,
                          jpeg->whole_head ? "" : "; head, size and contrast are guesses");
}

int jpeg_fits(struct salvage *salvage)
{
    if (salvage_named(salvage, "jpg") || salvage_named(salvage, "jpeg"))
        return 92;
    return salvage->file.len > 4 && memcmp(salvage->file.at, "\xff\xd8\xff", 3) == 0 ? 85 : 0;
}

static void give_as_it_is(struct salvage *salvage)
{
    if (salvage_begin(salvage, salvage_name(salvage, "jpg"), "JPEG") &&
        salvage_put_blanked(salvage, 0, salvage->file.len))
        (void)(salvage->map.total ? salvage_end(salvage, SALVAGE_PARTIAL,
                                                "%llu bytes are encrypted, and zeros here",
                                                (unsigned long long)salvage->map.total)
                                  : salvage_end(salvage, SALVAGE_PLAUSIBLE, "whole"));
}

bool jpeg_is_scan(struct salvage *salvage, uint64_t from)
{
    bytes file = salvage->file;
    uint64_t size = file.len - salvage->map.trailer, all = 0, breaks = 0;
    while (from < size) {
        uint64_t end = map_plain_end(&salvage->map, from, size);
        const uint8_t *at = file.at + from, *stop = file.at + end;
        all += end - from;
        while (at + 1 < stop && (at = memchr(at, 0xff, (size_t)(stop - at) - 1))) {
            breaks += at[1] && (at[1] < 0xd0 || at[1] > 0xd9);
            at += 2;
        }
        if (!budget_charge(salvage->budget, (end - from) / 16 + 1))
            return false;
        from = map_plain_next(&salvage->map, end > from ? end : from + 1, size);
    }
    return all >= SCAN_LEAST && breaks <= all / SCAN_LEAST + 2;
}

void jpeg_give(struct salvage *salvage)
{
    struct jpeg *jpeg = PUSH(salvage->arena, struct jpeg);
    if (!jpeg)
        return;
    jpeg->salvage = salvage;
    jpeg->starts = PUSH_ARRAY(salvage->arena, uint64_t, STARTS_MOST);
    if (!jpeg->starts)
        return;
    bool begins = memcmp(salvage->file.at, "\xff\xd8\xff", 3) == 0;
    jpeg->whole_head = begins && read_head(jpeg) && jpeg_lay_out(&jpeg->head);
    if (jpeg->refused && !jpeg->whole_head) {
        struct jpeg_picture *picture = PUSH(salvage->arena, struct jpeg_picture);
        if (picture && jpeg_picture_head(picture, salvage)) {
            jpeg->layers = picture;
            jpeg->scan = picture->layers[0].from;
        }
    }
    prove(jpeg);
    if (!salvage_solve(salvage))
        return;
    if (jpeg->layers)
        solve_again(salvage);
    if (jpeg->whole_head && !map_is_plain(&salvage->map, 0, jpeg->scan))
        jpeg->whole_head = false;
    if (jpeg->layers && salvage->map.total &&
        map_is_plain(&salvage->map, 0, jpeg->layers->layers[0].from) &&
        jpeg_picture_read(jpeg->layers)) {
        if (salvage_begin(salvage, salvage_name(salvage, "jpg"), "JPEG"))
            jpeg_picture_give(jpeg->layers);
        return;
    }
    if (!salvage->map.total || (begins && jpeg->refused && !jpeg->whole_head)) {
        give_as_it_is(salvage);
        return;
    }
    if (!jpeg_is_scan(salvage, jpeg->whole_head ? jpeg->scan : HEAD_LIKELY))
        return;
    if (!jpeg->whole_head)
        find_segments(jpeg);
    if (!jpeg->whole_head && (!guess_head(jpeg) || !jpeg_lay_out(&jpeg->head)))
        return;
    if (jpeg->sized)
        jpeg->total = jpeg->head.columns * jpeg->head.rows;
    if (jpeg->sized)
        walk(jpeg); /* how many bytes an MCU takes */
    if (!jpeg->decoded)
        return;
    if (!jpeg->sized) {
        uint32_t columns = guess_columns(jpeg);
        /* Again, with what is known now of restart markers: they say where blocks lie. */
        jpeg->decoded = jpeg->decoded_bits = 0;
        walk(jpeg);
        uint64_t blocks = jpeg->decoded + estimate(jpeg, salvage->map.total);
        uint64_t rows = (blocks > jpeg->index ? blocks : jpeg->index) / columns + 1;
        jpeg->head.width = columns * 8 * jpeg->head.across[0];
        jpeg->head.height = (uint32_t)(rows < 8000 ? rows : 8000) * 8 * jpeg->head.down[0];
        if (!jpeg_lay_out(&jpeg->head))
            return;
        jpeg->total = jpeg->head.columns * jpeg->head.rows;
    }
    write_picture(jpeg);
}
