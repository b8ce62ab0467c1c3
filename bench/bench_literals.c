/* bench_literals — how fast the literal filter is, for each variant this machine has.
 *
 *   bench_literals LITERALS [-n COUNT] [-r ROUNDS] [-v VARIANT] < list-of-files
 *
 * LITERALS has a line for each: the bytes in hexadecimal, a space, 1 for nocase or 0; what
 * follows is ignored. With -n, only every so many-th line is taken, to have COUNT of them. The
 * files are read first, and scanned in memory; MB per second of CPU time, best of ROUNDS. */
#include "base/cpu.h"
#include "match/literals.h"
#include "match/literals/literals_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct set {
    VEC(struct literal) literals;
    struct arena *arena;
};

struct files {
    VEC(bytes) list;
    struct arena *arena;
    uint64_t total;
};

static const char *const names[] = {"scalar", "avx2", "avx512"};

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int digit(int c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool set_read(struct set *set, const char *path)
{
    static char line[1 << 20];
    static uint8_t text[1 << 19];
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    while (fgets(line, sizeof line, file)) {
        size_t n = 0;
        for (; digit(line[2 * n]) >= 0 && digit(line[2 * n + 1]) >= 0; n++)
            text[n] = (uint8_t)(digit(line[2 * n]) << 4 | digit(line[2 * n + 1]));
        struct literal *literal = n ? vec_push(set->arena, &set->literals) : NULL;
        if (!literal)
            continue;
        literal->text = arena_copy(set->arena, (bytes){text, n});
        literal->nocase = line[2 * n] == ' ' && line[2 * n + 1] == '1';
    }
    fclose(file);
    return set->literals.n > 0;
}

static void set_thin(struct set *set, uint32_t count)
{
    uint32_t n = set->literals.n;
    if (count == 0 || count >= n)
        return;
    for (uint32_t i = 0; i < count; i++)
        set->literals.at[i] = set->literals.at[(uint64_t)i * n / count];
    set->literals.n = count;
}

static void files_read(struct files *files)
{
    static char path[4096];
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = 0;
        FILE *file = fopen(path, "rb");
        if (!file)
            continue;
        long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
        uint8_t *at = size > 0 ? arena_push_raw(files->arena, (size_t)size) : NULL;
        bytes *view = at ? vec_push(files->arena, &files->list) : NULL;
        rewind(file);
        if (view) {
            *view = (bytes){at, fread(at, 1, (size_t)size, file)};
            files->total += view->len;
        }
        fclose(file);
    }
}

/* Sums up what was found, so that variants can be compared. */
static uint64_t scan_all(const struct files *files, bytes table,
                         struct literals_scratch *scratch)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < files->list.n; i++) {
        struct budget budget = {.steps = UINT64_MAX};
        const struct literal_hit *hits;
        uint32_t n;
        if (!literals_scan(table, files->list.at[i], 0xff, scratch, &budget, &hits, &n))
            sum += 1ull << 32;
        sum += n;
    }
    return sum;
}

static void bench_variant(const struct files *files, bytes table, int rounds)
{
    struct literals_scratch *scratch = literals_scratch_new(table);
    double best = 1e9;
    uint64_t hits = 0;
    for (int i = 0; i < rounds && scratch; i++) {
        double start = cpu_seconds();
        hits = scan_all(files, table, scratch);
        double took = cpu_seconds() - start;
        best = took < best ? took : best;
    }
    printf("%-7s %6.0f MB/CPU-s  %llu hits\n", names[cpu_level()],
           (double)files->total / 1e6 / best, (unsigned long long)hits);
    literals_scratch_free(scratch);
}

static void print_table(const struct set *set, bytes table, double took)
{
    const struct literals_table *header = (const void *)table.at;
    printf("%u literals: %.3f CPU-s to build, %.2f MB;", set->literals.n, took,
           (double)table.len / 1e6);
    for (int c = 0; c < CLASSES; c++)
        printf(" class %d: %u in %u KiB,", c, header->classes[c].literals,
               1u << header->classes[c].first_bits >> 13);
    printf(" tiny %u, solo %u\n", header->tiny, (uint32_t)header->solos.count);
}

int main(int argc, char **argv)
{
    struct set set = {.arena = arena_new((size_t)4 << 30)};
    struct files files = {.arena = arena_new((size_t)16 << 30)};
    int rounds = 3;
    uint32_t count = 0;
    const char *only = NULL;
    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "-n") == 0)
            count = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "-r") == 0)
            rounds = (int)strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "-v") == 0)
            only = argv[i + 1];
    }
    if (argc < 2 || !set_read(&set, argv[1])) {
        fprintf(stderr,
                "usage: bench_literals LITERALS [-n COUNT] [-r ROUNDS] [-v VARIANT] < files\n");
        return 2;
    }
    set_thin(&set, count);
    files_read(&files);
    bytes table;
    struct why why;
    double start = cpu_seconds();
    if (literals_build(set.literals.at, NULL, set.literals.n, set.arena, &table, &why) < 0) {
        fprintf(stderr, "bench_literals: %s\n", why.text);
        return 2;
    }
    print_table(&set, table, cpu_seconds() - start);
    printf("%u files, %.1f MB\n", files.list.n, (double)files.total / 1e6);
    for (int level = (int)cpu_level(); level >= CPU_SCALAR; level--) {
        cpu_force((enum cpu_level)level);
        if (!only || strcmp(only, names[cpu_level()]) == 0)
            bench_variant(&files, table, rounds);
    }
    arena_free(set.arena);
    arena_free(files.arena);
    return 0;
}
