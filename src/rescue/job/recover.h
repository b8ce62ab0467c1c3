/* recover — writes what was planned: one file after the other through the workers. Private to
 * this folder. */
#pragma once
#include "rescue/job/job.h"

/* Everything that recover holds while it runs. */
struct recover;

struct recover *recover_new(struct job *job, struct why *why) MUST_USE;
/* All planned files. 0, also where some failed; -E...: no workers can be started any more, or
 * the journal cannot be written. */
int recover_all(struct recover *recover, struct why *why) MUST_USE;
/* A worker's answer. */
void recover_reply(struct recover *recover, unsigned slot, void *at,
                   const struct worker_reply *reply, int error, const struct why *why);
/* While workers are waited for: hands to the disk what is written so far. */
void recover_pause(struct recover *recover);
struct recover *recover_free(struct recover *recover);
