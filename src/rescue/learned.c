#include "rescue/learned.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define STEPS ((uint64_t)1 << 36)

int learned_add(struct learned *learned, struct pair pair, struct why *why)
{
    if (learned->count == LEARNED_PAIRS || pair.plain.fd < 0 || pair.encrypted.fd < 0)
        return fail(why, EINVAL, "too many pairs");
    learned->pair[learned->count++] = pair;
    return 0;
}

int learned_make(struct learned *learned, bytes extension, const volatile bool *stop,
                 struct why *why)
{
    struct budget budget = {.steps = STEPS, .stop = stop};
    learned->useful = false;
    learned->arena = learned->arena ? learned->arena : arena_new(PAIR_ARENA);
    if (!learned->arena)
        return fail(why, ENOMEM, "no memory for pairs");
    arena_reset(learned->arena);
    int error = pair_learn(learned->pair, learned->count, learned->arena, &budget,
                           &learned->scheme, why);
    const struct pair_scheme *scheme = &learned->scheme;
    /* A stream that is longer than is held here is for those who hold more: rescue pair. */
    bool stream = scheme->method == PAIR_XOR || scheme->method == PAIR_ADD;
    learned->useful = !error && scheme->pairs && scheme->method != PAIR_CIPHER &&
                      scheme->method != PAIR_SAME && (!stream || scheme->key.len);
    learned->extension_len = extension.len < LEARNED_EXTENSION ? extension.len : 0;
    memcpy(learned->extension, extension.at, learned->extension_len);
    for (size_t i = 0; i < learned->count; i++) {
        close(learned->pair[i].plain.fd);
        close(learned->pair[i].encrypted.fd);
    }
    learned->count = 0;
    return error == -ENODATA ? 0 : error;
}

int learned_open(const struct learned *learned, const struct source *source,
                 struct arena *arena, struct recipe *ret, struct why *why)
{
    if (!learned->useful)
        return fail(why, ENOTSUP, "no original shows how to undo it");
    int error = pair_recipe(&learned->scheme, source, arena, ret, why);
    if (!error && ret->lost)
        return fail(why, ENODATA,
                    "the originals reach as far as %llu of its %llu bytes: give a larger one, "
                    "or take the beginning by 'candor rescue pair'",
                    (unsigned long long)(ret->size - ret->lost), (unsigned long long)ret->size);
    return error;
}

bytes learned_name(const struct learned *learned, bytes name)
{
    size_t end = learned->extension_len;
    if (!end || name.len <= end ||
        memcmp(name.at + name.len - end, learned->extension, end) != 0)
        return (bytes){0};
    return bytes_slice(name, 0, name.len - end);
}
