/* Two workers: the second one reads the hash signatures. */
#include "definitions/databases.h"
#include "definitions/forge_state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void forge_forget(struct forge *forge)
{
    for (struct waiting *one = forge->all, *next; one; one = next) {
        next = one->next;
        databases_close(&one->files);
        free(one);
    }
    forge->all = forge->now = NULL;
    forge->all_count = 0;
    forge->end = &forge->all;
}

int forge_split(struct forge *forge, struct why *why)
{
    return forge->beside || forge->name_count
               ? 0
               : forge_start(forge->options, CLAMAV_HASHES, forge, &forge->beside, why);
}

static void databases_done(struct forge *beside, int error)
{
    beside->now->done = true;
    beside->now->error = error;
    databases_close(&beside->now->files);
    beside->now = beside->now->next;
}

/* Hands the next database to the second worker; those that it cannot have are not read. */
static void hand_over(struct forge *beside)
{
    while (beside->now) {
        struct letter letter = {.kind = LETTER_DATABASE, .numbers = {CLAMAV_HASHES}};
        const char *slash = strrchr(beside->now->path, '/');
        bytes name = bytes_of(slash ? slash + 1 : beside->now->path);
        if (beside->child.pid && forge_pack(beside->box, &letter, &name, 1) &&
            forge_send(beside->socket, &letter, beside->now->files.fd))
            return;
        databases_done(beside, forge_ended(beside, &beside->now->why));
    }
}

/* Takes what the second worker says of the database at work. */
static void take_over(struct forge *beside)
{
    struct letter letter;
    bytes parts[PARTS];
    struct why *why = &beside->now->why;
    int error = forge_receive(beside->socket, &letter, NULL) ? 0 : forge_ended(beside, why);
    if (!error && (letter.kind != LETTER_DONE || letter.error > 0 || letter.error < -4095 ||
                   !forge_unpack(beside->box, BOX, &letter, parts)))
        error = forge_nonsense(beside, why);
    if (!error && parts[1].len && !forge_take_counts(parts[1], &beside->found))
        error = forge_nonsense(beside, why);
    if (!error && letter.error)
        error = forge_refusal(letter.error, parts[0], why);
    databases_done(beside, error);
    hand_over(beside);
}

/* Until there is something to read from the worker, or nothing left for the second one. */
void forge_wait(struct forge *forge)
{
    struct forge *beside = forge->beside;
    while (beside && beside->now) {
        struct pollfd both[] = {{.fd = forge->socket, .events = POLLIN},
                                {.fd = beside->socket, .events = POLLIN}};
        if (poll(both, COUNT(both), -1) < 0 && errno != EINTR)
            return;
        if (both[1].revents)
            take_over(beside);
        if (both[0].revents)
            return;
    }
}

/* The place in the order of reading: of a member of a container it is not known. */
static size_t rank(const struct forge *forge, const struct clamav_reason *reason)
{
    for (size_t i = 0; i < forge->name_count; i++)
        if (strncmp(forge->names[i], reason->file, sizeof reason->file - 1) == 0)
            return i;
    return SIZE_MAX;
}

/* Reasons as one worker would have come upon them. */
static void add_reason(const struct forge *forge, const struct clamav_reason *reason,
                       struct definitions_clamav *ret)
{
    uint32_t at = ret->reason_count;
    if (at == CLAMAV_REASONS)
        return;
    for (; at && rank(forge, &ret->reasons[at - 1]) > rank(forge, reason); at--)
        ret->reasons[at] = ret->reasons[at - 1];
    ret->reasons[at] = *reason;
    ret->reason_count++;
}

/* What both have counted. */
static void sum_up(const struct forge *forge, struct definitions_clamav *ret)
{
    const struct definitions_clamav *own = &forge->found;
    memcpy(ret->counts, own->counts, sizeof ret->counts);
    memcpy(ret->reasons, own->reasons, sizeof ret->reasons);
    ret->reason_count = own->reason_count;
    memcpy(ret->containers, own->containers, sizeof ret->containers);
    ret->container_count = own->container_count;
    if (!forge->beside)
        return;
    own = &forge->beside->found;
    for (int i = 0; i < CLAMAV_KINDS; i++)
        if (clamav_is_hash((enum clamav_kind)i))
            ret->counts[i] = own->counts[i];
    for (uint32_t i = 0; i < own->reason_count; i++)
        if (clamav_is_hash(own->reasons[i].kind))
            add_reason(forge, &own->reasons[i], ret);
}

/* The same file, with a place of its own where one reads. */
static int open_again(int fd)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* For the second worker, when its turn comes; NULL when memory or descriptors are out. */
static struct waiting *put_off(struct forge *beside, const struct database_files *files,
                               const char *path)
{
    struct waiting *one = calloc(1, sizeof *one + strlen(path) + 1);
    if (!one)
        return NULL;
    memcpy(one->path, path, strlen(path));
    bool good = true;
    for (size_t i = 0; i < DATABASE_FILES; i++) {
        one->files.fd[i] = files->fd[i] < 0 ? -1 : open_again(files->fd[i]);
        good &= files->fd[i] < 0 || one->files.fd[i] >= 0;
    }
    if (!good) {
        databases_close(&one->files);
        free(one);
        return NULL;
    }
    *beside->end = one;
    beside->end = &one->next;
    beside->all_count++;
    bool idle = !beside->now;
    beside->now = idle ? one : beside->now;
    if (idle)
        hand_over(beside);
    return one;
}

static int add_here(struct forge *forge, const struct database_files *files, bytes name,
                    struct why *why)
{
    struct letter letter = {.kind = LETTER_DATABASE,
                            .numbers = {forge->beside ? CLAMAV_OTHERS : CLAMAV_ALL}};
    bytes parts[PARTS];
    if (!forge_pack(forge->box, &letter, &name, 1))
        return fail(why, ENAMETOOLONG, "its name is too long");
    int error = forge_call(forge, &letter, files->fd, parts, why);
    if (error == -EFAULT || (error && !parts[1].len))
        return error;
    return forge_take_counts(parts[1], &forge->found) ? error : forge_nonsense(forge, why);
}

static bool push_name(struct forge *forge, const char *name)
{
    char **names = realloc(forge->names, (forge->name_count + 1) * sizeof *names);
    if (!names)
        return false;
    forge->names = names;
    names[forge->name_count] = strdup(name);
    return names[forge->name_count++] != NULL;
}

/* Whether the second worker reads something of it; *ret_both: the first one, too. */
static bool is_for_both(const char *path, bool *ret_both)
{
    const char *slash = strrchr(path, '/');
    enum clamav_kind kind = clamav_kind_of(bytes_of(slash ? slash + 1 : path));
    *ret_both = databases_is_container(path) || kind == CLAMAV_IGNORED;
    return *ret_both || clamav_is_hash(kind);
}

bool forge_ahead(struct forge *forge, const struct database_files *files, const char *path)
{
    bool both;
    if (!forge->beside || !is_for_both(path, &both))
        return true;
    return forge->beside->all_count < AHEAD_MOST && put_off(forge->beside, files, path);
}

/* What was put off ahead of its turn. */
static struct waiting *find_put_off(const struct forge *beside, const char *path)
{
    for (struct waiting *one = beside->all; one; one = one->next)
        if (strcmp(one->path, path) == 0)
            return one;
    return NULL;
}

int forge_add_database(struct forge *forge, const struct database_files *files,
                       const char *path, struct definitions_clamav *ret, struct why *why)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    struct waiting *put = NULL;
    bool both;
    int error = 0;
    if (!push_name(forge, name))
        return fail(why, ENOMEM, "out of memory");
    bool is_beside = is_for_both(path, &both) && forge->beside;
    if (is_beside && !(put = find_put_off(forge->beside, path)) &&
        !(put = put_off(forge->beside, files, path)))
        return fail(why, ENOMEM, "no memory or descriptors for two at a time");
    if (!put || both) {
        error = add_here(forge, files, bytes_of(name), why);
        if (put)
            put->said = error != 0;
    }
    sum_up(forge, ret);
    return error;
}

int forge_settle(struct forge *forge, struct definitions_clamav *ret,
                 void (*told)(void *context, const char *path, int error, struct why *reason),
                 void *context, struct why *why)
{
    struct forge *beside = forge->beside;
    int error = 0;
    if (!beside)
        return 0;
    while (beside->now)
        take_over(beside);
    sum_up(forge, ret);
    for (struct waiting *one = beside->all; one; one = one->next) {
        if (!one->error || one->said)
            continue;
        struct why reason = one->why;
        told(context, one->path, one->error, &reason);
        bool is_end = one->error == -ENOMEM || one->error == -EFAULT || one->error == -ESTALE;
        if (is_end && !error) {
            error = one->error;
            if (why)
                *why = reason;
        }
    }
    forge_forget(beside);
    return error;
}
