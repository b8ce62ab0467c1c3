#include "match/hash/md5_lanes.h"

#include "base/cpu.h"
#include "match/hash/md5_steps.h"

#include <string.h>

enum {
    LANES = 16,
    FEW = 2, /* streams that are faster one after the other than in lanes */
};

/* A stream: whole blocks where they lie, then its end with the padding. */
struct stream {
    struct md5_job *job;
    const uint8_t *at;
    uint64_t blocks; /* left at `at` */
    uint32_t ends;   /* blocks left in `end` after those */
    uint8_t end[2 * MD5_BLOCK];
};

struct lanes {
    struct stream streams[LANES];
    uint32_t state[4][LANES];
    uint32_t width, busy;
};

static const uint32_t start[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

static void stream_open(struct stream *stream, struct md5_job *job)
{
    size_t rest = job->data.len % MD5_BLOCK;
    uint64_t bits = (uint64_t)job->data.len * 8;
    stream->job = job;
    stream->at = job->data.at;
    stream->blocks = job->data.len / MD5_BLOCK;
    stream->ends = rest + 9 > MD5_BLOCK ? 2 : 1;
    memset(stream->end, 0, sizeof stream->end);
    if (rest)
        memcpy(stream->end, job->data.at + job->data.len - rest, rest);
    stream->end[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        stream->end[stream->ends * MD5_BLOCK - 8 + (size_t)i] = (uint8_t)(bits >> 8 * i);
    if (!stream->blocks) {
        stream->at = stream->end;
        stream->blocks = stream->ends;
        stream->ends = 0;
    }
}

/* False when it has come to its end. */
static bool stream_advance(struct stream *stream, uint64_t blocks)
{
    stream->blocks -= blocks;
    stream->at += blocks * MD5_BLOCK;
    if (stream->blocks)
        return true;
    stream->at = stream->end;
    stream->blocks = stream->ends;
    stream->ends = 0;
    return stream->blocks > 0;
}

static void put_digest(struct md5_job *job, const uint32_t state[4])
{
    for (int i = 0; i < 16; i++)
        job->digest[i] = (uint8_t)(state[i / 4] >> 8 * (i % 4));
}

static void finish_alone(struct lanes *lanes, uint32_t lane)
{
    struct stream *stream = &lanes->streams[lane];
    uint32_t state[4];
    for (int i = 0; i < 4; i++)
        state[i] = lanes->state[i][lane];
    do
        md5_scalar(state, stream->at, stream->blocks);
    while (stream_advance(stream, stream->blocks));
    put_digest(stream->job, state);
}

static void run(struct lanes *lanes, uint64_t blocks)
{
    const uint8_t *at[LANES];
    /* Lanes without a stream go along with another's bytes. */
    const uint8_t *some = NULL;
    for (uint32_t i = 0; i < lanes->width && !some; i++)
        some = lanes->streams[i].job ? lanes->streams[i].at : NULL;
    for (uint32_t i = 0; i < lanes->width; i++)
        at[i] = lanes->streams[i].job ? lanes->streams[i].at : some;
#if defined(__x86_64__)
    if (lanes->width == LANES)
        md5_avx512(lanes->state, at, blocks);
    else
        md5_avx2(lanes->state, at, blocks);
#else
    (void)at, (void)blocks;
#endif
}

/* Takes the next job into a lane, if there is one. */
static void fill(struct lanes *lanes, uint32_t lane, struct md5_job **next, uint32_t *left)
{
    struct stream *stream = &lanes->streams[lane];
    stream->job = NULL;
    if (!*left)
        return;
    stream_open(stream, (*next)++);
    --*left;
    lanes->busy++;
    for (int i = 0; i < 4; i++)
        lanes->state[i][lane] = start[i];
}

static void turn(struct lanes *lanes, struct md5_job **next, uint32_t *left)
{
    uint64_t blocks = UINT64_MAX;
    for (uint32_t i = 0; i < lanes->width; i++)
        if (lanes->streams[i].job && lanes->streams[i].blocks < blocks)
            blocks = lanes->streams[i].blocks;
    run(lanes, blocks);
    for (uint32_t i = 0; i < lanes->width; i++) {
        struct stream *stream = &lanes->streams[i];
        if (!stream->job || stream_advance(stream, blocks))
            continue;
        uint32_t state[4];
        for (int k = 0; k < 4; k++)
            state[k] = lanes->state[k][i];
        put_digest(stream->job, state);
        lanes->busy--;
        fill(lanes, i, next, left);
    }
}

void md5_lanes(struct md5_job *jobs, uint32_t count)
{
    enum cpu_level level = cpu_level();
    struct lanes lanes;
    lanes.width = level == CPU_AVX512 ? LANES : level == CPU_AVX2 ? LANES / 2 : 1;
    lanes.busy = 0;
    for (uint32_t i = 0; i < lanes.width; i++)
        fill(&lanes, i, &jobs, &count);
    while (lanes.width > 1 && (lanes.busy > FEW || (lanes.busy && count)))
        turn(&lanes, &jobs, &count);
    for (uint32_t i = 0; lanes.width > 1 && i < lanes.width; i++)
        if (lanes.streams[i].job)
            finish_alone(&lanes, i);
    while (lanes.width == 1 && lanes.streams[0].job) {
        finish_alone(&lanes, 0);
        fill(&lanes, 0, &jobs, &count);
    }
}
