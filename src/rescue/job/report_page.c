/* The whole report: as text, as JSON, and as one page of HTML that needs nothing else. */
#include "rescue/job/report.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

static void put_time(struct text *ret, int64_t seconds)
{
    time_t at = (time_t)seconds;
    struct tm broken;
    char text[64] = "";
    if (gmtime_r(&at, &broken))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &broken);
    text_word(ret, text);
}

static const char *host(struct utsname *name)
{
    return uname(name) == 0 ? name->nodename : "";
}

static void put_hash(struct text *ret, const uint8_t *hash)
{
    text_hex(ret, (bytes){hash, WORKER_HASH});
}

const char *report_begin(enum report_kind kind)
{
    static const char *const begins[] = {[REPORT_TEXT] = "Report of candor rescue decrypt\n",
                                         [REPORT_JSON] = "{\"type\":\"job\",\"machine\":",
                                         [REPORT_HTML] =
                                             "<!DOCTYPE html>\n<html lang=en><head>"};
    return begins[kind];
}

/* --- text --- */

static void write_text(const struct job *job, int64_t began, int64_t ended, struct text *ret)
{
    struct utsname name;
    text_printf(ret, "%s\nmachine:  %s\nbegan:    ", report_begin(REPORT_TEXT), host(&name));
    put_time(ret, began);
    text_word(ret, "\nended:    ");
    put_time(ret, ended);
    text_word(ret, "\nkeys:\n");
    for (uint32_t i = 0; i < job->key.n; i++)
        if (job->key.at[i].opened)
            text_printf(ret, "  %s (%s): opened %llu files\n", job->key.at[i].text,
                        job->key.at[i].origin, (unsigned long long)job->key.at[i].opened);
    text_byte(ret, '\n');
    report_text_summary(job, !job->options->dry_run, ret);
    text_byte(ret, '\n');
    for (uint32_t i = 0; i < job->file.n; i++) {
        const struct job_file *file = job->file.at[i];
        report_text_file(job, file, !job->options->dry_run, ret);
        if (!file->hashed)
            continue;
        text_word(ret, "    SHA-256 before: ");
        put_hash(ret, file->before);
        text_word(ret, "\n    SHA-256 after:  ");
        put_hash(ret, file->after);
        text_byte(ret, '\n');
    }
}

/* --- JSON --- */

static void write_json(const struct job *job, int64_t began, int64_t ended, struct text *ret)
{
    struct utsname name;
    text_word(ret, report_begin(REPORT_JSON));
    text_json(ret, bytes_of(host(&name)));
    text_printf(ret, ",\"began\":%lld,\"ended\":%lld,\"keys\":[", (long long)began,
                (long long)ended);
    for (uint32_t i = 0; i < job->key.n; i++) {
        text_word(ret, i ? ",{\"what\":" : "{\"what\":");
        text_json(ret, bytes_of(job->key.at[i].text));
        text_word(ret, ",\"origin\":");
        text_json(ret, bytes_of(job->key.at[i].origin));
        text_printf(ret, ",\"opened\":%llu}", (unsigned long long)job->key.at[i].opened);
    }
    text_word(ret, "]}\n");
    for (uint32_t i = 0; i < job->file.n; i++)
        report_json_file(job, job->file.at[i], !job->options->dry_run, ret);
    report_json_summary(job, ret);
}

/* --- HTML --- */

static const char style[] =
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em;"
    "color:#1a1a1a;background:#fff}h1{font-size:1.5em;margin-bottom:.2em}"
    "table{border-collapse:collapse;width:100%;margin:1em 0}"
    "th,td{text-align:left;vertical-align:top;padding:.45em .6em;border-bottom:1px solid #ddd}"
    "th{background:#f4f4f4}.path{word-break:break-all}"
    "code{font:12px/1.3 ui-monospace,monospace;word-break:break-all;color:#444}"
    ".proven{color:#05621f}.plausible{color:#7a5200}.unknown{color:#555}.failed{color:#a00000}"
    "small{color:#555}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em}"
    "dt{color:#555}dd{margin:0}pre{background:#f7f7f7;padding:.8em;white-space:pre-wrap}"
    "@media print{body{margin:0;max-width:none}th{background:none}}";

/* Text between tags: what a file is called may be HTML itself. */
static void put_html(struct text *ret, bytes view)
{
    struct text visible = {0};
    text_visible(&visible, view);
    for (size_t i = 0; i < visible.len; i++) {
        char c = visible.at[i];
        if (c == '&')
            text_word(ret, "&amp;");
        else if (c == '<')
            text_word(ret, "&lt;");
        else if (c == '>')
            text_word(ret, "&gt;");
        else if (c == '"')
            text_word(ret, "&quot;");
        else
            text_byte(ret, c);
    }
    text_free(&visible);
}

static void put_row(const struct job *job, const struct job_file *file, struct text *ret)
{
    bool verdict = file->proof_reason != NULL;
    struct text key = {0};
    text_word(ret, "<tr><td class=path>");
    put_html(ret, file->path);
    text_word(ret, "<br><small>");
    text_grouped(ret, file->identity.size);
    text_word(ret, " bytes</small>");
    if (file->hashed) {
        text_word(ret, "<br><code>");
        put_hash(ret, file->before);
        text_word(ret, "</code>");
    }
    text_printf(ret, "</td><td>%s<br><small>",
                file->family >= 0 ? formats[file->family]->title : "");
    put_html(ret, bytes_of(file->reason ? file->reason : ""));
    text_word(ret, "</small></td><td>");
    report_key(job, file, &key);
    put_html(ret, (bytes){(const uint8_t *)key.at, key.len});
    text_free(&key);
    text_printf(ret, "</td><td><b>%s</b><br>", job_state_word(file->state));
    if (verdict) {
        text_printf(ret, "<span class=%s>%s</span>: ", job_proof_word(file->proof),
                    job_proof_word(file->proof));
        put_html(ret, bytes_of(file->proof_reason));
    }
    if (file->why && !(verdict && !strcmp(file->why, file->proof_reason)))
        put_html(ret, bytes_of(file->why));
    text_word(ret, "</td><td class=path>");
    if (file->state == JOB_RECOVERED || file->state == JOB_ALREADY ||
        file->state == JOB_AGAIN) {
        put_html(ret, file->out);
        if (job->options->output) {
            text_word(ret, "<br><small>in ");
            put_html(ret, file->folder);
            text_word(ret, "</small>");
        }
        text_word(ret, "<br><small>");
        text_grouped(ret, file->plain);
        text_word(ret, " bytes</small>");
    }
    if (file->hashed && file->state == JOB_RECOVERED) {
        text_word(ret, "<br><code>");
        put_hash(ret, file->after);
        text_word(ret, "</code>");
    }
    text_word(ret, "</td></tr>\n");
}

static void put_keys(const struct job *job, struct text *ret)
{
    text_word(ret, "<h2>Keys</h2><table><tr><th>Key<th>From<th>Files it opens</tr>\n");
    uint64_t idle = 0;
    for (uint32_t i = 0; i < job->key.n; i++) {
        if (!job->key.at[i].opened) {
            idle++;
            continue;
        }
        text_word(ret, "<tr><td>");
        put_html(ret, bytes_of(job->key.at[i].text));
        text_word(ret, "</td><td>");
        put_html(ret, bytes_of(job->key.at[i].origin));
        text_word(ret, "</td><td>");
        text_grouped(ret, job->key.at[i].opened);
        text_word(ret, "</td></tr>\n");
    }
    text_word(ret, "</table>\n");
    if (!idle)
        return;
    text_word(ret, "<p><small>");
    text_grouped(ret, idle);
    text_printf(
        ret, " other key%s, those that are public included, open%s none of them.</small></p>\n",
        idle == 1 ? "" : "s", idle == 1 ? "s" : "");
}

static void write_html(const struct job *job, int64_t began, int64_t ended, struct text *ret)
{
    struct utsname name;
    struct text summary = {0};
    text_printf(ret,
                "%s<meta charset=utf-8><meta name=viewport "
                "content=\"width=device-width\"><title>Recovery of encrypted files</title>"
                "<style>%s</style></head><body>\n<h1>Recovery of encrypted files</h1>\n"
                "<p>Made by <i>candor rescue decrypt</i>, on this machine, without any "
                "connection. The encrypted files were not changed.%s</p>\n<dl><dt>Machine<dd>",
                report_begin(REPORT_HTML), style,
                job->options->dry_run
                    ? " <b>A dry run: this is what could be done. Nothing was written.</b>"
                    : "");
    put_html(ret, bytes_of(host(&name)));
    text_word(ret, "<dt>Began<dd>");
    put_time(ret, began);
    text_word(ret, "<dt>Ended<dd>");
    put_time(ret, ended);
    text_word(ret, "</dl>\n<pre>");
    report_text_summary(job, !job->options->dry_run, &summary);
    text_add(ret, summary.at, summary.len);
    text_free(&summary);
    text_word(ret, "</pre>\n");
    put_keys(job, ret);
    text_word(ret, "<h2>Files</h2>\n<p><small>Below a file's name: its size and the SHA-256 of "
                   "its bytes, before and after.</small></p>\n<table><tr><th>Encrypted file"
                   "<th>Encrypted by<th>Key<th>What became of it<th>Recovered file</tr>\n");
    for (uint32_t i = 0; i < job->file.n; i++)
        put_row(job, job->file.at[i], ret);
    text_word(ret, "</table>\n</body></html>\n");
}

void report_write(enum report_kind kind, const struct job *job, int64_t began, int64_t ended,
                  struct text *ret)
{
    if (kind == REPORT_HTML)
        write_html(job, began, ended, ret);
    else if (kind == REPORT_JSON)
        write_json(job, began, ended, ret);
    else
        write_text(job, began, ended, ret);
}
