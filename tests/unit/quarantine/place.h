/* place — a folder of its own for a test of the quarantine: a vault, a directory with a file in
 * which something was found, and a victim that nothing may touch. */
#pragma once
#include "quarantine/restore.h"
#include "quarantine/take.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define FOUND  "bytes in which something was found"
#define VICTIM "bytes of somebody else"

struct place {
    char path[64];
    const char *name; /* in the directory */
    int top, directory;
    struct vault *vault;
    struct stat victim, found;
};

static inline void place_put(int at, const char *name, const void *data, size_t len)
{
    int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC, 0640);
    if (fd < 0 || write(fd, data, len) != (ssize_t)len)
        abort();
    close(fd);
}

static inline bool place_is(int at, const char *name, const char *text)
{
    char got[256];
    int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, got, sizeof got);
    if (fd >= 0)
        close(fd);
    return n == (ssize_t)strlen(text) && memcmp(got, text, (size_t)n) == 0;
}

static inline void place_fill(struct place *place)
{
    place_put(place->directory, "found", FOUND, strlen(FOUND));
    if (fstatat(place->directory, "found", &place->found, AT_SYMLINK_NOFOLLOW) < 0)
        abort();
}

static inline void place_new(struct place *place)
{
    char vault[96];
    struct why why;
    place->name = "found";
    memcpy(place->path, "/tmp/candor-test-XXXXXX", 24);
    if (!mkdtemp(place->path))
        abort();
    place->top = open(place->path, O_RDONLY | O_DIRECTORY);
    if (place->top < 0 || mkdirat(place->top, "d", 0755) < 0)
        abort();
    place->directory = openat(place->top, "d", O_RDONLY | O_DIRECTORY);
    place_put(place->top, "victim", VICTIM, strlen(VICTIM));
    snprintf(vault, sizeof vault, "%s/vault", place->path);
    if (fstatat(place->top, "victim", &place->victim, 0) < 0 ||
        vault_open(vault, true, &place->vault, &why) < 0)
        abort();
}

static inline void place_empty(struct place *place)
{
    static const char *const names[] = {"found", "elsewhere", "other"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (unlinkat(place->directory, names[i], 0) < 0 && errno == EISDIR)
            unlinkat(place->directory, names[i], AT_REMOVEDIR);
}

static inline int place_take(struct place *place, struct take_result *ret, struct why *why,
                             void (*step)(void *, enum take_step), void *context)
{
    const struct entry_finding finding = {bytes_of("rule"), bytes_of("space"),
                                          bytes_of("source"), bytes_of("a > b")};
    const struct take_request request = {.directory = place->directory,
                                         .name = place->name,
                                         .seen = &place->found,
                                         .findings = &finding,
                                         .finding_count = 1,
                                         .findings_all = 1,
                                         .version = bytes_of("1"),
                                         .step = step,
                                         .step_context = context};
    *ret = (struct take_result){0};
    return take_file(place->vault, &request, ret, why);
}

/* The victim is the same file as ever, with one name and its bytes. */
static inline bool place_victim_whole(const struct place *place)
{
    struct stat now;
    return fstatat(place->top, "victim", &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           now.st_ino == place->victim.st_ino && now.st_size == place->victim.st_size &&
           now.st_mtim.tv_nsec == place->victim.st_mtim.tv_nsec &&
           place_is(place->top, "victim", VICTIM);
}

static inline size_t place_entries(const struct place *place)
{
    struct vault_list list;
    struct why why;
    size_t n = vault_all(place->vault, &list, &why) < 0 ? 9999 : list.n;
    vault_list_free(&list);
    return n;
}

static inline void place_drop_entries(struct place *place)
{
    struct vault_list list;
    struct why why;
    if (vault_all(place->vault, &list, &why) < 0)
        abort();
    for (size_t i = 0; i < list.n; i++)
        if (vault_drop(place->vault, list.at[i].id, list.at[i].state, &why) < 0)
            abort();
    vault_list_free(&list);
}

static inline void place_free(struct place *place)
{
    place_drop_entries(place);
    place_empty(place);
    unlinkat(place->vault->fd, "key", 0);
    vault_close(place->vault);
    unlinkat(place->top, "victim", 0);
    unlinkat(place->top, "vault", AT_REMOVEDIR);
    unlinkat(place->top, "d", AT_REMOVEDIR);
    close(place->directory);
    close(place->top);
    if (rmdir(place->path) < 0)
        printf("# something is left in %s\n", place->path);
}
