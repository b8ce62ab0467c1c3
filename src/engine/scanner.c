#include "engine/scanner_state.h"

#include "engine/hash.h"
#include "rules/kind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HOME_MEMORY = 1 << 30, OBJECT_MEMORY = 256 << 20, ALL_GROUPS = 0xff };

#define OBJECT_STEPS (1ull << 40)

static struct value external_default(const struct ruleset *set, uint32_t number)
{
    const struct ruleset_external *external = &set->externals[number];
    struct value value = {.type = (uint8_t)external->type, .integer = external->integer};
    switch (external->type) {
    case TYPE_STRING:
        return value_bytes(bytes_slice(set->texts, external->text, external->length));
    case TYPE_FLOAT:
        memcpy(&value.real, &external->integer, sizeof value.real);
        return value;
    case TYPE_BOOL:
    case TYPE_INT:
        return value;
    default:
        return VALUE_NONE;
    }
}

static bool fill(struct scanner *scanner)
{
    const struct ruleset *set = scanner->set;
    struct arena *home = scanner->home;
    scanner->programs = PUSH_ARRAY(home, struct program_state, set->program_count);
    scanner->rules = PUSH_ARRAY(home, struct rule_state, set->rule_count);
    scanner->modules = PUSH_ARRAY(home, struct module_state, set->module_count);
    scanner->failed = PUSH_ARRAY(home, uint32_t, set->namespace_count);
    scanner->externals = PUSH_ARRAY(home, struct value, set->external_count);
    scanner->awake = PUSH_ARRAY(home, uint32_t, set->rule_count);
    scanner->findings =
        PUSH_ARRAY(home, struct finding, (size_t)set->rule_count + HASH_FINDINGS);
    if (!scanner->programs || !scanner->rules || !scanner->modules || !scanner->failed ||
        !scanner->externals || !scanner->awake || !scanner->findings)
        return false;
    for (uint32_t i = 0; i < set->external_count; i++)
        scanner->externals[i] = external_default(set, i);
    for (uint32_t i = 0; i < set->module_count; i++)
        scanner->modules[i].module =
            module_find(bytes_of(ruleset_text(set, set->modules[i].name)));
    scanner->scratch = PUSH_ARRAY(home, struct literals_scratch *, set->filter_count);
    for (uint32_t i = 0; scanner->scratch && i < set->filter_count; i++) {
        scanner->scratch[i] = literals_scratch_new(ruleset_filter_table(set, i));
        if (!scanner->scratch[i])
            return false;
    }
    return scanner->scratch != NULL;
}

struct scanner *scanner_new(const struct ruleset *set, const struct scanner_options *options)
{
    struct arena *home = arena_new(HOME_MEMORY);
    struct scanner *scanner = home ? PUSH(home, struct scanner) : NULL;
    if (!scanner) {
        arena_free(home);
        return NULL;
    }
    scanner->set = set;
    scanner->home = home;
    scanner->options = *options;
    if (!scanner->options.steps)
        scanner->options.steps = OBJECT_STEPS;
    scanner->arena = arena_new(options->memory ? options->memory : OBJECT_MEMORY);
    if (!scanner->arena || !fill(scanner))
        return scanner_free(scanner);
    return scanner;
}

struct scanner *scanner_free(struct scanner *scanner)
{
    if (scanner) {
        for (uint32_t i = 0; scanner->scratch && i < scanner->set->filter_count; i++)
            literals_scratch_free(scanner->scratch[i]);
        arena_free(scanner->arena);
        arena_free(scanner->home);
    }
    return NULL;
}

bool scanner_set(struct scanner *scanner, bytes name, struct value value)
{
    const struct ruleset *set = scanner->set;
    for (uint32_t i = 0; i < set->external_count; i++)
        if (bytes_is(name, ruleset_text(set, set->externals[i].name))) {
            scanner->externals[i] = value;
            return true;
        }
    return false;
}

static bool gate_open(const struct scanner *scanner, uint32_t rule)
{
    const struct ruleset_gate *gate = &scanner->set->gates[rule];
    if (!(gate->targets & scanner->targets))
        return false;
    return scanner->object->is_process ||
           ((gate->kinds >> scanner->kind & 1) && scanner->size >= gate->size_min &&
            scanner->size <= gate->size_max &&
            (scanner->magic & gate->magic_mask) == gate->magic);
}

static void wake(struct scanner *scanner, uint32_t rule)
{
    struct rule_state *state = &scanner->rules[rule];
    if (state->awake == scanner->stamp || !gate_open(scanner, rule))
        return;
    state->awake = scanner->stamp;
    scanner->awake[scanner->awake_count++] = rule;
}

static void wake_kind(struct scanner *scanner, enum kind kind)
{
    const struct ruleset_kind *rules = &scanner->set->kinds[kind];
    for (uint32_t i = 0; i < rules->count; i++)
        wake(scanner, scanner->set->kind_rules[rules->start + i]);
}

static void suspect(struct scanner *scanner, uint32_t number, uint64_t from)
{
    struct program_state *state = &scanner->programs[number];
    const struct ruleset_program *program = &scanner->set->programs[number];
    if (from < program->max_length || program->max_length == UINT32_MAX)
        from = 0;
    else
        from -= program->max_length;
    if (state->seen == scanner->stamp) {
        if (from < state->from)
            state->from = from;
        return;
    }
    state->seen = scanner->stamp;
    state->from = from;
    for (uint32_t i = 0; i < program->wake_count; i++)
        wake(scanner, scanner->set->wakes[program->wake_start + i]);
}

static void filter(struct scanner *scanner, uint32_t number, bytes data)
{
    const struct ruleset *set = scanner->set;
    const struct ruleset_filter *filter = &set->filters[number];
    const uint32_t *filtered = set->filtered + filter->anchor_start;
    const struct literal_hit *hits;
    uint32_t count;
    literals_scan(ruleset_filter_table(set, number), data, ALL_GROUPS, scanner->scratch[number],
                  &scanner->budget, &hits, &count);
    for (uint32_t i = 0; i < count; i++) {
        const struct ruleset_anchor *anchor = &set->anchors[filtered[hits[i].literal]];
        uint64_t at = hits[i].offset, from = at < LITERAL_SLACK ? 0 : at - LITERAL_SLACK;
        for (uint32_t k = 0; k < anchor->suspect_count; k++)
            suspect(scanner, set->suspects[anchor->suspect_start + k], from);
    }
}

static bool is_filtered_by(const struct scanner *scanner, const struct ruleset_filter *filter)
{
    return scanner->object->is_process || (filter->kinds >> scanner->kind & 1);
}

/* Shows an object, or what is near its front, to a filter. */
static void filter_object(struct scanner *scanner, uint32_t number)
{
    const struct object_input *object = scanner->object;
    uint32_t reach = scanner->set->filters[number].reach;
    bool is_whole =
        !reach || object->is_process || object->block_count != 1 || object->blocks[0].base;
    for (uint32_t i = 0; i < object->block_count; i++) {
        bytes data = object->blocks[i].data;
        filter(scanner, number, is_whole ? data : bytes_slice(data, 0, reach));
    }
}

/* Shows the object to filters that together have all literals for its targets: to one, where
 * one has them, and to those for the front. */
static void run_filters(struct scanner *scanner)
{
    const struct ruleset *set = scanner->set;
    uint32_t left = scanner->targets & set->targets, one = set->filter_count;
    for (uint32_t i = 0; i < set->filter_count; i++) {
        const struct ruleset_filter *it = &set->filters[i];
        if (!is_filtered_by(scanner, it) || !(it->targets & left))
            continue;
        if (it->reach)
            filter_object(scanner, i);
        else if (one == set->filter_count && !scanner->object->is_process &&
                 !(left & ~it->targets))
            one = i;
    }
    if (one < set->filter_count) {
        filter_object(scanner, one);
        return;
    }
    for (uint32_t i = 0; i < set->filter_count && left; i++) {
        const struct ruleset_filter *it = &set->filters[i];
        if (it->reach || !is_filtered_by(scanner, it) || !(it->targets & left))
            continue;
        filter_object(scanner, i);
        if (!scanner->object->is_process)
            left &= ~it->targets;
    }
}

/* A new object: all that was known of the last one is forgotten by a new stamp. */
static void begin(struct scanner *scanner, const struct object_input *object)
{
    arena_reset(scanner->arena);
    if (++scanner->stamp == 0) {
        const struct ruleset *set = scanner->set;
        memset(scanner->programs, 0, set->program_count * sizeof *scanner->programs);
        memset(scanner->rules, 0, set->rule_count * sizeof *scanner->rules);
        memset(scanner->failed, 0, set->namespace_count * sizeof *scanner->failed);
        for (uint32_t i = 0; i < set->module_count; i++)
            scanner->modules[i].loaded = 0;
        scanner->place_known = 0;
        scanner->groups_known = 0;
        expression_forget(scanner);
        scanner->stamp = 1;
    }
    scanner->object = object;
    scanner->targets = object->targets ? object->targets : TARGET_BIT(TARGET_RULES);
    scanner->budget =
        (struct budget){.steps = scanner->options.steps, .stop = scanner->options.stop};
    scanner->awake_count = 0;
    scanner->depth = 0;
    scanner->size = 0;
    for (uint32_t i = 0; i < object->block_count; i++)
        scanner->size += object->blocks[i].data.len;
    uint8_t front[4] = {0};
    if (object->block_count) {
        bytes head = bytes_slice(object->blocks[0].data, 0, sizeof front);
        if (head.len)
            memcpy(front, head.at, head.len);
    }
    scanner->magic = load_le32(front);
    scanner->kind = kind_of(scanner->magic);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The rules worth a look, in order of definition. */
static void choose_rules(struct scanner *scanner)
{
    if (scanner->object->is_process)
        for (int kind = 0; kind < KINDS; kind++)
            wake_kind(scanner, (enum kind)kind);
    else
        wake_kind(scanner, scanner->kind);
    qsort(scanner->awake, scanner->awake_count, sizeof *scanner->awake, by_number);
}

static void judge_globals(struct scanner *scanner)
{
    const struct ruleset *set = scanner->set;
    for (uint32_t i = 0; i < set->global_count; i++) {
        uint32_t rule = set->globals[i];
        if (!condition_holds(scanner, rule))
            scanner->failed[set->rules[rule].name_space] = scanner->stamp;
    }
}

static uint32_t judge(struct scanner *scanner)
{
    const struct ruleset *set = scanner->set;
    uint32_t count = 0;
    judge_globals(scanner);
    look_ahead(scanner);
    for (uint32_t i = 0; i < scanner->awake_count; i++) {
        const struct ruleset_rule *rule = &set->rules[scanner->awake[i]];
        if (scanner->failed[rule->name_space] == scanner->stamp ||
            !condition_holds(scanner, scanner->awake[i]) || (rule->flags & RULE_PRIVATE))
            continue;
        scanner->findings[count++].rule = scanner->awake[i];
    }
    return count;
}

int scanner_scan(struct scanner *scanner, const struct object_input *object,
                 struct verdict *ret)
{
    begin(scanner, object);
    run_filters(scanner);
    choose_rules(scanner);
    uint32_t count = judge(scanner);
    bool is_trusted;
    hash_judge(scanner, &count, &is_trusted);
    *ret = (struct verdict){.findings = scanner->findings,
                            .finding_count = count,
                            .limit = scanner->budget.hit,
                            .trusted = is_trusted};
    return 0;
}

const struct matches *scanner_matches(struct scanner *scanner, uint32_t pattern)
{
    return found_matches(scanner, scanner->set->patterns[pattern].program);
}

struct object *scanner_module(struct scanner *scanner, uint32_t module)
{
    struct module_input *in = load_module(scanner, module);
    if (!in || object_fill_all(in, in->root) < 0)
        return NULL;
    return in->root;
}

struct module_input *scanner_module_input(struct scanner *scanner, uint32_t module)
{
    return load_module(scanner, module);
}
