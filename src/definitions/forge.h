/* forge — rules compiled in a sealed worker: a flaw in the compiler that an enemy's rules find
 * gains nothing.
 *
 *     this process                         worker (profile_compiler)
 *     reads rule files                     parses, checks, compiles
 *       │ ── ADD text, SEAL ─────────────►   │     one at a time, through a box of memory that
 *       │ ◄─ ASK for an included file ────   │     both see and a socket that says what is in
 * it │ ◄─ SAY an error or a warning ───   │ │ ◄─ DONE, PIECES of the ruleset ─   │
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
/* As definitions_add_database; *ret becomes what the worker has counted so far, but for its
 * files and failures, which are this process's. */
int forge_add_database(struct forge *forge, const struct database_files *files, bytes name,
                       struct definitions_clamav *ret, struct why *why) MUST_USE;
/* Seals what was added. *ret: unchecked bytes in the arena, 64-byte aligned. */
int forge_seal(struct forge *forge, struct arena *arena, bytes *ret, struct why *why) MUST_USE;
/* Ends the worker. NULL is fine. Returns NULL. */
struct forge *forge_free(struct forge *forge);
