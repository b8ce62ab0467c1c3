/* What it costs to change definitions under load, with libcandor.
 *
 * usage: bench_reload RULES.cdr [RELOADS]
 *
 * Two threads scan blocks of 64 KiB without a pause. Meanwhile the file is opened anew RELOADS
 * times (default 10), scanners are made for the threads, each takes its new one between two
 * blocks, and what it had is given back. Prints the longest time of one block with and without
 * reloads, and the memory of the process: resident, and its own (Private_Dirty). */
#include "candor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 2, BLOCK = 64 << 10 };

struct scanning {
    pthread_t thread;
    struct candor_scanner *_Atomic next, *_Atomic done; /* to take, and given back */
    struct candor_scanner *scanner;
    atomic_long longest, blocks; /* nanoseconds of one block */
    atomic_bool end;
    uint8_t data[BLOCK];
};

static long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void *scan(void *from)
{
    struct scanning *self = from;
    while (!self->end) {
        long began = now();
        struct candor_scanner *next = atomic_exchange(&self->next, NULL);
        if (next) {
            self->done = self->scanner;
            self->scanner = next;
        }
        if (candor_scan_memory(self->scanner, self->data, BLOCK, NULL) < 0)
            abort();
        long took = now() - began;
        if (took > self->longest)
            self->longest = took;
        self->blocks++;
    }
    return NULL;
}

/* A row of /proc/self/smaps_rollup, in MB. */
static double memory(const char *name)
{
    char line[256];
    long kb = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            kb = strtol(line + strlen(name) + 1, NULL, 10);
    if (file)
        fclose(file);
    return (double)kb / 1000;
}

static void say(const char *what, struct scanning *all, double highest)
{
    long longest = 0, blocks = 0;
    for (int i = 0; i < THREADS; i++) {
        longest = all[i].longest > longest ? all[i].longest : longest;
        blocks += all[i].blocks;
        all[i].longest = all[i].blocks = 0;
    }
    printf("%-10s %7ld blocks, longest %7.2f ms, resident %6.1f MB, own %5.1f MB, own at most "
           "%5.1f MB\n",
           what, blocks, (double)longest / 1e6, memory("Rss:"), memory("Private_Dirty:"),
           highest);
}

static struct candor_rules *open_rules(const char *path)
{
    struct candor_rules *rules;
    struct candor_error error;
    if (candor_rules_open(path, &rules, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        exit(EXIT_FAILURE);
    }
    return rules;
}

static struct candor_scanner *new_scanner(const struct candor_rules *rules)
{
    struct candor_scanner *scanner = candor_scanner_new(rules);
    if (!scanner)
        abort();
    return scanner;
}

/* The old rules are given back once no thread has a scanner of them. Returns the new ones. */
static struct candor_rules *reload(const char *path, struct candor_rules *old,
                                   struct scanning *all, double *highest)
{
    struct candor_rules *rules = open_rules(path);
    for (int i = 0; i < THREADS; i++)
        all[i].next = new_scanner(rules);
    double own = memory("Private_Dirty:");
    *highest = own > *highest ? own : *highest;
    for (int i = 0; i < THREADS; i++) {
        struct candor_scanner *done;
        while (!(done = atomic_exchange(&all[i].done, NULL)))
            usleep(100);
        candor_scanner_free(done);
    }
    candor_rules_free(old);
    return rules;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench_reload RULES.cdr [RELOADS]\n");
        return EXIT_FAILURE;
    }
    static struct scanning all[THREADS];
    long reloads = argc > 2 ? strtol(argv[2], NULL, 10) : 10;
    if (reloads < 1)
        reloads = 1;
    struct candor_rules *rules = open_rules(argv[1]);
    double highest = 0;
    for (int i = 0; i < THREADS; i++) {
        for (size_t k = 0; k < BLOCK; k++)
            all[i].data[k] = (uint8_t)(k * 2654435761u >> 13);
        all[i].scanner = new_scanner(rules);
        if (pthread_create(&all[i].thread, NULL, scan, &all[i]))
            abort();
    }
    sleep(2);
    say("steady", all, memory("Private_Dirty:"));
    long began = now();
    for (long i = 0; i < reloads; i++)
        rules = reload(argv[1], rules, all, &highest);
    printf("%ld reloads, %.1f ms each\n", reloads,
           (double)(now() - began) / 1e6 / (double)reloads);
    say("reloading", all, highest);
    sleep(2);
    say("after", all, memory("Private_Dirty:"));
    for (int i = 0; i < THREADS; i++) {
        all[i].end = true;
        pthread_join(all[i].thread, NULL);
        candor_scanner_free(all[i].scanner);
    }
    candor_rules_free(rules);
    return EXIT_SUCCESS;
}
