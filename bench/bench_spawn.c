/* What one worker costs to start: spawn, seal, its first answer, and its end. Prints medians.
 */
#include "sandbox/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 200 };

struct ready {
    int error;
    struct walls walls;
    struct why why;
};

static int run(void *context)
{
    const struct sandbox_profile *profile = context;
    static struct ready ready;
    ready.error = sandbox_seal(profile, &ready.walls, &ready.why);
    struct iovec part = {&ready, sizeof ready};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    sendmsg(SANDBOX_FIRST, &message, MSG_NOSIGNAL);
    char end;
    return (int)read(SANDBOX_FIRST, &end, 1);
}

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    static double start[ROUNDS], whole[ROUNDS];
    static struct ready ready;
    for (int i = 0; i < ROUNDS; i++) {
        int ends[2];
        struct sandbox_child child;
        struct why why = {0};
        struct sandbox_end end;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
            return 2;
        double from = now_us();
        if (sandbox_spawn(&profile_worker, run, (void *)(uintptr_t)&profile_worker, &ends[1], 1,
                          &child, &why)) {
            fprintf(stderr, "%s\n", why.text);
            return 2;
        }
        close(ends[1]);
        ssize_t n = read(ends[0], &ready, sizeof ready);
        start[i] = now_us() - from;
        close(ends[0]);
        sandbox_end(&child, &end);
        whole[i] = now_us() - from;
        if (n != (ssize_t)sizeof ready || ready.error) {
            fprintf(stderr, "not sealed: %s (signal %d)\n", ready.why.text, end.signal);
            return 2;
        }
    }
    qsort(start, ROUNDS, sizeof *start, compare);
    qsort(whole, ROUNDS, sizeof *whole, compare);
    for (int i = 0; i < WALL_COUNT; i++)
        printf("  %-20s %s%s%s\n", walls_name((enum wall)i),
               ready.walls.wall[i].stands ? "stands" : "REFUSED",
               *ready.walls.wall[i].why ? ": " : "", ready.walls.wall[i].why);
    printf("spawn and seal: %.0f us until sealed, %.0f us with its end (medians of %d)\n",
           start[ROUNDS / 2], whole[ROUNDS / 2], ROUNDS);
}
