#include "rescue/job/beside.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { NAMES_TRIED = 100 };

/* Names that files planned before will have, by their hash; 0: empty. */
struct claims {
    uint64_t *at;
    size_t room; /* a power of two */
};

/* False: it is claimed already. */
static bool claim(const struct claims *claims, const char *path)
{
    uint64_t hash = hash64(bytes_of(path), 0) | 1;
    size_t slot = (size_t)(hash >> 1) & (claims->room - 1);
    while (claims->at[slot] && claims->at[slot] != hash)
        slot = (slot + 1) & (claims->room - 1);
    if (claims->at[slot])
        return false;
    claims->at[slot] = hash;
    return true;
}

static bool is_of_past(const struct job *job, const struct job_file *file,
                       const struct stat *st)
{
    const struct journal_file *past = journal_past_find(&job->past, &file->identity);
    const struct journal_file there = journal_file_of(st);
    return past && S_ISREG(st->st_mode) && journal_same(past, &there);
}

static void take_name(struct job *job, struct job_file *file, const char *name, bool same_size)
{
    bytes out = arena_copy(job->arena, bytes_of(name));
    bytes note = {0};
    if (same_size)
        note = arena_printf(job->arena,
                            "unless '%s', which is there, is the same: then nothing is written",
                            (const char *)file->out.at);
    else if (!bytes_equal(out, file->out))
        note = arena_printf(job->arena, "'%s' is there already, and stays",
                            (const char *)file->out.at);
    if (!out.at)
        return;
    file->out = out;
    file->beside = (const char *)note.at;
}

static void look(struct job *job, struct job_file *file, const struct claims *claims)
{
    char name[NAMES_MAX], path[PATH_MAX];
    struct stat st;
    bool same_size = false;
    memcpy(name, file->out.at, file->out.len + 1);
    for (unsigned n = 0; n < NAMES_TRIED; n++) {
        if (n && !names_other((const char *)file->out.at, n, name))
            return;
        int len = snprintf(path, sizeof path, "%.*s/%s", (int)file->folder.len,
                           (const char *)file->folder.at, name);
        if (len < 0 || (size_t)len >= sizeof path)
            return; /* is said when it is to be written */
        if (lstat(path, &st) < 0) {
            if (job->options->dry_run && !claim(claims, path))
                continue;
            if (job->options->dry_run)
                take_name(job, file, name, same_size);
            return;
        }
        file->already = is_of_past(job, file, &st);
        if (file->already)
            return;
        same_size |= S_ISREG(st.st_mode) && (uint64_t)st.st_size == file->plain;
    }
}

int beside_look(struct job *job, struct why *why)
{
    struct claims claims = {.room = 64};
    while (claims.room < 2 * (size_t)job->file.n)
        claims.room *= 2;
    claims.at = arena_push(job->arena, claims.room * sizeof *claims.at);
    if (!claims.at)
        return fail(why, ENOMEM, "out of memory");
    for (uint32_t i = 0; i < job->file.n; i++) {
        struct job_file *file = job->file.at[i];
        if (file->state != JOB_PLANNED)
            continue;
        look(job, file, &claims);
        if (file->already && job->options->dry_run) {
            file->state = JOB_ALREADY;
            file->why = "an earlier run recovered it";
        }
    }
    return 0;
}
