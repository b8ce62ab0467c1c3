/* shelf — the directory in which what was found out about definitions is kept between runs.
 *
 * It belongs to the user alone; where it does not, nothing in it is used: whoever else could
 * write there could choose what is found. Files are named by a key (64 hex digits), a digest of
 * all that their content depends on, and an ending. */
#pragma once
#include "shim/digest.h"

#include <sys/stat.h>

enum { SHELF_KEY = 32, SHELF_KEY_TEXT = 2 * SHELF_KEY };

struct shelf {
    int fd;        /* -1: none is open */
    char path[32]; /* by its descriptor: what was checked is what is used */
};

/* Where it is: $XDG_CACHE_HOME/candor, else /var/cache/candor for root, ~/.cache/candor for
 * others. */
int shelf_path(char *ret, size_t size, struct why *why) MUST_USE;
/* Opens it; with `make`, makes it first where it is missing. The descriptor is the caller's. */
int shelf_open(bool make, struct shelf *ret, struct why *why) MUST_USE;
/* PATH_MAX bytes of path; false when it is too long. */
bool shelf_file(const struct shelf *place, const char *key, const char *ending, char *ret);
bool shelf_has_ending(const char *name, const char *ending);
/* Removes all but the `keep` files of that ending that were used last. */
void shelf_sweep(const struct shelf *place, const char *ending, uint32_t keep);

/* --- keys --- */

/* A digest of the kind of thing, and of the program, whose answers may change with it. NULL
 * when it cannot be said. */
struct digest *shelf_key(const char *kind);
void shelf_key_number(struct digest *digest, uint64_t number);
void shelf_key_text(struct digest *digest, bytes text);
/* What changes when a file does: which it is, its size and times. */
void shelf_key_stat(struct digest *digest, const struct stat *st);
/* Ends the digest. False when libcrypto refuses. */
bool shelf_key_end(struct digest *digest, char ret[SHELF_KEY_TEXT + 1]);
