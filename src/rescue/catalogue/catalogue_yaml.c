#include "rescue/catalogue/catalogue_yaml.h"

#include "rescue/catalogue/catalogue_pack.h"
#include "rescue/identify/file_pattern.h"
#include "shim/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct catalogue_draft *draft;
    struct arena *arena;
    struct why *why;
    uint16_t family, source;
};

static int fault(struct reading *in, const struct yaml *at, const char *what)
{
    return fail(in->why, EBADMSG, "line %u: %s", at->line, what);
}

static int no_memory(struct reading *in)
{
    return fail(in->why, ENOMEM, "no memory for the catalogue");
}

static int texts(struct reading *in, const struct yaml *from, const bytes **ret,
                 uint16_t *count)
{
    if (!from)
        return 0;
    if (from->kind != YAML_LIST || from->count > UINT16_MAX)
        return fault(in, from, "a list of words is needed");
    bytes *list = PUSH_ARRAY(in->arena, bytes, from->count);
    for (uint32_t i = 0; list && i < from->count; i++) {
        if (from->items[i].kind != YAML_TEXT)
            return fault(in, &from->items[i], "a word is needed");
        list[i] = from->items[i].text;
    }
    *ret = list;
    *count = (uint16_t)from->count;
    return list ? 0 : no_memory(in);
}

static int lineage(struct reading *in, const struct yaml *from, struct catalogue_family *ret)
{
    if (!from)
        return 0;
    if (from->kind != YAML_LIST || from->count > UINT16_MAX)
        return fault(in, from, "a list is needed");
    struct catalogue_lineage *list =
        PUSH_ARRAY(in->arena, struct catalogue_lineage, from->count);
    for (uint32_t i = 0; list && i < from->count; i++) {
        const struct yaml *family = yaml_member(&from->items[i], "family");
        const struct yaml *how = yaml_member(&from->items[i], "how");
        if (!family || !how || family->kind != YAML_TEXT || how->kind != YAML_TEXT)
            return fault(in, &from->items[i], "'family' and 'how' are needed");
        list[i] = (struct catalogue_lineage){family->text, how->text};
    }
    ret->lineage = list;
    ret->lineage_count = (uint16_t)from->count;
    return list ? 0 : no_memory(in);
}

static int rescue(struct reading *in, const struct yaml *from, enum catalogue_rescue *ret)
{
    for (int i = RESCUE_UNKNOWN; i <= RESCUE_NOT_TODAY; i++)
        if (bytes_is(from->text, catalogue_rescue_word((enum catalogue_rescue)i))) {
            *ret = (enum catalogue_rescue)i;
            return 0;
        }
    return fault(in, from, "'rescue' is now, some, key, not-today or unknown");
}

/* --- facts --- */

static int push(struct reading *in, const struct catalogue_fact *fact)
{
    struct catalogue_fact *to = vec_push(in->arena, &in->draft->fact);
    if (!to)
        return no_memory(in);
    *to = *fact;
    to->family = in->family;
    to->source = in->source;
    return 0;
}

static int check(struct reading *in, enum catalogue_kind kind, const struct yaml *from)
{
    if (from->kind != YAML_TEXT || !from->text.len || from->text.len > 255)
        return fault(in, from, "a word is needed");
    if (kind == FACT_EXTENSION && from->text.at[0] != '.')
        return fault(in, from, "an extension begins with a dot");
    if ((kind == FACT_FILE || kind == FACT_NOTE) && !file_pattern_sound(from->text))
        return fault(in, from, "the pattern has a wildcard that is not known");
    for (size_t i = 0; kind == FACT_BRAND && i < from->text.len; i++)
        if (!ascii_alnum(from->text.at[i]) && from->text.at[i] < 0x80)
            return fault(in, from, "a brand has letters and digits only");
    return 0;
}

static int plain_facts(struct reading *in, enum catalogue_kind kind, const struct yaml *list)
{
    if (list->kind != YAML_LIST)
        return fault(in, list, "a list is needed");
    for (uint32_t i = 0; i < list->count; i++) {
        int error = check(in, kind, &list->items[i]);
        if (!error)
            error =
                push(in, &(struct catalogue_fact){.kind = kind, .text = list->items[i].text});
        if (error)
            return error;
    }
    return 0;
}

static int marker_bytes(struct reading *in, const struct yaml *from, bytes *ret)
{
    const struct yaml *hex = yaml_member(from, "hex"), *text = yaml_member(from, "text");
    const struct yaml *given = hex ? hex : text;
    if (!given || given->kind != YAML_TEXT || !given->text.len ||
        given->text.len > (hex ? 2 : 1) * MARKER_MAX || (hex && given->text.len % 2))
        return fault(in, from, "a marker has 1 to 64 bytes as 'hex' or 'text'");
    *ret = given->text;
    if (!hex)
        return 0;
    uint8_t *value = arena_push(in->arena, given->text.len / 2);
    if (!value)
        return no_memory(in);
    if (!bytes_unhex(given->text, value))
        return fault(in, given, "that is not hexadecimal");
    *ret = (bytes){value, given->text.len / 2};
    return 0;
}

static int marker(struct reading *in, const struct yaml *from)
{
    const struct yaml *at = yaml_member(from, "at"), *is = yaml_member(from, "is");
    struct catalogue_fact fact = {.kind = FACT_MARKER};
    char *end;
    if (!at || !is || at->kind != YAML_TEXT || is->kind != YAML_TEXT)
        return fault(in, from, "'at' and 'is' are needed");
    /* Texts of the tree end with a NUL (arena_copy). */
    fact.at = strtoll((const char *)at->text.at, &end, 0);
    if (*end || !at->text.len)
        return fault(in, at, "'at' is a number");
    fact.text = is->text;
    int error = marker_bytes(in, from, &fact.value);
    return error ? error : push(in, &fact);
}

static int markers(struct reading *in, const struct yaml *list)
{
    int error = list->kind == YAML_LIST ? 0 : fault(in, list, "a list is needed");
    for (uint32_t i = 0; !error && i < list->count; i++)
        error = marker(in, &list->items[i]);
    return error;
}

static bool is_source(bytes text)
{
    static const bytes address = {(const uint8_t *)"https://", 8};
    return bytes_is(text, CATALOGUE_UNCONFIRMED) ||
           (text.len > 12 && bytes_equal(bytes_slice(text, 0, 8), address));
}

static int source(struct reading *in, const struct yaml *from)
{
    const struct yaml *name = yaml_member(from, "source");
    if (!name || name->kind != YAML_TEXT || !is_source(name->text))
        return fault(in, from, "facts have a source with an address, or are 'not confirmed'");
    for (uint32_t i = 0; i < in->draft->source.n; i++)
        if (bytes_equal(in->draft->source.at[i], name->text)) {
            in->source = (uint16_t)i;
            return 0;
        }
    bytes *to = vec_push(in->arena, &in->draft->source);
    if (!to)
        return no_memory(in);
    *to = name->text;
    in->source = (uint16_t)(in->draft->source.n - 1);
    return 0;
}

static int group(struct reading *in, const struct yaml *from)
{
    static const struct {
        const char *key;
        enum catalogue_kind kind;
    } rows[] = {{"extensions", FACT_EXTENSION},
                {"files", FACT_FILE},
                {"notes", FACT_NOTE},
                {"addresses", FACT_ADDRESS},
                {"brands", FACT_BRAND}};

    int error = source(in, from);
    for (uint32_t i = 0; !error && i < from->count; i++) {
        const struct yaml *member = &from->items[i];
        size_t row = 0;
        while (row < COUNT(rows) && !bytes_is(member->key, rows[row].key))
            row++;
        if (row < COUNT(rows))
            error = plain_facts(in, rows[row].kind, member);
        else if (bytes_is(member->key, "markers"))
            error = markers(in, member);
        else if (!bytes_is(member->key, "source"))
            error = fault(in, member, "no such kind of fact");
    }
    return error;
}

/* --- the family --- */

static int known_members(struct reading *in, const struct yaml *map)
{
    static const char *const keys[] = {"name",    "title",   "also",   "seen",
                                       "lineage", "formats", "rescue", "advice",
                                       "facts",   "checked", "told-by"};
    for (uint32_t i = 0; i < map->count; i++) {
        size_t k = 0;
        while (k < COUNT(keys) && !bytes_is(map->items[i].key, keys[k]))
            k++;
        if (k == COUNT(keys))
            return fault(in, &map->items[i], "no such member");
    }
    return 0;
}

static bytes text_of(const struct yaml *map, const char *key)
{
    const struct yaml *member = yaml_member(map, key);
    return member && member->kind == YAML_TEXT ? member->text : (bytes){0};
}

/* "2026-11" */
static bool is_month(bytes text)
{
    bool good = text.len == 7;
    for (size_t i = 0; i < text.len; i++)
        good &= i == 4 ? text.at[i] == '-' : text.at[i] >= '0' && text.at[i] <= '9';
    return good;
}

/* What is promised has an address, all of it a date. */
static int told(struct reading *in, const struct yaml *map, const struct catalogue_family *from)
{
    bool promise = from->advice.len || from->rescue == RESCUE_NOW ||
                   from->rescue == RESCUE_SOME || from->rescue == RESCUE_KEY;
    if (!is_month(from->checked))
        return fault(in, map, "'checked' is the month in which its rescue was looked up");
    if ((promise || from->told_by.len) && !is_source(from->told_by))
        return fault(in, map, "'told-by' is the address of who says what can be rescued");
    return 0;
}

static int family(struct reading *in, const struct yaml *map, bytes file)
{
    const struct yaml *facts = yaml_member(map, "facts"), *can = yaml_member(map, "rescue");
    struct catalogue_family family = {.name = text_of(map, "name"),
                                      .title = text_of(map, "title"),
                                      .seen = text_of(map, "seen"),
                                      .advice = text_of(map, "advice"),
                                      .checked = text_of(map, "checked"),
                                      .told_by = text_of(map, "told-by")};
    if (map->kind != YAML_MAP || !family.title.len || !can || !facts ||
        facts->kind != YAML_LIST)
        return fault(in, map, "'name', 'title', 'rescue' and 'facts' are needed");
    if (!bytes_equal(family.name, file))
        return fault(in, map, "'name' is the file's name");
    int error = known_members(in, map);
    if (!error)
        error = rescue(in, can, &family.rescue);
    if (!error)
        error = told(in, map, &family);
    if (!error)
        error = lineage(in, yaml_member(map, "lineage"), &family);
    if (!error)
        error = texts(in, yaml_member(map, "also"), &family.also, &family.also_count);
    if (!error)
        error = texts(in, yaml_member(map, "formats"), &family.formats, &family.format_count);
    in->family = (uint16_t)in->draft->family.n;
    struct catalogue_family *to = error ? NULL : vec_push(in->arena, &in->draft->family);
    if (!error && !to)
        error = no_memory(in);
    if (!error)
        *to = family;
    for (uint32_t i = 0; !error && i < facts->count; i++)
        error = group(in, &facts->items[i]);
    return error;
}

int catalogue_yaml_add(struct catalogue_draft *draft, bytes yaml, bytes file,
                       struct arena *arena, struct why *why)
{
    struct reading in = {.draft = draft, .arena = arena, .why = why};
    struct yaml tree;
    int error = yaml_parse(yaml, arena, &tree, why);
    return error ? error : family(&in, &tree, file);
}

int catalogue_yaml_end(struct catalogue_draft *draft, struct arena *arena,
                       struct catalogue *ret, struct why *why)
{
    for (uint32_t i = 1; i < draft->family.n; i++)
        if (bytes_compare(draft->family.at[i - 1].name, draft->family.at[i].name) >= 0)
            return fail(why, EINVAL, "families are not in the order of their names");
    *ret = (struct catalogue){.family = draft->family.at,
                              .source = draft->source.at,
                              .fact = draft->fact.at,
                              .family_count = draft->family.n,
                              .source_count = draft->source.n,
                              .fact_count = draft->fact.n};
    return catalogue_index(ret, arena, why);
}
