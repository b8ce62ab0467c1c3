/* module_case — a module on one file, and its fields by path, as "classes[1].methods[0].name".
 */
#pragma once
#include "tap.h"
#include "yara/module.h"

#include <stdlib.h>

static struct arena *case_arena;
static struct block case_block;
static struct budget case_budget;
static struct module_input case_input;

static inline int case_regex(struct module_input *in, const struct value *regex, bytes subject)
{
    (void)in;
    return bytes_find(subject, (bytes){regex->text, regex->len}, 0) == SIZE_MAX ? -1 : 0;
}

static inline void case_bytes(const char *module, bytes data)
{
    if (!case_arena)
        case_arena = arena_new(64 << 20);
    arena_reset(case_arena);
    case_block = (struct block){.data = data, .base = 0x10000};
    case_budget = (struct budget){.steps = 1 << 24};
    case_input = (struct module_input){.blocks = &case_block,
                                       .block_count = 1,
                                       .is_process = case_input.is_process,
                                       .arena = case_arena,
                                       .budget = &case_budget,
                                       .regex = case_regex};
    CHECK_INT(module_find(bytes_of(module))->load(&case_input), 0);
}

/* The file `folder`/`name`; its bytes stay until the program ends. */
static inline bytes case_file(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    static uint8_t space[1 << 16];
    static size_t used;
    size_t len = file ? fread(space + used, 1, sizeof space - used, file) : 0;
    if (file)
        fclose(file);
    bytes view = {space + used, len};
    used += len;
    CHECK(len > 0);
    return view;
}

static inline struct value case_value(const char *path)
{
    struct value value = {.type = TYPE_STRUCT, .object = case_input.root};
    while (*path) {
        char name[64];
        size_t len = strcspn(path, ".[");
        if (len) {
            snprintf(name, sizeof name, "%.*s", (int)len, path);
            int index = field_index(value.object->members, name);
            if (index < 0 ||
                object_read(&case_input, value.object, (uint32_t)index, &value) != 0)
                return VALUE_NONE;
            path += len;
        }
        if (*path == '[') {
            uint32_t index = (uint32_t)strtoul(path + 1, NULL, 10);
            if (index >= value.object->count)
                return VALUE_NONE;
            value = value.object->slots[index];
            path = strchr(path, ']') + 1;
        }
        if (*path == '.')
            path++;
        if (value.type == TYPE_UNDEFINED)
            return value;
    }
    return value;
}

enum { CASE_UNDEFINED = -77777 };

static inline long long case_int(const char *path)
{
    struct value value = case_value(path);
    return value.type == TYPE_INT ? value.integer : CASE_UNDEFINED;
}

/* Good until the next call; "(undefined)" where there is no text. */
static inline const char *case_text_of(struct value value)
{
    static char text[256];
    if (value.type != TYPE_STRING)
        return "(undefined)";
    snprintf(text, sizeof text, "%.*s", (int)value.len, (const char *)value.text);
    return text;
}

static inline const char *case_text(const char *path)
{
    return case_text_of(case_value(path));
}

/* Calls the overload of a function of the root whose arguments are those letters. */
static inline struct value case_call(const char *name, const char *letters,
                                     const struct value *args)
{
    struct value ret = VALUE_NONE;
    const struct field *field =
        &case_input.root->members[field_index(case_input.root->members, name)];
    case_input.self = case_input.root;
    for (const struct overload *call = field->calls; call->args; call++)
        if (strcmp(call->args, letters) == 0)
            CHECK_INT(call->call(&case_input, args, &ret), 0);
    return ret;
}
