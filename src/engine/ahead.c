/* ahead — the first pattern that each condition will have looked for, looked for together with
 * those of others. A rule's condition most often ends with the first pattern that is not there,
 * so that each rule that is awake for an anchor in vain costs a search of the whole object:
 * eight of them cost one. */
#include "engine/condition.h"
#include "match/together.h"

enum {
    OBJECT_LEAST = 16 << 10, /* bytes: less is searched as fast as this is prepared */
    ASKED_MOST = 256,
    DEEP_ENOUGH = 8,
};

struct asked {
    uint32_t programs[ASKED_MOST], count;
};

/* Whether the search for it is now on the list. */
static bool ask(struct scanner *scanner, struct asked *asked, uint32_t pattern)
{
    if (pattern == NODE_LOOP_PATTERN)
        return false;
    uint32_t program = scanner->set->patterns[pattern].program;
    if (!found_is_open(scanner, program))
        return false;
    for (uint32_t i = 0; i < asked->count; i++)
        if (asked->programs[i] == program)
            return true;
    if (asked->count < ASKED_MOST)
        asked->programs[asked->count++] = program;
    return true;
}

/* Asks for what a condition begins with. False when it needs nothing, as far as can be seen. */
static bool ask_first(struct scanner *scanner, struct asked *asked, uint32_t at, uint32_t depth)
{
    const struct node *node = &scanner->set->nodes[at];
    const uint32_t *items = scanner->set->links + node->a;
    bool any = false;
    if (depth >= DEEP_ENOUGH)
        return false;
    switch ((enum node_op)node->op) {
    case NODE_FOUND:
    case NODE_COUNT:
        return ask(scanner, asked, node->a);
    case NODE_EQ ... NODE_GE:
        return ask_first(scanner, asked, node->a, depth + 1) ||
               ask_first(scanner, asked, node->b, depth + 1);
    case NODE_AND:
        for (uint32_t i = 0; i < node->b; i++)
            if (ask_first(scanner, asked, items[i], depth + 1))
                return true;
        return false;
    case NODE_OR:
    case NODE_OF:
        for (uint32_t i = 0; i < node->b; i++) {
            any |= ask_first(scanner, asked, items[i], depth + 1);
            if (any && node->op == NODE_OF && node->aux == QUANTIFIER_ALL)
                return true;
        }
        return any;
    default:
        return false;
    }
}

static void look(struct scanner *scanner, const uint32_t *programs, uint32_t count)
{
    bytes code[TOGETHER_MOST];
    enum together answers[TOGETHER_MOST];
    for (uint32_t i = 0; i < count; i++)
        code[i] = found_code(scanner, programs[i]);
    together_look(code, count, scanner->object->blocks[0].data, scanner->arena,
                  &scanner->budget, answers);
    for (uint32_t i = 0; i < count; i++)
        if (answers[i] != TOGETHER_OPEN)
            found_settle(scanner, programs[i], answers[i] == TOGETHER_PRESENT);
}

void look_ahead(struct scanner *scanner)
{
    const struct object_input *object = scanner->object;
    struct asked asked;
    asked.count = 0;
    if (object->is_process || object->block_count != 1 || scanner->size < OBJECT_LEAST)
        return;
    for (uint32_t i = 0; i < scanner->awake_count; i++) {
        uint32_t rule = scanner->awake[i];
        if (scanner->rules[rule].known != scanner->stamp && condition_possible(scanner, rule))
            (void)ask_first(scanner, &asked, scanner->set->rules[rule].condition, 0);
    }
    for (uint32_t i = 0; i + 1 < asked.count; i += TOGETHER_MOST)
        look(scanner, asked.programs + i,
             asked.count - i < TOGETHER_MOST ? asked.count - i : TOGETHER_MOST);
}
