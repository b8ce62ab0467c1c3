/* runs — where an original and its encrypted copy differ, and how far the copy is shifted. */
#pragma once
#include "rescue/pair/pair.h"

/* The runs of a pair whose plain file begins at `prefix` of the encrypted one. ret->run is in
 * the arena. Reads both files once, charges a step for each byte; without budget what is left
 * counts as the last run (*ret_cut says so). */
int runs_compare(const struct pair *pair, uint64_t prefix, struct arena *arena,
                 struct budget *budget, struct pair_runs *ret, bool *ret_cut,
                 struct why *why) MUST_USE;
/* Where the plain file begins in the encrypted one, by parts that were left as they were:
 * *ret_prefix; *ret_found is false when no such part was seen. */
int runs_shift(const struct pair *pair, struct arena *arena, struct budget *budget,
               uint64_t *ret_prefix, bool *ret_found, struct why *why) MUST_USE;
