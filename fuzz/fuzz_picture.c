/* Target: pictures to hashes. Property: a picture that is read again has the same hash; the
 * arena is given back. */
#include "picture/picture.h"

#include <stdlib.h>

#define MEMORY ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(MEMORY);
    uint64_t first = 0, again = 1;
    enum picture_state states[2];
    for (int i = 0; arena && i < 2; i++) {
        struct budget budget = {.steps = 20000000};
        states[i] = picture_hash((bytes){data, size}, arena, &budget, i ? &again : &first);
        if (arena_used(arena))
            abort();
    }
    if (!arena || states[0] != states[1] || (states[0] == PICTURE_READ && first != again))
        abort();
    arena_free(arena);
    return 0;
}
