#include "engine/scanner_state.h"

#include <errno.h>

static int match_text(struct module_input *in, const struct value *regex, bytes subject)
{
    const struct scanner *scanner = in->ruleset;
    return pattern_match_text(found_code(scanner, (uint32_t)regex->integer), subject, in->arena,
                              in->budget);
}

static void prepare(struct scanner *scanner, uint32_t number, struct module_input *in)
{
    const struct object_input *object = scanner->object;
    bytes name = bytes_of(ruleset_text(scanner->set, scanner->set->modules[number].name));
    *in = (struct module_input){
        .blocks = object->blocks,
        .block_count = object->block_count,
        .is_process = object->is_process,
        .arena = scanner->arena,
        .budget = &scanner->budget,
        .now = object->now,
        .log = object->log,
        .log_to = object->log_to,
        .regex = match_text,
        .ruleset = scanner,
    };
    if (object->module_data)
        in->extra = object->module_data(object->module_data_to, name);
}

struct module_input *load_module(struct scanner *scanner, uint32_t number)
{
    struct module_state *state = &scanner->modules[number];
    if (!state->module || !scanner->object)
        return NULL;
    struct module_input *in = &state->input;
    if (state->loaded == scanner->stamp)
        return in->root ? in : NULL;
    state->loaded = scanner->stamp;
    prepare(scanner, number, in);
    int error = state->module->load(in);
    if (error || !in->root) {
        budget_hit(&scanner->budget, error == -EBADMSG ? LIMIT_DATA : LIMIT_MEMORY);
        in->root = NULL;
        return NULL;
    }
    return in;
}
