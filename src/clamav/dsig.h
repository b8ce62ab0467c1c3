/* dsig — the signatures that ClamAV writes into its containers and patches: a number in digits
 * of 6 bits, the least first, raised by RSA with a public key that ClamAV publishes
 * (libclamav/dsig.c, readdb.c, cdiff.rs). */
#pragma once
#include "base/base.h"

enum dsig_key {
    DSIG_HEADER, /* of a container's MD5: 1024 bits, nothing around the MD5. Weak */
    DSIG_INFO,   /* of its list of files: 2048 bits, PSS with SHA-256 */
    DSIG_DIFF,   /* of a .cdiff: the same */
};

/* Whether `text` signs the MD5 (16 bytes) with DSIG_HEADER. */
bool dsig_signs_md5(bytes text, const uint8_t *md5);
/* Whether `text` signs the SHA-256 (32 bytes) with DSIG_INFO or DSIG_DIFF. */
bool dsig_signs(enum dsig_key key, bytes text, const uint8_t *sha256);
