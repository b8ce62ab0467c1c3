#include "quarantine/original.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* For reading, so that it can be synced; or only as a place where that is not allowed. */
static int open_directory(int at, const char *name)
{
    int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(at, name, O_RDONLY | flags);
    return fd < 0 && errno == EACCES ? openat(at, name, O_PATH | flags) : fd;
}

static int fail_way(bytes path, size_t len, int error, struct why *why)
{
    int shown = (int)(len < 120 ? len : 120);
    if (error == ELOOP || error == ENOTDIR)
        return fail(why, error, "the way leads through '%.*s', which is no directory any more",
                    shown, (const char *)path.at);
    return fail(why, error, "cannot open the directory '%.*s': %s", shown,
                (const char *)path.at, strerror(error));
}

int original_directory(bytes path, int *ret_fd, bytes *ret_name, struct why *why)
{
    char name[NAME_MAX + 1];
    size_t slash = path.len, at = 1;
    while (slash && path.at[slash - 1] != '/')
        slash--;
    if (!slash || path.at[0] != '/' || slash == path.len)
        return fail(why, EINVAL, "'%.*s' is no absolute path of a file",
                    (int)(path.len < 120 ? path.len : 120), (const char *)path.at);
    int fd = open_directory(AT_FDCWD, "/");
    while (fd >= 0 && at < slash) {
        bytes rest = bytes_slice(path, at, slash - at), part;
        bytes_cut(&rest, '/', &part);
        at += part.len + 1;
        if (!part.len || part.len > NAME_MAX)
            continue;
        memcpy(name, part.at, part.len);
        name[part.len] = 0;
        int next = open_directory(fd, name), error = errno;
        close(fd);
        fd = next;
        if (fd < 0)
            return fail_way(path, at - 1, error, why);
    }
    if (fd < 0)
        return fail_way(path, 1, errno, why);
    *ret_fd = fd;
    *ret_name = bytes_slice(path, slash, path.len);
    return 0;
}

int original_path(int directory, const char *name, char *ret, size_t size, struct why *why)
{
    char link[64];
    struct stat open_st, st;
    snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    ssize_t n = readlink(link, ret, size);
    if (n <= 0 || (size_t)n >= size)
        return fail(why, n < 0 ? errno : ENAMETOOLONG, "cannot find the path of '%s'", name);
    ret[n] = 0;
    /* The kernel says "/x (deleted)" of what is gone, and so may a directory be called. */
    if (fstat(directory, &open_st) < 0 || lstat(ret, &st) < 0 || st.st_ino != open_st.st_ino ||
        st.st_dev != open_st.st_dev)
        return fail(why, ESTALE, "its directory is gone, or has another name now");
    int more = snprintf(ret + n, size - (size_t)n, "%s%s", n > 1 ? "/" : "", name);
    return more > 0 && (size_t)more < size - (size_t)n
               ? 0
               : fail(why, ENAMETOOLONG, "the path of '%s' is too long", name);
}

int original_sync(int directory, struct why *why)
{
    int flags = fcntl(directory, F_GETFL);
    if (flags < 0 || flags & O_PATH || fsync(directory) == 0 || errno == EINVAL)
        return 0;
    return fail(why, errno, "cannot sync its directory: %s", strerror(errno));
}

void original_leaving_name(const char *id, char ret[ORIGINAL_NAME])
{
    snprintf(ret, ORIGINAL_NAME, ".candor-quarantine-%.16s", id);
}

void original_coming_name(const char *id, char ret[ORIGINAL_NAME])
{
    snprintf(ret, ORIGINAL_NAME, ".candor-restore-%.16s", id);
}

bool original_is(int directory, const char *name, const struct stat *meant)
{
    struct stat st;
    return fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_dev == meant->st_dev && st.st_ino == meant->st_ino &&
           st.st_size == meant->st_size && st.st_mtim.tv_sec == meant->st_mtim.tv_sec &&
           st.st_mtim.tv_nsec == meant->st_mtim.tv_nsec;
}

/* Never over another file. Where the file system knows no such rename, a name that nobody can
 * guess in time, or a look before, has to do. */
static int rename_aside(int directory, const char *from, const char *to)
{
    struct stat st;
    if (renameat2(directory, from, directory, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    if (fstatat(directory, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return -EEXIST;
    return renameat(directory, from, directory, to) == 0 ? 0 : -errno;
}

/* Something else had the name, or has it now. */
static int put_back(int directory, const char *leaving, const char *name, int error,
                    struct why *why)
{
    int back = rename_aside(directory, leaving, name);
    if (back && back != -ENOENT)
        return fail(why, error, "another file took its place; it is now called '%s': %s",
                    leaving, strerror(-back));
    if (error == ESTALE)
        return fail(why, ESTALE, "another file took its place, and was left alone");
    return fail(why, error, "cannot remove it: %s", strerror(error));
}

int original_remove_leaving(int directory, const char *name, const char *id,
                            const struct stat *meant, struct why *why)
{
    char leaving[ORIGINAL_NAME];
    original_leaving_name(id, leaving);
    if (!original_is(directory, leaving, meant))
        return put_back(directory, leaving, name, ESTALE, why);
    if (unlinkat(directory, leaving, 0) < 0)
        return put_back(directory, leaving, name, errno, why);
    return 0;
}

int original_remove(int directory, const char *name, const char *id, const struct stat *meant,
                    struct why *why)
{
    char leaving[ORIGINAL_NAME];
    original_leaving_name(id, leaving);
    if (!original_is(directory, name, meant))
        return fail(why, ESTALE, "another file took its place, and was left alone");
    int error = rename_aside(directory, name, leaving);
    if (error == -ENOENT)
        return fail(why, ESTALE, "it is not there any more");
    if (error)
        return fail(why, -error, "cannot remove it: %s", strerror(-error));
    return original_remove_leaving(directory, name, id, meant, why);
}
