/* jpeg — JPEG files to rows of pixels, by libjpeg-turbo.
 *
 * The library allocates for itself: for progressive files two bytes for each sample of the
 * image, whose size the caller sees, and may refuse, before. */
#pragma once
#include "base/base.h"

enum jpeg_state {
    JPEG_READ,
    JPEG_DAMAGED, /* or the caller did not want it */
    JPEG_UNKNOWN, /* two colours, or more than four */
};

/* Calls `begin` with the size, which may refuse; then `take` with each row, from the top: red,
 * green, blue of each pixel. */
enum jpeg_state jpeg_read(bytes data, void *to,
                          bool (*begin)(void *to, uint32_t width, uint32_t height),
                          void (*take)(void *to, const uint8_t *rgb));
