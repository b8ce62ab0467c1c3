/* The report that people read: a paragraph for each file in which something was found, a line
 * for each that was not fully examined, and a summary. Clean files are only counted. */
#include "scan/report.h"

#include <string.h>

#define BOLD   "1"
#define DIM    "2"
#define RED    "1;31"
#define YELLOW "33"
#define GREEN  "1;32"

enum { GAPS_SHOWN = 20 }; /* of one file, unless asked for more */

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

const struct ruleset *report_set(const struct examined *examined,
                                 const struct examined_finding *finding)
{
    return &examined->sets[finding->set].set;
}

const struct ruleset_rule *report_rule(const struct examined *examined,
                                       const struct examined_finding *finding)
{
    static const struct ruleset_rule hash_signature = {.flags = RULE_SIGNATURE};
    const struct ruleset *set = report_set(examined, finding);
    return finding->rule < set->rule_count ? &set->rules[finding->rule] : &hash_signature;
}

void report_label(const struct examined *examined, const struct examined_finding *finding,
                  struct ruleset_label *ret)
{
    ruleset_label(report_set(examined, finding), finding->rule, ret);
}

size_t report_names(const struct examined *examined, uint32_t object, bytes member,
                    bool with_file, bytes *ret_names)
{
    size_t count = examined->object.at[object].depth + with_file;
    for (size_t i = count; i > 0; i--) {
        ret_names[i - 1] = examined->object.at[object].name;
        object = examined->object.at[object].parent;
    }
    if (member.len)
        ret_names[count++] = member;
    return count;
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

/* "a.zip > b.docx > word/vbaProject.bin". */
static void print_path(struct text *out, const struct examined *examined, uint32_t object,
                       bytes member)
{
    bytes names[REPLY_OBJECT_DEPTH + 2];
    size_t count = report_names(examined, object, member, true, names);
    for (size_t i = 0; i < count; i++) {
        text_word(out, i ? " > " : "");
        text_visible(out, names[i]);
    }
}

static void print_pattern(struct text *out, const struct report_context *context,
                          const struct examined *examined, const struct examined_pattern *found,
                          const char *name)
{
    for (uint32_t i = 0; i < found->match_count; i++) {
        const struct examined_match *match = &examined->match.at[found->match_start + i];
        text_printf(out, "      %s at %llu: ", name, (unsigned long long)match->offset);
        paint(out, context, DIM);
        report_printable(out, match->data);
        unpaint(out, context);
        text_word(out, match->length > match->data.len ? " ...\n" : "\n");
    }
    if (found->count > found->match_count)
        text_printf(out, "      %s: %u more\n", name, found->count - found->match_count);
}

static void print_finding(struct text *out, const struct report_context *context,
                          const struct examined *examined,
                          const struct examined_finding *finding)
{
    const struct ruleset *set = report_set(examined, finding);
    const struct ruleset_rule *rule = report_rule(examined, finding);
    const char *about = report_meta(set, rule, "description");
    struct ruleset_label label;
    report_label(examined, finding, &label);
    text_word(out, "    ");
    painted(out, context, BOLD, label.name);
    for (uint32_t i = 0; i < rule->tag_count; i++)
        text_printf(out, "%s%s", i ? "," : "  [",
                    ruleset_text(set, set->tags[rule->tag_start + i]));
    text_word(out, rule->tag_count ? "]" : "");
    if (about && *about) {
        text_word(out, "  ");
        text_visible(out, bytes_of(about));
    }
    text_byte(out, '\n');
    if (context->explain)
        report_explain_text(out, examined, finding);
    if (context->explain || !context->verbose)
        return;
    text_word(out, "      in ");
    text_visible(out, bytes_of(label.name_space));
    if (label.line)
        text_printf(out, ", line %u", label.line);
    text_byte(out, '\n');
    for (uint32_t i = 0; i < finding->pattern_count; i++) {
        const struct examined_pattern *found =
            &examined->pattern.at[finding->pattern_start + i];
        print_pattern(out, context, examined, found,
                      ruleset_text(set, set->patterns[found->number].name));
    }
}

/* A paragraph for each object in which something was found. */
static void print_findings(struct text *out, const struct report_context *context,
                           const struct examined *examined)
{
    for (uint32_t i = 0; i < examined->finding.n; i++) {
        const struct examined_finding *finding = &examined->finding.at[i];
        if (i == 0 || finding->object != finding[-1].object) {
            painted(out, context, RED, "FOUND");
            text_word(out, "  ");
            print_path(out, examined, finding->object, bytes_of(""));
            text_byte(out, '\n');
        }
        print_finding(out, context, examined, finding);
    }
}

static void print_gaps(struct text *out, const struct report_context *context,
                       const struct examined *examined)
{
    uint32_t shown = context->verbose ? UINT32_MAX : GAPS_SHOWN;
    for (uint32_t i = 0; i < examined->gap.n && i < shown; i++) {
        const struct examined_gap *gap = &examined->gap.at[i];
        painted(out, context, YELLOW, "not fully examined");
        text_word(out, "  ");
        print_path(out, examined, gap->object, gap->member);
        text_word(out, ": ");
        text_visible(out, gap->text);
        text_byte(out, '\n');
    }
    if (examined->gap.n > shown) {
        painted(out, context, YELLOW, "not fully examined");
        text_word(out, "  ");
        text_visible(out, examined->path);
        text_printf(out, ": and %u more in it\n", examined->gap.n - shown);
    }
}

static void print_move(struct text *out, struct text *err, const struct report_context *context,
                       const struct examined *examined)
{
    const struct examined_move *move = &examined->move;
    if (move->id[0]) {
        text_printf(out, "    moved to quarantine as %s", move->id);
        if (move->names_left)
            text_printf(out, "; %llu other name%s of the file stay%s",
                        (unsigned long long)move->names_left, move->names_left == 1 ? "" : "s",
                        move->names_left == 1 ? "s" : "");
        text_byte(out, '\n');
        return;
    }
    painted(err, context, RED, "not moved to quarantine");
    text_word(err, "  ");
    text_visible(err, examined->path);
    text_word(err, ": ");
    text_visible(err, bytes_of(move->reason));
    text_byte(err, '\n');
}

/* --tree: every object, indented below what it lies in. */
static void print_tree(struct text *out, const struct examined *examined)
{
    for (uint32_t i = 0; i < examined->object.n; i++) {
        const struct examined_object *object = &examined->object.at[i];
        for (uint32_t k = 0; k < object->depth; k++)
            text_word(out, "    ");
        text_visible(out, object->name);
        text_word(out, "  ");
        text_size(out, i ? object->size : examined->size);
        if (i && object->kind.len) {
            text_word(out, "  ");
            text_visible(out, object->kind);
        }
        text_word(out, object->partial ? "  (not all of it)\n" : "\n");
    }
}

/* Walls that this kernel refuses are said once. */
static void text_begin(const struct report_context *context, struct text *out, struct text *err)
{
    char missing[1024];
    (void)out;
    if (!context->walled || !walls_missing(&context->walls))
        return;
    painted(err, context, YELLOW, "not all walls stand");
    text_word(err, " around the workers: ");
    text_word(err, walls_text(&context->walls, missing, sizeof missing));
    text_byte(err, '\n');
}

static void text_file(const struct report_context *context, const struct examined *examined,
                      struct text *out, struct text *err)
{
    if (context->tree)
        print_tree(out, examined);
    print_findings(out, context, examined);
    if (examined->move.tried)
        print_move(out, err, context, examined);
    print_gaps(out, context, examined);
    if (!examined->error || examined->vanished)
        return;
    painted(err, context, YELLOW, "not examined");
    text_word(err, "  ");
    text_visible(err, examined->path);
    text_word(err, ": ");
    text_visible(err, bytes_of(examined->error));
    text_byte(err, '\n');
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
    if (counts->objects) {
        text_word(out, ", ");
        text_grouped(out, counts->objects);
        text_word(out, counts->objects == 1 ? " object in them" : " objects in them");
    }
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

/* "  not examined: 3 encrypted, 1 damaged": also of files in which something was found. */
static void print_gap_counts(struct text *out, const struct report_counts *counts)
{
    const char *before = "  not examined: ";
    for (int i = 0; i < GAPS; i++)
        if (counts->gaps[i]) {
            text_word(out, before);
            text_grouped(out, counts->gaps[i]);
            text_printf(out, " %s", gap_word((enum gap)i));
            before = ", ";
        }
    text_word(out, *before == ',' ? "\n" : "");
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
    print_count(out, counts->moved, "file moved to quarantine", "files moved to quarantine");
    print_count(out, counts->not_moved, "file could not be moved to quarantine",
                "files could not be moved to quarantine");
    print_count(out, counts->verdicts[VERDICT_PARTIAL], "file not fully examined",
                "files not fully examined");
    print_gap_counts(out, counts);
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

const struct report report_text = {.max_matches = 5,
                                   .max_bytes = 48,
                                   .begin = text_begin,
                                   .file = text_file,
                                   .skip = text_skip,
                                   .end = text_end};
