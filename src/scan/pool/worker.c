#include "scan/pool/worker.h"

#include "sandbox/channel.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Files of this size and more are not begun before what is known was said. */
#define LARGE ((uint64_t)8 << 20)

/* A job whose reply waits for digests that were put off. */
struct held {
    struct worker_job job;
    const char *text; /* what follows it in the message */
    int fd;           /* or -1 */
    size_t at, len;   /* its reply, in the held ones */
    bool put_off;
};

struct state {
    struct worker *worker;
    void *started;
    struct content content;
    struct text reply, outgoing, held_replies;
    struct held held[WORKER_BATCH];
    uint32_t held_count;
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

/* A message with the descriptors that came with it; its length, 0 at the end. */
static size_t receive(struct state *state)
{
    ssize_t n =
        channel_receive(SANDBOX_FIRST, state->message, sizeof state->message, &state->fds, 0);
    state->fd_next = 0;
    return n > 0 ? (size_t)n : 0;
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
    /* A batch lies there, and was asked for. Parts are of the oldest job that has no answer. */
    if (state->held_count ||
        (!part->batch && (!page->idle || page->outbox || part->data.len > WORKER_OUTBOX)))
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
    const struct worker_page *page = state->worker->page;
    *ret_size = WORKER_OUTBOX;
    return page->idle && !page->outbox && !state->held_count ? state->worker->outbox : NULL;
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

static void examine(struct state *state, const struct held *held)
{
    const struct worker_job *job = &held->job;
    const char *text = held->text;
    int fd = held->fd;
    struct worker_page *page = state->worker->page;
    const struct examine_share share = {state, offer, room};
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
                                      .tag = state->held_count,
                                      .skips = skips,
                                      .skip_count = job->skips,
                                      .tell = job->tells ? tell : NULL,
                                      .tell_to = state};
    bool again;
    const char *after = text + job->owner + job->path + 1;
    memcpy(chain, after, job->depth * sizeof *chain);
    memcpy(skips, after + job->depth * sizeof *chain, job->skips * sizeof *skips);
    state->seq = job->seq;
    state->parts = 0;
    do {
        page->control.stop = page->control.interrupted;
        page->current = job->seq;
        state->reply.len = 0;
        int error = take_content(state, job, fd);
        if (error) {
            struct reply reply;
            reply_begin(&reply, &state->reply);
            reply_end(&reply, error);
        } else {
            state->worker->options->work(state->started, &file, &state->reply);
        }
        content_release(&state->content);
        /* The word may have been meant for the job before. */
        again = page->control.stop && !state->parts && page->stop_job != job->seq &&
                page->stop_job != WORKER_ANYONE;
    } while (again);
    page->current = 0;
}

/* Examines once more what has something in it whose digest is known, and answers all. */
static bool release(struct state *state)
{
    const struct pool_options *options = state->worker->options;
    uint64_t known = options->settle ? options->settle(state->started) : 0;
    bool good = !state->held_replies.failed;
    for (uint32_t i = 0; i < state->held_count; i++) {
        struct held *held = &state->held[i];
        bytes reply = {(const uint8_t *)state->held_replies.at + held->at, held->len};
        if (good && held->put_off && known >> i & 1) {
            held->put_off = false;
            examine(state, held);
            reply = (bytes){(const uint8_t *)state->reply.at, state->reply.len};
        }
        good = good && !state->reply.failed && answer(state, held->job.seq, reply);
        if (held->fd >= 0)
            close(held->fd);
    }
    state->held_count = 0;
    state->held_replies.len = 0;
    return good;
}

/* Examines a job, unless it was taken back: then it is answered by nothing. */
static void run_job(struct state *state, struct held *held, bool skip)
{
    const struct worker_job *job = &held->job;
    held->put_off = !skip && state->worker->options->settle && !job->whole && !job->tells;
    state->reply.len = 0;
    if (!skip)
        examine(state, held);
    held->at = state->held_replies.len;
    held->len = state->reply.len;
    text_add(&state->held_replies, state->reply.at, state->reply.len);
    state->held_count++;
}

/* One message's jobs. */
static bool run_batch(struct state *state, size_t len)
{
    struct worker_page *page = state->worker->page;
    for (size_t at = 0; at + sizeof(struct worker_job) <= len;) {
        struct held *held = &state->held[state->held_count];
        *held = (struct held){.fd = -1};
        memcpy(&held->job, state->message + at, sizeof held->job);
        held->text = (const char *)state->message + at + sizeof held->job;
        at += sizeof held->job + job_tail(&held->job);
        if (held->job.has_fd && state->fd_next < state->fds.count)
            held->fd = state->fds.at[state->fd_next++];
        bool skip = held->job.seq <= page->skip_to && held->job.seq > page->skip_after;
        if (!skip && held->job.size >= LARGE) {
            const struct held next = *held;
            if (!release(state) || !flush(state))
                return false;
            held = &state->held[0];
            *held = next;
        }
        run_job(state, held, skip);
        if (state->reply.failed)
            return false;
        bool full = state->held_count == WORKER_BATCH ||
                    state->held_replies.len > WORKER_MESSAGE || page->flush;
        if (full && (!release(state) || (page->flush && !flush(state))))
            return false;
    }
    return release(state) && flush(state);
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
    while ((len = receive(state)))
        if (!run_batch(state, len))
            return 1;
    return 0;
}
