#include "rules/verify.h"

#include "match/literals.h"
#include "match/pattern.h"
#include "rules/kind.h"

#include <errno.h>

static bool span(uint32_t start, uint32_t count, uint32_t limit)
{
    return count <= limit && start <= limit - count;
}

/* Texts end with a NUL, so a text may begin anywhere inside. */
static bool text(const struct ruleset *set, uint32_t at)
{
    return at < set->texts.len;
}

static int bad(struct why *why, const char *what, uint32_t number)
{
    return fail(why, EBADMSG, "the ruleset is not well formed: %s %u", what, number);
}

static int check_rules(const struct ruleset *set, struct why *why)
{
    for (uint32_t i = 0; i < set->rule_count; i++) {
        const struct ruleset_rule *rule = &set->rules[i];
        if (!text(set, rule->name) || rule->name_space >= set->namespace_count ||
            rule->condition >= set->node_count || rule->slots > NODE_MAX_SLOTS ||
            !span(rule->pattern_start, rule->pattern_count, set->pattern_count) ||
            !span(rule->meta_start, rule->meta_count, set->meta_count) ||
            !span(rule->tag_start, rule->tag_count, set->tag_count))
            return bad(why, "rule", i);
    }
    for (uint32_t i = 0; i < set->pattern_count; i++)
        if (!text(set, set->patterns[i].name) || set->patterns[i].rule >= set->rule_count ||
            set->patterns[i].program >= set->program_count)
            return bad(why, "pattern", i);
    return 0;
}

/* The header tells what some rule is for, so that nobody has to look at all of them. */
static int check_targets(const struct ruleset *set, struct why *why)
{
    uint32_t targets = 0;
    for (uint32_t i = 0; i < set->rule_count; i++)
        targets |= set->gates[i].targets;
    return targets == set->targets ? 0 : bad(why, "targets", set->targets);
}

static int check_texts(const struct ruleset *set, struct why *why)
{
    if (set->texts.len == 0 || set->texts.at[set->texts.len - 1] != 0)
        return bad(why, "texts", 0);
    for (uint32_t i = 0; i < set->meta_count; i++)
        if (!text(set, set->metas[i].name) ||
            !bytes_has(set->texts, set->metas[i].text, set->metas[i].length))
            return bad(why, "meta", i);
    for (uint32_t i = 0; i < set->tag_count; i++)
        if (!text(set, set->tags[i]))
            return bad(why, "tag", i);
    for (uint32_t i = 0; i < set->namespace_count; i++)
        if (!text(set, set->namespaces[i]))
            return bad(why, "namespace", i);
    for (uint32_t i = 0; i < set->password_count; i++)
        if (!bytes_has(set->texts, set->passwords[i].text, set->passwords[i].length))
            return bad(why, "password", i);
    for (uint32_t i = 0; i < set->type_count; i++)
        if (!types_row_valid(&set->types[i], set->texts) || set->types[i].mark > i)
            return bad(why, "type", i);
    for (uint32_t i = 0; i < set->url_count; i++)
        if (!bytes_has(set->texts, set->urls[i].text, set->urls[i].length) ||
            set->urls[i].kind >= URL_KINDS)
            return bad(why, "url", i);
    for (uint32_t i = 0; i < set->icon_count; i++)
        if (!text(set, set->icons[i].groups[0]) || !text(set, set->icons[i].groups[1]))
            return bad(why, "icon", i);
    for (uint32_t i = 0; i < set->signer_count; i++)
        if (!bytes_has(set->texts, set->signers[i].key, set->signers[i].key_length) ||
            !bytes_has(set->texts, set->signers[i].exponent, set->signers[i].exponent_length))
            return bad(why, "signer", i);
    for (uint32_t i = 0; i < set->catalogue_count; i++)
        if (set->catalogue[i].digest_size > sizeof set->catalogue[i].digest)
            return bad(why, "entry of a catalogue", i);
    for (uint32_t i = 0; i < set->module_count; i++)
        if (!text(set, set->modules[i].name))
            return bad(why, "module", i);
    for (uint32_t i = 0; i < set->external_count; i++)
        if (!text(set, set->externals[i].name) ||
            !bytes_has(set->texts, set->externals[i].text, set->externals[i].length))
            return bad(why, "variable", i);
    return 0;
}

static int check_programs(const struct ruleset *set, struct why *why)
{
    for (uint32_t i = 0; i < set->program_count; i++) {
        const struct ruleset_program *program = &set->programs[i];
        if (program->code % 8 || !bytes_has(set->code, program->code, program->length) ||
            !span(program->wake_start, program->wake_count, set->wake_count) ||
            !pattern_valid((bytes){set->code.at + program->code, program->length}))
            return bad(why, "program", i);
    }
    return 0;
}

static int check_list(const uint32_t *list, uint32_t count, uint32_t limit, const char *what,
                      struct why *why)
{
    for (uint32_t i = 0; i < count; i++)
        if (list[i] >= limit)
            return bad(why, what, i);
    return 0;
}

/* Every object has its filters, whatever its kind and target. */
static int check_filters(const struct ruleset *set, struct why *why)
{
    uint32_t covered[KINDS] = {0};
    for (uint32_t i = 0; i < set->filter_count; i++) {
        const struct ruleset_filter *filter = &set->filters[i];
        if ((filter->kinds & ~(uint32_t)KIND_ALL) || filter->at % RULESET_ALIGN ||
            !bytes_has(set->literals, filter->at, filter->size) ||
            !span(filter->anchor_start, filter->anchor_count, set->filtered_count) ||
            !literals_valid(ruleset_filter_table(set, i), filter->anchor_count))
            return bad(why, "filter", i);
        for (uint32_t kind = 0; kind < KINDS && !filter->reach; kind++)
            covered[kind] |= filter->kinds >> kind & 1 ? filter->targets : 0;
    }
    for (uint32_t kind = 0; kind < KINDS; kind++)
        if (covered[kind] != UINT32_MAX)
            return bad(why, "filters for kind", kind);
    return 0;
}

static int check_anchors(const struct ruleset *set, struct why *why)
{
    for (uint32_t i = 0; i < set->anchor_count; i++)
        if (!span(set->anchors[i].suspect_start, set->anchors[i].suspect_count,
                  set->suspect_count))
            return bad(why, "anchor", i);
    int error =
        check_list(set->suspects, set->suspect_count, set->program_count, "suspect", why);
    if (!error)
        error = check_list(set->wakes, set->wake_count, set->rule_count, "wake", why);
    if (!error)
        error = check_list(set->kind_rules, set->kind_rule_count, set->rule_count, "kind", why);
    for (int i = 0; !error && i < KINDS; i++)
        if (!span(set->kinds[i].start, set->kinds[i].count, set->kind_rule_count))
            return bad(why, "kind", (uint32_t)i);
    if (!error)
        error = check_list(set->globals, set->global_count, set->rule_count, "global", why);
    if (!error)
        error =
            check_list(set->filtered, set->filtered_count, set->anchor_count, "literal", why);
    return error ? error : check_filters(set, why);
}

/* What the operands of an op are. */
enum operand {
    NONE,
    CHILD,   /* node below this one */
    MAYBE,   /* the same, or NODE_NONE */
    PATTERN, /* number of a pattern, or NODE_LOOP_PATTERN */
    LIST,    /* this and the next: list of children */
    SLOT,
    TEXT, /* this and the next: text and its length */
    PROGRAM,
    EXTERNAL,
    RULE,
    MODULE,
    FOR_OF, /* this and the next, see node.h */
    FOR_IN,
    CALL,
    TYPES, /* this and the next: start in links and number of file types */
    THREE, /* start of three links */
    PCRE,  /* see node.h */
    NAME,  /* start of a text */
    SIGNER,
    PATTERNS, /* this and the next: list of patterns */
    PARTNER,  /* number of a pattern, or NODE_NONE */
    FOLLOWED, /* see node.h */
};

static const uint8_t operands[NODE_OPS][3] = {
    [NODE_STRING] = {TEXT},
    [NODE_REGEX] = {PROGRAM},
    [NODE_READ] = {CHILD},
    [NODE_EXTERNAL] = {EXTERNAL},
    [NODE_AND] = {LIST},
    [NODE_OR] = {LIST},
    [NODE_NOT] = {CHILD},
    [NODE_DEFINED] = {CHILD},
    [NODE_EQ... NODE_SHR] = {CHILD, CHILD},
    [NODE_NEG] = {CHILD},
    [NODE_BIT_NOT] = {CHILD},
    [NODE_CONTAINS... NODE_MATCHES] = {CHILD, CHILD},
    [NODE_LENGTH] = {CHILD},
    [NODE_FOUND] = {PATTERN},
    [NODE_FOUND_AT] = {PATTERN, CHILD},
    [NODE_FOUND_IN] = {PATTERN, CHILD, CHILD},
    [NODE_COUNT] = {PATTERN},
    [NODE_COUNT_IN] = {PATTERN, CHILD, CHILD},
    [NODE_OFFSET] = {PATTERN, MAYBE},
    [NODE_MATCH_LENGTH] = {PATTERN, MAYBE},
    [NODE_RULE] = {RULE},
    [NODE_OF] = {LIST, NONE, MAYBE},
    [NODE_FOR_OF] = {FOR_OF, NONE, MAYBE},
    [NODE_FOR_IN] = {FOR_IN, NONE, MAYBE},
    [NODE_RANGE] = {CHILD, CHILD},
    [NODE_LIST] = {LIST},
    [NODE_LET] = {SLOT, CHILD, CHILD},
    [NODE_VARIABLE] = {SLOT},
    [NODE_MODULE] = {MODULE},
    [NODE_FIELD] = {CHILD},
    [NODE_INDEX] = {CHILD, CHILD},
    [NODE_CALL] = {CHILD, NONE, CALL},
    [NODE_WITHIN] = {TYPES},
    [NODE_FOUND_VERSION] = {PATTERN},
    [NODE_COUNT_VERSION] = {PATTERN},
    [NODE_NUMBER] = {PATTERN, THREE},
    [NODE_COUNT_PCRE] = {PCRE},
    [NODE_ICON] = {NAME, NAME},
    [NODE_SIGNER] = {SIGNER},
    [NODE_GROUP] = {PATTERNS},
    [NODE_COUNT_FOLLOWED] = {PARTNER, FOLLOWED, PARTNER},
};

struct tree {
    const struct ruleset *set;
    uint32_t at; /* the node under examination: its children lie before it */
};

static bool child(struct tree *tree, uint32_t at)
{
    return at < tree->at;
}

static bool maybe_child(struct tree *tree, uint32_t at)
{
    return at == NODE_NONE || child(tree, at);
}

static bool children(struct tree *tree, uint32_t start, uint32_t count)
{
    if (!span(start, count, tree->set->link_count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!child(tree, tree->set->links[start + i]))
            return false;
    return true;
}

static bool pattern_operand(const struct ruleset *set, uint32_t pattern)
{
    return pattern == NODE_LOOP_PATTERN || pattern < set->pattern_count;
}

static bool for_of(struct tree *tree, uint32_t start, uint32_t count)
{
    const struct ruleset *set = tree->set;
    if (count == UINT32_MAX || !span(start, count + 1, set->link_count) ||
        !child(tree, set->links[start]))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (set->links[start + 1 + i] >= set->pattern_count)
            return false;
    return true;
}

static bool for_in(struct tree *tree, uint32_t start, uint32_t count)
{
    const struct ruleset *set = tree->set;
    if (count < 1 || count > 2 || !span(start, count + 2, set->link_count) ||
        !child(tree, set->links[start]) || !child(tree, set->links[start + 1]))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (set->links[start + 2 + i] >= NODE_MAX_SLOTS)
            return false;
    return true;
}

/* NODE_COUNT_PCRE: seven links. */
static bool pcre(struct tree *tree, uint32_t start)
{
    const struct ruleset *set = tree->set;
    if (!span(start, 7, set->link_count))
        return false;
    const uint32_t *links = set->links + start;
    return bytes_has(set->texts, links[0], links[1]) && maybe_child(tree, links[3]) &&
           maybe_child(tree, links[4]);
}

static bool patterns(const struct ruleset *set, uint32_t start, uint32_t count)
{
    if (!span(start, count, set->link_count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (set->links[start + i] >= set->pattern_count)
            return false;
    return true;
}

/* NODE_COUNT_FOLLOWED. */
static bool followed(struct tree *tree, uint32_t start)
{
    const struct ruleset *set = tree->set;
    if (!span(start, FOLLOWED_HEAD, set->link_count))
        return false;
    const uint32_t *links = set->links + start;
    uint32_t groups = links[FOLLOWED_GROUPS];
    if (!maybe_child(tree, links[FOLLOWED_FIRST]) || !maybe_child(tree, links[FOLLOWED_LAST]) ||
        groups > set->link_count / FOLLOWED_EACH ||
        !span(start, FOLLOWED_HEAD + groups * FOLLOWED_EACH, set->link_count))
        return false;
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t group = links[FOLLOWED_HEAD + i * FOLLOWED_EACH];
        if (!child(tree, group) || set->nodes[group].op != NODE_GROUP)
            return false;
    }
    return true;
}

static bool operand(struct tree *tree, uint8_t kind, uint32_t value, uint32_t next)
{
    const struct ruleset *set = tree->set;
    switch ((enum operand)kind) {
    case NONE:
        return true;
    case CHILD:
        return child(tree, value);
    case MAYBE:
        return maybe_child(tree, value);
    case PATTERN:
        return pattern_operand(set, value);
    case LIST:
        return children(tree, value, next);
    case SLOT:
        return value < NODE_MAX_SLOTS;
    case TEXT:
        return bytes_has(set->texts, value, next);
    case PROGRAM:
        return value < set->program_count;
    case EXTERNAL:
        return value < set->external_count;
    case RULE:
        return value < set->rule_count;
    case MODULE:
        return value < set->module_count;
    case FOR_OF:
        return for_of(tree, value, next);
    case FOR_IN:
        return for_in(tree, value, next);
    case CALL:
        return value < set->link_count && children(tree, value + 1, set->links[value]);
    case TYPES:
        return span(value, next, set->link_count);
    case THREE:
        return span(value, 3, set->link_count);
    case PCRE:
        return pcre(tree, value);
    case NAME:
        return text(set, value);
    case SIGNER:
        return value < set->signer_count;
    case PATTERNS:
        return patterns(set, value, next);
    case PARTNER:
        return value == NODE_NONE || value < set->pattern_count;
    case FOLLOWED:
        return followed(tree, value);
    }
    return false;
}

static int check_nodes(const struct ruleset *set, struct why *why)
{
    struct tree tree = {.set = set};
    for (; tree.at < set->node_count; tree.at++) {
        const struct node *node = &set->nodes[tree.at];
        if (node->op >= NODE_OPS)
            return bad(why, "node", tree.at);
        const uint8_t *kinds = operands[node->op];
        if (!operand(&tree, kinds[0], node->a, node->b) ||
            !operand(&tree, kinds[1], node->b, node->c) ||
            !operand(&tree, kinds[2], node->c, 0))
            return bad(why, "node", tree.at);
    }
    return 0;
}

int ruleset_verify(const struct ruleset *set, struct why *why)
{
    int error = check_targets(set, why);
    if (!error)
        error = check_texts(set, why);
    if (!error)
        error = check_rules(set, why);
    if (!error)
        error = check_programs(set, why);
    if (!error)
        error = check_anchors(set, why);
    return error ? error : check_nodes(set, why);
}
