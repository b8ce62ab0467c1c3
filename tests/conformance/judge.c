#include "judge.h"

#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "rules/draft.h"
#include "yara/yara.h"

struct heard {
    const struct conformance_case *it;
    struct judgement *judgement;
    bool expected;
};

static void hear(void *context, const struct yara_message *message)
{
    struct heard *heard = context;
    size_t used = strlen(heard->judgement->text);
    if (message->severity == YARA_WARNING)
        return;
    if (bytes_is(heard->it->code, message->code))
        heard->expected = true;
    snprintf(heard->judgement->text + used, sizeof heard->judgement->text - used,
             "%u:%u: %s (%s) ", message->line, message->column, message->text, message->code);
}

static bool compile(const struct conformance_case *it, struct arena *arena, struct ruleset *set,
                    uint32_t *errors, struct heard *heard)
{
    struct why why = {""};
    bytes file;
    struct draft *draft = draft_new(arena);
    struct yara_options options = {
        .message = hear, .message_context = heard, .strict_4 = !it->additions};
    draft_external(draft, bytes_of("var_zero"), TYPE_INT, 0, 0, (bytes){0});
    draft_external(draft, bytes_of("var_one"), TYPE_INT, 1, 0, (bytes){0});
    draft_external(draft, bytes_of("var_true"), TYPE_BOOL, 1, 0, (bytes){0});
    draft_external(draft, bytes_of("var_false"), TYPE_BOOL, 0, 0, (bytes){0});
    draft_external(draft, bytes_of("var_text"), TYPE_STRING, 0, 0, bytes_of("text"));
    struct yara_compiler *compiler = yara_compiler_new(draft, &options);
    struct yara_source source = {.text = it->rules, .name_space = bytes_of("default")};
    if (yara_compile(compiler, &source, errors) < 0)
        return false;
    if (*errors)
        return true;
    if (draft_seal(draft, arena, &file, &why) == 0 &&
        ruleset_open(file, module_fingerprint(), set, &why) == 0)
        return true;
    snprintf(heard->judgement->text, sizeof heard->judgement->text, "%s", why.text);
    return false;
}

static bool rule_has_match(const struct conformance_case *it, const struct ruleset *set,
                           struct scanner *scanner, uint32_t rule)
{
    uint32_t first = set->rules[rule].pattern_start, count = set->rules[rule].pattern_count;
    for (uint32_t i = first; i < first + count; i++) {
        const struct matches *matches = scanner_matches(scanner, i);
        for (uint32_t k = 0; matches && k < matches->list.n; k++) {
            const struct match *match = &matches->list.at[k];
            if (bytes_equal(bytes_slice(it->object, match->offset, match->length), it->match))
                return true;
        }
    }
    return false;
}

static bool scan(const struct conformance_case *it, const struct ruleset *set,
                 struct judgement *ret)
{
    struct scanner_options options = {0};
    struct scanner *scanner = scanner_new(set, &options);
    struct block block = {.data = it->object};
    struct object_input object = {.blocks = &block, .block_count = 1, .now = 1700000000};
    struct verdict verdict;
    bool found = !it->has_match;
    int error = scanner ? scanner_scan(scanner, &object, &verdict) : -1;
    uint32_t count = error ? 0 : verdict.finding_count;
    for (uint32_t i = 0; i < count; i++)
        found |= rule_has_match(it, set, scanner, verdict.findings[i].rule);
    enum limit limit = error ? LIMIT_NONE : verdict.limit;
    scanner_free(scanner);
    snprintf(ret->text, sizeof ret->text, "%u rules matched%s%s%s", count,
             found ? "" : ", none with the expected bytes", error ? ", the scan failed" : "",
             limit ? ", a limit was reached" : "");
    if (error || (it->expect == EXPECT_NOMATCH && count) ||
        (it->expect == EXPECT_MATCH && !count))
        return false;
    return it->expect == EXPECT_NOMATCH ||
           (found && (it->count < 0 || (uint32_t)it->count == count));
}

bool judge_case(const struct conformance_case *it, struct judgement *ret)
{
    struct arena *arena = arena_new((size_t)256 << 20);
    struct ruleset set;
    struct heard heard = {.it = it, .judgement = ret};
    uint32_t errors = 0;
    ret->text[0] = 0;
    bool good = compile(it, arena, &set, &errors, &heard);
    if (it->expect == EXPECT_ERROR) {
        good = good && errors && (heard.expected || it->code.len == 0);
        if (!errors)
            snprintf(ret->text, sizeof ret->text, "no error was reported");
    } else if (good && errors) {
        good = false;
    } else if (good && it->expect != EXPECT_COMPILES) {
        good = scan(it, &set, ret);
    }
    arena_free(arena);
    return good;
}
