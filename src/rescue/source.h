/* source — the bytes of one file under rescue, read where they are wanted.
 *
 * Files may be larger than memory: nobody reads them whole. In a worker a source is the
 * descriptor that it was handed; in tests it may be bytes. */
#pragma once
#include "base/arena.h"

/* What reading is tied to where a file is still written, and whoever watches the reader. */
struct source_watch {
    const volatile uint64_t *limit; /* so many bytes are there: further ones are waited for */
    const volatile bool *stop;      /* ends the waiting: -ECANCELED */
    volatile uint64_t *alive;       /* counted up while it reads or waits */
    /* What can be done instead of waiting: 1 something was, 0 there is nothing, or -E..., which
     * ends the reading. NULL: nothing ever. */
    int (*meanwhile)(void *context, struct why *why);
    void *context;
};

/* What many ask of a file, found out once. */
struct source_memo {
    enum { SOURCE_UNASKED, SOURCE_NO, SOURCE_YES } unmarked; /* compose_unmarked */
};

struct source {
    uint64_t size;
    bytes name;   /* its file name without folders, as found (hostile); may be empty */
    int fd;       /* -1: it is `memory` */
    bytes memory; /* borrowed */
    const struct source_watch *watch; /* of a file; NULL: none */
    struct source_memo *memo;         /* NULL: everybody finds out */
};

struct source source_of_file(int fd, uint64_t size, bytes name);
struct source source_of_bytes(bytes memory, bytes name);
/* The `len` bytes at `at`. -ENODATA when they are not all inside (any values are safe), -EIO
 * and the like when the file cannot be read, with the reason. */
int source_read(const struct source *source, uint64_t at, void *ret, size_t len,
                struct why *why) MUST_USE;
/* The last `len` bytes: as source_read(size - len). */
int source_tail(const struct source *source, void *ret, size_t len, struct why *why) MUST_USE;
/* By which a file is known again: of its size and its last bytes, where families put what is
 * different in each. Never 0; of a file that cannot be read, of its size alone. */
uint64_t source_mark(const struct source *source);
/* `len` bytes at `at` into the arena; ret->at is NULL on error. -ENOMEM too. */
int source_take(const struct source *source, uint64_t at, size_t len, struct arena *arena,
                bytes *ret, struct why *why) MUST_USE;
