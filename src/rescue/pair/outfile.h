/* outfile — a file that comes back: written under another name, synced, and only then given its
 * own. Nothing that is there is replaced: a name that is taken gets a number. What is left by a
 * kill begins with ".candor-". */
#pragma once
#include "base/base.h"

struct stat;

enum { OUTFILE_PATH = 4096 };

struct outfile {
    int fd, folder;
    char temporary[64], name[256];
    char path[OUTFILE_PATH]; /* where it is, or will be */
};

/* Begins a file `path` (relative, without ".." and ".": -EINVAL) below the directory `root`
 * whose name for people is `root_name`; folders are made. */
int outfile_begin(struct outfile *file, int root, const char *root_name, const char *path,
                  struct why *why) MUST_USE;
int outfile_write(struct outfile *file, bytes part, struct why *why) MUST_USE;
/* Mode, owner (where allowed) and times as those of `like`, which may be NULL; then synced and
 * named. The file is closed, whatever comes of it. */
int outfile_end(struct outfile *file, const struct stat *like, struct why *why) MUST_USE;
/* Takes back what was begun and not ended. */
void outfile_drop(struct outfile *file);
