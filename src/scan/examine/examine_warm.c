/* What libraries do at their first use, done before a worker is sealed. */
#include "scan/examine/examine.h"
#include "shim/charset.h"
#include "shim/crypto.h"
#include "shim/jsontree.h"
#include "shim/magic.h"

#include <stdlib.h>
#include <string.h>

static bool uses_module(const struct examine_options *options, const char *name)
{
    for (int i = 0; i < options->set_count; i++) {
        const struct ruleset *set = &options->sets[i].set;
        for (uint32_t k = 0; k < set->module_count; k++)
            if (strcmp(ruleset_text(set, set->modules[k].name), name) == 0)
                return true;
    }
    return false;
}

static int by_value(const void *a, const void *b)
{
    return *(const uint8_t *)a - *(const uint8_t *)b;
}

void examine_warm(const struct examine_options *options)
{
    struct arena *arena = arena_new(1 << 20);
    struct jsontree *tree;
    uint8_t many[4096] = {0};
    crypto_warm();
    charset_warm();
    /* glibc asks for the size of memory when it first sorts more than a kilobyte. */
    qsort(many, sizeof many, 1, by_value);
    if (arena && uses_module(options, "magic")) {
        magic_describe(bytes_of("x"), false, arena);
        magic_describe(bytes_of("x"), true, arena);
    }
    /* jansson reads the seed of its tables. */
    if (arena && jsontree_parse(bytes_of("{\"a\":1}"), arena, &tree, NULL) < 0)
        arena_reset(arena);
    arena_free(arena);
}
