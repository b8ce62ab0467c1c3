/* The attack on ZipCrypto: values of Z tried in a CPU second, with 12 known bytes, by the plain
 * and the vector code.
 *
 * usage: bench_zipcrypto [VALUES [whole]]
 *
 * Fixed cases; the first VALUES (2000) of each are tried, of which the whole is extrapolated.
 * "whole": the first case is run until its keys are found, on one processor. */
#include "rescue/zip/attack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MEMBER = 64, CASES = 3, KNOWN = 12 };

static double now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void make(unsigned number, uint8_t *data, struct attack_known *known,
                 struct zip_keys *keys)
{
    static const char *const passwords[CASES] = {"geheim99", "Kyiv2022", "x7"};
    for (unsigned i = 0; i < MEMBER; i++)
        data[i] = (uint8_t)(i * 37 + number * 11 + 5);
    memcpy(data + ZIPCRYPTO_HEADER, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
    for (unsigned i = 0; i < KNOWN; i++)
        known[i] = (struct attack_known){ZIPCRYPTO_HEADER + i, data[ZIPCRYPTO_HEADER + i]};
    struct zip_keys going = *keys = zipcrypto_of_password(bytes_of(passwords[number]));
    zipcrypto_encrypt(&going, data, MEMBER);
}

static void measure(const struct attack *attack, uint32_t values, enum cpu_level level,
                    const char *name)
{
    struct zip_keys found;
    double start = now(CLOCK_PROCESS_CPUTIME_ID);
    attack_run(attack, 0, values, level, NULL, &found);
    double took = now(CLOCK_PROCESS_CPUTIME_ID) - start;
    printf("  %-8s %7.0f values/CPU-s: all %u in %.0f CPU-s\n", name, values / took,
           attack->values, attack->values / (values / took));
}

static void run_whole(const struct attack *attack, struct zip_keys keys)
{
    struct zip_keys found = {0};
    double cpu = now(CLOCK_PROCESS_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
    bool good = attack_run(attack, 0, attack->values, cpu_level(), NULL, &found) &&
                memcmp(&found, &keys, sizeof keys) == 0;
    printf("  whole    %s after %.1f CPU-s, %.1f s\n", good ? "the keys" : "NOT the keys",
           now(CLOCK_PROCESS_CPUTIME_ID) - cpu, now(CLOCK_MONOTONIC) - wall);
}

int main(int argc, char **argv)
{
    uint32_t values = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 2000;
    for (unsigned i = 0; i < CASES; i++) {
        uint8_t data[MEMBER];
        struct attack_known known[KNOWN];
        struct zip_keys keys;
        struct attack attack;
        struct arena *arena = arena_new(ATTACK_ARENA);
        make(i, data, known, &keys);
        double start = now(CLOCK_PROCESS_CPUTIME_ID);
        if (!arena || attack_begin((bytes){data, MEMBER}, known, KNOWN, arena, &attack, NULL))
            return 1;
        printf("%d known bytes, case %u: %u values in %.2f CPU-s\n", KNOWN, i, attack.values,
               now(CLOCK_PROCESS_CPUTIME_ID) - start);
        measure(&attack, values / 4 + 1, CPU_SCALAR, "plain C");
        if (cpu_level() >= CPU_AVX2)
            measure(&attack, values, CPU_AVX2, "AVX2");
        if (cpu_level() == CPU_AVX512)
            measure(&attack, values, CPU_AVX512, "AVX-512");
        if (!i && argc > 2)
            run_whole(&attack, keys);
        arena_free(arena);
    }
    return 0;
}
