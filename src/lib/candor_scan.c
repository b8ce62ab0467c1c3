/* libcandor's scanner: the engine over memory, or over a private copy of a file. */
#include "engine/engine.h"
#include "lib/rules.h"
#include "scan/content.h"
#include "scan/examine/examine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct candor_scanner {
    const struct ruleset *set;
    struct scanner *scanner;
    struct verdict verdict;
    struct content content;
    struct block block; /* the engine looks at these until the next scan */
    struct object_input object;
    char **texts; /* values of text variables, one for each external */
    volatile bool stop;
    const char *not_full;
    struct ruleset_label label; /* of the finding that was asked for last */
};

struct candor_scanner *candor_scanner_new(const struct candor_rules *rules)
{
    struct candor_scanner *scanner = calloc(1, sizeof *scanner);
    if (!scanner)
        return NULL;
    const struct scanner_options options = {.stop = &scanner->stop};
    scanner->set = &rules->definitions.set;
    scanner->content.copies = true;
    scanner->texts = calloc(scanner->set->external_count + 1u, sizeof(char *));
    scanner->scanner = scanner->texts ? scanner_new(scanner->set, &options) : NULL;
    if (!scanner->scanner) {
        candor_scanner_free(scanner);
        return NULL;
    }
    return scanner;
}

void candor_scanner_free(struct candor_scanner *scanner)
{
    if (!scanner)
        return;
    scanner_free(scanner->scanner);
    content_free(&scanner->content);
    for (uint32_t i = 0; scanner->texts && i < scanner->set->external_count; i++)
        free(scanner->texts[i]);
    free(scanner->texts);
    free(scanner);
}

/* Number of the variable, or -ENOENT. */
static int find_variable(const struct candor_scanner *scanner, const char *name)
{
    for (uint32_t i = 0; i < scanner->set->external_count; i++)
        if (strcmp(ruleset_text(scanner->set, scanner->set->externals[i].name), name) == 0)
            return (int)i;
    return -ENOENT;
}

static int set_value(struct candor_scanner *scanner, const char *name, struct value value)
{
    return find_variable(scanner, name) >= 0 &&
                   scanner_set(scanner->scanner, bytes_of(name), value)
               ? 0
               : -ENOENT;
}

int candor_set_int(struct candor_scanner *scanner, const char *name, int64_t value)
{
    return set_value(scanner, name, VALUE_INT(value));
}

int candor_set_bool(struct candor_scanner *scanner, const char *name, bool value)
{
    return set_value(scanner, name, VALUE_BOOL(value));
}

int candor_set_float(struct candor_scanner *scanner, const char *name, double value)
{
    return set_value(scanner, name, VALUE_FLOAT(value));
}

int candor_set_text(struct candor_scanner *scanner, const char *name, const char *value)
{
    int number = find_variable(scanner, name);
    char *copy = number >= 0 ? strdup(value) : NULL;
    if (!copy)
        return number < 0 ? number : -ENOMEM;
    int error = set_value(scanner, name, value_bytes(bytes_of(copy)));
    free(scanner->texts[number]);
    scanner->texts[number] = copy;
    return error;
}

static int scan(struct candor_scanner *scanner, bytes data, struct candor_error *error)
{
    scanner->block = (struct block){.data = data};
    scanner->object =
        (struct object_input){.blocks = &scanner->block, .block_count = 1, .now = time(NULL)};
    scanner->verdict = (struct verdict){0};
    int code = scanner_scan(scanner->scanner, &scanner->object, &scanner->verdict);
    scanner->stop = false;
    if (code)
        return candor_fail(error, code, "out of memory");
    if (scanner->verdict.limit != LIMIT_NONE)
        scanner->not_full = examine_limit_text(scanner->verdict.limit);
    else if (scanner->content.shrunk)
        scanner->not_full = "it became shorter while it was read";
    return (int)scanner->verdict.finding_count;
}

static void forget(struct candor_scanner *scanner)
{
    content_release(&scanner->content);
    scanner->content.shrunk = false;
    scanner->verdict = (struct verdict){0};
    scanner->not_full = NULL;
}

int candor_scan_memory(struct candor_scanner *scanner, const void *data, size_t size,
                       struct candor_error *error)
{
    forget(scanner);
    return scan(scanner, (bytes){data, size}, error);
}

int candor_scan_fd(struct candor_scanner *scanner, int fd, struct candor_error *error)
{
    forget(scanner);
    if (lseek(fd, 0, SEEK_SET) < 0)
        return candor_fail(error, -errno, strerror(errno));
    int code = content_take(&scanner->content, fd, 0);
    if (code)
        return candor_fail(error, code,
                           code == -EINVAL ? "not a regular file" : strerror(-code));
    return scan(scanner, scanner->content.data, error);
}

int candor_scan_file(struct candor_scanner *scanner, const char *path,
                     struct candor_error *error)
{
    forget(scanner);
    int code = content_open(&scanner->content, AT_FDCWD, path, true, 0);
    if (code)
        return candor_fail(error, code,
                           code == -EINVAL ? "not a regular file" : strerror(-code));
    return scan(scanner, scanner->content.data, error);
}

void candor_stop(struct candor_scanner *scanner)
{
    scanner->stop = true;
}

const char *candor_not_full(const struct candor_scanner *scanner)
{
    return scanner->not_full;
}

static const struct ruleset_rule *rule_of(const struct candor_scanner *scanner, uint32_t number)
{
    static const struct ruleset_rule hash_signature = {0};
    if (number >= scanner->verdict.finding_count)
        return NULL;
    uint32_t rule = scanner->verdict.findings[number].rule;
    return rule < scanner->set->rule_count ? &scanner->set->rules[rule] : &hash_signature;
}

int candor_finding(struct candor_scanner *scanner, uint32_t number, struct candor_finding *ret)
{
    const struct ruleset_rule *rule = rule_of(scanner, number);
    if (!rule)
        return -ERANGE;
    uint32_t found = scanner->verdict.findings[number].rule;
    ruleset_label(scanner->set, found, &scanner->label);
    *ret = (struct candor_finding){
        .rule = found < scanner->set->rule_count ? ruleset_text(scanner->set, rule->name)
                                                 : scanner->label.name,
        .name_space = scanner->label.name_space,
        .tag_count = rule->tag_count,
        .meta_count = rule->meta_count,
        .pattern_count = rule->pattern_count,
    };
    return 0;
}

int candor_tag(struct candor_scanner *scanner, uint32_t finding, uint32_t number,
               const char **ret)
{
    const struct ruleset_rule *rule = rule_of(scanner, finding);
    if (!rule || number >= rule->tag_count)
        return -ERANGE;
    *ret = ruleset_text(scanner->set, scanner->set->tags[rule->tag_start + number]);
    return 0;
}

int candor_meta(struct candor_scanner *scanner, uint32_t finding, uint32_t number,
                struct candor_meta *ret)
{
    const struct ruleset_rule *rule = rule_of(scanner, finding);
    if (!rule || number >= rule->meta_count)
        return -ERANGE;
    const struct ruleset_meta *meta = &scanner->set->metas[rule->meta_start + number];
    *ret = (struct candor_meta){.name = ruleset_text(scanner->set, meta->name)};
    if (meta->type == TYPE_STRING) {
        ret->type = CANDOR_TEXT;
        ret->text = ruleset_text(scanner->set, meta->text);
        ret->length = meta->length;
    } else if (meta->type == TYPE_FLOAT) {
        ret->type = CANDOR_FLOAT;
        memcpy(&ret->real, &meta->integer, sizeof ret->real);
    } else {
        ret->type = meta->type == TYPE_BOOL ? CANDOR_BOOL : CANDOR_INT;
        ret->integer = meta->integer;
    }
    return 0;
}

static const struct matches *matches_of(struct candor_scanner *scanner,
                                        const struct ruleset_rule *rule, uint32_t number)
{
    uint32_t pattern = rule->pattern_start + number;
    return scanner->set->patterns[pattern].flags & PATTERN_PRIVATE
               ? NULL
               : scanner_matches(scanner->scanner, pattern);
}

int candor_pattern(struct candor_scanner *scanner, uint32_t finding, uint32_t number,
                   struct candor_pattern *ret)
{
    const struct ruleset_rule *rule = rule_of(scanner, finding);
    if (!rule || number >= rule->pattern_count)
        return -ERANGE;
    const struct matches *matches = matches_of(scanner, rule, number);
    ret->id =
        ruleset_text(scanner->set, scanner->set->patterns[rule->pattern_start + number].name);
    ret->match_count = matches ? matches->list.n : 0;
    return 0;
}

int candor_match(struct candor_scanner *scanner, uint32_t finding, uint32_t pattern,
                 uint32_t number, struct candor_match *ret)
{
    const struct ruleset_rule *rule = rule_of(scanner, finding);
    if (!rule || pattern >= rule->pattern_count)
        return -ERANGE;
    const struct matches *matches = matches_of(scanner, rule, pattern);
    if (!matches || number >= matches->list.n)
        return -ERANGE;
    const struct match *match = &matches->list.at[number];
    *ret = (struct candor_match){.offset = match->offset,
                                 .length = match->length,
                                 .xor_key = match->xor_key,
                                 .data = scanner->block.data.at + match->offset};
    return 0;
}
