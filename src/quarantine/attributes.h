/* attributes — everything about a file that is not its content: owner, mode, times, extended
 * attributes, and where it has holes. */
#pragma once
#include "quarantine/entry.h"

#include <sys/stat.h>

/* Fills *ret with what `st` says and what can be asked of the open file; names lie in the
 * arena. */
int attributes_read(int fd, const struct stat *st, struct arena *arena, struct entry_facts *ret,
                    struct why *why) MUST_USE;
/* The same without what attributes_write does not give: names of owners, and holes. */
int attributes_ask(int fd, const struct stat *st, struct arena *arena, struct entry_facts *ret,
                   struct why *why) MUST_USE;
/* Gives an open file the same, and makes sure that it has it. What cannot be given in full is
 * an error: a file that lost its owner or its access list is another one. */
int attributes_write(int fd, const struct entry_facts *entry, struct arena *arena,
                     struct why *why) MUST_USE;
