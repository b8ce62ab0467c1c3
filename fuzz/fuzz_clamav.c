/* Target: lines of .ldb and .ndb files over an object. Properties: what is compiled is a sound
 * ruleset, and finds the same with the filter as without (draft->unfiltered).
 *
 * Input: `L` or `N`, the lines, a zero byte, the object. After `M` the lines are of .ldb, and
 * those behind an empty one of .ndb. */
#include "clamav/clamav.h"
#include "engine/engine.h"
#include "filetype/filetype.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_MOST = 4096, OBJECT_MOST = 4096, FINDINGS_MOST = 64 };

#define MEMORY ((size_t)256 << 20)

struct result {
    uint32_t found[FINDINGS_MOST], count;
    bool limit;
};

static void demand(bool good)
{
    if (!good)
        abort();
}

static void scan(const struct ruleset *set, bytes object, struct result *ret)
{
    struct scanner *scanner =
        scanner_new(set, &(struct scanner_options){.steps = 20000000, .memory = MEMORY});
    struct block block = {.data = object};
    struct object_input input = {
        .blocks = &block,
        .block_count = 1,
        .targets = TARGET_BIT(TARGET_ANY) | TARGET_BIT(filetype_target(filetype_of(object))),
    };
    struct verdict verdict;
    demand(scanner != NULL && scanner_scan(scanner, &input, &verdict) == 0);
    ret->limit = verdict.limit != LIMIT_NONE;
    for (uint32_t i = 0; i < verdict.finding_count && i < FINDINGS_MOST; i++)
        ret->found[ret->count++] = verdict.findings[i].rule;
    scanner_free(scanner);
}

static int read_lines(struct clamav *clamav, uint8_t kind, bytes lines, struct why *why)
{
    size_t end = kind == 'M' ? bytes_find(lines, bytes_of("\n\n"), 0) : SIZE_MAX;
    const char *name = kind == 'L' || kind == 'M' ? "a.ldb" : "a.ndb";
    int error = clamav_read(clamav, bytes_of(name), bytes_slice(lines, 0, end), false, why);
    if (error || end == SIZE_MAX)
        return error;
    return clamav_read(clamav, bytes_of("a.ndb"), bytes_slice(lines, end + 2, SIZE_MAX), false,
                       why);
}

static void run(uint8_t kind, bytes lines, bytes object, bool unfiltered, struct result *ret)
{
    struct arena *arena = arena_new(MEMORY);
    struct draft *draft = draft_new(arena);
    struct clamav *clamav = clamav_new(draft, &(struct clamav_options){.pua = true});
    struct why why = {""};
    struct ruleset set;
    bytes file;
    demand(clamav != NULL);
    draft->unfiltered = unfiltered;
    if (read_lines(clamav, kind, lines, &why) == 0 &&
        draft_seal(draft, arena, &file, &why) == 0) {
        demand(ruleset_open(file, draft->fingerprint, &set, &why) == 0);
        scan(&set, object, ret);
    } else {
        ret->limit = true;
    }
    clamav_free(clamav);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bytes input = {data, size}, lines, object;
    size_t end = bytes_find(input, (bytes){(const uint8_t *)"", 1}, 0);
    struct result fast = {.count = 0}, slow = {.count = 0};
    if (!size)
        return 0;
    lines = bytes_slice(input, 1, (end == SIZE_MAX ? size : end) - 1);
    object = end == SIZE_MAX ? (bytes){NULL, 0} : bytes_slice(input, end + 1, OBJECT_MOST);
    if (lines.len > LINES_MOST)
        return 0;
    run(data[0], lines, object, false, &fast);
    run(data[0], lines, object, true, &slow);
    if (fast.limit || slow.limit)
        return 0;
    demand(fast.count == slow.count &&
           !memcmp(fast.found, slow.found, fast.count * sizeof *fast.found));
    return 0;
}
