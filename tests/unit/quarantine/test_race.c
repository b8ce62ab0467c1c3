/* Whoever owns the directory swaps the file for something else while it is moved to quarantine:
 * at every step with a definite outcome, and at any moment from another thread. Nothing but the
 * file that was examined is ever removed. */
#include "place.h"

#include <pthread.h>
#include <stdatomic.h>

enum swap {
    SWAP_SYMLINK,
    SWAP_HARDLINK,
    SWAP_OTHER,
    SWAP_FIFO,
    SWAP_DIRECTORY,
    SWAP_NOTHING,
    SWAP_LONGER,
    SWAP_REWRITTEN,
    SWAPS
};

static const char *const swap_names[] = {"a symbolic link", "a hard link", "another file",
                                         "a FIFO",          "a directory", "nothing",
                                         "more bytes",      "other bytes"};

struct swapping {
    struct place *place;
    enum swap swap;
    enum take_step when;
};

static void swap_now(const struct place *place, enum swap swap)
{
    int at = place->directory;
    if (swap == SWAP_LONGER) {
        int fd = openat(at, "found", O_WRONLY | O_APPEND);
        if (fd < 0 || write(fd, "!", 1) != 1)
            abort();
        close(fd);
        return;
    }
    if (swap == SWAP_REWRITTEN) {
        int fd = openat(at, "found", O_WRONLY);
        const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
        if (fd < 0 || pwrite(fd, "B", 1, 0) != 1 || futimens(fd, times) < 0)
            abort();
        close(fd);
        return;
    }
    if (renameat(at, "found", at, "elsewhere") < 0)
        abort();
    if ((swap == SWAP_SYMLINK && symlinkat("../victim", at, "found") < 0) ||
        (swap == SWAP_HARDLINK && linkat(place->top, "victim", at, "found", 0) < 0) ||
        (swap == SWAP_FIFO && mkfifoat(at, "found", 0600) < 0) ||
        (swap == SWAP_DIRECTORY && mkdirat(at, "found", 0700) < 0))
        abort();
    if (swap == SWAP_OTHER)
        place_put(at, "found", "of another file", 15);
}

static void swap_at(void *context, enum take_step step)
{
    const struct swapping *swapping = context;
    if (step == swapping->when)
        swap_now(swapping->place, swapping->swap);
}

/* What was put there is still there. */
static bool swapped_whole(const struct place *place, enum swap swap)
{
    struct stat st;
    bool there = fstatat(place->directory, "found", &st, AT_SYMLINK_NOFOLLOW) == 0;
    switch (swap) {
    case SWAP_SYMLINK:
        return there && S_ISLNK(st.st_mode);
    case SWAP_HARDLINK:
        return there && st.st_ino == place->victim.st_ino;
    case SWAP_OTHER:
        return place_is(place->directory, "found", "of another file");
    case SWAP_FIFO:
        return there && S_ISFIFO(st.st_mode);
    case SWAP_DIRECTORY:
        return there && S_ISDIR(st.st_mode);
    case SWAP_NOTHING:
        return !there;
    case SWAP_LONGER:
        return place_is(place->directory, "found", FOUND "!");
    default:
        return place_is(place->directory, "found", "Bytes in which something was found");
    }
}

static void test_swap(enum swap swap, enum take_step when)
{
    struct place place;
    struct take_result taken;
    struct why why = {0};
    char what[120];
    place_new(&place);
    place_fill(&place);
    struct swapping swapping = {&place, swap, when};
    int error = place_take(&place, &taken, &why, swap_at, &swapping);
    bool moved_away = swap < SWAP_LONGER;
    bool good = error == -ESTALE && swapped_whole(&place, swap) && place_victim_whole(&place) &&
                (!moved_away || place_is(place.directory, "elsewhere", FOUND)) && !taken.id[0];
    /* Once it is whole, an entry stays where the file is not in its place any more. */
    good = good && place_entries(&place) == (when == TAKE_SAFE);
    snprintf(what, sizeof what, "%s at step %d is left alone: %.60s", swap_names[swap], when,
             why.text);
    tap_check(good, what, __FILE__, __LINE__);
    place_free(&place);
}

/* Another thread that swaps all the time. */
struct swapper {
    struct place *place;
    atomic_bool end;
};

static void *run_swapper(void *context)
{
    struct swapper *swapper = context;
    int at = swapper->place->directory;
    for (unsigned i = 0; !atomic_load(&swapper->end); i++) {
        renameat(at, "found", at, "elsewhere");
        if (i % 3 == 0 && symlinkat("../victim", at, "found") < 0)
            continue;
        if (i % 3 == 1 && linkat(swapper->place->top, "victim", at, "found", 0) < 0)
            continue;
        if (i % 3 != 2)
            unlinkat(at, "found", 0);
        renameat(at, "elsewhere", at, "found");
    }
    return NULL;
}

static void test_thread(void)
{
    enum { ROUNDS = 150 };
    struct place place;
    unsigned taken_count = 0, whole = 0, never_lost = 0;
    place_new(&place);
    for (int i = 0; i < ROUNDS; i++) {
        struct swapper swapper = {.place = &place};
        struct take_result taken;
        struct why why;
        pthread_t thread;
        place_empty(&place);
        place_drop_entries(&place);
        place_fill(&place);
        if (pthread_create(&thread, NULL, run_swapper, &swapper) != 0)
            abort();
        int error = place_take(&place, &taken, &why, NULL, NULL);
        atomic_store(&swapper.end, true);
        pthread_join(thread, NULL);
        taken_count += error == 0;
        whole += place_victim_whole(&place);
        never_lost += place_entries(&place) == 1 || place_is(place.directory, "found", FOUND) ||
                      place_is(place.directory, "elsewhere", FOUND);
    }
    CHECK_INT(whole, ROUNDS);
    CHECK_INT(never_lost, ROUNDS);
    printf("# %u of %d were moved\n", taken_count, ROUNDS);
    place_free(&place);
}

int main(void)
{
    for (int swap = 0; swap < SWAPS; swap++)
        for (int when = TAKE_OPENED; when <= TAKE_SAFE; when++)
            test_swap((enum swap)swap, (enum take_step)when);
    test_thread();
    return tap_done();
}
