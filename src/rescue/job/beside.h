/* beside — what lies already where planned files will go. Private to this folder. */
#pragma once
#include "rescue/job/job.h"

/* Of all planned files: those that an earlier run recovered (`already`: they need no space),
 * and, for a dry run, under which names the others would come: `out`, with the reason in
 * `beside` where it is not the one that they had. */
int beside_look(struct job *job, struct why *why) MUST_USE;
