/* Files of keys, in whatever form: none may do harm, and what comes out is described. */
#include "rescue/key.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(64 << 20);
    struct keyring ring = {0};
    struct why why;
    char text[80];
    if (!keyring_add(&ring, (bytes){data, size}, bytes_of("fuzz"), arena, &why) &&
        !ring.key.n && !ring.number.n && !ring.sealed.n)
        abort();
    for (uint32_t i = 0; i < ring.key.n; i++)
        (void)key_describe(&ring.key.at[i], text, sizeof text);
    arena_free(arena);
    return 0;
}
