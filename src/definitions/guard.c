#include "definitions/guard.h"

#include "definitions/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ENDING ".checked"
#define MAGIC  "CANDORCK"

enum {
    KEPT = 8, /* records */
    FRONT = 24,
    RUN_MOST = 128, /* blocks that are let in at once where they are touched in a row */
    DENSE = 8,      /* and in parts that are touched all over, DENSE at a time, aligned */
    PARTS_MOST = 2, /* such parts */
    /* A mapping may be cut into some ten thousand pieces only: after so many touches blocks are
     * let in by more, aligned. */
    FINE_TOUCHES = 8192,
    COARSE_TOUCHES = 16384,
    MEDIUM = 16,
    COARSE = 512,
    WINDOW = 2 << 20,        /* bytes: the kernel maps no more around a page that is touched */
    FAILED = 2,              /* exit status */
    STUBBORN = 64,           /* touches of one address */
    READ_AT_ONCE = 64 << 10, /* bytes from the disk, on a border of as many */
};

struct guarded {
    uint8_t *map;         /* without rights but for what was checked; NULL: none */
    const uint8_t *alias; /* the same bytes, for the handler alone */
    size_t size;
    uint64_t *sums;
    _Atomic uint32_t *in; /* a bit for each block that was let in */
    _Atomic uint32_t next, run;

    struct {
        size_t from, to; /* blocks */
    } dense[PARTS_MOST];

    char path[PATH_MAX], record[PATH_MAX];
};

/* What workers say; they could lie. */
struct claims {
    _Atomic uint32_t block[GUARD_MOST]; /* + 1 */
};

/* A signal handler has no argument of its own: the rulesets of this process, and whom signals
 * about other addresses are for. */
static struct guarded guarded[GUARD_MOST];
static struct claims *claims;
static struct sigaction before[2];
static bool is_sealed;
static _Atomic uint32_t touches;

static size_t block_count(const struct guarded *one)
{
    return (one->size + GUARD_BLOCK - 1) / GUARD_BLOCK;
}

static uint64_t block_sum(const uint8_t *file, size_t size, size_t block)
{
    return hash64(bytes_slice((bytes){file, size}, block * GUARD_BLOCK, GUARD_BLOCK), block);
}

/* --- the record --- */

/* Only root and this user can have changed what nobody but they may write to. */
static bool is_trusted(const struct stat *st)
{
    return S_ISREG(st->st_mode) && st->st_size >= GUARD_LEAST &&
           (st->st_uid == geteuid() || st->st_uid == 0) && !(st->st_mode & 022);
}

static bool record_path(bool make, const struct stat *st, struct shelf *place, char *ret)
{
    char key[SHELF_KEY_TEXT + 1], folder[PATH_MAX];
    struct digest *digest = shelf_key("checked");
    if (!digest)
        return false;
    shelf_key_stat(digest, st);
    shelf_key_number(digest, GUARD_BLOCK);
    if (!shelf_key_end(digest, key) || shelf_open(make, place, NULL) < 0)
        return false;
    return shelf_path(folder, sizeof folder, NULL) == 0 &&
           snprintf(ret, PATH_MAX, "%s/%s" ENDING, folder, key) < PATH_MAX;
}

/* The checksums, malloc'd, or NULL. */
static uint64_t *read_record(const char *path, const struct stat *st)
{
    size_t size = ((size_t)st->st_size + GUARD_BLOCK - 1) / GUARD_BLOCK * 8;
    uint8_t front[FRONT];
    uint64_t *sums = malloc(size);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    bool good = fd >= 0 && sums && read(fd, front, FRONT) == FRONT &&
                read(fd, sums, size) == (ssize_t)size && memcmp(front, MAGIC, 8) == 0 &&
                load_le64(front + 8) == (uint64_t)st->st_size &&
                load_le64(front + 16) ==
                    hash64((bytes){(const uint8_t *)sums, size}, (uint64_t)st->st_size);
    if (good)
        futimens(fd, NULL);
    if (fd >= 0)
        close(fd);
    if (good)
        return sums;
    free(sums);
    return NULL;
}

static bool write_record(const char *path, bytes file)
{
    size_t count = (file.len + GUARD_BLOCK - 1) / GUARD_BLOCK;
    uint64_t facts[3] = {0, file.len, 0}, *sums = malloc(count * 8);
    if (!sums)
        return false;
    for (size_t i = 0; i < count; i++)
        sums[i] = block_sum(file.at, file.len, i);
    memcpy(facts, MAGIC, 8);
    facts[2] = hash64((bytes){(const uint8_t *)sums, count * 8}, file.len);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, facts, FRONT) == FRONT &&
                write(fd, sums, count * 8) == (ssize_t)(count * 8);
    if (fd >= 0)
        close(fd);
    free(sums);
    return good;
}

void guard_record(const struct stat *st, bytes file)
{
    struct shelf place = {.fd = -1};
    char path[PATH_MAX];
    if (!is_trusted(st) || (uint64_t)st->st_size != file.len)
        return;
    if (record_path(true, st, &place, path)) {
        shelf_sweep(&place, ENDING, KEPT - 1);
        /* One that is cut short is none. */
        if (!write_record(path, file))
            unlink(path);
    }
    if (place.fd >= 0)
        close(place.fd);
}

/* --- what is wrong --- */

static _Noreturn void leave(const struct guarded *one, size_t block, const char *what)
{
    char text[PATH_MAX + 256];
    if (is_sealed) {
        atomic_store(&claims->block[one - guarded], (uint32_t)block + 1);
        _exit(GUARD_STATUS);
    }
    unlink(one->record);
    int n = snprintf(text, sizeof text,
                     "candor: the definitions in '%s' are damaged: %s (block %zu, bytes %zu to "
                     "%zu): the scan ends here, and what was not reported was not examined\n",
                     one->path, what, block, block * GUARD_BLOCK,
                     block * GUARD_BLOCK + GUARD_BLOCK - 1);
    if (n < 0 || write(2, text, (size_t)n) < 0)
        _exit(FAILED);
    _exit(FAILED);
}

static void check_block(const struct guarded *one, const uint8_t *file, size_t block)
{
    char text[128];
    uint64_t sum = block_sum(file, one->size, block);
    if (sum == one->sums[block])
        return;
    snprintf(text, sizeof text, "checksum %016llx, and not %016llx as when they were checked",
             (unsigned long long)sum, (unsigned long long)one->sums[block]);
    leave(one, block, text);
}

void guard_blame(void)
{
    for (uint32_t i = 0; i < GUARD_MOST; i++) {
        uint32_t claim = claims ? atomic_exchange(&claims->block[i], 0) : 0;
        if (!claim || !guarded[i].map || claim > block_count(&guarded[i]))
            continue;
        fflush(stdout); /* what was found so far was found in what was checked */
        check_block(&guarded[i], guarded[i].alias, claim - 1);
    }
}

/* --- the handler --- */

static bool is_in(struct guarded *one, size_t block)
{
    return atomic_load(&one->in[block / 32]) >> block % 32 & 1;
}

/* Asks for what is wanted in one piece, which takes as long as asking for a page of it. */
static void fetch(const struct guarded *one, size_t from, size_t size)
{
    size_t first = from / READ_AT_ONCE * READ_AT_ONCE;
    size_t end = (from + size + READ_AT_ONCE - 1) / READ_AT_ONCE * READ_AT_ONCE;
    madvise((void *)(uintptr_t)(one->alias + first),
            (end < one->size ? end : one->size) - first, MADV_WILLNEED);
}

/* How many blocks are let in with one, on a border of as many. */
static size_t grain_at(const struct guarded *one, size_t block)
{
    uint32_t count = atomic_fetch_add(&touches, 1);
    size_t grain = count < FINE_TOUCHES ? 1 : count < COARSE_TOUCHES ? MEDIUM : COARSE;
    for (int i = 0; i < PARTS_MOST; i++)
        if (block >= one->dense[i].from && block < one->dense[i].to && grain < DENSE)
            grain = DENSE;
    return grain;
}

/* What is touched in a row is let in by more and more at once; *block becomes the first. */
static size_t choose_blocks(struct guarded *one, size_t *block)
{
    uint32_t run = *block == atomic_load(&one->next) ? atomic_load(&one->run) * 2 : 1;
    size_t count = block_count(one), grain = grain_at(one, *block), n = 1;
    if (run > RUN_MOST)
        run = RUN_MOST;
    /* A second block in a row may be but the end of what lies across a border. */
    while (n < run / 2 && *block + n < count && !is_in(one, *block + n))
        n++;
    if (n < grain) {
        *block &= ~(grain - 1);
        n = grain < count - *block ? grain : count - *block;
    }
    atomic_store(&one->run, run);
    atomic_store(&one->next, (uint32_t)(*block + n));
    return n;
}

static void open_up(const struct guarded *one, size_t block, size_t size)
{
    if (mprotect(one->map + block * GUARD_BLOCK, size, PROT_READ) < 0)
        leave(one, block, "they cannot be mapped");
}

/* Pages that are mapped twice would count twice as memory of this process; and with one that is
 * touched the kernel maps others around it. */
static void forget_alias(const struct guarded *one, size_t from, size_t size)
{
    size_t begin = from / WINDOW * WINDOW, end = (from + size + WINDOW - 1) / WINDOW * WINDOW;
    if (end > one->size)
        end = one->size;
    madvise((void *)(uintptr_t)(one->alias + begin), end - begin, MADV_DONTNEED);
}

static void let_in(struct guarded *one, size_t block)
{
    size_t n = choose_blocks(one, &block), from = block * GUARD_BLOCK, size = n * GUARD_BLOCK;
    if (size > one->size - from)
        size = one->size - from;
    fetch(one, from, size);
    /* A sealed process has one thread: nobody reads them before this is over. */
    if (is_sealed)
        open_up(one, block, size);
    for (size_t i = block; i < block + n; i++)
        if (!is_in(one, i))
            check_block(one, is_sealed ? one->map : one->alias, i);
    if (!is_sealed) {
        open_up(one, block, size);
        forget_alias(one, from, size);
    }
    for (size_t i = block; i < block + n; i++)
        atomic_fetch_or(&one->in[i / 32], UINT32_C(1) << i % 32);
}

static struct guarded *find(uintptr_t at, bool *ret_alias)
{
    for (size_t i = 0; i < GUARD_MOST; i++) {
        uintptr_t map = (uintptr_t)guarded[i].map, alias = (uintptr_t)guarded[i].alias;
        *ret_alias = map && at - alias < guarded[i].size;
        if (map && (*ret_alias || at - map < guarded[i].size))
            return &guarded[i];
    }
    return NULL;
}

/* Not about a ruleset: as if there were no handler. A sealed process may not take its handler
 * away; the signal is blocked while this runs, and what is sent then ends it. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    const struct sigaction *old = &before[number == SIGBUS];
    if (old->sa_flags & SA_SIGINFO)
        old->sa_sigaction(number, info, context);
    else if (!is_sealed)
        signal(number, SIG_DFL);
    else
        *(volatile uint8_t *)info->si_addr = 0;
}

/* Touching a block that was let in traps only where another thread was first, and then once, or
 * where somebody wants to write. */
static bool is_stubborn(uintptr_t at)
{
    static _Thread_local uintptr_t last;
    static _Thread_local uint32_t times;
    times = at == last ? times + 1 : 0;
    last = at;
    return times > STUBBORN;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    bool is_alias;
    uintptr_t at = (uintptr_t)info->si_addr;
    struct guarded *one = find(at, &is_alias);
    size_t block = 0;
    if (one)
        block = (at - (uintptr_t)(is_alias ? one->alias : one->map)) / GUARD_BLOCK;
    if (one && number == SIGBUS)
        leave(one, block, "they became shorter, or cannot be read");
    if (!one || is_alias || (is_in(one, block) && is_stubborn(at)))
        pass_on(number, info, context);
    else if (!is_in(one, block))
        let_in(one, block);
    errno = saved;
}

void guard_arm(bool sealed)
{
    static const int signals[] = {SIGSEGV, SIGBUS};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    is_sealed = sealed;
    for (size_t i = 0; claims && i < COUNT(signals); i++) {
        struct sigaction old;
        sigaction(signals[i], &action, &old);
        if (!(old.sa_flags & SA_SIGINFO) || old.sa_sigaction != on_fault)
            before[i] = old;
    }
}

/* --- mapping --- */

static bool need_claims(void)
{
    if (!claims) {
        void *page = mmap(NULL, sizeof *claims, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        claims = page == MAP_FAILED ? NULL : page;
    }
    return claims != NULL;
}

/* Fills it in, but for `map`, which makes it one. */
static bool prepare(struct guarded *one, int fd, const struct stat *st, uint8_t **ret_map)
{
    one->size = (size_t)st->st_size;
    one->next = 0;
    one->run = 1;
    one->in = calloc(block_count(one) / 32 + 1, sizeof *one->in);
    void *map = mmap(NULL, one->size, PROT_NONE, MAP_PRIVATE, fd, 0);
    void *alias = mmap(NULL, one->size, PROT_READ, MAP_PRIVATE, fd, 0);
    one->alias = alias == MAP_FAILED ? NULL : alias;
    *ret_map = map == MAP_FAILED ? NULL : map;
    /* Not the megabytes around what is touched, as a disk's setting may ask for. */
    if (*ret_map)
        madvise(map, one->size, MADV_RANDOM);
    if (one->alias)
        madvise(alias, one->size, MADV_RANDOM);
    return one->in && *ret_map && one->alias;
}

static void release(struct guarded *one, uint8_t *map)
{
    free(one->sums);
    free(one->in);
    if (map)
        munmap(map, one->size);
    if (one->alias)
        munmap((void *)(uintptr_t)one->alias, one->size);
    *one = (struct guarded){0};
}

/* For people: where the file lies, however it was opened. */
static void find_path(int fd, char ret[PATH_MAX])
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, ret, PATH_MAX - 1);
    ret[n < 0 ? 0 : n] = 0;
}

int guard_map(int fd, const struct stat *st, void **ret)
{
    struct guarded *one = guarded;
    struct shelf place = {.fd = -1};
    uint8_t *map = NULL;
    while (one < guarded + GUARD_MOST && one->map)
        one++;
    if (one == guarded + GUARD_MOST || sysconf(_SC_PAGESIZE) > GUARD_BLOCK || !is_trusted(st) ||
        !need_claims())
        return -ENOENT;
    if (record_path(false, st, &place, one->record))
        one->sums = read_record(one->record, st);
    if (place.fd >= 0)
        close(place.fd);
    if (!one->sums)
        return -ENOENT;
    if (!prepare(one, fd, st, &map)) {
        release(one, map);
        return -ENOENT;
    }
    find_path(fd, one->path);
    one->map = map;
    guard_arm(false);
    *ret = map;
    return 0;
}

void guard_dense(void *map, bytes part)
{
    for (size_t i = 0; i < GUARD_MOST; i++)
        for (int k = 0; map && guarded[i].map == map && k < PARTS_MOST; k++) {
            if (guarded[i].dense[k].to || !part.len)
                continue;
            size_t from = (size_t)(part.at - guarded[i].map);
            guarded[i].dense[k].from = from / GUARD_BLOCK;
            guarded[i].dense[k].to = (from + part.len - 1) / GUARD_BLOCK + 1;
            return;
        }
}

bool guard_unmap(void *map)
{
    for (size_t i = 0; i < GUARD_MOST; i++)
        if (map && guarded[i].map == map) {
            release(&guarded[i], map);
            return true;
        }
    return false;
}
