/* clamav_tool — compiles ClamAV database files and examines files with them, each as one
 * object, for tests that compare with clamscan.
 *
 *     clamav_tool [-q] -d FILE [-d FILE ...] [PATH ...]
 *
 * Standard output: `PATH: NAME` for each finding. Standard error: what was read and refused,
 * what the compilation cost and how large the sections of the ruleset are; nothing with -q. A
 * PATH of
 * `-` takes names from standard input, one a line. */
#include "clamav/clamav.h"
#include "engine/engine.h"
#include "filetype/filetype.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DATABASES_MOST = 32 };

struct run {
    struct arena *arena, *home;
    struct ruleset set;
    struct scanner *scanner;
    bool quiet, failed;
};

static bytes read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    bytes ret = {NULL, 0};
    if (!file)
        return ret;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    uint8_t *at = malloc(size > 0 ? (size_t)size : 1);
    if (at && size >= 0 && fread(at, 1, (size_t)size, file) == (size_t)size)
        ret = (bytes){at, (size_t)size};
    fclose(file);
    return ret;
}

static void release(bytes data)
{
    uint8_t *owned;
    memcpy(&owned, &data.at, sizeof owned);
    free(owned);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void tell_counts(const struct clamav *clamav)
{
    for (int i = 0; i < CLAMAV_KINDS; i++) {
        const struct clamav_count *count = &clamav->counts[i];
        if (count->read + count->ignored + count->refused)
            fprintf(stderr, "%-32s %9llu read %6llu left out %6llu refused\n",
                    clamav_kind_text((enum clamav_kind)i), (unsigned long long)count->read,
                    (unsigned long long)count->ignored, (unsigned long long)count->refused);
    }
    for (uint32_t i = 0; i < clamav->reason_count; i++)
        fprintf(stderr, "  %s:%u: %s (%llu)\n", clamav->reasons[i].file,
                clamav->reasons[i].line, clamav->reasons[i].text,
                (unsigned long long)clamav->reasons[i].count);
}

static void tell_sections(bytes file)
{
    static const char *const names[RULESET_SECTIONS] = {
        [SECTION_TEXTS] = "texts",
        [SECTION_RULES] = "rules",
        [SECTION_PATTERNS] = "patterns",
        [SECTION_NODES] = "nodes",
        [SECTION_LINKS] = "links",
        [SECTION_PROGRAMS] = "programs",
        [SECTION_CODE] = "code",
        [SECTION_LITERALS] = "filter",
        [SECTION_ANCHORS] = "anchors",
        [SECTION_SUSPECTS] = "suspects",
        [SECTION_WAKES] = "wakes",
        [SECTION_GATES] = "gates",
        [SECTION_KIND_RULES] = "kind rules",
        [SECTION_HASHES] = "hashes",
    };
    for (int i = 0; i < RULESET_SECTIONS; i++) {
        uint64_t start = load_le64(file.at + RULESET_HEADER_SIZE + 16 * i), end = file.len;
        uint64_t count = load_le64(file.at + RULESET_HEADER_SIZE + 16 * i + 8);
        if (i + 1 < RULESET_SECTIONS)
            end = load_le64(file.at + RULESET_HEADER_SIZE + 16 * (i + 1));
        if (names[i])
            fprintf(stderr, "%-12s %10llu bytes %10llu elements\n", names[i],
                    (unsigned long long)(end - start), (unsigned long long)count);
    }
    fprintf(stderr, "whole        %10llu bytes\n", (unsigned long long)file.len);
}

static bool compile(struct run *run, char *const *paths, int count)
{
    struct arena *arena = run->arena = arena_new((size_t)16 << 30);
    struct arena *home = run->home = arena_new((size_t)16 << 30);
    struct draft *draft = arena ? draft_new(arena) : NULL;
    struct clamav *clamav =
        draft ? clamav_new(draft, &(struct clamav_options){.pua = true}) : NULL;
    struct why why = {""};
    bytes file;
    if (!clamav || !home)
        return false;
    double start = seconds();
    for (int i = 0; i < count; i++) {
        bytes text = read_file(paths[i]);
        if (!text.at ||
            clamav_read(clamav, bytes_of(base_name(paths[i])), text, false, &why) < 0) {
            fprintf(stderr, "%s: %s\n", paths[i], why.text);
            return false;
        }
        release(text);
    }
    double read = seconds();
    if (!run->quiet)
        tell_counts(clamav);
    if (draft_seal(draft, home, &file, &why) < 0 ||
        ruleset_open(file, draft->fingerprint, &run->set, &why) < 0) {
        fprintf(stderr, "%s\n", why.text);
        return false;
    }
    if (!run->quiet) {
        tell_sections(file);
        fprintf(stderr, "read in %.2f s, sealed in %.2f s, %zu MB of memory\n", read - start,
                seconds() - read, (arena_used(arena) + arena_used(home)) >> 20);
    }
    clamav_free(clamav);
    run->scanner = scanner_new(&run->set, &(struct scanner_options){0});
    return run->scanner != NULL;
}

static void examine(struct run *run, const char *path)
{
    bytes data = read_file(path);
    struct block block = {.data = data};
    enum target target = filetype_target(filetype_of(data));
    struct object_input object = {
        .blocks = &block,
        .block_count = 1,
        .targets = TARGET_BIT(TARGET_ANY) | TARGET_BIT(target),
    };
    struct verdict verdict;
    if (!data.at || scanner_scan(run->scanner, &object, &verdict) < 0) {
        fprintf(stderr, "%s: cannot be read\n", path);
        run->failed = true;
        return;
    }
    for (uint32_t i = 0; i < verdict.finding_count; i++) {
        struct ruleset_label label;
        ruleset_label(&run->set, verdict.findings[i].rule, &label);
        printf("%s: %s\n", path, label.name);
    }
    if (verdict.limit)
        printf("%s: limit %d\n", path, (int)verdict.limit);
    release(data);
}

static void examine_listed(struct run *run)
{
    char path[4096];
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = 0;
        examine(run, path);
    }
}

int main(int argc, char **argv)
{
    char *databases[DATABASES_MOST];
    struct run run = {.quiet = false};
    int count = 0, at = 1;
    for (; at < argc && argv[at][0] == '-' && argv[at][1]; at++) {
        if (!strcmp(argv[at], "-q"))
            run.quiet = true;
        else if (!strcmp(argv[at], "-d") && at + 1 < argc && count < DATABASES_MOST)
            databases[count++] = argv[++at];
        else
            return 2;
    }
    if (!count || !compile(&run, databases, count))
        return 2;
    for (; at < argc; at++) {
        if (!strcmp(argv[at], "-"))
            examine_listed(&run);
        else
            examine(&run, argv[at]);
    }
    scanner_free(run.scanner);
    arena_free(run.arena);
    arena_free(run.home);
    return run.failed;
}
