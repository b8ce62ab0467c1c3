#include "scan/later.h"

#include <stdlib.h>
#include <sys/mman.h>

/* Bytes of objects that wait. Pages that were never written to cost nothing. */
#define ROOM ((size_t)4 << 20)

bool later_new(const struct definitions *sets, int set_count, struct hash_later **ret)
{
    uint32_t count = 0;
    for (int i = 0; i < set_count; i++)
        count += sets[i].set.hash_count;
    struct hash_later *later = count ? calloc(1, sizeof *later) : NULL;
    if (!later)
        return !count;
    *ret = later;
    for (int i = 0; i < set_count && i < HASH_LATER_TABLES; i++)
        later->tables[later->table_count++] = &sets[i].set.hashes;
    void *at = mmap(NULL, ROOM, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    later->room = at == MAP_FAILED ? NULL : at;
    later->size = ROOM;
    hash_later_begin(later);
    return later->room != NULL;
}

struct hash_later *later_free(struct hash_later *later)
{
    if (later && later->room)
        munmap(later->room, ROOM);
    free(later);
    return NULL;
}
