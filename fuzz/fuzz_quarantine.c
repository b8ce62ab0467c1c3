/* The header of an entry in quarantine is read or refused; what was read is sound, and written
 * again it reads the same. */
#include "quarantine/entry.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct entry_facts *facts)
{
    uint64_t end = 0;
    if (facts->mode > 07777 || facts->path.len < 2 || facts->path.at[0] != '/' ||
        bytes_find(facts->path, bytes_of("/../"), 0) != SIZE_MAX)
        abort();
    for (uint32_t i = 0; i < facts->extent.n; i++) {
        if (facts->extent.at[i].at < end || facts->extent.at[i].len > facts->size)
            abort();
        end = facts->extent.at[i].at + facts->extent.at[i].len;
    }
    if (end > facts->size || facts->findings < facts->finding.n)
        abort();
    for (uint32_t i = 0; i < facts->attribute.n; i++)
        if (!facts->attribute.at[i].name.len || facts->attribute.at[i].name.len > 255)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    struct entry_facts facts, again;
    struct why why;
    bytes raw;
    if (!arena)
        arena = arena_new((size_t)64 << 20);
    uint8_t *copy = malloc(size ? size : 1); /* exact: ASan sees a byte too far */
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    arena_reset(arena);
    if (entry_decode((bytes){copy, size}, arena, &facts, &why) == 0) {
        look(&facts);
        if (entry_encode(&facts, arena, &raw, &why) < 0 ||
            entry_decode(raw, arena, &again, &why) < 0 ||
            !bytes_equal(facts.path, again.path) || facts.extent.n != again.extent.n ||
            facts.attribute.n != again.attribute.n || facts.finding.n != again.finding.n)
            abort();
    }
    free(copy);
    return 0;
}
