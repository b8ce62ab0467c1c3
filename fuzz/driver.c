/* driver — runs a fuzz target without a fuzzer: every seed, then a fixed series of mutations.
 *
 * usage: fuzz_NAME [-n MUTATIONS] [FILE|DIRECTORY]...
 *
 * What `make test` runs, and what reproduces a crash (`fuzz_NAME FILE`). Deterministic: the
 * same seeds and the same count give the same inputs. `make fuzz` links libFuzzer instead. An
 * input that kills the target is written to ./crash-NAME. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 16, SEEDS_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

struct seed {
    uint8_t *data;
    size_t size;
};

static struct seed seeds[SEEDS_MAX];
static size_t seed_count;
static struct seed running;
static char crash_path[256] = "crash";
static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static size_t random_below(size_t n)
{
    return n ? (size_t)(random_next() % n) : 0;
}

static void crash_save(void)
{
    int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd >= 0 && write(fd, running.data, running.size) == (ssize_t)running.size)
        dprintf(STDERR_FILENO, "the input is in %s (%zu bytes)\n", crash_path, running.size);
}

static void crash_signal(int number)
{
    crash_save();
    signal(number, SIG_DFL);
    raise(number);
}

/* The target gets an allocation of exactly the input's size, so that ASan sees one byte over.
 */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    if (size)
        memcpy(copy, data, size);
    running = (struct seed){copy, size};
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void seed_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || seed_count == SEEDS_MAX) {
        fprintf(stderr, "%s: %s\n", path, fd < 0 ? strerror(errno) : "too many seeds");
        exit(2);
    }
    uint8_t *data = malloc(INPUT_MAX);
    size_t size = 0;
    ssize_t got = 0;
    while (data && size < INPUT_MAX && (got = read(fd, data + size, INPUT_MAX - size)) > 0)
        size += (size_t)got;
    close(fd);
    seeds[seed_count++] = (struct seed){data, size};
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The order of a directory is the file system's: sorted, so that the series stays the same. */
static void seeds_read(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
        seed_read(path);
        return;
    }
    DIR *dir = opendir(path);
    char *names[SEEDS_MAX];
    size_t count = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir)) && count < SEEDS_MAX;)
        if (entry->d_name[0] != '.' &&
            asprintf(&names[count], "%s/%s", path, entry->d_name) > 0)
            count++;
    if (dir)
        closedir(dir);
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; i++) {
        seed_read(names[i]);
        free(names[i]);
    }
}

/* Bytes and numbers that parsers trip over. */
static uint8_t interesting(void)
{
    static const uint8_t list[] = {0, 1, 0x7f, 0x80, 0xff, '{', '}', '(', ')', '"', '\\', '\n'};
    return list[random_below(sizeof list)];
}

static size_t mutate(uint8_t *data, size_t size)
{
    for (size_t i = 1 + random_below(6); i > 0; i--) {
        size_t at = random_below(size), span = 1 + random_below(32);
        switch (random_below(7)) {
        case 0:
            if (size)
                data[at] ^= (uint8_t)(1u << random_below(8));
            break;
        case 1:
            if (size)
                data[at] = interesting();
            break;
        case 2:
            if (size)
                data[at] = (uint8_t)random_next();
            break;
        case 3: /* cut out a piece */
            span = span < size - at ? span : size - at;
            memmove(data + at, data + at + span, size - at - span);
            size -= span;
            break;
        case 4: /* repeat a piece */
            span = span < size - at ? span : size - at;
            if (size + span <= INPUT_MAX) {
                memmove(data + at + span, data + at, size - at);
                size += span;
            }
            break;
        case 5: /* cut short */
            if (random_below(4) == 0)
                size = at;
            break;
        default: { /* a piece of another seed */
            const struct seed *other = &seeds[random_below(seed_count)];
            size_t from = random_below(other->size);
            span = span < other->size - from ? span : other->size - from;
            span = span < size - at ? span : size - at;
            if (span)
                memcpy(data + at, other->data + from, span);
        }
        }
    }
    return size;
}

int main(int argc, char **argv)
{
    size_t mutations = 0;
    int at = 1;
    const char *name = strrchr(argv[0], '/');
    snprintf(crash_path, sizeof crash_path, "crash-%s", name ? name + 1 : argv[0]);
    signal(SIGABRT, crash_signal);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(crash_save);
    else
        signal(SIGSEGV, crash_signal);
    if (argc > 2 && strcmp(argv[1], "-n") == 0) {
        mutations = strtoul(argv[2], NULL, 10);
        at = 3;
    }
    for (; at < argc; at++)
        seeds_read(argv[at]);
    run((const uint8_t *)"", 0);
    for (size_t i = 0; i < seed_count; i++)
        run(seeds[i].data, seeds[i].size);
    uint8_t *data = malloc(INPUT_MAX);
    for (size_t i = 0; data && seed_count && i < mutations; i++) {
        const struct seed *seed = &seeds[i % seed_count];
        memcpy(data, seed->data, seed->size);
        run(data, mutate(data, seed->size));
    }
    printf("%zu seeds, %zu mutations\n", seed_count, seed_count ? mutations : 0);
    free(data);
    while (seed_count > 0)
        free(seeds[--seed_count].data);
    return 0;
}
