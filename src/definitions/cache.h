/* cache — compiled definitions that are kept between runs, found again by what they were made
 * of: the contents and names of their sources, the options, and the program itself.
 *
 *     DIRECTORY/KEY.cdr      a ruleset; KEY: SHA-256 of all that was read (lower-case hex)
 *     DIRECTORY/KEY.sources  what its databases were: KEY of all else that it depends on (64
 * hex digits, a line), then a history (history.h) DIRECTORY/KEY.added    a ruleset of what was
 * added to databases since; KEY: SHA-256 of that of the ruleset it adds to, and of the history
 *     DIRECTORY/KEY.stamp    KEY of a ruleset (64 hex digits), and of what adds to it, if
 *                            anything; this KEY: SHA-256 of where the sources lie, and of their
 *                            sizes, inodes and times
 *
 * Databases that grew (freshclam's do, every few hours) are compiled from where they grew on,
 * and scanning uses both rulesets; where lines are gone, or much was added, all is compiled
 * again.
 *
 * With a stamp nothing is read but the directory. A stamp is not written while a source is
 * younger than two seconds, since a change could bear the same time. DIRECTORY belongs to the
 * user alone; where it does not, nothing in it is used. */
#pragma once
#include "definitions/definitions.h"

struct cache_sources {
    const char *const *clamav; /* as definitions_add_clamav takes them */
    uint32_t clamav_count;
    const char *const *rules; /* as definitions_add_path takes them */
    uint32_t rule_count;
};

enum { CACHE_SETS = 2 };

struct cache_result {
    uint32_t sets;   /* rulesets: one, or two where databases were added to */
    bool kept;       /* nothing was compiled: the rest is zero */
    bool added;      /* only what was added was compiled: the rest is about that */
    uint32_t files;  /* of rules */
    uint32_t errors; /* in them */
    struct definitions_clamav clamav;
    struct why note; /* why nothing could be kept; empty otherwise */
};

/* Maps what was compiled before, or compiles and keeps it. `use`: false compiles only. Rules
 * that include other files are compiled every time, and so is what has faults. */
int cache_compile(const struct definitions_options *options,
                  const struct cache_sources *sources, bool use,
                  struct definitions ret[CACHE_SETS], struct cache_result *ret_result,
                  struct why *why) MUST_USE;

/* Counts rulesets and bytes in it; `clear` removes all of them first. A directory that is not
 * there is empty. */
int cache_sum(bool clear, uint32_t *ret_count, uint64_t *ret_size, struct why *why) MUST_USE;
