#include "scan/facts.h"

#include <string.h>

#define KEPT_MEMORY ((size_t)64 << 20)

uint32_t facts_externals(const struct ruleset *set)
{
    static const char *const names[] = {"filename", "filepath", "extension", "filetype",
                                        "owner"};
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < set->external_count; i++)
        for (size_t k = 0; k < COUNT(names); k++)
            if (set->externals[i].type == TYPE_STRING &&
                strcmp(ruleset_text(set, set->externals[i].name), names[k]) == 0)
                wanted |= 1u << k;
    return wanted;
}

struct value facts_external(const struct external *external)
{
    switch (external->type) {
    case TYPE_FLOAT:
        return VALUE_FLOAT(external->real);
    case TYPE_STRING:
        return value_bytes(external->text);
    case TYPE_BOOL:
        return VALUE_BOOL(external->integer);
    default:
        return VALUE_INT(external->integer);
    }
}

bool facts_types(const struct ruleset *set, struct arena **kept, struct types **types)
{
    bool full = false;
    if (!*kept)
        *kept = arena_new(KEPT_MEMORY);
    if (*kept && !*types)
        *types = types_new(*kept, set->texts, set->types, set->type_count, &full);
    return *kept && !full;
}

bool facts_urls(const struct ruleset *set, struct arena **kept, struct urls *urls)
{
    bool full = false;
    if (!*kept)
        *kept = arena_new(KEPT_MEMORY);
    if (*kept && !urls->phishing)
        urls->phishing = phishing_new(set, *kept, &full);
    return *kept && !full;
}

uint32_t facts_wanted(const struct ruleset *set)
{
    uint32_t targets = set->targets & ~TARGET_BIT(TARGET_RULES);
    return targets | (set->hash_count ? TARGET_BIT(TARGET_ANY) : 0);
}

uint32_t facts_targets(enum filetype type)
{
    uint32_t targets = TARGET_BIT(TARGET_RULES);
    enum target target = filetype_target(type);
    if (type == FILETYPE_HTML || type == FILETYPE_HTML_UTF16)
        return targets; /* its views alone are matched */
    return targets | TARGET_BIT(TARGET_ANY) | TARGET_BIT(target);
}

uint32_t facts_around(const struct examine_file *file, const struct reply_object *container,
                      uint16_t *ret)
{
    uint32_t outer = file->depth < EXAMINE_CHAIN ? file->depth : EXAMINE_CHAIN, inner = 0;
    for (uint32_t i = 0; i < outer; i++)
        ret[i] = file->chain[i].type;
    /* A batch is no container: those around it are in the chain. */
    for (const struct reply_object *up = container; up; up = up->up)
        inner += up->up || !file->batch;
    if (inner > FACTS_DEPTH - outer)
        inner = FACTS_DEPTH - outer;
    for (uint32_t i = inner; i-- > 0; container = container->up)
        ret[outer + i] = container->type;
    return outer + inner;
}

uint32_t facts_derived(uint32_t targets, uint16_t *types, uint32_t type_count)
{
    if (type_count)
        types[type_count - 1] = FILETYPE_ERROR;
    return targets & (TARGET_BIT(TARGET_RULES) | TARGET_BIT(TARGET_ANY));
}

/* What ClamAV 1.4 tells of the members of some containers (clamscan --debug, CDBNAME). Others
 * it does not describe. */
static const struct row {
    const char *format;
    uint8_t first;  /* position of the first member */
    bool is_placed; /* else all have that position */
    bool is_packed; /* as large as it is unpacked, where nothing else is known; else 0 */
} rows[] = {
    {"zip", 1, true, true},   {"rar", 1, true, true},  {"arj", 1, true, true},
    {"tar", 1, true, true},   {"cpio", 1, true, true}, {"7z", 0, true, false},
    {"cab", 0, true, false},  {"chm", 0, true, false}, {"iso", 0, false, true},
    {"mail", 0, false, true},
};

bool facts_member(const struct unpack *container, const struct unpack_member *member,
                  struct object_member *ret)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *row = &rows[i];
        if (strcmp(container->format->name, row->format) != 0)
            continue;
        uint64_t packed = member->packed_size;
        if (packed == UINT64_MAX)
            packed = row->is_packed ? member->size : 0;
        *ret = (struct object_member){.name = member->name,
                                      .container_size = container->data.len,
                                      .packed_size = packed,
                                      .size = member->size,
                                      .position =
                                          row->first + (row->is_placed ? member->number : 0),
                                      .encrypted = member->encrypted};
        return true;
    }
    return false;
}
