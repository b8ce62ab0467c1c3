/* A window shows what it must: the file, zeros for ciphertext, what was put over it, and what
 * was gathered; whatever was looked at before, and when pieces had to be given back. Each byte
 * of the input after the first chooses what is done next; a plain array says what must be seen.
 */
#include "rescue/salvage/window.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    HEAD = 5 * WINDOW_PIECE + 777, /* of the file, that is not zeros */
    FAR = (WINDOW_PIECES + 70) * WINDOW_PIECE,
    GATHERED = 3 * WINDOW_PIECE,
    STEPS_MOST = 200,
    SWEEPS_MOST = 1,
    PLACES_MOST = 16,
};

struct tried {
    const uint8_t *data;
    size_t left;
    struct arena *arena;
    struct window window;
    struct map map;
    uint8_t seen[HEAD]; /* what the head must show */
    uint8_t file[HEAD], base[GATHERED];
    bool put[HEAD];
    struct window_place places[PLACES_MOST];
    unsigned sweeps;
};

static int fd = -1;

static uint32_t number(struct tried *tried, uint32_t below)
{
    uint32_t value = 0;
    for (int i = 0; i < 3 && tried->left; i++, tried->left--)
        value = value << 8 | *tried->data++;
    return value % below;
}

static void same(const uint8_t *seen, const uint8_t *must, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (seen[i] != must[i])
            abort();
}

static void look(struct tried *tried)
{
    uint32_t from = number(tried, HEAD), n = number(tried, HEAD - from) + 1;
    same(tried->window.file.at + from, tried->seen + from, n);
}

static void put(struct tried *tried)
{
    uint8_t what[300];
    uint32_t to = number(tried, HEAD), n = number(tried, sizeof what);
    n = n < HEAD - to ? n : HEAD - to;
    memset(what, (int)number(tried, 256), sizeof what);
    if (!window_put(&tried->window, to, what, n, tried->arena))
        abort();
    memcpy(tried->seen + to, what, n);
    memset(tried->put + to, 1, n);
}

/* What was put stays over what is blank. */
static void make_blank(struct tried *tried)
{
    struct map_range ranges[8];
    uint32_t count = 0, from = 0;
    for (; count < COUNT(ranges) && from < HEAD - 2; count++) {
        from += number(tried, 40000);
        if (from >= HEAD - 1)
            break;
        uint32_t n = number(tried, 20000) + 1;
        n = n < HEAD - from ? n : HEAD - from;
        ranges[count] = (struct map_range){from, from + n};
        from += n + 1;
    }
    struct budget budget = {.steps = 1 << 20};
    if (map_given(&tried->map, (bytes){tried->window.file.at, tried->window.file.size}, ranges,
                  count, tried->arena, &budget) < 0)
        abort();
    tried->map.budget = NULL;
    for (uint32_t i = 0; i < HEAD; i++)
        if (!tried->put[i])
            tried->seen[i] = tried->file[i];
    for (uint32_t k = 0; k < count; k++)
        for (uint64_t i = ranges[k].from; i < ranges[k].to; i++)
            if (!tried->put[i])
                tried->seen[i] = 0;
    window_blank(&tried->window, &tried->map);
}

static void gather(struct tried *tried)
{
    static uint8_t must[GATHERED];
    uint32_t n = 0, at = 0, size = number(tried, GATHERED) + 1;
    memcpy(must, tried->base, sizeof must);
    while (n < PLACES_MOST) {
        at += number(tried, 9000);
        uint32_t outer = number(tried, HEAD - 1), len = number(tried, 9000) + 1;
        len = len < HEAD - outer ? len : HEAD - outer;
        if (at + len > size)
            break;
        tried->places[n++] = (struct window_place){at, outer, len};
        memcpy(must + at, tried->seen + outer, len);
        at += len;
    }
    uint8_t *base = malloc(size); /* no longer than it says */
    if (!base)
        abort();
    memcpy(base, tried->base, size);
    bytes seen = window_gather(&tried->window, (bytes){base, size}, tried->places, n);
    if (seen.len != size)
        abort();
    for (int i = 0; i < 4; i++) {
        uint32_t from = number(tried, size);
        same(seen.at + from, must + from, number(tried, size - from) + 1);
    }
    same(seen.at, must, size);
    (void)window_gather(&tried->window, (bytes){NULL, 0}, NULL, 0);
    free(base);
}

/* More than there is room for: the oldest pieces go, and come again as they were. */
static void sweep(struct tried *tried)
{
    if (tried->sweeps++ >= SWEEPS_MOST)
        return;
    for (uint64_t at = (uint64_t)WINDOW_PIECE * 6; at < FAR; at += WINDOW_PIECE)
        if (tried->window.file.at[at])
            abort();
    if (tried->window.file.at[FAR - 1])
        abort();
}

static void open_file(struct tried *tried)
{
    uint32_t state = 1;
    for (size_t i = 0; i < HEAD; i++) {
        state = state * 1103515245 + 12345;
        tried->file[i] = (uint8_t)(state >> 16) | 1;
    }
    memset(tried->base, 0xa5, sizeof tried->base);
    memcpy(tried->seen, tried->file, HEAD);
    if (fd >= 0)
        return;
    fd = memfd_create("fuzz", 0);
    if (fd < 0 || ftruncate(fd, FAR) < 0 || pwrite(fd, tried->file, HEAD, 0) != HEAD)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tried tried;
    static struct arena *arena;
    struct why why;
    if (!arena)
        arena = arena_new((size_t)64 << 20);
    if (!arena)
        abort();
    arena_reset(arena);
    memset(&tried, 0, sizeof tried);
    tried.data = data;
    tried.left = size;
    tried.arena = arena;
    open_file(&tried);
    if (window_open(&tried.window, fd, FAR, GATHERED, &why) < 0)
        abort();
    for (int step = 0; tried.left && step < STEPS_MOST; step++) {
        switch (number(&tried, 64) % 9) {
        case 0:
        case 1:
            put(&tried);
            break;
        case 2:
            make_blank(&tried);
            break;
        case 3:
        case 4:
            gather(&tried);
            break;
        case 5:
            sweep(&tried);
            break;
        default:
            look(&tried);
        }
    }
    same(tried.window.file.at, tried.seen, HEAD);
    if (tried.window.failed)
        abort();
    window_close(&tried.window);
    return 0;
}
