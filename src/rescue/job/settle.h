/* settle — what came out gets the attributes of the encrypted file, is put on the disk, and
 * gets its name: many small files together. Private to this folder. */
#pragma once
#include "rescue/job/task.h"

/* The end of a file, whatever became of it; frees the task. */
void settle_finish(struct task *task, enum job_state state, const char *why);
/* What came out is whole and looked at: it is put on the disk, soon. */
void settle_ready(struct task *task);
/* All that wait for the disk. */
void settle_all(struct recover *recover);
/* The next name to try, in task->name; false when there is none. */
bool settle_name(struct task *task);
/* Whether the encrypted file is still the one that was planned. */
bool settle_unchanged(const struct task *task);
struct journal_record settle_record(const struct task *task, enum journal_kind kind);
/* A failure to write it ends the job: recover->error. */
void settle_journal(struct recover *recover, const struct journal_record *record);
void settle_close(int *fd);
