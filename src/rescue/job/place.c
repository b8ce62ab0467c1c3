#include "rescue/job/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For reading, so that it can be synced; or only as a place where that is not allowed. */
static int open_part(int at, const char *name)
{
    int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(at, name, O_RDONLY | flags);
    return fd < 0 && errno == EACCES ? openat(at, name, O_PATH | flags) : fd;
}

static int fail_part(bytes path, int error, struct why *why)
{
    if (error == ELOOP || error == ENOTDIR)
        return fail(why, error, "the way to '%.*s' leads through a link", (int)path.len % 160,
                    (const char *)path.at);
    return fail(why, error, "cannot open the directory '%.*s': %s", (int)path.len % 160,
                (const char *)path.at, strerror(error));
}

/* One that is there, or with `make` is made. -1: errno. */
static int open_or_make(int at, const char *name, bool make)
{
    char tame[NAMES_MAX];
    int fd = open_part(at, name);
    if (fd >= 0 || !make || errno != ENOENT)
        return fd;
    if (mkdirat(at, name, 0777) == 0 || errno == EEXIST)
        return open_part(at, name);
    if ((errno != EINVAL && errno != EILSEQ) || !names_tame(name, tame))
        return -1;
    return mkdirat(at, tame, 0777) == 0 || errno == EEXIST ? open_part(at, tame) : -1;
}

int place_open(bytes path, bool make, int *ret_fd, struct why *why)
{
    char name[NAME_MAX + 1];
    bytes rest = path, part;
    int fd = path.len && path.at[0] == '/' ? open_part(AT_FDCWD, "/") : -1;
    if (fd < 0)
        return fail_part(path, path.len ? errno : EINVAL, why);
    while (bytes_cut(&rest, '/', &part)) {
        if (!part.len)
            continue;
        if (part.len > NAME_MAX) {
            close(fd);
            return fail_part(path, ENAMETOOLONG, why);
        }
        memcpy(name, part.at, part.len);
        name[part.len] = 0;
        int next = open_or_make(fd, name, make);
        int error = errno;
        close(fd);
        fd = next;
        if (fd < 0)
            return fail_part(path, error, why);
    }
    *ret_fd = fd;
    return 0;
}

int place_create(int directory, const char *name, int *ret_fd, struct why *why)
{
    int fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(why, errno, "cannot write in its folder: %s%s", strerror(errno),
                    errno == EROFS || errno == EACCES || errno == EPERM
                        ? " (add '--output DIR' to write to another place)"
                        : "");
    *ret_fd = fd;
    return 0;
}

int place_rename(int directory, const char *from, const char *to, struct why *why)
{
    struct stat st;
    if (renameat2(directory, from, directory, to, RENAME_NOREPLACE) == 0)
        return 0;
    int error = errno;
    /* Not every file system knows it: a link never replaces anything, either. */
    if (error == EINVAL || error == ENOSYS) {
        if (linkat(directory, from, directory, to, 0) == 0)
            return unlinkat(directory, from, 0) == 0
                       ? 0
                       : fail(why, errno, "cannot remove '%s': %s", from, strerror(errno));
        error = errno;
        if (error == EPERM && fstatat(directory, to, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
            renameat(directory, from, directory, to) == 0)
            return 0;
    }
    return fail(why, error, "cannot name it '%.150s': %s", to, strerror(error));
}

bool place_same(int directory, const char *name, int fd)
{
    enum { PART = 64 << 10 };

    struct stat mine, there;
    uint8_t *part = malloc(2 * (size_t)PART);
    int other = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool same = part && other >= 0 && !fstat(fd, &mine) && !fstat(other, &there) &&
                S_ISREG(there.st_mode) && mine.st_size == there.st_size;
    for (off_t at = 0; same && at < mine.st_size;) {
        ssize_t n = pread(fd, part, PART, at),
                m = n > 0 ? pread(other, part + PART, (size_t)n, at) : -1;
        same = n > 0 && m == n && !memcmp(part, part + PART, (size_t)n);
        at += n;
    }
    free(part);
    if (other >= 0)
        close(other);
    return same;
}
