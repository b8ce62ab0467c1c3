/* profile — what one file and everything in it may cost: `--profile`. */
#pragma once
#include "unpack/unpack.h"

struct profile {
    const char *name, *purpose;
    struct unpack_limits limits;
    size_t memory;      /* for unpacked objects that are examined at the same time */
    int64_t timeout_ms; /* for the file with everything in it */
};

/* Ends with a row without a name. The second is the default. */
extern const struct profile profile_table[];

enum { PROFILE_MAIL, PROFILE_SERVER, PROFILE_DEEP };

enum { PROFILE_PASSWORDS = 32 };

/* Passwords that people customarily give to archives with malware, for people who examine it;
 * ends with NULL. */
extern const char *const profile_passwords[];
