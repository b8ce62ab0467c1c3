/* JSON Lines: an object for each file, a summary at the end. docs/json.md is its reference. */
#include "scan/report.h"

#include <string.h>
#include <time.h>

static void json_number(struct text *out, double value)
{
    /* JSON has no infinities and no NaN. */
    if (!(value - value == 0))
        text_word(out, "null");
    else
        text_printf(out, "%.17g", value);
}

static void json_meta_value(struct text *out, const struct ruleset *set,
                            const struct ruleset_meta *meta)
{
    double real;
    switch (meta->type) {
    case TYPE_BOOL:
        text_word(out, meta->integer ? "true" : "false");
        break;
    case TYPE_INT:
        text_printf(out, "%lld", (long long)meta->integer);
        break;
    case TYPE_FLOAT:
        memcpy(&real, &meta->integer, sizeof real);
        json_number(out, real);
        break;
    default:
        text_json(out, bytes_slice(set->texts, meta->text, meta->length));
    }
}

/* A name that comes again becomes an array of its values, at its first place. */
static void json_metas(struct text *out, const struct ruleset *set,
                       const struct ruleset_rule *rule)
{
    const struct ruleset_meta *metas = set->metas + rule->meta_start;
    const char *comma = "";
    text_word(out, ",\"meta\":{");
    for (uint32_t i = 0; i < rule->meta_count; i++) {
        bool earlier = false, again = false;
        for (uint32_t k = 0; k < i && !earlier; k++)
            earlier = metas[k].name == metas[i].name;
        for (uint32_t k = i + 1; k < rule->meta_count && !again; k++)
            again = metas[k].name == metas[i].name;
        if (earlier)
            continue;
        text_word(out, comma);
        text_json(out, bytes_of(ruleset_text(set, metas[i].name)));
        text_word(out, again ? ":[" : ":");
        json_meta_value(out, set, &metas[i]);
        for (uint32_t k = i + 1; again && k < rule->meta_count; k++)
            if (metas[k].name == metas[i].name) {
                text_byte(out, ',');
                json_meta_value(out, set, &metas[k]);
            }
        text_word(out, again ? "]" : "");
        comma = ",";
    }
    text_byte(out, '}');
}

static void json_match(struct text *out, const struct examined_match *match, bool xored)
{
    text_printf(out, "{\"offset\":%llu,\"length\":%u", (unsigned long long)match->offset,
                match->length);
    if (xored)
        text_printf(out, ",\"xor_key\":%u", match->xor_key);
    text_word(out, ",\"hex\":\"");
    text_hex(out, match->data);
    text_word(out, "\",\"text\":");
    struct text plain = {0};
    report_printable(&plain, match->data);
    text_json(out, (bytes){(const uint8_t *)plain.at, plain.len});
    text_free(&plain);
    text_byte(out, '}');
}

static void json_patterns(struct text *out, const struct examined *examined,
                          const struct examined_finding *finding)
{
    const struct ruleset *set = report_set(examined, finding);
    text_word(out, ",\"patterns\":[");
    for (uint32_t i = 0; i < finding->pattern_count; i++) {
        const struct examined_pattern *found =
            &examined->pattern.at[finding->pattern_start + i];
        const struct ruleset_pattern *pattern = &set->patterns[found->number];
        text_word(out, i ? ",{\"id\":" : "{\"id\":");
        text_json(out, bytes_of(ruleset_text(set, pattern->name)));
        text_printf(out, ",\"count\":%u,\"matches\":[", found->count);
        for (uint32_t k = 0; k < found->match_count; k++) {
            text_word(out, k ? "," : "");
            json_match(out, &examined->match.at[found->match_start + k],
                       pattern->flags & PATTERN_XOR);
        }
        text_word(out, "]}");
    }
    text_byte(out, ']');
}

/* "object": the names from the file to the object in it; [] is the file itself. */
static void json_object(struct text *out, const struct examined *examined, uint32_t object,
                        bytes member)
{
    bytes names[REPLY_OBJECT_DEPTH + 2];
    size_t count = report_names(examined, object, member, false, names);
    text_word(out, "{\"object\":[");
    for (size_t i = 0; i < count; i++) {
        text_word(out, i ? "," : "");
        text_json(out, names[i]);
    }
    text_byte(out, ']');
}

static void json_finding(struct text *out, const struct report_context *context,
                         const struct examined *examined,
                         const struct examined_finding *finding)
{
    const struct ruleset *set = report_set(examined, finding);
    const struct ruleset_rule *rule = report_rule(examined, finding);
    struct ruleset_label label;
    report_label(examined, finding, &label);
    json_object(out, examined, finding->object, bytes_of(""));
    text_word(out, ",\"rule\":");
    text_json(out, bytes_of(label.name));
    text_word(out, ",\"namespace\":");
    text_json(out, bytes_of(label.name_space));
    if (label.line)
        text_printf(out, ",\"line\":%u", label.line);
    text_word(out, ",\"tags\":[");
    for (uint32_t i = 0; i < rule->tag_count; i++) {
        text_word(out, i ? "," : "");
        text_json(out, bytes_of(ruleset_text(set, set->tags[rule->tag_start + i])));
    }
    text_byte(out, ']');
    json_metas(out, set, rule);
    json_patterns(out, examined, finding);
    if (context->explain)
        report_explain_json(out, examined, finding);
    text_byte(out, '}');
}

static void json_path(struct text *out, bytes path)
{
    text_word(out, "{\"path\":");
    text_json(out, path);
    if (!text_is_utf8(path)) {
        text_word(out, ",\"path_hex\":\"");
        text_hex(out, path);
        text_byte(out, '"');
    }
}

static void json_gaps(struct text *out, const struct examined *examined)
{
    text_word(out, ",\"gaps\":[");
    for (uint32_t i = 0; i < examined->gap.n; i++) {
        const struct examined_gap *gap = &examined->gap.at[i];
        text_word(out, i ? "," : "");
        json_object(out, examined, gap->object, gap->member);
        text_printf(out, ",\"kind\":\"%s\",\"reason\":", gap_word(gap->kind));
        text_json(out, gap->text);
        text_byte(out, '}');
    }
    text_byte(out, ']');
}

static void json_tree(struct text *out, const struct examined *examined)
{
    text_word(out, ",\"objects\":[");
    for (uint32_t i = 1; i < examined->object.n; i++) {
        const struct examined_object *object = &examined->object.at[i];
        text_word(out, i > 1 ? "," : "");
        json_object(out, examined, i, bytes_of(""));
        text_printf(out, ",\"size\":%llu", (unsigned long long)object->size);
        if (object->kind.len) {
            text_word(out, ",\"kind\":");
            text_json(out, object->kind);
        }
        text_word(out, object->partial ? ",\"partial\":true}" : "}");
    }
    text_byte(out, ']');
}

static void json_move(struct text *out, const struct examined_move *move)
{
    if (!move->tried)
        return;
    text_word(out, ",\"quarantine\":{");
    if (move->id[0]) {
        text_printf(out, "\"id\":\"%s\",\"names_left\":%llu}", move->id,
                    (unsigned long long)move->names_left);
        return;
    }
    text_word(out, "\"reason\":");
    text_json(out, bytes_of(move->reason));
    text_byte(out, '}');
}

static void json_file(const struct report_context *context, const struct examined *examined,
                      struct text *out, struct text *err)
{
    (void)err;
    if (context->no_clean && examined->verdict == VERDICT_CLEAN)
        return;
    json_path(out, examined->path);
    text_word(out, ",\"verdict\":\"");
    text_word(out, examine_verdict_word(examined->verdict));
    text_word(out, "\",\"size\":");
    text_number(out, examined->size);
    if (examined->error || examined->gap.n) {
        text_word(out, ",\"reason\":");
        text_json(out, examined->error ? bytes_of(examined->error) : examined->gap.at[0].text);
    }
    if (examined->gap.n)
        json_gaps(out, examined);
    if (context->tree)
        json_tree(out, examined);
    text_word(out, ",\"findings\":[");
    for (uint32_t i = 0; i < examined->finding.n; i++) {
        text_word(out, i ? "," : "");
        json_finding(out, context, examined, &examined->finding.at[i]);
    }
    text_byte(out, ']');
    json_move(out, &examined->move);
    text_word(out, "}\n");
}

static void json_skip(const struct report_context *context, enum walk_skip reason, bytes path,
                      int error, struct text *out, struct text *err)
{
    (void)context, (void)err;
    if (reason != WALK_UNREADABLE && reason != WALK_TOO_DEEP)
        return;
    json_path(out, path);
    text_word(out, ",\"verdict\":\"error\",\"size\":0,\"reason\":");
    struct text why = {0};
    text_printf(&why, "it %s%s%s", reason == WALK_UNREADABLE ? "" : "is ",
                walk_skip_text(reason), error ? ": " : "");
    if (error)
        text_word(&why, strerror(error));
    text_json(out, (bytes){(const uint8_t *)why.at, why.len});
    text_free(&why);
    text_word(out, ",\"findings\":[]}\n");
}

/* The walls around the workers: those that stand, and those that the kernel refused, and why.
 */
static void json_walls(const struct report_context *context, struct text *out)
{
    const char *comma = "";
    text_printf(out, ",\"walls\":{\"workers\":%s,\"standing\":[",
                context->walled ? "true" : "false");
    for (int i = 0; i < WALL_COUNT; i++)
        if (context->walls.wall[i].stands) {
            text_word(out, comma);
            text_json(out, bytes_of(walls_name((enum wall)i)));
            comma = ",";
        }
    text_word(out, "],\"refused\":{");
    comma = "";
    for (int i = 0; context->walled && i < WALL_COUNT; i++)
        if (!context->walls.wall[i].stands) {
            text_word(out, comma);
            text_json(out, bytes_of(walls_name((enum wall)i)));
            text_byte(out, ':');
            text_json(out, bytes_of(context->walls.wall[i].why));
            comma = ",";
        }
    text_word(out, "}}");
}

static void json_end(const struct report_context *context, const struct report_counts *counts,
                     bytes notes, struct text *out)
{
    static const char *const names[WALK_SKIPS] = {
        "special",  "links",    "kernel_file_systems", "loops", "other_file_systems",
        "excluded", "too_deep", "unreadable"};
    char when[32] = "";
    struct tm utc;
    time_t started = (time_t)context->started;
    (void)notes;
    if (gmtime_r(&started, &utc))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    text_printf(out,
                "{\"summary\":{\"version\":\"%s\",\"started\":\"%s\",\"seconds\":%.3f,"
                "\"rules\":%u,\"faulty_rules\":%u,\"files\":%llu,\"bytes\":%llu",
                CANDOR_VERSION, when, (double)context->elapsed_ms / 1000, context->rule_count,
                context->faulty_rules, (unsigned long long)counts->files,
                (unsigned long long)counts->bytes);
    text_printf(out, ",\"objects\":%llu,\"unpacked\":%llu", (unsigned long long)counts->objects,
                (unsigned long long)counts->unpacked);
    for (int i = 0; i < VERDICT_COUNT; i++)
        text_printf(out, ",\"%s\":%llu", examine_verdict_word((enum examine_verdict)i),
                    (unsigned long long)counts->verdicts[i]);
    text_printf(out, ",\"findings\":%llu,\"not_fully_examined\":%llu,\"vanished\":%llu",
                (unsigned long long)counts->findings, (unsigned long long)counts->not_fully,
                (unsigned long long)counts->vanished);
    if (context->moves)
        text_printf(out, ",\"quarantined\":%llu,\"not_quarantined\":%llu",
                    (unsigned long long)counts->moved, (unsigned long long)counts->not_moved);
    text_word(out, ",\"gaps\":{");
    for (int i = 0; i < GAPS; i++)
        text_printf(out, "%s\"%s\":%llu", i ? "," : "", gap_word((enum gap)i),
                    (unsigned long long)counts->gaps[i]);
    text_word(out, "},\"skipped\":{");
    for (int i = 0; i < WALK_SKIPS; i++)
        text_printf(out, "%s\"%s\":%llu", i ? "," : "", names[i],
                    (unsigned long long)counts->skips[i]);
    text_byte(out, '}');
    json_walls(context, out);
    text_printf(out, ",\"interrupted\":%s}}\n", context->interrupted ? "true" : "false");
}

const struct report report_json = {.max_matches = 100,
                                   .max_bytes = 256,
                                   .always_details = true,
                                   .file = json_file,
                                   .skip = json_skip,
                                   .end = json_end};
