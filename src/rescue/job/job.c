#include "rescue/job/job.h"

#include "home/home.h"
#include "rescue/job/beside.h"
#include "rescue/job/doubt.h"
#include "rescue/job/pairs.h"
#include "rescue/job/plan.h"
#include "rescue/job/recover.h"
#include "rescue/job/search.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY ((size_t)4 << 30)

enum { WORKERS_MOST = 4 };

static const char *const state_words[] = {
    "planned",           "no key",          "can be",  "not read", "recovered",
    "already recovered", "encrypted again", "damaged", "failed",
};
static const char *const proof_words[] = {"failed", "unknown", "plausible", "proven"};

_Static_assert(COUNT(state_words) == JOB_STATES, "a word for each state");

const char *job_state_word(enum job_state state)
{
    return state_words[state];
}

const char *job_proof_word(enum proof proof)
{
    return proof_words[proof];
}

unsigned job_workers(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > WORKERS_MOST ? WORKERS_MOST : (unsigned)n;
}

/* What the team is about: NULL while files are planned. */
struct phase {
    struct job *job;
    struct recover *recover;
    struct search *search;
    struct pairs *pairs;
    struct doubt *doubt;
};

static void on_reply(void *context, unsigned slot, void *at, const struct worker_reply *reply,
                     int error, const struct why *why)
{
    struct phase *phase = context;
    if (phase->recover)
        recover_reply(phase->recover, slot, at, reply, error, why);
    else if (phase->pairs)
        pairs_reply(phase->pairs, at, reply, error);
    else if (phase->doubt)
        doubt_reply(phase->doubt, at, reply, error);
    else if (phase->search)
        search_reply(phase->search, slot, reply, error, why);
    else
        plan_reply(phase->job, at, reply, error, why);
}

static void on_pause(void *context)
{
    const struct phase *phase = context;
    struct job *job = phase->job;
    uint64_t finished = 0;
    for (unsigned i = JOB_RECOVERED; i < JOB_STATES; i++)
        finished += job->count[i];
    if (phase->recover)
        recover_pause(phase->recover);
    if (phase->recover)
        job->options->progress(job->options->context, "recovering", finished, job->file.n,
                               job->bytes_done + team_done(&job->team), job->bytes_all);
    else if (phase->search)
        job->options->progress(job->options->context, "searching", team_done(&job->team), 0, 0,
                               0);
    else
        job->options->progress(job->options->context, "looking", job->seen, 0, 0, 0);
}

/* Asks what each key is, for people. */
static int ask_keys(struct job *job, struct why *why)
{
    for (uint32_t i = 0; i < job->team.ring.keys; i++) {
        const struct worker_request request = {.kind = WORKER_KEY, .key = (int32_t)i};
        struct worker_reply reply;
        struct job_key *key = vec_push(job->arena, &job->key);
        int error = key ? worker_ask(&job->team.slot[0].worker, &request, NULL, 0, &reply, why)
                        : fail(why, ENOMEM, "out of memory");
        if (error || reply.error)
            return error ? error : fail(why, -reply.error, "%s", reply.why.text);
        memcpy(key->text, reply.key.text, sizeof key->text);
        memcpy(key->origin, reply.key.origin, sizeof key->origin);
        key->kind = reply.key.kind;
    }
    return 0;
}

static int by_path(const void *a, const void *b)
{
    const struct job_file *const *left = a, *const *right = b;
    return bytes_compare((*left)->path, (*right)->path);
}

/* In the order of their paths, each once. */
static void sort_plan(struct job *job)
{
    const struct job_file *before = NULL;
    uint32_t n = 0;
    if (job->file.n)
        qsort(job->file.at, job->file.n, sizeof *job->file.at, by_path);
    for (uint32_t i = 0; i < job->file.n; i++) {
        struct job_file *file = job->file.at[i];
        /* Named twice, or below a directory that was named as well. */
        if (before && bytes_equal(before->path, file->path))
            continue;
        before = job->file.at[n++] = file;
    }
    job->file.n = n;
}

static void tell_plan(struct job *job)
{
    for (uint32_t i = 0; i < job->file.n; i++) {
        struct job_file *file = job->file.at[i];
        if (file->state != JOB_PLANNED)
            job->count[file->state]++;
        else if (file->key >= 0)
            job->key.at[file->key].opened++;
        job->options->planned(job->options->context, file);
    }
}

static int journal_path(const struct job *job, char ret[PATH_MAX], struct why *why)
{
    if (!job->options->journal)
        return journal_default(ret, PATH_MAX, why);
    return (size_t)snprintf(ret, PATH_MAX, "%s", job->options->journal) < PATH_MAX
               ? 0
               : fail(why, ENAMETOOLONG, "the path of the journal is too long");
}

static int prepare(struct job *job, struct why *why)
{
    char path[PATH_MAX];
    int error = journal_path(job, path, why);
    if (!error)
        error = journal_new(path, &job->journal, why);
    if (error && !job->options->journal) {
        struct why because = *why;
        error =
            fail(why, -error, "%.400s (name another folder for its journal: '--journal DIR')",
                 because.text);
    }
    if (!error)
        error = journal_mend(&job->journal, &job->past, why);
    if (!error && job->past.jobs) {
        char text[160];
        snprintf(
            text, sizeof text,
            "an earlier run was interrupted: %u half-written files of it were removed, and "
            "it goes on where it was",
            job->past.removed);
        job->options->note(job->options->context, text);
    }
    return error;
}

static int run(struct job *job, struct phase *phase, struct why *why)
{
    char path[PATH_MAX];
    int error = ask_keys(job, why);
    if (!error && job->team.ring.unread)
        job->options->note(job->options->context, job->team.ring.why.text);
    if (!error && !job->options->dry_run)
        error = prepare(job, why);
    else if (!error && !journal_path(job, path, NULL))
        journal_recall(path, &job->past);
    if (!error)
        error = plan_make(job, why);
    if (!error && job->options->search)
        error = search_all(&phase->search, job, why);
    if (!error && job->options->search)
        error = pairs_ask(&phase->pairs, job, why);
    if (!error)
        error = doubt_settle(&phase->doubt, job, why);
    if (error)
        return error;
    sort_plan(job);
    error = beside_look(job, why);
    if (error)
        return error;
    tell_plan(job);
    error = plan_space(job, why);
    if (error || job->options->dry_run || (job->options->stop && *job->options->stop))
        return error;
    phase->recover = recover_new(job, why);
    if (!phase->recover)
        return -ENOMEM;
    error = recover_all(phase->recover, why);
    phase->recover = recover_free(phase->recover);
    return error;
}

/* What this kernel refuses is said once. */
static void note_walls(const struct job *job)
{
    char missing[1024], text[1200];
    if (!walls_missing(&job->team.walls))
        return;
    snprintf(text, sizeof text,
             "not all walls stand around the workers that read keys and files: %s",
             walls_text(&job->team.walls, missing, sizeof missing));
    job->options->note(job->options->context, text);
}

int job_run(const struct job_options *options, struct job *ret, struct why *why)
{
    struct job *job = ret;
    struct phase phase = {.job = job};
    *job = (struct job){.options = options, .journal = {.directory = -1, .fd = -1}};
    job->arena = arena_new(MEMORY);
    if (!job->arena)
        return fail(why, ENOMEM, "out of memory");
    /* A limit on the size of files is an error like a full disk. */
    signal(SIGXFSZ, SIG_IGN);
    const struct team_options team = {
        .worker = {.keys = options->keys, .key_count = options->key_count},
        .size = options->workers,
        .context = &phase,
        .reply = on_reply,
        .pause = on_pause,
        .stop = options->stop};
    int error = team_new(&team, &job->team, why);
    if (error)
        return error;
    note_walls(job);
    error = run(job, &phase, why);
    team_end(&job->team);
    journal_end(&job->journal);
    job->stopped = options->stop && *options->stop;
    if (!error && job->stopped)
        error = fail(why, ECANCELED, "it was stopped; run it again to go on");
    return error;
}

void job_free(struct job *job)
{
    journal_past_free(&job->past);
    job->arena = arena_free(job->arena);
}
