#include "cmd/yara_output.h"

#include "rules/kind.h"
#include "yara/dump.h"

#include <stdlib.h>
#include <string.h>

/* yara keeps so many bytes of a match, and prints that as its length. */
enum { MATCH_DATA_MAX = 512, HEX_MAX = 64 };

enum { TOO_MANY_MATCHES = 1000000 };

static const char *text_at(const struct yara_output *output, uint32_t at)
{
    return ruleset_text(output->set, at);
}

static bool has_tag(const struct yara_output *output, const struct ruleset_rule *rule,
                    const struct option_list *tags)
{
    for (uint32_t i = 0; i < rule->tag_count; i++)
        for (int k = 0; k < tags->n; k++)
            if (strcmp(text_at(output, output->set->tags[rule->tag_start + i]), tags->at[k]) ==
                0)
                return true;
    return false;
}

static bool is_shown(const struct yara_output *output, const struct ruleset_rule *rule,
                     bool matching)
{
    const struct yara_arguments *a = output->arguments;
    bool shown = a->tags.n ? has_tag(output, rule, &a->tags) : true;
    if (a->identifiers.n) {
        shown = false;
        for (int i = 0; i < a->identifiers.n && !shown; i++)
            shown = strcmp(a->identifiers.at[i], text_at(output, rule->name)) == 0;
    }
    return shown && matching == !a->negate && !a->count_only;
}

static void add_escaped(struct text *out, bytes view)
{
    for (size_t i = 0; i < view.len; i++) {
        uint8_t c = view.at[i];
        const char *short_form = c >= 7 && c <= 13 ? &"abtnvfr"[c - 7] : NULL;
        if (c == '"' || c == '\'' || c == '\\')
            text_printf(out, "\\%c", c);
        else if (c >= 32 && c < 127)
            text_byte(out, (char)c);
        else if (short_form)
            text_printf(out, "\\%c", *short_form);
        else
            text_printf(out, "\\%03o", c);
    }
}

static void add_string(struct text *out, bytes view, uint8_t key)
{
    for (size_t i = 0; i < view.len; i++) {
        uint8_t c = view.at[i] ^ key;
        if (c >= 32 && c <= 126)
            text_byte(out, (char)c);
        else
            text_printf(out, "\\x%02X", c);
    }
}

static void add_hex(struct text *out, bytes view)
{
    for (size_t i = 0; i < view.len && i < HEX_MAX; i++)
        text_printf(out, "%s%02X", i ? " " : "", view.at[i]);
    if (view.len > HEX_MAX)
        text_word(out, " ...");
}

static void add_metas(const struct yara_output *output, const struct ruleset_rule *rule,
                      struct text *out)
{
    const struct ruleset *set = output->set;
    text_byte(out, '[');
    for (uint32_t i = 0; i < rule->meta_count; i++) {
        const struct ruleset_meta *meta = &set->metas[rule->meta_start + i];
        text_word(out, i ? "," : "");
        text_word(out, text_at(output, meta->name));
        if (meta->type == TYPE_INT) {
            text_printf(out, " =%lld", (long long)meta->integer);
        } else if (meta->type == TYPE_BOOL) {
            text_word(out, meta->integer ? "=true" : "=false");
        } else if (meta->type == TYPE_FLOAT) {
            double real;
            memcpy(&real, &meta->integer, sizeof real);
            text_printf(out, "=%f", real);
        } else {
            bytes text = bytes_slice(set->texts, meta->text, meta->length);
            text_word(out, "=\"");
            add_escaped(out, bytes_slice(text, 0, strnlen((const char *)text.at, text.len)));
            text_byte(out, '"');
        }
    }
    text_word(out, "] ");
}

static void add_path(struct text *out, const char *path)
{
    for (; *path; path++)
        if (*path == '\n' || *path == '\r')
            text_word(out, *path == '\n' ? "\\n" : "\\r");
        else
            text_byte(out, *path);
    text_byte(out, '\n');
}

static void add_head(const struct yara_output *output, const struct ruleset_rule *rule,
                     const char *path, struct text *out)
{
    const struct yara_arguments *a = output->arguments;
    if (a->name_space) {
        text_word(out, text_at(output, output->set->namespaces[rule->name_space]));
        text_byte(out, ':');
    }
    text_word(out, text_at(output, rule->name));
    text_byte(out, ' ');
    if (a->show_tags) {
        text_byte(out, '[');
        for (uint32_t i = 0; i < rule->tag_count; i++) {
            text_word(out, i ? "," : "");
            text_word(out, text_at(output, output->set->tags[rule->tag_start + i]));
        }
        text_word(out, "] ");
    }
    if (a->meta)
        add_metas(output, rule, out);
    add_path(out, path);
}

static bytes match_bytes(const struct object_input *object, const struct match *match)
{
    uint32_t len = match->length < MATCH_DATA_MAX ? match->length : MATCH_DATA_MAX;
    for (uint32_t i = 0; i < object->block_count; i++) {
        const struct block *block = &object->blocks[i];
        if (match->offset >= block->base && match->offset - block->base < block->data.len)
            return bytes_slice(block->data, match->offset - block->base, len);
    }
    return (bytes){NULL, 0};
}

static void add_match(const struct yara_output *output, const struct ruleset_pattern *pattern,
                      const struct object_input *object, const struct match *match,
                      struct text *out)
{
    const struct yara_arguments *a = output->arguments;
    bytes data = match_bytes(object, match);
    text_printf(out, "0x%llx:", (unsigned long long)match->offset);
    if (a->string_length)
        text_printf(out, "%zu:", data.len);
    text_word(out, text_at(output, pattern->name));
    if (a->xor_key) {
        text_printf(out, ":xor(0x%02x,", match->xor_key);
        add_string(out, data, match->xor_key);
        text_byte(out, ')');
    }
    if (a->strings) {
        text_word(out, ": ");
        if (pattern->flags & PATTERN_WAS_HEX)
            add_hex(out, data);
        else
            add_string(out, data, 0);
    }
    text_byte(out, '\n');
}

static void add_matches(const struct yara_output *output, struct scanner *scanner,
                        const struct ruleset_rule *rule, const struct object_input *object,
                        struct text *out)
{
    for (uint32_t i = 0; i < rule->pattern_count; i++) {
        uint32_t number = rule->pattern_start + i;
        const struct ruleset_pattern *pattern = &output->set->patterns[number];
        if (pattern->flags & PATTERN_PRIVATE)
            continue;
        const struct matches *matches = scanner_matches(scanner, number);
        bool first_only =
            output->arguments->fast && output->counted && !output->counted[number];
        for (uint32_t k = 0; matches && k < matches->list.n && (k == 0 || !first_only); k++)
            add_match(output, pattern, object, &matches->list.at[k], out);
    }
}

static void warn_too_many(const struct yara_output *output, struct scanner *scanner,
                          struct text *err)
{
    for (uint32_t i = 0; i < output->set->pattern_count; i++) {
        const struct ruleset_pattern *pattern = &output->set->patterns[i];
        const struct matches *matches = scanner_matches(scanner, i);
        if (matches && matches->list.n >= TOO_MANY_MATCHES)
            text_printf(err,
                        "warning: rule \"%s\": too many matches for %s, results for this rule "
                        "may be incorrect\n",
                        text_at(output, output->set->rules[pattern->rule].name),
                        text_at(output, pattern->name));
    }
}

int yara_output_rules(struct yara_output *output, struct scanner *scanner,
                      const struct verdict *verdict, const struct object_input *object,
                      const char *path, struct text *out, struct text *err)
{
    const struct yara_arguments *a = output->arguments;
    bool shows_matches = a->strings || a->string_length || a->xor_key;
    uint32_t next = 0;
    int count = 0;
    for (uint32_t i = 0; i < output->set->rule_count; i++) {
        const struct ruleset_rule *rule = &output->set->rules[i];
        bool matching = next < verdict->finding_count && verdict->findings[next].rule == i;
        next += matching;
        if (!matching && !a->negate) {
            if (next == verdict->finding_count)
                break;
            if (!a->max_rules) {
                i = verdict->findings[next].rule - 1;
                continue;
            }
        }
        if (rule->flags & RULE_PRIVATE)
            continue;
        if (is_shown(output, rule, matching)) {
            add_head(output, rule, path, out);
            if (shows_matches)
                add_matches(output, scanner, rule, object, out);
        }
        long total =
            matching ? atomic_fetch_add(output->total, 1) + 1 : atomic_load(output->total);
        count += matching;
        if (a->max_rules && total >= a->max_rules)
            break;
    }
    if (verdict->limit == LIMIT_MATCHES && !a->no_warnings)
        warn_too_many(output, scanner, err);
    return count;
}

static void add_dump(void *to, bytes text)
{
    text_add(to, text.at, text.len);
}

void yara_output_modules(const struct yara_output *output, struct scanner *scanner,
                         struct text *out)
{
    for (uint32_t i = 0; i < output->set->module_count; i++) {
        struct object *root = scanner_module(scanner, i);
        struct module_input *in = scanner_module_input(scanner, i);
        if (!root || !in || object_fill_all(in, root) < 0)
            continue;
        dump_module(text_at(output, output->set->modules[i].name), root, add_dump, out);
    }
}

/* The figures that mean something here; yara's tell of its automaton. */
void yara_output_stats(const struct ruleset *set, struct text *out)
{
    text_printf(out,
                "size of filter tables              : %zu\n"
                "number of rules                    : %u\n"
                "number of strings                  : %u\n"
                "number of programs                 : %u\n"
                "number of literals in the filter   : %u\n"
                "number of rules without a literal  : %u\n",
                set->literals.len, set->rule_count, set->pattern_count, set->program_count,
                set->anchor_count, set->kinds[KIND_OTHER].count);
}

static void mark(const struct ruleset *set, const struct ruleset_rule *rule, uint32_t operand,
                 uint8_t *counted)
{
    /* Inside a loop any pattern of the rule may be meant. */
    uint32_t first = operand == NODE_LOOP_PATTERN ? rule->pattern_start : operand;
    uint32_t count = operand == NODE_LOOP_PATTERN ? rule->pattern_count : 1;
    for (uint32_t i = first; i < set->pattern_count && i - first < count; i++)
        counted[i] = 1;
}

uint8_t *yara_output_counted(const struct ruleset *set)
{
    uint8_t *counted = calloc(set->pattern_count + 1u, 1);
    uint32_t rule = 0;
    for (uint32_t i = 0; counted && i < set->node_count; i++) {
        const struct node *node = &set->nodes[i];
        /* The nodes of a rule end with its condition. */
        while (rule + 1 < set->rule_count && i > set->rules[rule].condition)
            rule++;
        if ((node->op >= NODE_FOUND_AT && node->op <= NODE_MATCH_LENGTH) && set->rule_count)
            mark(set, &set->rules[rule], node->a, counted);
    }
    return counted;
}
