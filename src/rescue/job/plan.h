/* plan — which files below the paths are encrypted, with what, and which key opens each.
 * Private to this folder. */
#pragma once
#include "rescue/job/job.h"

/* Walks all paths and fills job->file. Nothing is written. */
int plan_make(struct job *job, struct why *why) MUST_USE;
/* A worker's answer about a file, or what became of the worker. */
void plan_reply(struct job *job, struct job_file *file, const struct worker_reply *reply,
                int error, const struct why *why);
/* A file that has its row, with a key that was found since. */
void plan_again(struct job *job, struct job_file *file, const struct worker_plan *plan);
/* Whether the file systems that are written to have room for all of it. -ENOSPC. */
int plan_space(struct job *job, struct why *why) MUST_USE;
