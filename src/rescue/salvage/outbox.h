/* outbox — parts as files below one directory, under names that are safe.
 *
 * What names a part is hostile: `..`, absolute paths, control characters and backslashes are
 * taken out of it, components are cut to 200 bytes and paths to 24 components. Nothing is
 * followed through a symbolic link, nothing that is there is overwritten: a name that is taken
 * gets a number. */
#pragma once
#include "base/base.h"

enum { OUTBOX_PATH = 4096 };

struct outbox {
    int directory; /* where all of it goes; borrowed */
    int fd;        /* the part that is being written, -1: none */
    uint8_t *pending;
    size_t used;
    char path[OUTBOX_PATH]; /* of that part, below the directory */
    uint64_t size;
};

/* Begins a part. `folder` is a safe name of the caller's, below which the part goes. -errno. */
int outbox_begin(struct outbox *outbox, bytes folder, bytes name, struct why *why) MUST_USE;
int outbox_put(struct outbox *outbox, bytes data, struct why *why) MUST_USE;
/* Writes it out; what was begun and is empty is removed again (path is then empty). */
int outbox_end(struct outbox *outbox, struct why *why) MUST_USE;
/* Closes and removes a part that was not ended. */
void outbox_drop(struct outbox *outbox);
void outbox_free(struct outbox *outbox);
