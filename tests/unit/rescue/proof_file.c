/* What proof_check says of files, and of what is left of them when they are damaged: for
 * proof.py and for looking at files by hand.
 *
 *     proof_file [--as NAME] [--bit N] [--flip N] [--cut N] [--noise N] FILE...
 *
 * Without an option: "proven|plausible|unknown|failed KIND GOOD SIZE FILE: reason" a line. Each
 * option damages a copy N times, at places that are spread over the file: a bit is changed, a
 * block of 16 bytes becomes random, the end is cut off, all from a place on becomes random.
 * Then the line is "DAMAGE: P of N still proven FILE". */
#include "rescue/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {"failed", "unknown", "plausible", "proven"};

static uint64_t state = 88172645463325252ull;

static uint8_t random_byte(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint8_t)(state >> 32);
}

static struct proof_result examine(bytes file, const char *name)
{
    struct arena *arena = arena_new((size_t)256 << 20);
    struct budget budget = {.steps = 1ull << 40};
    struct source source = source_of_bytes(file, bytes_of(name));
    struct proof_result ret = {0};
    struct why why = {""};
    if (proof_check(&source, arena, &budget, &ret, &why))
        fprintf(stderr, "%s: %s\n", name, why.text);
    arena_free(arena);
    return ret;
}

/* A file with something wrong in it. */
static bytes spoil(bytes file, uint8_t *copy, const char *how, size_t at)
{
    size_t end = !strcmp(how, "--flip") ? at + 16 : file.len;
    memcpy(copy, file.at, file.len);
    if (!strcmp(how, "--cut"))
        return (bytes){copy, at};
    if (!strcmp(how, "--bit")) {
        copy[at] ^= (uint8_t)(1 << (random_byte() & 7));
        return (bytes){copy, file.len};
    }
    for (size_t i = at; i < end && i < file.len; i++)
        copy[i] = random_byte();
    return (bytes){copy, file.len};
}

static void spoil_often(bytes file, const char *name, const char *path, const char *how,
                        size_t n)
{
    uint8_t *copy = malloc(file.len + 1);
    size_t proven = 0;
    for (size_t i = 0; copy && i < n; i++) {
        size_t at = (size_t)((uint64_t)file.len * i / n);
        struct proof_result result = examine(spoil(file, copy, how, at), name);
        proven += result.proof == PROOF_PROVEN;
    }
    printf("%s: %zu of %zu still proven %s\n", how + 2, proven, n, path);
    free(copy);
}

static bytes read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t room = (size_t)300 << 20, n;
    uint8_t *at = malloc(room);
    if (!file || !at) {
        perror(path);
        exit(2);
    }
    n = fread(at, 1, room, file);
    fclose(file);
    return (bytes){at, n};
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
    const char *as = NULL, *how = NULL;
    size_t n = 0;
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "--", 2) && i + 1 < argc) {
            if (!strcmp(argv[i], "--as")) {
                as = argv[++i];
            } else {
                how = argv[i++];
                n = strtoul(argv[i], NULL, 10);
            }
            continue;
        }
        bytes file = read_whole(argv[i]);
        const char *name = as ? as : name_of(argv[i]);
        if (how) {
            spoil_often(file, name, argv[i], how, n);
        } else {
            struct proof_result result = examine(file, name);
            printf("%s %s %llu %zu %s: %s\n", words[result.proof],
                   result.kind ? result.kind : "-", (unsigned long long)result.good, file.len,
                   argv[i], result.reason.text);
        }
        free((void *)(uintptr_t)file.at);
    }
    return 0;
}
