/* hash_tool — what hash signatures say of files:
 *
 *     hash_tool DATABASE... -- FILE...
 *
 * A line for each finding, as clamscan prints it: "FILE: NAME FOUND". What a trusted file is
 * found for is not said. */
#include "clamav/clamav.h"
#include "engine/engine.h"
#include "filetype/filetype.h"
#include "match/hashes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bytes read_file(const char *path, struct arena *arena)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        exit(2);
    uint8_t *room = arena_push_raw(arena, 64 << 20);
    bytes data = {room, room ? fread(room, 1, 64 << 20, file) : 0};
    fclose(file);
    return data;
}

static void read_database(struct clamav *clamav, const char *path)
{
    struct arena *arena = arena_new((size_t)128 << 20);
    const char *slash = strrchr(path, '/');
    struct why why = {""};
    if (!arena || clamav_read(clamav, bytes_of(slash ? slash + 1 : path),
                              read_file(path, arena), false, &why) < 0)
        exit(2);
    arena_free(arena);
}

static void examine(struct scanner *scanner, const struct ruleset *set, const char *path)
{
    struct arena *arena = arena_new((size_t)128 << 20);
    struct block block = {.data = read_file(path, arena)};
    enum target target = filetype_target(filetype_of(block.data));
    const struct object_input object = {
        .blocks = &block,
        .block_count = 1,
        .targets = TARGET_BIT(TARGET_ANY) | TARGET_BIT(target),
    };
    struct verdict verdict;
    if (scanner_scan(scanner, &object, &verdict) < 0)
        exit(2);
    for (uint32_t i = 0; i < verdict.finding_count && !verdict.trusted; i++) {
        struct ruleset_label label;
        ruleset_label(set, verdict.findings[i].rule, &label);
        printf("%s: %s FOUND\n", path, label.name);
    }
    arena_free(arena);
}

int main(int argc, char **argv)
{
    const struct clamav_options clamav_options = {0};
    const struct scanner_options options = {0};
    struct arena *arena = arena_new((size_t)1 << 30);
    struct draft *draft = arena ? draft_new(arena) : NULL;
    struct clamav *clamav = draft ? clamav_new(draft, &clamav_options) : NULL;
    struct ruleset set;
    struct why why = {""};
    bytes file;
    int at = 1;
    for (; clamav && at < argc && strcmp(argv[at], "--") != 0; at++)
        read_database(clamav, argv[at]);
    if (!clamav || draft_seal(draft, arena, &file, &why) < 0 ||
        ruleset_open(file, 0, &set, &why) < 0) {
        fprintf(stderr, "%s\n", why.text);
        return 2;
    }
    struct scanner *scanner = scanner_new(&set, &options);
    for (at++; scanner && at < argc; at++)
        examine(scanner, &set, argv[at]);
    scanner_free(scanner);
    clamav_free(clamav);
    arena_free(arena);
    return 0;
}
