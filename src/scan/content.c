#include "scan/content.h"

#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Up to here reading is faster than mapping, and the copy stays in the cache. */
#define READ_MAX ((size_t)256 << 10)

struct mapping {
    uint8_t *at;
    size_t size;
};

static _Thread_local struct content *volatile guarded;
static _Thread_local struct mapping kept[CONTENT_KEPT];

/* Puts zeros where `at` is and behind it. False: it is not in the mapping. */
static bool mend(const struct mapping *mapping, uintptr_t at)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)mapping->at;
    uintptr_t start = at & ~(page - 1), end = from + mapping->size;
    return from && at >= from && at < end &&
           mmap((void *)start, ((end + page - 1) & ~(page - 1)) - start, PROT_READ,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/* A page of a mapping went away under us: puts a page of zeros there and goes on. */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
    (void)context;
    struct content *content = guarded;
    uintptr_t at = (uintptr_t)info->si_addr;
    if (content && mend(&(struct mapping){content->map, content->map_size}, at)) {
        content->shrunk = true;
        return;
    }
    for (size_t i = 0; i < CONTENT_KEPT; i++) {
        if (!mend(&kept[i], at))
            continue;
        if (content && content->data.at == kept[i].at)
            content->shrunk = true;
        return;
    }
    signal(number, SIG_DFL);
}

void content_guard(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}

static bool make_room(struct content *content, size_t size)
{
    if (size <= content->room)
        return true;
    size_t room = content->room ? content->room : 64 * 1024;
    while (room < size)
        room *= 2;
    uint8_t *buffer = realloc(content->buffer, room);
    if (!buffer)
        return false;
    content->buffer = buffer;
    content->room = room;
    return true;
}

/* Reads up to `size` bytes, or, where the size is not known (0, as in /proc), up to the end. */
static int read_content(struct content *content, int fd, size_t size, uint64_t max)
{
    size_t len = 0;
    if (!make_room(content, size ? size : READ_MAX / 16))
        return -ENOMEM;
    for (;;) {
        size_t want = (size ? size : content->room) - len;
        /* By place: another worker, from which the file was taken back, may still read it. */
        ssize_t n = want ? pread(fd, content->buffer + len, want, (off_t)len) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        len += (size_t)n;
        if (size ? n == 0 || len == size : n == 0 && want)
            break;
        if (!size && max && len > max)
            return -EFBIG;
        if (!size && len == content->room && !make_room(content, content->room * 2))
            return -ENOMEM;
    }
    content->shrunk = len < size;
    content->data = (bytes){content->buffer, len};
    return 0;
}

static int map_content(struct content *content, int fd, size_t size)
{
    void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    madvise(map, size, MADV_SEQUENTIAL);
    content->map = map;
    content->map_size = size;
    content->data = (bytes){map, size};
    guarded = content;
    return 0;
}

int content_take(struct content *content, int fd, uint64_t max)
{
    content->shrunk = false;
    content->map = NULL;
    content->data = (bytes){NULL, 0};
    int error = sandbox_stat(fd, &content->st);
    if (error)
        return error;
    if (!S_ISREG(content->st.st_mode))
        return -EINVAL;
    uint64_t size = (uint64_t)content->st.st_size;
    if (max && size > max)
        return -EFBIG;
    if (size > READ_MAX && !content->copies && map_content(content, fd, size) == 0)
        return 0;
    return read_content(content, fd, size, max);
}

int content_open(struct content *content, int directory, const char *name, bool follow,
                 uint64_t max)
{
    /* O_NONBLOCK: a FIFO that took the file's place must not hold us up. */
    int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW);
    int fd = openat(directory, name, flags);
    if (fd < 0)
        return -errno;
    int error = content_take(content, fd, max);
    close(fd);
    return error;
}

void content_release(struct content *content)
{
    guarded = NULL;
    if (content->map)
        munmap(content->map, content->map_size);
    content->map = NULL;
    content->data = (bytes){NULL, 0};
}

int content_keep(struct content *content)
{
    for (int i = 0; content->map && i < CONTENT_KEPT; i++) {
        if (kept[i].at)
            continue;
        kept[i] = (struct mapping){content->map, content->map_size};
        content->map = NULL;
        return i;
    }
    return -1;
}

void content_forget(int number)
{
    if (number < 0)
        return;
    const struct mapping mapping = kept[number];
    kept[number] = (struct mapping){NULL, 0};
    munmap(mapping.at, mapping.size);
}

void content_free(struct content *content)
{
    content_release(content);
    free(content->buffer);
    *content = (struct content){0};
}
