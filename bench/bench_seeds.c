/* How long the search for a key takes: bench_seeds FILE FAMILY [THREADS [FROM TO]]. Prints what
 * was found, and seeds a second. */
#include "base/arena.h"
#include "rescue/seed/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

struct count {
    uint64_t tried;
};

static void progress(void *context, uint64_t tried, uint64_t all)
{
    (void)all;
    ((struct count *)context)->tried = tried;
}

int main(int argc, char **argv)
{
    struct stat status;
    int fd = argc > 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    const struct format *format = argc > 2 ? format_find(argv[2]) : NULL;
    if (fd < 0 || fstat(fd, &status) || !format || !seed_has(format)) {
        fprintf(stderr, "usage: bench_seeds FILE FAMILY [THREADS [FROM TO]]\n");
        return 2;
    }
    struct source source = source_of_file(fd, (uint64_t)status.st_size, bytes_of(argv[1]));
    struct count count = {0};
    struct seed_case what = {
        .source = &source,
        .format = format,
        .changed = status.st_mtime,
        .threads = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1,
        .from = argc > 5 ? strtoull(argv[4], NULL, 10) : 0,
        .to = argc > 5 ? strtoull(argv[5], NULL, 10) : 0,
        .progress = progress,
        .context = &count,
    };
    struct arena *arena = arena_new(64 << 20);
    struct key key = {0};
    struct why why = {""};
    double start = now();
    int error = seed_find(&what, arena, &key, &why);
    double took = now() - start;
    if (error)
        printf("%s\n", why.text);
    else
        printf("found: %.*s\n", (int)key.origin.len, (const char *)key.origin.at);
    printf("%.1f s, %.2f million a second, %u threads\n", took,
           (double)count.tried / took * 1e-6, what.threads);
    arena_free(arena);
    close(fd);
    return error && error != -ENOENT;
}
