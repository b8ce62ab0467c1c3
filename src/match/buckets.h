/* buckets — shares a program's atoms out among the eight buckets of its finder. */
#pragma once
#include "match/program.h"

/* Sets the atoms' `buckets` and draft->head.finder. Atoms of the same bytes get the same
 * bucket, and those that share one are as alike as can be, because a bucket reports whatever
 * any mix of its atoms' half bytes makes. False when the arena is full. */
bool buckets_fill(struct program_draft *draft) MUST_USE;
