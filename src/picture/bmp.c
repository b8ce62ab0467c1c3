/* BMP (Microsoft, "Bitmap Storage"):
 *
 *     "BM", size (4), 0 (4), offset of the pixels (4),
 *     header: its size (4): 12: width, height, planes, bits (2 each)
 *                           40 and more: width, height (4, height < 0: from the top), planes,
 *                           bits (2), method (4), size, resolutions (4 each), colours (4), ...
 *     colours: blue, green, red (and 0, but for headers of 12)
 *     rows of pixels, from the bottom, each a multiple of four bytes
 *
 * Method 0: pixels as they stand, with 1, 4, 8, 16 (5 for each colour), 24 and 32 bits. Method
 * 3: 16 or 32 bits, of which masks at 40 of the header (red, green, blue, 4 each) say what they
 * are. */
#include "picture/picture.h"

#include <string.h>

enum { FILE_HEADER = 14, OLD_HEADER = 12, NEW_HEADER = 40, MASKS = 40 };

struct bmp {
    bytes pixels, colours;
    uint32_t width, height, bits, colour_size;
    bool from_top;
    uint32_t masks[3]; /* of red, green and blue, where a pixel is one number; else 0 */
};

/* Bits in a row, one at least. */
static bool is_run(uint32_t mask)
{
    uint32_t low = mask & (0 - mask);
    return mask && !(mask & (mask + low));
}

static bool read_masks(bytes data, uint32_t method, struct bmp *bmp)
{
    bool is_number = bmp->bits == 16 || bmp->bits == 32;
    if (method == 0 && bmp->bits == 16)
        memcpy(bmp->masks, (const uint32_t[]){0x7c00, 0x3e0, 0x1f}, sizeof bmp->masks);
    for (uint32_t i = 0; method == 3 && i < 3; i++)
        if (!is_number ||
            !bytes_le32(data, FILE_HEADER + MASKS + 4 * (uint64_t)i, &bmp->masks[i]) ||
            !is_run(bmp->masks[i]))
            return false;
    return true;
}

/* PICTURE_READ: the header is one that is understood. */
static enum picture_state read_header(bytes data, struct bmp *bmp)
{
    uint32_t offset, header, method = 0, colours = 0;
    if (!bytes_le32(data, 10, &offset) || !bytes_le32(data, FILE_HEADER, &header) ||
        !bytes_has(data, FILE_HEADER, header) || offset > data.len)
        return PICTURE_NONE;
    const uint8_t *at = data.at + FILE_HEADER;
    if (header == OLD_HEADER) {
        bmp->width = load_le16(at + 4);
        bmp->height = load_le16(at + 6);
        bmp->bits = load_le16(at + 10);
    } else if (header >= NEW_HEADER) {
        int32_t height = (int32_t)load_le32(at + 8);
        bmp->width = load_le32(at + 4);
        bmp->from_top = height < 0;
        bmp->height = height < 0 ? 0U - (uint32_t)height : (uint32_t)height;
        bmp->bits = load_le16(at + 14);
        method = load_le32(at + 16);
        colours = load_le32(at + 32);
    } else {
        return PICTURE_NONE;
    }
    if (method != 0 && method != 3)
        return PICTURE_UNKNOWN;
    if (!read_masks(data, method, bmp))
        return PICTURE_NONE;
    bmp->colour_size = header == OLD_HEADER ? 3 : 4;
    if (!colours || colours > 256)
        colours = bmp->bits <= 8 ? 1U << bmp->bits : 0;
    bmp->colours =
        bytes_slice(data, FILE_HEADER + (size_t)header, (size_t)colours * bmp->colour_size);
    bmp->pixels = bytes_slice(data, offset, SIZE_MAX);
    return PICTURE_READ;
}

/* The bits under a mask, made eight. */
static uint8_t under(uint32_t value, uint32_t mask)
{
    uint32_t shift = (uint32_t)__builtin_ctz(mask);
    uint32_t length = (uint32_t)__builtin_popcount(mask);
    if (length > 8) {
        shift += length - 8;
        length = 8;
    }
    uint32_t most = (1U << length) - 1, part = value >> shift & most;
    return (uint8_t)(length == 7 ? part << 1 | part >> 6 : (part * 255 + most / 2) / most);
}

static uint8_t grey_at(const struct bmp *bmp, const uint8_t *row, size_t x)
{
    const uint8_t *bgr = row + x * (bmp->bits / 8);
    if (bmp->bits <= 8) {
        size_t bit = x * bmp->bits;
        uint32_t number = (uint32_t)row[bit / 8] >> (8 - bmp->bits - bit % 8);
        size_t at = (number & ((1U << bmp->bits) - 1)) * (size_t)bmp->colour_size;
        if (!bytes_has(bmp->colours, at, 3))
            return 0;
        bgr = bmp->colours.at + at;
    }
    if (bmp->masks[0]) {
        uint32_t value = bmp->bits == 16 ? load_le16(bgr) : load_le32(bgr);
        return picture_grey(under(value, bmp->masks[0]), under(value, bmp->masks[1]),
                            under(value, bmp->masks[2]));
    }
    return picture_grey(bgr[2], bgr[1], bgr[0]);
}

enum picture_state bmp_read(struct picture_job *job)
{
    struct bmp bmp = {.bits = 0};
    enum picture_state state = read_header(job->data, &bmp);
    if (state != PICTURE_READ)
        return state;
    if (bmp.bits != 1 && bmp.bits != 4 && bmp.bits != 8 && bmp.bits != 16 && bmp.bits != 24 &&
        bmp.bits != 32)
        return PICTURE_NONE;
    const uint64_t size = ((uint64_t)bmp.width * bmp.bits + 31) / 32 * 4;
    if (bmp.height && size > bmp.pixels.len / bmp.height)
        return PICTURE_NONE;
    state = picture_begin(job, bmp.width, bmp.height);
    if (state != PICTURE_READ)
        return state;
    for (uint32_t y = 0; y < bmp.height; y++) {
        uint32_t row = bmp.from_top ? y : bmp.height - 1 - y;
        const uint8_t *from = bmp.pixels.at + y * size;
        uint8_t *to = job->picture.grey + (size_t)row * bmp.width;
        for (uint32_t x = 0; x < bmp.width; x++)
            to[x] = grey_at(&bmp, from, x);
    }
    return PICTURE_READ;
}
