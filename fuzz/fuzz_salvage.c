/* Salvage: whatever a file holds, its parts are made of what it holds: parts begin and end in
 * turn, spans lie in the file, verdicts are verdicts, a small budget ends it. The first byte
 * chooses the name, and so the type. */
#include "rescue/salvage/salvage.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct taken {
    size_t size;
    uint64_t bytes;
    bool open;
};

static bool begin(void *to, bytes name, const char *kind)
{
    struct taken *taken = to;
    if (!kind[0] || (name.len && !name.at))
        abort();
    taken->open = true;
    return true;
}

static bool put(void *to, bytes part)
{
    struct taken *taken = to;
    if (!taken->open)
        abort();
    taken->bytes += part.len;
    return taken->bytes < 64u << 20;
}

static bool end(void *to, enum salvage_verdict verdict, uint64_t rows, const char *note,
                const struct salvage_span *spans, size_t n)
{
    struct taken *taken = to;
    (void)rows;
    if (!taken->open || verdict > SALVAGE_PARTIAL || !note)
        abort();
    for (size_t i = 0; i < n; i++)
        if (spans[i].from >= spans[i].to || spans[i].to > taken->size)
            abort();
    taken->open = false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"a.zip", "a.tar", "a.gz",  "a.png",   "a.pdf",
                                        "a.db",  "a.txt", "a.img", "a.qcow2", "a",
                                        "a.jpg", "a.mp4", "a.pst"};
    static struct arena *arena;
    if (size < 2 || size > 1 << 20)
        return 0;
    if (!arena)
        arena = arena_new((size_t)512 << 20);
    static struct region region = {.size = (size_t)64 << 20};
    if (!region.at)
        region.at = malloc(region.size);
    arena_reset(arena);
    region.used = 0;
    uint8_t *file = malloc(size - 1);
    if (!file || !arena)
        abort();
    memcpy(file, data + 1, size - 1);
    struct taken taken = {.size = size - 1};
    struct budget budget = {.steps = 1 << 26};
    struct salvage salvage = {.file = {file, size - 1},
                              .patch = file,
                              .name = bytes_of(names[data[0] % COUNT(names)]),
                              .arena = arena,
                              .budget = &budget,
                              .region = &region,
                              .sink = {&taken, begin, put, end}};
    struct why why;
    (void)!salvage_run(&salvage, &why);
    free(file);
    return 0;
}
