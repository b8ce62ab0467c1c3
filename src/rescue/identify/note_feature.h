/* note_feature — what is remembered of a note: hashes of short pieces of its words, and what
 * its writers can be reached by.
 *
 * The n-grams are of 3 to 5 bytes within words, lower case; every fourth by its hash is kept,
 * so that no text comes back out of a model. Victim ids, keys and the like are rare n-grams
 * that match nothing: they cost little, while addresses, which look the same, tell families
 * apart. */
#pragma once
#include "base/arena.h"

enum note_address_kind {
    NOTE_ONION, /* label before .onion, version 2 or 3 */
    NOTE_MAIL,
    NOTE_DOMAIN, /* of a web address, without "www." */
    NOTE_TOX,    /* 76 hexadecimal digits */
    NOTE_WALLET, /* Bitcoin */
    NOTE_ADDRESS_KINDS,
};

struct note_address {
    enum note_address_kind kind;
    bytes text; /* as in the note; lower case but for wallets */
    uint64_t hash;
};

struct note_term {
    uint32_t hash, count;
};

enum {
    NOTE_WORDS = 1 << 15,  /* numbers of words and pairs of words are below */
    NOTE_VANITY_LEAST = 6, /* letters at the begin of an onion address that someone chose */
    NOTE_VANITY_MOST = 9,
    NOTE_FILE_HASHES = 8,
    NOTE_FILE_LEAST = 10, /* letters of a file name's begin that tell something */
};

struct note_features {
    VEC(struct note_term) term; /* each hash once */
    VEC(struct note_address) address;
    VEC(uint32_t) vanity; /* hashes of the begins of onion addresses */
    VEC(uint16_t) word;   /* of words and pairs of words, each once */
    VEC(uint64_t) name;   /* of what could be a name: one to three words run together */
    size_t length;        /* of the text */
};

/* Of the words that note_text_plain gave, which must live as long. -ENOMEM. */
int note_feature_take(bytes text, struct arena *arena, struct note_features *ret,
                      struct why *why) MUST_USE;
/* As in features.name: of letters and digits only, case does not count. */
uint64_t note_feature_name(bytes name);
/* Of the file name of a note, case, digits and what stands in brackets do not count: first of
 * all of it, then of what it begins with, up to each of its signs, the shortest first. */
size_t note_feature_files(bytes name, uint32_t ret[NOTE_FILE_HASHES]);
/* "onion address": for people. */
const char *note_feature_kind(enum note_address_kind kind);
