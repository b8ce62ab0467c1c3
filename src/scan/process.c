/* proc(5): a line of maps is "start-end perms offset major:minor inode path". An entry of
 * pagemap is 64 bits a page: 63 present, 62 swapped, 61 file-backed or shared. */
#include "scan/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 512 }; /* pages looked up, or read, at once */

struct region {
    uint64_t start, end;
    bool readable, has_file;
};

static bool parse_region(const char *line, struct region *ret)
{
    char perms[5], path[2] = "";
    uint64_t inode;
    int n = sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*x:%*x %" SCNu64 " %1s", &ret->start,
                   &ret->end, perms, &inode, path);
    ret->readable = perms[0] == 'r';
    ret->has_file = path[0] == '/';
    return n >= 4 && ret->end > ret->start;
}

/* Reads pages; those that cannot be read stay zero. */
static void read_run(int mem, uint8_t *to, uint64_t at, size_t pages, size_t page)
{
    size_t size = pages * page;
    if (pread(mem, to, size, (off_t)at) == (ssize_t)size)
        return;
    for (size_t i = 0; pages > 1 && i < pages; i++)
        read_run(mem, to + i * page, at + i * page, 1, page);
}

static void read_block(int mem, int pagemap, uint8_t *to, uint64_t at, uint64_t size,
                       bool has_file)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint64_t entries[PAGES];
    for (uint64_t done = 0; done < size;) {
        size_t pages = (size_t)((size - done) / page);
        if (pages == 0)
            break;
        pages = pages > PAGES ? PAGES : pages;
        bool known = !has_file && pagemap >= 0 &&
                     pread(pagemap, entries, pages * sizeof *entries,
                           (off_t)((at + done) / page * sizeof *entries)) ==
                         (ssize_t)(pages * sizeof *entries);
        for (size_t i = 0; i < pages;) {
            size_t run = i;
            while (run < pages && (!known || entries[run] >> 61))
                run++;
            if (run > i)
                read_run(mem, to + done + i * page, at + done + i * page, run - i, page);
            i = run + 1;
        }
        done += pages * page;
    }
}

static int add_block(struct process *process, uint64_t at, uint64_t size, int mem, int pagemap,
                     bool has_file)
{
    if (process->count == process->room) {
        uint32_t room = process->room ? process->room * 2 : 64;
        struct block *blocks = realloc(process->blocks, room * sizeof *blocks);
        if (!blocks)
            return -ENOMEM;
        process->blocks = blocks;
        process->room = room;
    }
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return -errno;
    read_block(mem, pagemap, map, at, size, has_file);
    process->blocks[process->count++] = (struct block){.data = {map, size}, .base = at};
    return 0;
}

int process_open(struct process *process, long pid, uint64_t chunk)
{
    char path[64], *line = NULL;
    size_t room = 0;
    *process = (struct process){0};
    snprintf(path, sizeof path, "/proc/%ld/maps", pid);
    FILE *maps = fopen(path, "re");
    snprintf(path, sizeof path, "/proc/%ld/mem", pid);
    int mem = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%ld/pagemap", pid);
    int pagemap = open(path, O_RDONLY | O_CLOEXEC);
    int error = maps && mem >= 0 ? 0 : -EPERM;
    while (!error && getline(&line, &room, maps) > 0) {
        struct region region;
        if (!parse_region(line, &region) || !region.readable || region.start > INT64_MAX)
            continue;
        for (uint64_t at = region.start; at < region.end && !error; at += chunk) {
            uint64_t size = region.end - at < chunk ? region.end - at : chunk;
            error = add_block(process, at, size, mem, pagemap, region.has_file);
        }
    }
    free(line);
    if (maps)
        fclose(maps);
    if (mem >= 0)
        close(mem);
    if (pagemap >= 0)
        close(pagemap);
    return error;
}

void process_close(struct process *process)
{
    for (uint32_t i = 0; i < process->count; i++)
        munmap((void *)(uintptr_t)process->blocks[i].data.at, process->blocks[i].data.len);
    free(process->blocks);
    *process = (struct process){0};
}
