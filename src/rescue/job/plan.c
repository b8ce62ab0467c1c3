#include "rescue/job/plan.h"

#include "scan/text.h"
#include "scan/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { DISKS = 64 };

struct planning {
    struct job *job;
    bytes root; /* absolute, without links */
    bool root_is_file;
    int error;
    struct why *why;
};

static const char *keep_text(struct arena *arena, const char *text)
{
    return text[0] ? (const char *)arena_copy(arena, bytes_of(text)).at : NULL;
}

static void note(struct job *job, bytes path, const char *what)
{
    char text[512];
    snprintf(text, sizeof text, "%.*s: %s", (int)(path.len < 400 ? path.len : 400),
             (const char *)path.at, what);
    job->options->note(job->options->context, text);
}

/* Where what comes out of a file goes: its own directory, or the same way below the output. */
static bytes folder_of(const struct planning *planning, const struct job_file *file)
{
    struct job *job = planning->job;
    size_t root = planning->root.len;
    if (!job->options->output)
        return arena_copy(job->arena,
                          bytes_slice(file->path, 0, file->name > 1 ? file->name - 1 : 1));
    /* Below the last part of what was named. */
    while (root > 1 && file->path.at[root - 1] != '/')
        root--;
    bytes way = planning->root_is_file || file->name <= root
                    ? (bytes){0}
                    : bytes_slice(file->path, root, file->name - 1 - root);
    return arena_printf(job->arena, "%s%s%.*s", job->options->output, way.len ? "/" : "",
                        (int)way.len, (const char *)way.at);
}

static void take_plan(struct job *job, struct job_file *file, const struct worker_plan *plan)
{
    char name[NAMES_MAX];
    const bytes told = {plan->name, plan->name_len};
    file->family = plan->family;
    file->key = plan->key;
    file->plain = plan->plain;
    file->lost = plan->lost;
    file->guess = plan->guess;
    file->partial = plan->partial;
    file->decrypted = plan->decrypted;
    file->sizes_known = plan->sizes_known;
    file->seeks = plan->seeks;
    file->variant = keep_text(job->arena, plan->variant);
    file->reason = keep_text(job->arena, plan->reason.text);
    file->why = keep_text(job->arena, plan->refusal.text);
    file->state = plan->key != WORKER_KEY_NO ? JOB_PLANNED
                  : plan->fit == FIT_IS      ? JOB_NO_KEY
                                             : JOB_MAYBE;
    names_original(bytes_slice(file->path, file->name, file->path.len), told, name);
    file->out = arena_copy(job->arena, bytes_of(name));
}

void plan_again(struct job *job, struct job_file *file, const struct worker_plan *plan)
{
    take_plan(job, file, plan);
    if (file->state == JOB_PLANNED)
        job->bytes_all += file->plain;
}

void plan_reply(struct job *job, struct job_file *file, const struct worker_reply *reply,
                int error, const struct why *why)
{
    if (error || reply->error) {
        file->state = JOB_UNREAD;
        file->family = -1;
        file->why = keep_text(job->arena, error ? why->text : reply->why.text);
    } else if (reply->plan.family < 0) {
        struct job_file **unknown =
            job->options->search ? vec_push(job->arena, &job->unknown) : NULL;
        file->family = -1;
        if (unknown)
            *unknown = file;
        return;
    } else {
        take_plan(job, file, &reply->plan);
    }
    struct job_file **row = vec_push(job->arena, &job->file);
    if (row)
        *row = file;
    if (row && file->state == JOB_PLANNED)
        job->bytes_all += file->plain;
}

/* Where its name begins: of a file that was named itself, the walk does not say. */
static size_t name_in(bytes path)
{
    size_t at = path.len;
    while (at && path.at[at - 1] != '/')
        at--;
    return at;
}

static bool plan_one(struct planning *planning, int fd, const struct stat *st,
                     const struct walk_file *walked)
{
    struct job *job = planning->job;
    struct worker_request request = {
        .kind = WORKER_PLAN, .key = WORKER_KEY_NO, .size = (uint64_t)st->st_size};
    struct job_file *file = PUSH(job->arena, struct job_file);
    unsigned slot;
    size_t begin = name_in(walked->path);
    bytes name = bytes_slice(walked->path, begin, walked->path.len);
    if (file)
        *file = (struct job_file){.path = arena_copy(job->arena, walked->path),
                                  .name = begin,
                                  .root = planning->root,
                                  .allocated = (uint64_t)st->st_blocks * 512,
                                  .identity = journal_file_of(st)};
    if (!file || !file->path.at) {
        planning->error = fail(planning->why, ENOMEM, "out of memory");
        return false;
    }
    file->folder = folder_of(planning, file);
    request.name_len = (uint16_t)(name.len < WORKER_NAME ? name.len : 0);
    memcpy(request.name, name.at, request.name_len);
    planning->error = team_idle(&job->team, &slot, planning->why);
    if (planning->error)
        return false;
    file->slot = slot;
    file->ticket = request.ticket = ++job->tickets;
    team_begin(&job->team, slot, &request, &fd, 1, file);
    return true;
}

static bool on_file(void *context, const struct walk_file *walked)
{
    struct planning *planning = context;
    struct job *job = planning->job;
    struct stat st;
    bytes name = bytes_slice(walked->path, walked->name, walked->path.len);
    if (journal_is_temporary(name))
        return true;
    job->seen++;
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, fd;
    if (walked->directory)
        fd = openat(walked->directory->fd, (const char *)name.at, flags);
    else
        fd = open((const char *)walked->path.at, flags);
    if (fd < 0 || fstat(fd, &st) < 0) {
        job->unopened++;
        note(job, walked->path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return true;
    }
    bool good = !S_ISREG(st.st_mode) || !st.st_size || plan_one(planning, fd, &st, walked);
    close(fd);
    return good && !(job->options->stop && *job->options->stop);
}

static void on_skip(void *context, enum walk_skip reason, bytes path, int error)
{
    struct planning *planning = context;
    char text[128];
    if (reason == WALK_UNREADABLE) {
        planning->job->unopened++;
        note(planning->job, path, strerror(error));
    } else {
        snprintf(text, sizeof text, "left out: %s", walk_skip_text(reason));
        note(planning->job, path, text);
    }
}

int plan_make(struct job *job, struct why *why)
{
    struct planning planning = {.job = job, .why = why};
    const struct walk_options walk = {
        .stop = job->options->stop, .context = &planning, .file = on_file, .skip = on_skip};
    for (size_t i = 0; i < job->options->path_count && !planning.error; i++) {
        struct stat st;
        char *root = realpath(job->options->paths[i], NULL);
        if (!root || stat(root, &st) < 0) {
            planning.error =
                fail(why, errno, "'%.180s': %s", job->options->paths[i], strerror(errno));
        } else {
            planning.root = arena_copy(job->arena, bytes_of(root));
            planning.root_is_file = !S_ISDIR(st.st_mode);
            walk_path(&walk, root);
        }
        free(root);
    }
    team_finish(&job->team);
    return planning.error;
}

/* --- space --- */

struct disk {
    uint64_t device, need, have, block;
    bytes folder;
};

/* The nearest directory that is there already. */
static int look_at_disk(bytes folder, struct disk *ret)
{
    char path[PATH_MAX];
    struct stat st;
    struct statvfs vfs;
    size_t len = folder.len;
    if (!len || len >= sizeof path)
        return -ENAMETOOLONG;
    memcpy(path, folder.at, len);
    path[len] = 0;
    while (len > 1 && stat(path, &st) < 0) {
        while (len > 1 && path[len - 1] != '/')
            len--;
        while (len > 1 && path[len - 1] == '/')
            len--;
        path[len] = 0;
    }
    if (stat(path, &st) < 0 || statvfs(path, &vfs) < 0)
        return -errno;
    *ret = (struct disk){.device = st.st_dev,
                         .have = (uint64_t)vfs.f_bavail * vfs.f_frsize,
                         .block = vfs.f_frsize ? vfs.f_frsize : 1,
                         .folder = folder};
    return 0;
}

static int fail_space(const struct disk *disk, struct why *why)
{
    struct text need = {0}, have = {0};
    text_size(&need, disk->need);
    text_byte(&need, 0);
    text_size(&have, disk->have);
    text_byte(&have, 0);
    int error = fail(why, ENOSPC,
                     "%s are needed on the disk of '%.*s', and %s are free; nothing was "
                     "written (plug in another disk and add '--output DIR')",
                     need.at, (int)(disk->folder.len < 100 ? disk->folder.len : 100),
                     (const char *)disk->folder.at, have.at);
    text_free(&need);
    text_free(&have);
    return error;
}

/* In whole blocks; what was never on the disk of a file with holes is not on it afterwards. */
static void add_need(struct disk *disk, const struct job_file *file)
{
    uint64_t need = file->plain < file->allocated || file->allocated >= file->identity.size
                        ? file->plain
                        : file->allocated;
    uint64_t blocks = need / disk->block + (need % disk->block != 0);
    uint64_t most = (UINT64_MAX - disk->need) / disk->block;
    disk->need += (blocks < most ? blocks : most) * disk->block;
}

int plan_space(struct job *job, struct why *why)
{
    struct disk disks[DISKS], one = {0};
    size_t n = 0;
    bytes before = {0};
    for (uint32_t i = 0; i < job->file.n; i++) {
        const struct job_file *file = job->file.at[i];
        if (file->state != JOB_PLANNED || file->already)
            continue;
        if (!bytes_equal(before, file->folder) && look_at_disk(file->folder, &one))
            continue; /* is said when it is to be written */
        before = file->folder;
        size_t d = 0;
        while (d < n && disks[d].device != one.device)
            d++;
        if (d == n && n < DISKS)
            disks[n++] = one;
        if (d < n)
            add_need(&disks[d], file);
    }
    for (size_t d = 0; d < n; d++)
        if (disks[d].need > disks[d].have)
            return fail_space(&disks[d], why);
    return 0;
}
