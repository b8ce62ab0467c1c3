/* md5_lanes — MD5 of several things side by side (RFC 1321).
 *
 * A step of MD5 waits for the one before, so one stream leaves most of a processor idle: lanes
 * of vectors take 8 (AVX2) or 16 (AVX-512) streams through it at once, each a thing of its own
 * length. Same answers whatever the processor.
 *
 * Lanes may go on from call to call, so that they are full nearly always: a long stream is in
 * one of them while others come and go. */
#pragma once
#include "base/base.h"

struct md5_job {
    bytes data;
    uint8_t digest[16]; /* the answer */
};

enum { MD5_LANES = 16 };

/* Private: a stream is whole blocks where they lie, then its end with the padding. */
struct md5_stream {
    struct md5_job *job; /* NULL: the lane is free */
    const uint8_t *at;
    uint64_t blocks; /* left at `at` */
    uint32_t ends;   /* blocks left in `end` after those */
    uint8_t end[128];
};

struct md5_lanes {
    uint32_t width, busy; /* how many lanes there are, and have a job */
    struct md5_stream streams[MD5_LANES];
    uint32_t state[4][MD5_LANES];
};

void md5_lanes_begin(struct md5_lanes *lanes);
/* Takes a job, which with its data stays where it is until it is done. False: all are busy. */
bool md5_lanes_add(struct md5_lanes *lanes, struct md5_job *job);
/* Goes on until at least one job is done; those that are: how many. 0 without jobs. `more`:
 * others follow, so that it pays to leave the last ones in their lanes. */
uint32_t md5_lanes_run(struct md5_lanes *lanes, bool more, struct md5_job *ret[MD5_LANES]);

/* All of them at once. */
void md5_lanes(struct md5_job *jobs, uint32_t count);
