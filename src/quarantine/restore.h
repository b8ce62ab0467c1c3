/* restore — a file from the vault back to its place, as it was.
 *
 *     what is done                                  if all ends here
 *     ID.restoring says where                       the entry is there
 *     its content is written under the coming name  the entry is there; the rest is removed
 *     owner, attributes, mode, times; synced        the same
 *     it gets its name; the directory is synced     both are there
 *     ID.entry is removed, then ID.restoring        the file is there
 */
#pragma once
#include "quarantine/vault.h"

struct restore_options {
    const char *to; /* a path, or a directory; NULL: where it was found */
    bool force;     /* over a file that is there */
};

/* On success *ret_path is where the file is now. -EEXIST: something is there; -ENOENT: its
 * directory is not; -ELOOP, -ENOTDIR: the way there leads through a link now; -EPERM,
 * -EOPNOTSUPP: it cannot be put back as it was; -EBADMSG: the entry is damaged. Then nothing is
 * changed. */
int restore_entry(struct vault *vault, const char *id, const struct restore_options *options,
                  char ret_path[ENTRY_PATH], struct why *why) MUST_USE;
/* Removes what a killed restoring left in the directory that ID.restoring says, and that. */
int restore_clean(struct vault *vault, const char *id, struct why *why) MUST_USE;
