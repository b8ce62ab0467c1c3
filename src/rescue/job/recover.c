#include "rescue/job/recover.h"

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
    READY_MOST = 48, /* files that wait for the disk together */
    READY_BYTES = 64 << 20,
    NAMES_TRIED = 100,
    FACTS_MEMORY = 4 << 20,
    SYNC_TOGETHER = 4, /* so many are synced by one call before each is looked at */
};

enum step {
    STEP_COMPARE, /* what would come out is hashed: a file of that name is there */
    STEP_OTHER,   /* that file is hashed */
    STEP_APPLY,
    STEP_PROOF,
    STEP_AGAIN, /* is what came out encrypted? */
    STEP_DIGEST,
};

struct task {
    struct recover *recover;
    struct job_file *file;
    int source, folder, out, other;
    enum step step;
    unsigned tried; /* names */
    bool compared;  /* `hash` is known */
    bool begun;     /* the temporary file exists */
    bool keep;
    uint32_t number;
    uint64_t size;
    uint8_t hash[WORKER_HASH];
    struct stat st;
    char temporary[JOURNAL_TEMPORARY], name[NAMES_MAX];
};

struct recover {
    struct job *job;
    struct arena *facts;
    struct task *ready[READY_MOST];
    size_t ready_count;
    uint64_t ready_bytes;
    int error; /* the journal cannot be written: nothing more is begun */
    struct why why;
};

static const char *keep_text(struct job *job, const char *text)
{
    return (const char *)arena_copy(job->arena, bytes_of(text)).at;
}

static void close_at(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static struct journal_record record_of(const struct task *task, enum journal_kind kind)
{
    return (struct journal_record){.kind = kind,
                                   .number = task->number,
                                   .source = task->file->identity,
                                   .directory = task->file->folder,
                                   .name = bytes_of(task->name)};
}

static void journal(struct recover *recover, const struct journal_record *record)
{
    int error = journal_write(&recover->job->journal, record, &recover->why);
    if (error && !recover->error)
        recover->error = error;
}

/* The end of a file, whatever became of it. */
static void finish(struct task *task, enum job_state state, const char *why)
{
    struct recover *recover = task->recover;
    struct job *job = recover->job;
    struct job_file *file = task->file;
    if (task->begun) {
        const struct journal_record drop = record_of(task, JOURNAL_DROP);
        unlinkat(task->folder, task->temporary, 0);
        journal(recover, &drop);
    }
    file->state = state;
    file->why = why ? keep_text(job, why) : NULL;
    job->count[state]++;
    if (state == JOB_RECOVERED)
        job->proofs[file->proof]++;
    job->bytes_done += file->plain;
    close_at(&task->source);
    close_at(&task->folder);
    close_at(&task->out);
    close_at(&task->other);
    free(task);
    job->options->finished(job->options->context, file);
}

/* --- to the disk, and to its name --- */

/* Owner, mode, times, attributes of the encrypted file. What cannot be given back is said; the
 * bytes are there all the same. */
static void give_attributes(struct task *task)
{
    struct entry_facts facts = {0};
    struct why why = {""};
    struct stat made;
    struct arena *arena = task->recover->facts;
    arena_reset(arena);
    int error = attributes_read(task->source, &task->st, arena, &facts, &why);
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
        char text[512];
        fchmod(task->out, task->st.st_mode & 0777);
        futimens(task->out, times);
        snprintf(text, sizeof text, "%s: %s", (const char *)task->file->path.at, why.text);
        task->recover->job->options->note(task->recover->job->options->context, text);
    }
}

static bool is_unchanged(const struct task *task)
{
    struct stat now;
    if (fstat(task->source, &now) < 0)
        return false;
    const struct journal_file identity = journal_file_of(&now);
    return journal_same(&identity, &task->file->identity);
}

/* The next name that nobody has; false when there is none. */
static bool next_name(struct task *task)
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

static void settle(struct task *task)
{
    struct recover *recover = task->recover;
    struct job_file *file = task->file;
    struct why why = {""};
    struct stat made;
    int error = fsync(task->out) < 0 || fstat(task->out, &made) < 0
                    ? fail(&why, errno, "cannot be put on the disk: %s", strerror(errno))
                    : 0;
    while (!error) {
        error = place_rename(task->folder, task->temporary, task->name, &why);
        if (error != -EEXIST || !next_name(task))
            break;
        error = 0;
    }
    if (error) {
        finish(task, JOB_FAILED, why.text);
        return;
    }
    struct journal_record done = record_of(task, JOURNAL_DONE);
    done.output = journal_file_of(&made);
    if (!task->keep)
        journal(recover, &done);
    task->begun = false;
    file->out = arena_copy(recover->job->arena, bytes_of(task->name));
    if (original_sync(task->folder, &why))
        recover->job->options->note(recover->job->options->context, why.text);
    finish(task, file->state, file->why);
}

static void settle_all(struct recover *recover)
{
    if (recover->ready_count >= SYNC_TOGETHER)
        syncfs(recover->ready[0]->out);
    for (size_t i = 0; i < recover->ready_count; i++)
        settle(recover->ready[i]);
    recover->ready_count = 0;
    recover->ready_bytes = 0;
}

/* What came out is whole and looked at. */
static void make_ready(struct task *task)
{
    struct recover *recover = task->recover;
    struct job_file *file = task->file;
    if (!is_unchanged(task)) {
        finish(task, JOB_FAILED, "the encrypted file was changed while it was read");
        return;
    }
    if (file->state == JOB_DAMAGED && !recover->job->options->keep_failed) {
        finish(task, JOB_DAMAGED, file->why);
        return;
    }
    if (file->state == JOB_DAMAGED) {
        task->keep = true;
        task->tried = 0;
        if (!next_name(task)) {
            finish(task, JOB_FAILED, "there is no free name for it");
            return;
        }
    }
    give_attributes(task);
    recover->ready[recover->ready_count++] = task;
    recover->ready_bytes += task->size;
    if (recover->ready_count == READY_MOST || recover->ready_bytes >= READY_BYTES)
        settle_all(recover);
}

/* --- requests --- */

static void ask(struct task *task, unsigned slot, enum step step)
{
    struct job *job = task->recover->job;
    struct job_file *file = task->file;
    struct worker_request request = {
        .family = file->family, .key = file->key, .size = file->identity.size};
    int fds[2] = {task->source, task->out};
    static const uint32_t kinds[] = {
        [STEP_COMPARE] = WORKER_COMPARE, [STEP_OTHER] = WORKER_DIGEST,
        [STEP_APPLY] = WORKER_APPLY,     [STEP_PROOF] = WORKER_PROOF,
        [STEP_AGAIN] = WORKER_PLAN,      [STEP_DIGEST] = WORKER_DIGEST};
    bytes name = bytes_slice(file->path, file->name, file->path.len);
    task->step = step;
    request.kind = kinds[step];
    request.sparse = (uint64_t)task->st.st_blocks * 512 < (uint64_t)task->st.st_size;
    if (step == STEP_PROOF || step == STEP_AGAIN) {
        fds[0] = task->out;
        request.size = task->size;
        name = bytes_of(task->name);
    }
    if (step == STEP_OTHER) {
        fds[0] = task->other;
        request.size = file->plain;
    }
    request.name_len = (uint16_t)(name.len < WORKER_NAME ? name.len : 0);
    memcpy(request.name, name.at, request.name_len);
    team_begin(&job->team, slot, &request, fds, step == STEP_APPLY ? 2 : 1, task);
}

/* A temporary file, written down before it is made. */
static void begin_apply(struct task *task, unsigned slot)
{
    struct job *job = task->recover->job;
    struct why why = {""};
    task->number = job->journal.next++;
    journal_temporary(job->journal.id, task->number, task->temporary);
    const struct journal_record begin = record_of(task, JOURNAL_BEGIN);
    journal(task->recover, &begin);
    int error = task->recover->error
                    ? fail(&why, -task->recover->error, "%s", task->recover->why.text)
                    : place_create(task->folder, task->temporary, &task->out, &why);
    task->begun = !error;
    if (!error && ftruncate(task->out, 0) < 0)
        error = fail(&why, errno, "cannot write: %s", strerror(errno));
    if (!error && (uint64_t)task->st.st_blocks * 512 < (uint64_t)task->st.st_size &&
        ftruncate(task->out, (off_t)task->file->plain) < 0)
        error = fail(&why, errno, "cannot write: %s", strerror(errno));
    if (error)
        finish(task, JOB_FAILED, why.text);
    else
        ask(task, slot, STEP_APPLY);
}

/* Looks for a name: one that is free, or one of a file that is what would come out. */
static void choose_name(struct task *task, unsigned slot)
{
    const struct journal_file *past =
        journal_past_find(&task->recover->job->past, &task->file->identity);
    while (next_name(task)) {
        struct stat st;
        if (fstatat(task->folder, task->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            begin_apply(task, slot);
            return;
        }
        const struct journal_file there = journal_file_of(&st);
        if (past && S_ISREG(st.st_mode) && journal_same(past, &there)) {
            task->file->out = arena_copy(task->recover->job->arena, bytes_of(task->name));
            finish(task, JOB_ALREADY, "an earlier run recovered it");
            return;
        }
        if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != task->file->plain ||
            (st.st_ino == task->st.st_ino && st.st_dev == task->st.st_dev))
            continue;
        close_at(&task->other);
        task->other =
            openat(task->folder, task->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (task->other < 0)
            continue;
        ask(task, slot, task->compared ? STEP_OTHER : STEP_COMPARE);
        return;
    }
    finish(task, JOB_FAILED, "there is no free name for it");
}

static void begin(struct recover *recover, struct job_file *file, unsigned slot)
{
    struct task *task = calloc(1, sizeof *task);
    struct why why = {""};
    int directory = -1;
    if (!task) {
        recover->error = fail(&recover->why, ENOMEM, "out of memory");
        return;
    }
    *task = (struct task){
        .recover = recover, .file = file, .source = -1, .folder = -1, .out = -1, .other = -1};
    bytes home = bytes_slice(file->path, 0, file->name);
    int error = place_open(home, false, &directory, &why);
    if (!error) {
        task->source = openat(directory, (const char *)file->path.at + file->name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (task->source < 0 || fstat(task->source, &task->st) < 0)
            error = fail(&why, errno, "cannot be opened: %s", strerror(errno));
    }
    close_at(&directory);
    if (!error && (!S_ISREG(task->st.st_mode) || !is_unchanged(task)))
        error = fail(&why, ESTALE, "it is not the file any more that was planned");
    if (!error)
        error = place_open(file->folder, recover->job->options->output != NULL, &task->folder,
                           &why);
    if (error)
        finish(task, JOB_FAILED, why.text);
    else
        choose_name(task, slot);
}

/* --- answers --- */

/* What the checks of content and key say together. */
static void judge(struct task *task, const struct worker_proof *proof)
{
    struct job *job = task->recover->job;
    struct job_file *file = task->file;
    file->proof = proof->proof;
    file->kind = proof->kind[0] ? keep_text(job, proof->kind) : NULL;
    file->proof_reason = keep_text(job, proof->reason.text);
    file->state = JOB_RECOVERED;
    file->why = NULL;
    if (proof->proof != PROOF_FAILED)
        return;
    /* A key that the file itself confirmed is right whatever the content is. */
    if (!file->kind && !file->guess) {
        file->proof = PROOF_UNKNOWN;
        return;
    }
    file->state = JOB_DAMAGED;
    file->why = file->proof_reason;
}

static void judge_again(struct task *task, const struct worker_plan *plan)
{
    char text[256];
    if (plan->family < 0 || plan->fit != FIT_IS)
        return;
    snprintf(text, sizeof text, "what came out is encrypted once more, by %s: run this again",
             formats[plan->family]->title);
    task->file->state = JOB_AGAIN;
    task->file->why = keep_text(task->recover->job, text);
}

static void take_compare(struct task *task, unsigned slot, const struct worker_written *written)
{
    struct job *job = task->recover->job;
    if (task->step == STEP_COMPARE) {
        memcpy(task->hash, written->hash, WORKER_HASH);
        task->compared = true;
        ask(task, slot, STEP_OTHER);
    } else if (!memcmp(task->hash, written->hash, WORKER_HASH)) {
        memcpy(task->file->after, task->hash, WORKER_HASH);
        task->file->out = arena_copy(job->arena, bytes_of(task->name));
        finish(task, JOB_ALREADY, "the same bytes are there already");
    } else {
        choose_name(task, slot);
    }
}

/* How many bytes there are is for the kernel to say, not for the worker. */
static bool is_whole(struct task *task, const struct worker_written *written)
{
    struct stat st;
    task->size = written->size;
    task->file->plain = written->size;
    return fstat(task->out, &st) == 0 && (uint64_t)st.st_size == written->size;
}

static void go_on(struct task *task, unsigned slot, const struct worker_reply *reply)
{
    struct job_file *file = task->file;
    switch (task->step) {
    case STEP_COMPARE:
    case STEP_OTHER:
        take_compare(task, slot, &reply->written);
        return;
    case STEP_APPLY:
        memcpy(file->after, reply->written.hash, WORKER_HASH);
        if (is_whole(task, &reply->written))
            ask(task, slot, STEP_PROOF);
        else
            finish(task, JOB_FAILED, "not all that came out was written");
        return;
    case STEP_PROOF:
        judge(task, &reply->proof);
        ask(task, slot, file->proof == PROOF_PROVEN ? STEP_DIGEST : STEP_AGAIN);
        return;
    case STEP_AGAIN:
        judge_again(task, &reply->plan);
        ask(task, slot, STEP_DIGEST);
        return;
    case STEP_DIGEST:
        memcpy(file->before, reply->written.hash, WORKER_HASH);
        file->hashed = true;
        make_ready(task);
    }
}

void recover_reply(struct recover *recover, unsigned slot, void *at,
                   const struct worker_reply *reply, int error, const struct why *why)
{
    struct task *task = at;
    char text[320];
    (void)recover;
    if (!error && !reply->error) {
        go_on(task, slot, reply);
    } else if (error && task->step == STEP_PROOF) {
        /* Whoever checks it may be broken; what came out is not. */
        struct worker_proof none = {.proof = PROOF_UNKNOWN};
        fail(&none.reason, EFAULT, "it could not be checked: %.180s", why->text);
        judge(task, &none);
        finish(task, JOB_DAMAGED, none.reason.text);
    } else {
        snprintf(text, sizeof text, "%s%s", error ? "not recovered: " : "",
                 error ? why->text : reply->why.text);
        finish(task, JOB_FAILED, text);
    }
}

struct recover *recover_new(struct job *job, struct why *why)
{
    struct recover *recover = calloc(1, sizeof *recover);
    if (recover) {
        recover->job = job;
        recover->facts = arena_new(FACTS_MEMORY);
    }
    if (!recover || !recover->facts) {
        fail(why, ENOMEM, "out of memory");
        return recover_free(recover);
    }
    return recover;
}

int recover_all(struct recover *recover, struct why *why)
{
    struct job *job = recover->job;
    for (uint32_t i = 0; i < job->file.n && !recover->error; i++) {
        struct job_file *file = job->file.at[i];
        unsigned slot;
        if (file->state != JOB_PLANNED)
            continue;
        if (job->options->stop && *job->options->stop)
            break;
        recover->error = team_idle(&job->team, &slot, &recover->why);
        if (!recover->error)
            begin(recover, file, slot);
    }
    team_finish(&job->team);
    settle_all(recover);
    if (recover->error && why)
        *why = recover->why;
    return recover->error;
}

struct recover *recover_free(struct recover *recover)
{
    if (recover)
        arena_free(recover->facts);
    free(recover);
    return NULL;
}
