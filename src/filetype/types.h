/* types — a table of types out of .ftm files, which takes the place of the one that is built in
 * (docs.clamav.net, "File Type Magic"; where that is silent, as clamscan 1.4 behaves).
 *
 * A *magic* row is fixed bytes at a fixed place of the first KiB: later rows go before earlier
 * ones. A *mark* may stand anywhere in a range of places and have several parts with gaps
 * between them; a row is one spelling of one of its parts. */
#pragma once
#include "base/arena.h"
#include "filetype/filetype.h"

enum types_kind { TYPES_MAGIC, TYPES_MARK };

enum { TYPES_PARTS = 16, TYPES_LENGTH = 1024, TYPES_ROWS = 65535 };

#define TYPES_ANYWHERE UINT32_MAX

/* As it lies in a ruleset. */
struct types_row {
    uint32_t text, length; /* in texts: so many bytes, then a mask for each */
    uint32_t kind;         /* enum types_kind */
    uint32_t type;         /* enum filetype: what it makes of the object */
    uint32_t before;       /* enum filetype that the object must be so far, or FILETYPE_ANY */
    uint32_t at;           /* of the first part: from here ... */
    uint32_t span;         /* ... to so many bytes on, or TYPES_ANYWHERE */
    uint32_t from_end;     /* `at` is counted back from the end */
    uint32_t mark;         /* number of the mark, from 0 */
    uint32_t part, parts;  /* which part of it, from 0 */
    uint32_t gap_min;      /* between the end of the part before and this one */
    uint32_t gap_max;      /* 0: no end */
    uint32_t pair;         /* in it, where two bytes stand that no mask touches */
};

struct marks;
struct types;

/* Whether a row means anything: all numbers in it are in their ranges. */
bool types_row_valid(const struct types_row *row, bytes texts);
/* In `arena`, for one thread; NULL when there are no rows, or memory is out (`*ret_full`).
 * `rows` and `texts` must outlive it. */
struct types *types_new(struct arena *arena, bytes texts, const struct types_row *rows,
                        uint32_t count, bool *ret_full);
/* True: the table that is built in does not count any more. False: its rows do, besides. */
bool types_replace(const struct types *types);
/* Whether any row makes an object this. */
bool types_make(const struct types *types, enum filetype type);
/* What fixed bytes in the head say; false when they say nothing. */
bool types_magic(const struct types *types, bytes head, enum filetype *ret);
/* Adds what marks say of data that is `type` so far. `whole`: it is all of the object, so that
 * marks counted from its end can be found, too. */
void types_marks(struct types *types, bytes data, enum filetype type, bool whole,
                 struct marks *found);
