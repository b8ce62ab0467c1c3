/* bench_hashes — what millions of hash signatures cost: to read, to seal, to keep, to ask.
 *
 * usage: bench_hashes DATABASE...        (.hdb .hsb .mdb ...: see bench/hashes)
 *
 * Prints CPU times, bytes for each signature, and nanoseconds for each lookup of digests that
 * are there and of digests that are not, in an order without locality. Then MD5 in lanes. */
#include "base/cpu.h"
#include "clamav/clamav.h"
#include "match/hash/md5_lanes.h"
#include "match/hashes.h"
#include "shim/digest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOOKUPS = 1 << 20, STREAMS = 64, STREAM = 200000 };

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static bytes map(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0) {
        perror(path);
        exit(2);
    }
    void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    close(fd);
    if (at == MAP_FAILED)
        exit(2);
    return (bytes){at, (size_t)st.st_size};
}

static bytes build(int count, char **paths, struct arena *arena, struct arena *out)
{
    const struct clamav_options options = {0};
    struct clamav *clamav = clamav_new(draft_new(arena), &options);
    bytes table = {0};
    struct why why;
    double start = cpu_seconds(), reading = 0;
    size_t text = 0;
    for (int i = 0; i < count; i++) {
        bytes file = map(paths[i]);
        const char *slash = strrchr(paths[i], '/');
        double before = cpu_seconds();
        if (clamav_read(clamav, bytes_of(slash ? slash + 1 : paths[i]), file, true, &why) < 0)
            exit(2);
        reading += cpu_seconds() - before;
        text += file.len;
        munmap((void *)(uintptr_t)file.at, file.len);
    }
    if (!clamav->draft->hashes)
        exit(2);
    uint32_t n = hashes_count(clamav->draft->hashes);
    double before = cpu_seconds();
    if (hashes_seal(clamav->draft->hashes, out, &table, &why) < 0)
        exit(2);
    double sealing = cpu_seconds() - before;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("%u signatures, %.0f MB of text\n", n, (double)text / 1e6);
    printf("reading   %6.2f s of CPU, %.1f million lines a second\n", reading,
           n / reading / 1e6);
    printf("sealing   %6.2f s of CPU; in all %.2f s with the reading of files\n", sealing,
           cpu_seconds() - start);
    printf("table     %6.1f MB, %.2f bytes a signature with its name and line\n",
           (double)table.len / 1e6, (double)table.len / n);
    printf("memory    %6.0f MB at the most while it was built\n", (double)used.ru_maxrss / 1e3);
    clamav_free(clamav);
    return table;
}

/* The table's own digests would be too easy to have in the caches: a list of random ones, and
 * of ones out of the text of the first file. */
static void look_up(const struct hashes *hashes, const char *path)
{
    bytes file = map(path), line;
    uint8_t(*values)[16] = malloc((size_t)LOOKUPS * 16);
    uint32_t n = 0, hits = 0, found[4], count;
    while (values && n < LOOKUPS && bytes_cut(&file, '\n', &line)) {
        bytes first;
        if (bytes_cut(&line, ':', &first) && first.len == 32) {
            for (size_t i = 0; i < 16; i++)
                values[n][i] =
                    (uint8_t)(ascii_hex(first.at[2 * i]) << 4 | ascii_hex(first.at[2 * i + 1]));
            n++;
        }
    }
    if (!n)
        return;
    double before = cpu_seconds();
    for (uint32_t i = 0; i < n; i++)
        if (hashes_find(hashes, HASH_FILE, HASH_MD5, 0, values[(i * 7919ull) % n], found, 4,
                        &count) == 0)
            hits += count;
    printf("lookup    %6.0f ns of a digest that is there (%u, of another size)\n",
           (cpu_seconds() - before) / n * 1e9, n);
    for (uint32_t i = 0; i < n; i++)
        for (int k = 0; k < 16; k++)
            values[i][k] = (uint8_t)(values[i][k] * 167 + i + (uint32_t)k);
    before = cpu_seconds();
    for (uint32_t i = 0; i < n; i++)
        if (hashes_find(hashes, HASH_FILE, HASH_MD5, 0, values[i], found, 4, &count) == 0)
            hits += count;
    printf("lookup    %6.0f ns of one that is not (%u hits)\n",
           (cpu_seconds() - before) / n * 1e9, hits);
    uint32_t wanted = 0;
    before = cpu_seconds();
    for (uint32_t i = 0; i < LOOKUPS; i++)
        wanted += hashes_wants(hashes, HASH_FILE, HASH_MD5, i * 2654435761ull % 4000000);
    printf("gate      %6.1f ns; %.1f %% of the sizes below 4 MB have signatures\n",
           (cpu_seconds() - before) / LOOKUPS * 1e9, 100.0 * wanted / LOOKUPS);
    free(values);
}

static void lanes(void)
{
    static const char *const names[] = {"scalar", "AVX2", "AVX-512"};
    uint8_t *data = calloc(STREAMS, STREAM);
    struct md5_job jobs[STREAMS];
    uint8_t digest[DIGEST_MAX];
    double before = cpu_seconds(), size = (double)STREAMS * STREAM / 1e6;
    for (int i = 0; data && i < STREAMS; i++) {
        jobs[i].data = (bytes){data + (size_t)i * STREAM, STREAM};
        digest_parts(DIGEST_MD5, &jobs[i].data, 1, digest);
    }
    printf("MD5       %6.0f MB/s by libcrypto\n", size / (cpu_seconds() - before));
    for (int level = CPU_AVX512; data && level >= CPU_SCALAR; level--) {
        cpu_force((enum cpu_level)level);
        if ((int)cpu_level() != level)
            continue;
        before = cpu_seconds();
        md5_lanes(jobs, STREAMS);
        printf("MD5       %6.0f MB/s in lanes, %s\n", size / (cpu_seconds() - before),
               names[level]);
    }
    free(data);
}

int main(int argc, char **argv)
{
    struct arena *arena = arena_new((size_t)4 << 30), *out = arena_new((size_t)2 << 30);
    struct hashes hashes;
    struct why why = {""};
    if (argc < 2 || !arena || !out) {
        fprintf(stderr, "usage: bench_hashes DATABASE...\n");
        return 2;
    }
    bytes table = build(argc - 1, argv + 1, arena, out);
    arena_free(arena);
    double before = cpu_seconds();
    if (hashes_open(table, &hashes, &why) < 0) {
        fprintf(stderr, "%s\n", why.text);
        return 2;
    }
    printf("opening   %6.2f ms\n", (cpu_seconds() - before) * 1e3);
    look_up(&hashes, argv[1]);
    lanes();
    arena_free(out);
    return 0;
}
