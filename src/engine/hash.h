/* hash — hash signatures on the current object: private to engine/. */
#pragma once
#include "engine/scanner_state.h"

enum { HASH_FINDINGS = 64 }; /* of one object at most; what is over shows as LIMIT_MATCHES */

/* Adds what hash signatures say of the current object to scanner->findings, from *count on, and
 * says whether it is trusted. Objects in one block that are files to signatures (TARGET_ANY);
 * digests are computed only where a signature could fit. */
void hash_judge(struct scanner *scanner, uint32_t *count, bool *ret_trusted);

/* imphash.c: the digest of a PE file's import table as ClamAV has it: MD5, SHA-1 or SHA-256 of
 * "library.function,..." in lower case, and the length of that text. False when there is none,
 * or ClamAV would not read it. */
struct hash_imports {
    uint8_t value[HASH_DIGESTS][32];
    uint32_t length;
};

bool imphash_find(struct scanner *scanner, const bool wanted[HASH_DIGESTS],
                  struct hash_imports *ret);
