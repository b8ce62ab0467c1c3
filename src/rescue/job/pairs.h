/* pairs — originals and their encrypted copies, looked for when no key opens some files: among
 * the files themselves, or where the user says that originals are. Private to this folder. */
#pragma once
#include "rescue/job/job.h"

struct pairs;

/* A file that was planned, for reading; not through a link. -1: errno. */
int pairs_open(bytes path);

/* For files of no known format, and of those that a keystream can open: workers learn from the
 * pairs, and what that undoes is planned. */
int pairs_ask(struct pairs **hold, struct job *job, struct why *why) MUST_USE;
/* A worker's answer while that goes on. */
void pairs_reply(struct pairs *pairs, struct job_file *file, const struct worker_reply *reply,
                 int error);
