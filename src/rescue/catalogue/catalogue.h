/* catalogue — what is known of ransomware families: facts, each with its source.
 *
 * Written by people as definitions/ransomware/NAME.yaml (catalogue_yaml.h says how), carried by
 * the program as one block of bytes (catalogue_pack.h). */
#pragma once
#include "base/arena.h"

/* A source: nobody could be found who says so. */
#define CATALOGUE_UNCONFIRMED "not confirmed"

enum catalogue_kind {
    FACT_EXTENSION, /* ".locked": what a name ends with, case does not count */
    FACT_FILE,      /* a pattern (file_pattern.h) for the whole name of an encrypted file */
    FACT_NOTE,      /* a pattern for the name of a note */
    FACT_ADDRESS,   /* as a note has it, lower case */
    FACT_BRAND,     /* how notes call the family: letters and digits, run together */
    FACT_MARKER,    /* bytes at a place of the encrypted file */
    FACT_KINDS,
};

enum catalogue_rescue {
    RESCUE_UNKNOWN,   /* nobody has looked, or nothing was published */
    RESCUE_NOW,       /* files come back without the criminals' help */
    RESCUE_SOME,      /* some of them, or of some versions, do */
    RESCUE_KEY,       /* with a key from the police, a leak or the criminals */
    RESCUE_NOT_TODAY, /* no key helps as far as is known */
};

struct catalogue_fact {
    enum catalogue_kind kind;
    uint16_t family, source; /* indexes */
    uint16_t users;          /* how many families have the same: 1 and more */
    bytes text;              /* of a marker: how people call it */
    bytes value;             /* of a marker: the bytes */
    int64_t at;              /* of a marker: its offset, from the end when negative */
};

struct catalogue_lineage {
    bytes family; /* a name; may have no file of its own */
    bytes how;    /* "built from", "successor of", "same as": reads as THIS how FAMILY */
};

struct catalogue_family {
    bytes name, title; /* "lockbit3", "LockBit 3.0 (Black)" */
    bytes seen;        /* "2022-2025", may be empty */
    enum catalogue_rescue rescue;
    bytes advice;         /* a sentence or more: what can be done; may be empty */
    bytes checked;        /* "2026-11": when rescue and advice were last looked up */
    bytes told_by;        /* address of who says so; CATALOGUE_UNCONFIRMED; may be empty */
    const bytes *also;    /* other names */
    const bytes *formats; /* names in rescue/format.h */
    const struct catalogue_lineage *lineage;
    uint16_t also_count, format_count, lineage_count;
};

struct catalogue_key {
    uint64_t hash;
    uint32_t fact;
};

struct catalogue {
    const struct catalogue_family *family; /* in the order of their names */
    const bytes *source;
    struct catalogue_fact *fact; /* in the order of their families */
    struct catalogue_key *key;   /* of facts without wildcards, rising by hash */
    uint64_t *maybe;             /* bit of a hash's lowest 16: some key has it */
    uint32_t *pattern;           /* facts of patterns with wildcards, and markers */
    uint32_t family_count, source_count, fact_count, key_count, pattern_count;
};

/* Reads what catalogue_pack wrote; views point into it. -EBADMSG when it is damaged. */
int catalogue_open(bytes packed, struct arena *arena, struct catalogue *ret,
                   struct why *why) MUST_USE;
/* Counts the users of each fact and makes the tables; for who filled family, source and fact.
 */
int catalogue_index(struct catalogue *catalogue, struct arena *arena, struct why *why) MUST_USE;
/* Index of a family by its name or another one that it has, -1: none. */
int catalogue_family(const struct catalogue *catalogue, bytes name);
/* Facts of that kind and text, case does not count: calls `take` for each. */
void catalogue_find(const struct catalogue *catalogue, enum catalogue_kind kind, bytes text,
                    void (*take)(void *context, const struct catalogue_fact *fact),
                    void *context);
/* The hash by which FACT_BRAND is found: that of note_feature_name over the same bytes. */
void catalogue_find_hash(const struct catalogue *catalogue, enum catalogue_kind kind,
                         uint64_t hash,
                         void (*take)(void *context, const struct catalogue_fact *fact),
                         void *context);
/* True when two families are one, or one came from the other at most two steps away. One that
 * the catalogue does not have (knowledge.h) is related to itself alone. */
bool catalogue_related(const struct catalogue *catalogue, int a, int b);
/* Whether nobody could be found who says so. */
bool catalogue_unconfirmed(const struct catalogue *catalogue,
                           const struct catalogue_fact *fact);
/* "decryptable now", "with a key": for people. */
const char *catalogue_rescue_text(enum catalogue_rescue rescue);
/* "now", "some", "key", "not-today", "unknown": as in YAML and JSON. */
const char *catalogue_rescue_word(enum catalogue_rescue rescue);
