#include "quarantine/attributes.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { VALUE_MAX = 65536, NAMES_MAX = 65536 };

/* --- read --- */

static int by_name(const void *a, const void *b)
{
    const struct entry_attribute *left = a, *right = b;
    return bytes_compare(left->name, right->name);
}

/* The names of all attributes, in order. A file system without any has none. */
static int list_names(int fd, struct arena *arena, struct entry_facts *ret, struct why *why)
{
    /* Most files have none, and many small ones are asked. */
    if (flistxattr(fd, NULL, 0) == 0)
        return 0;
    char *names = arena_push_raw(arena, NAMES_MAX);
    if (!names)
        return fail(why, ENOMEM, "out of memory");
    ssize_t n = flistxattr(fd, names, NAMES_MAX);
    if (n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
        return 0;
    if (n < 0)
        return fail(why, errno, "cannot list its extended attributes: %s", strerror(errno));
    for (const char *name = names; name < names + n; name += strlen(name) + 1) {
        struct entry_attribute *one = vec_push(arena, &ret->attribute);
        if (!one)
            return fail(why, ENOMEM, "out of memory");
        one->name = bytes_of(name);
    }
    if (ret->attribute.n)
        qsort(ret->attribute.at, ret->attribute.n, sizeof *ret->attribute.at, by_name);
    return 0;
}

/* The value of an attribute, followed by nothing; -errno. */
static ssize_t read_value(int fd, bytes name, uint8_t *buffer)
{
    ssize_t n = fgetxattr(fd, (const char *)name.at, buffer, VALUE_MAX);
    return n < 0 ? -errno : n;
}

static int read_attributes(int fd, struct arena *arena, struct entry_facts *ret,
                           struct why *why)
{
    int error = list_names(fd, arena, ret, why);
    if (error || !ret->attribute.n)
        return error;
    uint8_t *buffer = arena_push_raw(arena, VALUE_MAX);
    if (!buffer)
        return fail(why, ENOMEM, "out of memory");
    uint32_t kept = 0;
    for (uint32_t i = 0; !error && i < ret->attribute.n; i++) {
        struct entry_attribute one = ret->attribute.at[i];
        ssize_t n = read_value(fd, one.name, buffer);
        if (n == -ENODATA)
            continue;
        if (n < 0)
            return fail(why, (int)-n, "cannot read its attribute '%s': %s",
                        (const char *)one.name.at, strerror((int)-n));
        one.value = arena_copy(arena, (bytes){buffer, (size_t)n});
        if (!one.value.at)
            return fail(why, ENOMEM, "out of memory");
        ret->attribute.at[kept++] = one;
    }
    ret->attribute.n = kept;
    return error;
}

static int read_names(const struct stat *st, struct arena *arena, struct entry_facts *ret,
                      struct why *why)
{
    struct passwd user, *found_user = NULL;
    struct group group, *found_group = NULL;
    char space[4096];
    if (getpwuid_r(st->st_uid, &user, space, sizeof space, &found_user) == 0 && found_user)
        ret->owner = arena_copy(arena, bytes_of(found_user->pw_name));
    if (getgrgid_r(st->st_gid, &group, space, sizeof space, &found_group) == 0 && found_group)
        ret->group = arena_copy(arena, bytes_of(found_group->gr_name));
    return (found_user && !ret->owner.at) || (found_group && !ret->group.at)
               ? fail(why, ENOMEM, "out of memory")
               : 0;
}

/* Where the file has data. After the first thousands of pieces the rest counts as data. */
static int read_extents(int fd, uint64_t size, struct arena *arena, struct entry_facts *ret,
                        struct why *why)
{
    uint64_t at = 0;
    while (at < size) {
        off_t start = lseek(fd, (off_t)at, SEEK_DATA), end;
        if (start < 0 && errno == ENXIO)
            return 0;
        if (start < 0)
            start = (off_t)at;
        end = ret->extent.n == ENTRY_EXTENTS - 1 ? -1 : lseek(fd, start, SEEK_HOLE);
        if (end <= start || (uint64_t)end > size)
            end = (off_t)size;
        if (end <= start)
            return 0;
        struct entry_extent *one = vec_push(arena, &ret->extent);
        if (!one)
            return fail(why, ENOMEM, "out of memory");
        *one = (struct entry_extent){(uint64_t)start, (uint64_t)(end - start)};
        at = (uint64_t)end;
    }
    return 0;
}

int attributes_ask(int fd, const struct stat *st, struct arena *arena, struct entry_facts *ret,
                   struct why *why)
{
    ret->size = (uint64_t)st->st_size;
    ret->device = st->st_dev;
    ret->inode = st->st_ino;
    ret->links = st->st_nlink;
    ret->mode = st->st_mode & 07777;
    ret->uid = st->st_uid;
    ret->gid = st->st_gid;
    ret->accessed = st->st_atim;
    ret->modified = st->st_mtim;
    ret->changed = st->st_ctim;
    return read_attributes(fd, arena, ret, why);
}

int attributes_read(int fd, const struct stat *st, struct arena *arena, struct entry_facts *ret,
                    struct why *why)
{
    int error = attributes_ask(fd, st, arena, ret, why);
    if (!error)
        error = read_names(st, arena, ret, why);
    return error ? error : read_extents(fd, ret->size, arena, ret, why);
}

/* --- write --- */

static const struct entry_attribute *find(const struct entry_facts *entry, bytes name)
{
    for (uint32_t i = 0; i < entry->attribute.n; i++)
        if (bytes_equal(entry->attribute.at[i].name, name))
            return &entry->attribute.at[i];
    return NULL;
}

/* What a new file got from its directory (a default access list) and the old one had not. */
static int drop_attributes(int fd, const struct entry_facts *entry, struct arena *arena,
                           struct why *why)
{
    struct entry_facts now = {0};
    int error = list_names(fd, arena, &now, why);
    for (uint32_t i = 0; !error && i < now.attribute.n; i++) {
        bytes name = now.attribute.at[i].name;
        /* Labels of the system's own policy stay. */
        if (find(entry, name) || bytes_equal(bytes_slice(name, 0, 9), bytes_of("security.")))
            continue;
        if (fremovexattr(fd, (const char *)name.at) < 0 && errno != ENODATA)
            error = fail(why, errno, "cannot remove the attribute '%s': %s",
                         (const char *)name.at, strerror(errno));
    }
    return error;
}

static int write_attributes(int fd, const struct entry_facts *entry, struct arena *arena,
                            struct why *why)
{
    uint8_t *buffer = entry->attribute.n ? arena_push_raw(arena, VALUE_MAX) : NULL;
    char name[256];
    if (entry->attribute.n && !buffer)
        return fail(why, ENOMEM, "out of memory");
    for (uint32_t i = 0; i < entry->attribute.n; i++) {
        const struct entry_attribute *one = &entry->attribute.at[i];
        memcpy(name, one->name.at, one->name.len);
        name[one->name.len] = 0;
        ssize_t n = read_value(fd, bytes_of(name), buffer);
        if (n >= 0 && bytes_equal((bytes){buffer, (size_t)n}, one->value))
            continue;
        if (fsetxattr(fd, name, one->value.len ? (const void *)one->value.at : "",
                      one->value.len, 0) < 0)
            return fail(why, errno, "cannot give it back its attribute '%s': %s", name,
                        strerror(errno));
    }
    return 0;
}

int attributes_write(int fd, const struct entry_facts *entry, struct arena *arena,
                     struct why *why)
{
    const struct timespec times[2] = {entry->accessed, entry->modified};
    struct stat st;
    /* A change of the owner takes away special modes and capabilities: it goes first. */
    bool owned = fstat(fd, &st) == 0 && st.st_uid == entry->uid && st.st_gid == entry->gid;
    if (!owned && fchown(fd, entry->uid, entry->gid) < 0)
        return fail(why, errno, "cannot give it back to user %u, group %u: %s", entry->uid,
                    entry->gid, strerror(errno));
    int error = drop_attributes(fd, entry, arena, why);
    if (!error)
        error = write_attributes(fd, entry, arena, why);
    if (error)
        return error;
    if (fchmod(fd, entry->mode) < 0)
        return fail(why, errno, "cannot give it back its mode: %s", strerror(errno));
    if (futimens(fd, times) < 0)
        return fail(why, errno, "cannot give it back its times: %s", strerror(errno));
    if (fstat(fd, &st) < 0)
        return fail(why, errno, "cannot look at it: %s", strerror(errno));
    if ((st.st_mode & 07777) != entry->mode || st.st_uid != entry->uid ||
        st.st_gid != entry->gid || (uint64_t)st.st_size != entry->size)
        return fail(why, EOPNOTSUPP, "this file system keeps no owners and modes");
    return 0;
}
