/* picture — what an image looks like: the hash that ClamAV compares pictures by. The door of
 * this folder.
 *
 * The hash is that of clamscan 1.4 ("fuzzy_img", docs.clamav.net, "Logical Signatures"): grey
 * pixels, made 32 x 32, turned into frequencies, of which the lowest 8 x 8 are compared with
 * their median. PNG, GIF (the first frame), BMP and JPEG are read, as the library reads them
 * that ClamAV uses: damaged ones have no hash there, and none here. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"

enum picture_state {
    PICTURE_READ,
    PICTURE_NONE,    /* no image, or damaged: ClamAV has no hash for it either */
    PICTURE_UNKNOWN, /* an image of a kind that is not read here */
    PICTURE_LIMIT,   /* memory or the budget did not suffice */
};

enum { PICTURE_SIDE = 32, PICTURE_PIXELS = 1 << 26 };

/* Rows of `width` grey pixels, from the top. */
struct picture {
    uint32_t width, height;
    uint8_t *grey;
};

/* The hash of an image file; the arena is given back. */
enum picture_state picture_hash(bytes data, struct arena *arena, struct budget *budget,
                                uint64_t *ret);

/* --- what the folder's files share --- */

struct picture_job {
    bytes data;
    struct arena *arena;
    struct budget *budget;
    struct picture picture;
};

/* Room for the pixels, all black. PICTURE_LIMIT, or PICTURE_NONE for no pixels. */
enum picture_state picture_begin(struct picture_job *job, uint64_t width, uint64_t height);

/* Adds weighted, as ClamAV adds them: in single precision, halves up. */
static inline uint8_t picture_grey(uint8_t red, uint8_t green, uint8_t blue)
{
    float sum = 0.299F * (float)red + 0.587F * (float)green;
    sum += 0.114F * (float)blue;
    int whole = (int)sum;
    return (uint8_t)(whole + (sum - (float)whole >= 0.5F));
}

enum picture_state png_read(struct picture_job *job);
enum picture_state gif_read(struct picture_job *job);
enum picture_state bmp_read(struct picture_job *job);
enum picture_state photo_read(struct picture_job *job);
