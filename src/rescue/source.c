#include "rescue/source.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_NS = 1000000 };

struct source source_of_file(int fd, uint64_t size, bytes name)
{
    return (struct source){.size = size, .name = name, .fd = fd};
}

struct source source_of_bytes(bytes memory, bytes name)
{
    return (struct source){.size = memory.len, .name = name, .fd = -1, .memory = memory};
}

/* Until the file is `end` bytes long. A sealed process may sleep in no other way: on a word
 * that nobody changes. */
static int wait_for(const struct source_watch *watch, uint64_t end, struct why *why)
{
    static const struct timespec moment = {0, WAIT_NS};
    static const uint32_t word = 0;
    while (*watch->limit < end) {
        if (*watch->stop)
            return fail(why, ECANCELED, "it was stopped");
        int did = watch->meanwhile ? watch->meanwhile(watch->context, why) : 0;
        if (did < 0)
            return did;
        if (did) {
            ++*watch->alive;
            continue;
        }
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &moment, NULL, 0);
        ++*watch->alive;
    }
    ++*watch->alive;
    return 0;
}

static int read_file(const struct source *source, uint64_t at, uint8_t *ret, size_t len,
                     struct why *why)
{
    while (len) {
        ssize_t got = pread(source->fd, ret, len, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(why, errno, "read at %llu: %s", (unsigned long long)at,
                        strerror(errno));
        if (!got)
            return fail(why, ENODATA, "the file became shorter while it was read");
        ret += got;
        at += (uint64_t)got;
        len -= (size_t)got;
    }
    return 0;
}

static int check_range(const struct source *source, uint64_t at, size_t len, struct why *why)
{
    return at <= source->size && len <= source->size - at
               ? 0
               : fail(why, ENODATA, "%zu bytes at %llu are not in a file of %llu", len,
                      (unsigned long long)at, (unsigned long long)source->size);
}

int source_read(const struct source *source, uint64_t at, void *ret, size_t len,
                struct why *why)
{
    int error = check_range(source, at, len, why);
    if (error)
        return error;
    if (source->fd >= 0 && source->watch)
        error = wait_for(source->watch, at + len, why);
    if (source->fd >= 0)
        return error ? error : read_file(source, at, ret, len, why);
    if (len)
        memcpy(ret, source->memory.at + at, len);
    return 0;
}

int source_tail(const struct source *source, void *ret, size_t len, struct why *why)
{
    return source_read(source, source->size >= len ? source->size - len : UINT64_MAX, ret, len,
                       why);
}

uint64_t source_mark(const struct source *source)
{
    uint8_t end[512];
    size_t len = source->size < sizeof end ? (size_t)source->size : sizeof end;
    if (source_tail(source, end, len, NULL))
        len = 0;
    uint64_t mark = hash64((bytes){end, len}, source->size);
    return mark ? mark : 1;
}

int source_take(const struct source *source, uint64_t at, size_t len, struct arena *arena,
                bytes *ret, struct why *why)
{
    int error = check_range(source, at, len, why);
    uint8_t *copy = error ? NULL : arena_push_raw(arena, len);
    if (!error && !copy)
        error = fail(why, ENOMEM, "no memory for %zu bytes of the file", len);
    if (!error)
        error = source_read(source, at, copy, len, why);
    if (!error)
        *ret = (bytes){copy, len};
    return error;
}
