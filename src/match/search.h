/* search — a search for one match of a program, by candidates that others find. */
#pragma once
#include "match/program.h"

struct search;

/* In `arena`, for a PROGRAM_TEXT or PROGRAM_ATOMS with a finder. NULL when the arena is full.
 */
struct search *search_open(const struct program *program, bytes object, struct arena *arena,
                           struct budget *budget);

enum search_state {
    SEARCH_GOES_ON,
    SEARCH_FOUND,
    SEARCH_STOPPED /* a limit: see the budget */
};

/* Shows it the next candidate of the program's finder: all of them, in ascending order. */
enum search_state search_feed(struct search *search, size_t end, uint8_t buckets);
