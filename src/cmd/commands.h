/* commands — the subcommands: a command is a file of its name and a row in candor.c. */
#pragma once
#include "cmd/options.h"

extern const struct command command_candor; /* the program itself; its commands are the table */
extern const struct command command_scan;
extern const struct command command_yara;
extern const struct command command_clamscan;
extern const struct command command_defs;
extern const struct command command_quarantine;
extern const struct command command_version;
extern const struct command command_help;
extern const struct command command_dev_docs;

/* Exit statuses that all commands share. */
enum { EXIT_CLEAN = 0, EXIT_FOUND = 1, EXIT_ERROR = 2, EXIT_NOT_FULLY = 3, EXIT_NOT_MOVED = 4 };

/* Runs one command: parses its options and calls it. */
int command_run(const struct command *command, int argc, char **argv);
/* "candor: REASON" on stderr; returns EXIT_ERROR. */
int command_error(const char *text);
