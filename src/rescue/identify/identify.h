/* identify — which family encrypted a file, or wrote a note, and why: every signal is a weight
 * with a reason, and the weights of a family add up.
 *
 * Pure: reads through a source, remembers nothing, runs in workers. A weight is the natural
 * logarithm of how much likelier the signal is when the family it speaks for is the right one;
 * e to the sum, set against the other families and against "none of these", is the share. */
#pragma once
#include "rescue/format.h"
#include "rescue/identify/knowledge.h"

enum signal_kind {
    SIGNAL_WORDS,     /* the text reads like the family's notes */
    SIGNAL_ADDRESS,   /* the family was reached there */
    SIGNAL_VANITY,    /* an onion address that begins like one of theirs */
    SIGNAL_BRAND,     /* the note says its name */
    SIGNAL_NOTE_NAME, /* the note's file name */
    SIGNAL_EXTENSION,
    SIGNAL_FILE_NAME, /* the pattern of the whole name */
    SIGNAL_MARKER,
    SIGNAL_FORMAT, /* the format's own recognition */
    SIGNAL_KINDS,
};

struct signal {
    enum signal_kind kind;
    uint16_t family;
    float weight;
    bytes reason; /* for people; may show hostile bytes */
};

struct guess {
    uint16_t family;
    float weight;
    float share; /* 0 to 1: how sure it is this family, as far as is known */
};

enum { GUESSES_MAX = 8 };

enum identity_kind {
    IDENTITY_NOTHING,   /* nothing speaks for ransomware */
    IDENTITY_NOTE,      /* a ransom note */
    IDENTITY_ENCRYPTED, /* an encrypted file */
    IDENTITY_NAMED,     /* only its name speaks for it */
};

struct identity {
    enum identity_kind kind;
    float note; /* log-odds that it is a ransom note */
    VEC(struct signal) signal;
    struct guess guess[GUESSES_MAX]; /* the likeliest first */
    size_t guesses;
    const struct format *format; /* the one that fits best, or NULL */
    struct recognition fit;
    unsigned shadows; /* volumes with shadow copies in it */
    float noise;      /* of the first 4 KiB: 0 plain text to 1 even; says nothing alone */
};

/* A share that is enough to name a family as the answer. */
#define IDENTIFY_SURE 0.5F

/* -ENOMEM, or -E... when the source cannot be read. */
int identify_file(const struct knowledge *knowledge, const struct source *source,
                  struct arena *arena, struct identity *ret, struct why *why) MUST_USE;
/* Only what a note tells; `file` is its name, may be empty. For tests and learning. */
int identify_note(const struct knowledge *knowledge, const struct note_features *features,
                  bytes file, struct arena *arena, struct identity *ret) MUST_USE;
