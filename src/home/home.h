/* home — where what candor keeps for its user lies, and making the way there. */
#pragma once
#include "base/base.h"

/* The user's home directory: $HOME where that is a path, else as the system's users say. False
 * when there is none. */
bool home_path(char *ret, size_t size);
/* Makes the directories of a path that are missing; the last for its owner alone. */
int home_make(const char *path, struct why *why) MUST_USE;

/* XDG Base Directory Specification: what can be made again, what is kept, what a program was
 * at. */
enum home_kind { HOME_CACHE, HOME_DATA, HOME_STATE };

/* Where candor keeps that: `name` below it ("": all of it). The user's cache is $XDG_CACHE_HOME
 * or
 * ~/.cache, also for root where the first is said, else /var/cache; data and state are /var/lib
 * for root, else $XDG_DATA_HOME or ~/.local/share, $XDG_STATE_HOME or ~/.local/state. -ENOENT:
 * there is no home; -ENAMETOOLONG. */
int home_place(enum home_kind kind, const char *name, char *ret, size_t size) MUST_USE;
