#include "rescue/pair/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBERS = 10000 };

static bool is_step(const char *part, size_t len)
{
    return len == 0 || (len == 1 && part[0] == '.') || (len == 2 && !memcmp(part, "..", 2));
}

/* Opens the folder of `path`, made where it is not there; its last part goes to file->name. */
static int open_folder(struct outfile *file, int root, const char *path, struct why *why)
{
    int at = fcntl(root, F_DUPFD_CLOEXEC, 0);
    if (at < 0)
        return fail(why, errno, "cannot open the output folder: %s", strerror(errno));
    for (;;) {
        const char *slash = strchr(path, '/');
        size_t len = slash ? (size_t)(slash - path) : strlen(path);
        if (is_step(path, len) || len >= sizeof file->name) {
            close(at);
            return fail(why, EINVAL, "'%.100s' is no name for a file that comes back", path);
        }
        memcpy(file->name, path, len);
        file->name[len] = 0;
        if (!slash)
            break;
        if (mkdirat(at, file->name, 0700) < 0 && errno != EEXIST) {
            int error = fail(why, errno, "cannot make the folder '%s': %s", file->name,
                             strerror(errno));
            close(at);
            return error;
        }
        int next = openat(at, file->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int code = errno;
        close(at);
        if (next < 0)
            return fail(why, code, "cannot open the folder '%s': %s", file->name,
                        strerror(code));
        at = next;
        path = slash + 1;
    }
    file->folder = at;
    return 0;
}

int outfile_begin(struct outfile *file, int root, const char *root_name, const char *path,
                  struct why *why)
{
    *file = (struct outfile){.fd = -1, .folder = -1};
    int error = open_folder(file, root, path, why);
    if (error)
        return error;
    snprintf(file->path, sizeof file->path, "%s/%s", root_name, path);
    for (unsigned i = 0; i < NUMBERS && file->fd < 0; i++) {
        snprintf(file->temporary, sizeof file->temporary, ".candor-%ld-%u", (long)getpid(), i);
        file->fd = openat(file->folder, file->temporary,
                          O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (file->fd < 0 && errno != EEXIST)
            break;
    }
    if (file->fd < 0) {
        error = fail(why, errno, "cannot write '%.150s': %s", file->path, strerror(errno));
        outfile_drop(file);
    }
    return error;
}

int outfile_write(struct outfile *file, bytes part, struct why *why)
{
    while (part.len) {
        ssize_t n = write(file->fd, part.at, part.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(why, errno, "cannot write '%.150s': %s", file->path, strerror(errno));
        part = bytes_slice(part, (size_t)n, SIZE_MAX);
    }
    return 0;
}

static void make_like(int fd, const struct stat *like)
{
    const struct timespec times[] = {like->st_atim, like->st_mtim};
    if (fchown(fd, like->st_uid, like->st_gid) == 0 || geteuid() != 0)
        (void)fchmod(fd, like->st_mode & 0777);
    (void)futimens(fd, times);
}

/* Gives the file its name, or the next one that is free. */
static int give_name(struct outfile *file, struct why *why)
{
    char name[sizeof file->name + 16];
    size_t prefix = strlen(file->path) - strlen(file->name);
    for (int number = 1; number < NUMBERS; number++) {
        snprintf(name, sizeof name, number > 1 ? "%s~%d" : "%s", file->name, number);
        if (linkat(file->folder, file->temporary, file->folder, name, 0) == 0) {
            snprintf(file->path + prefix, sizeof file->path - prefix, "%s", name);
            return 0;
        }
        /* File systems without hard links: rename, when nothing is there. */
        if (errno != EEXIST && faccessat(file->folder, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
            renameat(file->folder, file->temporary, file->folder, name) == 0) {
            snprintf(file->path + prefix, sizeof file->path - prefix, "%s", name);
            return 0;
        }
        if (errno != EEXIST)
            break;
    }
    return fail(why, errno, "cannot name '%.150s': %s", file->path, strerror(errno));
}

int outfile_end(struct outfile *file, const struct stat *like, struct why *why)
{
    int error = 0;
    if (like)
        make_like(file->fd, like);
    if (fsync(file->fd) < 0)
        error = fail(why, errno, "cannot write '%.150s': %s", file->path, strerror(errno));
    if (!error)
        error = give_name(file, why);
    if (!error)
        (void)fsync(file->folder);
    outfile_drop(file);
    return error;
}

void outfile_drop(struct outfile *file)
{
    if (file->fd >= 0) {
        close(file->fd);
        (void)unlinkat(file->folder, file->temporary, 0);
    }
    if (file->folder >= 0)
        close(file->folder);
    file->fd = file->folder = -1;
}
