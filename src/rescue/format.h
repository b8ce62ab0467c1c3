/* format — one family's way to write encrypted files: one file in formats/ and one row in its
 * table.
 *
 * A format is pure: it reads through a source, takes memory from the arena and says in a recipe
 * what is to be done; it decrypts nothing but its own headers. What it reads is hostile. */
#pragma once
#include "rescue/key.h"
#include "rescue/recipe.h"

enum fit {
    FIT_NO,     /* not of this family */
    FIT_CAN_BE, /* nothing speaks against it, as trailer sizes: other families look the same */
    FIT_IS,     /* a mark of at least 32 bits that only this family writes, or a checksum */
};

struct recognition {
    enum fit fit;
    const char *variant; /* "2023, intermittent", or NULL */
    struct why reason;   /* "marker 'choung dong ...' 32 bytes before the end" */
    bool partial;        /* only parts of the file are encrypted */
    bool decrypted;      /* bears signs of an interrupted or finished decryption */
    unsigned bits;       /* among those that fit alike: how many bits speak for it */
    uint64_t plain;      /* size of the plain file, UINT64_MAX: unknown before it is opened */
};

struct format {
    const char *family; /* the catalogue's name: "lockbit3" */
    const char *title;  /* "LockBit 3.0 (Black)" */
    const char *facts;  /* where they come from */
    bool proven;        /* byte-exact against a published vector in tests/; else: facts only */
    uint32_t keys;      /* 1 << enum key_kind of each kind that open can use */
    /* What the bytes say without a key; names only support it. 0 with *ret filled, or -E... of
     * the source. */
    int (*recognise)(const struct source *source, struct recognition *ret, struct why *why);
    /* With a key of one of its kinds: the recipe. -EKEYREJECTED: proven not to be the key of
     * this file; -EBADMSG: damaged or not of this family, with what was expected; -ENOTSUP: a
     * variant whose facts are not known; -ENOKEY: the right one, but another is wanted with it,
     * which key->ring does not hold. A key that cannot be checked here: recipe.guess. */
    int (*open)(const struct source *source, const struct key *key, struct arena *arena,
                struct recipe *ret, struct why *why);
};

/* All rows (formats/table.c), ended by NULL. */
extern const struct format *const formats[];
const struct format *format_find(const char *family);
/* The formats that fit best, FIT_IS first, at most `max`; their number. A source that cannot be
 * read fits none. */
size_t format_recognise(const struct source *source, const struct format **ret,
                        struct recognition *fits, size_t max);
