/* How long the search for a key takes.
 *
 * usage: bench_seeds FILE FAMILY [THREADS [FROM TO [scalar|avx2|avx512]]]
 *        bench_seeds --check MILLIONS
 *
 * The first prints what was found, and seeds a second. The second compares the keys of
 * Prometheus that blocks of seeds give with those made one by one, at places all over the 2^31.
 */
#include "base/arena.h"
#include "base/cpu.h"
#include "rescue/formats/families.h"
#include "rescue/seed/lookout.h"
#include "rescue/seed/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

typedef void making(const struct lookout *, struct lookout_table *, struct lookout_keys *);

/* Keys of `count` seeds, as far apart as they go. */
static unsigned compare(making *make, uint32_t lanes, uint64_t count, const char *name)
{
    static struct lookout lookout;
    static struct lookout_table table;
    static struct lookout_keys keys;
    uint64_t runs = count / (LOOKOUT_BLOCKS * lanes) + 2, wrong = 0, slow = 0, tried = 0;
    uint64_t last = HUNT_DOTNET - (uint64_t)LOOKOUT_BLOCKS * lanes;
    lookout_make(&lookout);
    for (uint64_t run = 0; run < runs; run++) {
        uint32_t from = (uint32_t)(last * run / (runs - 1));
        lookout_table_make(&lookout, from, lanes, &table);
        for (uint32_t block = 0; block < LOOKOUT_BLOCKS; block++) {
            make(&lookout, &table, &keys);
            for (uint32_t n = 0; n < lanes; n++, tried++) {
                uint8_t key[LOOKOUT_KEY];
                if (keys.slow[n]) {
                    slow++;
                    continue;
                }
                prometheus_key(from + block * lanes + n, key);
                for (uint32_t w = 0; w < LOOKOUT_KEY / 4; w++)
                    wrong += load_le32(key + 4 * (size_t)w) != keys.word[w][n];
            }
        }
    }
    printf("%-7s %llu seeds: %llu words wrong, %llu seeds go the slow way\n", name,
           (unsigned long long)tried, (unsigned long long)wrong, (unsigned long long)slow);
    return wrong != 0;
}

static int check(uint64_t count)
{
    unsigned wrong = 0;
#if defined(__x86_64__)
    if (cpu_level() >= CPU_AVX2)
        wrong += compare(lookout_avx2_keys, 32, count, "AVX2");
    if (cpu_level() >= CPU_AVX512)
        wrong += compare(lookout_avx512_keys, 64, count, "AVX-512");
#endif
    return wrong != 0;
}

static void level_of(const char *name)
{
    if (!strcmp(name, "scalar"))
        cpu_force(CPU_SCALAR);
    if (!strcmp(name, "avx2"))
        cpu_force(CPU_AVX2);
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "--check"))
        return check(strtoull(argv[2], NULL, 10) * 1000000);
    struct stat status;
    int fd = argc > 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    const struct format *format = argc > 2 ? format_find(argv[2]) : NULL;
    if (fd < 0 || fstat(fd, &status) || !format || !seed_has(format)) {
        fprintf(stderr, "usage: bench_seeds FILE FAMILY [THREADS [FROM TO [LEVEL]]]\n");
        return 2;
    }
    level_of(argc > 6 ? argv[6] : "");
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
