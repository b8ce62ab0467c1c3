/* offset — where in an object a signature is to match (docs.clamav.net, "Body-based Signature
 * Content Format", Offset): `*`, `n`, `EOF-n`, `EP+n`, `EP-n`, `Sx+n`, `SEx`, `SL+n`, `VI`,
 * `$n$`, all but the first and the last two with `,shift`. */
#pragma once
#include "rules/draft.h"

enum { OFFSET_GROUPS = 32 };

enum offset_kind {
    OFFSET_ANY,
    OFFSET_FIXED,   /* from the start */
    OFFSET_END,     /* before the end */
    OFFSET_PLACE,   /* from a place in an executable: `place`, `section` */
    OFFSET_SECTION, /* anywhere in section `section` */
    OFFSET_VERSION,
    OFFSET_MACRO, /* none: a member of group `section` (macro.h) */
};

struct offset {
    enum offset_kind kind;
    enum node_place place;
    uint32_t section;
    int64_t at;    /* distance; negative before the place */
    int64_t shift; /* how much further it may lie */
    bool program;  /* of OFFSET_END: only where an executable's headers are sound */
};

/* NULL, or why it is none for signatures of this target. */
const char *offset_read(bytes text, enum target target, struct offset *ret);

/* The only offset at which a match counts, for draft_program; RULESET_ANY_OFFSET. */
int64_t offset_constant(const struct offset *offset);

/* Children for the first and last offset that count; NODE_NONE both where any does. */
void offset_range(struct draft *draft, const struct offset *offset, uint32_t *ret_first,
                  uint32_t *ret_last);

/* Nodes: the pattern matches there; how often. Never undefined in a count. */
uint32_t offset_found(struct draft *draft, const struct offset *offset, uint32_t pattern);
uint32_t offset_count(struct draft *draft, const struct offset *offset, uint32_t pattern);

/* What may follow a pattern there: a NODE_GROUP, and how far behind it. */
struct offset_group {
    uint32_t node;
    uint32_t min, max;
};

struct offset_row {
    uint32_t patterns[2]; /* the second may be NODE_NONE */
    const struct offset_group *groups;
    uint32_t count;
};

/* How often the patterns (0) or the nth of the groups match, with what is to follow them
 * (NODE_COUNT_FOLLOWED). Not for OFFSET_VERSION. */
uint32_t offset_followed(struct draft *draft, const struct offset *offset,
                         const struct offset_row *row, uint32_t nth);

/* A decimal number of digits alone, an empty one 0, as ClamAV takes it; larger than 2^31 is
 * that. */
bool offset_number(bytes text, int64_t *ret);
/* The number that a text begins with as scanf's %u reads it (white space, a sign, digits;
 * beyond 32 bits the lowest ones); *text becomes what is behind it. */
bool offset_unsigned(bytes *text, uint32_t *ret);
