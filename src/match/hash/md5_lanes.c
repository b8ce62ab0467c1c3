#include "match/hash/md5_lanes.h"

#include "base/cpu.h"
#include "match/hash/md5_steps.h"

#include <string.h>

/* Streams that are faster in plain C than in lanes, and that four lanes hold. */
enum { FEW = 2, FOUR = 4 };

static const uint32_t start[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

static void stream_open(struct md5_stream *stream, struct md5_job *job)
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
static bool stream_advance(struct md5_stream *stream, uint64_t blocks)
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

/* The job of a lane is done. */
static struct md5_job *leave(struct md5_lanes *lanes, uint32_t lane)
{
    struct md5_job *job = lanes->streams[lane].job;
    uint32_t state[4];
    for (int i = 0; i < 4; i++)
        state[i] = lanes->state[i][lane];
    put_digest(job, state);
    lanes->streams[lane].job = NULL;
    lanes->busy--;
    return job;
}

static struct md5_job *finish_alone(struct md5_lanes *lanes, uint32_t lane)
{
    struct md5_stream *stream = &lanes->streams[lane];
    uint32_t state[4];
    for (int i = 0; i < 4; i++)
        state[i] = lanes->state[i][lane];
    do
        md5_scalar(state, stream->at, stream->blocks);
    while (stream_advance(stream, stream->blocks));
    for (int i = 0; i < 4; i++)
        lanes->state[i][lane] = state[i];
    return leave(lanes, lane);
}

static void run_all(struct md5_lanes *lanes, uint64_t blocks)
{
    const uint8_t *at[MD5_LANES];
    /* Lanes without a stream go along with another's bytes. */
    const uint8_t *some = NULL;
    for (uint32_t i = 0; i < lanes->width && !some; i++)
        some = lanes->streams[i].job ? lanes->streams[i].at : NULL;
    for (uint32_t i = 0; i < lanes->width; i++)
        at[i] = lanes->streams[i].job ? lanes->streams[i].at : some;
#if defined(__x86_64__)
    if (lanes->width == MD5_LANES)
        md5_avx512(lanes->state, at, blocks);
    else
        md5_avx2(lanes->state, at, blocks);
#else
    (void)at, (void)blocks;
#endif
}

#if defined(__x86_64__)
/* The few that there are. */
static void run_few(struct md5_lanes *lanes, uint64_t blocks)
{
    const uint8_t *at[FOUR];
    uint32_t state[4][FOUR], from[FOUR], count = 0;
    for (uint32_t i = 0; i < lanes->width; i++)
        if (lanes->streams[i].job)
            from[count++] = i;
    for (uint32_t k = 0; k < FOUR; k++) {
        from[k] = from[k < count ? k : 0];
        at[k] = lanes->streams[from[k]].at;
        for (int i = 0; i < 4; i++)
            state[i][k] = lanes->state[i][from[k]];
    }
    md5_few_avx512(state, at, blocks);
    for (uint32_t k = 0; k < count; k++)
        for (int i = 0; i < 4; i++)
            lanes->state[i][from[k]] = state[i][k];
}
#endif

static void run(struct md5_lanes *lanes, uint64_t blocks)
{
#if defined(__x86_64__)
    if (lanes->width == MD5_LANES && lanes->busy <= FOUR) {
        run_few(lanes, blocks);
        return;
    }
#endif
    run_all(lanes, blocks);
}

void md5_lanes_begin(struct md5_lanes *lanes)
{
    enum cpu_level level = cpu_level();
    lanes->width = level == CPU_AVX512 ? MD5_LANES : level == CPU_AVX2 ? MD5_LANES / 2 : 1;
    lanes->busy = 0;
    for (uint32_t i = 0; i < MD5_LANES; i++)
        lanes->streams[i].job = NULL;
}

bool md5_lanes_add(struct md5_lanes *lanes, struct md5_job *job)
{
    uint32_t lane = 0;
    if (lanes->busy == lanes->width)
        return false;
    while (lanes->streams[lane].job)
        lane++;
    stream_open(&lanes->streams[lane], job);
    lanes->busy++;
    for (int i = 0; i < 4; i++)
        lanes->state[i][lane] = start[i];
    return true;
}

uint32_t md5_lanes_run(struct md5_lanes *lanes, bool more, struct md5_job *ret[MD5_LANES])
{
    uint64_t blocks = UINT64_MAX;
    uint32_t done = 0;
    uint32_t few = lanes->width == MD5_LANES ? 1 : FEW;
    if (lanes->width == 1 || (lanes->busy <= few && !more)) {
        for (uint32_t i = 0; i < lanes->width; i++)
            if (lanes->streams[i].job)
                ret[done++] = finish_alone(lanes, i);
        return done;
    }
    while (lanes->busy && !done) {
        for (uint32_t i = 0; i < lanes->width; i++)
            if (lanes->streams[i].job && lanes->streams[i].blocks < blocks)
                blocks = lanes->streams[i].blocks;
        run(lanes, blocks);
        for (uint32_t i = 0; i < lanes->width; i++)
            if (lanes->streams[i].job && !stream_advance(&lanes->streams[i], blocks))
                ret[done++] = leave(lanes, i);
        blocks = UINT64_MAX;
    }
    return done;
}

void md5_lanes(struct md5_job *jobs, uint32_t count)
{
    struct md5_lanes lanes;
    struct md5_job *done[MD5_LANES];
    uint32_t next = 0;
    md5_lanes_begin(&lanes);
    do
        while (next < count && md5_lanes_add(&lanes, &jobs[next]))
            next++;
    while (md5_lanes_run(&lanes, next < count, done));
}
