/* md5_lanes — MD5 of several things side by side (RFC 1321).
 *
 * A step of MD5 waits for the one before, so one stream leaves most of a processor idle: lanes
 * of vectors take 8 (AVX2) or 16 (AVX-512) streams through it at once, each a thing of its own
 * length. Same answers whatever the processor. */
#pragma once
#include "base/base.h"

struct md5_job {
    bytes data;
    uint8_t digest[16]; /* the answer */
};

void md5_lanes(struct md5_job *jobs, uint32_t count);
