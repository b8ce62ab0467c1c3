/* fuzz_normal — the views of texts and pages (src/unpack/normal): the same bytes give the same
 * views twice; none is longer than promised; what was taken of the region is given back; a
 * smaller budget or less room gives views that begin alike, and is said. The first byte says
 * what the rest is to be. */
#include "unpack/normal/normal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REGION = 64 << 20, VIEWS = 3 };

struct fuzz_views {
    size_t data_size;
    uint64_t hash;
    unsigned count;
};

static bool fuzz_take(void *to, bytes view, uint32_t targets)
{
    struct fuzz_views *views = to;
    if (view.len > NORMAL_MAX(views->data_size) || !targets || ++views->count > VIEWS)
        abort();
    views->hash = hash64(view, views->hash ^ targets);
    return true;
}

static bool fuzz_make(struct fuzz_views *ret, bytes data, enum filetype type,
                      struct region region, uint64_t steps)
{
    struct budget budget = {.steps = steps};
    struct arena *arena = arena_new(256 << 20);
    struct normal normal = {.wanted = UINT32_MAX,
                            .region = &region,
                            .arena = arena,
                            .budget = &budget,
                            .to = ret,
                            .take = fuzz_take};
    *ret = (struct fuzz_views){.data_size = data.len};
    bool whole = normal_views(&normal, data, type);
    if (region.used != 0)
        abort();
    arena_free(arena);
    return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum filetype types[] = {FILETYPE_HTML, FILETYPE_TEXT_ASCII,
                                          FILETYPE_HTML_UTF16, FILETYPE_TEXT_UTF16LE};

    static uint8_t memory[REGION];
    struct fuzz_views first, again;
    if (size < 1)
        return 0;
    bytes rest = {data + 1, size - 1};
    enum filetype type = types[data[0] % COUNT(types)];
    struct region region = {.at = memory, .size = REGION};
    uint64_t steps = (1 << 22) + 256 * (uint64_t)size;
    bool whole = fuzz_make(&first, rest, type, region, steps);
    if (fuzz_make(&again, rest, type, region, steps) != whole || again.hash != first.hash)
        abort();
    enum filetype read = filetype_read(rest, filetype_of(rest));
    if (read >= FILETYPES || filetype_read(rest, filetype_of(rest)) != read)
        abort();
    fuzz_make(&again, rest, type, region, size);
    region.size = size;
    fuzz_make(&again, rest, type, region, steps);
    return 0;
}
