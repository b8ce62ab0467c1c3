#include "rescue/job/pairs.h"

#include "rescue/job/place.h"
#include "rescue/job/plan.h"
#include "rescue/learned.h"
#include "rescue/pair/find.h"
#include "scan/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CUTS = 3 /* points of a name behind which its end may have been put */ };

struct pairs {
    struct job *job;
    VEC(struct job_file *) open; /* files that no key opens */
    struct worker_pair pair[LEARNED_PAIRS];
    size_t count;
    bytes extension;
    uint64_t opened;
};

static bool can_help(const struct job_file *file)
{
    return file->state == JOB_MAYBE ||
           (file->state == JOB_NO_KEY && formats[file->family]->keys >> KEY_STREAM & 1);
}

/* --- pairs below the paths themselves --- */

static int by_path(const void *a, const void *b)
{
    const struct job_file *const *left = a, *const *right = b;
    return bytes_compare((*left)->path, (*right)->path);
}

static struct job_file *find_path(const struct pairs *pairs, bytes path)
{
    uint32_t low = 0, high = pairs->open.n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = bytes_compare(pairs->open.at[middle]->path, path);
        if (!order)
            return pairs->open.at[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The file that is called as this one, but for what was put behind its name. */
static struct job_file *original_of(const struct pairs *pairs, const struct job_file *file)
{
    size_t at = file->path.len;
    for (unsigned cuts = 0; cuts < CUTS; cuts++) {
        while (at > file->name + 1 && file->path.at[at - 1] != '.')
            at--;
        if (at <= file->name + 1)
            return NULL;
        at--;
        struct job_file *found = find_path(pairs, bytes_slice(file->path, 0, at));
        if (found && found->identity.size >= PAIR_SMALLEST &&
            found->identity.size <= file->identity.size &&
            file->identity.size - found->identity.size <= FIND_GROWTH)
            return found;
    }
    return NULL;
}

int pairs_open(bytes path)
{
    return open((const char *)path.at, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* The pair takes the place of a smaller one. */
static void add(struct pairs *pairs, bytes original, bytes encrypted)
{
    struct worker_pair pair = {.plain = pairs_open(original),
                               .encrypted = pairs_open(encrypted)};
    struct stat plain, other;
    size_t least = 0;
    bool good = pair.plain >= 0 && pair.encrypted >= 0 && !fstat(pair.plain, &plain) &&
                !fstat(pair.encrypted, &other) && S_ISREG(plain.st_mode) &&
                S_ISREG(other.st_mode);
    if (good) {
        pair.plain_size = (uint64_t)plain.st_size;
        pair.encrypted_size = (uint64_t)other.st_size;
        for (size_t i = 1; i < pairs->count; i++)
            if (pairs->pair[i].plain_size < pairs->pair[least].plain_size)
                least = i;
        if (pairs->count < LEARNED_PAIRS) {
            pairs->pair[pairs->count++] = pair;
            return;
        }
        if (pairs->pair[least].plain_size < pair.plain_size) {
            struct worker_pair smaller = pairs->pair[least];
            pairs->pair[least] = pair;
            pair = smaller;
        }
    }
    if (pair.plain >= 0)
        close(pair.plain);
    if (pair.encrypted >= 0)
        close(pair.encrypted);
}

static void find_here(struct pairs *pairs)
{
    if (pairs->open.n)
        qsort(pairs->open.at, pairs->open.n, sizeof *pairs->open.at, by_path);
    for (uint32_t i = 0; i < pairs->open.n; i++) {
        const struct job_file *file = pairs->open.at[i], *original = original_of(pairs, file);
        if (!original)
            continue;
        bytes extension = bytes_slice(file->path, original->path.len, SIZE_MAX);
        if (!pairs->extension.len)
            pairs->extension = extension;
        if (bytes_equal(pairs->extension, extension))
            add(pairs, original->path, file->path);
    }
}

/* --- originals that lie elsewhere --- */

struct gather {
    struct job *job;
    struct find_list list;
    bytes folder;
};

static bool gather_file(void *context, const struct walk_file *file)
{
    struct gather *gather = context;
    return find_add_walked(&gather->list, gather->job->arena, file, gather->folder);
}

static void gather_skip(void *context, enum walk_skip reason, bytes path, int error)
{
    struct gather *gather = context;
    char text[512];
    if (reason != WALK_UNREADABLE)
        return;
    snprintf(text, sizeof text, "cannot read '%.300s': %s", (const char *)path.at,
             strerror(error));
    gather->job->options->note(gather->job->options->context, text);
}

static void find_there(struct pairs *pairs)
{
    struct job *job = pairs->job;
    struct gather originals = {.job = job};
    struct find_list encrypted = {.full = false};
    struct find_pair found[LEARNED_PAIRS];
    const struct walk_options walk = {.stop = job->options->stop,
                                      .context = &originals,
                                      .file = gather_file,
                                      .skip = gather_skip};
    for (size_t i = 0; i < job->options->original_count; i++) {
        originals.folder = bytes_of(job->options->originals[i]);
        walk_path(&walk, job->options->originals[i]);
    }
    for (uint32_t i = 0; i < pairs->open.n; i++) {
        const struct job_file *file = pairs->open.at[i];
        if (!find_add(&encrypted, job->arena, file->path, file->root, file->identity.size))
            break;
    }
    size_t n = find_pairs(&originals.list, &encrypted, job->arena, found, LEARNED_PAIRS);
    pairs->extension = find_extension(&originals.list, &encrypted, found, n);
    for (size_t i = 0; i < n; i++)
        add(pairs, originals.list.file.at[found[i].original].path,
            encrypted.file.at[found[i].encrypted].path);
}

/* --- what they tell --- */

static int teach(struct pairs *pairs, bool *useful, struct why *why)
{
    struct job *job = pairs->job;
    struct team *team = &job->team;
    struct worker_learned learned = {.pairs = 0};
    char text[700];
    int error = 0;
    team->options.worker.pairs = pairs->pair;
    team->options.worker.pair_count = pairs->count;
    team->options.worker.extension = pairs->extension;
    for (unsigned i = 0; i < team->options.size && !error; i++)
        if (team->slot[i].worker.socket >= 0 && (!i || learned.useful))
            error = worker_teach(&team->slot[i].worker, &team->options.worker, &learned, why);
    if (error)
        return error;
    *useful = learned.useful;
    snprintf(text, sizeof text, "%zu pair%s of original and encrypted file: %s", pairs->count,
             pairs->count == 1 ? "" : "s", learned.words);
    if (learned.useful)
        snprintf(text, sizeof text, "%u of %u pairs of original and encrypted file agree: %s",
                 learned.pairs, learned.given, learned.words);
    job->options->note(job->options->context, text);
    snprintf(job->learned, sizeof job->learned, "%u of %u pairs agree", learned.pairs,
             learned.given);
    return 0;
}

static int plan_all(struct pairs *pairs, struct why *why)
{
    struct job *job = pairs->job;
    int error = 0;
    for (uint32_t i = 0; i < pairs->open.n && !error; i++) {
        struct job_file *file = pairs->open.at[i];
        struct worker_request request = {
            .kind = WORKER_PLAN, .key = WORKER_KEY_NO, .size = file->identity.size};
        bytes name = bytes_slice(file->path, file->name, file->path.len);
        unsigned slot;
        if (job->options->stop && *job->options->stop)
            break;
        int fd = pairs_open(file->path);
        if (fd < 0)
            continue;
        request.name_len = (uint16_t)(name.len < WORKER_NAME ? name.len : 0);
        memcpy(request.name, name.at, request.name_len);
        error = team_idle(&job->team, &slot, why);
        if (!error)
            team_begin(&job->team, slot, &request, &fd, 1, file);
        close(fd);
    }
    team_finish(&job->team);
    return error;
}

void pairs_reply(struct pairs *pairs, struct job_file *file, const struct worker_reply *reply,
                 int error)
{
    struct job *job = pairs->job;
    if (error || reply->error || reply->plan.family < 0 ||
        formats[reply->plan.family] != format_find("original"))
        return;
    bool new = !file->reason && !file->why;
    plan_again(job, file, &reply->plan);
    struct job_file **row = new ? vec_push(job->arena, &job->file) : NULL;
    if (row)
        *row = file;
    pairs->opened += file->state == JOB_PLANNED;
}

int pairs_ask(struct pairs **hold, struct job *job, struct why *why)
{
    struct pairs *pairs = PUSH(job->arena, struct pairs);
    bool useful = false, full = !pairs;
    if (pairs)
        pairs->job = job;
    for (uint32_t i = 0; i < job->file.n + job->unknown.n && !full; i++) {
        struct job_file *file =
            i < job->file.n ? job->file.at[i] : job->unknown.at[i - job->file.n];
        struct job_file **place =
            i >= job->file.n || can_help(file) ? vec_push(job->arena, &pairs->open) : NULL;
        if (place)
            *place = file;
    }
    if (full)
        return fail(why, ENOMEM, "out of memory");
    if (job->options->original_count)
        find_there(pairs);
    else
        find_here(pairs);
    *hold = pairs;
    int error = pairs->count ? teach(pairs, &useful, why) : 0;
    if (!error && useful)
        error = plan_all(pairs, why);
    *hold = NULL;
    if (!pairs->count && job->options->original_count)
        job->options->note(job->options->context,
                           "none of the originals belongs to a file that no key opens");
    /* Kept open for workers that are started later. */
    return error;
}
