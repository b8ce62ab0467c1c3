#include "rules/draft.h"

#include <string.h>

/* What is interned already: open addressing. */
struct slot {
    uint32_t hash, number; /* index + 1; 0: free */
};

struct table {
    struct slot *slots;
    uint32_t used, mask;
};

enum { FIRST_SLOTS = 1 << 12 };

struct interned {
    uint32_t at, length; /* in texts */
};

struct draft_index {
    struct table texts, programs;
    VEC(struct interned) text_list;
};

struct draft *draft_new(struct arena *arena)
{
    struct draft *draft = PUSH(arena, struct draft);
    if (!draft)
        return NULL;
    draft->arena = arena;
    draft->index = PUSH(arena, struct draft_index);
    if (!draft->index)
        return NULL;
    draft_text(draft, (bytes){NULL, 0}); /* offset 0 is the empty text */
    return draft->full ? NULL : draft;
}

static uint32_t draft_is_full(struct draft *draft)
{
    draft->full = true;
    return DRAFT_FULL;
}

/* Room for one more entry. */
static bool table_room(struct draft *draft, struct table *table)
{
    if (table->slots && (table->used + 1) * 2 <= table->mask)
        return true;
    uint32_t size = table->slots ? (table->mask + 1) * 2 : FIRST_SLOTS;
    struct slot *slots = PUSH_ARRAY(draft->arena, struct slot, size);
    if (!slots)
        return false;
    for (uint32_t i = 0; table->slots && i <= table->mask; i++) {
        if (!table->slots[i].number)
            continue;
        uint32_t at = table->slots[i].hash;
        while (slots[at & (size - 1)].number)
            at++;
        slots[at & (size - 1)] = table->slots[i];
    }
    table->slots = slots;
    table->mask = size - 1;
    return true;
}

/* The next entry of that hash, from slot *at on; 0: there is none, and *at is where it goes. */
static uint32_t table_next(const struct table *table, uint32_t hash, uint32_t *at)
{
    for (;; ++*at) {
        const struct slot *slot = &table->slots[*at & table->mask];
        if (!slot->number || slot->hash == hash)
            return slot->number;
    }
}

static void table_put(struct table *table, uint32_t hash, uint32_t at, uint32_t number)
{
    table->slots[at & table->mask] = (struct slot){hash, number};
    table->used++;
}

static bytes text_at(const struct draft *draft, uint32_t i)
{
    return (bytes){draft->texts.at + draft->index->text_list.at[i].at,
                   draft->index->text_list.at[i].length};
}

uint32_t draft_text(struct draft *draft, bytes text)
{
    struct table *table = &draft->index->texts;
    if (!table_room(draft, table) || text.len >= UINT32_MAX)
        return draft_is_full(draft);
    uint32_t hash = (uint32_t)hash64(text, 0), slot = hash, known;
    for (; (known = table_next(table, hash, &slot)); slot++)
        if (bytes_equal(text_at(draft, known - 1), text))
            return draft->index->text_list.at[known - 1].at;
    uint8_t *copy = vec_push_many(draft->arena, &draft->texts, text.len + 1);
    struct interned *entry = vec_push(draft->arena, &draft->index->text_list);
    if (!copy || !entry)
        return draft_is_full(draft);
    if (text.len)
        memcpy(copy, text.at, text.len);
    entry->at = (uint32_t)(copy - draft->texts.at);
    entry->length = (uint32_t)text.len;
    table_put(table, hash, slot, draft->index->text_list.n);
    return entry->at;
}

uint32_t draft_node(struct draft *draft, struct node node)
{
    struct node *slot = vec_push(draft->arena, &draft->nodes);
    if (!slot)
        return draft_is_full(draft);
    *slot = node;
    return draft->nodes.n - 1;
}

uint32_t draft_links(struct draft *draft, const uint32_t *items, uint32_t count)
{
    uint32_t *copy = vec_push_many(draft->arena, &draft->links, count);
    if (!copy)
        return draft_is_full(draft);
    if (count)
        memcpy(copy, items, count * sizeof *items);
    return draft->links.n - count;
}

uint32_t draft_int(struct draft *draft, int64_t value)
{
    return draft_node(draft, (struct node){.op = NODE_INT,
                                           .type = TYPE_INT,
                                           .a = (uint32_t)value,
                                           .b = (uint32_t)((uint64_t)value >> 32)});
}

uint32_t draft_bool(struct draft *draft, bool value)
{
    return draft_node(draft, (struct node){.op = NODE_BOOL, .type = TYPE_BOOL, .a = value});
}

uint32_t draft_float(struct draft *draft, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return draft_node(draft, (struct node){.op = NODE_FLOAT,
                                           .type = TYPE_FLOAT,
                                           .a = (uint32_t)bits,
                                           .b = (uint32_t)(bits >> 32)});
}

uint32_t draft_string(struct draft *draft, bytes text)
{
    return draft_node(draft, (struct node){.op = NODE_STRING,
                                           .type = TYPE_STRING,
                                           .a = draft_text(draft, text),
                                           .b = (uint32_t)text.len});
}

uint32_t draft_unary(struct draft *draft, enum node_op op, enum value_type type, uint32_t a)
{
    return draft_node(draft, (struct node){.op = (uint8_t)op, .type = (uint8_t)type, .a = a});
}

uint32_t draft_binary(struct draft *draft, enum node_op op, enum value_type type, uint32_t a,
                      uint32_t b)
{
    return draft_node(draft,
                      (struct node){.op = (uint8_t)op, .type = (uint8_t)type, .a = a, .b = b});
}

uint32_t draft_namespace(struct draft *draft, bytes name)
{
    uint32_t text = draft_text(draft, name);
    /* Most rules follow one of their own namespace. */
    for (uint32_t i = draft->namespaces.n; i-- > 0;)
        if (draft->namespaces.at[i] == text)
            return i;
    uint32_t *slot = vec_push(draft->arena, &draft->namespaces);
    if (!slot)
        return draft_is_full(draft);
    *slot = text;
    return draft->namespaces.n - 1;
}

uint32_t draft_module(struct draft *draft, bytes name)
{
    uint32_t text = draft_text(draft, name);
    for (uint32_t i = 0; i < draft->modules.n; i++)
        if (draft->modules.at[i].name == text)
            return i;
    struct ruleset_module *slot = vec_push(draft->arena, &draft->modules);
    if (!slot)
        return draft_is_full(draft);
    slot->name = text;
    return draft->modules.n - 1;
}

uint32_t draft_find_external(const struct draft *draft, bytes name)
{
    for (uint32_t i = 0; i < draft->externals.n; i++)
        if (bytes_is(name, (const char *)draft->texts.at + draft->externals.at[i].name))
            return i;
    return DRAFT_FULL;
}

static int64_t bits_of(double real)
{
    int64_t bits;
    memcpy(&bits, &real, sizeof bits);
    return bits;
}

uint32_t draft_external(struct draft *draft, bytes name, enum value_type type, int64_t integer,
                        double real, bytes string)
{
    uint32_t number = draft_find_external(draft, name);
    if (number != DRAFT_FULL && draft->externals.at[number].type != (uint32_t)type)
        return DRAFT_FULL;
    struct ruleset_external external = {
        .name = draft_text(draft, name),
        .type = (uint32_t)type,
        .text = draft_text(draft, string),
        .length = (uint32_t)string.len,
        .integer = type == TYPE_FLOAT ? bits_of(real) : integer,
    };
    if (number == DRAFT_FULL) {
        if (!vec_push(draft->arena, &draft->externals))
            return draft_is_full(draft);
        number = draft->externals.n - 1;
    }
    draft->externals.at[number] = external;
    return number;
}

static uint32_t program_hash(bytes program, uint32_t flags, int64_t fixed_offset)
{
    return (uint32_t)hash64(program, (uint64_t)fixed_offset ^ flags);
}

/* A literal may lie inside its program. */
static bytes copy_text(struct draft *draft, const struct pattern_code *code, bytes program,
                       bytes text)
{
    uintptr_t at = (uintptr_t)text.at - (uintptr_t)code->program.at;
    return bytes_has(program, at, text.len) ? bytes_slice(program, at, text.len)
                                            : arena_copy(draft->arena, text);
}

static bool copy_program(struct draft *draft, const struct pattern_code *code,
                         struct draft_program *ret)
{
    ret->program = arena_copy(draft->arena, code->program);
    ret->literals = PUSH_ARRAY(draft->arena, struct pattern_literal, code->literal_count);
    if (!ret->program.at || !ret->literals)
        return false;
    ret->literal_count = code->literal_count;
    for (uint32_t i = 0; i < code->literal_count; i++) {
        ret->literals[i].nocase = code->literals[i].nocase;
        ret->literals[i].text = copy_text(draft, code, ret->program, code->literals[i].text);
        const struct literal_context *context = &code->literals[i].context;
        if (context->value.len)
            ret->literals[i].context = (struct literal_context){
                copy_text(draft, code, ret->program, context->value),
                copy_text(draft, code, ret->program, context->mask), context->lead};
        if (!ret->literals[i].text.at ||
            (context->value.len && !ret->literals[i].context.mask.at))
            return false;
    }
    return true;
}

uint32_t draft_program(struct draft *draft, const struct pattern_code *code, uint32_t flags,
                       int64_t fixed_offset)
{
    struct table *table = &draft->index->programs;
    if (code->whole && fixed_offset == RULESET_ANY_OFFSET)
        flags |= PROGRAM_WHOLE;
    if (!table_room(draft, table))
        return draft_is_full(draft);
    uint32_t hash = program_hash(code->program, flags, fixed_offset), slot = hash, known;
    for (; (known = table_next(table, hash, &slot)); slot++) {
        const struct draft_program *other = &draft->programs.at[known - 1];
        if (other->flags == flags && other->fixed_offset == fixed_offset &&
            bytes_equal(other->program, code->program))
            return known - 1;
    }
    struct draft_program *program = vec_push(draft->arena, &draft->programs);
    if (!program || !copy_program(draft, code, program))
        return draft_is_full(draft);
    program->flags = flags;
    program->max_length = code->max_length;
    program->fixed_offset = fixed_offset;
    table_put(table, hash, slot, draft->programs.n);
    return draft->programs.n - 1;
}

uint32_t draft_rule_begin(struct draft *draft, bytes name, uint32_t name_space, uint32_t flags)
{
    uint32_t text = draft_text(draft, name);
    struct ruleset_rule *rule = vec_push(draft->arena, &draft->rules);
    if (!rule)
        return draft_is_full(draft);
    *rule = (struct ruleset_rule){
        .name = text,
        .name_space = name_space,
        .flags = flags,
        .condition = NODE_NONE,
        .pattern_start = draft->patterns.n,
        .meta_start = draft->metas.n,
        .tag_start = draft->tags.n,
    };
    uint32_t *targets = vec_push(draft->arena, &draft->targets);
    if (!targets)
        return draft_is_full(draft);
    *targets = TARGET_BIT(TARGET_RULES);
    draft->rule_nodes = draft->nodes.n;
    draft->rule_links = draft->links.n;
    return draft->rules.n - 1;
}

static struct ruleset_rule *rule_now(struct draft *draft)
{
    return &draft->rules.at[draft->rules.n - 1];
}

uint32_t draft_tag(struct draft *draft, bytes name)
{
    uint32_t text = draft_text(draft, name);
    uint32_t *slot = vec_push(draft->arena, &draft->tags);
    if (!slot)
        return draft_is_full(draft);
    *slot = text;
    rule_now(draft)->tag_count++;
    return draft->tags.n - 1;
}

uint32_t draft_meta(struct draft *draft, bytes name, enum value_type type, int64_t integer,
                    double real, bytes string)
{
    uint32_t name_text = draft_text(draft, name), value_text = draft_text(draft, string);
    struct ruleset_meta *meta = vec_push(draft->arena, &draft->metas);
    if (!meta)
        return draft_is_full(draft);
    *meta = (struct ruleset_meta){
        .name = name_text,
        .type = (uint32_t)type,
        .text = value_text,
        .length = (uint32_t)string.len,
        .integer = type == TYPE_FLOAT ? bits_of(real) : integer,
    };
    rule_now(draft)->meta_count++;
    return draft->metas.n - 1;
}

uint32_t draft_pattern(struct draft *draft, bytes name, uint32_t flags, uint32_t program)
{
    /* Signatures have one name for all their patterns. */
    uint32_t last = draft->patterns.n ? draft->patterns.at[draft->patterns.n - 1].name : 0;
    uint32_t text =
        bytes_is(name, (const char *)draft->texts.at + last) ? last : draft_text(draft, name);
    struct ruleset_pattern *pattern = vec_push(draft->arena, &draft->patterns);
    if (!pattern)
        return draft_is_full(draft);
    *pattern = (struct ruleset_pattern){
        .name = text, .flags = flags, .program = program, .rule = draft->rules.n - 1};
    rule_now(draft)->pattern_count++;
    return draft->patterns.n - 1;
}

/* The number of the group, made when new; DRAFT_FULL. */
static uint32_t group_number(struct draft *draft, uint32_t key)
{
    for (uint32_t i = 0; i < draft->groups.n; i++)
        if (draft->groups.at[i].key == key)
            return i;
    struct draft_group *group = vec_push(draft->arena, &draft->groups);
    if (!group)
        return draft_is_full(draft);
    group->key = key;
    return draft->groups.n - 1;
}

void draft_group_add(struct draft *draft, uint32_t key, uint32_t pattern)
{
    uint32_t number = group_number(draft, key);
    uint32_t *slot = number == DRAFT_FULL
                         ? NULL
                         : vec_push(draft->arena, &draft->groups.at[number].patterns);
    if (slot)
        *slot = pattern;
    else
        draft->full = true;
}

uint32_t draft_group_node(struct draft *draft, uint32_t key)
{
    uint32_t number = group_number(draft, key);
    return number == DRAFT_FULL
               ? DRAFT_FULL
               : draft_node(draft, (struct node){.op = NODE_GROUP, .a = number});
}

void draft_rule_end(struct draft *draft, uint32_t condition, uint32_t slots)
{
    if (draft->full)
        return;
    rule_now(draft)->condition = condition;
    rule_now(draft)->slots = slots;
}

void draft_rule_drop(struct draft *draft)
{
    if (draft->full)
        return;
    const struct ruleset_rule *rule = rule_now(draft);
    draft->patterns.n = rule->pattern_start;
    draft->metas.n = rule->meta_start;
    draft->tags.n = rule->tag_start;
    draft->nodes.n = draft->rule_nodes;
    draft->links.n = draft->rule_links;
    draft->rules.n--;
    draft->targets.n--;
}

void draft_rule_targets(struct draft *draft, uint32_t targets)
{
    if (!draft->full)
        draft->targets.at[draft->targets.n - 1] = targets;
}

void draft_rule_line(struct draft *draft, uint32_t line)
{
    if (!draft->full)
        rule_now(draft)->line = line;
}
