/* hashes — hash signatures: digests of whole files, of sections of executables and of import
 * tables, with their names, as a section of a ruleset.
 *
 * A table lies in a ruleset file: position-independent, mapped, used as it lies, never parsed.
 * The reader asks first whether any signature has a size at all (a bitmap that stays in the
 * caches): most objects need no digest. A digest that is not there costs one
 * page, a lookup at most two; what is found, its record. */
#pragma once
#include "base/arena.h"

enum hash_scope {
    HASH_FILE,    /* .hdb .hsb .hdu .hsu */
    HASH_SECTION, /* .mdb .msb .mdu .msu: the bytes of a section in a PE file */
    HASH_IMPORTS, /* .imp: of the PE file's import table (imphash), size 0 */
    HASH_TRUSTED, /* .fp .sfp: an object that findings are mistakes in */
    HASH_SCOPES,
};

enum hash_digest { HASH_MD5, HASH_SHA1, HASH_SHA256, HASH_DIGESTS };

enum { HASH_ANY_SIZE = 0xffffffff };

/* Bytes of a digest: 16, 20, 32. */
size_t hash_length(enum hash_digest digest);

/* --- build --- */

struct hash_signature {
    enum hash_scope scope;
    enum hash_digest digest;
    uint32_t size; /* of what the digest is of, or HASH_ANY_SIZE */
    const uint8_t *value;
    bytes name;            /* without `.UNOFFICIAL` */
    bool official;         /* out of a signed container */
    uint32_t source, line; /* number of the database file (hashes_source), and the line in it */
};

struct hashes_build;

/* In the arena; NULL when it is full. */
struct hashes_build *hashes_new(struct arena *arena);
/* The number of a database file. UINT32_MAX when memory is out. */
uint32_t hashes_source(struct hashes_build *build, bytes name);
/* False when memory is out. What is borrowed is copied. The signature gets the next number,
 * from 0. Names are cut after 223 bytes and before a NUL. Cheapest in the order of the lines.
 */
bool hashes_add(struct hashes_build *build, const struct hash_signature *signature);
uint32_t hashes_count(const struct hashes_build *build);
/* Lays the table out in `arena` (64-byte aligned). -ENOMEM, -E2BIG. */
int hashes_seal(struct hashes_build *build, struct arena *arena, bytes *ret,
                struct why *why) MUST_USE;

/* --- use --- */

struct hashes {
    bytes table;
    uint32_t count; /* of signatures */
};

/* Opens a table that lies on a border of 8 bytes (empty: one without signatures). Checks what
 * later is used as an index, and the checksum of what every lookup needs; the digests, names
 * and lines have checksums of their own, by a page or less, checked when they are used.
 * -EBADMSG. */
int hashes_open(bytes table, struct hashes *ret, struct why *why) MUST_USE;
/* The same of bytes that hashes_open has opened before, and that are the same since. */
int hashes_trust(bytes table, struct hashes *ret, struct why *why) MUST_USE;
/* The part of the table that every lookup reads something of. */
bytes hashes_front(const struct hashes *hashes);
/* Whether there are signatures of this scope and digest at all. */
bool hashes_has(const struct hashes *hashes, enum hash_scope scope, enum hash_digest digest);
/* Whether a signature of this scope and digest could fit something of this size. */
bool hashes_wants(const struct hashes *hashes, enum hash_scope scope, enum hash_digest digest,
                  uint64_t size);
/* Numbers (0 to count - 1) of the signatures that fit, ascending, at most `room` of them, into
 * ret. -EBADMSG when what would have to be read is damaged: then nothing is known of this
 * digest, and *ret_count is 0. */
int hashes_find(const struct hashes *hashes, enum hash_scope scope, enum hash_digest digest,
                uint64_t size, const uint8_t *value, uint32_t *ret, uint32_t room,
                uint32_t *ret_count) MUST_USE;

struct hash_label {
    char name[256]; /* with `.UNOFFICIAL` where it belongs; NUL-terminated */
    const char *source;
    uint32_t line;
};

/* Any number is safe. -EBADMSG when it is none, or what it is called is damaged: the name then
 * says so. */
int hashes_label(const struct hashes *hashes, uint32_t number, struct hash_label *ret);
