/* --explain: what somebody who doubts a finding wants to know, on one screen, and the same for
 * programs. */
#include "scan/report.h"

#include <string.h>

enum {
    MATCHES_SHOWN = 8, /* of a finding */
    EACH_SHOWN = 3,    /* of a pattern */
    BYTES_SHOWN = 16,  /* of a match */
    VALUE_SHOWN = 400, /* bytes of a meta value */
};

/* Who made the rules decides where a false alarm goes. */
enum origin { ORIGIN_BUILT_IN, ORIGIN_COMPILED, ORIGIN_FILES };

static const char *const origin_words[] = {"built in", "compiled", "rules"};

static enum origin origin_of(const struct definitions *definitions)
{
    return !definitions->source                           ? ORIGIN_FILES
           : strcmp(definitions->source, "built in") == 0 ? ORIGIN_BUILT_IN
                                                          : ORIGIN_COMPILED;
}

/* The checksum in the head of compiled definitions (rules/ruleset.h), which says whether two
 * are the same. */
static uint64_t checksum_of(const struct ruleset *set)
{
    uint64_t checksum = 0;
    return bytes_le64(set->file, 24, &checksum) ? checksum : 0;
}

static void field(struct text *out, const char *name)
{
    text_printf(out, "      %-13s", name);
}

static void print_source(struct text *out, const struct examined *examined,
                         const struct examined_finding *finding)
{
    const struct definitions *definitions = &examined->sets[finding->set];
    const struct ruleset *set = &definitions->set;
    struct ruleset_label label;
    report_label(examined, finding, &label);
    bool is_signature = report_rule(examined, finding)->flags & RULE_SIGNATURE;
    field(out, is_signature ? "signature" : "rule");
    text_word(out, label.name);
    text_word(out, is_signature ? " in " : " in namespace ");
    text_visible(out, bytes_of(label.name_space));
    if (label.line)
        text_printf(out, ", line %u", label.line);
    text_byte(out, '\n');
    field(out, "from");
    switch (origin_of(definitions)) {
    case ORIGIN_BUILT_IN:
        text_printf(out, "the definitions of candor %s, checksum %016llx\n", CANDOR_VERSION,
                    (unsigned long long)checksum_of(set));
        break;
    case ORIGIN_COMPILED:
        text_word(out, "the compiled definitions ");
        text_visible(out, bytes_of(definitions->source));
        text_printf(out, ", checksum %016llx\n", (unsigned long long)checksum_of(set));
        break;
    case ORIGIN_FILES:
        text_word(out, is_signature ? "the database " : "the rule file ");
        text_visible(out, bytes_of(label.name_space));
        text_byte(out, '\n');
    }
}

/* Why the rule exists, as far as it says so. */
static void print_metas(struct text *out, const struct ruleset *set,
                        const struct ruleset_rule *rule)
{
    static const char *const names[][2] = {{"description", "what"},    {"reason", "why"},
                                           {"severity", "severity"},   {"author", "author"},
                                           {"reference", "reference"}, {"date", "date"},
                                           {"license", "license"}};

    for (size_t i = 0; i < COUNT(names); i++) {
        const char *value = report_meta(set, rule, names[i][0]);
        if (!value || !*value)
            continue;
        field(out, names[i][1]);
        text_visible(out, bytes_slice(bytes_of(value), 0, VALUE_SHOWN));
        text_word(out, strlen(value) > VALUE_SHOWN ? " ...\n" : "\n");
    }
}

static void print_object(struct text *out, const struct examined *examined, uint32_t number,
                         const char *what)
{
    const struct examined_object *object = &examined->object.at[number];
    field(out, what);
    text_visible(out, object->name);
    text_word(out, ", ");
    text_grouped(out, number ? object->size : examined->size);
    text_word(out, " bytes\n");
    if (!object->sha256.len)
        return;
    field(out, "SHA-256");
    text_hex(out, object->sha256);
    text_byte(out, '\n');
}

static void print_match(struct text *out, const struct examined_match *match)
{
    bytes data = bytes_slice(match->data, 0, BYTES_SHOWN);
    field(out, "");
    text_printf(out, "at %llu, %u byte%s", (unsigned long long)match->offset, match->length,
                match->length == 1 ? "" : "s");
    if (match->xor_key)
        text_printf(out, ", XORed with %02x", match->xor_key);
    text_word(out, data.len ? ": " : "");
    for (size_t i = 0; i < data.len; i++)
        text_printf(out, "%02x ", data.at[i]);
    text_word(out, data.len < match->length ? "... " : "");
    text_word(out, " ");
    for (size_t i = 0; i < data.len; i++)
        text_byte(out, data.at[i] >= 32 && data.at[i] < 127 ? (char)data.at[i] : '.');
    text_byte(out, '\n');
}

static void print_patterns(struct text *out, const struct examined *examined,
                           const struct examined_finding *finding)
{
    const struct ruleset *set = report_set(examined, finding);
    uint32_t shown = 0;
    for (uint32_t i = 0; i < finding->pattern_count; i++) {
        const struct examined_pattern *found =
            &examined->pattern.at[finding->pattern_start + i];
        if (shown >= MATCHES_SHOWN) {
            field(out, "");
            text_printf(out, "and %u more patterns (--json has all)\n",
                        finding->pattern_count - i);
            return;
        }
        field(out, i ? "" : "matched");
        text_word(out, ruleset_text(set, set->patterns[found->number].name));
        text_printf(out, ", %u time%s%s\n", found->count, found->count == 1 ? "" : "s",
                    found->count > EACH_SHOWN ? ", of which the first:" : ":");
        for (uint32_t k = 0; k < found->match_count && k < EACH_SHOWN; k++, shown++)
            print_match(out, &examined->match.at[found->match_start + k]);
    }
    if (finding->pattern_count)
        return;
    field(out, "matched");
    if (finding->rule >= set->rule_count)
        text_word(out, "the digest of it, of a section in it, or of what it imports\n");
    else
        text_word(out, "no text: the rule's condition asks for other facts of the file\n");
}

static void print_address(struct text *out, const struct examined *examined,
                          const struct examined_finding *finding)
{
    const struct ruleset *set = report_set(examined, finding);
    const struct ruleset_rule *rule = report_rule(examined, finding);
    const char *author = report_meta(set, rule, "author");
    const char *reference = report_meta(set, rule, "reference");
    field(out, "false alarm?");
    if (origin_of(&examined->sets[finding->set]) == ORIGIN_BUILT_IN) {
        text_word(out, "send rule, checksum and SHA-256, not the file, as CONTRIBUTING.md "
                       "says (A false alarm)\n");
        return;
    }
    text_word(out, "this rule is not candor's: send rule and SHA-256 to its author");
    if (author && *author) {
        text_word(out, ", ");
        text_visible(out, bytes_slice(bytes_of(author), 0, VALUE_SHOWN));
    }
    if (reference && *reference) {
        text_word(out, ", ");
        text_visible(out, bytes_slice(bytes_of(reference), 0, VALUE_SHOWN));
    }
    text_byte(out, '\n');
}

void report_explain_text(struct text *out, const struct examined *examined,
                         const struct examined_finding *finding)
{
    const struct ruleset *set = report_set(examined, finding);
    print_source(out, examined, finding);
    print_metas(out, set, report_rule(examined, finding));
    print_object(out, examined, finding->object, finding->object ? "object" : "file");
    if (finding->object)
        print_object(out, examined, 0, "in the file");
    print_patterns(out, examined, finding);
    print_address(out, examined, finding);
}

static void json_digest(struct text *out, const char *name, bytes sha256)
{
    if (!sha256.len)
        return;
    text_printf(out, ",\"%s\":\"", name);
    text_hex(out, sha256);
    text_byte(out, '"');
}

static void json_meta(struct text *out, const char *name, const char *value)
{
    if (!value)
        return;
    text_printf(out, ",\"%s\":", name);
    text_json(out, bytes_of(value));
}

void report_explain_json(struct text *out, const struct examined *examined,
                         const struct examined_finding *finding)
{
    const struct definitions *definitions = &examined->sets[finding->set];
    const struct ruleset *set = &definitions->set;
    const struct ruleset_rule *rule = report_rule(examined, finding);
    enum origin origin = origin_of(definitions);
    struct ruleset_label label;
    report_label(examined, finding, &label);
    text_printf(out, ",\"explain\":{\"origin\":\"%s\",\"source\":", origin_words[origin]);
    text_json(out, bytes_of(origin == ORIGIN_FILES ? label.name_space : definitions->source));
    if (origin != ORIGIN_FILES)
        text_printf(out, ",\"checksum\":\"%016llx\"", (unsigned long long)checksum_of(set));
    text_printf(out, ",\"version\":\"%s\",\"size\":%llu", CANDOR_VERSION,
                (unsigned long long)(finding->object ? examined->object.at[finding->object].size
                                                     : examined->size));
    json_digest(out, "sha256", examined->object.at[finding->object].sha256);
    json_digest(out, "file_sha256", examined->object.at[0].sha256);
    json_meta(out, "what", report_meta(set, rule, "description"));
    json_meta(out, "why", report_meta(set, rule, "reason"));
    text_word(out, ",\"false_alarm\":{\"send\":[\"rule\",\"checksum\",\"sha256\",\"version\"]");
    if (origin == ORIGIN_BUILT_IN) {
        json_meta(out, "to", "CONTRIBUTING.md, A false alarm");
    } else {
        json_meta(out, "author", report_meta(set, rule, "author"));
        json_meta(out, "reference", report_meta(set, rule, "reference"));
    }
    text_word(out, "}}");
}
