#include "rescue/job/search.h"

#include "home/home.h"
#include "rescue/job/place.h"
#include "rescue/job/plan.h"
#include "rescue/park/park.h"
#include "rescue/seed/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MISSES_MOST = 2, FOUND_MOST = 16384 };

struct search {
    struct job *job;
    struct job_file *file;
    struct worker_found list[FOUND_MOST]; /* what workers that are started later get */
    size_t n;
    unsigned misses[256]; /* of each format */
    bool hit, replan, planned;
    int32_t family; /* that is searched for */
    const struct format *noted;
    struct why why;
};

/* Opens the encrypted file as recover does: without following a link, and it has to be the one
 * that was planned. */
static int open_file(const struct job_file *file, int *ret_fd)
{
    struct stat st;
    int directory,
        error = place_open(bytes_slice(file->path, 0, file->name), false, &directory, NULL);
    if (error)
        return error;
    int fd = openat(directory, (const char *)file->path.at + file->name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    close(directory);
    if (fd < 0 || fstat(fd, &st) < 0) {
        error = -errno;
    } else {
        const struct journal_file identity = journal_file_of(&st);
        error = journal_same(&identity, &file->identity) ? 0 : -ESTALE;
    }
    if (error && fd >= 0)
        close(fd);
    if (!error)
        *ret_fd = fd;
    return error;
}

void search_reply(struct search *search, unsigned slot, const struct worker_reply *reply,
                  int error, const struct why *why)
{
    struct team *team = &search->job->team;
    if (search->replan) {
        if (!error && !reply->error && reply->plan.key != WORKER_KEY_NO) {
            search->planned = true;
            plan_again(search->job, search->file, &reply->plan);
        }
        return;
    }
    if (error || reply->error) {
        if (error || (reply->error != -ENOENT && reply->error != -ECANCELED))
            search->why = error ? *why : reply->why;
        return;
    }
    if (!search->hit && search->n < FOUND_MOST) {
        search->hit = true;
        search->list[search->n++] = reply->found;
    }
    for (unsigned i = 0; i < team->options.size; i++)
        if (i != slot && team->slot[i].at && team->slot[i].worker.page)
            team->slot[i].worker.page->stop = true;
}

/* Plans the file with the keys that are known by now. */
static int plan_file(struct search *search, int fd, struct why *why)
{
    struct job *job = search->job;
    const struct job_file *file = search->file;
    struct worker_request request = {
        .kind = WORKER_PLAN, .key = WORKER_KEY_NO, .size = file->identity.size};
    unsigned slot;
    bytes name = bytes_slice(file->path, file->name, file->path.len);
    request.name_len = (uint16_t)(name.len < WORKER_NAME ? name.len : 0);
    memcpy(request.name, name.at, request.name_len);
    int error = team_idle(&job->team, &slot, why);
    if (error)
        return error;
    search->replan = true;
    search->planned = false;
    team_begin(&job->team, slot, &request, &fd, 1, search->file);
    team_finish(&job->team);
    search->replan = false;
    return 0;
}

/* Gives the last key that was found to all workers; those that are started later begin with it.
 */
static int hand_on(struct search *search, struct why *why)
{
    struct job *job = search->job;
    struct worker_request request = {.kind = WORKER_KEEP, .found = search->list[search->n - 1]};
    struct job_key *key = vec_push(job->arena, &job->key);
    if (!key)
        return fail(why, ENOMEM, "out of memory");
    snprintf(key->text, sizeof key->text, "%s",
             request.found.kind == KEY_SEED ? "seed of a generator" : "key out of a search");
    snprintf(key->origin, sizeof key->origin, "found by search in '%.100s'",
             (const char *)search->file->path.at + search->file->name);
    key->kind = request.found.kind;
    job->team.options.worker.found = search->list;
    job->team.options.worker.found_count = search->n;
    for (unsigned i = 0; i < job->team.options.size; i++) {
        struct worker_reply reply;
        if (job->team.slot[i].worker.socket >= 0 &&
            worker_ask(&job->team.slot[i].worker, &request, NULL, 0, &reply, why))
            worker_end(&job->team.slot[i].worker);
    }
    return 0;
}

/* The file in which a worker keeps how far its part of a long search is, below what rescue
 * keeps for its user; -1: none, and the search begins at its begin. */
static int memory_of(const struct format *format, unsigned part)
{
    char path[PATH_MAX], name[64];
    if (!seed_remembers(format) || park_directory(NULL, path, sizeof path, NULL) ||
        home_make(path, NULL))
        return -1;
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return -1;
    snprintf(name, sizeof name, "search-%s-%u", format->family, part);
    int fd =
        openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    close(directory);
    struct stat st;
    if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int seek(struct search *search, int fd, int32_t near, struct why *why)
{
    struct job *job = search->job;
    const struct job_file *file = search->file;
    struct worker_request request = {.kind = WORKER_SEEK,
                                     .family = search->family,
                                     .key = near,
                                     .size = file->identity.size,
                                     .parts = job->team.options.size,
                                     .changed = file->identity.seconds};
    search->hit = false;
    search->why.text[0] = 0;
    for (unsigned i = 0; i < request.parts; i++) {
        unsigned slot;
        int error = team_idle(&job->team, &slot, why);
        if (error)
            return error;
        if (search->hit)
            break;
        request.part = i;
        int fds[2] = {fd, memory_of(formats[search->family], i)};
        team_begin(&job->team, slot, &request, fds, fds[1] < 0 ? 1 : 2, search->file);
        if (fds[1] >= 0)
            close(fds[1]);
    }
    team_finish(&job->team);
    return 0;
}

/* Of families whose files have a key each, one line is enough. */
static void note_search(struct search *search)
{
    const struct format *format = formats[search->family];
    char text[400];
    if (seed_each(format) && search->noted == format)
        return;
    search->noted = format;
    snprintf(text, sizeof text, "%.200s%s: searching %s", (const char *)search->file->path.at,
             seed_each(format) ? " and others" : "", seed_describe(format));
    search->job->options->note(search->job->options->context, text);
}

static int search_file(struct search *search, int32_t *near, struct why *why)
{
    struct job_file *file = search->file;
    int fd, error = open_file(file, &fd);
    if (error)
        return 0; /* is said when it is to be written */
    if (search->n && !seed_each(formats[search->family]))
        error = plan_file(search, fd, why);
    if (!error && !search->planned) {
        note_search(search);
        error = seek(search, fd, *near, why);
        if (!error && search->hit) {
            error = hand_on(search, why);
            if (!error)
                error = plan_file(search, fd, why);
        }
        if (!error && search->planned)
            search->misses[search->family & 255] = 0;
        else if (!seed_each(formats[search->family]))
            search->misses[search->family & 255]++;
    }
    if (search->planned)
        *near = file->key;
    close(fd);
    return error;
}

/* Whether a search for keys of this family is worth it: files that bear its mark, and, where it
 * leaves none, files that the user named themselves. */
static bool worth_it(const struct search *search, const struct job_file *file, int32_t family)
{
    if (search->misses[family & 255] >= MISSES_MOST || !seed_has(formats[family]))
        return false;
    return file->state == JOB_NO_KEY
               ? file->family == family
               : file->state == JOB_MAYBE && seed_unmarked(formats[family]) &&
                     bytes_equal(file->path, file->root);
}

/* Keys that were found may open what bears no mark. */
static int try_found(struct search *search, struct why *why)
{
    int fd, error = search->n ? open_file(search->file, &fd) : -ENOENT;
    if (error)
        return 0;
    error = plan_file(search, fd, why);
    close(fd);
    return error;
}

int search_all(struct search **hold, struct job *job, struct why *why)
{
    struct search *search = PUSH(job->arena, struct search);
    int error = 0;
    if (!search)
        return fail(why, ENOMEM, "out of memory");
    search->job = job;
    *hold = search;
    for (int32_t family = 0; formats[family]; family++) {
        int32_t near = WORKER_KEY_NO;
        for (uint32_t i = 0; i < job->file.n && !error; i++) {
            struct job_file *file = job->file.at[i];
            if (!worth_it(search, file, family) || (job->options->stop && *job->options->stop))
                continue;
            search->file = file;
            search->family = family;
            search->planned = false;
            error = search_file(search, &near, why);
        }
    }
    for (uint32_t i = 0; i < job->file.n && !error; i++)
        if (job->file.at[i]->state == JOB_MAYBE) {
            search->file = job->file.at[i];
            error = try_found(search, why);
        }
    *hold = NULL;
    return error;
}
