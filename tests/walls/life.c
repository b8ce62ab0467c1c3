/* What a worker has to be able to do, done behind the walls: the C library asks the kernel for
 * things of its own accord, some only once and some only for large sizes. Each is done by a
 * worker of its own, after sealing and for the first time. */
#include "sandbox/sandbox.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int order(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static bool sorts(void)
{
    static int many[1 << 20];
    for (int i = 0; i < (int)COUNT(many); i++)
        many[i] = (int)((uint32_t)i * 7919u % 1000003u);
    qsort(many, 16, sizeof *many, order);
    qsort(many, 512, sizeof *many, order);
    qsort(many, COUNT(many), sizeof *many, order);
    return many[0] <= many[1];
}

static bool allocates(void)
{
    void *kept[64];
    for (size_t i = 0; i < COUNT(kept); i++) {
        kept[i] = malloc((size_t)1 << (i % 24));
        if (!kept[i])
            return false;
        memset(kept[i], 1, (size_t)1 << (i % 24));
    }
    void *grown = NULL;
    for (size_t size = 1024; size < (size_t)256 << 20; size *= 2) {
        void *more = realloc(grown, size);
        if (!more)
            return false;
        grown = more;
    }
    free(grown);
    for (size_t i = 0; i < COUNT(kept); i++)
        free(kept[i]);
    return true;
}

#ifndef SANDBOX_SANITIZED
static bool refuses_memory(void)
{
    /* Over the limit, memory is refused, and the worker lives to say so. */
    return malloc((size_t)8 << 30) == NULL && errno == ENOMEM;
}
#endif

static bool maps_and_gives_back(void)
{
    size_t size = (size_t)64 << 20;
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return false;
    memset(at, 1, size);
    return madvise(at, size, MADV_DONTNEED) == 0 && at[size - 1] == 0 &&
           mprotect(at, size, PROT_READ) == 0 && munmap(at, size) == 0;
}

static bool maps_the_handed_file(void)
{
    struct stat st;
    if (sandbox_stat(SANDBOX_FIRST + 1, &st) || st.st_size != 8192)
        return false;
    char *at = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, SANDBOX_FIRST + 1, 0), byte;
    return at != MAP_FAILED && at[0] == 'x' && madvise(at, 8192, MADV_SEQUENTIAL) == 0 &&
           pread(SANDBOX_FIRST + 1, &byte, 1, 8191) == 1 &&
           lseek(SANDBOX_FIRST + 1, 0, SEEK_END) == 8192 && close(SANDBOX_FIRST + 1) == 0;
}

static int once_count;

static void count_once(void)
{
    once_count++;
}

static bool does_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    return pthread_once(&once, count_once) == 0 && pthread_once(&once, count_once) == 0 &&
           once_count == 1;
}

static bool reads_clocks(void)
{
    struct timespec now;
    struct tm broken;
    time_t seconds = time(NULL);
    return clock_gettime(CLOCK_MONOTONIC, &now) == 0 &&
           clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0 && gmtime_r(&seconds, &broken) &&
           timegm(&broken) == seconds;
}

static bool writes_numbers(void)
{
    char text[8192];
    volatile double number = 1e300;
    int n = snprintf(text, sizeof text, "%.*f %5.3Lg %s", 3000, number, (long double)number,
                     strerror(ENOENT));
    char *end;
    return n > 300 && strtod("1.5e-3junk", &end) == 1.5e-3 && pow(number, 0.5) > 1e149;
}

static bool answers(void)
{
    char byte = 'x', back;
    struct iovec part = {&byte, 1}, into = {&back, 1};
    const struct msghdr out = {.msg_iov = &part, .msg_iovlen = 1};
    struct msghdr in = {.msg_iov = &into, .msg_iovlen = 1};
    return sendmsg(SANDBOX_FIRST, &out, MSG_NOSIGNAL) == 1 &&
           recvmsg(SANDBOX_FIRST, &in, 0) == 1 && back == 'y';
}

static const struct {
    const char *name;
    bool (*run)(void);
} deeds[] = {
    {"sorts", sorts},
    {"allocates", allocates},
#ifndef SANDBOX_SANITIZED
    {"is refused memory and lives", refuses_memory},
#endif
    {"maps memory and gives it back", maps_and_gives_back},
    {"maps and reads the handed file", maps_the_handed_file},
    {"does once", does_once},
    {"reads clocks", reads_clocks},
    {"writes numbers", writes_numbers},
    {"receives and answers", answers},
};

static int run(void *context)
{
    const size_t *deed = context;
    struct walls walls;
    if (sandbox_seal(&profile_worker, &walls, NULL))
        return 3;
    return deeds[*deed].run() ? 0 : 1;
}

static void try(size_t deed, int file)
{
    struct sandbox_child child;
    struct sandbox_end end;
    struct why why = {0};
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return;
    const int keep[] = {ends[1], file};
    if (sandbox_spawn(&profile_worker, run, &deed, keep, 2, &child, &why)) {
        tap_check(false, why.text, __FILE__, __LINE__);
        return;
    }
    if (write(ends[0], "y", 1) == 1) {
        struct pollfd pidfd = {.fd = child.pidfd, .events = POLLIN};
        poll(&pidfd, 1, 60000);
    }
    sandbox_end(&child, &end);
    close(ends[0]);
    close(ends[1]);
    if (!tap_check(!end.signal && !end.status, deeds[deed].name, __FILE__, __LINE__))
        printf("#   signal %d, status %d\n", end.signal, end.status);
}

int main(void)
{
    static char content[8192];
    memset(content, 'x', sizeof content);
    int file = memfd_create("handed", MFD_CLOEXEC);
    if (write(file, content, sizeof content) != sizeof content)
        return 2;
    for (size_t i = 0; i < COUNT(deeds); i++)
        try(i, file);
    return tap_done();
}
