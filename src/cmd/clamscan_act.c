#include "cmd/clamscan_act.h"

#include "quarantine/original.h"
#include "quarantine/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMES = 1000 /* NAME, NAME.001 ... */, COPY_BUFFER = 64 << 10 };

struct clamscan_done {
    dev_t device;
    ino_t inode;
};

/* A file on its way: where it is, where it goes. */
struct way {
    const struct stat *seen;
    char real[PATH_MAX];
    int directory; /* of the file */
    char name[NAME_MAX + 1], to[NAME_MAX + 8];
};

int clamscan_act_open(struct clamscan_act *act, enum clamscan_deed deed, const char *directory,
                      struct why *why)
{
    act->deed = deed;
    act->target = -1;
    if (!directory)
        return 0;
    if (!realpath(directory, act->target_path))
        return fail(why, errno, "action_setup: Failed to get realpath of %.150s", directory);
    act->target = open(act->target_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (act->target < 0)
        return fail(why, errno, "'%.150s' doesn't exist or is not a directory", directory);
    if (faccessat(act->target, ".", W_OK | X_OK, AT_EACCESS) < 0)
        return fail(why, errno, "'%.150s' cannot be written to", directory);
    return 0;
}

void clamscan_act_close(struct clamscan_act *act)
{
    if (act->target >= 0)
        close(act->target);
    free(act->done);
}

static void remember(struct clamscan_act *act, const struct stat *st)
{
    bool full = (act->done_count & (act->done_count - 1)) == 0;
    size_t room = act->done_count ? 2 * (size_t)act->done_count : 1;
    struct clamscan_done *done = full ? realloc(act->done, room * sizeof *done) : act->done;
    if (!done)
        return;
    act->done = done;
    act->done[act->done_count++] = (struct clamscan_done){st->st_dev, st->st_ino};
}

/* Whether it was reached by another name before. */
static bool is_done(const struct clamscan_act *act, const struct stat *st)
{
    for (uint32_t i = 0; i < act->done_count; i++)
        if (act->done[i].device == st->st_dev && act->done[i].inode == st->st_ino)
            return true;
    return false;
}

static bool next_name(struct way *way, int number)
{
    int n = number ? snprintf(way->to, sizeof way->to, "%s.%03d", way->name, number)
                   : snprintf(way->to, sizeof way->to, "%s", way->name);
    return n <= NAME_MAX;
}

/* Removes the file that was examined. */
static int remove_file(const struct clamscan_act *act, const struct way *way, struct why *why)
{
    char id[24];
    snprintf(id, sizeof id, "%d-%u", (int)getpid(), act->done_count);
    return original_remove(way->directory, way->name, id, way->seen, why);
}

static int copy_bytes(int from, int to, uint64_t size)
{
    uint8_t buffer[COPY_BUFFER];
    for (uint64_t at = 0; at < size;) {
        uint64_t left = size - at;
        size_t len = left < sizeof buffer ? (size_t)left : sizeof buffer;
        int error = whole_read(from, buffer, len, at);
        if (!error)
            error = whole_write(to, (bytes){buffer, len}, at);
        if (error)
            return error;
        at += len;
    }
    return fsync(to) < 0 ? -errno : 0;
}

/* A new file in the target directory, under a name that nobody has. */
static int make_target(const struct clamscan_act *act, struct way *way)
{
    for (int i = 0; i < NAMES && next_name(way, i); i++) {
        int fd = openat(act->target, way->to,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EEXIST)
            return fd < 0 ? -errno : fd;
    }
    return -EEXIST;
}

/* Copies the file that was examined; no copy is left when that fails. */
static int copy_file(const struct clamscan_act *act, struct way *way, struct why *why)
{
    int from =
        openat(way->directory, way->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    if (from < 0)
        return fail(why, errno, "%s", strerror(errno));
    bool same = fstat(from, &st) == 0 && st.st_dev == way->seen->st_dev &&
                st.st_ino == way->seen->st_ino && st.st_size == way->seen->st_size;
    int to = same ? make_target(act, way) : -ESTALE;
    int error = to < 0 ? to : copy_bytes(from, to, (uint64_t)st.st_size);
    if (to >= 0) {
        close(to);
        if (error)
            unlinkat(act->target, way->to, 0);
    }
    close(from);
    return error ? fail(why, -error, "%s",
                        same ? strerror(-error) : "it is not the file that was examined")
                 : 0;
}

/* Moves by renaming; what turns out to be another file gets its name back. */
static int rename_file(const struct clamscan_act *act, struct way *way)
{
    int done = -1;
    if (!original_is(way->directory, way->name, way->seen))
        return -ESTALE;
    errno = ENAMETOOLONG;
    for (int i = 0; done < 0 && i < NAMES && next_name(way, i); i++) {
        done = renameat2(way->directory, way->name, act->target, way->to, RENAME_NOREPLACE);
        if (done < 0 && errno != EEXIST)
            break;
    }
    if (done < 0)
        return -errno;
    if (original_is(act->target, way->to, way->seen))
        return 0;
    renameat2(act->target, way->to, way->directory, way->name, RENAME_NOREPLACE);
    return -ESTALE;
}

static int move_file(const struct clamscan_act *act, struct way *way, struct why *why)
{
    int error = rename_file(act, way);
    if (error == -EXDEV || error == -EINVAL || error == -ENOSYS) {
        error = copy_file(act, way, why);
        return error ? error : remove_file(act, way, why);
    }
    return error ? fail(why, -error, "%s",
                        error == -ESTALE ? "it is not the file that was examined"
                                         : strerror(-error))
                 : 0;
}

/* The way to the file itself: links that led to it were followed when it was opened. */
static int open_way(const struct examined *examined, struct way *way, struct why *why)
{
    bytes name;
    if (!realpath((const char *)examined->path.at, way->real))
        return fail(why, errno, "%s", strerror(errno));
    int error = original_directory(bytes_of(way->real), &way->directory, &name, why);
    if (!error && name.len > NAME_MAX) {
        close(way->directory);
        return fail(why, ENAMETOOLONG, "its name is too long");
    }
    if (!error)
        snprintf(way->name, sizeof way->name, "%.*s", (int)name.len, (const char *)name.at);
    return error;
}

static void say_done(struct clamscan_act *act, const struct examined *examined,
                     const struct way *way, struct text *out, struct text *err)
{
    struct report_clamscan *report = act->report;
    if (act->deed == CLAMSCAN_REMOVE)
        report_clamscan_say(report, CLAMSCAN_INFO, out, err, "", examined->path,
                            " (real path: '%s'): Removed.", way->real);
    else
        report_clamscan_say(report, CLAMSCAN_INFO, out, err, "", examined->path,
                            " (real path: '%s'): %s to '%s/%s'", way->real,
                            act->deed == CLAMSCAN_MOVE ? "moved" : "copied", act->target_path,
                            way->to);
}

static void say_failed(struct clamscan_act *act, const struct examined *examined,
                       const char *reason, struct text *out, struct text *err)
{
    static const char *const heads[] = {[CLAMSCAN_LEAVE] = "",
                                        [CLAMSCAN_REMOVE] = "Can't remove file '",
                                        [CLAMSCAN_MOVE] = "Can't move file '",
                                        [CLAMSCAN_COPY] = "Can't copy file '"};
    report_clamscan_say(act->report, CLAMSCAN_ERROR, out, err, heads[act->deed], examined->path,
                        "': %s", reason);
    if (act->deed == CLAMSCAN_REMOVE)
        act->report->not_removed++;
    else
        act->report->not_moved++;
}

void clamscan_act(void *context, const struct examined *examined, const struct stat *seen,
                  struct text *out, struct text *err)
{
    struct clamscan_act *act = context;
    struct way way = {.seen = seen, .directory = -1};
    struct why why = {0};
    const char *input = act->report->input;
    bool is_input =
        input && strncmp((const char *)examined->path.at, input, strlen(input)) == 0;
    if (act->deed == CLAMSCAN_LEAVE || !act->report->found || is_input)
        return;
    int error = open_way(examined, &way, &why);
    if (!error)
        error = act->deed == CLAMSCAN_REMOVE ? remove_file(act, &way, &why)
                : act->deed == CLAMSCAN_MOVE ? move_file(act, &way, &why)
                                             : copy_file(act, &way, &why);
    if (way.directory >= 0)
        close(way.directory);
    if (!error && act->deed != CLAMSCAN_COPY)
        remember(act, seen);
    if (error && is_done(act, seen))
        return;
    if (error)
        say_failed(act, examined, why.text, out, err);
    else
        say_done(act, examined, &way, out, err);
}
