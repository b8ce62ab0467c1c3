/* together — which of several programs match in an object at all, in one pass over it. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"

enum { TOGETHER_MOST = 8 };

enum together {
    TOGETHER_OPEN, /* not known: the program is to be searched for by itself */
    TOGETHER_ABSENT,
    TOGETHER_PRESENT,
};

/* ret[i] is the answer for programs[i], i < count <= TOGETHER_MOST. As pattern_exists of
 * pattern.h, where it has one. When the budget runs out nothing is known. What it needs of the
 * arena it gives back. */
void together_look(const bytes *programs, uint32_t count, bytes object, struct arena *arena,
                   struct budget *budget, enum together ret[static TOGETHER_MOST]);
