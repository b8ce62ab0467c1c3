#include "rescue/job/settle.h"

#include "quarantine/attributes.h"
#include "quarantine/original.h"
#include "rescue/job/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    READY_BYTES = 64 << 20,
    NAMES_TRIED = 100,
    SYNC_TOGETHER = 4, /* so many are synced by one call, and then looked at one by one */
};

static const char *keep_text(struct job *job, const char *text)
{
    return (const char *)arena_copy(job->arena, bytes_of(text)).at;
}

void settle_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

struct journal_record settle_record(const struct task *task, enum journal_kind kind)
{
    return (struct journal_record){.kind = kind,
                                   .number = task->number,
                                   .source = task->file->identity,
                                   .directory = task->file->folder,
                                   .name = bytes_of(task->name)};
}

void settle_journal(struct recover *recover, const struct journal_record *record)
{
    int error = journal_write(&recover->job->journal, record, &recover->why);
    if (error && !recover->error)
        recover->error = error;
}

void settle_finish(struct task *task, enum job_state state, const char *why)
{
    struct recover *recover = task->recover;
    struct job *job = recover->job;
    struct job_file *file = task->file;
    if (task->begun) {
        const struct journal_record drop = settle_record(task, JOURNAL_DROP);
        unlinkat(task->folder, task->temporary, 0);
        settle_journal(recover, &drop);
    }
    file->state = state;
    file->why = why ? keep_text(job, why) : NULL;
    job->count[state]++;
    if (state == JOB_RECOVERED)
        job->proofs[file->proof]++;
    job->bytes_done += file->plain;
    settle_close(&task->source);
    settle_close(&task->folder);
    settle_close(&task->out);
    settle_close(&task->other);
    free(task);
    job->options->finished(job->options->context, file);
}

/* Of a disk that keeps none it is said once. */
static void say_attributes(struct task *task, const struct why *why)
{
    struct recover *recover = task->recover;
    struct stat st;
    char text[768];
    uint64_t device = fstat(task->out, &st) == 0 ? st.st_dev : 0;
    if (device == recover->said_device && !strcmp(why->text, recover->said.text))
        return;
    recover->said = *why;
    recover->said_device = device;
    snprintf(text, sizeof text, "%s: %s (of others on that disk it is not said again)",
             (const char *)task->file->path.at, why->text);
    recover->job->options->note(recover->job->options->context, text);
}

/* Owner, mode, times, attributes of the encrypted file. What cannot be given back is said; the
 * bytes are there all the same. */
static void give_attributes(struct task *task)
{
    struct entry_facts facts = {0};
    struct why why = {""};
    struct stat made;
    struct arena *arena = task->recover->facts;
    arena_reset(arena);
    int error = attributes_ask(task->source, &task->st, arena, &facts, &why);
    facts.size = task->size;
    if (geteuid() != 0 && fstat(task->out, &made) == 0) {
        facts.uid = made.st_uid;
        if (facts.gid != made.st_gid && fchown(task->out, made.st_uid, facts.gid) < 0)
            facts.gid = made.st_gid;
    }
    if (!error)
        error = attributes_write(task->out, &facts, arena, &why);
    if (error) {
        const struct timespec times[2] = {task->st.st_atim, task->st.st_mtim};
        fchmod(task->out, task->st.st_mode & 0777);
        futimens(task->out, times);
        say_attributes(task, &why);
    }
}

bool settle_unchanged(const struct task *task)
{
    struct stat now;
    if (fstat(task->source, &now) < 0)
        return false;
    const struct journal_file identity = journal_file_of(&now);
    return journal_same(&identity, &task->file->identity);
}

bool settle_name(struct task *task)
{
    unsigned n = task->tried++;
    if (n >= NAMES_TRIED)
        return false;
    if (task->keep)
        return snprintf(task->name, NAMES_MAX,
                        n ? "%.200s.not-recovered-%u" : "%.200s.not-recovered",
                        (const char *)task->file->out.at, n + 1) > 0;
    if (n)
        return names_other((const char *)task->file->out.at, n, task->name);
    memcpy(task->name, task->file->out.at, task->file->out.len + 1);
    return true;
}

/* --- to the disk, and to its name --- */

/* Whether the kernel told of an error while it wrote this file. */
static int check_written(struct task *task, struct why *why)
{
    const unsigned wait =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    if (sync_file_range(task->out, 0, 0, wait) == 0)
        return 0;
    return fsync(task->out) == 0
               ? 0
               : fail(why, errno, "cannot be put on the disk: %s", strerror(errno));
}

/* All that are on the file system of one of them, if that is worth it: *ret tells whether they
 * are on the disk then. */
static void sync_together(const struct batch *batch, const struct task *of, bool *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < batch->count; i++)
        n += batch->task[i]->device == of->device;
    *ret = n >= SYNC_TOGETHER && syncfs(of->out) == 0;
}

static int put_on_disk(const struct batch *batch, size_t i, struct why *why)
{
    struct task *task = batch->task[i];
    size_t first = 0;
    while (batch->task[first]->device != task->device)
        first++;
    if (first == i)
        sync_together(batch, task, &task->synced);
    if (batch->task[first]->synced)
        return check_written(task, why);
    return fsync(task->out) == 0
               ? 0
               : fail(why, errno, "cannot be put on the disk: %s", strerror(errno));
}

static void *put_all_on_disk(void *at)
{
    const struct batch *batch = at;
    for (size_t i = 0; i < batch->count; i++)
        batch->task[i]->disk_error = put_on_disk(batch, i, &batch->task[i]->disk_why);
    return NULL;
}

/* The name that its file system takes, if it did not take the one it had. */
static bool tame(struct task *task)
{
    struct job *job = task->recover->job;
    char name[NAMES_MAX];
    if (task->tamed || !names_tame((const char *)task->file->out.at, name))
        return false;
    task->tamed = true;
    task->tried = 0;
    task->file->out = arena_copy(job->arena, bytes_of(name));
    return task->file->out.at && settle_name(task);
}

/* Under its name, which only what is on the disk gets. Who got it first may have been another
 * run with the same file. */
static int give_name(struct task *task, struct why *why)
{
    for (;;) {
        int error = place_rename(task->folder, task->temporary, task->name, why);
        if (error == -EEXIST && !task->keep)
            task->there = place_same(task->folder, task->name, task->out);
        if (task->there)
            return 0;
        bool again = error == -EEXIST                       ? settle_name(task)
                     : error == -EINVAL || error == -EILSEQ ? tame(task)
                                                            : false;
        if (!again)
            return error;
    }
}

/* Whether what the thread did took all that is on this file system to the disk. */
static bool was_synced(const struct batch *batch, uint64_t device)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->task[i]->device == device)
            return batch->task[i]->synced;
    return false;
}

/* The directories that got new names, each once. */
static void sync_folders(struct recover *recover)
{
    const struct batch *batch = &recover->named;
    struct why why = {""};
    for (size_t i = 0; i < batch->count; i++) {
        const struct task *task = batch->task[i];
        size_t same = 0;
        while (!bytes_equal(batch->task[same]->file->folder, task->file->folder))
            same++;
        if (same == i && !was_synced(&recover->going, task->device) &&
            original_sync(task->folder, &why))
            recover->job->options->note(recover->job->options->context, why.text);
    }
}

static void settle(struct task *task)
{
    struct recover *recover = task->recover;
    struct job_file *file = task->file;
    if (task->failed) {
        settle_finish(task, JOB_FAILED, task->failed);
        return;
    }
    if (task->there) {
        file->out = arena_copy(recover->job->arena, bytes_of(task->name));
        settle_finish(task, JOB_ALREADY, "the same bytes are there already");
        return;
    }
    struct journal_record done = settle_record(task, JOURNAL_DONE);
    done.output = task->made;
    if (!task->keep)
        settle_journal(recover, &done);
    task->begun = false;
    file->out = arena_copy(recover->job->arena, bytes_of(task->name));
    settle_finish(task, file->state, file->why);
}

static void name_one(struct task *task)
{
    struct why why = task->disk_why;
    struct stat made;
    int error = task->disk_error;
    if (!error && fstat(task->out, &made) < 0)
        error = fail(&why, errno, "cannot be put on the disk: %s", strerror(errno));
    if (!error) {
        task->made = journal_file_of(&made);
        error = give_name(task, &why);
    }
    if (error)
        task->failed = keep_text(task->recover->job, why.text);
    settle_close(&task->out);
}

/* One step further for all: those that have names are done, those that are on the disk get
 * them, those that are ready go to the disk while others are made. */
static void move_on(struct recover *recover)
{
    if (recover->runs)
        pthread_join(recover->thread, NULL);
    recover->runs = false;
    sync_folders(recover);
    for (size_t i = 0; i < recover->named.count; i++)
        settle(recover->named.task[i]);
    recover->named = recover->going;
    for (size_t i = 0; i < recover->named.count; i++)
        name_one(recover->named.task[i]);
    recover->going = recover->ready;
    recover->ready = (struct batch){.count = 0};
    if (!recover->going.count)
        return;
    recover->runs = !pthread_create(&recover->thread, NULL, put_all_on_disk, &recover->going);
    if (!recover->runs)
        put_all_on_disk(&recover->going);
}

void settle_all(struct recover *recover)
{
    while (recover->ready.count || recover->going.count || recover->named.count)
        move_on(recover);
}

/* Of what came out nothing is kept. */
static void settle_drop(struct task *task)
{
    struct job_file *file = task->file;
    if (file->state == JOB_NO_KEY) {
        task->recover->job->key.at[file->key].opened--;
        file->key = WORKER_KEY_NO;
        file->proof_reason = file->kind = NULL;
        file->hashed = false;
    }
    settle_finish(task, file->state, file->why);
}

void settle_ready(struct task *task)
{
    struct recover *recover = task->recover;
    struct job_file *file = task->file;
    struct stat made;
    if (!settle_unchanged(task)) {
        settle_finish(task, JOB_FAILED, "the encrypted file was changed while it was read");
        return;
    }
    if (file->state == JOB_NO_KEY ||
        (file->state == JOB_DAMAGED && !recover->job->options->keep_failed)) {
        settle_drop(task);
        return;
    }
    if (file->state == JOB_DAMAGED) {
        task->keep = true;
        task->tried = 0;
        if (!settle_name(task)) {
            settle_finish(task, JOB_FAILED, "there is no free name for it");
            return;
        }
    }
    give_attributes(task);
    settle_close(&task->source);
    settle_close(&task->other);
    if (fstat(task->out, &made) == 0)
        task->device = made.st_dev;
    struct batch *ready = &recover->ready;
    ready->task[ready->count++] = task;
    ready->bytes += task->size;
    if (ready->count >= recover->ready_most || ready->bytes >= READY_BYTES)
        move_on(recover);
}
