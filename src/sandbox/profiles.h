/* profiles — what each kind of process may do once it is sealed: one row for each. */
#pragma once
#include "shim/filter.h"

struct sandbox_profile {
    const char *name;               /* what ps shows */
    const struct filter_row *calls; /* the system calls it may make; all others kill it */
    /* Bytes it may map beyond what it has when it is sealed: to write to, and in all. Files
     * that it only reads count for the second. */
    size_t memory, address;
    uint32_t files; /* descriptors it may hold */
    uint64_t file;  /* bytes of a file that it may write at most; UINT64_MAX: any */
};

/* Parses and matches hostile bytes: reads the descriptors it is handed on its socket
 * (SANDBOX_FIRST), answers there. Not even a descriptor of its own can it make. */
extern const struct sandbox_profile profile_worker;
/* The same, for the rules of strangers: parses and compiles them, and writes what comes of it
 * into the file that it was started with (SANDBOX_FIRST + 1). */
extern const struct sandbox_profile profile_compiler;
/* As the first; and it writes what comes out of encrypted files to the descriptors that it is
 * handed for that. */
extern const struct sandbox_profile profile_writer;

/* What a process gives up that opens the user's files and starts the others; the rest is
 * granted. */
extern const struct filter_row profiles_reader[];

/* Builds with AddressSanitizer make a few calls more, and map terabytes of shadow. */
#ifdef __SANITIZE_ADDRESS__
#define SANDBOX_SANITIZED
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define SANDBOX_SANITIZED
#endif
#endif

#ifdef SANDBOX_SANITIZED
extern const struct filter_row profiles_sanitizer_calls[];
#endif
