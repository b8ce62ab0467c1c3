#include "definitions/shelf.h"

#include "home/home.h"
#include "rules/ruleset.h"
#include "yara/module.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int shelf_path(char *ret, size_t size, struct why *why)
{
    int error = home_place(HOME_CACHE, "", ret, size);
    if (error == -ENOENT)
        return fail(why, ENOENT, "there is no home for a cache");
    return error ? fail(why, ENAMETOOLONG, "the path of the cache is too long") : 0;
}

int shelf_open(bool make, struct shelf *ret, struct why *why)
{
    struct stat st;
    char path[PATH_MAX];
    ret->fd = -1;
    int error = shelf_path(path, sizeof path, why);
    if (!error && make)
        error = home_make(path, why);
    if (error)
        return error;
    ret->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (ret->fd < 0)
        return fail(why, errno, "cannot open '%s': %s", path, strerror(errno));
    snprintf(ret->path, sizeof ret->path, "/proc/self/fd/%d", ret->fd);
    if (fstat(ret->fd, &st) < 0 || st.st_uid != geteuid() || st.st_mode & 077) {
        close(ret->fd);
        ret->fd = -1;
        return fail(why, EPERM, "'%s' is not its user's alone", path);
    }
    return 0;
}

bool shelf_file(const struct shelf *place, const char *key, const char *ending, char *ret)
{
    return snprintf(ret, PATH_MAX, "%s/%s%s", place->path, key, ending) < PATH_MAX;
}

bool shelf_has_ending(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n >= m && strcmp(name + n - m, ending) == 0;
}

void shelf_sweep(const struct shelf *place, const char *ending, uint32_t keep)
{
    for (;;) {
        char oldest[NAME_MAX + 1] = "";
        struct timespec when = {0};
        uint32_t count = 0;
        const struct dirent *row;
        int fd = openat(place->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *directory = fd < 0 ? NULL : fdopendir(fd);
        while (directory && (row = readdir(directory))) {
            struct stat st;
            if (!shelf_has_ending(row->d_name, ending) ||
                fstatat(place->fd, row->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                continue;
            bool older = st.st_mtim.tv_sec != when.tv_sec ? st.st_mtim.tv_sec < when.tv_sec
                                                          : st.st_mtim.tv_nsec < when.tv_nsec;
            if (!count++ || older) {
                when = st.st_mtim;
                snprintf(oldest, sizeof oldest, "%s", row->d_name);
            }
        }
        if (directory)
            closedir(directory);
        if (count <= keep || unlinkat(place->fd, oldest, 0) < 0)
            return;
    }
}

void shelf_key_number(struct digest *digest, uint64_t number)
{
    uint8_t raw[8];
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)(number >> 8 * i);
    digest_add(digest, (bytes){raw, sizeof raw});
}

void shelf_key_text(struct digest *digest, bytes text)
{
    shelf_key_number(digest, text.len);
    digest_add(digest, text);
}

void shelf_key_stat(struct digest *digest, const struct stat *st)
{
    const uint64_t numbers[] = {st->st_dev,
                                st->st_ino,
                                (uint64_t)st->st_size,
                                (uint64_t)st->st_mtim.tv_sec,
                                (uint64_t)st->st_mtim.tv_nsec,
                                (uint64_t)st->st_ctim.tv_sec,
                                (uint64_t)st->st_ctim.tv_nsec};
    for (size_t i = 0; i < COUNT(numbers); i++)
        shelf_key_number(digest, numbers[i]);
}

struct digest *shelf_key(const char *kind)
{
    struct stat program;
    struct digest *digest =
        stat("/proc/self/exe", &program) == 0 ? digest_new(DIGEST_SHA256) : NULL;
    if (!digest)
        return NULL;
    shelf_key_text(digest, bytes_of(kind));
    shelf_key_stat(digest, &program);
    shelf_key_number(digest, RULESET_VERSION);
    shelf_key_number(digest, module_fingerprint());
    return digest;
}

bool shelf_key_end(struct digest *digest, char ret[SHELF_KEY_TEXT + 1])
{
    uint8_t raw[DIGEST_MAX];
    bool good = digest_end(digest, raw);
    digest_free(digest);
    digest_hex(raw, SHELF_KEY, ret);
    return good;
}
