/* find — positions in an object where one of a few short byte sequences may end.
 *
 * A sequence (at most 4 bytes, each with a mask of bits that count) goes into one of 8 buckets.
 * For each of the last four bytes a pair of 16-entry tables, by low and by high half byte,
 * tells which buckets allow it; the buckets that all eight look-ups agree on are candidates.
 * A candidate is no more than that: the caller compares. The plain C code and the AVX2 and
 * AVX-512 variants report the same candidates (tests/unit/match/test_find.c). */
#pragma once
#include "base/base.h"

enum { FIND_BYTES = 4, FIND_BATCH = 256 };

struct finder {
    uint8_t low[FIND_BYTES][16], high[FIND_BYTES][16]; /* [0]: the last byte of a sequence */
    uint8_t depth; /* bytes looked at, 1 to 4; 0: every position is a candidate */
    uint8_t delta; /* works on each byte xor the byte before it */
    uint8_t reserved[6];
};

void finder_init(struct finder *finder, bool delta);
/* Adds a sequence of 1 to 4 bytes: (byte & mask) == value. Bits outside half bytes that a mask
 * splits are widened, never narrowed. */
void finder_add(struct finder *finder, uint32_t bucket, const uint8_t *value,
                const uint8_t *mask, uint32_t length);

/* The buckets of the candidate that ends at `end`; 0: it is none. */
uint8_t finder_buckets(const struct finder *finder, bytes object, size_t end);

struct find_hit {
    size_t end;      /* offset of the sequence's last byte */
    uint8_t buckets; /* bit per bucket, not 0 */
};

/* Candidates that end at or after *at, ascending, at most FIND_BATCH; *at moves to where the
 * search goes on, object.len when it is through. Returns their number. `limit` ends the search
 * early: no candidate at or beyond it (<= object.len). */
uint32_t finder_scan(const struct finder *finder, bytes object, size_t *at, size_t limit,
                     struct find_hit ret[static FIND_BATCH]);
