/* picture_tool: reads names of files, one a line; writes "NUMBER HASH" of each that has a hash.
 * For tests/oracle/pictures.py. */
#include "picture/picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA = 1 << 28, FILE_MAX = 1 << 26 };

static bool read_file(const char *name, uint8_t *to, size_t *ret_size)
{
    FILE *file = fopen(name, "rb");
    if (!file)
        return false;
    *ret_size = fread(to, 1, FILE_MAX, file);
    fclose(file);
    return true;
}

int main(void)
{
    char line[4096];
    struct arena *arena = arena_new(ARENA);
    uint8_t *data = malloc(FILE_MAX);
    if (!arena || !data)
        return 1;
    for (unsigned number = 1; fgets(line, sizeof line, stdin); number++) {
        struct budget budget = {.steps = UINT64_C(1) << 36};
        uint64_t hash;
        size_t size;
        line[strcspn(line, "\n")] = 0;
        if (read_file(line, data, &size) &&
            picture_hash((bytes){data, size}, arena, &budget, &hash) == PICTURE_READ)
            printf("%u %016" PRIx64 "\n", number, hash);
    }
    arena_free(arena);
    free(data);
    return 0;
}
