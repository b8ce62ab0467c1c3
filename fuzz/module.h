/* module — what every module must keep to, whatever the bytes: it loads and fills within its
 * budget and arena, every value can be read, and the same bytes give the same tree. */
#pragma once
#include "yara/dump.h"

#include <stdlib.h>

static inline void fuzz_hash_part(void *to, bytes text)
{
    uint64_t *hash = to;
    *hash = hash64(text, *hash);
}

/* Stands for regular expressions: matches what begins with 'e'. */
static inline int fuzz_regex(struct module_input *in, const struct value *regex, bytes subject)
{
    (void)in;
    (void)regex;
    return subject.len && subject.at[0] == 'e' ? 1 : -1;
}

/* Calls every function of a structure that takes regular expressions and integers only. */
static inline void fuzz_call_all(struct module_input *in, struct object *self, uint64_t *hash)
{
    for (uint32_t i = 0; i < self->count; i++) {
        const struct overload *call = self->members[i].calls;
        for (; call && call->args; call++) {
            struct value args[8] = {{0}}, ret = VALUE_NONE;
            uint32_t n = 0;
            for (; call->args[n] == 'r' || call->args[n] == 'i'; n++)
                args[n].type = call->args[n] == 'r' ? TYPE_REGEX : TYPE_INT;
            in->self = self;
            if (call->args[n] || call->call(in, args, &ret) != 0)
                continue;
            *hash = hash64((bytes){&ret.type, 1}, *hash);
            if (ret.type == TYPE_STRING)
                *hash = hash64((bytes){ret.text, ret.len}, *hash);
        }
        if (self->members[i].type == TYPE_STRUCT)
            fuzz_call_all(in, self->slots[i].object, hash);
    }
}

static inline uint64_t fuzz_module_once(const char *name, bytes object, bytes extra)
{
    const struct module *module = module_find(bytes_of(name));
    struct block block = {.data = object};
    struct budget budget = {.steps = 1 << 24};
    struct module_input in = {.blocks = &block,
                              .block_count = 1,
                              .arena = arena_new(32 << 20),
                              .budget = &budget,
                              .extra = extra,
                              .now = 1700000000,
                              .regex = fuzz_regex};
    uint64_t hash = 1;
    if (!module || !in.arena)
        abort();
    if (module->load(&in) == 0 && object_fill_all(&in, in.root) == 0) {
        dump_module(name, in.root, fuzz_hash_part, &hash);
        fuzz_call_all(&in, in.root, &hash);
    }
    arena_free(in.arena);
    return hash;
}

static inline int fuzz_module(const char *name, bytes object, bytes extra)
{
    if (fuzz_module_once(name, object, extra) != fuzz_module_once(name, object, extra))
        abort();
    return 0;
}
