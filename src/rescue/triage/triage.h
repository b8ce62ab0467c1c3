/* triage — what was found out about many files, added up. Opens nothing: who walks hands in
 * sightings. */
#pragma once
#include "rescue/identify/sighting.h"

enum { TRIAGE_SAMPLES = 3, TRIAGE_ENDINGS = 512, TRIAGE_NOTES = 64, TRIAGE_LINK_LEAST = 5 };

struct triage_family {
    uint16_t family;
    uint64_t encrypted, notes, named;
    uint64_t partial;             /* of the encrypted: formats that encrypt only parts say so */
    uint64_t decrypted;           /* bear signs of a decryption */
    uint64_t bytes_encrypted;     /* sizes of the encrypted files */
    uint64_t linked;              /* of the encrypted: known by a note alone, whose name begins
                                     with their ending */
    bytes link;                   /* that ending, ".a1b2c3" */
    float share;                  /* the highest */
    int32_t format;               /* place in `formats`, -1: none was recognised */
    struct sighting best;         /* the sighting with that share: its reasons */
    bytes sample[TRIAGE_SAMPLES]; /* paths, in the arena */
    uint32_t samples;
};

struct triage_ending {
    bytes text; /* ".a1b2c3", lower case */
    uint64_t count;
};

struct triage {
    const struct knowledge *knowledge;
    struct arena *arena;
    uint64_t files, unread, bytes;
    uint64_t notes_unknown;     /* ransom notes of no known family */
    uint64_t encrypted_unknown; /* by their bytes, but of no family that is sure */
    uint64_t noise;             /* nothing speaks for ransomware but that they are noise */
    uint64_t shadows;           /* images of volumes with shadow copies in them */
    VEC(struct triage_family) family;
    VEC(struct triage_ending) ending; /* of files that are noise */
    bytes note_sample;                /* path of a note of no known family */

    struct {
        bytes name; /* of a note whose family is known, lower case; some of them */
        uint16_t family;
    } note[TRIAGE_NOTES];

    uint32_t note_count;
};

/* Adds one file. Paths are copied where they are kept. */
void triage_add(struct triage *triage, bytes path, uint64_t size,
                const struct sighting *sighting);
void triage_unread(struct triage *triage);
/* When all files were added: noise with the ending ".a1b2c3" is its family's whose note is
 * called "a1b2c3.README.txt". Puts the families with most files first. */
void triage_sort(struct triage *triage);
/* The ending that most files of noise share, but for `skip` ones that more share; NULL when
 * fewer than `least` do. Those of usual compressed files do not count. */
const struct triage_ending *triage_odd_ending(const struct triage *triage, uint64_t least,
                                              uint32_t skip);
