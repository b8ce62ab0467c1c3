/* content — the bytes of one file, for one thread, whatever happens to the file meanwhile.
 *
 * Small files are read into a buffer that is reused; large ones are mapped. When a mapped file
 * is cut while it is examined, what is missing reads as zero and `shrunk` is set: no signal
 * ends the program (content_guard). A mapping may outlast its content. */
#pragma once
#include "base/base.h"

#include <sys/stat.h>

struct content {
    bytes data;
    struct stat st;
    volatile bool shrunk; /* it became shorter while it was read */
    bool copies;          /* set by the owner: read large files too, map none */
    /* Private. */
    uint8_t *buffer;
    size_t room;
    uint8_t *map;
    size_t map_size;
};

/* Once per program: catches SIGBUS of mapped contents. Other causes end the program as ever. */
void content_guard(void);

/* Opens `name` below the directory fd (AT_FDCWD for the working directory) and takes its
 * bytes. `follow`: a symbolic link too. -EINVAL: not a regular file; -EFBIG: larger than max
 * (0: any size); else -errno. After success, content_release before the next. */
int content_open(struct content *content, int directory, const char *name, bool follow,
                 uint64_t max) MUST_USE;
/* The same for a file that is open already, and stays open. */
int content_take(struct content *content, int fd, uint64_t max) MUST_USE;
void content_release(struct content *content);

enum { CONTENT_KEPT = 32 };

/* Keeps a content's mapping where it is when the content is released: its number below
 * CONTENT_KEPT, or -1 where it has none, or the thread keeps that many. */
int content_keep(struct content *content);
/* Gives it back; -1 is fine. */
void content_forget(int number);
/* Gives the buffer back at the end. */
void content_free(struct content *content);
