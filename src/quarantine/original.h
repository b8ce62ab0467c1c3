/* original — a file in the directory where it was found: the way there, and removing it without
 * touching any other.
 *
 * Whoever made the file may own the directories around it and change them at any moment. So
 * nothing here goes by a path twice: directories are opened part by part, without following
 * links, and everything else happens in the open directory. */
#pragma once
#include "base/base.h"

#include <sys/stat.h>

/* Opens the directory that an absolute path lies in, without following any link; *ret_name is
 * the path's last part. The descriptor can be synced where the directory may be read. -ELOOP,
 * -ENOTDIR: the way leads through a link, or through something else that was no directory. */
int original_directory(bytes path, int *ret_fd, bytes *ret_name, struct why *why) MUST_USE;
/* The absolute path of `name` in an open directory, without links. */
int original_path(int directory, const char *name, char *ret, size_t size,
                  struct why *why) MUST_USE;
/* Puts a directory's changes on the disk, where it can be synced. */
int original_sync(int directory, struct why *why) MUST_USE;

/* ".candor-quarantine-ID", ".candor-restore-ID": what a file is called while it goes and comes.
 */
enum { ORIGINAL_NAME = 48 };

void original_leaving_name(const char *id, char ret[ORIGINAL_NAME]);
void original_coming_name(const char *id, char ret[ORIGINAL_NAME]);
/* Whether that name is the regular file meant: device, inode, size and time of change of its
 * content are the same. */
bool original_is(int directory, const char *name, const struct stat *meant);
/* Removes a file: gives it the leaving name, makes sure that it is the one that is meant, and
 * only then removes it; something else gets its name back. -ESTALE: it was something else. It
 * is for the caller to sync the directory. */
int original_remove(int directory, const char *name, const char *id, const struct stat *meant,
                    struct why *why) MUST_USE;
/* The second half of that, of what has the leaving name already. */
int original_remove_leaving(int directory, const char *name, const char *id,
                            const struct stat *meant, struct why *why) MUST_USE;
