#include "scan/pool/pool_state.h"

#include "sandbox/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SMALL = 64 << 10, /* files up to here go through the ring */
    STALE_MS = 20,    /* what waits this long behind a file may go to an idle worker */
};

/* Where `size` bytes may lie in the ring, or UINT32_MAX. */
static uint32_t ring_room(struct side *side, uint64_t size)
{
    uint64_t at = side->ring_head;
    if (at % WORKER_RING + size > WORKER_RING)
        at += WORKER_RING - at % WORKER_RING;
    if (at + size - side->ring_tail > WORKER_RING)
        return UINT32_MAX;
    side->ring_head = at + size;
    return (uint32_t)(at % WORKER_RING);
}

/* The bytes of a small file into the ring. False: it goes as a descriptor. */
static bool read_small(struct side *side, struct job *job, struct worker_job *ret)
{
    /* Files of the kernel's own have size 0 and content. */
    uint64_t room = job->size ? job->size : SMALL, before = side->ring_head;
    size_t len = 0;
    if (room > SMALL || (ret->ring = ring_room(side, room)) == UINT32_MAX)
        return false;
    while (len < room) {
        ssize_t n = pread(job->fd, side->ring + ret->ring + len, room - len, (off_t)len);
        if (n < 0 && errno != EINTR) {
            side->ring_head = before;
            return false; /* the worker says what is wrong */
        }
        if (n == 0)
            break;
        len += n > 0 ? (size_t)n : 0;
    }
    if (!job->size && len == room) {
        side->ring_head = before;
        return false;
    }
    side->ring_head -= room - len;
    ret->shrunk = len < job->size;
    ret->size = len;
    return true;
}

bool pool_has_room(const struct side *side)
{
    return side->socket >= 0 && !side->clogged && side->count < POOL_WINDOW &&
           side->live_bytes < POOL_WINDOW_BYTES && !(side->alone && side->live);
}

static struct side *roomiest(struct pool *pool)
{
    struct side *best = NULL;
    for (int i = 0; i < pool->options.jobs; i++) {
        struct side *side = &pool->sides[i];
        if (pool_has_room(side) && (!best || side->live < best->live))
            best = side;
    }
    return best;
}

static struct job *next_waiting(struct pool *pool, uint64_t *ret_number)
{
    if (pool->again_count) {
        *ret_number = pool->again[0];
        return pool_job(pool, pool->again[0]);
    }
    while (pool->next < pool->put && pool_job(pool, pool->next)->state != JOB_WAITING)
        pool->next++;
    *ret_number = pool->next;
    return pool->next < pool->put ? pool_job(pool, pool->next) : NULL;
}

static void take_next(struct pool *pool)
{
    if (pool->again_count)
        memmove(pool->again, pool->again + 1, --pool->again_count * sizeof *pool->again);
    else
        pool->next++;
    pool->waiting--;
}

struct batch {
    size_t len;
    int fds[WORKER_FDS];
    uint32_t fd_count, count;
};

/* Whether the worker may get this job now: one that a worker died over, or beside, goes to an
 * idle one and stays alone there. */
static bool may_have(const struct side *side, const struct batch *batch, const struct job *job)
{
    return pool_has_room(side) && batch->fd_count < WORKER_FDS &&
           (!job->tries || side->live == 0);
}

/* Writes one job into the message. False when it does not fit any more. */
static bool add_job(struct pool *pool, struct side *side, struct batch *batch)
{
    uint64_t number;
    struct job *job = next_waiting(pool, &number);
    struct worker_job head = {.seq = side->next_seq};
    if (!job || !may_have(side, batch, job))
        return false;
    const char *owner = pool->options.wants_owner ? owner_name(&pool->owners, job->uid) : "";
    head.owner = (uint16_t)strlen(owner);
    head.path = (uint16_t)(job->len < UINT16_MAX ? job->len : UINT16_MAX);
    head.name = (uint16_t)job->name_len;
    head.depth = (uint16_t)(job->is_part ? job->depth : 0);
    head.whole = job->whole || job->tries;
    head.tells = job->tells;
    head.batch = job->is_part && job->is_batch;
    head.skips = (uint8_t)job->skip_count;
    size_t chain = head.depth * sizeof *job->chain, skips = head.skips * sizeof *job->skips;
    size_t need = sizeof head + head.owner + head.path + 1u + chain + skips;
    if (batch->len + need > WORKER_MESSAGE)
        return false;
    head.size = job->size;
    head.has_fd = !read_small(side, job, &head);
    if (head.has_fd)
        batch->fds[batch->fd_count++] = job->fd;
    uint8_t *at = pool->message + batch->len;
    memcpy(at, &head, sizeof head);
    memcpy(at + sizeof head, owner, head.owner);
    memcpy(at + sizeof head + head.owner, job->path, head.path);
    at[need - skips - chain - 1] = 0;
    memcpy(at + need - skips - chain, job->chain, chain);
    if (skips)
        memcpy(at + need - skips, job->skips, skips);
    batch->len += need;
    batch->count++;
    *pool_handed(side, side->count++) = (struct handed){
        .job = number, .ring_end = side->ring_head, .size = job->size, .seq = head.seq};
    side->next_seq++;
    side->alone = job->tries > 0;
    side->live++;
    side->live_bytes += job->size;
    job->state = JOB_HANDED;
    job->tries++;
    take_next(pool);
    return true;
}

/* What could not be sent is in line again; it was never seen, so no try is lost. */
static void unhand(struct pool *pool, struct side *side, uint32_t count)
{
    while (count--) {
        const struct handed *handed = pool_handed(side, --side->count);
        side->next_seq--;
        side->live--;
        side->live_bytes -= handed->size;
        pool_job(pool, handed->job)->tries--;
        pool_take_back(pool, handed->job);
    }
    side->ring_head =
        side->count ? pool_handed(side, side->count - 1)->ring_end : side->ring_tail;
}

void pool_hand_out(struct pool *pool, bool all)
{
    struct side *side;
    while (pool->waiting && !pool->ended && (side = roomiest(pool))) {
        if (!all && side->live && pool->waiting < WORKER_BATCH)
            return;
        struct batch batch = {0};
        uint64_t share = pool->waiting / (uint64_t)(2 * pool->options.jobs) + 1;
        uint64_t most = share < WORKER_BATCH && all ? share : WORKER_BATCH;
        if (!side->live)
            side->since = pool->now;
        while (batch.count < most && add_job(pool, side, &batch))
            ;
        if (!batch.count)
            return;
        int error = channel_send(side->socket, pool->message, batch.len, batch.fds,
                                 batch.fd_count, MSG_DONTWAIT);
        if (error)
            unhand(pool, side, batch.count);
        if (error == -EAGAIN)
            side->clogged = true;
        else if (error)
            pool_worker_lose(pool, side, true, NULL);
    }
}

void pool_rebalance(struct pool *pool)
{
    struct side *idle = NULL, *busy = NULL;
    for (int i = 0; i < pool->options.jobs; i++) {
        struct side *side = &pool->sides[i];
        if (side->socket >= 0 && side->live == 0 && pool_has_room(side))
            idle = side;
        else if (side->live > 1 && pool->now - side->since >= STALE_MS &&
                 (!busy || side->live > busy->live))
            busy = side;
    }
    if (!idle || !busy || pool->waiting)
        return;
    /* The oldest stays there, whether the worker has begun it or not. */
    uint32_t current = busy->worker.page->current, kept = pool_handed(busy, 0)->seq;
    if (kept < current)
        kept = current;
    busy->worker.page->skip_after = kept;
    busy->worker.page->skip_to = busy->next_seq - 1;
    for (uint32_t i = 0; i < busy->count; i++) {
        struct handed *handed = pool_handed(busy, i);
        if (handed->taken_back || handed->seq <= kept)
            continue;
        handed->taken_back = true;
        busy->live--;
        busy->live_bytes -= handed->size;
        pool_job(pool, handed->job)->tries--;
        pool_take_back(pool, handed->job);
    }
}
