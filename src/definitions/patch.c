#include "definitions/patch.h"

#include "clamav/cdiff.h"
#include "definitions/rulefiles.h"
#include "sandbox/channel.h"
#include "sandbox/sandbox.h"
#include "shim/crypto.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 256, NAME = 128 };

/* Of all files together, and of what the script makes of them on the way. */
#define TEXTS_MAX ((size_t)8 << 30)
#define ANSWER    ((size_t)4 << 30)

/* The head of the worker's answer; texts of changed files lie behind it. */
struct answer {
    int32_t error;
    uint32_t count;
    struct why why;
    struct patch_result result;

    struct {
        char name[NAME];
        bool changed;
        uint64_t offset, length;
    } files[2 * FILES_MAX];
};

enum { FD_PATCH, FD_SIGN, FD_ANSWER, FD_FILES };

/* Copied into the worker, which keeps the mappings of the files, and of the descriptors that of
 * the answer alone. */
struct job {
    const struct patch_options *options;
    char *names[FILES_MAX];
    uint32_t count;
    int fds[FD_FILES + FILES_MAX];
    bytes maps[FD_FILES + FILES_MAX];
};

/* --- in the worker --- */

/* Everything is copied: the files may change. One that is cut short meanwhile ends the worker.
 */
static int load(const struct job *job, struct arena *arena, struct cdiff *ret_patch,
                struct cdiff_files *ret_files, struct why *why)
{
    bytes patch = arena_copy(arena, job->maps[FD_PATCH]);
    bytes sign = arena_copy(arena, job->maps[FD_SIGN]);
    bool good = patch.at && sign.at;
    for (uint32_t i = 0; good && i < job->count; i++) {
        struct cdiff_file *file = vec_push(arena, &ret_files->at);
        good = file != NULL;
        if (good)
            *file = (struct cdiff_file){.name = bytes_of(job->names[i]),
                                        .text = arena_copy(arena, job->maps[FD_FILES + i])};
        good = good && file->text.at;
    }
    if (!good)
        return fail(why, ENOMEM, "the databases need too much memory");
    return cdiff_open(patch, sign, job->options->certificates, arena, ret_patch, why);
}

static int judge(const struct job *job, const struct cdiff *patch, struct why *why)
{
    if (patch->external == CONTAINER_WRONG)
        return fail(why, EKEYREJECTED, "its .sign file does not sign it");
    if (job->options->unsigned_too || patch->external == CONTAINER_GOOD ||
        patch->legacy == CONTAINER_GOOD)
        return 0;
    return fail(why, EKEYREJECTED, "it is not signed by ClamAV");
}

static int put_answer(const struct cdiff_files *files, struct answer *answer, struct why *why)
{
    uint64_t at = sizeof *answer;
    for (uint32_t i = 0; i < files->at.n; i++) {
        const struct cdiff_file *file = &files->at.at[i];
        if (file->gone)
            continue;
        if (answer->count == COUNT(answer->files) || file->name.len >= NAME ||
            file->text.len > ANSWER - at)
            return fail(why, EFBIG, "it makes too much of the database");
        memcpy(answer->files[answer->count].name, file->name.at, file->name.len);
        answer->files[answer->count].changed = file->changed;
        answer->result.files++;
        if (file->changed) {
            answer->files[answer->count].offset = at;
            answer->files[answer->count].length = file->text.len;
            memcpy((uint8_t *)answer + at, file->text.at, file->text.len);
            at += file->text.len;
            answer->result.changed++;
        }
        answer->count++;
    }
    return 0;
}

static int work(void *context)
{
    const struct job *job = context;
    struct arena *arena = arena_new(TEXTS_MAX);
    struct cdiff patch = {0};
    struct cdiff_files files = {0};
    struct walls walls;
    struct answer *answer =
        mmap(NULL, ANSWER, PROT_READ | PROT_WRITE, MAP_SHARED, SANDBOX_FIRST, 0);
    crypto_warm();
    if (!arena || answer == MAP_FAILED || sandbox_seal(&profile_compiler, &walls, NULL))
        return 1;
    struct why why = {0};
    int error = load(job, arena, &patch, &files, &why);
    if (!error) {
        answer->result = (struct patch_result){
            .version = patch.version, .legacy = patch.legacy, .external = patch.external};
        memcpy(answer->result.signer, patch.signer, sizeof patch.signer);
        error = judge(job, &patch, &why);
    }
    if (!error)
        error = cdiff_apply(&patch, &files, arena, &why);
    if (!error)
        error = put_answer(&files, answer, &why);
    answer->why = why;
    answer->error = error;
    return 0;
}

/* --- in this process --- */

/* An empty file has no mapping. */
static int map_file(struct job *job, size_t number, struct why *why)
{
    struct stat st;
    if (fstat(job->fds[number], &st) < 0 || (uint64_t)st.st_size > ANSWER)
        return fail(why, EFBIG, "a file is too large");
    if (!st.st_size)
        return 0;
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, job->fds[number], 0);
    if (map == MAP_FAILED)
        return fail(why, errno, "a file cannot be mapped: %s", strerror(errno));
    job->maps[number] = (bytes){map, (size_t)st.st_size};
    return 0;
}

static int add_file(struct job *job, int directory, const char *name, struct why *why)
{
    struct stat st;
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || strlen(name) >= NAME ||
        job->count == FILES_MAX) {
        if (fd >= 0)
            close(fd);
        return fail(why, EINVAL, "the directory holds '%s', which is no database file", name);
    }
    job->names[job->count] = strdup(name);
    job->fds[FD_FILES + job->count++] = fd;
    return job->names[job->count - 1] ? map_file(job, FD_FILES + job->count - 1, why)
                                      : fail(why, ENOMEM, "out of memory");
}

static int find_files(struct job *job, const char *path, struct why *why)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *row;
    if (!directory)
        return fail(why, errno, "cannot open '%s': %s", path, strerror(errno));
    while (!error && (row = readdir(directory)))
        if (strcmp(row->d_name, ".") != 0 && strcmp(row->d_name, "..") != 0)
            error = add_file(job, fd, row->d_name, why);
    closedir(directory);
    return error;
}

static void wait_for(const struct sandbox_child *child)
{
    struct pollfd poll_for = {.fd = child->pidfd, .events = POLLIN};
    while (poll(&poll_for, 1, -1) < 0 && errno == EINTR)
        continue;
}

static int run_worker(struct job *job, struct why *why)
{
    struct sandbox_child child;
    struct sandbox_end end;
    int error =
        sandbox_spawn(&profile_compiler, work, job, &job->fds[FD_ANSWER], 1, &child, why);
    if (error)
        return error;
    wait_for(&child);
    sandbox_end(&child, &end);
    return end.signal || end.status
               ? fail(why, EFAULT, "the worker that applies it ended (%s %d)",
                      end.signal ? "signal" : "status", end.signal ? end.signal : end.status)
               : 0;
}

/* The worker is a stranger's by now: all it says is checked. It has ended, so nothing changes
 * any more. */
static int check_answer(struct answer *answer, struct why *why)
{
    channel_tame(answer->why.text, sizeof answer->why.text);
    answer->result.signer[sizeof answer->result.signer - 1] = 0;
    if (answer->error < 0 && answer->error > -4096)
        return fail(why, -answer->error, "%s", answer->why.text);
    bool good = !answer->error && answer->count <= COUNT(answer->files);
    for (uint32_t i = 0; good && i < answer->count; i++) {
        const char *name = answer->files[i].name;
        good = memchr(name, 0, NAME) && name[0] && name[0] != '.' && !strchr(name, '/') &&
               bytes_has((bytes){(uint8_t *)answer, ANSWER}, answer->files[i].offset,
                         answer->files[i].length);
    }
    return good ? 0 : fail(why, EFAULT, "the worker that applies it answered nonsense");
}

static int write_file(int directory, const char *name, bytes text)
{
    int fd =
        openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    int error = fd < 0 ? -errno : 0;
    for (size_t at = 0; !error && at < text.len;) {
        ssize_t n = write(fd, text.at + at, text.len - at);
        if (n < 0 && errno != EINTR)
            error = -errno;
        at += n > 0 ? (size_t)n : 0;
    }
    if (!error && fsync(fd) < 0)
        error = -errno;
    if (fd >= 0)
        close(fd);
    return error;
}

/* What did not change is the same file, by another name of it, or a copy. */
static int take_over(const struct job *job, int directory, const char *name)
{
    for (uint32_t i = 0; i < job->count; i++) {
        char path[64];
        bytes text;
        if (strcmp(job->names[i], name) != 0)
            continue;
        snprintf(path, sizeof path, "/proc/self/fd/%d", job->fds[FD_FILES + i]);
        if (linkat(AT_FDCWD, path, directory, name, AT_SYMLINK_FOLLOW) == 0)
            return 0;
        if (rulefiles_read(path, ANSWER, &text, NULL) < 0)
            return -EIO;
        int error = write_file(directory, name, text);
        free((void *)(uintptr_t)text.at);
        return error;
    }
    return -EFAULT;
}

static void remove_folder(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *row;
    while (directory && (row = readdir(directory)))
        unlinkat(dirfd(directory), row->d_name, 0);
    if (directory)
        closedir(directory);
    rmdir(path);
}

static int fill_folder(const struct job *job, const struct answer *answer, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd < 0 ? -errno : 0;
    for (uint32_t i = 0; !error && i < answer->count; i++) {
        bytes text = {(const uint8_t *)answer + answer->files[i].offset,
                      answer->files[i].length};
        error = answer->files[i].changed ? write_file(fd, answer->files[i].name, text)
                                         : take_over(job, fd, answer->files[i].name);
    }
    if (!error && (fchmod(fd, 0755) < 0 || fsync(fd) < 0))
        error = -errno;
    if (fd >= 0)
        close(fd);
    return error;
}

/* Makes the new directory beside its place, and puts it there. */
static int replace(const struct job *job, const struct answer *answer, const char *directory,
                   const char *to, struct why *why)
{
    char beside[PATH_MAX];
    const char *place = to ? to : directory;
    size_t len = strlen(place);
    while (len > 1 && place[len - 1] == '/')
        len--;
    if (snprintf(beside, sizeof beside, "%.*s.XXXXXX", (int)len, place) >= (int)sizeof beside)
        return fail(why, ENAMETOOLONG, "'%s' is too long a name", place);
    if (!mkdtemp(beside))
        return fail(why, errno, "cannot write beside '%s': %s", place, strerror(errno));
    int error = fill_folder(job, answer, beside);
    unsigned flags = to ? RENAME_NOREPLACE : RENAME_EXCHANGE;
    if (!error && renameat2(AT_FDCWD, beside, AT_FDCWD, place, flags) < 0)
        error = -errno;
    /* Now the old one lies there, or what was not finished. */
    if (error || !to)
        remove_folder(beside);
    return error ? fail(why, -error, "cannot write '%s': %s", place, strerror(-error)) : 0;
}

static int open_patch(struct job *job, const char *path, struct why *why)
{
    char sign[PATH_MAX];
    job->fds[FD_PATCH] = open(path, O_RDONLY | O_CLOEXEC);
    if (job->fds[FD_PATCH] < 0)
        return fail(why, errno, "cannot open '%s': %s", path, strerror(errno));
    if (snprintf(sign, sizeof sign, "%s.sign", path) < (int)sizeof sign)
        job->fds[FD_SIGN] = open(sign, O_RDONLY | O_CLOEXEC);
    job->fds[FD_ANSWER] = memfd_create("candor-patch", MFD_CLOEXEC);
    if (job->fds[FD_ANSWER] < 0 || ftruncate(job->fds[FD_ANSWER], (off_t)ANSWER) < 0)
        return fail(why, errno, "no memory for what it makes: %s", strerror(errno));
    int error = map_file(job, FD_PATCH, why);
    return error || job->fds[FD_SIGN] < 0 ? error : map_file(job, FD_SIGN, why);
}

int patch_apply(const char *directory, const char *patch, const char *to,
                const struct patch_options *options, struct patch_result *ret, struct why *why)
{
    struct job job = {.options = options, .fds = {-1, -1, -1}};
    struct answer *answer = MAP_FAILED;
    int error = open_patch(&job, patch, why);
    if (!error)
        error = find_files(&job, directory, why);
    if (!error && (error = run_worker(&job, why)) == 0) {
        answer = mmap(NULL, ANSWER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE,
                      job.fds[FD_ANSWER], 0);
        error = answer == MAP_FAILED ? fail(why, errno, "no memory for what it makes")
                                     : check_answer(answer, why);
    }
    if (!error)
        error = replace(&job, answer, directory, to, why);
    if (!error) {
        *ret = answer->result;
        ret->gone = 0;
        for (uint32_t i = 0; i < job.count; i++) {
            bool there = false;
            for (uint32_t k = 0; k < answer->count; k++)
                there |= strcmp(answer->files[k].name, job.names[i]) == 0;
            ret->gone += !there;
        }
    }
    if (answer != MAP_FAILED)
        munmap(answer, ANSWER);
    for (size_t i = 0; i < FD_FILES + (size_t)job.count; i++) {
        if (job.fds[i] >= 0)
            close(job.fds[i]);
        if (job.maps[i].len)
            munmap((void *)(uintptr_t)job.maps[i].at, job.maps[i].len);
    }
    for (uint32_t i = 0; i < job.count; i++)
        free(job.names[i]);
    return error;
}
