/* team — several workers, each at one request, and whoever waits for them.
 *
 * One thread. A reply is handed to `reply`, which may give the same worker its next request. A
 * worker that died is replaced when it is needed again. */
#pragma once
#include "rescue/worker.h"

enum { TEAM_MOST = 16 };

struct team_options {
    struct worker_options worker;
    unsigned size; /* workers, at most TEAM_MOST */
    void *context;
    /* `error`: the worker was stopped (-EFAULT), or did nothing for two minutes (-ETIMEDOUT);
     * else reply->error is the request's. */
    void (*reply)(void *context, unsigned slot, void *at, const struct worker_reply *reply,
                  int error, const struct why *why);
    /* About forty times a second while waiting. */
    void (*pause)(void *context);
    const volatile bool *stop; /* workers are told, and end what they are at */
};

struct team_slot {
    struct worker worker;
    void *at; /* what the request is about; NULL: idle */
    uint64_t alive_seen;
    int64_t seen_ms;
};

struct team {
    struct team_options options;
    struct team_slot slot[TEAM_MOST];
    struct walls walls;
    struct worker_ring ring;
    struct worker_share *shares; /* one for each slot */
};

/* Starts all of them. From a process without further threads. */
int team_new(const struct team_options *options, struct team *ret, struct why *why) MUST_USE;
/* Waits until one is idle: its slot. -E...: none can be started any more. */
int team_idle(struct team *team, unsigned *ret_slot, struct why *why) MUST_USE;
/* Hands an idle one a request about `at`; one that is gone is started anew. When that fails,
 * `reply` is told so. */
void team_begin(struct team *team, unsigned slot, const struct worker_request *request,
                const int *fds, size_t count, void *at);
/* Whether its worker lives and has nothing to do. */
bool team_is_idle(const struct team *team, unsigned slot);
/* More of the file that it follows is there (worker_page.limit). */
void team_allow(struct team *team, unsigned slot, uint64_t limit);
/* Ends what it is at; the answer comes all the same. */
void team_stop(struct team *team, unsigned slot);
/* Bytes done of what one of them is at. */
uint64_t team_done_by(const struct team *team, unsigned slot);
/* Waits until all are idle. */
void team_finish(struct team *team);
/* Bytes done of what they are at. */
uint64_t team_done(const struct team *team);
void team_end(struct team *team);
