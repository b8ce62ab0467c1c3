/* rescue — the table of `candor rescue`: a subcommand is a file of its name here and a row in
 * rescue.c. */
#pragma once
#include "cmd/commands.h"

#include <sys/stat.h>

extern const struct command command_rescue;
extern const struct command rescue_decrypt_command;
extern const struct command rescue_identify_command;
extern const struct command rescue_learn_command;
extern const struct command rescue_pair_command;
extern const struct command rescue_recheck_command;
extern const struct command rescue_salvage_command;
extern const struct command rescue_triage_command;
extern const struct command rescue_zip_command;

/* Copies the rows together, once, before any command runs. */
void rescue_table_fill(void);
/* The last part of a path: what the walk says of it holds below a directory only, not for a
 * file that was named itself. */
bytes rescue_name(bytes path);
/* A regular file for reading, never waiting for a pipe or a terminal: its descriptor, and what
 * fstat says. -E... with the reason. */
int rescue_open(const char *path, struct stat *ret, struct why *why) MUST_USE;
