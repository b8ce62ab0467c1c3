/* report — what a job did, for people to keep and to hand on. */
#pragma once
#include "rescue/job/job.h"
#include "scan/text.h"

enum { REPORT_BEGIN = 64 };

enum report_kind { REPORT_TEXT, REPORT_JSON, REPORT_HTML };

/* By the end of its name: ".json", ".html" and ".htm", else text. */
enum report_kind report_kind_of(const char *path);
/* By what reports begin; shorter than REPORT_BEGIN. */
const char *report_begin(enum report_kind kind);
/* All of it: host, times (seconds since 1970), keys, each file with its hashes. */
void report_write(enum report_kind kind, const struct job *job, int64_t began, int64_t ended,
                  struct text *ret);
/* One file as JSON, a line. `done`: what became of it; else what is planned. */
void report_json_file(const struct job *job, const struct job_file *file, bool done,
                      struct text *ret);
void report_json_summary(const struct job *job, struct text *ret);
/* One file for people, a line or two. */
void report_text_file(const struct job *job, const struct job_file *file, bool done,
                      struct text *ret);
void report_text_summary(const struct job *job, bool done, struct text *ret);
/* "RSA private key of 2048 bits (police.pem)", "no key is needed". */
void report_key(const struct job *job, const struct job_file *file, struct text *ret);
