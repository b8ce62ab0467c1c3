/* note_model — what was learned from notes, as hashes: who writes like this, who is reached
 * there, and whether it is a ransom note at all.
 *
 * File, little endian, sections one after the other, each padded with zeros to 8 bytes:
 *
 *     magic     "CDRNOTE1"
 *     counts    u32 families, notes, terms, postings, addresses, vanities, files, names
 *     judge     i32 bias, 1/256; u32 0
 *     names     of families: u8 length and the name, `names` bytes in all
 *     notes     u16 family
 *     terms     u32 hash, rising
 *     starts    u32 first posting of each term, and one more; those that a quarter of all notes
 *               have got none
 *     posting   u16 note
 *     weight    u8, 1/1024: term frequency by inverse document frequency, by the note's length
 *     addresses u64 hash, rising; then u16 family of each
 *     vanities  u32 hash, rising; then u16 family
 *     files     u32 hash, rising; then u16 family
 *     words     i16 for each of NOTE_WORDS, 1/256
 *
 * One that several families use stands there once for each. Terms and weights: "A vector space
 * model for automatic indexing" (Salton 1975); words: logistic regression. */
#pragma once
#include "rescue/identify/note_feature.h"

#define NOTE_MODEL_MAGIC "CDRNOTE1"

enum { NOTE_MODEL_HEADER = 48 };

struct note_model {
    uint32_t families, notes, terms, postings, addresses, vanities, files;
    const bytes *family; /* names, in the arena */
    const uint16_t *note, *posting, *address_family, *vanity_family, *file_family;
    const uint32_t *term, *start, *vanity, *file;
    const uint32_t *bucket; /* first term of each value of a hash's first bits */
    const uint64_t *address;
    const uint8_t *weight;
    const int16_t *word;
    int32_t bias;
};

/* What speaks for one family. */
struct note_score {
    float likeness;         /* 0 to 1.3: the most similar note's and 0.3 of the next one's */
    int address;            /* index in features.address, -1: none that it uses */
    uint32_t address_users; /* how many families use that one */
    int vanity;             /* an onion address that begins like one of its: index, or -1 */
    uint32_t file_users;    /* its notes have that file name, and so have those of this many
                               families in all; 0: they do not */
    bool file_whole;        /* that is the whole name, not only what it begins with */
};

/* Checks everything and borrows the file, which is aligned to 8 bytes. -EBADMSG, -ENOMEM. */
int note_model_open(bytes file, struct arena *arena, struct note_model *ret,
                    struct why *why) MUST_USE;
/* ret[families]. `file` is the file's name, may be empty. -ENOMEM. */
int note_model_score(const struct note_model *model, const struct note_features *features,
                     bytes file, struct arena *arena, struct note_score *ret) MUST_USE;
/* How much it reads like a ransom note: log-odds; 0 is even. */
float note_model_judge(const struct note_model *model, const struct note_features *features);
