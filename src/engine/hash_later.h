/* hash_later — MD5 of objects and of their sections, put off until there are many to compute
 * side by side.
 *
 * One stream of MD5 waits for itself most of the time, and where signatures fit any size, every
 * object is digested; the sections of one program are few, and one of them is most of it.
 * Nearly none is known: so only that is found out here, for which tag something was. Whoever
 * drives the scanner then examines what has the tag once more, with digests taken at once.
 *
 * Objects are copied, as a whole, but for what stays where it is; a tag is a number below
 * HASH_LATER_TAGS. They go through lanes that are full as long as objects come. */
#pragma once
#include "match/hash/md5_lanes.h"
#include "match/hashes.h"

enum { HASH_LATER_JOBS = 512, HASH_LATER_TABLES = 16, HASH_LATER_TAGS = 192 };

struct hash_later_job {
    struct md5_job md5; /* first: what comes out of a lane is this */
    bytes part;         /* what it is of, where it lay when it was taken in */
    size_t room;        /* where the copy of its object begins, or would have begun */
    uint32_t tag;
    enum hash_scope scope;
    bool done;
};

struct hash_later {
    /* The driver's: where copies go; the tables to ask; whose objects these are; whether any
     * are taken at all; an object that stays where it is until its tag is settled. */
    uint8_t *room;
    size_t size;
    const struct hashes *tables[HASH_LATER_TABLES];
    uint32_t table_count;
    uint32_t tag;
    bool open;
    bytes stays; /* with all objects that lie in it */
    /* Objects of each tag that wait, and whether something was known of others. */
    uint32_t waiting[HASH_LATER_TAGS];
    bool known[HASH_LATER_TAGS];
    size_t room_end;     /* of the last copy; the first one is that of `first` */
    bytes object;        /* that was taken last, if its copy may be used: where it lay, */
    const uint8_t *kept; /* and lies, */
    size_t kept_room;    /* where in the room, */
    uint64_t kept_first; /* and its first job */
    /* A queue: from `first` on they wait, from `next` on they are in no lane. */
    uint64_t first, next, end;
    struct hash_later_job jobs[HASH_LATER_JOBS];
    struct md5_lanes lanes;
};

/* Once, when the driver has filled in its part. */
void hash_later_begin(struct hash_later *later);
/* Takes a part of the object in: all of it, or a section. False: its digest is to be computed
 * at once. What was taken in already (several rulesets ask) is not taken again. */
bool hash_later_add(struct hash_later *later, bytes object, bytes part, enum hash_scope scope);
/* Another object follows, which may lie where the last one did. */
void hash_later_next(struct hash_later *later);
/* Computes what was put off of a tag, and whatever is in other lanes on the way. */
void hash_later_settle(struct hash_later *later, uint32_t tag);
