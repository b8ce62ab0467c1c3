#include "engine/scanner_state.h"

static const struct matches no_matches;

bytes found_code(const struct scanner *scanner, uint32_t program)
{
    const struct ruleset_program *p = &scanner->set->programs[program];
    return (bytes){scanner->set->code.at + p->code, p->length};
}

/* The entry for this object; forgets what was known of the last one. */
static struct program_state *state_of(struct scanner *scanner, uint32_t program)
{
    struct program_state *state = &scanner->programs[program];
    if (state->known != scanner->stamp)
        state->matches = NULL;
    return state;
}

static bool remember(struct scanner *scanner, struct program_state *state, bool exists)
{
    state->known = scanner->stamp;
    state->exists = exists;
    if (!exists)
        state->matches = NULL;
    return exists;
}

/* A pattern that may match at one offset only. */
static bool match_fixed(struct scanner *scanner, uint32_t program, struct match *ret)
{
    uint64_t offset = (uint64_t)scanner->set->programs[program].fixed_offset;
    for (uint32_t i = 0; i < scanner->object->block_count; i++) {
        const struct block *block = &scanner->object->blocks[i];
        if (offset < block->base || offset - block->base >= block->data.len)
            continue;
        if (!pattern_at(found_code(scanner, program), block->data, offset - block->base,
                        scanner->arena, &scanner->budget, ret))
            continue;
        ret->offset = offset;
        return true;
    }
    return false;
}

static bool is_fixed(const struct scanner *scanner, uint32_t program)
{
    return scanner->set->programs[program].fixed_offset != RULESET_ANY_OFFSET;
}

bool found_denied(const struct scanner *scanner, uint32_t program)
{
    return (scanner->set->programs[program].flags & PROGRAM_ANCHORED) &&
           scanner->programs[program].seen != scanner->stamp;
}

/* Where a search may begin: a match holds a literal, and the filter tells where those begin. */
static size_t search_from(const struct scanner *scanner, uint32_t program)
{
    const struct program_state *state = &scanner->programs[program];
    bool known = (scanner->set->programs[program].flags & PROGRAM_ANCHORED) &&
                 state->seen == scanner->stamp && scanner->object->block_count == 1;
    return known ? state->from : 0;
}

bool found_is_open(struct scanner *scanner, uint32_t program)
{
    return state_of(scanner, program)->known != scanner->stamp && !is_fixed(scanner, program) &&
           !found_denied(scanner, program) &&
           !((scanner->set->programs[program].flags & PROGRAM_WHOLE) &&
             scanner->programs[program].seen == scanner->stamp);
}

void found_settle(struct scanner *scanner, uint32_t program, bool exists)
{
    remember(scanner, state_of(scanner, program), exists);
}

bool found_exists(struct scanner *scanner, uint32_t program)
{
    struct program_state *state = state_of(scanner, program);
    if (state->known == scanner->stamp)
        return state->exists;
    if (found_denied(scanner, program))
        return remember(scanner, state, false);
    struct match match;
    if (is_fixed(scanner, program))
        return remember(scanner, state, match_fixed(scanner, program, &match));
    if ((scanner->set->programs[program].flags & PROGRAM_WHOLE) &&
        state->seen == scanner->stamp)
        return remember(scanner, state, true);
    for (uint32_t i = 0; i < scanner->object->block_count; i++)
        if (pattern_exists(found_code(scanner, program), scanner->object->blocks[i].data,
                           search_from(scanner, program), scanner->arena, &scanner->budget))
            return remember(scanner, state, true);
    return remember(scanner, state, false);
}

static void find_all(struct scanner *scanner, uint32_t program, struct matches *ret)
{
    struct match match;
    if (is_fixed(scanner, program)) {
        if (match_fixed(scanner, program, &match)) {
            struct match *slot = vec_push(scanner->arena, &ret->list);
            if (slot)
                *slot = match;
        }
        return;
    }
    for (uint32_t i = 0; i < scanner->object->block_count; i++) {
        const struct block *block = &scanner->object->blocks[i];
        if (!pattern_find(found_code(scanner, program), block->data, block->base,
                          scanner->arena, &scanner->budget, ret))
            break;
    }
}

const struct matches *found_matches(struct scanner *scanner, uint32_t program)
{
    struct program_state *state = state_of(scanner, program);
    if (state->known == scanner->stamp && (!state->exists || state->matches))
        return state->exists ? state->matches : &no_matches;
    if (found_denied(scanner, program)) {
        remember(scanner, state, false);
        return &no_matches;
    }
    struct matches *matches = PUSH(scanner->arena, struct matches);
    if (!matches) {
        budget_hit(&scanner->budget, LIMIT_MEMORY);
        return &no_matches;
    }
    find_all(scanner, program, matches);
    remember(scanner, state, matches->list.n > 0);
    state->matches = matches->list.n ? matches : NULL;
    return matches;
}

uint32_t found_first(const struct matches *matches, uint64_t offset)
{
    uint32_t low = 0, high = matches->list.n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (matches->list.at[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool found_at(struct scanner *scanner, uint32_t program, uint64_t offset)
{
    const struct program_state *state = state_of(scanner, program);
    if (state->known == scanner->stamp && !state->exists)
        return false;
    if (state->known == scanner->stamp && state->matches) {
        uint32_t i = found_first(state->matches, offset);
        return i < state->matches->list.n && state->matches->list.at[i].offset == offset;
    }
    if (found_denied(scanner, program))
        return false;
    if (is_fixed(scanner, program))
        return found_exists(scanner, program) &&
               (uint64_t)scanner->set->programs[program].fixed_offset == offset;
    struct match match;
    for (uint32_t i = 0; i < scanner->object->block_count; i++) {
        const struct block *block = &scanner->object->blocks[i];
        if (offset >= block->base && offset - block->base < block->data.len &&
            pattern_at(found_code(scanner, program), block->data, offset - block->base,
                       scanner->arena, &scanner->budget, &match))
            return true;
    }
    return false;
}
