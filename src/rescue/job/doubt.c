#include "rescue/job/doubt.h"

#include "rescue/job/pairs.h"
#include "rescue/job/plan.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* From here on what a wrong key gives is told by its noise (NOISE_LEAST of proof.c). */
enum { SMALL = 2048, TALLIES = 64 };

struct tally {
    int32_t family, key;
    uint32_t files;
};

struct doubt {
    struct job *job;
    struct tally tally[TALLIES];
    size_t n;
};

/* What its key makes of it shows hardly anything. */
static bool is_doubtful(const struct job_file *file)
{
    return file->guess && file->plain < SMALL;
}

static bool has_key(const struct job_file *file)
{
    return file->state == JOB_PLANNED && file->key >= 0;
}

static void count(struct doubt *doubt, const struct job_file *file)
{
    size_t i = 0;
    while (i < doubt->n &&
           (doubt->tally[i].family != file->family || doubt->tally[i].key != file->key))
        i++;
    if (i == TALLIES)
        return;
    if (i == doubt->n)
        doubt->tally[doubt->n++] = (struct tally){file->family, file->key, 0};
    doubt->tally[i].files++;
}

/* The key that opens most files of a family, WORKER_KEY_NO: none opens any for sure. */
static int32_t best_of(const struct doubt *doubt, int32_t family)
{
    const struct tally *best = NULL;
    for (size_t i = 0; i < doubt->n; i++)
        if (doubt->tally[i].family == family && (!best || doubt->tally[i].files > best->files))
            best = &doubt->tally[i];
    return best ? best->key : WORKER_KEY_NO;
}

static int plan_with(struct doubt *doubt, struct job_file *file, int32_t key, struct why *why)
{
    struct job *job = doubt->job;
    struct worker_request request = {
        .kind = WORKER_PLAN, .key = key, .size = file->identity.size};
    bytes name = bytes_slice(file->path, file->name, file->path.len);
    unsigned slot;
    int fd = pairs_open(file->path);
    if (fd < 0)
        return 0; /* is said when it is to be written */
    request.name_len = (uint16_t)(name.len < WORKER_NAME ? name.len : 0);
    memcpy(request.name, name.at, request.name_len);
    int error = team_idle(&job->team, &slot, why);
    if (!error)
        team_begin(&job->team, slot, &request, &fd, 1, file);
    close(fd);
    return error;
}

void doubt_reply(struct doubt *doubt, struct job_file *file, const struct worker_reply *reply,
                 int error)
{
    struct job *job = doubt->job;
    if (error || reply->error || reply->plan.family != file->family ||
        reply->plan.key == WORKER_KEY_NO)
        return;
    job->bytes_all -= file->plain;
    plan_again(job, file, &reply->plan);
}

int doubt_settle(struct doubt **hold, struct job *job, struct why *why)
{
    struct doubt *doubt = PUSH(job->arena, struct doubt);
    int error = 0;
    if (!doubt)
        return fail(why, ENOMEM, "out of memory");
    doubt->job = job;
    for (uint32_t i = 0; i < job->file.n; i++)
        if (has_key(job->file.at[i]) && !is_doubtful(job->file.at[i]))
            count(doubt, job->file.at[i]);
    *hold = doubt;
    for (uint32_t i = 0; i < job->file.n && doubt->n && !error; i++) {
        struct job_file *file = job->file.at[i];
        int32_t best = best_of(doubt, file->family);
        if (job->options->stop && *job->options->stop)
            break;
        if (has_key(file) && is_doubtful(file) && best >= 0 && best != file->key)
            error = plan_with(doubt, file, best, why);
    }
    team_finish(&job->team);
    *hold = NULL;
    return error;
}
