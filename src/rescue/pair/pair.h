/* pair — what was done to files, learned from originals and their encrypted copies, and undone
 * on all the other files.
 *
 *     plain file      0 ──────────────────────────────────────────── size
 *     encrypted     prefix │ same places: a rule says which are encrypted │ suffix
 *
 * The door of this folder. `runs` finds which bytes differ, `rule` what all pairs have in
 * common in that, `stream` what the bytes were joined with, `table` which blocks have one
 * image. All of it is pure: read through sources, memory from the arena, bounded steps.
 *
 * What a pair did not show is never made up: where the stream is not known, bytes stay as they
 * are and are counted in recipe.lost. */
#pragma once
#include "base/budget.h"
#include "rescue/key.h"
#include "rescue/pair/rule.h"
#include "rescue/recipe.h"

struct pair {
    struct source plain, encrypted;
};

enum {
    PAIR_MAX = 64,            /* pairs that are looked at: more add nothing */
    PAIR_SMALLEST = 32,       /* bytes of an original that can tell anything */
    PAIR_MEMORY = 32 << 20,   /* stream that pair_learn holds in the arena at most */
    PAIR_PERIOD_SHORT = 4096, /* periods up to this are found in any place of a file */
    PAIR_ARENA = 128u << 20,  /* enough for pair_learn, whatever the pairs */
};

enum pair_method {
    PAIR_SAME,   /* nothing, but perhaps bytes before and after */
    PAIR_XOR,    /* encrypted = plain ^ stream */
    PAIR_ADD,    /* encrypted = plain + stream, byte by byte */
    PAIR_TABLE,  /* each block has one image: substitution (1), a block cipher in ECB (8, 16) */
    PAIR_CIPHER, /* none of these: the files do not help each other */
};

/* Which byte of the stream meets a byte of a file. */
enum pair_place {
    PAIR_BY_OFFSET, /* that at its offset in the plain file */
    PAIR_RUNS_ON,   /* the next one: what is not encrypted uses none up */
    PAIR_EACH_RUN,  /* the stream begins anew with each encrypted run */
};

/* A part of the stream that a pair shows: `at` counts in the stream, folded by the period. */
struct pair_span {
    uint64_t at, len;
    uint64_t plain; /* offset of its first byte in the plain file */
    uint32_t pair;
};

/* A number in what was put before the file (`at` from its start) or behind it (`at` bytes
 * before its end). width 0: none was found. */
struct pair_size {
    uint32_t width; /* 4 or 8 */
    bool big, behind;
    uint64_t at;
};

struct pair_table;

struct pair_scheme {
    enum pair_method method;
    enum pair_place place;
    uint64_t prefix, suffix; /* bytes put before and after the file; suffix: the least seen */
    bool suffix_varies;
    struct pair_size size; /* where the program wrote down how long the file was */
    uint64_t period;       /* after so many bytes the stream begins again; 0: it does not */
    uint32_t block;        /* of PAIR_TABLE */
    VEC(struct pair_rule) rule; /* which bytes are encrypted, for which sizes */
    VEC(struct pair_span) span; /* what is known of the stream: sorted, apart */
    bytes key; /* the stream from byte 0, zeros where unknown; empty: too long, see
                  pair_fill */
    struct pair_table *table;
    uint64_t agreed;  /* bytes that one piece of evidence foretold and another confirmed */
    uint64_t against; /* bytes of the pairs that the scheme does not explain */
    uint32_t pairs;   /* that it was learned from, and that agree */
    bool shared;      /* two files were seen to have the same stream or table */
};

/* What was done to the pairs. 0 with *ret, which may be PAIR_CIPHER or explain only some of
 * them (`pairs` of `count`); -ENODATA: no pair can tell anything, with the reason; -E... of a
 * source, -ENOMEM. A budget that ran out makes the answer poorer, not wrong. */
int pair_learn(const struct pair *pairs, size_t count, struct arena *arena,
               struct budget *budget, struct pair_scheme *ret, struct why *why) MUST_USE;

/* Bytes of the stream from 0 to the last that is known: the period, or the longest pair. */
uint64_t pair_length(const struct pair_scheme *scheme);
/* Bytes [at, at+len) of the stream out of the pairs that it was learned from, zeros where it is
 * not known. For streams that are too long for the arena: written to a file, mapped, and given
 * back as scheme->key. */
int pair_fill(const struct pair_scheme *scheme, const struct pair *pairs, uint64_t at,
              uint8_t *ret, size_t len, struct why *why) MUST_USE;

/* Gives the scheme its stream, from byte 0; what is known behind it is forgotten. */
void pair_cut(struct pair_scheme *scheme, bytes key);

/* The recipe for another file that the same program encrypted. recipe.lost: bytes that the
 * pairs do not reach. recipe.guess: files of that size were not among the pairs, or the scheme
 * is not confirmed. -ENOTSUP: the scheme opens no other file; -EBADMSG: this file is shorter
 * than what was added to it. The recipe borrows from the scheme. */
int pair_recipe(const struct pair_scheme *scheme, const struct source *encrypted,
                struct arena *arena, struct recipe *ret, struct why *why) MUST_USE;

/* How long the plain file was; *ret_sure: the pairs leave no doubt. The encrypted one is at
 * least as long as what was put before it. */
uint64_t pair_plain_size(const struct pair_scheme *scheme, const struct source *encrypted,
                         bool *ret_sure);
/* The stream as a key for a keyring; false where the scheme has none that is held. */
bool pair_key(const struct pair_scheme *scheme, struct key *ret);

/* What was done, in sentences for people. */
bytes pair_words(const struct pair_scheme *scheme, struct arena *arena);
