/* The report that people read: a paragraph for each file in which something was found, a line
 * for each that was not fully examined, and a summary. Clean files are only counted. */
#include "scan/report.h"

#include <string.h>

#define BOLD   "1"
#define DIM    "2"
#define RED    "1;31"
#define YELLOW "33"
#define GREEN  "1;32"

const char *report_meta(const struct ruleset *set, const struct ruleset_rule *rule,
                        const char *name)
{
    for (uint32_t i = 0; i < rule->meta_count; i++) {
        const struct ruleset_meta *meta = &set->metas[rule->meta_start + i];
        if (meta->type == TYPE_STRING && strcmp(ruleset_text(set, meta->name), name) == 0)
            return ruleset_text(set, meta->text);
    }
    return NULL;
}

bytes report_match_bytes(const struct examined *examined, const struct match *match,
                         uint32_t max)
{
    uint32_t len = match->length < max ? match->length : max;
    return bytes_slice(examined->data, match->offset, len);
}

void report_printable(struct text *out, bytes view)
{
    for (size_t i = 0; i < view.len; i++)
        if (view.at[i] >= 32 && view.at[i] < 127)
            text_byte(out, (char)view.at[i]);
        else
            text_printf(out, "\\x%02x", view.at[i]);
}

static void paint(struct text *out, const struct report_context *context, const char *color)
{
    if (context->color)
        text_printf(out, "\033[%sm", color);
}

static void unpaint(struct text *out, const struct report_context *context)
{
    if (context->color)
        text_word(out, "\033[0m");
}

static void painted(struct text *out, const struct report_context *context, const char *color,
                    const char *word)
{
    paint(out, context, color);
    text_visible(out, bytes_of(word));
    unpaint(out, context);
}

static void print_patterns(struct text *out, const struct report_context *context,
                           const struct examined *examined, const struct ruleset *set,
                           struct scanner *scanner, const struct ruleset_rule *rule)
{
    for (uint32_t i = 0; i < rule->pattern_count; i++) {
        const struct ruleset_pattern *pattern = &set->patterns[rule->pattern_start + i];
        const struct matches *matches = pattern->flags & PATTERN_PRIVATE
                                            ? NULL
                                            : scanner_matches(scanner, rule->pattern_start + i);
        for (uint32_t k = 0; matches && k < matches->list.n; k++) {
            const struct match *match = &matches->list.at[k];
            if (k == context->max_matches) {
                text_printf(out, "      %s: %u more\n", ruleset_text(set, pattern->name),
                            matches->list.n - k);
                break;
            }
            text_printf(out, "      %s at %llu: ", ruleset_text(set, pattern->name),
                        (unsigned long long)match->offset);
            paint(out, context, DIM);
            report_printable(out, report_match_bytes(examined, match, context->max_bytes));
            unpaint(out, context);
            text_word(out, match->length > context->max_bytes ? " ...\n" : "\n");
        }
    }
}

static void print_finding(struct text *out, const struct report_context *context,
                          const struct examined *examined, int number, uint32_t rule_number)
{
    const struct ruleset *set = examined->sets[number].set;
    const struct ruleset_rule *rule = &set->rules[rule_number];
    const char *about = report_meta(set, rule, "description");
    text_word(out, "    ");
    painted(out, context, BOLD, ruleset_text(set, rule->name));
    for (uint32_t i = 0; i < rule->tag_count; i++)
        text_printf(out, "%s%s", i ? "," : "  [",
                    ruleset_text(set, set->tags[rule->tag_start + i]));
    text_word(out, rule->tag_count ? "]" : "");
    if (about && *about) {
        text_word(out, "  ");
        text_visible(out, bytes_of(about));
    }
    text_byte(out, '\n');
    if (!context->verbose)
        return;
    text_word(out, "      in ");
    text_visible(out, bytes_of(ruleset_text(set, set->namespaces[rule->name_space])));
    text_byte(out, '\n');
    print_patterns(out, context, examined, set, examined->sets[number].scanner, rule);
}

static void text_file(const struct report_context *context, const struct examined *examined,
                      struct text *out, struct text *err)
{
    if (examined->finding_count) {
        painted(out, context, RED, "FOUND");
        text_word(out, "  ");
        text_visible(out, examined->path);
        text_byte(out, '\n');
        for (int i = 0; i < examined->set_count; i++)
            for (uint32_t k = 0; k < examined->sets[i].verdict.finding_count; k++)
                print_finding(out, context, examined, i,
                              examined->sets[i].verdict.findings[k].rule);
    }
    if (!examined->reason[0] || examined->vanished)
        return;
    struct text *to = examined->verdict == VERDICT_ERROR ? err : out;
    painted(to, context, YELLOW,
            examined->verdict == VERDICT_ERROR ? "not examined" : "not fully examined");
    text_word(to, "  ");
    text_visible(to, examined->path);
    text_word(to, ": ");
    text_visible(to, bytes_of(examined->reason));
    text_byte(to, '\n');
}

static void text_skip(const struct report_context *context, enum walk_skip reason, bytes path,
                      int error, struct text *out, struct text *err)
{
    (void)out;
    if (reason == WALK_LINK || reason == WALK_EXCLUDED || reason == WALK_OTHER_FS ||
        reason == WALK_SPECIAL)
        return;
    painted(err, context, YELLOW, "not examined");
    text_word(err, "  ");
    text_visible(err, path);
    text_printf(err, ": %s%s%s\n", walk_skip_text(reason), error ? ": " : "",
                error ? strerror(error) : "");
}

static void print_rate(struct text *out, const struct report_context *context,
                       const struct report_counts *counts)
{
    double seconds = (double)context->elapsed_ms / 1000;
    text_word(out, "  ");
    text_grouped(out, counts->files);
    text_word(out, counts->files == 1 ? " file, " : " files, ");
    text_size(out, counts->bytes);
    if (seconds < 0.95)
        text_printf(out, " in %lld ms", (long long)context->elapsed_ms);
    else if (seconds < 60)
        text_printf(out, " in %.1f s", seconds);
    else
        text_printf(out, " in %llu min %llu s", (unsigned long long)(seconds / 60),
                    (unsigned long long)seconds % 60);
    if (seconds >= 0.05) {
        text_word(out, " (");
        text_size(out, (uint64_t)((double)counts->bytes / seconds));
        text_word(out, "/s)");
    }
    text_word(out, ", ");
    text_grouped(out, context->rule_count);
    text_word(out, context->rule_count == 1 ? " rule\n" : " rules\n");
}

static void print_count(struct text *out, uint64_t count, const char *one, const char *many)
{
    if (!count)
        return;
    text_word(out, "  ");
    text_grouped(out, count);
    text_printf(out, " %s\n", count == 1 ? one : many);
}

static void text_end(const struct report_context *context, const struct report_counts *counts,
                     bytes notes, struct text *out)
{
    (void)notes;
    uint64_t found = counts->verdicts[VERDICT_FOUND];
    if (found || counts->not_fully || counts->verdicts[VERDICT_ERROR])
        text_byte(out, '\n');
    if (found) {
        struct text head = {0};
        text_word(&head, "Found in ");
        text_grouped(&head, found);
        text_word(&head, found == 1 ? " file" : " files");
        text_byte(&head, 0);
        painted(out, context, RED, head.at ? head.at : "Found");
        text_free(&head);
    } else {
        painted(out, context, GREEN, "Nothing found");
    }
    if (counts->not_fully)
        text_word(out, found ? ", and not everything was examined"
                             : " in what was examined, which is not everything");
    text_word(out, context->interrupted ? " (interrupted)\n" : "\n");
    print_rate(out, context, counts);
    print_count(out, counts->verdicts[VERDICT_PARTIAL], "file not fully examined",
                "files not fully examined");
    print_count(out, counts->verdicts[VERDICT_ERROR], "file or folder could not be examined",
                "files or folders could not be examined");
    print_count(out, context->faulty_rules, "rule fault: see candor defs check",
                "rule faults: see candor defs check");
    print_count(out, counts->vanished, "file vanished before its turn",
                "files vanished before their turn");
    print_count(out, counts->skips[WALK_LINK], "symbolic link not followed",
                "symbolic links not followed");
    print_count(out, counts->skips[WALK_SPECIAL], "socket, FIFO or device left alone",
                "sockets, FIFOs or devices left alone");
    print_count(out, counts->skips[WALK_EXCLUDED], "name excluded", "names excluded");
    print_count(out, counts->skips[WALK_OTHER_FS], "other file system not entered",
                "other file systems not entered");
}

const struct report report_text = {.file = text_file, .skip = text_skip, .end = text_end};
