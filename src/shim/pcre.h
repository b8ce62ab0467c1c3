/* pcre — Perl's regular expressions by PCRE2, interpreted: nothing here makes code.
 *
 * Memory is of the arenas that are passed in, and never given back: an expression lies in one
 * that lives as long as it is used, what one search needs in one that is soon reset. */
#pragma once
#include "base/arena.h"

enum pcre_option {
    PCRE_OPTION_NOCASE = 1,
    PCRE_OPTION_DOTALL = 2,
    PCRE_OPTION_MULTILINE = 4,
    PCRE_OPTION_EXTENDED = 8,
    PCRE_OPTION_ANCHORED = 16,
    PCRE_OPTION_DOLLAR_END = 32,
    PCRE_OPTION_UNGREEDY = 64,
};

/* What one search may cost: calls of PCRE2's matcher from one position, and their depth. */
struct pcre_limits {
    uint32_t calls, depth;
};

struct pcre;

/* NULL when it is malformed (*why says how) or the arena is full (*why is empty). */
struct pcre *pcre_compile(bytes text, uint32_t options, struct arena *arena, struct why *why);

enum pcre_result { PCRE_NONE, PCRE_MATCH, PCRE_LIMIT, PCRE_MEMORY };

/* A search in `data` from `from` on. */
struct pcre_search {
    bytes data;
    size_t from;
    size_t until; /* a match begins before this; SIZE_MAX: anywhere */
    bool here;    /* a match begins at `from` */
    struct pcre_limits limits;
    size_t begin, end; /* of the match */
};

enum pcre_result pcre_find(const struct pcre *pcre, struct pcre_search *search,
                           struct arena *arena);
