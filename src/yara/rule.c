#include "yara/rule.h"

#include <string.h>

#include "yara/condition.h"
#include "yara/declare.h"
#include "yara/operator.h"
#include "yara/reader.h"

/* A name that an earlier `rule*` would have to contain cannot be given to a rule any more. */
static bool matches_wildcard(const struct yara_compiler *c, bytes name)
{
    uint32_t ignored, base = c->name_space * 17u;
    if (c->wildcard_lengths.n < base + 17)
        return false;
    for (size_t n = 1; n <= name.len && n <= 128; n++)
        if ((c->wildcard_lengths.at[base + n / 8] & (1 << n % 8)) &&
            names_find(&c->wildcards, c->name_space, (bytes){name.at, n}, &ignored))
            return true;
    return false;
}

/* Takes the name. `number` is what the rule will have in the draft. */
static int declare_name(struct yara_compiler *c, const struct token *token, uint32_t number)
{
    uint32_t before;
    bytes name = token->text;
    if (names_find(&c->rules, c->name_space, name, &before) ||
        draft_find_external(c->draft, name) != DRAFT_FULL)
        return message_error(c, token, "duplicated_identifier",
                             "duplicated identifier \"%.*s\"", (int)name.len,
                             (const char *)name.at);
    if (matches_wildcard(c, name))
        message_error(c, token, "identifier_matches_wildcard",
                      "rule identifier \"%.*s\" matches previously used wildcard rule set",
                      (int)name.len, (const char *)name.at);
    struct known_rule *rule = vec_push(c->arena, &c->known_rules);
    if (!rule || !names_put(&c->rules, c->arena, c->name_space, name, c->known_rules.n - 1))
        return message_full(c);
    *rule = (struct known_rule){name, c->name_space, number};
    return 0;
}

static int read_tags(struct yara_compiler *c)
{
    uint32_t first = c->draft->tags.n;
    if (c->token.kind != TOKEN_IDENTIFIER)
        return message_unexpected(c, "identifier");
    for (; c->token.kind == TOKEN_IDENTIFIER; reader_take(c)) {
        uint32_t text = draft_text(c->draft, c->token.text);
        for (uint32_t i = first; i < c->draft->tags.n; i++)
            if (c->draft->tags.at[i] == text) {
                message_error(c, NULL, "duplicated_tag_identifier",
                              "duplicated tag identifier \"%.*s\"", (int)c->token.text.len,
                              (const char *)c->token.text.at);
                break;
            }
        if (c->work < c->draft->tags.n - first)
            return message_error(c, NULL, "too_complex", "the rules are too complex");
        c->work -= c->draft->tags.n - first;
        if (draft_tag(c->draft, c->token.text) == DRAFT_FULL)
            return message_full(c);
    }
    return 0;
}

static int read_meta_value(struct yara_compiler *c, bytes name)
{
    struct token token;
    bytes text = {0};
    uint32_t number = DRAFT_FULL;
    bool minus = reader_accept(c, '-');
    token = c->token;
    if (token.kind == TOKEN_TEXT && !minus) {
        if (reader_text(c, &token, &text) < 0)
            return -1;
        number = draft_meta(c->draft, name, TYPE_STRING, 0, 0, text);
    } else if (token.kind == TOKEN_NUMBER) {
        int64_t value = minus ? -token.integer : token.integer;
        number = draft_meta(c->draft, name, TYPE_INT, value, 0, text);
    } else if (token.kind == TOKEN_DOUBLE) {
        double value = minus ? -token.real : token.real;
        number = draft_meta(c->draft, name, TYPE_FLOAT, 0, value, text);
    } else if ((token.kind == TOKEN_TRUE || token.kind == TOKEN_FALSE) && !minus) {
        number = draft_meta(c->draft, name, TYPE_BOOL, token.kind == TOKEN_TRUE, 0, text);
    } else {
        return message_unexpected(c, minus ? "integer number" : NULL);
    }
    if (number == DRAFT_FULL)
        return message_full(c);
    reader_take(c);
    return 0;
}

static int read_meta(struct yara_compiler *c)
{
    if (c->token.kind != TOKEN_IDENTIFIER)
        return message_unexpected(c, "identifier");
    while (c->token.kind == TOKEN_IDENTIFIER) {
        bytes name = c->token.text;
        reader_take(c);
        if (reader_expect(c, '=') < 0 || read_meta_value(c, name) < 0)
            return -1;
    }
    return 0;
}

static int read_condition(struct yara_compiler *c, struct expr *ret)
{
    if (reader_expect(c, ':') < 0)
        return -1;
    ret->start = c->token;
    if (condition_read(c, ret) < 0)
        return -1;
    operator_truth(c, ret);
    if (c->token.kind != '}')
        return message_unexpected(c, "'}'");
    return 0;
}

/* From behind the name to the closing brace, which is not taken. */
static int read_parts(struct yara_compiler *c, struct expr *condition)
{
    if (reader_accept(c, ':') && read_tags(c) < 0)
        return -1;
    if (reader_expect(c, '{') < 0)
        return -1;
    if (reader_accept(c, TOKEN_META) && (reader_expect(c, ':') < 0 || read_meta(c) < 0))
        return -1;
    if (reader_accept(c, TOKEN_STRINGS) && (reader_expect(c, ':') < 0 || declare_read(c) < 0))
        return -1;
    if (reader_expect(c, TOKEN_CONDITION) < 0)
        return -1;
    return read_condition(c, condition);
}

static void begin(struct yara_compiler *c, bytes name)
{
    c->in_rule = true;
    c->faulty = c->too_deep = false;
    c->rule_name = name;
    c->rule_serial++;
    c->pattern_base = c->draft->patterns.n;
    c->declared.n = 0;
    c->variables.n = 0;
    c->items.n = 0;
    c->slots_used = c->loops = c->pattern_loops = c->nesting = 0;
    c->keep_object = false;
    if (c->patterns.used > 2048) {
        memset(c->patterns.slots, 0, c->patterns.size * sizeof *c->patterns.slots);
        c->patterns.used = 0;
    }
}

int rule_read(struct yara_compiler *c)
{
    uint32_t flags = 0, known = c->known_rules.n;
    for (; c->token.kind == TOKEN_PRIVATE || c->token.kind == TOKEN_GLOBAL; reader_take(c))
        flags |= c->token.kind == TOKEN_PRIVATE ? RULE_PRIVATE : RULE_GLOBAL;
    if (c->token.kind != TOKEN_RULE)
        return message_unexpected(c, flags ? "<rule> or <private> or <global>" : NULL);
    reader_take(c);
    struct token token = c->token;
    if (reader_expect(c, TOKEN_IDENTIFIER) < 0)
        return -1;
    begin(c, token.text);
    uint32_t number = draft_rule_begin(c->draft, token.text, c->name_space, flags);
    if (number == DRAFT_FULL)
        return message_full(c);
    declare_name(c, &token, number);
    struct expr condition = {0};
    int error = c->full ? -1 : read_parts(c, &condition);
    if (!error)
        error = declare_finish(c);
    if (c->draft->full)
        error = message_full(c);
    if (error || c->faulty) {
        draft_rule_drop(c->draft);
        if (c->known_rules.n > known)
            c->known_rules.at[known].number = RULESET_NONE;
    } else {
        draft_rule_end(c->draft, condition.node, c->slots_used);
    }
    c->in_rule = false;
    if (!error)
        reader_take(c);
    return error;
}
