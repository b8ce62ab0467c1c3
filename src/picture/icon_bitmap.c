/* A bitmap of an icon:
 *
 *   u32 size of the header, u32 width, u32 twice the height, u16 planes, u16 depth, 24 bytes
 *     more; what else the header has
 *   palette of 1 << depth colours of 4 bytes (depth 1, 4, 8): blue, green, red, 0
 *   rows from the bottom, each padded to 4 bytes
 *   mask, but for depth 32: likewise, a bit for each pixel, 1: nothing is there
 *
 * Windows SDK, "BITMAPINFOHEADER". PNG is not looked at by ClamAV, other sizes than 16 to 256
 * are not, nor is what is not nearly square. As in clamscan 1.4, the colours of depth 16 are
 * shifted too far, and a depth of 32 without any alpha has a mask if there is room for one. */
#include "picture/icon.h"

#include <stdlib.h>

enum { HEADER = 40, LEAST = 16, ALPHA = 24 };

static const uint32_t OPAQUE = UINT32_C(0xff) << ALPHA;

struct bitmap {
    bytes data;
    uint32_t width, height, depth;
    uint32_t palette, rows, mask; /* offsets */
    uint32_t row_size, mask_size;
    uint32_t *pixels; /* from the top */
};

/* Bytes of a row of `bits`. */
static uint32_t row_bytes(uint32_t bits)
{
    return (bits + 31) / 32 * 4;
}

static bool is_palette(uint32_t depth)
{
    return depth == 1 || depth == 4 || depth == 8;
}

static bool read_header(bytes data, uint32_t at, struct bitmap *ret)
{
    if (!bytes_has(data, at, HEADER))
        return false;
    const uint8_t *p = data.at + at;
    uint32_t size = load_le32(p);
    uint32_t width = load_le32(p + 4), height = load_le32(p + 8) / 2, depth = load_le16(p + 14);
    if (size < HEADER || width > ICON_SIDE_READ || height > ICON_SIDE_READ || width < LEAST ||
        height < LEAST || width < height * 3 / 4 || height < width * 3 / 4)
        return false;
    ret->data = data;
    ret->width = width;
    ret->height = height;
    ret->depth = depth;
    ret->palette = at + size;
    ret->rows = ret->palette;
    if (is_palette(depth)) {
        if (!bytes_has(data, ret->palette, (uint64_t)4 << depth))
            return false;
        ret->rows += 4U << depth;
    } else if (depth != 16 && depth != 24 && depth != 32) {
        return false;
    }
    ret->row_size = row_bytes(width * depth);
    ret->mask_size = depth == 32 ? 0 : row_bytes(width);
    ret->mask = ret->rows + height * ret->row_size;
    return bytes_has(data, ret->rows, (uint64_t)height * (ret->row_size + ret->mask_size));
}

/* As ClamAV spreads five bits, and takes six of red with its last ones in front of them. */
static uint32_t from_16(const uint8_t *p)
{
    uint32_t blue = p[0] & 0x1fU;
    uint32_t green = (uint32_t)p[0] >> 5 | (p[1] & 3U) << 3;
    uint32_t red = p[1] & 0xfcU;
    return (blue << 3 | blue >> 2) | (green << 3 | green >> 2) << 11 |
           (red << 3 | red >> 2) << 17;
}

static uint32_t pixel_at(const struct bitmap *b, const uint8_t *row, uint32_t x)
{
    uint32_t bit = x * b->depth, index;
    const uint8_t *p = row + bit / 8;
    switch (b->depth) {
    case 16:
        return from_16(p);
    case 24:
        return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
    case 32:
        return load_le32(p);
    default:
        index = (uint32_t)*p >> (8 - b->depth - bit % 8) & ((1U << b->depth) - 1);
        return load_le32(b->data.at + b->palette + 4 * (size_t)index);
    }
}

static void apply_mask(struct bitmap *b)
{
    uint32_t size = row_bytes(b->width);
    for (uint32_t y = 0; y < b->height; y++) {
        const uint8_t *row = b->data.at + b->mask + (size_t)y * size;
        uint32_t *pixels = b->pixels + (size_t)(b->height - 1 - y) * b->width;
        for (uint32_t x = 0; x < b->width; x++)
            if (!(row[x / 8] >> (7 - x % 8) & 1))
                pixels[x] |= OPAQUE;
    }
}

static void read_pixels(struct bitmap *b)
{
    uint32_t alpha = 0, count = b->width * b->height;
    for (uint32_t y = 0; y < b->height; y++) {
        const uint8_t *row = b->data.at + b->rows + (size_t)y * b->row_size;
        uint32_t *pixels = b->pixels + (size_t)(b->height - 1 - y) * b->width;
        for (uint32_t x = 0; x < b->width; x++) {
            pixels[x] = pixel_at(b, row, x);
            alpha |= pixels[x] & OPAQUE;
        }
    }
    bool is_24 = b->depth == 32 && !alpha; /* says 32 */
    if (is_24 && !bytes_has(b->data, b->mask, (uint64_t)b->height * row_bytes(b->width)))
        for (uint32_t i = 0; i < count; i++)
            b->pixels[i] |= OPAQUE;
    else if (is_24 || b->depth != 32)
        apply_mask(b);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t c = b->pixels[i], a = c >> ALPHA, blended = 0;
        for (int shift = 16; shift >= 0; shift -= 8)
            blended |= (0xff - a + a * (c >> shift & 0xff) / 0xff) << shift;
        b->pixels[i] = blended;
    }
}

static uint32_t half_way(uint32_t a, uint32_t b)
{
    return ((a ^ b) >> 1 & 0x7f7f7f) + (a & b);
}

/* By two, again and again. */
static void halve(struct bitmap *b)
{
    while (b->width > ICON_SIDE) {
        for (uint32_t y = 0; y + 1 < b->height; y += 2)
            for (uint32_t x = 0; x + 1 < b->width; x += 2) {
                const uint32_t *from = b->pixels + y * b->width + x;
                b->pixels[y / 2 * b->width / 2 + x / 2] = half_way(
                    half_way(from[0], from[1]), half_way(from[b->width], from[b->width + 1]));
            }
        b->width /= 2;
        b->height /= 2;
    }
}

static uint32_t distance(const struct bitmap *b, int side)
{
    return (uint32_t)(abs((int)b->width - side) + abs((int)b->height - side));
}

/* To the nearest of three sizes. */
static void scale(const struct bitmap *b, struct icon_pixels *ret)
{
    uint32_t side = 16;
    if (distance(b, 32) < distance(b, 24))
        side = 32;
    else if (distance(b, 24) < distance(b, 16))
        side = 24;
    double x_step = (double)b->width / side, y_step = (double)b->height / side;
    ret->side = side;
    for (uint32_t y = 0; y < side; y++)
        for (uint32_t x = 0; x < side; x++) {
            uint32_t from_y = (uint32_t)(y * y_step), from_x = (uint32_t)(x * x_step + 0.5);
            ret->at[y * side + x] = b->pixels[(size_t)from_y * b->width + from_x];
        }
}

bool icon_bitmap(bytes data, uint32_t at, uint32_t *work, struct icon_pixels *ret)
{
    struct bitmap bitmap = {.pixels = work};
    if (!read_header(data, at, &bitmap))
        return false;
    read_pixels(&bitmap);
    uint32_t side = bitmap.width;
    if (side != bitmap.height || (side != 16 && side % 32 && side % 24)) {
        scale(&bitmap, ret);
        return true;
    }
    halve(&bitmap);
    ret->side = bitmap.width;
    for (uint32_t i = 0; i < ret->side * ret->side; i++)
        ret->at[i] = bitmap.pixels[i];
    return true;
}
