/* jpeg — JPEG files to what is in them before it becomes pixels: blocks of frequencies, by
 * libjpeg-turbo. How they become pixels is left to the caller: libraries round differently.
 *
 * The library allocates for itself: two bytes for each sample of the image, whose size the
 * caller sees, and may refuse, before. */
#pragma once
#include "base/base.h"

enum { JPEG_PLANES = 4, JPEG_BLOCK = 64 };

enum jpeg_state {
    JPEG_READ,
    JPEG_DAMAGED, /* or the caller did not want it */
    JPEG_UNKNOWN, /* two colours, or more than four */
};

enum jpeg_colours {
    JPEG_GREY,
    JPEG_YCC, /* brightness, blue, red */
    JPEG_RGB,
    JPEG_INKS,     /* cyan, magenta, yellow, black, as they stand */
    JPEG_YCC_INKS, /* brightness, blue, red of the first three; black */
};

/* Of one colour. */
struct jpeg_plane {
    uint32_t columns, rows; /* of blocks */
    uint32_t across, down;  /* how fine it is, beside the other planes */
};

struct jpeg_image {
    uint32_t width, height;
    enum jpeg_colours colours;
    bool inverted; /* inks: 255 is none */
    uint32_t plane_count;
    struct jpeg_plane planes[JPEG_PLANES];
};

/* Calls `begin`, which may refuse; then `take` with each row of blocks of each plane, from the
 * top: their frequencies, by rows, counted in steps. */
enum jpeg_state jpeg_read(bytes data, void *to,
                          bool (*begin)(void *to, const struct jpeg_image *image),
                          void (*take)(void *to, uint32_t plane, uint32_t row,
                                       const uint16_t steps[static JPEG_BLOCK],
                                       const int16_t (*blocks)[JPEG_BLOCK]));
