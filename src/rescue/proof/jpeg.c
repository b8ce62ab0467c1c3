/* JPEG (ITU-T T.81): markers FF xx (annex B), each but SOI, EOI and RSTn with a length (2, big
 * endian, itself included); after SOS entropy-coded data, in which FF is followed by 00.
 *
 * Of Huffman coding (sequential and progressive) every bit of every scan is decoded (annexes F
 * and G): a scan holds when its last unit ends in the last byte before the next marker, and all
 * values can be. A bit that is changed in a value still decodes: nothing here is proven. The
 * coefficients are not kept, but for which of them are not zero, where a scan that refines
 * needs to know. */
#include "rescue/proof/jpeg.h"
#include "rescue/proof/jpeg_bits.h"
#include "rescue/proof/kind.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    SOF0 = 0xc0,
    SOF1 = 0xc1,
    SOF2 = 0xc2,
    DHT = 0xc4,
    JPG = 0xc8,
    DAC = 0xcc,
    RST0 = 0xd0,
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    DQT = 0xdb,
    DRI = 0xdd,
    COMPONENTS = 4,
    MASKS_MOST = 8 << 20, /* units whose coefficients are kept track of */
    SEGMENT_MOST = 65535,
};

struct component {
    uint8_t id, h, v, table; /* sampling, quantization */
    uint32_t wide, high;     /* units in a scan of its own */
    uint32_t stride, rows;   /* units in a scan with others */
    uint64_t *mask;          /* of each unit: which coefficients are not zero */
    const struct jpeg_huffman *dc, *ac;
    int32_t predicted;
};

struct image {
    struct reader *reader;
    struct jpeg *ret;
    struct jpeg_huffman huffman[2][4];
    uint16_t quantum[4][64]; /* in the order of the coefficients */
    double norm[4];          /* of half of them: what rounding can add */
    struct component component[COMPONENTS];
    unsigned components, h_most, v_most, precision, restart;
    uint32_t width, height;
    bool framed, progressive, decodes;
};

struct scan {
    struct component *of[COMPONENTS];
    unsigned components, from, to, high, low; /* Ss, Se, Ah, Al */
    uint32_t run;                             /* EOBRUN */
};

static bool broken(struct image *image, uint64_t at, const char *what)
{
    image->ret->end = at;
    snprintf(image->ret->why.text, sizeof image->ret->why.text, "%s at %llu", what,
             (unsigned long long)at);
    return false;
}

/* --- tables and frame --- */

static bool read_quanta(struct image *image, bytes data)
{
    while (data.len) {
        unsigned table = data.at[0] & 15, wide = data.at[0] >> 4;
        size_t len = wide ? 129 : 65;
        double sum = 0;
        if (table > 3 || wide > 1 || data.len < len)
            return false;
        for (size_t k = 0; k < 64; k++) {
            uint16_t quantum = wide ? load_be16(data.at + 1 + 2 * k) : data.at[1 + k];
            image->quantum[table][k] = quantum;
            sum += (double)quantum * quantum / 4;
        }
        image->norm[table] = sqrt(sum);
        data = bytes_slice(data, len, data.len);
    }
    return true;
}

static bool read_huffman(struct image *image, bytes data)
{
    while (data.len) {
        unsigned table = data.at[0] & 15, kind = data.at[0] >> 4;
        size_t used = table < 4 && kind < 2 ? jpeg_huffman_read(&image->huffman[kind][table],
                                                                bytes_slice(data, 1, data.len))
                                            : 0;
        if (!used)
            return false;
        data = bytes_slice(data, 1 + used, data.len);
    }
    return true;
}

static uint32_t divide_up(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

/* How many units each component has; for progressive images also what is not zero in them. */
static bool lay_out(struct image *image)
{
    uint64_t units = 0;
    uint32_t across = divide_up(image->width, 8 * image->h_most),
             down = divide_up(image->height, 8 * image->v_most);
    for (unsigned i = 0; i < image->components; i++) {
        struct component *one = &image->component[i];
        one->wide = divide_up(divide_up(image->width * one->h, image->h_most), 8);
        one->high = divide_up(divide_up(image->height * one->v, image->v_most), 8);
        one->stride = across * one->h;
        one->rows = down * one->v;
        units += (uint64_t)one->stride * one->rows;
    }
    if (!image->progressive)
        return true;
    if (units > MASKS_MOST)
        return false;
    for (unsigned i = 0; i < image->components; i++) {
        struct component *one = &image->component[i];
        one->mask =
            PUSH_ARRAY(image->reader->window->arena, uint64_t, (size_t)one->stride * one->rows);
        if (!one->mask)
            return false;
    }
    return true;
}

static bool read_frame(struct image *image, uint8_t marker, bytes data)
{
    if (image->framed || data.len < 6)
        return false;
    image->framed = true;
    image->precision = data.at[0];
    image->height = load_be16(data.at + 1);
    image->width = load_be16(data.at + 3);
    image->components = data.at[5];
    if (data.len != 6 + 3 * (size_t)image->components || !image->width || !image->components)
        return false;
    image->progressive = marker == SOF2;
    image->decodes = marker <= SOF2 && image->height && image->components <= COMPONENTS &&
                     (image->precision == 8 || image->precision == 12);
    if (!image->decodes)
        return true;
    for (unsigned i = 0; i < image->components; i++) {
        const uint8_t *at = data.at + 6 + 3 * (size_t)i;
        struct component *one = &image->component[i];
        *one =
            (struct component){.id = at[0], .h = at[1] >> 4, .v = at[1] & 15, .table = at[2]};
        if (!one->h || one->h > 4 || !one->v || one->v > 4 || one->table > 3)
            return false;
        image->h_most = one->h > image->h_most ? one->h : image->h_most;
        image->v_most = one->v > image->v_most ? one->v : image->v_most;
    }
    image->decodes = lay_out(image);
    return true;
}

/* --- units --- */

/* Coefficients are those of an orthonormal transform of 64 samples: none is larger than eight
 * times the largest sample, nor is all of them together (Parseval), but for what rounding adds.
 * What was decoded out of noise mostly is. */
static int64_t most_of(const struct image *image)
{
    return (int64_t)4 << image->precision;
}

static bool decode_dc(struct image *image, struct component *one, struct jpeg_bits *bits,
                      unsigned low)
{
    int size = jpeg_bits_symbol(bits, one->dc);
    if (size < 0 || size > 15)
        return false;
    one->predicted += jpeg_bits_value(bits, (unsigned)size);
    int64_t quantum = (int64_t)image->quantum[one->table][0] << low;
    int64_t value = one->predicted * quantum, most = most_of(image) + quantum;
    return value <= most && value >= -most;
}

static bool unit_sequential(struct image *image, struct component *one, struct jpeg_bits *bits)
{
    const uint16_t *quantum = image->quantum[one->table];
    if (!decode_dc(image, one, bits, 0))
        return false;
    double value = (double)one->predicted * quantum[0], sum = value * value;
    for (unsigned k = 1; k < 64; k++) {
        int symbol = jpeg_bits_symbol(bits, one->ac);
        if (symbol < 0)
            return false;
        unsigned run = (unsigned)symbol >> 4, size = symbol & 15;
        if (!size && run != 15) {
            if (run)
                return false;
            break;
        }
        k += run;
        if (k > 63)
            return false;
        value = (double)jpeg_bits_value(bits, size) * quantum[k];
        sum += value * value;
    }
    double most = (double)most_of(image) + image->norm[one->table];
    return sum <= most * most;
}

static bool unit_first(struct scan *scan, struct component *one, struct jpeg_bits *bits,
                       uint64_t *mask)
{
    if (scan->run) {
        scan->run--;
        return true;
    }
    for (unsigned k = scan->from; k <= scan->to; k++) {
        int symbol = jpeg_bits_symbol(bits, one->ac);
        if (symbol < 0)
            return false;
        unsigned run = (unsigned)symbol >> 4, size = symbol & 15;
        if (!size && run != 15) {
            scan->run = (1u << run) - 1 + jpeg_bits_take(bits, run);
            return true;
        }
        k += run;
        if (k > scan->to)
            return false;
        if (size) {
            jpeg_bits_take(bits, size);
            *mask |= 1ull << k;
        }
    }
    return true;
}

/* One correction bit for each coefficient from `k` on that is not zero, up to the one after
 * `zeros` that are; where that is. */
static unsigned refine(const struct scan *scan, struct jpeg_bits *bits, uint64_t mask,
                       unsigned k, unsigned zeros)
{
    for (; k <= scan->to; k++) {
        if (mask >> k & 1)
            jpeg_bits_take(bits, 1);
        else if (!zeros--)
            break;
    }
    return k;
}

static bool unit_refine(struct scan *scan, struct component *one, struct jpeg_bits *bits,
                        uint64_t *mask)
{
    unsigned k = scan->from;
    while (!scan->run && k <= scan->to) {
        int symbol = jpeg_bits_symbol(bits, one->ac);
        if (symbol < 0)
            return false;
        unsigned run = (unsigned)symbol >> 4, size = symbol & 15;
        if (!size && run != 15) {
            scan->run = (1u << run) + jpeg_bits_take(bits, run);
            break;
        }
        if (size > 1)
            return false;
        jpeg_bits_take(bits, size);
        k = refine(scan, bits, *mask, k, run);
        if (k > scan->to)
            return false;
        if (size)
            *mask |= 1ull << k;
        k++;
    }
    if (scan->run) {
        refine(scan, bits, *mask, k, 64);
        scan->run--;
    }
    return true;
}

static bool decode_unit(struct image *image, struct scan *scan, struct component *one,
                        struct jpeg_bits *bits, uint64_t *mask)
{
    if (!image->progressive)
        return unit_sequential(image, one, bits);
    if (scan->from)
        return scan->high ? unit_refine(scan, one, bits, mask)
                          : unit_first(scan, one, bits, mask);
    if (scan->high) {
        jpeg_bits_take(bits, 1);
        return true;
    }
    return decode_dc(image, one, bits, scan->low);
}

/* --- scans --- */

static uint64_t *mask_of(struct component *one, uint64_t row, uint64_t column)
{
    return one->mask ? &one->mask[row * one->stride + column] : NULL;
}

/* The units of all components that belong to one place, or one unit where there is only one
 * component. */
static bool decode_place(struct image *image, struct scan *scan, struct jpeg_bits *bits,
                         uint64_t place)
{
    if (scan->components == 1) {
        struct component *one = scan->of[0];
        return decode_unit(image, scan, one, bits,
                           mask_of(one, place / one->wide, place % one->wide));
    }
    uint32_t across = divide_up(image->width, 8 * image->h_most);
    uint64_t row = place / across, column = place % across;
    for (unsigned i = 0; i < scan->components; i++) {
        struct component *one = scan->of[i];
        for (unsigned v = 0; v < one->v; v++)
            for (unsigned h = 0; h < one->h; h++)
                if (!decode_unit(image, scan, one, bits,
                                 mask_of(one, row * one->v + v, column * one->h + h)))
                    return false;
    }
    return true;
}

static bool decode_scan(struct image *image, struct scan *scan, uint64_t *at)
{
    struct jpeg_bits bits;
    uint64_t places = (uint64_t)divide_up(image->width, 8 * image->h_most) *
                      divide_up(image->height, 8 * image->v_most);
    unsigned restarts = 0;
    if (scan->components == 1)
        places = (uint64_t)scan->of[0]->wide * scan->of[0]->high;
    jpeg_bits_begin(&bits, image->reader, *at);
    for (uint64_t place = 0; place < places; place++) {
        if (place % 1024 == 0 && !proof_reader_charge(image->reader, 1024))
            return false;
        if (image->restart && place && place % image->restart == 0) {
            if (scan->run || !jpeg_bits_end(&bits) ||
                !jpeg_bits_restart(&bits, (uint8_t)(RST0 + restarts++ % 8)))
                return broken(image, bits.at, "a restart marker is missing");
            for (unsigned i = 0; i < scan->components; i++)
                scan->of[i]->predicted = 0;
        }
        if (!decode_place(image, scan, &bits, place) || jpeg_bits_over(&bits))
            return broken(image, bits.at, "its image data cannot be");
    }
    if (scan->run || !jpeg_bits_end(&bits))
        return broken(image, bits.at, "its image data goes on after the image");
    *at = bits.at;
    image->ret->scan++;
    return true;
}

/* Entropy-coded data that is not decoded: to the next marker that ends it. */
static bool skip_scan(struct image *image, uint64_t *at)
{
    image->ret->decoded = false;
    for (;;) {
        uint64_t found =
            proof_reader_find(image->reader, bytes_of("\xff"), *at, image->reader->size);
        uint8_t pair[2];
        if (found == UINT64_MAX || !proof_reader_take(image->reader, found, pair, 2))
            return broken(image, image->reader->size, "it ends without its end marker");
        *at = found;
        if (pair[1] && (pair[1] < RST0 || pair[1] >= SOI))
            return true;
        *at += 2;
    }
}

static bool read_scan(struct image *image, bytes data, struct scan *ret)
{
    *ret = (struct scan){0};
    if (!image->framed || !data.len)
        return false;
    unsigned n = data.at[0];
    if (!n || n > COMPONENTS || data.len != 4 + 2 * (size_t)n)
        return false;
    if (!image->decodes)
        return true;
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *at = data.at + 1 + 2 * (size_t)i;
        for (unsigned c = 0; c < image->components; c++)
            if (image->component[c].id == at[0])
                ret->of[i] = &image->component[c];
        if (!ret->of[i] || at[1] >> 4 > 3 || (at[1] & 15) > 3)
            return false;
        ret->of[i]->dc = &image->huffman[0][at[1] >> 4];
        ret->of[i]->ac = &image->huffman[1][at[1] & 15];
        ret->of[i]->predicted = 0;
    }
    const uint8_t *end = data.at + data.len - 3;
    ret->components = n;
    ret->from = end[0];
    ret->to = end[1];
    ret->high = end[2] >> 4;
    ret->low = end[2] & 15;
    if (!image->progressive)
        return true;
    return ret->to < 64 && ret->from <= ret->to && ret->low < 14 && ret->high < 14 &&
           (ret->from ? n == 1 : ret->to == 0);
}

/* One segment with a length; *at moves behind it, and behind the data of a scan. */
static bool read_segment(struct image *image, uint8_t marker, uint64_t *at)
{
    struct scan scan;
    bool good = true;
    bytes view = proof_reader_view(image->reader, *at + 2, 2);
    size_t len = view.len == 2 ? load_be16(view.at) : 0;
    bytes data = len < 2 ? (bytes){0} : proof_reader_view(image->reader, *at + 4, len - 2);
    if (len < 2 || (len > 2 && data.len != len - 2))
        return broken(image, *at, "a segment is cut short");
    if (len == 2)
        data.len = 0;
    if (marker == DQT)
        good = read_quanta(image, data);
    else if (marker == DHT)
        good = read_huffman(image, data);
    else if (marker == DRI)
        good = data.len == 2 && ((image->restart = load_be16(data.at)), true);
    else if (marker >= SOF0 && marker <= 0xcf && marker != JPG && marker != DAC)
        good = read_frame(image, marker, data);
    else if (marker == SOS)
        good = read_scan(image, data, &scan);
    if (!good)
        return broken(image, *at, "a segment is damaged");
    *at += 2 + len;
    if (marker != SOS)
        return true;
    return image->decodes ? decode_scan(image, &scan, at) : skip_scan(image, at);
}

bool jpeg_walk(struct reader *reader, struct jpeg *ret)
{
    struct arena_mark mark = arena_mark(reader->window->arena);
    struct image *image = PUSH(reader->window->arena, struct image);
    uint64_t at = 2;
    *ret = (struct jpeg){.decoded = true};
    if (!image) {
        budget_hit(reader->window->budget, LIMIT_MEMORY);
        return false;
    }
    image->reader = reader;
    image->ret = ret;
    bool good = true, end = false;
    uint64_t scans = 0;
    while (good && !end) {
        uint8_t pair[2];
        if (!proof_reader_take(reader, at, pair, 2))
            good = broken(image, reader->size, "it ends without its end marker");
        else if (pair[0] != 0xff)
            good = broken(image, at, "there is no marker");
        else if (pair[1] == 0xff) /* fill bytes */
            at++;
        else if (pair[1] == EOI)
            end = true;
        else if (pair[1] < SOF0 || (pair[1] >= RST0 && pair[1] <= SOI))
            good = broken(image, at, "an unknown marker lies");
        else {
            scans += pair[1] == SOS;
            good = read_segment(image, pair[1], &at);
        }
    }
    if (good && !scans)
        good = broken(image, at, "it ends without an image");
    if (good)
        ret->end = at + 2;
    arena_pop(reader->window->arena, mark);
    return good;
}

static bool begins(bytes head)
{
    return head.len >= 4 && head.at[0] == 0xff && head.at[1] == SOI && head.at[2] == 0xff &&
           head.at[3] >= SOF0;
}

/* Cameras write smaller images, and others, after the first. */
static void check(struct reader *reader, struct proof_result *ret)
{
    struct jpeg jpeg = {0};
    uint64_t end = 0;
    unsigned images = 0, scans = 0;
    bool decoded = true;
    uint8_t head[4];
    do {
        struct reader rest = proof_reader_part(reader, end, reader->size - end);
        if (!jpeg_walk(&rest, &jpeg)) {
            if (images)
                break;
            kind_failed(ret, jpeg.end, "%s", jpeg.why.text);
            return;
        }
        end += jpeg.end;
        images++;
        scans += jpeg.scan;
        decoded = decoded && jpeg.decoded;
    } while (proof_reader_take(reader, end, head, 4) && begins((bytes){head, 4}));
    if (decoded && end == reader->size) {
        kind_plausible(ret, end, "%u scan%s decoded to the last bit; a JPEG has no checksum",
                       scans, scans == 1 ? " is" : "s are");
        ret->settles = true;
    } else if (decoded) {
        kind_ends(reader, ret, end, "%u scan%s decoded to the last bit", scans,
                  scans == 1 ? " is" : "s are");
    } else {
        kind_plausible(ret, end, "all markers are there up to its end");
    }
}

const struct proof_kind kind_jpeg = {"JPEG", " jpg jpeg jpe jfif mpo ", begins, check};
