/* forge — rules compiled in a sealed worker: a flaw in the compiler that an enemy's rules find
 * gains nothing.
 *
 *     this process                         worker (profile_compiler)
 *     opens files, reads rules             parses, checks, compiles
 *        -- ADD text, DATABASE, SEAL -->      one at a time, through a box of memory that both
 *        <- ASK for an included file ---      see and a socket that says what is in it
 *        <- SAY an error or a warning --
 *        <- NEED the table's size (below)
 *        <- DONE -----------------------
 *
 * Where there are many hash signatures, a second worker reads those: both have the same
 * databases, each its part of them (enum clamav_part), they seal side by side, and write into
 * the same file: the second one its table at the front of the ruleset, the first one the rest
 * behind it, once it is told how long the table is and the second one has ended.
 *
 * Databases are handed over as descriptors; the ruleset is left in a file without a name: in
 * memory, and sealed when the worker has ended; or in the folder where it is to be kept, which
 * spares writing it twice, when nobody but this process has it any more.
 *
 * What comes back is checked like a ruleset file from a stranger (definitions.c). An included
 * file is read by this process, whatever its name: as rules compiled without walls may. */
#pragma once
#include "definitions/definitions.h"

struct forge;

/* Starts the worker; from a process without other threads. The options are borrowed until
 * forge_free. */
int forge_new(const struct definitions_options *options, struct forge **ret,
              struct why *why) MUST_USE;
/* As definitions_add_text. -EFAULT: the worker ended, and how. */
int forge_add(struct forge *forge, bytes text, const char *name, const char *name_space,
              uint32_t *ret_errors, struct why *why) MUST_USE;
/* Before the first database: hash signatures go to a second worker, which reads them beside the
 * first. What comes out is the same, byte by byte. No effect later. */
int forge_split(struct forge *forge, struct why *why) MUST_USE;
/* Hands the second worker a database that forge_add_database gets later, so that it need not
 * wait for its turn: in that order, and none twice. No effect, and true, where the second
 * worker has no part in it; false where there is no room for more: then no others either. */
bool forge_ahead(struct forge *forge, const struct database_files *files, const char *path);
/* As definitions_add_database; *ret becomes what the workers have counted so far, but for its
 * files and failures, which are this process's. What the second worker has to say may come
 * later. */
int forge_add_database(struct forge *forge, const struct database_files *files,
                       const char *path, struct definitions_clamav *ret,
                       struct why *why) MUST_USE;
/* Waits for the second worker, if there is one; told(context, ...) hears which files it could
 * not read. */
int forge_settle(struct forge *forge, struct definitions_clamav *ret,
                 void (*told)(void *context, const char *path, int error, struct why *reason),
                 void *context, struct why *why) MUST_USE;
/* Seals what was added, and ends the worker. *ret: unchecked bytes, mapped read-only, which
 * nobody writes to any more; munmap gives them back. *ret_file: the descriptor + 1 of a file
 * without a name at the options' place that holds them, or 0. *ret_history: as
 * definitions_history, unchecked, malloc'd. */
int forge_seal(struct forge *forge, void **ret, size_t *ret_size, int *ret_file,
               bytes *ret_history, struct why *why) MUST_USE;
/* Ends the worker. NULL is fine. Returns NULL. */
struct forge *forge_free(struct forge *forge);
