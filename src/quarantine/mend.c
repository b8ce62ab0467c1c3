#include "quarantine/mend.h"

#include "quarantine/original.h"
#include "quarantine/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define MEND_MEMORY ((size_t)64 << 20)

/* An entry that nobody is writing any more. */
static int drop_new(struct vault *vault, const char *id, struct mend_counts *counts,
                    struct why *why)
{
    char name[VAULT_NAME];
    vault_name(id, VAULT_NEW, name);
    int fd = openat(vault->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return 0;
    int error = flock(fd, LOCK_EX | LOCK_NB) == 0 ? vault_drop(vault, id, VAULT_NEW, why) : 1;
    close(fd);
    counts->dropped += error == 0;
    return error < 0 && error != -ENOENT ? error : 0;
}

/* The name is that of the file that was taken, and its content lies in the vault: nothing is
 * lost when it goes. The device is not asked for: its number may be another after a restart. */
static bool is_taken(const struct vault_entry *entry, int directory, const char *name,
                     struct stat *ret)
{
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool same = fd >= 0 && fstat(fd, ret) == 0 && S_ISREG(ret->st_mode) &&
                ret->st_ino == entry->facts.inode &&
                (uint64_t)ret->st_size == entry->facts.size &&
                ret->st_mtim.tv_sec == entry->facts.modified.tv_sec &&
                ret->st_mtim.tv_nsec == entry->facts.modified.tv_nsec && vault_same(entry, fd);
    if (fd >= 0)
        close(fd);
    return same;
}

static int finish_removal(const struct vault_entry *entry, struct why *why)
{
    char leaving[ORIGINAL_NAME], text[256];
    struct stat st;
    bytes name;
    int directory, error = original_directory(entry->facts.path, &directory, &name, why);
    if (error) /* its directory is gone, or is another one: there is nothing to remove */
        return 0;
    memcpy(text, name.at, name.len);
    text[name.len] = 0;
    original_leaving_name(entry->id, leaving);
    if (is_taken(entry, directory, leaving, &st))
        error = original_remove_leaving(directory, text, entry->id, &st, why);
    else if (is_taken(entry, directory, text, &st))
        error = original_remove(directory, text, entry->id, &st, why);
    if (!error)
        error = original_sync(directory, why);
    close(directory);
    return error;
}

static int finish_moving(struct vault *vault, const char *id, struct arena *arena,
                         struct mend_counts *counts, struct why *why)
{
    struct vault_entry entry;
    struct why busy;
    int error = vault_load(vault, id, arena, &entry, why);
    if (error)
        return error;
    if (entry.state == VAULT_MOVING && vault_lock(vault, &entry, &busy) == 0) {
        error = finish_removal(&entry, why);
        if (!error)
            error = vault_rename(vault, id, VAULT_MOVING, VAULT_ENTRY, why);
        counts->finished += error == 0;
    }
    vault_entry_close(&entry);
    return error;
}

/* A restoring of which nobody holds the entry any more. */
static int drop_restoring(struct vault *vault, const char *id, struct mend_counts *counts,
                          struct why *why)
{
    char name[VAULT_NAME];
    vault_name(id, VAULT_ENTRY, name);
    int fd = openat(vault->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int error = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 ? restore_clean(vault, id, why) : 1;
    if (fd >= 0)
        close(fd);
    counts->dropped += error == 0;
    return error < 0 ? error : 0;
}

static int mend_one(struct vault *vault, const char *id, enum vault_state state,
                    struct arena *arena, struct mend_counts *counts, struct why *why)
{
    switch (state) {
    case VAULT_NEW:
        return drop_new(vault, id, counts, why);
    case VAULT_MOVING:
        return finish_moving(vault, id, arena, counts, why);
    case VAULT_RESTORING:
        return drop_restoring(vault, id, counts, why);
    default:
        return 0;
    }
}

int mend_vault(struct vault *vault, struct mend_counts *ret, struct why *why)
{
    struct vault_list list;
    struct why one;
    *ret = (struct mend_counts){0};
    struct arena *arena = arena_new(MEND_MEMORY);
    int error = arena ? vault_all(vault, &list, why) : fail(why, ENOMEM, "out of memory");
    if (error) {
        arena_free(arena);
        return error;
    }
    for (size_t i = 0; i < list.n; i++) {
        arena_reset(arena);
        int failed = mend_one(vault, list.at[i].id, list.at[i].state, arena, ret, &one);
        if (failed && !error) {
            error = failed;
            if (why)
                *why = one;
        }
    }
    vault_list_free(&list);
    arena_free(arena);
    return error;
}
