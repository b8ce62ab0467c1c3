/* SARIF 2.1.0 (OASIS, sarif-schema-2.1.0): one run; a result for each file and rule, written as
 * they come, then the tool with the rules that were found, then what was not examined. */
#include "scan/report.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void sarif_begin(const struct report_context *context, struct text *out,
                        struct text *err)
{
    char missing[1024];
    if (context->walled && walls_missing(&context->walls)) {
        text_word(err, ",{\"level\":\"warning\",\"message\":{\"text\":");
        text_json(err, bytes_of(walls_text(&context->walls, missing, sizeof missing)));
        text_word(err, "}}\n");
    }
    text_word(out, "{\"$schema\":\"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/"
                   "schemas/sarif-schema-2.1.0.json\",\n\"version\":\"2.1.0\",\n"
                   "\"runs\":[{\"columnKind\":\"utf16CodeUnits\",\"results\":[\n");
}

static void rule_id(struct text *out, const struct ruleset_label *label)
{
    struct text id = {0};
    text_word(&id, label->name_space);
    text_byte(&id, '/');
    text_word(&id, label->name);
    text_json(out, (bytes){(const uint8_t *)id.at, id.len});
    text_free(&id);
}

static void location_start(struct text *out, bytes path)
{
    text_word(out, "{\"physicalLocation\":{\"artifactLocation\":{\"uri\":\"");
    text_uri(out, path);
    text_word(out, "\"}");
}

/* What lies in a file is a logical location: `b.docx > word/vbaProject.bin` in the artifact. */
static void location_inside(struct text *out, const struct examined *examined, uint32_t object,
                            bytes member)
{
    bytes names[REPLY_OBJECT_DEPTH + 2];
    size_t count = report_names(examined, object, member, false, names);
    struct text path = {0};
    for (size_t i = 0; i < count; i++) {
        text_word(&path, i ? " > " : "");
        text_add(&path, names[i].at, names[i].len);
    }
    if (count) {
        text_word(out, ",\"logicalLocations\":[{\"fullyQualifiedName\":");
        text_json(out, (bytes){(const uint8_t *)path.at, path.len});
        text_word(out, "}]");
    }
    text_free(&path);
}

/* A location for each pattern that was found, at its first match, where that is in the file
 * itself; the file alone where the rule has no patterns. */
static void sarif_locations(struct text *out, const struct examined *examined,
                            const struct examined_finding *finding)
{
    const struct ruleset *set = report_set(examined, finding);
    bool listed = false;
    text_word(out, ",\"locations\":[");
    for (uint32_t i = 0; i < finding->pattern_count; i++) {
        const struct examined_pattern *found =
            &examined->pattern.at[finding->pattern_start + i];
        if (!found->match_count)
            continue;
        const struct examined_match *match = &examined->match.at[found->match_start];
        text_word(out, listed ? "," : "");
        location_start(out, examined->path);
        if (finding->object == 0)
            text_printf(out, ",\"region\":{\"byteOffset\":%llu,\"byteLength\":%u}",
                        (unsigned long long)match->offset, match->length);
        text_byte(out, '}');
        location_inside(out, examined, finding->object, bytes_of(""));
        text_word(out, ",\"message\":{\"text\":");
        text_json(out, bytes_of(ruleset_text(set, set->patterns[found->number].name)));
        text_word(out, "}}");
        listed = true;
    }
    if (!listed) {
        location_start(out, examined->path);
        text_byte(out, '}');
        location_inside(out, examined, finding->object, bytes_of(""));
        text_byte(out, '}');
    }
    text_byte(out, ']');
}

static void sarif_result(const struct report_context *context, struct text *out,
                         const struct examined *examined,
                         const struct examined_finding *finding)
{
    const struct ruleset *set = report_set(examined, finding);
    const struct ruleset_rule *rule = report_rule(examined, finding);
    const char *about = report_meta(set, rule, "description");
    struct ruleset_label label;
    struct text message = {0};
    report_label(examined, finding, &label);
    if (context->seen[finding->set])
        __atomic_store_n(&context->seen[finding->set][finding->rule], 1, __ATOMIC_RELAXED);
    text_word(out, ",{\"ruleId\":");
    rule_id(out, &label);
    text_word(out, ",\"level\":\"error\",\"message\":{\"text\":");
    text_printf(&message, "%s%s%s", label.name, about ? ": " : "", about ? about : "");
    text_json(out, (bytes){(const uint8_t *)message.at, message.len});
    text_free(&message);
    text_byte(out, '}');
    sarif_locations(out, examined, finding);
    text_word(out, "}\n");
}

static void notification(struct text *err, bytes path, const char *level, const char *reason)
{
    text_printf(err, ",{\"level\":\"%s\",\"message\":{\"text\":", level);
    text_json(err, bytes_of(reason));
    text_word(err, "},\"locations\":[");
    location_start(err, path);
    text_word(err, "}}]}\n");
}

static void sarif_gap(struct text *err, const struct examined *examined,
                      const struct examined_gap *gap)
{
    struct text message = {0};
    text_word(&message, "not fully examined: ");
    text_add(&message, gap->text.at, gap->text.len);
    text_word(err, ",{\"level\":\"warning\",\"message\":{\"text\":");
    text_json(err, (bytes){(const uint8_t *)message.at, message.len});
    text_word(err, "},\"locations\":[");
    location_start(err, examined->path);
    text_byte(err, '}');
    location_inside(err, examined, gap->object, gap->member);
    text_printf(err, "}],\"properties\":{\"kind\":\"%s\"}}\n", gap_word(gap->kind));
    text_free(&message);
}

static void sarif_file(const struct report_context *context, const struct examined *examined,
                       struct text *out, struct text *err)
{
    char reason[240];
    for (uint32_t i = 0; i < examined->finding.n; i++)
        sarif_result(context, out, examined, &examined->finding.at[i]);
    for (uint32_t i = 0; i < examined->gap.n; i++)
        sarif_gap(err, examined, &examined->gap.at[i]);
    if (examined->error) {
        snprintf(reason, sizeof reason, "not examined: %s", examined->error);
        notification(err, examined->path, "error", reason);
    }
}

static void sarif_skip(const struct report_context *context, enum walk_skip reason, bytes path,
                       int error, struct text *out, struct text *err)
{
    (void)context, (void)out;
    char text[200];
    if (reason == WALK_LINK || reason == WALK_EXCLUDED || reason == WALK_OTHER_FS)
        return;
    bool bad = reason == WALK_UNREADABLE || reason == WALK_TOO_DEEP;
    snprintf(text, sizeof text, "not examined: %s%s%s", walk_skip_text(reason),
             error ? ": " : "", error ? strerror(error) : "");
    notification(err, path, bad ? "error" : "note", text);
}

static void sarif_about(struct text *out, const struct ruleset *set,
                        const struct ruleset_rule *rule)
{
    const char *reference = report_meta(set, rule, "reference");
    if (reference && strncmp(reference, "https://", 8) == 0 &&
        !strpbrk(reference, " \"<>\\^`{|}")) {
        text_word(out, ",\"helpUri\":");
        text_json(out, bytes_of(reference));
    }
    if (rule->tag_count) {
        text_word(out, ",\"properties\":{\"tags\":[");
        for (uint32_t i = 0; i < rule->tag_count; i++) {
            text_word(out, i ? "," : "");
            text_json(out, bytes_of(ruleset_text(set, set->tags[rule->tag_start + i])));
        }
        text_word(out, "]}");
    }
}

static void sarif_rule(struct text *out, const struct ruleset *set, uint32_t number)
{
    const struct ruleset_rule *rule = number < set->rule_count ? &set->rules[number] : NULL;
    const char *about = rule ? report_meta(set, rule, "description") : NULL;
    struct ruleset_label label;
    ruleset_label(set, number, &label);
    text_word(out, "{\"id\":");
    rule_id(out, &label);
    text_word(out, ",\"name\":");
    text_json(out, bytes_of(label.name));
    text_word(out, ",\"shortDescription\":{\"text\":");
    text_json(out, bytes_of(about && *about ? about : label.name));
    text_byte(out, '}');
    if (rule)
        sarif_about(out, set, rule);
    text_word(out, "}\n");
}

static void sarif_time(struct text *out, const char *name, int64_t seconds)
{
    char when[32] = "1970-01-01T00:00:00Z";
    struct tm utc;
    time_t at = (time_t)seconds;
    if (gmtime_r(&at, &utc))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    text_printf(out, ",\"%s\":\"%s\"", name, when);
}

static void sarif_end(const struct report_context *context, const struct report_counts *counts,
                      bytes notes, struct text *out)
{
    const char *comma = "";
    text_printf(out,
                "],\n\"tool\":{\"driver\":{\"name\":\"candor\",\"version\":\"%s\","
                "\"semanticVersion\":\"%s\",\"rules\":[\n",
                CANDOR_VERSION, CANDOR_VERSION);
    for (int i = 0; i < context->set_count; i++)
        for (uint32_t k = 0;
             context->seen[i] && k < ruleset_finding_count(&context->sets[i].set); k++)
            if (context->seen[i][k]) {
                text_word(out, comma);
                sarif_rule(out, &context->sets[i].set, k);
                comma = ",";
            }
    text_printf(out, "]}},\n\"invocations\":[{\"executionSuccessful\":%s",
                counts->verdicts[VERDICT_ERROR] || context->interrupted ? "false" : "true");
    sarif_time(out, "startTimeUtc", context->started);
    sarif_time(out, "endTimeUtc", context->started + (context->elapsed_ms + 999) / 1000);
    text_word(out, ",\"toolExecutionNotifications\":[\n");
    bytes rest = bytes_slice(notes, 1, notes.len); /* without the first comma */
    text_add(out, rest.at, rest.len);
    text_printf(out,
                "]}],\n\"properties\":{\"files\":%llu,\"bytes\":%llu,\"objects\":%llu,"
                "\"found\":%llu,\"gaps\":{",
                (unsigned long long)counts->files, (unsigned long long)counts->bytes,
                (unsigned long long)counts->objects,
                (unsigned long long)counts->verdicts[VERDICT_FOUND]);
    for (int i = 0; i < GAPS; i++)
        text_printf(out, "%s\"%s\":%llu", i ? "," : "", gap_word((enum gap)i),
                    (unsigned long long)counts->gaps[i]);
    text_word(out, "}}}]}\n");
}

const struct report report_sarif = {.separated = true,
                                    .max_matches = 1,
                                    .always_details = true,
                                    .keeps_notes = true,
                                    .begin = sarif_begin,
                                    .file = sarif_file,
                                    .skip = sarif_skip,
                                    .end = sarif_end};
