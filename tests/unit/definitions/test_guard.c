/* The steps in which blocks are let in: one at a time, 16 after 8,192 touches, 512 after
 * 16,384. In each, a damaged block ends whoever lets it in, and nobody else. The touches of a
 * process are counted over all its mappings, so that a file of 32 MiB reaches all steps. */
#include "definitions/guard.h"
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BLOCKS = 8193,
    SIZE = (BLOCKS - 1) * GUARD_BLOCK + 1000, /* the last one is cut short */
    STEP = 8192,                              /* touches */
    FRONT = 24,
    DAMAGED = 2,
    UNTOUCHED = UINT32_MAX,
};

static char folder[] = "/tmp/test_guard.XXXXXX";
static char file[64], record[512], good[128 << 10];
static size_t record_size;
static uint8_t *content;
static struct stat st;

/* --- the file and its record --- */

static void make_file(void)
{
    uint64_t state = 1;
    content = malloc(SIZE);
    for (size_t i = 0; content && i < SIZE; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        content[i] = (uint8_t)(state >> 56);
    }
    snprintf(file, sizeof file, "%s/set", folder);
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(content && fd >= 0 && write(fd, content, SIZE) == SIZE && fstat(fd, &st) == 0);
    close(fd);
}

static void find_record(void)
{
    char cache[64];
    snprintf(cache, sizeof cache, "%s/candor", folder);
    DIR *list = opendir(cache);
    struct dirent *entry;
    while (list && (entry = readdir(list)))
        if (strstr(entry->d_name, ".checked"))
            snprintf(record, sizeof record, "%s/%s", cache, entry->d_name);
    if (list)
        closedir(list);
}

static void write_record(const char *from)
{
    int fd = open(record, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, from, record_size) == (ssize_t)record_size);
    close(fd);
}

/* From now on the block is not what it was; UNTOUCHED: all are. */
static void damage(uint32_t block)
{
    char changed[sizeof good];
    uint64_t sum;
    memcpy(changed, good, record_size);
    if (block != UNTOUCHED)
        changed[FRONT + 8 * (size_t)block] ^= 1;
    sum = hash64((bytes){(uint8_t *)changed + FRONT, record_size - FRONT}, SIZE);
    memcpy(changed + 16, &sum, sizeof sum);
    write_record(changed);
}

static uint8_t *map_file(void)
{
    void *map = NULL;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    int error = guard_map(fd, &st, &map);
    close(fd);
    return error ? NULL : map;
}

/* Whether the block reads as it was written. */
static bool is_same(const uint8_t *map, uint32_t block)
{
    size_t from = (size_t)block * GUARD_BLOCK;
    size_t size = from + GUARD_BLOCK <= SIZE ? GUARD_BLOCK : SIZE - from;
    return memcmp(map + from, content + from, size) == 0;
}

/* --- touching --- */

static _Noreturn void touch_and_end(const uint8_t *map, uint32_t block, bool sealed)
{
    if (!sealed)
        _exit(is_same(map, block) ? 0 : 1);
    pid_t child = fork();
    int status;
    if (child == 0) {
        guard_arm(true);
        _exit(is_same(map, block) ? 0 : 1);
    }
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
        _exit(1);
    if (WEXITSTATUS(status) == GUARD_STATUS)
        guard_blame();
    _exit(WEXITSTATUS(status));
}

/* The exit status of a process that touches `block` while `wrong` is damaged, and whether it
 * named that. */
static int touch(uint32_t block, uint32_t wrong, bool sealed, bool *ret_named)
{
    char said[4096] = "", name[32];
    int ends[2], status = -1;
    damage(wrong);
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        uint8_t *map = map_file();
        if (!map)
            _exit(1);
        touch_and_end(map, block, sealed);
    }
    close(ends[1]);
    size_t n = 0;
    for (ssize_t got; (got = read(ends[0], said + n, sizeof said - 1 - n)) > 0;)
        n += (size_t)got;
    close(ends[0]);
    waitpid(child, &status, 0);
    snprintf(name, sizeof name, "(block %u,", wrong);
    *ret_named = strstr(said, name) != NULL;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Blocks from..to are let in together with `wrong`, and no others. */
static void expect_piece(uint32_t from, uint32_t to, uint32_t wrong)
{
    const uint32_t inside[] = {from, to, wrong}, outside[] = {from - 1, to + 1};
    for (int sealed = 0; sealed < 2; sealed++) {
        bool named;
        for (size_t i = 0; i < COUNT(inside); i++) {
            CHECK_INT(touch(inside[i], wrong, sealed, &named), DAMAGED);
            CHECK(named && access(record, F_OK) < 0);
        }
        for (size_t i = 0; i < COUNT(outside); i++)
            if (outside[i] < BLOCKS) {
                CHECK_INT(touch(outside[i], wrong, sealed, &named), 0);
                CHECK(!named && access(record, F_OK) == 0);
            }
    }
}

/* Touches each `stride`th block, backwards so that none are touched in a row. */
static uint32_t touch_all(uint32_t stride)
{
    uint32_t count = 0, wrong = 0;
    damage(UNTOUCHED);
    uint8_t *map = map_file();
    for (uint32_t i = BLOCKS; map && i-- > 0;)
        if (i % stride == 0) {
            wrong += !is_same(map, i);
            count++;
        }
    CHECK(map && !wrong);
    CHECK(guard_unmap(map));
    return count;
}

/* Each block, forwards. */
static void read_all(void)
{
    uint32_t wrong = 0;
    damage(UNTOUCHED);
    uint8_t *map = map_file();
    for (uint32_t i = 0; map && i < BLOCKS; i++)
        wrong += !is_same(map, i);
    CHECK(map && !wrong && guard_unmap(map));
}

static void test_steps(void)
{
    uint32_t count = 0;
    expect_piece(100, 100, 100);
    expect_piece(BLOCKS - 1, BLOCKS - 1, BLOCKS - 1);
    while (count < STEP)
        count += touch_all(2);
    expect_piece(96, 111, 100);
    expect_piece(96, 111, 111);
    expect_piece(BLOCKS - 1, BLOCKS - 1, BLOCKS - 1);
    while (count < 2 * STEP)
        count += touch_all(16);
    expect_piece(512, 1023, 700);
    expect_piece(512, 1023, 512);
    expect_piece(BLOCKS - 1, BLOCKS - 1, BLOCKS - 1);
    read_all();
}

/* Two mappings that are in use while the step comes: what is let in before stays. */
static void test_border(void)
{
    uint32_t wrong = 0;
    damage(UNTOUCHED);
    uint8_t *map = map_file();
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout)) /* its checks are not this process's */
            _exit(1);
        for (uint32_t i = 0; map && i < BLOCKS; i += 3)
            wrong += !is_same(map, i);
        for (uint32_t round = 0; round < 5; round++)
            touch_all(2);
        for (uint32_t i = BLOCKS; i-- > 0;)
            wrong += !is_same(map, i);
        _exit(wrong != 0 || tap_failed);
    }
    int status = -1;
    CHECK(map && waitpid(child, &status, 0) == child && status == 0);
    CHECK(guard_unmap(map));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* children must not write it once more */
    CHECK(mkdtemp(folder) && setenv("XDG_CACHE_HOME", folder, 1) == 0);
    make_file();
    guard_record(&st, (bytes){content, SIZE});
    find_record();
    int fd = open(record, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, good, sizeof good);
    close(fd);
    record_size = got < 0 ? 0 : (size_t)got;
    CHECK_INT(record_size, FRONT + 8 * BLOCKS);
    if (record_size == FRONT + 8 * BLOCKS) {
        test_border(); /* the child's touches are not counted here */
        test_steps();
    }
    free(content);
    unlink(record);
    unlink(file);
    char cache[64];
    snprintf(cache, sizeof cache, "%s/candor", folder);
    rmdir(cache);
    CHECK(rmdir(folder) == 0);
    return tap_done();
}
