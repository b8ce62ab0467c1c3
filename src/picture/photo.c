/* JPEG, read by a library. It rounds in its own way, so that a pixel may differ by one or two
 * from what ClamAV sees; that seldom changes a bit of the hash (docs/clamav.md). */
#include "picture/picture.h"

#include "shim/jpeg.h"

struct photo {
    struct picture_job *job;
    enum picture_state state;
    uint32_t row;
};

static bool begin(void *to, uint32_t width, uint32_t height)
{
    struct photo *photo = to;
    photo->state = picture_begin(photo->job, width, height);
    if (photo->state == PICTURE_READ &&
        !budget_charge(photo->job->budget, (uint64_t)width * height * 8))
        photo->state = PICTURE_LIMIT;
    return photo->state == PICTURE_READ;
}

static void take_row(void *to, const uint8_t *rgb)
{
    struct photo *photo = to;
    struct picture *picture = &photo->job->picture;
    uint8_t *grey = picture->grey + (size_t)photo->row++ * picture->width;
    for (uint32_t x = 0; x < picture->width; x++, rgb += 3)
        grey[x] = picture_grey(rgb[0], rgb[1], rgb[2]);
}

enum picture_state photo_read(struct picture_job *job)
{
    struct photo photo = {.job = job, .state = PICTURE_NONE};
    enum jpeg_state state = jpeg_read(job->data, &photo, begin, take_row);
    if (state == JPEG_UNKNOWN)
        return PICTURE_UNKNOWN;
    return photo.state != PICTURE_READ || state == JPEG_READ ? photo.state : PICTURE_NONE;
}
