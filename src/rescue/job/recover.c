#include "rescue/job/recover.h"

#include "rescue/job/place.h"
#include "rescue/job/settle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    FACTS_MEMORY = 4 << 20,
    OPEN_WANTED = 1024, /* descriptors */
    OPEN_OTHERS = 96,   /* beside what waits for the disk: workers, folders, files at work */
};

/* From here on a file keeps all workers that have nothing else to do. */
#define LARGE ((uint64_t)16 << 20)
/* The encrypted file is hashed so far ahead of what is decrypted: it is read from the disk once
 * as long as that stays in memory. */
#define AHEAD ((uint64_t)64 << 20)
/* What is written is handed to the disk in parts of this size, while the next is made. */
#define FLUSH ((uint64_t)8 << 20)

static const char *keep_text(struct job *job, const char *text)
{
    return (const char *)arena_copy(job->arena, bytes_of(text)).at;
}

/* --- requests --- */

static bytes name_of(const struct job_file *file)
{
    return bytes_slice(file->path, file->name, file->path.len);
}

static uint16_t put_name(uint8_t ret[WORKER_NAME], bytes name)
{
    uint16_t len = (uint16_t)(name.len < WORKER_NAME ? name.len : 0);
    memcpy(ret, name.at, len);
    return len;
}

static unsigned with_what(const struct task *task)
{
    unsigned with = 0;
    if (task->recover->job->options->hashes)
        with = WORKER_WITH_AFTER | (task->part[PART_HASH].running ? 0 : WORKER_WITH_HASH);
    return task->large || task->apart ? with : with | WORKER_WITH_PROOF;
}

static void ask(struct part *part, unsigned slot, enum step step)
{
    struct task *task = part->task;
    struct job *job = task->recover->job;
    const struct job_file *file = task->file;
    struct worker_request request = {.family = file->family,
                                     .key = file->key,
                                     .ticket = file->ticket,
                                     .size = file->identity.size,
                                     .sparse = task->sparse};
    int fds[2] = {task->source, task->out};
    static const uint32_t kinds[] = {
        [STEP_COMPARE] = WORKER_COMPARE, [STEP_OTHER] = WORKER_DIGEST,
        [STEP_APPLY] = WORKER_APPLY,     [STEP_PROOF] = WORKER_PROOF,
        [STEP_AGAIN] = WORKER_PLAN,      [STEP_DIGEST] = WORKER_DIGEST};
    bytes name = name_of(file);
    part->step = step;
    part->slot = slot;
    part->running = true;
    part->follows = step != STEP_APPLY && task->part[PART_MAIN].running &&
                    task->part[PART_MAIN].step == STEP_APPLY;
    request.kind = kinds[step];
    request.follows = part->follows;
    if (step == STEP_PROOF || step == STEP_AGAIN) {
        fds[0] = task->out;
        request.size = task->applied ? task->size : file->plain;
        request.ticket = 0;
        name = bytes_of(task->name);
    }
    bool both = step == STEP_PROOF && part->follows && task->share;
    if (both) {
        fds[1] = task->source;
        request.share = task->share;
        request.other = file->identity.size;
        request.ticket = file->ticket;
        request.out_len = put_name(request.out, name_of(file));
    }
    if (step == STEP_OTHER) {
        fds[0] = task->other;
        request.size = file->plain;
    }
    if (step == STEP_APPLY) {
        request.with = task->with = with_what(task);
        request.share = task->share;
        request.out_len = put_name(request.out, bytes_of(task->name));
    }
    request.name_len = put_name(request.name, name);
    team_begin(&job->team, slot, &request, fds, step == STEP_APPLY || both ? 2 : 1, part);
}

static void note_large(struct recover *recover, struct task *from, struct task *to)
{
    for (size_t i = 0; i < TEAM_MOST; i++)
        if (recover->large[i] == from) {
            recover->large[i] = to;
            return;
        }
}

/* The end of a task of which nothing becomes, once no worker is at it any more. */
static void give_up(struct task *task, enum job_state state, const char *why)
{
    bool running = false;
    if (!task->failed) {
        task->failed = keep_text(task->recover->job, why);
        task->failed_state = state;
    }
    for (unsigned i = 0; i < PARTS; i++) {
        if (task->part[i].running)
            team_stop(&task->recover->job->team, task->part[i].slot);
        running = running || task->part[i].running;
    }
    if (running)
        return;
    note_large(task->recover, task, NULL);
    settle_finish(task, task->failed_state, task->failed);
}

/* A temporary file, written down before it is made. */
static int make_temporary(struct task *task, struct why *why)
{
    struct recover *recover = task->recover;
    struct job *job = recover->job;
    task->number = job->journal.next++;
    journal_temporary(job->journal.id, task->number, task->temporary);
    const struct journal_record begin = settle_record(task, JOURNAL_BEGIN);
    settle_journal(recover, &begin);
    int error = recover->error ? fail(why, -recover->error, "%s", recover->why.text)
                               : place_create(task->folder, task->temporary, &task->out, why);
    task->begun = !error;
    if (!error && (task->sparse || task->share) &&
        ftruncate(task->out, (off_t)task->file->plain) < 0)
        error = fail(why, errno, "cannot write: %s", strerror(errno));
    return error;
}

/* A file that two can write. */
static void share_begin(struct task *task)
{
    struct recover *recover = task->recover;
    if (!task->large || task->sparse || !task->file->sizes_known || !task->file->seeks ||
        recover->job->options->hashes)
        return;
    for (uint32_t i = 0; i < WORKER_SHARES && !task->share; i++)
        if (!recover->shares[i]) {
            recover->shares[i] = task;
            recover->job->team.shares[i] = (struct worker_share){.taken = 0};
            task->share = i + 1;
        }
}

/* When neither writes any more. */
static void share_end(struct task *task)
{
    if (!task->share || task->part[PART_MAIN].running || task->part[PART_PROOF].running)
        return;
    task->recover->shares[task->share - 1] = NULL;
    task->share = 0;
}

static void begin_apply(struct task *task, unsigned slot)
{
    struct recover *recover = task->recover;
    struct why why = {""};
    task->sparse = (uint64_t)task->st.st_blocks * 512 < (uint64_t)task->st.st_size;
    task->large = task->file->identity.size >= LARGE;
    share_begin(task);
    if (make_temporary(task, &why)) {
        share_end(task);
        settle_finish(task, JOB_FAILED, why.text);
        return;
    }
    int other = -1;
    if (task->large) {
        note_large(recover, NULL, task);
        for (unsigned i = 0; i < recover->job->team.options.size && other < 0; i++)
            if (i != slot && team_is_idle(&recover->job->team, i))
                other = (int)i;
    }
    /* Another worker helps as soon as the writer is at work; what it does is its own by then.
     */
    struct part *help = &task->part[recover->job->options->hashes ? PART_HASH : PART_PROOF];
    bool helps = other >= 0 &&
                 (recover->job->options->hashes || (!task->sparse && task->file->sizes_known));
    help->running = helps;
    ask(&task->part[PART_MAIN], slot, STEP_APPLY);
    if (helps)
        ask(help, (unsigned)other, recover->job->options->hashes ? STEP_DIGEST : STEP_PROOF);
}

/* Looks for a name: one that is free, or one of a file that is what would come out. */
static void choose_name(struct task *task, unsigned slot)
{
    const struct journal_file *past =
        journal_past_find(&task->recover->job->past, &task->file->identity);
    while (settle_name(task)) {
        struct stat st;
        if (fstatat(task->folder, task->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            begin_apply(task, slot);
            return;
        }
        const struct journal_file there = journal_file_of(&st);
        if (past && S_ISREG(st.st_mode) && journal_same(past, &there)) {
            task->file->out = arena_copy(task->recover->job->arena, bytes_of(task->name));
            settle_finish(task, JOB_ALREADY, "an earlier run recovered it");
            return;
        }
        if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != task->file->plain ||
            (st.st_ino == task->st.st_ino && st.st_dev == task->st.st_dev))
            continue;
        settle_close(&task->other);
        task->other =
            openat(task->folder, task->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (task->other < 0)
            continue;
        ask(&task->part[PART_MAIN], slot, task->compared ? STEP_OTHER : STEP_COMPARE);
        return;
    }
    settle_finish(task, JOB_FAILED, "there is no free name for it");
}

/* Opens a directory, or one that was opened before once more. */
/* What it is called: a name that may not be on its disk was tamed. */
static bytes made_as(struct arena *arena, int fd, bytes path)
{
    char link[40], real[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, real, sizeof real);
    bytes as = {(const uint8_t *)real, n > 0 && (size_t)n < sizeof real ? (size_t)n : 0};
    return !as.len || real[0] != '/' || bytes_equal(as, path) ? path : arena_copy(arena, as);
}

static int open_folder(struct recover *recover, struct folders *folders, bytes *path, bool make,
                       int *ret_fd, struct why *why)
{
    struct folder *folder = folders->at;
    while (folder < folders->at + FOLDERS &&
           (folder->fd < 0 || !bytes_equal(folder->path, *path)))
        folder++;
    if (folder == folders->at + FOLDERS) {
        folder = &folders->at[folders->next++ % FOLDERS];
        settle_close(&folder->fd);
        int error = place_open(*path, make, &folder->fd, why);
        if (error)
            return error;
        folder->path = *path;
        folder->made = make ? made_as(recover->job->arena, folder->fd, *path) : *path;
    }
    *path = folder->made;
    *ret_fd = fcntl(folder->fd, F_DUPFD_CLOEXEC, 0);
    return *ret_fd < 0 ? fail(why, errno, "cannot be opened: %s", strerror(errno)) : 0;
}

static int open_files(struct task *task, struct why *why)
{
    struct recover *recover = task->recover;
    struct job_file *file = task->file;
    bytes from = bytes_slice(file->path, 0, file->name);
    int home;
    int error = open_folder(recover, &recover->from, &from, false, &home, why);
    if (error)
        return error;
    task->source = openat(home, (const char *)file->path.at + file->name,
                          O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (task->source < 0 || fstat(task->source, &task->st) < 0)
        error = fail(why, errno, "cannot be opened: %s", strerror(errno));
    else if (!S_ISREG(task->st.st_mode) || !settle_unchanged(task))
        error = fail(why, ESTALE, "it is not the file any more that was planned");
    close(home);
    return error ? error
                 : open_folder(recover, &recover->to, &file->folder,
                               recover->job->options->output != NULL, &task->folder, why);
}

static void begin(struct recover *recover, struct job_file *file, unsigned slot)
{
    struct task *task = calloc(1, sizeof *task);
    struct why why = {""};
    if (!task) {
        recover->error = fail(&recover->why, ENOMEM, "out of memory");
        return;
    }
    *task = (struct task){
        .recover = recover, .file = file, .source = -1, .folder = -1, .out = -1, .other = -1};
    for (unsigned i = 0; i < PARTS; i++)
        task->part[i].task = task;
    if (open_files(task, &why))
        settle_finish(task, JOB_FAILED, why.text);
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
    /* A key that the file itself confirmed is right whatever the content is, and content of
     * which bytes are lost is not whole for that reason alone. */
    if ((!file->kind || file->lost) && !file->guess) {
        file->proof = PROOF_UNKNOWN;
        return;
    }
    /* Of one that it could not confirm, this says that it is another's. */
    if (file->guess && !proof->good && file->key >= 0 && !job->options->keep_failed) {
        char text[320];
        snprintf(text, sizeof text, "with that of '%.100s' comes out what is not right: %.160s",
                 job->key.at[file->key].origin, file->proof_reason);
        file->state = JOB_NO_KEY;
        file->why = keep_text(job, text);
        return;
    }
    file->state = JOB_DAMAGED;
    file->why = file->proof_reason;
}

/* `family`: of what came out, by its mark; -1: it has none. */
static void judge_again(struct task *task, int32_t family)
{
    char text[256];
    if (family < 0)
        return;
    snprintf(text, sizeof text, "what came out is encrypted once more, by %s: run this again",
             formats[family]->title);
    task->file->state = JOB_AGAIN;
    task->file->why = keep_text(task->recover->job, text);
}

static void take_compare(struct task *task, unsigned slot, const struct worker_written *written)
{
    struct job *job = task->recover->job;
    if (task->part[PART_MAIN].step == STEP_COMPARE) {
        memcpy(task->hash, written->hash, WORKER_HASH);
        task->compared = true;
        ask(&task->part[PART_MAIN], slot, STEP_OTHER);
    } else if (!memcmp(task->hash, written->hash, WORKER_HASH)) {
        memcpy(task->file->after, task->hash, WORKER_HASH);
        task->file->out = arena_copy(job->arena, bytes_of(task->name));
        settle_finish(task, JOB_ALREADY, "the same bytes are there already");
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

static void take_hash(struct task *task, const uint8_t hash[WORKER_HASH])
{
    memcpy(task->file->before, hash, WORKER_HASH);
    task->file->hashed = task->hashed = true;
}

/* Tells the disk and those who follow how far the writer is. */
static void tell_progress(struct task *task)
{
    struct team *team = &task->recover->job->team;
    uint64_t done = task->applied ? task->size : team_done_by(team, task->part[PART_MAIN].slot);
    if (task->part[PART_PROOF].running && task->part[PART_PROOF].follows)
        team_allow(team, task->part[PART_PROOF].slot, task->applied ? UINT64_MAX : done);
    if (task->part[PART_HASH].running)
        team_allow(team, task->part[PART_HASH].slot, task->applied ? UINT64_MAX : done + AHEAD);
    if (done >= task->flushed + FLUSH || (task->applied && done > task->flushed)) {
        sync_file_range(task->out, (off_t)task->flushed, (off_t)(done - task->flushed),
                        SYNC_FILE_RANGE_WRITE);
        task->flushed = done;
    }
}

static void take_applied(struct task *task, const struct worker_applied *applied)
{
    if (task->with & WORKER_WITH_AFTER)
        memcpy(task->file->after, applied->plain.hash, WORKER_HASH);
    if (!is_whole(task, &applied->plain)) {
        give_up(task, JOB_FAILED, "not all that came out was written");
        return;
    }
    task->applied = true;
    if (task->large) {
        tell_progress(task);
        note_large(task->recover, task, NULL);
    }
    if (task->with & WORKER_WITH_HASH)
        take_hash(task, applied->before);
    if (task->with & WORKER_WITH_PROOF) {
        judge(task, &applied->proof);
        if (!applied->proof.settles)
            judge_again(task, applied->again);
        task->proved = task->looked = true;
    }
}

/* What is to be done next about a file, by a worker that has time. */
static void go_on(struct task *task, unsigned slot)
{
    struct part *main = &task->part[PART_MAIN], *proof = &task->part[PART_PROOF];
    struct part *hash = &task->part[PART_HASH];
    if (!task->proved && !proof->running) {
        if (task->applied || (main->running && !task->sparse && task->file->sizes_known))
            ask(proof, slot, STEP_PROOF);
    } else if (!task->applied || proof->running) {
        return;
    } else if (!task->looked) {
        ask(proof, slot, STEP_AGAIN);
    } else if (!task->hashed && !hash->running && task->recover->job->options->hashes) {
        ask(hash, slot, STEP_DIGEST);
    } else if (!hash->running) {
        settle_ready(task);
    }
}

static void take(struct part *part, unsigned slot, const struct worker_reply *reply)
{
    struct task *task = part->task;
    switch (part->step) {
    case STEP_COMPARE:
    case STEP_OTHER:
        take_compare(task, slot, &reply->written);
        return;
    case STEP_APPLY:
        take_applied(task, &reply->applied);
        break;
    case STEP_PROOF:
        judge(task, &reply->proof);
        task->looked = reply->proof.settles;
        task->proved = true;
        break;
    case STEP_AGAIN:
        judge_again(task, worker_plan_sure(&reply->plan) ? reply->plan.family : -1);
        task->looked = true;
        break;
    case STEP_DIGEST:
        take_hash(task, reply->written.hash);
        break;
    }
    if (!task->failed)
        go_on(task, slot);
}

/* A worker ended while it wrote a file and looked at it: once more, each by itself, so that it
 * is known which of both it was. */
static bool try_apart(struct task *task, unsigned slot)
{
    if (task->apart || !(task->with & WORKER_WITH_PROOF) || ftruncate(task->out, 0) < 0 ||
        (task->sparse && ftruncate(task->out, (off_t)task->file->plain) < 0))
        return false;
    task->apart = true;
    ask(&task->part[PART_MAIN], slot, STEP_APPLY);
    return true;
}

void recover_reply(struct recover *recover, unsigned slot, void *at,
                   const struct worker_reply *reply, int error, const struct why *why)
{
    struct part *part = at;
    struct task *task = part->task;
    char text[320];
    (void)recover;
    part->running = false;
    share_end(task);
    if (task->failed) {
        give_up(task, task->failed_state, task->failed);
    } else if (!error && !reply->error) {
        take(part, slot, reply);
    } else if (error && part->step == STEP_APPLY && try_apart(task, slot)) {
        return;
    } else if (error && part->step == STEP_PROOF) {
        /* Whoever checks it may be broken; what came out is not. */
        struct worker_proof none = {.proof = PROOF_UNKNOWN};
        fail(&none.reason, EFAULT, "it could not be checked: %.180s", why->text);
        judge(task, &none);
        give_up(task, JOB_DAMAGED, none.reason.text);
    } else {
        snprintf(text, sizeof text, "%s%s", error ? "not recovered: " : "",
                 error ? why->text : reply->why.text);
        give_up(task, JOB_FAILED, text);
    }
}

void recover_pause(struct recover *recover)
{
    for (size_t i = 0; i < TEAM_MOST; i++)
        if (recover->large[i])
            tell_progress(recover->large[i]);
}

/* Of the three batches, one keeps a descriptor for each file, two keep two. */
static size_t batch_size(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 1;
    if (limit.rlim_cur < OPEN_WANTED) {
        struct rlimit more = limit;
        more.rlim_cur = limit.rlim_max < OPEN_WANTED ? limit.rlim_max : OPEN_WANTED;
        if (!setrlimit(RLIMIT_NOFILE, &more))
            limit = more;
    }
    uint64_t room = limit.rlim_cur > OPEN_OTHERS ? (limit.rlim_cur - OPEN_OTHERS) / 5 : 1;
    return room < 1 ? 1 : room < READY_MOST ? (size_t)room : READY_MOST;
}

struct recover *recover_new(struct job *job, struct why *why)
{
    struct recover *recover = calloc(1, sizeof *recover);
    if (recover) {
        recover->job = job;
        recover->ready_most = batch_size();
        recover->facts = arena_new(FACTS_MEMORY);
        for (size_t i = 0; i < FOLDERS; i++)
            recover->from.at[i].fd = recover->to.at[i].fd = -1;
    }
    if (!recover || !recover->facts) {
        fail(why, ENOMEM, "out of memory");
        return recover_free(recover);
    }
    return recover;
}

/* The next file for a worker: one that it has planned itself, as long as there are such. */
static struct job_file *next_file(struct recover *recover, unsigned slot)
{
    struct job *job = recover->job;
    for (; recover->next[slot] < job->file.n; recover->next[slot]++) {
        struct job_file *file = job->file.at[recover->next[slot]];
        if (file->state == JOB_PLANNED && !file->begun && file->slot == slot)
            return file;
    }
    for (; recover->next_any < job->file.n; recover->next_any++) {
        struct job_file *file = job->file.at[recover->next_any];
        if (file->state == JOB_PLANNED && !file->begun)
            return file;
    }
    return NULL;
}

/* A worker for which there is no file any more follows one that writes. False: there is none.
 */
static bool lend(struct recover *recover, unsigned slot)
{
    for (size_t i = 0; i < TEAM_MOST; i++) {
        struct task *task = recover->large[i];
        if (task && !task->failed && !task->sparse && !task->proved &&
            !task->part[PART_PROOF].running) {
            go_on(task, slot);
            return task->part[PART_PROOF].running;
        }
    }
    return false;
}

int recover_all(struct recover *recover, struct why *why)
{
    struct job *job = recover->job;
    unsigned slot;
    while (!recover->error && !(job->options->stop && *job->options->stop)) {
        recover->error = team_idle(&job->team, &slot, &recover->why);
        struct job_file *file = recover->error ? NULL : next_file(recover, slot);
        if (file) {
            file->begun = true;
            begin(recover, file, slot);
        } else if (recover->error || !lend(recover, slot)) {
            break;
        }
    }
    team_finish(&job->team);
    settle_all(recover);
    if (recover->error && why)
        *why = recover->why;
    return recover->error;
}

struct recover *recover_free(struct recover *recover)
{
    if (recover) {
        for (size_t i = 0; i < FOLDERS; i++) {
            settle_close(&recover->from.at[i].fd);
            settle_close(&recover->to.at[i].fd);
        }
        arena_free(recover->facts);
    }
    free(recover);
    return NULL;
}
