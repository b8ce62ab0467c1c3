/* module_dump MODULE FILE [DATA] — one module's tree for one file, as `yara -D` prints it. DATA
 * is what `yara -x MODULE=DATA` would hand to the module. */
#include "yara/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bytes file_map(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        perror(path);
        exit(2);
    }
    void *at = NULL;
    if (st.st_size)
        at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (at == MAP_FAILED) {
        perror(path);
        exit(2);
    }
    return (bytes){at, (size_t)st.st_size};
}

static void to_stdout(void *to, bytes text)
{
    (void)to;
    fwrite(text.at, 1, text.len, stdout);
}

int main(int argc, char **argv)
{
    const struct module *module = argc >= 3 ? module_find(bytes_of(argv[1])) : NULL;
    if (!module) {
        fprintf(stderr, "usage: module_dump MODULE FILE [DATA]; modules:");
        for (const struct module *const *row = module_table; *row; row++)
            fprintf(stderr, " %s", (*row)->name);
        fprintf(stderr, "\n");
        return 2;
    }
    struct block block = {.data = file_map(argv[2])};
    struct budget budget = {.steps = UINT64_C(1) << 36};
    struct module_input in = {.blocks = &block,
                              .block_count = 1,
                              .arena = arena_new(256 << 20),
                              .budget = &budget,
                              .extra = argc > 3 ? file_map(argv[3]) : (bytes){0},
                              .now = time(NULL)};
    int error = module->load(&in);
    if (!error)
        error = object_fill_all(&in, in.root);
    if (error) {
        fprintf(stderr, "module_dump: '%s': error %d\n", argv[2], error);
        return 2;
    }
    dump_module(module->name, in.root, to_stdout, NULL);
    if (budget.hit != LIMIT_NONE)
        fprintf(stderr, "module_dump: '%s': limit %d\n", argv[2], (int)budget.hit);
    arena_free(in.arena);
    return 0;
}
