#include "rescue/seed/hunt.h"

#include <errno.h>
#include <pthread.h>

enum { THREADS = 64 };

struct party {
    const struct hunt *hunt;
    uint64_t next; /* under the lock */
    uint64_t done;
    unsigned sure;
    struct hunt_best best;
    bool stop;
    pthread_mutex_t lock;
};

void hunt_keep(struct hunt_best *best, unsigned bits, uint64_t position, uint64_t detail)
{
    if (bits > best->bits)
        *best = (struct hunt_best){bits, position, detail};
}

void hunt_range(const struct seed_case *what, uint64_t total, uint64_t *from, uint64_t *to)
{
    *to = what->to && what->to < total ? what->to : total;
    *from = what->from < *to ? what->from : *to;
}

static bool stopped(const struct hunt *hunt)
{
    return hunt->what->stop && *hunt->what->stop;
}

/* The next part, false when there is none or one is found. */
static bool take(struct party *party, uint64_t *from, uint64_t *to)
{
    const struct hunt *hunt = party->hunt;
    pthread_mutex_lock(&party->lock);
    party->stop |= stopped(hunt);
    bool some = !party->stop && party->best.bits < party->sure && party->next < hunt->to;
    if (some) {
        *from = party->next;
        *to = hunt->to - *from < hunt->chunk ? hunt->to : *from + hunt->chunk;
        party->next = *to;
    }
    pthread_mutex_unlock(&party->lock);
    return some;
}

static uint64_t give(struct party *party, const struct hunt_best *best, uint64_t tried)
{
    pthread_mutex_lock(&party->lock);
    hunt_keep(&party->best, best->bits, best->position, best->detail);
    party->done += tried;
    uint64_t done = party->done;
    pthread_mutex_unlock(&party->lock);
    return done;
}

static void *join(void *context)
{
    struct party *party = context;
    uint64_t from, to;
    while (take(party, &from, &to)) {
        struct hunt_best best = {0};
        party->hunt->try(party->hunt->state, from, to, &best);
        give(party, &best, to - from);
    }
    return NULL;
}

/* The caller's own part, with progress. */
static void lead(struct party *party)
{
    const struct hunt *hunt = party->hunt;
    uint64_t from, to;
    while (take(party, &from, &to)) {
        struct hunt_best best = {0};
        hunt->try(hunt->state, from, to, &best);
        uint64_t done = give(party, &best, to - from);
        if (hunt->what->progress)
            hunt->what->progress(hunt->what->context, done, hunt->to - hunt->from);
    }
}

static unsigned bits_of(uint64_t n)
{
    return n ? 64 - (unsigned)__builtin_clzll(n) : 0;
}

int hunt_run(const struct hunt *hunt, struct hunt_best *ret, struct why *why)
{
    uint64_t tries = (hunt->to - hunt->from) * (hunt->tries ? hunt->tries : 1);
    unsigned chance = bits_of(tries);
    struct party party = {.hunt = hunt,
                          .next = hunt->from,
                          .sure = chance + HUNT_SURE,
                          .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[THREADS];
    unsigned started = 0, more = hunt->what->threads > 1 ? hunt->what->threads - 1 : 0;
    while (started < more && started < THREADS &&
           !pthread_create(&threads[started], NULL, join, &party))
        started++;
    lead(&party);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);

    if (party.best.bits >= chance + HUNT_LIKELY) {
        *ret = party.best;
        return 0;
    }
    if (party.stop)
        return fail(why, ECANCELED, "stopped after %llu of %llu",
                    (unsigned long long)party.done,
                    (unsigned long long)(hunt->to - hunt->from));
    return fail(why, ENOENT, "none of %llu seeds gives a known kind of file",
                (unsigned long long)(hunt->to - hunt->from));
}

uint64_t hunt_dotnet_total(const struct seed_case *what)
{
    (void)what;
    return HUNT_DOTNET;
}

int hunt_dotnet(struct hunt *hunt, struct arena *arena, struct key *ret, struct why *why)
{
    const struct seed_case *what = hunt->what;
    struct hunt_best best;
    int error = -ENOENT;
    if (what->near && what->near->kind == KEY_SEED && what->near->seed < HUNT_DOTNET) {
        uint64_t near = what->near->seed;
        hunt->from = near > SEED_NEAR ? near - SEED_NEAR : 0;
        hunt->to = near + SEED_NEAR < HUNT_DOTNET ? near + SEED_NEAR : HUNT_DOTNET;
        error = hunt_run(hunt, &best, why);
    }
    if (error == -ENOENT) {
        hunt_range(what, HUNT_DOTNET, &hunt->from, &hunt->to);
        error = hunt_run(hunt, &best, why);
    }
    if (error)
        return error;
    *ret =
        (struct key){.kind = KEY_SEED,
                     .seed = best.position,
                     .family = what->format->family,
                     .origin = arena_printf(arena, "seed %llu of .NET's Random, searched for",
                                            (unsigned long long)best.position)};
    return ret->origin.at ? 0 : fail(why, ENOMEM, "no memory for a key");
}
