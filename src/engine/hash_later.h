/* hash_later — MD5 of objects, put off until there are many to compute side by side.
 *
 * One stream of MD5 waits for itself most of the time, and where signatures fit any size, every
 * object is digested. Nearly none is known: so only that is found out here, for which tag
 * something was. Whoever drives the scanner then examines what has the tag once more, with
 * digests taken at once.
 *
 * Objects are copied; a tag is a number below 64. */
#pragma once
#include "match/hash/md5_lanes.h"
#include "match/hashes.h"

enum { HASH_LATER_JOBS = 512, HASH_LATER_TABLES = 16 };

struct hash_later {
    /* The driver's: where copies go; the tables to ask; whose objects these are; whether any
     * are taken at all. */
    uint8_t *room;
    size_t size;
    const struct hashes *tables[HASH_LATER_TABLES];
    uint32_t table_count;
    uint32_t tag;
    bool open;
    /* Tags of what must be examined again, as bits. */
    uint64_t known;
    size_t used;
    uint32_t count;
    const uint8_t *last; /* the object that was taken last: several rulesets ask for it */
    struct md5_job jobs[HASH_LATER_JOBS];
    uint8_t tags[HASH_LATER_JOBS];
};

/* Takes the object in. False: its digest is to be computed at once. */
bool hash_later_add(struct hash_later *later, bytes data);
/* Another object follows, which may lie where the last one did. */
void hash_later_next(struct hash_later *later);
/* Computes all digests that were put off. */
void hash_later_settle(struct hash_later *later);
