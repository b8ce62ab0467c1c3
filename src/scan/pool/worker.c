#include "scan/pool/worker.h"

#include "sandbox/channel.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Files of this size and more are not begun before what is known was said. */
#define LARGE ((uint64_t)8 << 20)

enum { KEPT_REPLY = 64 << 10 }; /* memory that stays with a place */

/* A job whose reply waits for digests that were put off. */
struct held {
    struct worker_job job;
    struct text after, reply; /* what follows it in the message */
    int fd, mapping;          /* or -1 */
    bool put_off;
};

struct state {
    struct worker *worker;
    void *started;
    struct content content;
    struct text outgoing;
    /* A queue, from the oldest on; the place of one is its tag. */
    struct held held[WORKER_HELD];
    uint32_t held_first, held_count, held_fds;
    size_t held_bytes; /* of replies */
    struct channel_fds fds;
    uint32_t fd_next;
    uint32_t seq, parts; /* of the job under examination */
    _Alignas(16) uint8_t message[WORKER_MESSAGE];
};

static bool flush(struct state *state)
{
    struct text *out = &state->outgoing;
    bool good = !out->len || !channel_send(SANDBOX_FIRST, out->at, out->len, NULL, 0, 0);
    out->len = 0;
    return good && !out->failed;
}

/* Puts the reply into as many frames and messages as it takes. */
static bool answer(struct state *state, uint32_t seq, bytes reply)
{
    struct text *out = &state->outgoing;
    size_t at = 0;
    bool last = false;
    while (!last) {
        struct worker_frame frame = {.seq = seq};
        if (out->len + sizeof frame + 64 > WORKER_MESSAGE && !flush(state))
            return false;
        size_t room = WORKER_MESSAGE - out->len - sizeof frame, left = reply.len - at;
        size_t n = left < room ? left : room;
        last = n == left;
        frame.length = (uint32_t)n | (last ? WORKER_LAST : 0);
        text_add(out, &frame, sizeof frame);
        text_add(out, reply.at + at, n);
        at += n;
    }
    return true;
}

/* A message with the descriptors that came with it; its length, 0 at the end. Without `wait`,
 * 0 too where there is none yet. */
static size_t receive(struct state *state, bool wait)
{
    ssize_t n = channel_receive(SANDBOX_FIRST, state->message, sizeof state->message,
                                &state->fds, wait ? 0 : MSG_DONTWAIT);
    state->fd_next = 0;
    return n > 0 ? (size_t)n : 0;
}

/* Parts are of the oldest job that has no answer. */
static bool wants(void *to)
{
    const struct state *state = to;
    const struct worker_page *page = state->worker->page;
    return page->idle && !page->outbox && !state->held_count;
}

/* Puts a part into the outbox, if that is free and somebody waits for work. */
static bool offer(void *to, const struct examine_part *part, uint32_t *ret_number)
{
    struct state *state = to;
    struct worker_page *page = state->worker->page;
    struct text *out = &state->outgoing;
    size_t chain = part->depth * sizeof *part->chain;
    const struct worker_part head = {.number = state->parts,
                                     .size = (uint32_t)part->data.len,
                                     .path = (uint16_t)part->path.len,
                                     .name = (uint16_t)part->name,
                                     .depth = (uint16_t)part->depth,
                                     .batch = part->batch};
    const struct worker_frame frame = {
        .seq = state->seq,
        .length = (uint32_t)(sizeof head + part->path.len + chain) | WORKER_PART};
    /* A batch lies there, and was asked for. */
    if (!part->batch && (!wants(to) || part->data.len > WORKER_OUTBOX))
        return false;
    if (!flush(state))
        return false;
    if (!part->batch)
        memcpy(state->worker->outbox, part->data.at, part->data.len);
    page->outbox = true;
    text_add(out, &frame, sizeof frame);
    text_add(out, &head, sizeof head);
    text_add(out, part->path.at, part->path.len);
    text_add(out, part->chain, chain);
    *ret_number = state->parts++;
    return flush(state);
}

static uint8_t *room(void *to, size_t *ret_size)
{
    const struct state *state = to;
    *ret_size = WORKER_OUTBOX;
    return wants(to) ? state->worker->outbox : NULL;
}

/* What is at work, said before it is: whatever else comes out of this process comes later. */
static void tell(void *to, const struct examine_place *place)
{
    struct state *state = to;
    struct text *out = &state->outgoing;
    const struct worker_frame frame = {.seq = state->seq,
                                       .length = (uint32_t)sizeof *place | WORKER_PLACE};
    text_add(out, &frame, sizeof frame);
    text_add(out, place, sizeof *place);
    if (!flush(state))
        out->failed = true;
}

/* Bytes of what follows a job. */
static size_t job_tail(const struct worker_job *job)
{
    return job->owner + job->path + 1u + job->depth * sizeof(struct examine_container) +
           job->skips * sizeof(struct examine_skip);
}

static int take_content(struct state *state, const struct worker_job *job, int fd)
{
    struct content *content = &state->content;
    if (job->has_fd)
        return content_take(content, fd, 0);
    content->st.st_size = (off_t)job->size;
    content->data = (bytes){state->worker->ring + job->ring, job->size};
    content->shrunk = job->shrunk;
    return 0;
}

/* What came of what was put off of a held job. */
static enum examine_later settle(const struct state *state, const struct held *held, bool now)
{
    return held->put_off ? state->worker->options->settle(state->started,
                                                          (uint32_t)(held - state->held), now)
                         : LATER_NOTHING;
}

/* Lets go of the mapping of the job's file, which digests may need. */
static void forget(struct state *state, struct held *held)
{
    if (held->mapping < 0)
        return;
    (void)settle(state, held, true);
    content_forget(held->mapping);
    held->mapping = -1;
}

static void examine_once(struct state *state, struct held *held,
                         const struct examine_file *given)
{
    struct examine_file file = *given;
    struct worker_page *page = state->worker->page;
    page->control.stop = page->control.interrupted;
    page->current = held->job.seq;
    forget(state, held);
    held->reply.len = 0;
    int error = take_content(state, &held->job, held->fd);
    if (error) {
        struct reply reply;
        reply_begin(&reply, &held->reply);
        reply_end(&reply, error);
    } else {
        held->mapping = held->put_off ? content_keep(&state->content) : -1;
        /* Its place in the ring is its own until the answer has come. */
        file.stays = held->mapping >= 0 || (held->put_off && !held->job.has_fd);
        state->worker->options->work(state->started, &file, &held->reply);
    }
    content_release(&state->content);
}

static void examine(struct state *state, struct held *held)
{
    const struct worker_job *job = &held->job;
    const char *text = held->after.at;
    struct worker_page *page = state->worker->page;
    const struct examine_share share = {state, wants, offer, room};
    struct examine_container chain[EXAMINE_CHAIN];
    struct examine_skip skips[POOL_DEATHS];
    const struct examine_file file = {.owner = {(const uint8_t *)text, job->owner},
                                      .path = {(const uint8_t *)text + job->owner, job->path},
                                      .name = job->name,
                                      .content = &state->content,
                                      .chain = chain,
                                      .depth = job->depth,
                                      .batch = job->batch,
                                      .share = job->whole ? NULL : &share,
                                      .put_off = held->put_off,
                                      .tag = (uint32_t)(held - state->held),
                                      .skips = skips,
                                      .skip_count = job->skips,
                                      .tell = job->tells ? tell : NULL,
                                      .tell_to = state};
    const char *after = text + job->owner + job->path + 1;
    memcpy(chain, after, job->depth * sizeof *chain);
    memcpy(skips, after + job->depth * sizeof *chain, job->skips * sizeof *skips);
    state->seq = job->seq;
    state->parts = 0;
    do
        examine_once(state, held, &file);
    /* The word may have been meant for the job before. */
    while (page->control.stop && !state->parts && page->stop_job != job->seq &&
           page->stop_job != WORKER_ANYONE);
    page->current = 0;
}

/* Answers the oldest job, whose digests are known or computed now; once more examined where
 * something is known of them. False: the answer cannot go. */
static bool answer_oldest(struct state *state)
{
    struct held *held = &state->held[state->held_first];
    if (settle(state, held, true) == LATER_KNOWN) {
        state->held_bytes -= held->reply.len;
        held->put_off = false;
        examine(state, held);
        state->held_bytes += held->reply.len;
    }
    bool good =
        !held->reply.failed &&
        answer(state, held->job.seq, (bytes){(const uint8_t *)held->reply.at, held->reply.len});
    forget(state, held);
    state->held_bytes -= held->reply.len;
    state->held_fds -= held->fd >= 0;
    if (held->fd >= 0)
        close(held->fd);
    if (held->reply.room > KEPT_REPLY)
        text_free(&held->reply);
    state->held_first = (state->held_first + 1) % WORKER_HELD;
    state->held_count--;
    return good;
}

/* Answers jobs until at most so many are held, and those whose digests are known. */
static bool release(struct state *state, uint32_t most)
{
    while (state->held_count > most)
        if (!answer_oldest(state))
            return false;
    while (state->held_count &&
           settle(state, &state->held[state->held_first], false) != LATER_WAITS)
        if (!answer_oldest(state))
            return false;
    return true;
}

/* Examines a job, unless it was taken back: then it is answered by nothing. */
static void run_job(struct state *state, struct held *held, bool skip)
{
    const struct worker_job *job = &held->job;
    held->put_off = !skip && state->worker->options->settle && !job->whole && !job->tells;
    held->mapping = -1;
    held->reply.len = 0;
    if (!skip)
        examine(state, held);
    state->held_count++;
    state->held_fds += held->fd >= 0;
    state->held_bytes += held->reply.len;
}

/* How many may be held on. */
static uint32_t most_held(const struct state *state)
{
    if (state->worker->page->flush || state->held_bytes > WORKER_MESSAGE)
        return 0;
    bool full = state->held_count == WORKER_HELD || state->held_fds >= WORKER_HELD_FDS;
    return full ? state->held_count - 1 : state->held_count;
}

/* Whether what is known is said before the job is begun: it is large, or others wait for parts
 * of it, which are of the oldest job without an answer. */
static bool is_worth_an_answer(const struct state *state, const struct worker_job *job)
{
    return job->size >= LARGE || (state->worker->page->idle && job->size >= EXAMINE_PART);
}

/* The next job of a message at *at, in the next place. */
static struct held *take_job(struct state *state, size_t *at)
{
    uint32_t place = (state->held_first + state->held_count) % WORKER_HELD;
    struct held *held = &state->held[place];
    memcpy(&held->job, state->message + *at, sizeof held->job);
    *at += sizeof held->job;
    held->after.len = 0;
    text_add(&held->after, state->message + *at, job_tail(&held->job));
    *at += job_tail(&held->job);
    held->fd = held->job.has_fd && state->fd_next < state->fds.count
                   ? state->fds.at[state->fd_next++]
                   : -1;
    return held;
}

/* One message's jobs. */
static bool run_batch(struct state *state, size_t len)
{
    struct worker_page *page = state->worker->page;
    for (size_t at = 0; at + sizeof(struct worker_job) <= len;) {
        struct held *held = take_job(state, &at);
        const struct worker_job *job = &held->job;
        bool skip = job->seq <= page->skip_to && job->seq > page->skip_after;
        if (held->after.failed)
            return false;
        if (!skip && state->held_count && is_worth_an_answer(state, job) &&
            (!release(state, 0) || !flush(state)))
            return false;
        run_job(state, held, skip);
        if (held->reply.failed || !release(state, most_held(state)) ||
            (page->flush && !flush(state)))
            return false;
    }
    return true;
}

/* The next message: answers wait only while there is more to do. 0 at the end. */
static size_t next_message(struct state *state)
{
    size_t len = state->held_count ? receive(state, false) : 0;
    if (len)
        return len;
    return release(state, 0) && flush(state) ? receive(state, true) : 0;
}

int worker_run(void *context)
{
    struct worker *worker = context;
    struct state *state = calloc(1, sizeof *state);
    struct worker_hello hello = {.magic = WORKER_HELLO};
    size_t len;
    if (!state)
        return 1;
    state->worker = worker;
    content_guard();
    /* libarchive asks for local time; without TZ the C library would look at a file each time.
     */
    setenv("TZ", "UTC0", 1);
    tzset();
    state->started = worker->options->start(worker->options->context, &worker->page->control);
    hello.error = state->started ? sandbox_seal(&profile_worker, &hello.walls, &hello.why)
                                 : fail(&hello.why, ENOMEM, "out of memory");
    if (channel_send(SANDBOX_FIRST, &hello, sizeof hello, NULL, 0, 0) || hello.error)
        return 1;
    while ((len = next_message(state)))
        if (!run_batch(state, len))
            return 1;
    return 0;
}
