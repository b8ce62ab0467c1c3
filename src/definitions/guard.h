/* guard — large rulesets that are checked block by block, each before anything reads it.
 *
 * A ruleset that was checked as a whole once (its checksum, and every number that is used as an
 * index) leaves a record in the cache: a checksum of every block of 4 KiB. As long as it is
 * the same file (device, inode, size, times) of a user who can be trusted with it, it is then
 * mapped without rights, and the first touch of a block traps: the handler compares the block
 * with its checksum and only then lets the process read it. So a scan is ready at once, reads
 * from the disk what it touches, and no finding comes from a byte that was not checked: the
 * processor sees to that, not whoever writes code.
 *
 *     KEY.checked   in the cache (shelf.h); KEY: SHA-256 of the program and of what fstat says
 *        0     8  magic "CANDORCK"
 *        8     8  size of the ruleset
 *       16     8  hash64 of the checksums, seeded with the size
 *       24    8n  of each block its hash64, seeded with its number
 *
 * A block that is not what it was ends the process that touched it: a sealed worker leaves a
 * note for its parent and exits with GUARD_STATUS; the parent looks at the block itself
 * (guard_blame), says which it is, forgets the record and exits with 2. Nothing is reported
 * clean then. For processes of this program's own, since signals belong to a whole process. */
#pragma once
#include "base/base.h"

#include <sys/stat.h>

enum {
    GUARD_BLOCK = 4 << 10, /* a page: more would be memory that nobody asked for */
    GUARD_LEAST = 4 << 20, /* bytes of a ruleset that is worth it */
    GUARD_STATUS = 83,     /* of a worker that met a damaged block */
    GUARD_MOST = 8,        /* rulesets at a time */
};

/* Maps the file without rights, to be let in block by block. -ENOENT: it was not checked
 * before, or is not to be trusted, or there is no room: then it is to be checked as a whole.
 * Before any thread is started. */
int guard_map(int fd, const struct stat *st, void **ret) MUST_USE;
/* A part of a guarded mapping, which soon is touched all over: let in by larger pieces. At most
 * two, when nobody else uses the mapping yet; others and other mappings are left alone. */
void guard_dense(void *map, bytes part);
/* Leaves a record of a ruleset of which everything was checked: `file`, as mapped from what *st
 * tells. Nothing happens where that cannot be. */
void guard_record(const struct stat *st, bytes file);
/* Whether the mapping is a guarded one, which it then was: all of it is gone. */
bool guard_unmap(void *map);
/* In a child before it is sealed, and in a process that took SIGBUS for something else. */
void guard_arm(bool sealed);
/* A worker ended with GUARD_STATUS. Does not return when it was right. */
void guard_blame(void);
