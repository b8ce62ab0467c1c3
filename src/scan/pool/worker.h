/* worker — the sealed side of a pool, and what both sides say to each other. */
#pragma once
#include "scan/pool/pool.h"

enum {
    WORKER_BATCH = 32,          /* files in one message */
    WORKER_FDS = 16,            /* of them as descriptors */
    WORKER_HELD = EXAMINE_TAGS, /* files whose answers wait for their digests */
    WORKER_HELD_FDS = 64,       /* of them as descriptors */
    WORKER_MESSAGE = 64 << 10,  /* bytes of one message, either way */
    WORKER_RING = 4 << 20,      /* bytes of small files that wait in one worker */
    WORKER_OUTBOX = 64 << 20,   /* bytes of a part at most */
    WORKER_HELLO = 0x43414e31,
};

#define WORKER_LAST   (UINT32_C(1) << 31) /* in a frame's length: the reply is complete */
#define WORKER_PART   (UINT32_C(1) << 30) /* it is no piece of a reply, but a worker_part */
#define WORKER_PLACE  (UINT32_C(1) << 29) /* but an examine_place: of a job that tells */
#define WORKER_ANYONE UINT32_MAX          /* stop_job: whatever is under examination */

/* Shared by both; each word is written by one side. Sequence numbers count the jobs handed to
 * one worker, from 1. */
struct worker_page {
    struct examine_control control; /* place: the worker's; stop: set by the pool, cleared by
                                       the worker when it begins a job */
    volatile uint32_t stop_job;     /* the pool's: what `stop` is about */
    volatile uint32_t skip_after;   /* the pool's: jobs after this one, up to */
    volatile uint32_t skip_to;      /* this one, were taken back; written in this order */
    volatile bool flush;            /* the pool's: answers are wanted now */
    volatile uint32_t idle;         /* the pool's: how many parts would be taken */
    volatile bool outbox;           /* a part lies in the outbox: set by the worker, cleared by
                                       the pool */
    volatile uint32_t current;      /* the worker's: the job it is at, 0 between jobs */
};

/* The worker's first message. */
struct worker_hello {
    uint32_t magic;
    int32_t error; /* -errno: it could not begin, and why */
    struct walls walls;
    struct why why;
};

/* A message to a worker is this many jobs, each followed by the owner's name and the path with
 * its NUL, the numbers of the containers around it, and what is left out. The descriptors of
 * those with one come with it, in order. */
struct worker_job {
    uint32_t seq;
    uint32_t ring; /* offset of its bytes */
    uint64_t size;
    uint16_t owner, path, name, depth; /* lengths, without the NUL */
    bool has_fd, shrunk;
    bool whole; /* no part of it goes elsewhere */
    bool batch; /* what it is, see examine_file */
    bool tells; /* says what it is at, in order with all else that is said */
    uint8_t skips;
};

/* A part of the file under examination, whose bytes lie in the outbox. Followed by the
 * path, and the numbers of the containers around it. */
struct worker_part {
    uint32_t number; /* counts those of one job, from 0 */
    uint32_t size;
    uint16_t path, name, depth;
    uint16_t batch; /* not 0: objects out of one container, see batch.h */
};

/* A message to the pool is frames, each followed by its bytes: pieces of replies, in order. */
struct worker_frame {
    uint32_t seq, length;
};

struct worker {
    const struct pool_options *options;
    struct worker_page *page;
    const uint8_t *ring;
    uint8_t *outbox;
};

/* What sandbox_spawn runs; `context` is a struct worker, the socket SANDBOX_FIRST. */
int worker_run(void *context);
