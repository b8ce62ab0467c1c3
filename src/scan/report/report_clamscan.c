/* The report in the words of clamscan 1.4: a line for each file, a summary at the end. What it
 * leaves out, that something was not fully examined, is said on standard error. */
#include "alert/alert.h"
#include "scan/examine/examine.h"
#include "scan/report/report_clamscan_order.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* At the start of a line: it goes to the log too, or only there. */
enum { LINE_BOTH = 1, LINE_LOG = 2 };

enum {
    BLOCK = 4096,
    WORDS = 12 << 10,
    NAME = 300,
    GAPS_SHOWN = 3 /* of one file, unless asked for more */
};

/* Paths stand as they are, but for control characters: a name with a line break in it is no
 * line of the report. */
static void print_name(struct text *out, bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] < 32 || name.at[i] == 127)
            text_printf(out, "\\x%02x", name.at[i]);
        else
            text_byte(out, (char)name.at[i]);
}

static bool is_input(const struct report_clamscan *own, bytes path)
{
    size_t len = own->input ? strlen(own->input) : 0;
    return len && path.len > len && memcmp(path.at, own->input, len) == 0;
}

static void print_path(const struct report_clamscan *own, struct text *out, bytes path)
{
    if (is_input(own, path))
        text_word(out, "stdin");
    else
        print_name(out, path);
}

void report_clamscan_say(struct report_clamscan *own, enum report_clamscan_level level,
                         struct text *out, struct text *err, const char *head, bytes path,
                         const char *fmt, ...)
{
    static const char *const before[] = {
        [CLAMSCAN_WARNING] = "WARNING: ", [CLAMSCAN_ERROR] = "ERROR: "};
    char words[WORDS];
    struct text line = {0};
    va_list arguments;
    va_start(arguments, fmt);
    vsnprintf(words, sizeof words, fmt, arguments);
    va_end(arguments);
    bool loud = level == CLAMSCAN_WARNING || level == CLAMSCAN_ERROR;
    bool shown = level == CLAMSCAN_ERROR || !own->quiet;
    bool logged = own->logs && level != CLAMSCAN_OK;
    if (logged)
        text_byte(&line, shown ? LINE_BOTH : LINE_LOG);
    text_word(&line, before[level] ? before[level] : "");
    text_word(&line, head);
    print_path(own, &line, path);
    print_name(&line, bytes_of(words));
    text_byte(&line, '\n');
    if (shown || logged)
        text_add(loud && !own->to_stdout ? err : out, line.at, line.len);
    text_free(&line);
}

/* Lines that are marked go to the log too, or only there. */
static void divert(struct text *log, struct text *from)
{
    size_t kept = 0, next;
    for (size_t at = 0; at < from->len; at = next) {
        bool starts = at == 0 || from->at[at - 1] == '\n';
        const char *end = memchr(from->at + at, '\n', from->len - at);
        next = end ? (size_t)(end + 1 - from->at) : from->len;
        if (from->at[at] == '\a')
            next = at + 1;
        bool marked = (starts || from->at[at - 1] == '\a') &&
                      (from->at[at] == LINE_BOTH || from->at[at] == LINE_LOG);
        if (marked)
            text_add(log, from->at + at + 1, next - at - 1);
        if (marked && from->at[at] == LINE_LOG)
            continue;
        memmove(from->at + kept, from->at + at + marked, next - at - marked);
        kept += next - at - marked;
    }
    from->len = kept;
}

void report_clamscan_divert(struct report_clamscan *own, struct text *out, struct text *err)
{
    if (!own->logs)
        return;
    divert(&own->log, out);
    divert(&own->log, err);
}

/* Names of signatures stand as they are; a YARA rule gets the name that ClamAV gives it. */
static void finding_name(const struct examined *examined,
                         const struct examined_finding *finding, char *ret, size_t size)
{
    struct ruleset_label label;
    ruleset_label(report_set(examined, finding), finding->rule, &label);
    bool plain = !label.rule || (label.rule->flags & RULE_SIGNATURE);
    snprintf(ret, size, plain ? "%s" : "YARA.%s.UNOFFICIAL", label.name);
}

/* --archive-verbose: the object that it was found in. */
static void say_object(struct report_clamscan *own, const struct examined *examined,
                       const struct examined_finding *finding, const char *name,
                       struct text *out, struct text *err)
{
    bytes names[REPLY_OBJECT_DEPTH + 2];
    struct text path = {0};
    size_t count = report_names(examined, finding->object, bytes_of(""), true, names);
    print_path(own, &path, names[0]);
    for (size_t i = 1; i < count; i++) {
        text_byte(&path, '!');
        print_name(&path, names[i]);
    }
    report_clamscan_say(own, CLAMSCAN_INFO, out, err, "",
                        (bytes){(const uint8_t *)path.at, path.len}, "!(%zu): %s FOUND",
                        count - 1, name);
    text_free(&path);
}

static void say_finding(struct report_clamscan *own, const struct examined *examined,
                        const struct examined_finding *finding, const char *name,
                        struct text *out, struct text *err)
{
    report_clamscan_say(own, CLAMSCAN_INFO, out, err, "", examined->path, ": %s FOUND", name);
    if (own->archive_verbose)
        say_object(own, examined, finding, name, out, err);
}

/* What an alert that was asked for calls a gap, or NULL. */
static const char *gap_name(const struct report_clamscan *own, const struct examined *examined,
                            const struct examined_gap *gap)
{
    static const struct {
        const char *kind, *name;
        bool document;
    } encrypted[] = {
        {"zip", "Heuristics.Encrypted.Zip", false},  {"7z", "Heuristics.Encrypted.7Zip", false},
        {"rar", "Heuristics.Encrypted.RAR", false},  {"pdf", "Heuristics.Encrypted.PDF", true},
        {"ole2", "Heuristics.Encrypted.OLE2", true},
    };

    bytes kind = examined->object.at[gap->object].kind;
    if (gap->kind == GAP_LIMIT && own->alert_limits)
        return bytes_find(gap->text, bytes_of("nested"), 0) != SIZE_MAX
                   ? "Heuristics.Limits.Exceeded.MaxRecursion"
               : bytes_find(gap->text, bytes_of("objects"), 0) != SIZE_MAX
                   ? "Heuristics.Limits.Exceeded.MaxFiles"
               : bytes_find(gap->text, bytes_of("time"), 0) != SIZE_MAX
                   ? "Heuristics.Limits.Exceeded.MaxScanTime"
               : bytes_find(gap->text, bytes_of("it is larger"), 0) != SIZE_MAX
                   ? "Heuristics.Limits.Exceeded.MaxFileSize"
                   : "Heuristics.Limits.Exceeded.MaxScanSize";
    if (gap->kind != GAP_ENCRYPTED)
        return NULL;
    for (size_t i = 0; i < COUNT(encrypted); i++)
        if (bytes_is(kind, encrypted[i].kind))
            return (encrypted[i].document ? own->alert_documents : own->alert_archives)
                       ? encrypted[i].name
                       : NULL;
    return own->alert_archives ? "Heuristics.Encrypted.Other" : NULL;
}

/* Modules of VBA are objects in the document, named MODULE.bas. */
static bool has_macros(const struct examined *examined)
{
    for (uint32_t i = 1; i < examined->object.n; i++) {
        const struct examined_object *object = &examined->object.at[i];
        if (object->name.len > 4 &&
            bytes_is(bytes_slice(object->name, object->name.len - 4, 4), ".bas") &&
            bytes_is(examined->object.at[object->parent].kind, "ole2"))
            return true;
    }
    return false;
}

static uint32_t say_alerts(struct report_clamscan *own, const struct examined *examined,
                           bool found, struct text *out, struct text *err)
{
    uint32_t count = 0, gaps = examined->gap.n, rest = gaps + 1;
    for (uint32_t i = 0; i < rest + examined->alert.n && (own->all || !found); i++) {
        const char *name = i >= rest  ? alert_name(examined->alert.at[i - rest].alert)
                           : i < gaps ? gap_name(own, examined, &examined->gap.at[i])
                           : own->alert_macros && has_macros(examined)
                               ? "Heuristics.OLE2.ContainsMacros.VBA"
                               : NULL;
        if (!name)
            continue;
        report_clamscan_say(own, CLAMSCAN_INFO, out, err, "", examined->path, ": %s FOUND",
                            name);
        found = true;
        count++;
    }
    return count;
}

static void say_gaps(struct report_clamscan *own, const struct examined *examined,
                     struct text *out, struct text *err)
{
    uint32_t shown = own->all_gaps ? UINT32_MAX : GAPS_SHOWN;
    for (uint32_t i = 0; i < examined->gap.n && i < shown; i++) {
        const struct examined_gap *gap = &examined->gap.at[i];
        bytes names[REPLY_OBJECT_DEPTH + 2];
        struct text words = {0};
        size_t count = report_names(examined, gap->object, gap->member, false, names);
        for (size_t k = 0; k < count; k++) {
            text_word(&words, " > ");
            print_name(&words, names[k]);
        }
        text_word(&words, ": not fully examined: ");
        print_name(&words, gap->text);
        report_clamscan_say(own, CLAMSCAN_WARNING, out, err, "", examined->path, "%.*s",
                            (int)words.len, words.at);
        text_free(&words);
    }
    if (examined->gap.n > shown)
        report_clamscan_say(own, CLAMSCAN_WARNING, out, err, "", examined->path,
                            ": not fully examined: and %u more in it", examined->gap.n - shown);
}

/* What clamscan only reports where nothing else is found. */
static bool is_minor(const char *name)
{
    static const char *const heads[] = {"PUA.", "Heuristics.", "BC.Heuristics."};
    for (size_t i = 0; i < COUNT(heads); i++)
        if (strncmp(name, heads[i], strlen(heads[i])) == 0)
            return true;
    return false;
}

/* The one that clamscan reports without --allmatch: of what its passes come upon, the first
 * that is not minor; else any, here the first. finding.n when there is none. */
static uint32_t choose_finding(const struct report_clamscan *own,
                               const struct examined *examined, const uint32_t *order)
{
    uint32_t count = examined->finding.n, chosen = count, before = count;
    const struct examined_finding *findings = examined->finding.at;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = order ? order[i] : i;
        char name[NAME];
        finding_name(examined, &findings[at], name, sizeof name);
        if (own->excluded && own->excluded(own->context, name))
            continue;
        if (before < count &&
            report_clamscan_same_pass(examined, &findings[before], &findings[at]))
            continue;
        if (report_clamscan_same_pass(examined, &findings[at], &findings[at]))
            before = at;
        if (own->alerts_first || !is_minor(name))
            return at;
        if (chosen == count)
            chosen = at;
    }
    return chosen;
}

static uint32_t say_findings(struct report_clamscan *own, const struct examined *examined,
                             bool found, struct text *out, struct text *err)
{
    uint32_t count = 0;
    uint32_t *order = examined->finding.n > 1 ? report_clamscan_order(examined) : NULL;
    uint32_t chosen = own->all ? 0 : choose_finding(own, examined, order);
    for (uint32_t i = 0; i < examined->finding.n && (own->all || !(found || count)); i++) {
        uint32_t at = order ? order[i] : i;
        const struct examined_finding *finding = &examined->finding.at[at];
        char name[NAME];
        finding_name(examined, finding, name, sizeof name);
        if ((own->excluded && own->excluded(own->context, name)) || (!own->all && at != chosen))
            continue;
        say_finding(own, examined, finding, name, out, err);
        count++;
    }
    free(order);
    return count;
}

static void clamscan_file(const struct report_context *context, const struct examined *examined,
                          struct text *out, struct text *err)
{
    struct report_clamscan *own = context->clamscan;
    own->found = false;
    if (own->verbose)
        report_clamscan_say(own, CLAMSCAN_INFO, out, err, "Scanning ", examined->path, "%s",
                            "");
    if (examined->error) {
        own->errors++;
        own->not_fully++;
        report_clamscan_say(own, CLAMSCAN_WARNING, out, err, "Can't open file ", examined->path,
                            ": %s", examined->error);
        return;
    }
    own->files++;
    own->blocks_examined += (examined->examined + examined->unpacked) / BLOCK;
    uint32_t count = own->alerts_first ? say_alerts(own, examined, false, out, err) : 0;
    count += say_findings(own, examined, count, out, err);
    if (!own->alerts_first)
        count += say_alerts(own, examined, count, out, err);
    own->found = count;
    own->infected += own->found;
    if (own->found && own->bell)
        text_byte(err, '\a');
    if (!own->found && !own->only_found && (!own->no_ok || is_input(own, examined->path)))
        report_clamscan_say(own, CLAMSCAN_OK, out, err, "", examined->path, ": OK");
    own->not_fully += examined->gap.n > 0;
    say_gaps(own, examined, out, err);
}

/* Whoever walks for this report says what it leaves out. */
static void clamscan_skip(const struct report_context *context, enum walk_skip reason,
                          bytes path, int error, struct text *out, struct text *err)
{
    report_clamscan_say(context->clamscan, CLAMSCAN_WARNING, out, err, "", path, ": %s%s%s",
                        walk_skip_text(reason), error ? ": " : "",
                        error ? strerror(error) : "");
}

static void clamscan_begin(const struct report_context *context, struct text *out,
                           struct text *err)
{
    char missing[1024];
    if (context->walled && walls_missing(&context->walls))
        report_clamscan_say(context->clamscan, CLAMSCAN_WARNING, out, err, "", bytes_of(""),
                            "not all walls stand around the workers: %s",
                            walls_text(&context->walls, missing, sizeof missing));
}

static void print_date(struct text *out, const char *name, int64_t at)
{
    char date[64] = "";
    struct tm parts;
    time_t seconds = (time_t)at;
    if (localtime_r(&seconds, &parts))
        strftime(date, sizeof date, "%Y:%m:%d %H:%M:%S", &parts);
    text_printf(out, "%s%s\n", name, date);
}

static void print_count(struct text *out, const char *name, uint64_t count)
{
    if (count)
        text_printf(out, "%s: %llu\n", name, (unsigned long long)count);
}

void report_clamscan_summary(struct report_clamscan *own, struct text *out)
{
    double examined = (double)own->blocks_examined * BLOCK / (1 << 20);
    double read = (double)own->blocks_read * BLOCK / (1 << 20);
    unsigned long long ms = (unsigned long long)(examine_clock() - own->began_ms);
    struct text lines = {0};
    text_printf(&lines, "\n----------- SCAN SUMMARY -----------\nKnown viruses: %llu\n",
                (unsigned long long)own->known);
    text_printf(&lines, "Engine version: %s\n", own->version);
    text_printf(&lines, "Scanned directories: %llu\n", (unsigned long long)own->directories);
    text_printf(&lines, "Scanned files: %llu\n", (unsigned long long)own->files);
    text_printf(&lines, "Infected files: %llu\n", (unsigned long long)own->infected);
    print_count(&lines, "Total errors", own->errors);
    print_count(&lines, "Not fully examined", own->not_fully);
    print_count(&lines, "Not removed", own->not_removed);
    print_count(&lines, own->copies ? "Not copied" : "Not moved", own->not_moved);
    text_printf(&lines, "Data scanned: %.2f MB\n", examined);
    text_printf(&lines, "Data read: %.2f MB (ratio %.2f:1)\n", read,
                read > 0 ? examined / read : 0);
    text_printf(&lines, "Time: %llu.%03llu sec (%llu m %llu s)\n", ms / 1000, ms % 1000,
                ms / 60000, ms / 1000 % 60);
    print_date(&lines, "Start Date: ", own->began);
    print_date(&lines, "End Date:   ", own->began + (int64_t)ms / 1000);
    text_add(&own->log, lines.at, lines.len);
    if (!own->quiet)
        text_add(out, lines.at, lines.len);
    text_free(&lines);
}

static void clamscan_end(const struct report_context *context,
                         const struct report_counts *counts, bytes notes, struct text *out)
{
    (void)counts, (void)notes;
    report_clamscan_summary(context->clamscan, out);
}

const struct report report_clamscan = {
    .begin = clamscan_begin, .file = clamscan_file, .skip = clamscan_skip, .end = clamscan_end};
