/* pool — files out to sealed workers, what came of them back, in order.
 *
 *     this process                            worker (sandbox.h)
 *     opens files, waits, reports             reads and examines them
 *       │  SOCK_SEQPACKET: batches of          │
 *       │  jobs; small files lie in a ring     │
 *       │  of shared memory, large ones    ──► │
 *       │  come as descriptors                 │
 *       │ ◄── batches of replies               │
 *       │ ◄─► one shared page: stop word, and what the worker is at
 *
 * One thread. Results come in the order in which files were put, whatever worker was faster.
 * Nothing that a worker says is trusted: a reply is bytes, bounded, for whoever emits to read.
 * Large objects in a file, and batches of small ones, go to idle workers: what came of these
 * parts comes with the reply.
 * A worker that crashes, hangs or talks nonsense costs the object it was at: its file goes to a
 * new worker, which leaves that object out and says so, and what else the old one had been
 * handed goes to others. A file that costs more than POOL_DEATHS workers is given up. */
#pragma once
#include "sandbox/walls.h"
#include "scan/examine/examine.h"
#include "scan/walk.h"

enum {
    POOL_REPLY_MAX = 16 << 20, /* bytes of one reply */
    POOL_DEATHS = 4,           /* workers that one file may cost before it is given up */
    POOL_HANGS = 1,            /* of them, by not stopping when its time was up */
};

/* What came of one file, or a note at its place in the order. Views live for the call. */
struct pool_result {
    bytes path; /* empty: a note */
    bool named;
    uint64_t size;
    const struct stat *st;            /* of what was opened, where it was */
    struct walk_directory *directory; /* with keeps_places: as in struct walk_file */
    size_t name;
    int error; /* it was not examined: -errno */
    const struct reply_part *reply;
    bytes note_out, note_err;
};

struct pool_options {
    int jobs;
    uint64_t max_size;  /* larger files are not examined: -EFBIG. 0: no such limit */
    int64_t timeout_ms; /* of one file, 0: none */
    size_t reply_max;   /* bytes of one reply; 0: POOL_REPLY_MAX */
    bool wants_owner;
    bool keeps_places;         /* results say in which open directory the file is */
    bool leaves_out;           /* see `work` */
    const volatile bool *stop; /* end early: what waits is dropped */
    void *context;
    /* In a new worker, before it is sealed: makes what it works with. NULL: it cannot. */
    void *(*start)(void *context, struct examine_control *control);
    /* In the sealed worker: examines one file, appends the reply. With `leaves_out`, it heeds
     * what the file says is to be left out, and tells where it is; else a job that costs its
     * worker is given up. */
    void (*work)(void *started, const struct examine_file *file, struct text *reply);
    /* In the sealed worker: computes what `work` put off, and tells as examiner_settle does.
     * NULL: nothing can be put off. */
    enum examine_later (*settle)(void *started, uint32_t tag, bool now);
    /* Whether the parts of a reply may stand; else the file is examined once more, in one.
     * NULL: replies have no parts. */
    bool (*within)(void *context, const struct reply_part *reply);
    void (*emit)(void *context, const struct pool_result *result);
    /* Called before every wait, and at least ten times a second. `at` is what some worker is
     * at. */
    void (*pause)(void *context, bytes at);
};

struct pool;

/* Starts the workers, from a process without further threads. *ret_walls: what stands around
 * them. */
int pool_new(const struct pool_options *options, struct pool **ret, struct walls *ret_walls,
             struct why *why) MUST_USE;
/* Opens a file and hands it out; waits for room. */
void pool_put(struct pool *pool, const struct walk_file *file);
/* Text at this place in the order. */
void pool_note(struct pool *pool, bytes out, bytes err);
/* Waits for all results, ends the workers and frees the pool. 0, or -E... when workers could
 * not be started any more and files were left. */
int pool_finish(struct pool *pool, struct why *why);
