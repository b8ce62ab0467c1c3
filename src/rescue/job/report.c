#include "rescue/job/report.h"

#include <string.h>

enum report_kind report_kind_of(const char *path)
{
    size_t len = strlen(path);
    if (len > 5 && !strcmp(path + len - 5, ".json"))
        return REPORT_JSON;
    if ((len > 5 && !strcmp(path + len - 5, ".html")) ||
        (len > 4 && !strcmp(path + len - 4, ".htm")))
        return REPORT_HTML;
    return REPORT_TEXT;
}

void report_key(const struct job *job, const struct job_file *file, struct text *ret)
{
    if (file->key == WORKER_KEY_OWN)
        text_word(ret, "no key is needed");
    else if (file->key == WORKER_KEY_PAIR)
        text_printf(ret, "none is needed: learned from originals (%s)", job->learned);
    else if (file->key >= 0 && (uint32_t)file->key < job->key.n)
        text_printf(ret, "%s (%s)", job->key.at[file->key].text, job->key.at[file->key].origin);
    else
        text_word(ret, "none");
}

static const char *title_of(const struct job_file *file)
{
    return file->family >= 0 ? formats[file->family]->title : "unknown";
}

/* --- JSON --- */

static void json_field(struct text *ret, const char *name, const char *value)
{
    if (!value)
        return;
    text_printf(ret, ",\"%s\":", name);
    text_json(ret, bytes_of(value));
}

static void json_hash(struct text *ret, const char *name, const uint8_t *hash)
{
    text_printf(ret, ",\"%s\":\"", name);
    text_hex(ret, (bytes){hash, WORKER_HASH});
    text_byte(ret, '"');
}

/* A path; its exact bytes as well where they are no text. */
static void json_path(struct text *ret, const char *name, bytes path)
{
    text_printf(ret, ",\"%s\":", name);
    text_json(ret, path);
    if (text_is_utf8(path))
        return;
    text_printf(ret, ",\"%s_hex\":\"", name);
    text_hex(ret, path);
    text_byte(ret, '"');
}

void report_json_file(const struct job *job, const struct job_file *file, bool done,
                      struct text *ret)
{
    text_printf(ret, "{\"type\":\"%s\"", done ? "file" : "plan");
    json_path(ret, "path", file->path);
    text_printf(ret, ",\"size\":%llu,\"state\":\"%s\"", (unsigned long long)file->identity.size,
                job_state_word(file->state));
    if (file->family >= 0) {
        json_field(ret, "family", formats[file->family]->family);
        json_field(ret, "title", title_of(file));
        json_field(ret, "variant", file->variant);
        json_field(ret, "reason", file->reason);
        text_printf(ret, ",\"checked\":\"%s\"",
                    file->key == WORKER_KEY_PAIR    ? "originals"
                    : formats[file->family]->proven ? "published file"
                                                    : "facts only");
    }
    if (file->key != WORKER_KEY_NO && file->family >= 0) {
        struct text key = {0};
        report_key(job, file, &key);
        text_word(ret, ",\"key\":");
        text_json(ret, (bytes){(const uint8_t *)key.at, key.len});
        text_free(&key);
        struct text out = {0};
        text_printf(&out, "%.*s/", (int)file->folder.len, (const char *)file->folder.at);
        text_add(&out, file->out.at, file->out.len);
        json_path(ret, "output", (bytes){(const uint8_t *)out.at, out.len});
        text_free(&out);
        text_printf(ret, ",\"output_size\":%llu,\"lost\":%llu", (unsigned long long)file->plain,
                    (unsigned long long)file->lost);
    }
    if (done && file->proof_reason) {
        text_printf(ret, ",\"verdict\":\"%s\"", job_proof_word(file->proof));
        json_field(ret, "kind", file->kind);
        json_field(ret, "proof", file->proof_reason);
    }
    if (done && file->hashed) {
        json_hash(ret, "sha256_before", file->before);
        json_hash(ret, "sha256_after", file->after);
    }
    json_field(ret, "beside", file->beside);
    json_field(ret, "why", file->why);
    text_word(ret, "}\n");
}

/* Those that a key opens, and nothing was done about yet. */
static uint64_t planned(const struct job *job)
{
    uint64_t n = job->file.n;
    for (unsigned i = 0; i < JOB_STATES && n; i++)
        n -= job->count[i];
    return n;
}

void report_json_summary(const struct job *job, struct text *ret)
{
    text_printf(
        ret,
        "{\"type\":\"summary\",\"files_seen\":%llu,\"not_opened\":%llu,\"encrypted\":%u,"
        "\"planned\":%llu",
        (unsigned long long)job->seen, (unsigned long long)job->unopened, job->file.n,
        (unsigned long long)planned(job));
    for (unsigned i = JOB_NO_KEY; i < JOB_STATES; i++)
        text_printf(ret, ",\"%s\":%llu", job_state_word(i), (unsigned long long)job->count[i]);
    for (unsigned i = PROOF_FAILED + 1; i <= PROOF_PROVEN; i++)
        text_printf(ret, ",\"%s\":%llu", job_proof_word(i), (unsigned long long)job->proofs[i]);
    text_printf(ret, ",\"keys\":%u,\"interrupted_runs\":%u", job->key.n, job->past.jobs);
    text_word(ret, "}\n");
}

/* --- for people --- */

void report_text_file(const struct job *job, const struct job_file *file, bool done,
                      struct text *ret)
{
    text_printf(ret, "%-18s",
                done || file->state != JOB_PLANNED ? job_state_word(file->state)
                                                   : "can be recovered");
    text_visible(ret, file->path);
    text_byte(ret, '\n');
    if (file->state == JOB_UNREAD || file->state == JOB_FAILED) {
        text_word(ret, "    why: ");
        text_visible(ret, bytes_of(file->why ? file->why : ""));
        text_byte(ret, '\n');
        return;
    }
    text_printf(ret, "    %s%s", file->state == JOB_MAYBE ? "perhaps " : "", title_of(file));
    if (file->variant)
        text_printf(ret, ", %s", file->variant);
    if (!formats[file->family]->proven)
        text_word(ret, " (facts only: never tried on a published file)");
    text_byte(ret, '\n');
    if (file->state == JOB_NO_KEY || file->state == JOB_MAYBE) {
        text_word(ret, "    no key opens it: ");
        text_visible(ret, bytes_of(file->why    ? file->why
                                   : job->key.n ? "none of the keys is of its kind"
                                                : "no key was given (--key)"));
        text_byte(ret, '\n');
        return;
    }
    text_word(ret, "    key: ");
    struct text key = {0};
    report_key(job, file, &key);
    text_visible(ret, (bytes){(const uint8_t *)key.at, key.len});
    text_free(&key);
    text_word(ret, "\n    becomes: ");
    text_visible(ret, file->out);
    text_word(ret, ", ");
    text_size(ret, file->plain);
    if (job->options->output) {
        text_word(ret, ", in ");
        text_visible(ret, file->folder);
    }
    if (file->beside) {
        text_word(ret, " (");
        text_visible(ret, bytes_of(file->beside));
        text_byte(ret, ')');
    }
    text_byte(ret, '\n');
    if (done && file->proof_reason) {
        text_printf(ret, "    %s%s%s: ", job_proof_word(file->proof), file->kind ? " " : "",
                    file->kind ? file->kind : "");
        text_visible(ret, bytes_of(file->proof_reason));
        text_byte(ret, '\n');
    }
    if (file->lost)
        text_printf(ret, "    %llu bytes of it cannot come back\n",
                    (unsigned long long)file->lost);
    if (done && file->why && file->why != file->proof_reason &&
        !(file->proof_reason && !strcmp(file->why, file->proof_reason))) {
        text_word(ret, "    ");
        text_visible(ret, bytes_of(file->why));
        text_byte(ret, '\n');
    }
}

static void count_line(struct text *ret, uint64_t n, const char *what)
{
    if (!n)
        return;
    text_word(ret, "  ");
    text_grouped(ret, n);
    text_printf(ret, " %s\n", what);
}

void report_text_summary(const struct job *job, bool done, struct text *ret)
{
    const uint64_t *count = job->count;
    text_grouped(ret, job->seen);
    text_printf(ret, " file%s looked at, ", job->seen == 1 ? "" : "s");
    uint64_t known = job->file.n - count[JOB_MAYBE] - count[JOB_UNREAD];
    text_grouped(ret, known);
    text_printf(ret, " encrypted in a way that is known here%s\n", job->file.n ? ":" : ".");
    if (!done)
        count_line(ret, planned(job), "can be recovered with the keys at hand");
    count_line(ret, job->proofs[PROOF_PROVEN],
               "recovered, proven: checksums hold to the last byte");
    count_line(ret, job->proofs[PROOF_PLAUSIBLE],
               "recovered, plausible: whole to the end, without a checksum");
    count_line(ret, job->proofs[PROOF_UNKNOWN],
               "recovered, unknown: nothing in such files can be checked; look at them");
    count_line(ret, count[JOB_ALREADY], "already recovered before");
    count_line(ret, count[JOB_AGAIN], "recovered, but encrypted twice: run this again");
    count_line(ret, count[JOB_DAMAGED], "not recovered: what came out is damaged");
    count_line(ret, count[JOB_FAILED], "failed");
    count_line(ret, count[JOB_NO_KEY], "not recovered: no key opens them");
    count_line(ret, count[JOB_MAYBE],
               count[JOB_MAYBE] == 1 ? "that looks as if it can be encrypted, without a mark "
                                       "that says so; no key opens it"
                                     : "that look as if they can be encrypted, without a mark "
                                       "that says so; no key opens them");
    if (count[JOB_MAYBE])
        text_word(ret, "    (which, and what they could be: candor rescue identify --all)\n");
    count_line(ret, count[JOB_UNREAD], "could not be read");
    if (job->unopened)
        count_line(ret, job->unopened,
                   "of the files and folders there could not be opened: they are named above");
    if (count[JOB_NO_KEY])
        text_word(ret, "Keep what no key opens: keys are published years later. Until then "
                       "'candor rescue pair' may\nopen it with an original of one file, and "
                       "'candor rescue salvage' give parts back.\n");
    if (job->stopped)
        text_word(ret, "It was stopped: the same command goes on where it was.\n");
    text_word(ret, done ? "The encrypted files are where they were, unchanged.\n"
                        : "Nothing was written.\n");
}
