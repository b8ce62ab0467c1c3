#include "rescue/salvage/window.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STUBBORN = 64 /* touches of one address */ };

/* A signal handler has no argument of its own. */
static struct window *open_window;
static struct sigaction before;

/* --- pieces --- */

static bool is_in(const struct window_stretch *stretch, uint64_t piece)
{
    return stretch->in[piece / 8] >> piece % 8 & 1;
}

static void forget(struct window_stretch *stretch, uint64_t piece)
{
    uint8_t *at = stretch->at + piece * WINDOW_PIECE;
    if (!is_in(stretch, piece))
        return;
    (void)madvise(at, WINDOW_PIECE, MADV_DONTNEED);
    (void)mprotect(at, WINDOW_PIECE, PROT_NONE);
    stretch->in[piece / 8] &= (uint8_t) ~(1u << piece % 8);
}

static void forget_all(struct window *window, struct window_stretch *stretch)
{
    for (uint32_t i = 0; i < WINDOW_PIECES; i++)
        if (window->there[i].of == stretch) {
            forget(stretch, window->there[i].piece);
            window->there[i].of = NULL;
        }
}

/* Those that show [from, to) of the file, wherever. */
static void forget_range(struct window *window, uint64_t from, uint64_t to)
{
    for (uint64_t piece = from / WINDOW_PIECE; from < to && piece <= (to - 1) / WINDOW_PIECE;
         piece++)
        forget(&window->file, piece);
    forget_all(window, &window->gathered);
}

static void blank(const struct map *map, uint64_t at, uint8_t *to, uint64_t size)
{
    for (uint64_t here = 0; here < size;) {
        uint64_t end = map_plain_end(map, at + here, at + size) - at;
        uint64_t next = map_plain_next(map, at + end, at + size) - at;
        memset(to + end, 0, (size_t)(next - end));
        here = next;
    }
}

/* The first patch that ends behind `at`. */
static uint32_t patch_of(const struct window *window, uint64_t at)
{
    uint32_t low = 0, high = window->patches.n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct window_patch *patch = &window->patches.at[middle];
        if (patch->at + patch->len <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What [at, at + size) of the file shows. */
static void show(struct window *window, uint64_t at, uint8_t *to, uint64_t size)
{
    uint64_t done = 0;
    if (at >= window->file.size)
        return;
    if (size > window->file.size - at)
        size = window->file.size - at;
    while (done < size) {
        ssize_t n = pread(window->fd, to + done, (size_t)(size - done), (off_t)(at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (uint64_t)n;
    }
    if (done < size) {
        window->failed = true;
        memset(to + done, 0, (size_t)(size - done));
    }
    if (window->blank)
        blank(window->blank, at, to, size);
    for (uint32_t i = patch_of(window, at);
         i < window->patches.n && window->patches.at[i].at < at + size; i++) {
        const struct window_patch *patch = &window->patches.at[i];
        uint64_t from = patch->at > at ? patch->at : at;
        uint64_t end = patch->at + patch->len < at + size ? patch->at + patch->len : at + size;
        memcpy(to + (from - at), patch->data + (from - patch->at), (size_t)(end - from));
    }
}

/* The same of what was gathered. */
static void show_gathered(struct window *window, uint64_t at, uint8_t *to, uint64_t size)
{
    size_t low = 0, high = window->place_count;
    /* The stretch is longer than what it shows. */
    if (at >= window->base_size)
        return;
    if (size > window->base_size - at)
        size = window->base_size - at;
    memcpy(to, window->base + at, (size_t)size);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (window->places[middle].at + window->places[middle].len <= at)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < window->place_count && window->places[low].at < at + size; low++) {
        const struct window_place *place = &window->places[low];
        uint64_t from = place->at > at ? place->at : at;
        uint64_t end = place->at + place->len < at + size ? place->at + place->len : at + size;
        show(window, place->outer + (from - place->at), to + (from - at), end - from);
    }
}

static void keep(struct window *window, struct window_stretch *stretch, uint64_t piece)
{
    uint32_t i = window->oldest;
    if (window->there[i].of)
        forget(window->there[i].of, window->there[i].piece);
    window->there[i].of = stretch;
    window->there[i].piece = piece;
    window->oldest = (i + 1) % WINDOW_PIECES;
    stretch->in[piece / 8] |= (uint8_t)(1u << piece % 8);
}

/* False: not possible. */
static bool let_in(struct window *window, struct window_stretch *stretch, uint64_t piece)
{
    uint64_t count = (stretch->size + WINDOW_PIECE - 1) / WINDOW_PIECE, n = 1;
    stretch->run = piece == stretch->next ? stretch->run * 2 : 1;
    if (stretch->run > WINDOW_AHEAD)
        stretch->run = WINDOW_AHEAD;
    while (n < stretch->run && piece + n < count && !is_in(stretch, piece + n))
        n++;
    stretch->next = piece + n;
    uint8_t *at = stretch->at + piece * WINDOW_PIECE;
    if (mprotect(at, (size_t)n * WINDOW_PIECE, PROT_READ | PROT_WRITE) < 0)
        return false;
    if (stretch == &window->file)
        show(window, piece * WINDOW_PIECE, at, n * WINDOW_PIECE);
    else
        show_gathered(window, piece * WINDOW_PIECE, at, n * WINDOW_PIECE);
    if (mprotect(at, (size_t)n * WINDOW_PIECE, PROT_READ) < 0)
        return false;
    for (uint64_t i = 0; i < n; i++)
        keep(window, stretch, piece + i);
    return true;
}

/* --- the handler --- */

/* Not about a window: as if there were no handler. A sealed process may not take it away; the
 * signal is blocked while this runs, and what is sent then ends it. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(number, info, context);
    else
        *(volatile uint8_t *)info->si_addr = 0;
}

static struct window_stretch *stretch_at(struct window *window, uintptr_t at)
{
    if (window && at - (uintptr_t)window->file.at < window->file.size)
        return &window->file;
    if (window && at - (uintptr_t)window->gathered.at < window->gathered.size)
        return &window->gathered;
    return NULL;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    static uintptr_t last;
    static uint32_t times;
    int saved = errno;
    uintptr_t at = (uintptr_t)info->si_addr;
    struct window_stretch *stretch = stretch_at(open_window, at);
    uint64_t piece = stretch ? (at - (uintptr_t)stretch->at) / WINDOW_PIECE : 0;
    /* What is there traps only where somebody wants to write. */
    times = at == last ? times + 1 : 0;
    last = at;
    if (!stretch || is_in(stretch, piece) || times > STUBBORN ||
        !let_in(open_window, stretch, piece))
        pass_on(number, info, context);
    errno = saved;
}

/* --- the door --- */

static int reserve(struct window_stretch *stretch, uint64_t size, struct why *why)
{
    uint64_t whole = (size + WINDOW_PIECE - 1) / WINDOW_PIECE * WINDOW_PIECE;
    if (size > SIZE_MAX / 2)
        return fail(why, ENOMEM, "the file is too large");
    void *at = mmap(NULL, (size_t)whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
    stretch->size = size;
    stretch->run = 1;
    stretch->at = at == MAP_FAILED ? NULL : at;
    stretch->in = calloc((size_t)(whole / WINDOW_PIECE / 8) + 1, 1);
    return stretch->at && stretch->in ? 0 : fail(why, ENOMEM, "no memory for the file");
}

int window_open(struct window *window, int fd, uint64_t size, uint64_t most, struct why *why)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    memset(window, 0, sizeof *window);
    window->fd = fd;
    int error = reserve(&window->file, size, why);
    if (!error)
        error = reserve(&window->gathered, most, why);
    sigemptyset(&action.sa_mask);
    if (!error && sigaction(SIGSEGV, &action, &before) < 0)
        error = fail(why, errno, "cannot watch memory: %s", strerror(errno));
    if (error) {
        window_close(window);
        return error;
    }
    open_window = window;
    return 0;
}

void window_close(struct window *window)
{
    struct window_stretch *const both[] = {&window->file, &window->gathered};
    if (open_window == window) {
        open_window = NULL;
        sigaction(SIGSEGV, &before, NULL);
    }
    for (size_t i = 0; i < COUNT(both); i++) {
        uint64_t whole = (both[i]->size + WINDOW_PIECE - 1) / WINDOW_PIECE * WINDOW_PIECE;
        if (both[i]->at)
            munmap(both[i]->at, (size_t)whole);
        free(both[i]->in);
    }
    memset(window, 0, sizeof *window);
}

void window_blank(struct window *window, const struct map *map)
{
    window->blank = map;
    forget_all(window, &window->file);
    forget_all(window, &window->gathered);
}

bool window_put(struct window *window, uint64_t to, const uint8_t *from, size_t size,
                struct arena *arena)
{
    uint64_t begin = to, end = to + size;
    if (!size || to > window->file.size || size > window->file.size - to)
        return !size;
    /* One with those that it touches, so that they stay apart from each other. */
    uint32_t first = to ? patch_of(window, to - 1) : 0, last = first;
    for (; last < window->patches.n && window->patches.at[last].at <= to + size; last++) {
        const struct window_patch *patch = &window->patches.at[last];
        begin = patch->at < begin ? patch->at : begin;
        end = patch->at + patch->len > end ? patch->at + patch->len : end;
    }
    uint8_t *data = arena_push_raw(arena, (size_t)(end - begin));
    if (!data)
        return false;
    for (uint32_t i = first; i < last; i++)
        memcpy(data + (window->patches.at[i].at - begin), window->patches.at[i].data,
               (size_t)window->patches.at[i].len);
    memcpy(data + (to - begin), from, size);
    if (first == last && !vec_push(arena, &window->patches))
        return false;
    struct window_patch *at = window->patches.at;
    uint32_t n = window->patches.n, gone = first == last ? 0 : last - first - 1;
    if (first == last)
        memmove(&at[first + 1], &at[first], (n - 1 - first) * sizeof *at);
    else
        memmove(&at[first + 1], &at[last], (n - last) * sizeof *at);
    at[first] = (struct window_patch){begin, end - begin, data};
    window->patches.n = n - gone;
    forget_range(window, to, to + size);
    return true;
}

bytes window_gather(struct window *window, bytes base, const struct window_place *places,
                    size_t count)
{
    forget_all(window, &window->gathered);
    window->places = places;
    window->place_count = count;
    window->base = base.at;
    window->base_size = base.len <= window->gathered.size ? base.len : 0;
    if (base.len > window->gathered.size)
        return (bytes){NULL, 0};
    return (bytes){window->gathered.at, base.len};
}
