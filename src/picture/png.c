/* PNG (W3C, "Portable Network Graphics", second edition):
 *
 *     signature (8), then chunks: length (4, big-endian), type (4), data, CRC-32 of type and
 * data
 *
 *     IHDR   width (4), height (4), depth (1), colour (1), 0, 0, interlaced (1)
 *     PLTE   red, green, blue of up to 256 colours
 *     IDAT   parts of a zlib stream: rows, each a byte that names its filter and the pixels;
 *            seven passes of them when interlaced
 *
 * Colours stand as they are: gamma and transparency do not count. */
#include "picture/picture.h"

#include "shim/stream.h"

#include <string.h>

enum { SIGNATURE = 8, CHUNK = 12, COLOUR_PALETTE = 3, SAMPLES_MOST = 4 };

enum { IHDR = 0x49484452, PLTE = 0x504c5445, IDAT = 0x49444154 };

struct png {
    struct picture_job *job;
    size_t at;    /* of the next chunk */
    bytes packed; /* what is left of the IDAT at work */
    struct stream *stream;
    bytes palette;
    uint32_t width, height;
    uint8_t depth, colour, interlaced;
    uint32_t bits;      /* of a pixel */
    uint8_t *row, *old; /* a filtered row, the one before: from byte 1 on */
};

/* The passes of interlaced images: first pixel, step. */
static const uint8_t passes[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                     {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};

/* False: there is none, or it is cut short or damaged. */
static bool next_chunk(struct png *png, uint32_t *ret_type, bytes *ret)
{
    bytes data = png->job->data;
    uint32_t length, crc;
    if (!bytes_be32(data, png->at, &length) ||
        !bytes_has(data, png->at, (uint64_t)length + CHUNK))
        return false;
    const uint8_t *at = data.at + png->at + 4;
    *ret_type = load_be32(at);
    *ret = (bytes){at + 4, length};
    crc = load_be32(at + 4 + length);
    png->at += (size_t)length + CHUNK;
    return (*at & 0x20) || crc == stream_crc32(0, (bytes){at, (size_t)length + 4});
}

static bool read_header(struct png *png)
{
    static const uint8_t samples[] = {1, 0, 3, 1, 2, 0, 4};
    /* Bit by depth, for each kind of colour. */
    static const uint32_t depths[] = {0x10116, 0, 0x10100, 0x116, 0x10100, 0, 0x10100};
    uint32_t type;
    bytes chunk;
    if (!next_chunk(png, &type, &chunk) || type != IHDR || chunk.len != 13)
        return false;
    png->width = load_be32(chunk.at);
    png->height = load_be32(chunk.at + 4);
    png->depth = chunk.at[8];
    png->colour = chunk.at[9];
    png->interlaced = chunk.at[12];
    if (png->colour >= COUNT(samples) || png->depth > 16 ||
        !(depths[png->colour] >> png->depth & 1) || chunk.at[10] || chunk.at[11] ||
        png->interlaced > 1)
        return false;
    png->bits = (uint32_t)png->depth * samples[png->colour];
    return true;
}

/* The palette, and on to the first IDAT. */
static bool find_pixels(struct png *png)
{
    uint32_t type;
    bytes chunk;
    while (next_chunk(png, &type, &chunk)) {
        if (type == PLTE)
            png->palette = chunk;
        if (type == IDAT) {
            png->packed = chunk;
            return png->colour != COLOUR_PALETTE || png->palette.len >= 3;
        }
    }
    return false;
}

static bool unpack(struct png *png, uint8_t *to, size_t size)
{
    while (size) {
        size_t wrote;
        uint32_t type;
        if (!png->packed.len && (!next_chunk(png, &type, &png->packed) || type != IDAT))
            return false;
        if (!png->packed.len)
            continue;
        enum stream_state state = stream_run(png->stream, &png->packed, to, size, &wrote);
        to += wrote;
        size -= wrote;
        if (size && state != STREAM_MORE)
            return false;
    }
    return true;
}

static uint8_t paeth(uint8_t left, uint8_t up, uint8_t corner)
{
    int toward_left = up - corner, toward_up = left - corner, both = toward_left + toward_up;
    int a = toward_left < 0 ? -toward_left : toward_left;
    int b = toward_up < 0 ? -toward_up : toward_up;
    int c = both < 0 ? -both : both;
    return a <= b && a <= c ? left : b <= c ? up : corner;
}

static bool unfilter(uint8_t *row, const uint8_t *old, size_t size, size_t step)
{
    uint8_t filter = row[0];
    if (filter > 4)
        return false;
    for (size_t i = 1; filter && i <= size; i++) {
        uint8_t left = i > step ? row[i - step] : 0, up = old[i];
        uint8_t corner = i > step ? old[i - step] : 0;
        int add = left;
        if (filter == 2)
            add = up;
        else if (filter == 3)
            add = (left + up) / 2;
        else if (filter == 4)
            add = paeth(left, up, corner);
        row[i] = (uint8_t)(row[i] + add);
    }
    return true;
}

/* Of eight bits, whatever the depth. */
static uint8_t sample(const struct png *png, const uint8_t *pixels, size_t number)
{
    if (png->depth == 8)
        return pixels[number];
    if (png->depth == 16)
        return (uint8_t)((load_be16(pixels + 2 * number) + 128U) / 257);
    size_t bit = number * png->depth;
    uint32_t most = (1U << png->depth) - 1;
    uint32_t value = (uint32_t)pixels[bit / 8] >> (8 - png->depth - bit % 8) & most;
    return (uint8_t)(png->colour == COLOUR_PALETTE ? value : value * 255 / most);
}

static uint8_t grey_at(const struct png *png, const uint8_t *pixels, size_t x)
{
    size_t number = x * png->bits / png->depth;
    uint8_t first = sample(png, pixels, number);
    if (png->colour == COLOUR_PALETTE) {
        const uint8_t *rgb = png->palette.at + (size_t)first * 3;
        bool there = bytes_has(png->palette, (uint64_t)first * 3, 3);
        return there ? picture_grey(rgb[0], rgb[1], rgb[2]) : 0;
    }
    if (png->colour & 2)
        return picture_grey(first, sample(png, pixels, number + 1),
                            sample(png, pixels, number + 2));
    return picture_grey(first, first, first);
}

static bool read_pass(struct png *png, const uint8_t pass[4])
{
    const uint32_t from_x = pass[0], from_y = pass[1], step_x = pass[2], step_y = pass[3];
    if (png->width <= from_x || png->height <= from_y)
        return true;
    size_t width = (png->width - from_x + step_x - 1) / step_x;
    size_t size = (width * png->bits + 7) / 8, step = png->bits < 8 ? 1 : png->bits / 8;
    memset(png->old, 0, size + 1);
    for (uint32_t y = from_y; y < png->height; y += step_y) {
        uint8_t *row = png->row, *to = png->job->picture.grey + (size_t)y * png->width;
        if (!unpack(png, row, size + 1) || !unfilter(row, png->old, size, step))
            return false;
        for (size_t i = 0; i < width; i++)
            to[from_x + i * step_x] = grey_at(png, row + 1, i);
        png->row = png->old;
        png->old = row;
    }
    return true;
}

static bool read_passes(struct png *png)
{
    static const uint8_t whole[4] = {0, 0, 1, 1};
    if (!png->interlaced)
        return read_pass(png, whole);
    for (size_t i = 0; i < COUNT(passes); i++)
        if (!read_pass(png, passes[i]))
            return false;
    return true;
}

/* The beginning of some chunk stands behind the pixels. */
static bool goes_on(struct png *png)
{
    uint32_t type;
    bytes chunk;
    while (bytes_has(png->job->data, png->at, 8)) {
        if (load_be32(png->job->data.at + png->at + 4) != IDAT)
            return true;
        if (!next_chunk(png, &type, &chunk))
            return false;
    }
    return false;
}

enum picture_state png_read(struct picture_job *job)
{
    struct png png = {.job = job, .at = SIGNATURE};
    if (!read_header(&png) || !find_pixels(&png))
        return PICTURE_NONE;
    enum picture_state state = picture_begin(job, png.width, png.height);
    if (state != PICTURE_READ)
        return state;
    const size_t size = (size_t)png.width * SAMPLES_MOST * 2 + 1;
    png.row = arena_push_raw(job->arena, size);
    png.old = arena_push_raw(job->arena, size);
    png.stream = stream_new(STREAM_ZLIB);
    if (!png.row || !png.old || !png.stream)
        state = PICTURE_LIMIT;
    else if (!read_passes(&png) || !goes_on(&png))
        state = PICTURE_NONE;
    stream_free(png.stream);
    return state;
}
