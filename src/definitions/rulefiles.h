/* rulefiles — which files of a directory hold rules. */
#pragma once
#include "base/base.h"

struct rulefiles {
    char **at;
    uint32_t n, room;
};

/* `path` itself when it is a file, else every .yar and .yara file below it in order of name.
 * An index file, one that only includes, is left out when all that it includes is found
 * anyway: its rules would otherwise be there twice. */
int rulefiles_find(const char *path, struct rulefiles *ret, struct why *why) MUST_USE;
/* Takes over `path`, which was malloc'd; false, and it is not taken, when memory is out. */
bool rulefiles_push(struct rulefiles *files, char *path);
void rulefiles_free(struct rulefiles *files);

/* Reads a whole file ("-": standard input) into malloc'd memory, at most `max` bytes. */
int rulefiles_read(const char *path, size_t max, bytes *ret, struct why *why) MUST_USE;
