/* JPEG (ITU-T T.81): a library takes the file apart into blocks of 8 x 8 frequencies; pixels
 * are made of them here, since each library rounds in its own way. This is how ClamAV's does
 * it: whole numbers throughout, 12 bits behind the point; colours that are half as fine are
 * spread over their neighbours, three parts of the nearer to one of the farther. */
#include "picture/picture.h"

#include "shim/jpeg.h"

#include <string.h>

enum { SIDE = 8, PIXELS_MOST = 1 << 25 };

struct plane {
    uint8_t *samples;
    size_t width, height;  /* whole blocks */
    uint32_t across, down; /* how many pixels a sample stands for */
    uint8_t *row;          /* of the image's width, once spread */
};

struct photo {
    struct picture_job *job;
    enum picture_state state;
    struct jpeg_image image;
    struct plane planes[JPEG_PLANES];
};

/* --- blocks --- */

/* One line of eight, `step` apart. The sums that belong together: even[i] + odd[i] is at i,
 * even[i] - odd[i] at 7 - i. Modulo 2^32: hostile files have frequencies of any size. */
struct sums {
    uint32_t even[4], odd[4];
};

static struct sums add_up(const uint32_t *at, size_t step, uint32_t round)
{
    struct sums sums;
    uint32_t a = at[2 * step], b = at[6 * step];
    uint32_t both = (a + b) * 2217;
    uint32_t low = both - b * 7567, high = both + a * 3135;
    uint32_t plus = (at[0] + at[4 * step]) * 4096, minus = (at[0] - at[4 * step]) * 4096;
    sums.even[0] = plus + high + round;
    sums.even[1] = minus + low + round;
    sums.even[2] = minus - low + round;
    sums.even[3] = plus - high + round;
    uint32_t t0 = at[7 * step], t1 = at[5 * step], t2 = at[3 * step], t3 = at[step];
    uint32_t p5 = (t0 + t2 + t1 + t3) * 4816;
    uint32_t p1 = p5 - (t0 + t3) * 3685, p2 = p5 - (t1 + t2) * 10497;
    uint32_t p3 = (t0 + t2) * 8034, p4 = (t1 + t3) * 1597;
    sums.odd[0] = t3 * 6149 + p1 - p4;
    sums.odd[1] = t2 * 12586 + p2 - p3;
    sums.odd[2] = t1 * 8410 + p2 - p4;
    sums.odd[3] = t0 * 1223 + p1 - p3;
    return sums;
}

static uint8_t clamp(int32_t x)
{
    return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
}

static int32_t shift(uint32_t x, int bits)
{
    return (int32_t)x >> bits;
}

/* Frequencies to samples, `width` apart by rows. */
static void put_block(uint32_t *at, uint8_t *to, size_t width)
{
    bool flat = true;
    for (int i = 1; i < JPEG_BLOCK && flat; i++)
        flat = at[i] == 0;
    if (flat) {
        for (size_t y = 0; y < SIDE; y++)
            memset(to + y * width, clamp(shift(at[0] + 4 + 1024, 3)), SIDE);
        return;
    }
    for (size_t x = 0; x < SIDE; x++) {
        struct sums sums = add_up(at + x, SIDE, 512);
        for (size_t i = 0; i < 4; i++) {
            at[x + SIDE * i] = (uint32_t)shift(sums.even[i] + sums.odd[i], 10);
            at[x + SIDE * (7 - i)] = (uint32_t)shift(sums.even[i] - sums.odd[i], 10);
        }
    }
    for (size_t y = 0; y < SIDE; y++) {
        struct sums sums = add_up(at + SIDE * y, 1, 512 + 65536 + (128 << 17));
        for (size_t i = 0; i < 4; i++) {
            to[y * width + i] = clamp(shift(sums.even[i] + sums.odd[i], 17));
            to[y * width + 7 - i] = clamp(shift(sums.even[i] - sums.odd[i], 17));
        }
    }
}

static void take_blocks(void *to, uint32_t number, uint32_t row,
                        const uint16_t steps[static JPEG_BLOCK],
                        const int16_t (*blocks)[JPEG_BLOCK])
{
    struct photo *photo = to;
    const struct jpeg_plane *from = &photo->image.planes[number];
    struct plane *plane = &photo->planes[number];
    uint8_t *samples = plane->samples + (size_t)row * SIDE * plane->width;
    for (uint32_t i = 0; i < from->columns; i++, samples += SIDE) {
        uint32_t block[JPEG_BLOCK];
        for (uint32_t k = 0; k < JPEG_BLOCK; k++)
            block[k] = (uint32_t)blocks[i][k] * steps[k];
        put_block(block, samples, plane->width);
    }
}

/* --- rows --- */

/* Twice as many: each is mostly its nearest. */
static void spread(const int16_t *from, size_t count, uint8_t *to, size_t width)
{
    for (size_t x = 0; x < width; x++) {
        size_t i = x / 2, other = x % 2 ? i + 1 : i - 1;
        bool end = x % 2 ? i + 1 >= count : i == 0;
        to[x] = (uint8_t)(end ? from[i] : (3 * from[i] + from[other] + 2) >> 2);
    }
}

/* A row of the image, out of a plane that may be coarser. `mixed` has room for plane->width. */
static void fill_row(struct plane *plane, size_t y, size_t width, int16_t *mixed)
{
    size_t row = y / plane->down;
    const uint8_t *near = plane->samples + row * plane->width, *far = near;
    if (plane->down == 2 && y % 2 == 0 && row)
        far -= plane->width;
    else if (plane->down == 2 && y % 2 && row + 1 < plane->height)
        far += plane->width;
    if (plane->across == 1 && plane->down == 1) {
        memcpy(plane->row, near, width);
        return;
    }
    for (size_t x = 0; x < plane->width; x++)
        mixed[x] = (int16_t)(plane->down == 2 ? (3 * near[x] + far[x] + 2) >> 2 : near[x]);
    if (plane->across == 2)
        spread(mixed, plane->width, plane->row, width);
    else
        for (size_t x = 0; x < width; x++)
            plane->row[x] = (uint8_t)mixed[x / plane->across];
}

static void mix_colours(int32_t brightness, int32_t blue, int32_t red, uint8_t ret[3])
{
    int32_t sum = brightness * 16384 + 8191;
    blue -= 128;
    red -= 128;
    ret[0] = clamp((sum + red * 22970) >> 14);
    ret[1] = clamp((sum - red * 11700 - blue * 5638) >> 14);
    ret[2] = clamp((sum + blue * 29032) >> 14);
}

static uint8_t grey_at(const struct photo *photo, size_t x)
{
    const struct plane *planes = photo->planes;
    const enum jpeg_colours colours = photo->image.colours;
    uint8_t at[JPEG_PLANES] = {0};
    for (uint32_t i = 0; i < photo->image.plane_count; i++)
        at[i] = planes[i].row[x];
    if (colours == JPEG_GREY)
        return picture_grey(at[0], at[0], at[0]);
    if (colours == JPEG_YCC || colours == JPEG_YCC_INKS)
        mix_colours(at[0], at[1], at[2], at);
    if (colours == JPEG_YCC_INKS)
        for (int i = 0; i < 3; i++)
            at[i] = (uint8_t)(255 - at[i]);
    if (colours == JPEG_INKS || colours == JPEG_YCC_INKS)
        for (int i = 0; i < 3; i++) {
            uint32_t ink = photo->image.inverted ? at[i] : 255U - at[i];
            uint32_t black = photo->image.inverted ? at[3] : 255U - at[3];
            at[i] = (uint8_t)((ink * black + 127) / 255);
        }
    return picture_grey(at[0], at[1], at[2]);
}

/* --- the whole --- */

static bool make_planes(struct photo *photo)
{
    const struct jpeg_image *image = &photo->image;
    struct arena *arena = photo->job->arena;
    uint32_t across = 1, down = 1;
    for (uint32_t i = 0; i < image->plane_count; i++) {
        if (image->planes[i].across > across)
            across = image->planes[i].across;
        if (image->planes[i].down > down)
            down = image->planes[i].down;
    }
    for (uint32_t i = 0; i < image->plane_count; i++) {
        const struct jpeg_plane *from = &image->planes[i];
        struct plane *plane = &photo->planes[i];
        plane->width = (size_t)from->columns * SIDE;
        plane->height = (size_t)from->rows * SIDE;
        plane->across = across / from->across;
        plane->down = down / from->down;
        plane->samples = arena_push(arena, plane->width * plane->height);
        plane->row = arena_push(arena, image->width);
        if (!plane->samples || !plane->row)
            return false;
    }
    return true;
}

/* Planes are once, twice or four times as coarse as the finest. ClamAV's library refuses
 * others, and a plane one and a half times as coarse would be too narrow for the rows made of
 * it. */
static bool is_even(const struct jpeg_image *image)
{
    for (uint32_t i = 0; i < image->plane_count; i++)
        if (__builtin_popcount(image->planes[i].across) != 1 ||
            __builtin_popcount(image->planes[i].down) != 1)
            return false;
    return true;
}

static bool begin(void *to, const struct jpeg_image *image)
{
    struct photo *photo = to;
    photo->image = *image;
    if (!is_even(image))
        return false;
    photo->state = (uint64_t)image->width * image->height > PIXELS_MOST
                       ? PICTURE_LIMIT
                       : picture_begin(photo->job, image->width, image->height);
    if (photo->state == PICTURE_READ &&
        (!budget_charge(photo->job->budget, (uint64_t)image->width * image->height * 16) ||
         !make_planes(photo)))
        photo->state = PICTURE_LIMIT;
    return photo->state == PICTURE_READ;
}

/* False: memory is out. */
static bool mix_rows(struct photo *photo)
{
    struct picture *picture = &photo->job->picture;
    size_t widest = 0;
    for (uint32_t i = 0; i < photo->image.plane_count; i++)
        if (photo->planes[i].width > widest)
            widest = photo->planes[i].width;
    int16_t *mixed = PUSH_ARRAY(photo->job->arena, int16_t, widest);
    if (!mixed)
        return false;
    for (size_t y = 0; y < picture->height; y++) {
        uint8_t *grey = picture->grey + y * picture->width;
        for (uint32_t i = 0; i < photo->image.plane_count; i++)
            fill_row(&photo->planes[i], y, picture->width, mixed);
        for (size_t x = 0; x < picture->width; x++)
            grey[x] = grey_at(photo, x);
    }
    return true;
}

enum picture_state photo_read(struct picture_job *job)
{
    struct photo *photo = PUSH(job->arena, struct photo);
    if (!photo)
        return PICTURE_LIMIT;
    photo->job = job;
    photo->state = PICTURE_NONE;
    enum jpeg_state state = jpeg_read(job->data, photo, begin, take_blocks);
    if (state == JPEG_UNKNOWN)
        return PICTURE_UNKNOWN;
    if (photo->state != PICTURE_READ || state != JPEG_READ)
        return photo->state == PICTURE_READ ? PICTURE_NONE : photo->state;
    return mix_rows(photo) ? PICTURE_READ : PICTURE_LIMIT;
}
