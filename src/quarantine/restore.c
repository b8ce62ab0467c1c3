#include "quarantine/restore.h"

#include "quarantine/attributes.h"
#include "quarantine/chunks.h"
#include "quarantine/original.h"
#include "quarantine/whole.h"
#include "shim/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESTORE_MEMORY ((size_t)64 << 20)

struct restoring {
    struct vault *vault;
    const struct restore_options *options;
    struct arena *arena;
    struct vault_entry entry;
    int directory; /* where it goes */
    int fd;        /* the file that is being made there */
    char name[NAME_MAX + 1];
    char coming[ORIGINAL_NAME];
    bool noted;
};

/* --- where to --- */

static int set_name(struct restoring *restoring, bytes name, struct why *why)
{
    if (!name.len || name.len > NAME_MAX || bytes_is(name, ".") || bytes_is(name, ".."))
        return fail(why, EINVAL, "there is no name to give the file");
    memcpy(restoring->name, name.at, name.len);
    restoring->name[name.len] = 0;
    return 0;
}

static bytes last_part(bytes path)
{
    size_t slash = path.len;
    while (slash && path.at[slash - 1] != '/')
        slash--;
    return bytes_slice(path, slash, path.len);
}

/* --to PATH: the user says it, so links in it are followed. */
static int open_target(struct restoring *restoring, const char *to, struct why *why)
{
    char parent[PATH_MAX];
    struct stat st;
    bytes path = bytes_of(to), name = last_part(path);
    bool into = stat(to, &st) == 0 && S_ISDIR(st.st_mode);
    int error = set_name(restoring, into ? last_part(restoring->entry.facts.path) : name, why);
    if (error)
        return error;
    int n = into ? snprintf(parent, sizeof parent, "%s", to)
                 : snprintf(parent, sizeof parent, "%.*s", (int)(path.len - name.len), to);
    if (n < 0 || (size_t)n >= sizeof parent)
        return fail(why, ENAMETOOLONG, "the path '%.120s' is too long", to);
    restoring->directory = open(parent[0] ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return restoring->directory < 0 ? fail(why, errno, "cannot open the directory '%.120s': %s",
                                           parent[0] ? parent : ".", strerror(errno))
                                    : 0;
}

static int open_place(struct restoring *restoring, struct why *why)
{
    bytes name;
    if (restoring->options->to)
        return open_target(restoring, restoring->options->to, why);
    int error =
        original_directory(restoring->entry.facts.path, &restoring->directory, &name, why);
    return error ? error : set_name(restoring, name, why);
}

static int check_place(const struct restoring *restoring, struct why *why)
{
    struct stat st;
    if (fstatat(restoring->directory, restoring->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0
                               : fail(why, errno, "cannot look at '%.120s': %s",
                                      restoring->name, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return fail(why, EISDIR, "'%.120s' is a directory", restoring->name);
    return restoring->options->force
               ? 0
               : fail(why, EEXIST, "there is a file '%.120s' already", restoring->name);
}

/* --- what a killed run left --- */

/* A file of the coming name that nobody is working on. */
static int remove_coming(int directory, const char *coming, struct why *why)
{
    return unlinkat(directory, coming, 0) == 0 || errno == ENOENT
               ? 0
               : fail(why, errno, "cannot remove '%s': %s", coming, strerror(errno));
}

int restore_clean(struct vault *vault, const char *id, struct why *why)
{
    char note[VAULT_NAME], path[PATH_MAX], coming[ORIGINAL_NAME];
    vault_name(id, VAULT_RESTORING, note);
    original_coming_name(id, coming);
    ssize_t n = readlinkat(vault->fd, note, path, sizeof path);
    if (n < 0 && errno == ENOENT)
        return 0;
    if (n > 0 && (size_t)n < sizeof path - 2) {
        bytes name;
        int directory = -1;
        memcpy(path + n, "/x", 2);
        int error = original_directory((bytes){(const uint8_t *)path, (size_t)n + 2},
                                       &directory, &name, why);
        if (!error) {
            error = remove_coming(directory, coming, why);
            close(directory);
        }
        /* A directory that is gone has nothing left in it. */
        if (error && error != -ENOENT && error != -ENOTDIR && error != -ELOOP)
            return error;
    }
    return vault_drop(vault, id, VAULT_RESTORING, why);
}

static int write_note(struct restoring *restoring, struct why *why)
{
    char path[ENTRY_PATH], note[VAULT_NAME];
    int error = restore_clean(restoring->vault, restoring->entry.id, why);
    if (!error)
        error = original_path(restoring->directory, restoring->coming, path, sizeof path, why);
    if (error)
        return error;
    size_t len = strlen(path) - strlen(restoring->coming);
    path[len > 1 ? len - 1 : 1] = 0;
    vault_name(restoring->entry.id, VAULT_RESTORING, note);
    if (symlinkat(path, restoring->vault->fd, note) < 0 || fsync(restoring->vault->fd) < 0)
        return fail(why, errno, "cannot write to quarantine '%s': %s", restoring->vault->path,
                    strerror(errno));
    restoring->noted = true;
    return 0;
}

/* --- the file --- */

static int write_extent(struct restoring *restoring, const struct entry_extent *extent,
                        struct chunks *chunks, struct why *why)
{
    uint8_t part[16384];
    for (uint64_t done = 0; done < extent->len;) {
        uint64_t left = extent->len - done;
        size_t len = left < sizeof part ? (size_t)left : sizeof part;
        int error = chunks_read(chunks, part, len, why);
        if (error)
            return error;
        error = whole_write(restoring->fd, (bytes){part, len}, extent->at + done);
        if (error)
            return fail(why, -error, "cannot write '%s': %s", restoring->coming,
                        strerror(-error));
        done += len;
    }
    return 0;
}

static int write_content(struct restoring *restoring, struct why *why)
{
    const struct entry_facts *facts = &restoring->entry.facts;
    struct chunks *chunks =
        chunks_new(AEAD_OPEN, restoring->entry.fd, restoring->entry.data, restoring->entry.key);
    int error = chunks ? 0 : fail(why, ENOMEM, "out of memory");
    if (!error && ftruncate(restoring->fd, (off_t)facts->size) < 0)
        error = fail(why, errno, "cannot write '%s': %s", restoring->coming, strerror(errno));
    for (uint32_t i = 0; !error && i < facts->extent.n; i++)
        error = write_extent(restoring, &facts->extent.at[i], chunks, why);
    if (!error)
        error = chunks_read_end(chunks, why);
    chunks_free(chunks);
    if (!error && !vault_same(&restoring->entry, restoring->fd))
        error = fail(why, EBADMSG, "what was written is not what was put into quarantine");
    return error;
}

static int make_file(struct restoring *restoring, struct why *why)
{
    restoring->fd = openat(restoring->directory, restoring->coming,
                           O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (restoring->fd < 0)
        return fail(why, errno, "cannot write to its directory: %s", strerror(errno));
    int error = write_content(restoring, why);
    if (!error)
        error = attributes_write(restoring->fd, &restoring->entry.facts, restoring->arena, why);
    if (!error && fsync(restoring->fd) < 0)
        error = fail(why, errno, "cannot write '%s': %s", restoring->coming, strerror(errno));
    return error;
}

/* Gives the file its name; never over another one unless that was asked for. */
static int name_file(const struct restoring *restoring, struct why *why)
{
    const char *from = restoring->coming, *to = restoring->name;
    int directory = restoring->directory, error = 0;
    if (restoring->options->force) {
        error = renameat(directory, from, directory, to) < 0 ? errno : 0;
    } else if (renameat2(directory, from, directory, to, RENAME_NOREPLACE) < 0) {
        error = errno;
        /* A file system without such a rename: a second name, and then one less. */
        if (error == EINVAL || error == ENOSYS)
            error = linkat(directory, from, directory, to, 0) < 0 ? errno
                    : unlinkat(directory, from, 0) < 0            ? errno
                                                                  : 0;
    }
    return error ? fail(why, error,
                        error == EEXIST ? "there is a file '%.120s' already"
                                        : "cannot name it '%.120s': %s",
                        to, strerror(error))
                 : original_sync(directory, why);
}

/* The name is that of the file that was made: whoever owns the directory may have been faster.
 */
static int check_named(const struct restoring *restoring, struct why *why)
{
    struct stat made;
    return fstat(restoring->fd, &made) == 0 &&
                   original_is(restoring->directory, restoring->name, &made)
               ? 0
               : fail(why, ESTALE, "another file took its place");
}

static int put_back(struct restoring *restoring, struct why *why)
{
    int error = write_note(restoring, why);
    if (!error)
        error = make_file(restoring, why);
    if (!error)
        error = name_file(restoring, why);
    if (!error)
        error = check_named(restoring, why);
    struct why later;
    if (error && restoring->fd >= 0 &&
        remove_coming(restoring->directory, restoring->coming, &later) < 0)
        return error;
    if (!error)
        error = vault_drop(restoring->vault, restoring->entry.id, VAULT_ENTRY, why);
    if (restoring->noted &&
        vault_drop(restoring->vault, restoring->entry.id, VAULT_RESTORING, &later) < 0)
        return error;
    return error;
}

static int restore(struct restoring *restoring, char *ret_path, struct why *why)
{
    int error = vault_lock(restoring->vault, &restoring->entry, why);
    if (!error && restoring->entry.state != VAULT_ENTRY)
        error = fail(why, EBUSY, "entry '%s' is not yet out of its place", restoring->entry.id);
    if (!error)
        error = open_place(restoring, why);
    if (!error)
        error = check_place(restoring, why);
    if (!error)
        error = original_path(restoring->directory, restoring->name, ret_path, ENTRY_PATH, why);
    return error ? error : put_back(restoring, why);
}

int restore_entry(struct vault *vault, const char *id, const struct restore_options *options,
                  char ret_path[ENTRY_PATH], struct why *why)
{
    struct restoring *restoring = calloc(1, sizeof *restoring);
    if (!restoring)
        return fail(why, ENOMEM, "out of memory");
    restoring->vault = vault;
    restoring->options = options;
    restoring->entry.fd = restoring->fd = restoring->directory = -1;
    original_coming_name(id, restoring->coming);
    restoring->arena = arena_new(RESTORE_MEMORY);
    int error = restoring->arena
                    ? vault_load(vault, id, restoring->arena, &restoring->entry, why)
                    : fail(why, ENOMEM, "out of memory");
    if (!error)
        error = restore(restoring, ret_path, why);
    vault_entry_close(&restoring->entry);
    if (restoring->fd >= 0)
        close(restoring->fd);
    if (restoring->directory >= 0)
        close(restoring->directory);
    arena_free(restoring->arena);
    free(restoring);
    return error;
}
