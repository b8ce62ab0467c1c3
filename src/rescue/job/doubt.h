/* doubt — files so small that more than one key seems to open them, of a family that leaves
 * nothing by which a key could be checked. The key that opens most others of that family is
 * most likely theirs, too. Private to this folder. */
#pragma once
#include "rescue/job/job.h"

struct doubt;

/* Once all is planned: those that another key opens are planned anew, with that one first. */
int doubt_settle(struct doubt **hold, struct job *job, struct why *why) MUST_USE;
/* A worker's answer meanwhile. */
void doubt_reply(struct doubt *doubt, struct job_file *file, const struct worker_reply *reply,
                 int error);
