#include "rescue/job/team.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { PAUSE_MS = 25, HANGS_MS = 120 * 1000 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int team_new(const struct team_options *options, struct team *ret, struct why *why)
{
    int error = 0;
    *ret = (struct team){.options = *options};
    for (unsigned i = 0; i < TEAM_MOST; i++)
        ret->slot[i].worker = (struct worker){.child = {0, -1}, .socket = -1};
    void *shares = mmap(NULL, WORKER_SHARES * sizeof *ret->shares, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shares == MAP_FAILED)
        return fail(why, errno, "cannot start workers: %s", strerror(errno));
    ret->shares = ret->options.worker.shares = shares;
    for (unsigned i = 0; i < options->size && !error; i++)
        error = worker_new(&ret->options.worker, &ret->slot[i].worker, &ret->walls, &ret->ring,
                           why);
    if (error)
        team_end(ret);
    return error;
}

static void tell(struct team *team, struct team_slot *slot, const struct worker_reply *reply,
                 int error, const struct why *why)
{
    void *at = slot->at;
    slot->at = NULL;
    team->options.reply(team->options.context, (unsigned)(slot - team->slot), at, reply, error,
                        why);
}

/* A worker that has an answer, or is gone, or does nothing any more. */
static void attend(struct team *team, struct team_slot *slot, bool readable)
{
    struct worker_reply reply;
    struct why why = {""};
    if (readable) {
        int error = worker_receive(&slot->worker, &reply, &why);
        tell(team, slot, &reply, error, &why);
        return;
    }
    if (team->options.stop && *team->options.stop)
        slot->worker.page->stop = true;
    if (slot->worker.page->alive + slot->worker.page->done != slot->alive_seen) {
        slot->alive_seen = slot->worker.page->alive + slot->worker.page->done;
        slot->seen_ms = now_ms();
    } else if (slot->worker.kind != WORKER_SEEK && now_ms() - slot->seen_ms > HANGS_MS) {
        worker_end(&slot->worker);
        fail(&why, ETIMEDOUT, "what reads it did nothing for two minutes");
        tell(team, slot, &reply, -ETIMEDOUT, &why);
    }
}

/* Waits for the workers that are at something; false when none is. */
static bool wait_once(struct team *team)
{
    struct pollfd poll_for[TEAM_MOST];
    unsigned of[TEAM_MOST], n = 0;
    for (unsigned i = 0; i < team->options.size; i++)
        if (team->slot[i].at) {
            of[n] = i;
            poll_for[n++] =
                (struct pollfd){.fd = team->slot[i].worker.socket, .events = POLLIN};
        }
    if (!n)
        return false;
    if (team->options.pause)
        team->options.pause(team->options.context);
    if (poll(poll_for, n, PAUSE_MS) < 0 && errno != EINTR)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (team->slot[of[i]].at)
            attend(team, &team->slot[of[i]], poll_for[i].revents != 0);
    return true;
}

int team_idle(struct team *team, unsigned *ret_slot, struct why *why)
{
    for (;;) {
        for (unsigned i = 0; i < team->options.size; i++) {
            struct team_slot *slot = &team->slot[i];
            int error = 0;
            if (slot->at)
                continue;
            if (slot->worker.socket < 0)
                error = worker_new(&team->options.worker, &slot->worker, &team->walls,
                                   &team->ring, why);
            *ret_slot = i;
            return error;
        }
        if (!wait_once(team))
            return fail(why, EIO, "the workers cannot be waited for");
    }
}

void team_begin(struct team *team, unsigned number, const struct worker_request *request,
                const int *fds, size_t count, void *at)
{
    struct team_slot *slot = &team->slot[number];
    struct worker_reply none;
    struct why why = {""};
    slot->at = at;
    slot->alive_seen = 0;
    slot->seen_ms = now_ms();
    if ((slot->worker.socket < 0 &&
         worker_new(&team->options.worker, &slot->worker, &team->walls, &team->ring, &why)) ||
        worker_send(&slot->worker, request, fds, count, &why))
        tell(team, slot, &none, -EFAULT, &why);
}

void team_finish(struct team *team)
{
    while (wait_once(team))
        ;
}

bool team_is_idle(const struct team *team, unsigned slot)
{
    return !team->slot[slot].at && team->slot[slot].worker.socket >= 0;
}

void team_allow(struct team *team, unsigned slot, uint64_t limit)
{
    struct worker_page *page = team->slot[slot].worker.page;
    if (page && page->limit < limit)
        page->limit = limit;
}

void team_stop(struct team *team, unsigned slot)
{
    if (team->slot[slot].worker.page)
        team->slot[slot].worker.page->stop = true;
}

uint64_t team_done_by(const struct team *team, unsigned slot)
{
    const struct worker_page *page = team->slot[slot].worker.page;
    return page ? page->done : 0;
}

uint64_t team_done(const struct team *team)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < team->options.size; i++)
        if (team->slot[i].at && team->slot[i].worker.page)
            sum += team->slot[i].worker.page->done;
    return sum;
}

void team_end(struct team *team)
{
    for (unsigned i = 0; i < TEAM_MOST; i++)
        worker_end(&team->slot[i].worker);
    if (team->shares)
        munmap(team->shares, WORKER_SHARES * sizeof *team->shares);
    team->shares = NULL;
}
