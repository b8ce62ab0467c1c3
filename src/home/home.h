/* home — where what candor keeps for its user lies, and making the way there. */
#pragma once
#include "base/base.h"

/* The user's home directory: $HOME where that is a path, else as the system's users say. False
 * when there is none. */
bool home_path(char *ret, size_t size);
/* Makes the directories of a path that are missing; the last for its owner alone. */
int home_make(const char *path, struct why *why) MUST_USE;
