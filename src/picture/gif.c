/* GIF (CompuServe, "Graphics Interchange Format", version 89a): the first frame.
 *
 *     "GIF87a" or "GIF89a", screen: width (2), height (2), flags (1), background (1), aspect
 * (1), colours when flags & 0x80: red, green, blue of 2 << (flags & 7); then blocks:
 *       '!' label (1), sub-blocks      an extension
 *       ',' left, top, width, height (2 each), flags (1), colours when flags & 0x80 as above,
 *           bits of a colour (1), sub-blocks of LZW codes     a frame, interlaced with 0x40
 *       ';'                            the end
 *     sub-block: size (1, 0: the last), bytes
 *
 * Pixels beside the frame are black; transparent ones have the colour that they name. */
#include "picture/picture.h"

#include <string.h>

enum { SCREEN = 6, COLOURS = 13, CODES = 4096, BITS_MOST = 11, CODE_BITS_MOST = 12 };

struct gif {
    struct picture_job *job;
    bytes data;
    size_t at;
    bytes colours;
    uint32_t left, top, width, height;
    bool interlaced;
    /* Codes. */
    uint32_t held, held_bits; /* bits not yet used */
    size_t block_left;        /* of the sub-block at work */
    uint16_t before[CODES];
    uint8_t last[CODES], first[CODES];
    uint8_t text[CODES];
};

static bool read_colours(struct gif *gif, uint8_t flags)
{
    size_t size = (size_t)6 << (flags & 7);
    if (!(flags & 0x80))
        return true;
    if (!bytes_has(gif->data, gif->at, size))
        return false;
    gif->colours = bytes_slice(gif->data, gif->at, size);
    gif->at += size;
    return true;
}

static bool skip_blocks(struct gif *gif)
{
    while (gif->at < gif->data.len) {
        uint8_t size = gif->data.at[gif->at++];
        if (!size)
            return true;
        gif->at += size;
    }
    return false;
}

/* On to the pixels of the first frame. */
static bool find_frame(struct gif *gif)
{
    while (gif->at < gif->data.len) {
        uint8_t mark = gif->data.at[gif->at++];
        if (mark == '!') {
            gif->at++;
            if (!skip_blocks(gif))
                return false;
        } else if (mark == ',') {
            if (!bytes_has(gif->data, gif->at, 9))
                return false;
            const uint8_t *at = gif->data.at + gif->at;
            gif->left = load_le16(at);
            gif->top = load_le16(at + 2);
            gif->width = load_le16(at + 4);
            gif->height = load_le16(at + 6);
            gif->interlaced = at[8] & 0x40;
            gif->at += 9;
            return read_colours(gif, at[8]);
        } else if (mark) {
            return false;
        }
    }
    return false;
}

/* The next code of so many bits; false at the end of the data. */
static bool next_code(struct gif *gif, uint32_t bits, uint32_t *ret)
{
    while (gif->held_bits < bits) {
        if (!gif->block_left) {
            if (gif->at >= gif->data.len || !gif->data.at[gif->at])
                return false;
            gif->block_left = gif->data.at[gif->at++];
        }
        if (gif->at >= gif->data.len)
            return false;
        gif->held |= (uint32_t)gif->data.at[gif->at++] << gif->held_bits;
        gif->held_bits += 8;
        gif->block_left--;
    }
    *ret = gif->held & ((1U << bits) - 1);
    gif->held >>= bits;
    gif->held_bits -= bits;
    return true;
}

/* Row of the frame that stands at `row` of the data. */
static uint32_t row_of(const struct gif *gif, uint32_t row)
{
    static const uint8_t from[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    if (!gif->interlaced)
        return row;
    for (size_t i = 0; i < COUNT(from); i++) {
        uint32_t rows =
            gif->height > from[i] ? (gif->height - from[i] + step[i] - 1) / step[i] : 0;
        if (row < rows)
            return from[i] + row * step[i];
        row -= rows;
    }
    return row;
}

static void put_pixel(struct gif *gif, uint64_t number, uint8_t colour)
{
    struct picture *picture = &gif->job->picture;
    uint64_t x = gif->left + number % gif->width;
    uint64_t y = gif->top + row_of(gif, (uint32_t)(number / gif->width));
    const uint8_t *rgb = gif->colours.at + (size_t)colour * 3;
    if (x < picture->width && y < picture->height &&
        bytes_has(gif->colours, (uint64_t)colour * 3, 3))
        picture->grey[y * picture->width + x] = picture_grey(rgb[0], rgb[1], rgb[2]);
}

/* The text of a code, from its end. */
static uint32_t spell(struct gif *gif, uint32_t code)
{
    uint32_t n = 0;
    for (;;) {
        gif->text[n++] = gif->last[code];
        if (gif->before[code] == CODES || n == CODES)
            return n;
        code = gif->before[code];
    }
}

static bool read_codes(struct gif *gif, uint32_t bits_least)
{
    const uint32_t clear = 1U << bits_least, end = clear + 1;
    const uint64_t pixels = (uint64_t)gif->width * gif->height;
    uint32_t code, next = end + 1, bits = bits_least + 1, old = CODES;
    uint64_t done = 0;
    for (uint32_t i = 0; i < clear; i++) {
        gif->before[i] = CODES;
        gif->last[i] = gif->first[i] = (uint8_t)i;
    }
    while (done < pixels) {
        if (!next_code(gif, bits, &code) || code == end)
            return false;
        if (code == clear) {
            next = end + 1;
            bits = bits_least + 1;
            old = CODES;
            continue;
        }
        if (code > next || (code == next && old == CODES) || (old == CODES && code >= clear))
            return false;
        if (old != CODES && next < CODES) {
            gif->before[next] = (uint16_t)old;
            gif->first[next] = gif->first[old];
            gif->last[next] = gif->first[code == next ? old : code];
            next++;
            if (next == 1U << bits && bits < CODE_BITS_MOST)
                bits++;
        } else if (code >= next) {
            return false;
        }
        for (uint32_t n = spell(gif, code); n-- > 0 && done < pixels;)
            put_pixel(gif, done++, gif->text[n]);
        old = code;
    }
    return true;
}

enum picture_state gif_read(struct picture_job *job)
{
    struct gif *gif = PUSH(job->arena, struct gif);
    if (!gif)
        return PICTURE_LIMIT;
    gif->job = job;
    gif->data = job->data;
    gif->at = COLOURS;
    if (job->data.len < COLOURS || !read_colours(gif, job->data.at[COLOURS - 3]) ||
        !find_frame(gif) || !gif->width || !gif->height || !gif->colours.at ||
        gif->at >= job->data.len)
        return PICTURE_NONE;
    uint8_t bits = job->data.at[gif->at++];
    if (bits < 1 || bits > BITS_MOST)
        return PICTURE_NONE;
    if (!budget_charge(job->budget, (uint64_t)gif->width * gif->height * 4))
        return PICTURE_LIMIT;
    enum picture_state state = picture_begin(job, load_le16(job->data.at + SCREEN),
                                             load_le16(job->data.at + SCREEN + 2));
    return state != PICTURE_READ || read_codes(gif, bits) ? state : PICTURE_NONE;
}
