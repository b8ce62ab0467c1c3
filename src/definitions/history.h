/* history — what a ruleset was made of, source by source, so that of databases which only grew,
 * only what was added has to be compiled.
 *
 *     LENGTH LINES SHA256 NAME\n     a row for each source, in the order in which they were
 * read; decimal, decimal, lower-case hex; NAME: that of the file, or CONTAINER/MEMBER, after
 * '+' where it is official, '-' where not
 *
 * Sources are read once, from their beginning: what lies within the length of the same source
 * of an earlier history must have its digest, and what lies behind it is fresh. Whatever else
 * changed (a line in the middle, a source that is gone) is -ESTALE: all has to be compiled. */
#pragma once
#include "base/arena.h"

struct history;

/* In the arena, but for a digest that history_free gives back. `since` is an earlier history,
 * or empty: nothing is known, and all is fresh. `most` bytes may be fresh, beyond which it is
 * not worth the while: -ESTALE. NULL: `since` is malformed, or memory is out. */
struct history *history_new(struct arena *arena, bytes since, uint64_t most);
/* NULL is fine. Returns NULL. */
struct history *history_free(struct history *history);

enum history_source {
    HISTORY_GROWS,  /* lines that each stand for themselves: it may become longer */
    HISTORY_FIXED,  /* one text: it must be as it was, or new */
    HISTORY_ONCE,   /* about one another: all must be as they were */
    HISTORY_ALWAYS, /* about all other sources: it must be as it was, and is always fresh */
};

/* The next source. */
int history_begin(struct history *history, bytes container, bytes name, bool official,
                  enum history_source kind, struct why *why) MUST_USE;
/* Its next whole lines; *ret is their fresh end. *ret_line becomes the number of lines before
 * it, where these are not all that were taken (else it is left as it is). */
int history_take(struct history *history, bytes lines, bytes *ret, uint32_t *ret_line,
                 struct why *why) MUST_USE;
/* What was read of the source is about other lines, so that all of them are needed: -ESTALE
 * where only what was added is read, else 0. */
int history_need_all(const struct history *history, struct why *why) MUST_USE;
/* The source ends, after `lines` lines. */
int history_end(struct history *history, uint32_t lines, struct why *why) MUST_USE;
/* All sources were read: the rows, in the arena. */
int history_finish(struct history *history, bytes *ret, struct why *why) MUST_USE;
