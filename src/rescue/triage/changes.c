#include "rescue/triage/changes.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PLACES = 512, WRITERS_MOST = 16 };

struct place {
    bytes path;
    int64_t size, seconds;
    long nanoseconds;
};

struct changes_look {
    struct arena *arena;
    struct place place[PLACES];
    uint32_t n;
};

struct changes_look *changes_look_new(struct arena *arena)
{
    struct changes_look *look = PUSH(arena, struct changes_look);
    if (look)
        look->arena = arena;
    return look;
}

void changes_look_add(struct changes_look *look, bytes path, int64_t size, int64_t seconds,
                      long nanoseconds)
{
    struct place *to = look->n < PLACES ? &look->place[look->n] : NULL;
    if (!to) {
        /* The oldest of all makes room for one that is younger. */
        to = &look->place[0];
        for (uint32_t i = 1; i < PLACES; i++)
            if (look->place[i].seconds < to->seconds)
                to = &look->place[i];
        if (to->seconds >= seconds)
            return;
    }
    bytes copy = arena_copy(look->arena, path);
    if (!copy.at)
        return;
    look->n += look->n < PLACES;
    *to = (struct place){copy, size, seconds, nanoseconds};
}

static void see_again(const struct changes_look *look, struct changes *ret)
{
    for (uint32_t i = 0; i < look->n; i++) {
        const struct place *place = &look->place[i];
        struct stat facts;
        bool there = lstat((const char *)place->path.at, &facts) == 0;
        ret->looked++;
        if (there && facts.st_size == place->size && facts.st_mtim.tv_sec == place->seconds &&
            facts.st_mtim.tv_nsec == place->nanoseconds)
            continue;
        ret->changed++;
        if (!ret->sample.at)
            ret->sample = place->path;
    }
}

/* --- who writes --- */

static bool is_below(const char *path, const char *const *roots, int count)
{
    for (int i = 0; i < count; i++) {
        size_t len = strlen(roots[i]);
        while (len > 1 && roots[i][len - 1] == '/')
            len--;
        if (strncmp(path, roots[i], len) == 0 && (path[len] == '/' || !path[len] || len == 1))
            return true;
    }
    return false;
}

static bool open_for_writing(int pid, const char *descriptor)
{
    char path[64], line[128];
    unsigned flags = 0;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%.16s", pid, descriptor);
    FILE *in = fopen(path, "re");
    while (in && fgets(line, sizeof line, in))
        if (sscanf(line, "flags: %o", &flags) == 1)
            break;
    if (in)
        fclose(in);
    return (flags & O_ACCMODE) != O_RDONLY;
}

static void name_of(int pid, char *ret, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    FILE *in = fopen(path, "re");
    ret[0] = 0;
    if (in && fgets(ret, (int)size, in))
        ret[strcspn(ret, "\n")] = 0;
    if (in)
        fclose(in);
}

static void look_at_process(int pid, const char *const *roots, int count, struct arena *arena,
                            struct changes *ret)
{
    char path[64], file[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *descriptors = opendir(path);
    for (struct dirent *entry; descriptors && (entry = readdir(descriptors));) {
        ssize_t n = readlinkat(dirfd(descriptors), entry->d_name, file, sizeof file - 1);
        if (n <= 0)
            continue;
        file[n] = 0;
        if (file[0] != '/' || !is_below(file, roots, count) ||
            !open_for_writing(pid, entry->d_name))
            continue;
        struct change_writer *writer = vec_push(arena, &ret->writer);
        if (writer) {
            writer->pid = pid;
            name_of(pid, writer->name, sizeof writer->name);
            snprintf(writer->file, sizeof writer->file, "%.255s", file);
        }
        break;
    }
    if (descriptors)
        closedir(descriptors);
}

void changes_look_again(const struct changes_look *look, const char *const *roots, int count,
                        struct changes *ret)
{
    *ret = (struct changes){0};
    see_again(look, ret);
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes && (entry = readdir(processes));) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        if (*end || pid <= 0 || pid > INT_MAX || pid == getpid() ||
            ret->writer.n >= WRITERS_MOST)
            continue;
        look_at_process((int)pid, roots, count, look->arena, ret);
    }
    if (processes)
        closedir(processes);
}
