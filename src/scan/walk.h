/* walk — finds the files below a path, without being led astray: symbolic links are not
 * followed, a directory that is its own ancestor is not entered again, file systems that only
 * show the kernel's state (/proc, /sys ...) are left out, and each of these is said. */
#pragma once
#include "base/base.h"

#include <stdatomic.h>
#include <sys/stat.h>

/* An open directory that outlives the walk of it as long as files in it wait. */
struct walk_directory {
    int fd;
    atomic_int refs;
};

/* Takes another reference. */
struct walk_directory *walk_directory_ref(struct walk_directory *directory);
/* Closes it with the last reference. NULL is fine. */
void walk_directory_unref(struct walk_directory *directory);

enum walk_skip {
    WALK_SPECIAL,  /* FIFO, socket, device */
    WALK_LINK,     /* symbolic link */
    WALK_PSEUDO,   /* file system of the kernel's own */
    WALK_LOOP,     /* a directory inside itself (bind mounts) */
    WALK_OTHER_FS, /* with one_file_system */
    WALK_EXCLUDED,
    WALK_TOO_DEEP,
    WALK_UNREADABLE, /* `error` says why */
    WALK_SKIPS,
};

/* Whether it lies on a file system whose files are made by the kernel as they are read. */
bool walk_is_pseudo(int fd);

/* Short text for a person: "not a regular file". */
const char *walk_skip_text(enum walk_skip reason);

struct walk_file {
    struct walk_directory *directory; /* NULL: `path` is relative to the working directory */
    bytes path;                       /* NUL-terminated */
    size_t name;                      /* offset of its last part in path: what to open */
    bool named;                       /* the user named it: follow a link, and say so if not */
};

/* Opens it to be read; *ret is what fstat says. A link is followed only where it was named, and
 * what is no regular file (a FIFO that took the file's place) does not hold us up: -EINVAL. The
 * descriptor, the caller's to close, or -errno. */
int walk_open(const struct walk_file *file, struct stat *ret) MUST_USE;
/* The same of its name alone: 0, or -errno. */
int walk_stat(const struct walk_file *file, struct stat *ret) MUST_USE;

struct walk_options {
    const char *const
        *excludes; /* globs: without a slash for names, with one for whole paths */
    int exclude_count;
    bool one_file_system;
    const volatile bool *stop; /* may be NULL */
    void *context;
    /* A regular file. False ends the walk. Views are borrowed for the call. */
    bool (*file)(void *context, const struct walk_file *file);
    void (*skip)(void *context, enum walk_skip reason, bytes path, int error);
};

/* Walks a file or directory. Files of a directory come before its subdirectories, both in order
 * of their bytes. */
void walk_path(const struct walk_options *options, const char *path);

/* The same a little at a time. The options are borrowed. NULL: memory is out, which is said. */
struct walk *walk_new(const struct walk_options *options, const char *path);
/* Visits one more entry. False at the end. */
bool walk_step(struct walk *walk);
/* NULL is fine. */
void walk_free(struct walk *walk);
