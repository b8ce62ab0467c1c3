/* fuzz_pe — the pe module on any bytes. Properties: every field fills and every text in it can
 * be read; the same bytes give the same dump, as a file and in the memory of a process;
 * functions answer; a budget that is too small is reported and changes nothing else. */
#include "base/arena.h"
#include "yara/dump.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void to_hash(void *to, bytes text)
{
    uint64_t *hash = to;
    *hash = hash64(text, *hash);
}

static int no_regex(struct module_input *in, const struct value *regex, bytes subject)
{
    (void)in;
    (void)regex;
    return subject.len ? subject.at[0] % 2 : -1;
}

static void call_all(struct module_input *in, struct object *self)
{
    static const uint8_t name[] = "kernel32.dll";
    in->self = self;
    for (const struct field *field = self->members; field->name; field++)
        for (const struct overload *o = field->calls; o && o->args; o++) {
            struct value args[4], ret = VALUE_NONE;
            for (size_t i = 0; o->args[i]; i++)
                args[i] = o->args[i] == 'i'   ? VALUE_INT(i + 1)
                          : o->args[i] == 's' ? VALUE_BYTES(((bytes){name, 12}))
                                              : (struct value){.type = TYPE_REGEX};
            if (o->call(in, args, &ret) != 0 && in->budget->hit == LIMIT_NONE)
                abort();
        }
}

static uint64_t dump(struct arena *arena, bytes data, bool is_process, uint64_t steps,
                     enum limit *ret_hit)
{
    struct block block = {.data = data, .base = is_process ? 0x400000 : 0};
    struct budget budget = {.steps = steps};
    struct module_input in = {.blocks = &block,
                              .block_count = 1,
                              .is_process = is_process,
                              .arena = arena,
                              .budget = &budget,
                              .regex = no_regex};
    const struct module *module = module_find(bytes_of("pe"));
    uint64_t hash = 0;
    arena_reset(arena);
    if (module->load(&in) == 0 && object_fill_all(&in, in.root) == 0) {
        dump_module("pe", in.root, to_hash, &hash);
        call_all(&in, in.root);
        call_all(&in, in.root->slots[field_index(module->fields, "rich_signature")].object);
    }
    *ret_hit = budget.hit;
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t enough = UINT64_C(1) << 34;
    static struct arena *arena;
    enum limit first, second, small;
    if (!arena)
        arena = arena_new(256 << 20);
    uint8_t *copy = malloc(size ? size : 1); /* exact: ASan sees a byte too far */
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    bytes view = {copy, size};
    uint64_t hash = dump(arena, view, false, enough, &first);
    if (dump(arena, view, false, enough, &second) != hash || first != second)
        abort();
    dump(arena, view, true, enough, &second);
    if (dump(arena, view, false, 3000, &small) != hash && small == LIMIT_NONE)
        abort();
    free(copy);
    return 0;
}
