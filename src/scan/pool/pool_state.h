/* pool_state — what a pool knows; private to pool*.c:
 *
 *     pool.c          the door, waiting, time
 *     pool_workers.c  workers begin, and end
 *     pool_hand.c     jobs go out
 *     pool_take.c     replies come in
 *     pool_parts.c    large objects in a file, which other workers examine */
#pragma once
#include "sandbox/sandbox.h"
#include "scan/owner.h"
#include "scan/pool/worker.h"

#include <poll.h>

enum {
    POOL_JOBS = 4096,  /* files put and not yet emitted */
    POOL_WINDOW = 256, /* jobs in one worker */
    POOL_TICK_MS = 100,
    POOL_GRACE_MS = 3000,    /* to stop after being told */
    POOL_START_FAILURES = 3, /* in a row: there will be no workers */
};

/* Bytes of files in one worker, beyond which it gets no more. */
#define POOL_WINDOW_BYTES ((uint64_t)32 << 20)

/* In a job's number: it is a part, and the rest its place among the parts. */
#define POOL_PART ((uint64_t)1 << 62)

enum job_state { JOB_WAITING, JOB_HANDED, JOB_DONE, JOB_DROPPED };

struct job {
    enum job_state state;
    char *path;
    size_t room, len, name_len;
    bool named, is_note;
    bool whole; /* its parts are not to be handed out */
    int fd;     /* until the reply is there: a worker may die over it */
    uint64_t size;
    uid_t uid;
    struct stat st;
    struct walk_directory *directory; /* kept for whoever wants the file's place */
    size_t name;
    int error;
    unsigned tries;
    char *fault;
    struct examine_skip *skips; /* what cost workers; POOL_DEATHS of them, NULL: none yet */
    uint32_t skip_count;
    unsigned deaths, hangs; /* of a file: with its parts' */
    bool tells;             /* it is known only that it says nonsense, not where */
    struct text reply, note_out, note_err;
    struct reply_part result;
    /* Its own parts. */
    uint64_t *part_numbers;
    const struct reply_part **part_results;
    uint32_t part_count, part_room;
    uint32_t open_parts; /* of a file: its parts, and theirs, that are not done */
    /* Of a part. */
    bool is_part, is_batch;
    uint64_t root;
    int64_t began; /* when its file was begun */
    uint32_t depth;
    struct examine_container chain[EXAMINE_CHAIN];
};

/* A job that a worker has, oldest first. */
struct handed {
    uint64_t job;
    uint64_t ring_end, size;
    uint32_t seq;
    bool taken_back;
};

/* A worker as seen from here. */
struct side {
    struct sandbox_child child;
    struct worker worker;
    uint8_t *ring;
    uint64_t ring_head, ring_tail;
    int socket; /* -1: there is none */
    bool greeted, clogged;
    bool outbox_held; /* what lay in the outbox waits for a worker */
    uint32_t next_seq;
    struct handed handed[POOL_WINDOW];
    uint32_t first, count, live; /* live: not taken back */
    bool alone;                  /* the job is to be the only one */
    uint64_t live_bytes;
    struct text partial;        /* the reply that is coming in */
    struct examine_place place; /* what it said it was at: of jobs that tell */
    int64_t since;              /* the last sign of progress */
    int64_t told;               /* when it was told to stop, or 0 */
};

struct pool {
    struct pool_options options;
    struct side *sides;
    struct job *jobs;
    struct owners owners;
    uint64_t put, next, emitted; /* job numbers: next is the first never handed out */
    uint64_t waiting;            /* jobs in state WAITING */
    int64_t since;               /* when the first of them was put, by pool_put */
    uint64_t *again;             /* jobs to hand out once more, oldest first */
    uint32_t again_count;
    struct job **parts; /* by number, NULL where there is none */
    uint32_t part_size, part_hint;
    int64_t now, ticked;
    unsigned failures; /* starts of workers that failed, in a row */
    bool ended;
    struct pollfd *polls; /* one for each worker */
    struct walls walls;
    struct why why;
    _Alignas(16) uint8_t message[WORKER_MESSAGE];
};

/* pool.c */
struct job *pool_job(struct pool *pool, uint64_t number);
struct handed *pool_handed(struct side *side, uint32_t index);
void pool_job_close(struct job *job);
/* The job cost a worker: it is done. */
void pool_job_fault(struct pool *pool, struct job *job, const char *fault);
/* Puts a job back in line, in the order of the jobs. */
void pool_take_back(struct pool *pool, uint64_t number);

/* pool_parts.c */
/* The job is answered, or cost its worker. */
void pool_job_done(struct pool *pool, struct job *job);
/* Forgets the parts of a job whose reply will not come. */
void pool_parts_drop(struct pool *pool, struct job *job);
/* The file that a job is, or is a part of. */
struct job *pool_root(struct pool *pool, struct job *job);
/* The whole file is given up, not to say the part of it that this job is. */
void pool_root_fault(struct pool *pool, struct job *job, const char *fault);
/* A worker hands over a part of the job it is at. False: it lies. */
bool pool_part_take(struct pool *pool, struct side *side, bytes frame);
/* Tells workers whether parts are welcome. */
void pool_parts_flow(struct pool *pool);

/* pool_workers.c */
int pool_worker_start(struct pool *pool, struct side *side);
bool pool_worker_map(const struct pool *pool, struct side *side);
/* A worker is gone, or has to go: `what` says why, NULL: as it ended by itself. `known`: it is
 * still at the job that is to blame. */
void pool_worker_lose(struct pool *pool, struct side *side, bool known, const char *what);
/* Workers that are gone are replaced while there is work. */
void pool_workers_replace(struct pool *pool);
/* Without workers nothing can be examined: what is left is said to be so. */
void pool_workers_give_up(struct pool *pool);

/* pool_hand.c */
bool pool_has_room(const struct side *side);
/* Hands out what waits: whole batches as long as all are busy, at once to who is idle. */
void pool_hand_out(struct pool *pool, bool all);
/* An idle worker gets what waits in others behind a file that takes its time. */
void pool_rebalance(struct pool *pool);

/* pool_take.c */
/* All that has come from one worker. */
void pool_receive(struct pool *pool, struct side *side);
/* Emits what is next in the order. */
void pool_emit(struct pool *pool);
