/* crew — sealed processes that read an encrypted archive, look for its keys together, and write
 * it without encryption through shared memory.
 *
 *     crew_attack     each reads the archive, takes the next values that nobody has tried; the
 *                     page says how far they are, and the keys when one has found them
 *     crew_password   the same for passwords
 *     crew_open       one reads the archive and hands over what it is without encryption
 *
 * What a crew says are numbers and text that is made harmless; keys prove themselves by the
 * CRC-32 of what they open. */
#pragma once
#include "rescue/zip/archive.h"
#include "rescue/zip/password.h"
#include "sandbox/sandbox.h"

enum { CREW_MOST = 16, CREW_NAME = 1024, CREW_KNOWN = 4096, CREW_WINDOW = 1 << 20 };

/* Shared by all. */
struct crew_page {
    volatile uint32_t next;   /* value, or first byte of passwords, that nobody has taken */
    volatile uint32_t done;   /* tried to the end */
    volatile uint32_t values; /* in all; 0: not known yet */
    volatile bool stop, found;
    struct zip_keys keys;
    char password[PASSWORD_MOST + 1];
    /* Of the first of them, before it starts: */
    volatile bool ready;
    int32_t error;
    struct why why;
    uint32_t members, legacy, other, known, row;
    char name[CREW_NAME]; /* of the member that is attacked, without control characters */
    /* crew_open: */
    volatile uint64_t size; /* bytes in the window */
    struct archive_result result;
    uint8_t window[CREW_WINDOW];
};

struct crew_job {
    int archive; /* descriptor */
    uint64_t archive_size;
    int plain; /* a file that is in the archive, or -1 */
    uint64_t plain_size;
    bytes member; /* its name there; empty: found by size and CRC-32, or the easiest */
    const struct attack_known *known; /* given by the user: offsets in the plain member */
    size_t known_count;
    uint32_t from; /* the first value to try: to go on */
    enum cpu_level level;
};

struct crew {
    struct sandbox_child child[CREW_MOST];
    size_t n;
    struct crew_page *page;
};

/* Starts `processes` of them. From a process without threads. */
int crew_attack(const struct crew_job *job, size_t processes, struct crew *ret,
                struct why *why) MUST_USE;
/* Passwords of `len` bytes of `set` for keys. */
int crew_password(struct zip_keys keys, const struct password_set *set, unsigned len,
                  size_t processes, struct crew *ret, struct why *why) MUST_USE;
/* Waits up to `milliseconds` for their end; true: all have ended. */
bool crew_wait(struct crew *crew, int milliseconds);
/* The archive without encryption to `write`. */
int crew_open(const struct crew_job *job, struct zip_keys keys,
              int (*write)(void *context, bytes part), void *context,
              struct archive_result *ret, struct why *why) MUST_USE;
/* Stops what still runs. */
void crew_end(struct crew *crew);
