/* fuzz_module — what holds for any module on any bytes: every field fills and every text in it
 * can be read; the same bytes give the same dump; a file and the memory of a process are both
 * fine; functions answer; a budget that is too small is reported, or changes nothing. */
#pragma once
#include "base/arena.h"
#include "yara/dump.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_to_hash(void *to, bytes text)
{
    uint64_t *hash = to;
    *hash = hash64(text, *hash);
}

static int fuzz_regex(struct module_input *in, const struct value *regex, bytes subject)
{
    (void)in;
    (void)regex;
    return subject.len ? subject.at[0] % 2 : -1;
}

static void fuzz_call(struct module_input *in, const struct overload *call, uint64_t *hash)
{
    static const uint8_t name[] = "main";
    struct value args[8], ret = VALUE_NONE;
    for (size_t i = 0; call->args[i]; i++)
        args[i] = call->args[i] == 'i'   ? VALUE_INT(i ? 3 : 0x01000007)
                  : call->args[i] == 's' ? VALUE_BYTES(((bytes){name, 4}))
                                         : (struct value){.type = TYPE_REGEX};
    if (call->call(in, args, &ret) != 0 && in->budget->hit == LIMIT_NONE)
        abort();
    *hash = hash64((bytes){&ret.type, 1}, *hash);
    if (ret.type == TYPE_STRING)
        *hash = hash64((bytes){ret.text, ret.len}, *hash);
}

/* Every function of a structure, and of the structures in it. */
static void fuzz_call_all(struct module_input *in, struct object *self, uint64_t *hash)
{
    for (uint32_t i = 0; i < self->count; i++) {
        in->self = self;
        for (const struct overload *call = self->members[i].calls; call && call->args; call++)
            fuzz_call(in, call, hash);
        if (self->members[i].type == TYPE_STRUCT)
            fuzz_call_all(in, self->slots[i].object, hash);
    }
}

static uint64_t fuzz_dump(const char *name, struct arena *arena, bytes data, bytes extra,
                          bool is_process, uint64_t steps, enum limit *ret_hit)
{
    struct block block = {.data = data, .base = is_process ? 0x400000 : 0};
    struct budget budget = {.steps = steps};
    struct module_input in = {.blocks = &block,
                              .block_count = 1,
                              .is_process = is_process,
                              .arena = arena,
                              .budget = &budget,
                              .extra = extra,
                              .now = 1700000000,
                              .regex = fuzz_regex};
    const struct module *module = module_find(bytes_of(name));
    uint64_t hash = 0;
    arena_reset(arena);
    if (module->load(&in) == 0 && object_fill_all(&in, in.root) == 0) {
        dump_module(name, in.root, fuzz_to_hash, &hash);
        fuzz_call_all(&in, in.root, &hash);
    }
    *ret_hit = budget.hit;
    return hash;
}

/* `extra` is what the user hands the module beside the object (-x). */
static int fuzz_module(const char *name, const uint8_t *data, size_t size, bytes extra)
{
    static const uint64_t enough = UINT64_C(1) << 26, little = 2000;
    static struct arena *arena;
    enum limit first, second, small;
    if (!arena)
        arena = arena_new(256 << 20);
    uint8_t *copy = malloc(size ? size : 1); /* exact: ASan sees a byte too far */
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    bytes view = {copy, size};
    uint64_t hash = fuzz_dump(name, arena, view, extra, false, enough, &first);
    if (fuzz_dump(name, arena, view, extra, false, enough, &second) != hash || first != second)
        abort();
    fuzz_dump(name, arena, view, extra, true, enough, &second);
    if (fuzz_dump(name, arena, view, extra, false, little, &small) != hash &&
        small == LIMIT_NONE)
        abort();
    free(copy);
    return 0;
}
