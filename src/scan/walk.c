#include "scan/walk.h"

#include "scan/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { DEPTH_MAX = 2000, LIST_SIZE = 64 * 1024 };

struct entry {
    size_t name; /* offset in names */
    uint8_t type;
};

/* One directory being walked; they chain up to the root for the search for loops. */
struct level {
    struct level *parent;
    struct walk_directory *directory;
    dev_t device;
    ino_t inode;
    struct text names;
    struct entry *entries;
    size_t count, room, next; /* next: the first not yet visited */
    size_t path;              /* length of its path with a slash at the end */
    int depth;
};

struct walk {
    const struct walk_options *options;
    struct level *top; /* the directory that is being walked, NULL at the end */
    struct text path;
    dev_t device; /* of the root */
    bool ended;
    _Alignas(struct dirent64) char list[LIST_SIZE]; /* of getdents64, for one directory */
};

const char *walk_skip_text(enum walk_skip reason)
{
    static const char *const texts[WALK_SKIPS] = {
        [WALK_SPECIAL] = "not a regular file",
        [WALK_LINK] = "a symbolic link",
        [WALK_PSEUDO] = "a file system of the kernel's own",
        [WALK_LOOP] = "a directory inside itself",
        [WALK_OTHER_FS] = "on another file system",
        [WALK_EXCLUDED] = "excluded",
        [WALK_TOO_DEEP] = "too deep",
        [WALK_UNREADABLE] = "cannot be read",
    };
    return texts[reason];
}

struct walk_directory *walk_directory_ref(struct walk_directory *directory)
{
    if (directory)
        atomic_fetch_add_explicit(&directory->refs, 1, memory_order_relaxed);
    return directory;
}

void walk_directory_unref(struct walk_directory *directory)
{
    if (directory &&
        atomic_fetch_sub_explicit(&directory->refs, 1, memory_order_acq_rel) == 1) {
        close(directory->fd);
        free(directory);
    }
}

static bool stopped(const struct walk *walk)
{
    return walk->ended || (walk->options->stop && *walk->options->stop);
}

static bytes path_view(struct walk *walk)
{
    text_byte(&walk->path, 0);
    if (walk->path.failed)
        return bytes_of("");
    walk->path.len--;
    return (bytes){(const uint8_t *)walk->path.at, walk->path.len};
}

static void skip(struct walk *walk, enum walk_skip reason, int error)
{
    walk->options->skip(walk->options->context, reason, path_view(walk), error);
}

static bool excluded(struct walk *walk, size_t name)
{
    const char *path = (const char *)path_view(walk).at;
    for (int i = 0; i < walk->options->exclude_count; i++) {
        const char *glob = walk->options->excludes[i];
        if (fnmatch(glob, strchr(glob, '/') ? path : path + name, 0) == 0)
            return true;
    }
    return false;
}

bool walk_is_pseudo(int fd)
{
    static const uint32_t magics[] = {
        PROC_SUPER_MAGIC,
        SYSFS_MAGIC,
        DEBUGFS_MAGIC,
        TRACEFS_MAGIC,
        SECURITYFS_MAGIC,
        SELINUX_MAGIC,
        CGROUP_SUPER_MAGIC,
        CGROUP2_SUPER_MAGIC,
        BPF_FS_MAGIC,
        PSTOREFS_MAGIC,
        DEVPTS_SUPER_MAGIC,
        EFIVARFS_MAGIC,
        BINFMTFS_MAGIC,
        SMACK_MAGIC,
        NSFS_MAGIC,
        0x62656570 /* configfs */,
        0x19800202 /* mqueue */,
        0x65735543 /* fusectl */,
        0x67596969 /* rpc_pipefs */,
    };
    struct statfs st;
    if (fstatfs(fd, &st) < 0)
        return false;
    for (size_t i = 0; i < COUNT(magics); i++)
        if ((uint32_t)st.f_type == magics[i])
            return true;
    return false;
}

static bool add_entry(struct level *level, const char *name, uint8_t type)
{
    if (level->count == level->room) {
        size_t room = level->room ? level->room * 2 : 64;
        struct entry *entries = realloc(level->entries, room * sizeof *entries);
        if (!entries)
            return false;
        level->entries = entries;
        level->room = room;
    }
    level->entries[level->count++] = (struct entry){level->names.len, type};
    text_add(&level->names, name, strlen(name) + 1);
    return !level->names.failed;
}

static int order_entries(const void *a, const void *b, void *names)
{
    const struct entry *x = a, *y = b;
    if ((x->type == DT_DIR) != (y->type == DT_DIR))
        return x->type == DT_DIR ? 1 : -1;
    return strcmp((const char *)names + x->name, (const char *)names + y->name);
}

static uint8_t type_of(mode_t mode)
{
    return S_ISREG(mode) ? DT_REG : S_ISDIR(mode) ? DT_DIR : S_ISLNK(mode) ? DT_LNK : DT_CHR;
}

/* Lists the directory into the level, sorted. -errno when it cannot be read to its end. */
static int read_level(struct walk *walk, struct level *level)
{
    for (;;) {
        ssize_t n = getdents64(level->directory->fd, walk->list, sizeof walk->list);
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *d = (const void *)(walk->list + at);
            at += d->d_reclen;
            if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
                continue;
            uint8_t type = d->d_type;
            struct stat st;
            if (type == DT_UNKNOWN &&
                fstatat(level->directory->fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                type = type_of(st.st_mode);
            if (!add_entry(level, d->d_name, type))
                return -ENOMEM;
        }
    }
    if (level->count)
        qsort_r(level->entries, level->count, sizeof *level->entries, order_entries,
                level->names.at);
    return 0;
}

static void enter(struct walk *walk, int fd);

static void visit_directory(struct walk *walk, const struct level *level, const char *name)
{
    int fd = openat(level->directory->fd, name,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME);
    if (fd < 0 && errno == EPERM)
        fd =
            openat(level->directory->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        skip(walk, WALK_UNREADABLE, errno);
        return;
    }
    if (level->depth >= DEPTH_MAX) {
        close(fd);
        skip(walk, WALK_TOO_DEEP, 0);
        return;
    }
    enter(walk, fd);
}

static void visit_entry(struct walk *walk, const struct level *level, const struct entry *entry)
{
    const char *name = level->names.at + entry->name;
    walk->path.len = level->path;
    text_word(&walk->path, name);
    if (walk->path.failed)
        walk->ended = true;
    else if (excluded(walk, level->path))
        skip(walk, WALK_EXCLUDED, 0);
    else if (entry->type == DT_DIR)
        visit_directory(walk, level, name);
    else if (entry->type == DT_LNK)
        skip(walk, WALK_LINK, 0);
    else if (entry->type != DT_REG && entry->type != DT_UNKNOWN)
        skip(walk, WALK_SPECIAL, 0);
    else if (!walk->options->file(walk->options->context,
                                  &(struct walk_file){.directory = level->directory,
                                                      .path = path_view(walk),
                                                      .name = level->path}))
        walk->ended = true;
}

/* Whether the directory may be entered; says so when not. */
static bool may_enter(struct walk *walk, const struct level *parent, int fd,
                      const struct stat *st)
{
    for (const struct level *l = parent; l; l = l->parent)
        if (l->inode == st->st_ino && l->device == st->st_dev) {
            skip(walk, WALK_LOOP, 0);
            return false;
        }
    if ((!parent || parent->device != st->st_dev) && walk_is_pseudo(fd)) {
        skip(walk, WALK_PSEUDO, 0);
        return false;
    }
    if (parent && walk->options->one_file_system && st->st_dev != walk->device) {
        skip(walk, WALK_OTHER_FS, 0);
        return false;
    }
    return true;
}

static struct level *level_new(struct level *parent, int fd, const struct stat *st)
{
    struct level *level = calloc(1, sizeof *level);
    struct walk_directory *directory = malloc(sizeof *directory);
    if (!level || !directory) {
        free(level);
        free(directory);
        return NULL;
    }
    directory->fd = fd;
    atomic_init(&directory->refs, 1);
    *level = (struct level){.parent = parent,
                            .directory = directory,
                            .device = st->st_dev,
                            .inode = st->st_ino,
                            .depth = parent ? parent->depth + 1 : 0};
    return level;
}

static struct level *level_free(struct level *level)
{
    struct level *parent = level->parent;
    walk_directory_unref(level->directory);
    text_free(&level->names);
    free(level->entries);
    free(level);
    return parent;
}

/* Takes over fd, an open directory whose path is in walk->path: it is walked next. */
static void enter(struct walk *walk, int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !may_enter(walk, walk->top, fd, &st)) {
        close(fd);
        return;
    }
    struct level *level = level_new(walk->top, fd, &st);
    if (!level) {
        close(fd);
        skip(walk, WALK_UNREADABLE, ENOMEM);
        return;
    }
    if (!walk->top)
        walk->device = st.st_dev;
    int error = read_level(walk, level);
    if (error)
        skip(walk, WALK_UNREADABLE, -error);
    if (walk->path.len && walk->path.at[walk->path.len - 1] != '/')
        text_byte(&walk->path, '/');
    level->path = walk->path.len;
    walk->top = level;
}

bool walk_step(struct walk *walk)
{
    struct level *level = walk->top;
    if (!level || stopped(walk))
        return false;
    if (level->next == level->count)
        walk->top = level_free(level);
    else
        visit_entry(walk, level, &level->entries[level->next++]);
    return true;
}

struct walk *walk_new(const struct walk_options *options, const char *path)
{
    struct walk *walk = calloc(1, sizeof *walk);
    struct stat st;
    if (!walk) {
        options->skip(options->context, WALK_UNREADABLE, bytes_of(path), ENOMEM);
        return NULL;
    }
    walk->options = options;
    text_word(&walk->path, path);
    int fd = -1;
    if (stat(path, &st) < 0 ||
        (S_ISDIR(st.st_mode) && (fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)) {
        skip(walk, WALK_UNREADABLE, errno);
    } else if (fd >= 0) {
        enter(walk, fd);
    } else if (!S_ISREG(st.st_mode)) {
        skip(walk, WALK_SPECIAL, 0);
    } else {
        options->file(options->context,
                      &(struct walk_file){.path = path_view(walk), .named = true});
    }
    return walk;
}

void walk_free(struct walk *walk)
{
    if (!walk)
        return;
    while (walk->top)
        walk->top = level_free(walk->top);
    text_free(&walk->path);
    free(walk);
}

void walk_path(const struct walk_options *options, const char *path)
{
    struct walk *walk = walk_new(options, path);
    while (walk && walk_step(walk))
        ;
    walk_free(walk);
}

static int place_of(const struct walk_file *file, const char **ret_name)
{
    *ret_name = (const char *)file->path.at + (file->directory ? file->name : 0);
    return file->directory ? file->directory->fd : AT_FDCWD;
}

int walk_open(const struct walk_file *file, struct stat *ret)
{
    const char *name;
    int at = place_of(file, &name), flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = openat(at, name, flags | (file->named ? 0 : O_NOFOLLOW));
    if (fd < 0)
        return -errno;
    int error = fstat(fd, ret) < 0 ? -errno : S_ISREG(ret->st_mode) ? 0 : -EINVAL;
    if (!error)
        return fd;
    close(fd);
    return error;
}

int walk_stat(const struct walk_file *file, struct stat *ret)
{
    const char *name;
    int at = place_of(file, &name);
    if (fstatat(at, name, ret, file->named ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return S_ISREG(ret->st_mode) ? 0 : -EINVAL;
}
