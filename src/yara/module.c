#include "yara/module.h"

#include <string.h>

const struct module *module_find(bytes name)
{
    for (const struct module *const *row = module_table; *row; row++)
        if (bytes_is(name, (*row)->name))
            return *row;
    return NULL;
}

static uint64_t hash_text(uint64_t seed, const char *text)
{
    return hash64(bytes_of(text), seed);
}

static uint64_t hash_byte(uint64_t seed, uint8_t byte)
{
    return hash64((bytes){&byte, 1}, seed);
}

/* Compiled conditions hold a field's index, its type and an overload's number; constants may
 * have been folded into them. */
static uint64_t hash_fields(uint64_t hash, const struct field *field)
{
    for (; field->name; field++) {
        hash = hash_text(hash, field->name);
        hash = hash_byte(hash, (uint8_t)(field->type << 4 | field->item));
        if (field->constant) {
            hash =
                hash64((bytes){(const uint8_t *)&field->integer, sizeof field->integer}, hash);
            hash = hash_text(hash, field->text ? field->text : "");
        }
        if (field->members)
            hash = hash_fields(hash, field->members);
        for (const struct overload *call = field->calls; call && call->args; call++)
            hash = hash_byte(hash_text(hash, call->args), (uint8_t)call->ret);
    }
    return hash_text(hash, ";");
}

uint64_t module_fingerprint(void)
{
    uint64_t hash = 0;
    for (const struct module *const *row = module_table; *row; row++)
        hash = hash_fields(hash_text(hash, (*row)->name), (*row)->fields);
    return hash;
}
