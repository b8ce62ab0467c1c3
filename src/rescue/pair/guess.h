/* guess — what was done to files of which no original is there: by how their kinds begin, and
 * by the zeros that disks are full of. */
#pragma once
#include "rescue/pair/pair.h"

enum { GUESS_FILES = 48 };

/* From encrypted files alone; source.name tells their kind. Like pair_learn; what it finds is
 * never more than a guess (recipe.guess) that has to be checked by what comes out.
 *
 * - One key of up to 64 bytes for all, joined (XOR) with the whole file: the bytes that heads
 *   foretell give it, when each is confirmed by others.
 * - One block of stream, joined again and again with stripes of the file: where the plain file
 *   was zero, the stripes are islands of that block in a sea of zeros (disks of virtual
 * machines under Black Basta). -ENODATA: neither. */
int guess_learn(const struct source *files, size_t count, struct arena *arena,
                struct budget *budget, struct pair_scheme *ret, struct why *why) MUST_USE;
