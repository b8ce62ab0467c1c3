/* profile — what one file and everything in it may cost: `--profile`. */
#pragma once
#include "definitions/definitions.h"
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
/* Puts those of the definitions (.pwdb files of ClamAV), then these, behind the `count`
 * passwords that the user gave; how many there are then, at most PROFILE_PASSWORDS. */
uint32_t profile_add_passwords(const struct definitions *sets, int set_count, uint32_t count,
                               bytes ret[PROFILE_PASSWORDS]);
