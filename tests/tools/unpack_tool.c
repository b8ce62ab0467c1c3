/* unpack_tool — what src/unpack finds in a file, as lines that tests compare:
 *
 *     unpack_tool [-p PASSWORD]... [-n NAME] [-d DEPTH] [-m MEMBERS] [-b BYTES] [-k] FILE
 *
 *     object SIZE SHA256 [partial] PATH      gap KIND PATH: TEXT
 *
 * PATH is the names from the outside to the inside, joined by " > "; FILE itself is "". Bytes
 * that cannot be printed are \xNN. -k prints the kind of FILE only. */
#include "shim/digest.h"
#include "unpack/unpack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PASSWORDS = 32 };

#define REGION_SIZE ((size_t)16 << 30)
#define ARENA_MAX   ((size_t)1 << 30)
#define STEPS       (UINT64_C(1) << 40)

static void print_name(bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] >= ' ' && name.at[i] < 0x7f && name.at[i] != '\\')
            putchar(name.at[i]);
        else
            printf("\\x%02x", name.at[i]);
}

static void print_path(const struct unpack *parent, bytes name)
{
    if (parent && parent->depth > 0) {
        print_path(parent->up, parent->name);
        printf(" > ");
    }
    print_name(name);
}

static bool on_child(void *to, const struct unpack *parent, const struct unpack_child *child)
{
    uint8_t sum[32];
    struct unpack_run *run = to;
    if (!digest_parts(DIGEST_SHA256, &child->data, 1, sum))
        return false;
    printf("object %zu ", child->data.len);
    for (size_t i = 0; i < sizeof sum; i++)
        printf("%02x", sum[i]);
    printf(child->partial ? " partial " : " ");
    print_path(parent, child->name);
    printf("\n");
    unpack_object(run, parent, child->name, child->data);
    return true;
}

static void on_gap(void *to, const struct unpack *parent, bytes member, enum gap gap,
                   const char *text)
{
    (void)to;
    printf("gap %s ", gap_word(gap));
    if (member.len)
        print_path(parent, member);
    else if (parent->depth > 0)
        print_path(parent->up, parent->name);
    printf(": %s\n", text);
}

static bytes read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    bytes ret = {NULL, 0};
    if (file && fseek(file, 0, SEEK_END) == 0) {
        long size = ftell(file);
        uint8_t *at = size > 0 ? malloc((size_t)size) : NULL;
        rewind(file);
        if (at && fread(at, 1, (size_t)size, file) == (size_t)size)
            ret = (bytes){at, (size_t)size};
        fclose(file);
    } else {
        perror(path);
        exit(2);
    }
    return ret;
}

static uint64_t number(const char *text)
{
    return strtoull(text ? text : "0", NULL, 0);
}

int main(int argc, char **argv)
{
    static bytes passwords[PASSWORDS];
    struct budget budget = {.steps = STEPS};
    struct region region = {.size = REGION_SIZE};
    struct unpack_run run = {.limits = {32, 1 << 20, 8ull << 30, 2ull << 30, PASSWORDS},
                             .passwords = passwords,
                             .budget = &budget,
                             .region = &region,
                             .arena = arena_new(ARENA_MAX),
                             .sink = {.to = &run, .child = on_child, .gap = on_gap}};
    const char *path = NULL, *name = "";
    bool kind = false;
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-')
            path = argv[i];
        else if (argv[i][1] == 'p' && run.password_count < PASSWORDS && argv[i + 1])
            passwords[run.password_count++] = bytes_of(argv[++i]);
        else if (argv[i][1] == 'n' && argv[i + 1])
            name = argv[++i];
        else if (argv[i][1] == 'd')
            run.limits.depth = (uint32_t)number(argv[++i]);
        else if (argv[i][1] == 'm')
            run.limits.members = number(argv[++i]);
        else if (argv[i][1] == 'b')
            run.limits.bytes = run.limits.one = number(argv[++i]);
        else if (argv[i][1] == 'k')
            kind = true;
    region.at = mmap(NULL, region.size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!path || !run.arena || region.at == MAP_FAILED) {
        fputs("usage: unpack_tool [-p PASSWORD]... [-n NAME] [-d DEPTH] [-m MEMBERS] [-b "
              "BYTES] [-k] "
              "FILE\n",
              stderr);
        return 2;
    }
    bytes data = read_file(path);
    const char *found = unpack_kind(data);
    if (kind)
        printf("%s\n", found ? found : "");
    else
        unpack_object(&run, NULL, bytes_of(name), data);
    arena_free(run.arena);
    free((void *)(uintptr_t)data.at);
    return 0;
}
