/* Target: lines of .pdb, .wdb or .gdb files over the links of a page. Properties: what is
 * compiled is a sound ruleset; a page has the same faults whenever it is asked for; the arena
 * is given back.
 *
 * Input: `P`, `W` or `G`, the lines, a zero byte, the page. */
#include "clamav/clamav.h"
#include "phishing/phishing.h"
#include "unpack/normal/links.h"

#include <stdlib.h>

enum { LINES_MOST = 4096, PAGE_MOST = 8192 };

#define MEMORY ((size_t)256 << 20)

static void demand(bool good)
{
    if (!good)
        abort();
}

/* The faults of a page, as bits. */
static uint32_t check(struct phishing *phishing, bytes page, struct arena *arena)
{
    struct budget budget = {.steps = 1 << 22};
    struct arena_mark mark = arena_mark(arena);
    size_t before = arena_used(arena);
    uint32_t faults = 0;
    struct links links;
    bool whole = links_read(page, arena, &budget, &links);
    for (uint32_t i = 0; whole && i < links.found.n; i++) {
        const struct links_found *found = &links.found.at[i];
        const struct phishing_link link = {found->value, found->text,
                                           found->place == LINKS_HREF ? PHISHING_HREF
                                                                      : PHISHING_OTHER};
        size_t used = arena_used(arena);
        faults |= 1U << phishing_check(phishing, &link, PHISHING_SSL | PHISHING_CLOAK, arena,
                                       &budget);
        demand(arena_used(arena) == used);
    }
    arena_pop(arena, mark);
    demand(arena_used(arena) == before);
    return faults;
}

static void compile(const char *name, bytes lines, bytes page)
{
    struct arena *arena = arena_new(MEMORY);
    struct draft *draft = draft_new(arena);
    struct clamav *clamav = clamav_new(draft, &(struct clamav_options){.pua = true});
    struct ruleset set;
    bytes file;
    bool full;
    demand(clamav != NULL);
    if (clamav_read(clamav, bytes_of(name), lines, false, NULL) == 0 &&
        draft_seal(draft, arena, &file, NULL) == 0) {
        demand(ruleset_open(file, draft->fingerprint, &set, NULL) == 0);
        struct phishing *phishing = phishing_new(&set, arena, &full);
        demand(!full && (phishing != NULL) == (set.url_count > 0));
        if (phishing)
            demand(check(phishing, page, arena) == check(phishing, page, arena));
    }
    clamav_free(clamav);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bytes input = {data, size};
    size_t end = bytes_find(input, (bytes){(const uint8_t *)"", 1}, 0);
    if (!size || !data[0])
        return 0;
    bytes lines = bytes_slice(input, 1, (end == SIZE_MAX ? size : end) - 1);
    bytes page = end == SIZE_MAX ? (bytes){NULL, 0} : bytes_slice(input, end + 1, PAGE_MOST);
    if (lines.len <= LINES_MOST)
        compile(data[0] == 'P' ? "a.pdb" : data[0] == 'W' ? "a.wdb" : "a.gdb", lines, page);
    return 0;
}
